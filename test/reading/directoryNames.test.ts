/** What is in a directory of any size: whole, in order, and with others having their turn. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { countEntries, directoryNames, namesIn } from '../../src/reading/directoryNames.ts';
import type { FolderOrder, FolderReply } from '../../src/reading/folderThread.ts';
import { temporaryFolder } from './folder.ts';

const noBeat = (): void => undefined;

async function listed(path: string, beat = noBeat) {
  const found = await directoryNames(path, null, beat);
  if (found === null) throw new Error('it was not listed');
  return { ...found, pages: found.directories.map(namesIn) };
}

test('directories come in order and in pages, files are named beside them, and links are no directories', async () => {
  const path = temporaryFolder();
  const names = Array.from({ length: 2_100 }, (_, n) => `plan ${String(n).padStart(4, '0')} ü`);
  for (const name of [...names].reverse()) mkdirSync(join(path, name));
  writeFileSync(join(path, 'input.json'), '{}');
  symlinkSync('/etc', join(path, 'elsewhere'));
  const { pages, files, links, entries, unreadable } = await listed(path);
  expect(pages.map(({ length }) => length)).toEqual([1_024, 1_024, 52]);
  expect(pages.flat()).toEqual(names);
  expect(files.toSorted()).toEqual(['elsewhere', 'input.json']);
  expect(links).toEqual(['elsewhere']);
  expect(entries).toBe(2_102);
  expect(unreadable).toEqual({ count: 0, example: '' });
  expect(countEntries(path, 5_000)).toBe(2_102);
  expect(countEntries(path, 100)).toBe(100);
});

test('a name that begins with a byte order mark is that name, also where it is the first', async () => {
  const path = temporaryFolder();
  for (const name of ['\ufeffplan', '\ufeff']) mkdirSync(join(path, name));
  expect((await listed(path)).pages).toEqual([['\ufeff', '\ufeffplan']]);
});

test('an empty directory has no page', async () => {
  const { pages, entries } = await listed(temporaryFolder());
  expect(pages).toEqual([]);
  expect(entries).toBe(0);
});

test('names that are not UTF-8 are counted where a run folder may be missed, and not among the others', async () => {
  const path = temporaryFolder();
  const odd = (byte: number): Buffer => Buffer.concat([Buffer.from(`${path}/odd `), Buffer.from([byte])]);
  // Whatever loose files are called, nobody looks for them.
  writeFileSync(odd(0xfd), '');
  expect((await listed(path)).unreadable).toEqual({ count: 0, example: '' });
  mkdirSync(odd(0xff));
  symlinkSync('/etc', odd(0xfe));
  mkdirSync(join(path, 'plan'));
  const { pages, links, unreadable } = await listed(path);
  expect(pages).toEqual([['plan']]);
  expect(links).toEqual([]);
  expect(unreadable).toEqual({ count: 2, example: 'odd \ufffd' });
});

test('of files a thousand are named', async () => {
  const path = temporaryFolder();
  for (let n = 0; n < 1_001; n += 1) writeFileSync(join(path, String(n)), '');
  expect((await listed(path)).files).toHaveLength(1_000);
});

test('of links a hundred are named', async () => {
  const path = temporaryFolder();
  for (let n = 0; n < 101; n += 1) symlinkSync('/etc', join(path, String(n)));
  expect((await listed(path)).links).toHaveLength(100);
});

test('what has the same times is not listed again', async () => {
  const path = temporaryFolder();
  mkdirSync(join(path, 'plan'));
  const { times } = await listed(path);
  expect(await directoryNames(path, times, noBeat)).toBeNull();
  utimesSync(path, 1, 1);
  expect(await directoryNames(path, times, noBeat)).not.toBeNull();
});

test('a long listing says that it gets on, and others have their turn meanwhile', async () => {
  const path = temporaryFolder();
  for (let n = 0; n < 9_000; n += 1) writeFileSync(join(path, String(n)), '');
  const worker = new Worker(new URL('../../dist/reading/folderThread.js', import.meta.url));
  try {
    const order = (id: number, name: 'names' | 'mark', args: readonly unknown[]) =>
      worker.postMessage({ kind: 'job', id, name, rules: null, args } satisfies FolderOrder);
    const said: string[] = [];
    const ended = new Promise<void>((resolve) => {
      worker.on('message', (reply: FolderReply) => {
        said.push('isUnderWay' in reply ? 'gets on' : reply.id === 1 ? 'names' : 'mark');
        if (said.includes('names') && said.includes('mark')) resolve();
      });
    });
    order(1, 'names', [path, path, null]);
    order(2, 'mark', [path]);
    await ended;
    expect(said.filter((one) => one === 'gets on')).toHaveLength(2);
    expect(said.at(-1)).toBe('names');
  } finally {
    await worker.terminate();
  }
});
