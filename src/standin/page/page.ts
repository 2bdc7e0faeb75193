/**
 * The web page of the stand-in: what was recorded, to look at in a browser. It only reads. It is no part of the
 * platform's contract, so no fault is spent on it and no hook hears of it: it has to be served before those.
 */
import { Hono, type Context } from 'hono';
import { html } from 'hono/html';
import type { Platform, StandInEnv } from '../platform.ts';
import { Refusal } from '../refusal.ts';
import { appPage } from './appPage.ts';
import { download, downloadAsset } from './documents.ts';
import { framed } from './frame.ts';
import { guarded, type PageEnv } from './guard.ts';
import { keyOnly, serveKey } from './key.ts';
import { runPage } from './runPage.ts';
import { serveFiles } from './served.ts';
import { startPage } from './startPage.ts';

export function servePage(app: Hono<StandInEnv>, platform: Platform): void {
  const page = new Hono<PageEnv>();
  // By their paths: a middleware for all would stand before the API as well.
  for (const path of ['/', '/apps/*', '/page/*']) page.use(path, guarded);
  for (const path of ['/', '/apps/*']) page.use(path, keyOnly(platform), kept);
  serveFiles(page);
  serveKey(page, platform);
  page
    .get('/', (c) => startPage(c, platform))
    .get('/apps/:app', (c) => appPage(c, platform, c.req.param('app')))
    .get('/apps/:app/runs/:run', (c) => runPage(c, platform, runOf(c, platform)))
    .get('/apps/:app/runs/:run/assets/:place', (c) =>
      downloadAsset(c, platform, runOf(c, platform), c.req.param('place')),
    )
    .get('/apps/:app/runs/:run/:document', (c) =>
      download(platform, runOf(c, platform), c.req.param('document')),
    )
    .all('/apps/*', (c) => {
      throw new Refusal(404, `There is no page ${c.req.path}.`);
    });
  page.onError((error, c) => {
    if (error instanceof Refusal) return sorry(c, 'Not here', error.message, error.status);
    return sorry(c, 'The page failed', `This is a bug of the stand-in: ${error.message}`, 500);
  });
  app.route('/', page);
}

/** What was recorded stays out of caches. */
const kept = async (c: Context<PageEnv>, next: () => Promise<void>): Promise<void> => {
  await next();
  c.header('cache-control', 'no-store');
};

function runOf(c: Context<PageEnv>, platform: Platform) {
  const [app, id] = [c.req.param('app') ?? '', c.req.param('run') ?? ''];
  const run = platform.records.run(app, id);
  if (run === undefined) throw new Refusal(404, `There is no run ${id} in app ${app}.`);
  return run;
}

function sorry(c: Context<PageEnv>, title: string, words: string, status: Refusal['status'] | 500) {
  const content = html`<h1>${title}</h1>
    <p>${words}</p>
    <p><a href="/">What was recorded here</a></p>`;
  return c.html(framed({ title, above: [{ words: 'Stand-in', path: '/' }], content }), status);
}
