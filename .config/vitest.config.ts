import { existsSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = resolve(project, 'src') + sep;

/** Tests import `src/….ts` for its types and run `dist/….js`: what is tested is what is shipped, worker threads included. */
const builtProgram = {
  name: 'built-program',
  enforce: 'pre' as const,
  resolveId(id: string, importer: string | undefined) {
    if (!id.startsWith('.') || importer === undefined) return null;
    const path = resolve(dirname(importer), id);
    if (!path.startsWith(source) || !path.endsWith('.ts')) return null;
    const built = resolve(project, 'dist', path.slice(source.length).replace(/\.ts$/, '.js'));
    if (!existsSync(built)) throw new Error(`${built} is missing: run "npm run build" first`);
    return { id: built, external: true };
  },
};

export default defineConfig({
  root: project,
  plugins: [builtProgram],
  test: {
    include: ['test/**/*.test.ts'],
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    // Most files start programs: two at a time on two cores take half as long as one by one, three are no faster.
    maxWorkers: 2,
    // Whole sentences as names.
    chaiConfig: { truncateThreshold: 0 },
    // Many start programs of their own, which takes seconds on a busy machine; one that hangs is found all the same.
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
