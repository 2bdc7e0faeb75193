/**
 * The files that pages refer to: their look, their icon, the script that draws, and the two libraries it draws with,
 * out of node_modules. Everything comes from this server; a page asks no other one for anything.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import { etag } from 'hono/etag';
import type { PageEnv } from './guard.ts';
import { look } from './look.ts';

/** What charts are drawn with in the browser. */
export type Library = 'chartjs' | 'plotly';

export const scripts = {
  chartjs: '/page/chart.js',
  plotly: '/page/plotly.js',
  drawing: '/page/drawing.js',
} as const;

const require = createRequire(import.meta.url);

/** The ready-made files for a browser; chart.js names its own only beside its main one. */
const files: Readonly<Record<Library | 'drawing', () => string>> = {
  chartjs: () => join(dirname(require.resolve('chart.js')), 'chart.umd.min.js'),
  plotly: () => require.resolve('plotly.js-basic-dist-min'),
  drawing: () => fileURLToPath(new URL('./drawing.js', import.meta.url)),
};

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b5c6b"/>
<path d="M7 22l6-8 5 4 7-10" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>
<path d="M5 27h22" stroke="#f0b429" stroke-width="3" stroke-dasharray="4 2"/>
</svg>`;

export function serveFiles(page: Hono<PageEnv>): void {
  // Asked for again each time, and then mostly answered by "not changed": a newer version is seen at once.
  for (const path of ['/page/look.css', '/page/icon.svg', ...Object.values(scripts)]) {
    page.use(path, etag(), async (c, next) => {
      await next();
      c.header('cache-control', 'no-cache');
    });
  }
  page.get('/page/look.css', (c) => c.body(look, 200, { 'content-type': 'text/css; charset=utf-8' }));
  page.get('/page/icon.svg', (c) => c.body(icon, 200, { 'content-type': 'image/svg+xml' }));
  for (const name of ['chartjs', 'plotly', 'drawing'] as const) {
    page.get(scripts[name], async (c) =>
      c.body(withoutSourceMap(await readFile(files[name](), 'utf8')), 200, {
        'content-type': 'text/javascript; charset=utf-8',
      }),
    );
  }
}

/** A browser's tools would ask for it, and it is not served. */
function withoutSourceMap(script: string): string {
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '');
}
