/**
 * Puts the program, and each of the threads and processes that it starts, together with all that these need. A start then
 * reads a few files instead of many hundreds, and takes half the processor.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

/** Native modules load a file beside themselves. */
const external = ['better-sqlite3', 'unix-dgram'];

/** What is started on its own says so by its name. */
const startedName = /^(?:main|.*\/(?:thread|\w+Thread|\w+Process))\.ts$/;

const distMark = '<dist>';

/**
 * @param source the directory of the source
 * @param dist where the compiler has put it: what is started is replaced there, what several of these share is in `chunks`
 */
export async function bundle(source, dist) {
  rmSync(join(dist, 'chunks'), { recursive: true, force: true });
  const started = readdirSync(source, { recursive: true }).filter((file) => startedName.test(file));
  const input = Object.fromEntries(started.map((file) => [file.replace(/\.ts$/, ''), join(source, file)]));
  const bundled = await rolldown({ input, external, platform: 'node', plugins: [filesAsCompiled(source)] });
  await bundled.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    keepNames: true,
  });
  await bundled.close();
}

/** A module finds the files beside it, and other programs to start, from where the compiler has put it. */
const filesAsCompiled = (source) => ({
  name: 'files-as-compiled',
  transform(code, id) {
    if (!id.startsWith(source) || !code.includes('import.meta.url')) return null;
    const compiled = relative(source, id).replace(/\.ts$/, '.js');
    return code.replaceAll('import.meta.url', `new URL('${distMark}/${compiled}', import.meta.url).href`);
  },
  renderChunk(code, { fileName }) {
    return code.replaceAll(distMark, relative(dirname(fileName), '.') || '.');
  },
});
