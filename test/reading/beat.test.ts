/**
 * A file of gigabytes on a slow disk takes longer to read than a loop may stand still. So each chunk of it is told, and
 * whoever watches the loops knows that it moves.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { artefactBodies } from '../../src/reading/bodies.ts';
import { beating } from '../../src/reading/beat.ts';
import { readyBody } from '../../src/reading/readyBody.ts';
import { OpenFolder, readChunkBytes } from '../../src/system/files.ts';
import { test as rootTest } from '../intake/root.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { folderWith, meta, names, read, temporaryFolder } from './folder.ts';

const chunks = 12;
const large = 'x'.repeat(chunks * readChunkBytes);
const { signal: never } = new AbortController();
const limits = { fileBytesMax: 2 * large.length };

const kinds = [
  { name: 'a document', files: { 'input.json': JSON.stringify({ large }) }, input: 'input.json' },
  { name: 'a text', files: { 'input.txt': large }, input: 'input.txt' },
  { name: 'a directory', files: { 'input/a': large, 'input/b': large }, input: 'input/' },
] as const;

test.each(kinds)(
  'reading $name tells of each chunk, and so does making it ready',
  async ({ files, input }) => {
    const path = folderWith({ ...files, 'output.json': '{}', 'meta.json': meta });
    const mapping = { ...names, input: [input] };
    let beats = 0;
    const beat = (): void => {
      beats += 1;
    };
    const verdict = await read(path, { names: mapping, beat, ...limits }, { names: mapping, ...limits });
    if (verdict.kind !== 'complete') throw new Error(JSON.stringify(verdict));
    expect(beats).toBeGreaterThanOrEqual(chunks);

    beats = 0;
    const folder = await OpenFolder.open(path);
    const [body] = artefactBodies(verdict.content, '');
    if (body === undefined) throw new Error('there is an input');
    const ready = await readyBody(
      folder,
      verdict.content,
      body,
      join(temporaryFolder(), 'spool'),
      never,
      beat,
    );
    expect(beats).toBeGreaterThanOrEqual(chunks);

    beats = 0;
    let sent = 0;
    for await (const chunk of beating(ready.read(), beat)) sent += chunk.length;
    expect(sent).toBe(ready.bytes);
    expect(beats).toBeGreaterThan(0);
    await ready.close();
    await folder.close();
  },
);

test('a body that is given up half-way is closed, although it tells', async () => {
  let isClosed = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let n = 0; ; n += 1) yield await Promise.resolve(n);
    } finally {
      isClosed = true;
    }
  }
  for await (const n of beating(endless(), () => undefined)) if (n === 3) break;
  expect(isClosed).toBe(true);
});

rootTest('the loop of a drop root moves while one of its folders is being read', async ({ root }) => {
  let beats = 0;
  root.onProgress = () => {
    beats += 1;
  };
  root.drop('large', { ...plan('large'), 'output.json': { large } });
  // Nothing but this folder is looked at, and it is looked at once for its quiet time and once to be read.
  const { stop } = root.start({ scanEveryMs: 3_600_000 });
  await until('the folder to be complete', async () => (await root.count('queued')) === 1);
  expect(beats).toBeGreaterThan(chunks);
  await stop();
});
