/** A directory as one archive: what is in it, what is refused, and that nothing of it stays behind. */
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { SpoolTrouble, spoolArchive } from '../../src/reading/archive.ts';
import { archiveLimits, type ArchiveLimits } from '../../src/reading/archiveLimits.ts';
import { isUnmountable, mountSmall } from '../journey/mounts.ts';
import { temporaryFolder } from './folder.ts';
import { cutShort } from './spool.ts';

const { signal: never } = new AbortController();

function directoryWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    if (path.includes('/')) mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test('an archive knows its length and digest, and can be read as often as wanted', async () => {
  const spoolDir = temporaryFolder();
  const files = { 'a.csv': '1', 'sub/b.csv': 'x'.repeat(600_000) };
  const archive = await spoolArchive(directoryWith(files), spoolDir, archiveLimits, never);
  expect(archive).toMatchObject({ files: 2, unpackedBytes: 600_001 });
  // It has no name, so that nothing of it stays behind whatever becomes of the process.
  expect(readdirSync(spoolDir)).toEqual([]);
  const once = await bytesOf(archive.read());
  expect(await bytesOf(archive.read())).toEqual(once);
  expect(once).toHaveLength(archive.bytes);
  expect(createHash('sha256').update(once).digest('hex')).toBe(archive.sha256);
  // The first member stands at the beginning, with no top directory and no "./".
  expect(gunzipSync(once).toString('latin1', 0, 6)).toBe('a.csv\0');
  await archive.close();
});

test.each<{ name: string; limits: Partial<ArchiveLimits>; says: RegExp }>([
  { name: 'too many files', limits: { filesMax: 2 }, says: /more than 2 files/ },
  { name: 'too many bytes', limits: { unpackedBytesMax: 5 }, says: /more than 5 bytes/ },
  { name: 'too many levels', limits: { depthMax: 1 }, says: /more than 1 levels/ },
])('a directory with $name is refused', async ({ limits, says }) => {
  const directory = directoryWith({ a: '12', b: '34', 'c/d/e': '56' });
  const spoolDir = temporaryFolder();
  const packing = spoolArchive(directory, spoolDir, { ...archiveLimits, ...limits }, never);
  await expect(packing).rejects.toThrow(says);
  expect(readdirSync(spoolDir)).toEqual([]);
});

test.each([
  { name: 'a file that comes', move: (directory: string) => writeFileSync(join(directory, 'new'), '1') },
  { name: 'a file that grows', move: (directory: string) => appendFileSync(join(directory, 'a'), '1') },
])('$name when the directory has been read is noticed', async ({ move }) => {
  const directory = directoryWith({ a: '1', b: '2' });
  let asked = 0;
  const limits = {
    ...archiveLimits,
    // Asked once for each file.
    get unpackedBytesMax() {
      asked += 1;
      if (asked === 2) move(directory);
      return archiveLimits.unpackedBytesMax;
    },
  };
  await expect(spoolArchive(directory, temporaryFolder(), limits, never)).rejects.toThrow(/changed while/);
});

test('packing can be given up', async () => {
  const directory = directoryWith({ a: 'x'.repeat(1_000_000) });
  const packing = spoolArchive(
    directory,
    temporaryFolder(),
    archiveLimits,
    AbortSignal.abort(new Error('enough')),
  );
  await expect(packing).rejects.toThrow('enough');
});

type Write = (
  this: FileHandle,
  ...asked: [chunk: Buffer, from: number, bytes: number, at: number]
) => Promise<{ readonly bytesWritten: number }>;

/** Open files share a prototype, by which all of them are written to. @param take how much of a chunk the disk takes */
async function diskThatTakes(take: (bytes: number) => number): Promise<void> {
  const one = await open(join(temporaryFolder(), 'any'), 'w');
  const shared = Object.getPrototypeOf(one) as { write: Write };
  await one.close();
  const { write } = shared;
  shared.write = async function (chunk, from, bytes, at) {
    const taken = take(bytes);
    return taken === 0 ? { bytesWritten: 0 } : await write.call(this, chunk, from, taken, at);
  };
  onTestFinished(() => void (shared.write = write));
}

test('a disk that takes only a part at first, because room comes back, has all of it in the end', async () => {
  await diskThatTakes((bytes) => Math.ceil(bytes / 3));
  const directory = directoryWith({ a: randomBytes(50_000).toString('hex') });
  const archive = await spoolArchive(directory, temporaryFolder(), archiveLimits, never);
  const bytes = await bytesOf(archive.read());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(archive.sha256);
  expect(gunzipSync(bytes).length).toBeGreaterThan(100_000);
  await archive.close();
});

test('a disk that takes nothing any more, and says of no error, is told of', async () => {
  await diskThatTakes(() => 0);
  const packing = spoolArchive(directoryWith({ a: '1' }), temporaryFolder(), archiveLimits, never);
  await expect(packing).rejects.toThrow(SpoolTrouble);
});

test.skipIf(isUnmountable)('a disk that is full a few bytes before the end takes no archive', async () => {
  const spoolDir = temporaryFolder();
  onTestFinished(mountSmall(spoolDir, 1));
  // Nothing that packing makes smaller. What is left for the last chunk is more than a page of the disk.
  const directory = directoryWith({});
  writeFileSync(join(directory, 'a'), randomBytes(500_000));
  const whole = await spoolArchive(directory, spoolDir, archiveLimits, never);
  await whole.close();
  const { bavail, bsize } = statfsSync(spoolDir);
  const pages = Math.ceil(whole.bytes / bsize);
  writeFileSync(join(spoolDir, 'ballast'), Buffer.alloc((bavail - pages + 1) * bsize));
  const packing = spoolArchive(directory, spoolDir, archiveLimits, never);
  await expect(packing).rejects.toMatchObject({ name: 'SpoolTrouble', code: 'ENOSPC' });
});

test.skipIf(process.platform !== 'linux')(
  'an archive of which a part is lost while it lies there is trouble of the machine',
  async () => {
    const spoolDir = temporaryFolder();
    const archive = await spoolArchive(directoryWith({ a: '1' }), spoolDir, archiveLimits, never);
    cutShort(spoolDir, 10);
    await expect(bytesOf(archive.read())).rejects.toThrow(SpoolTrouble);
    await archive.close();
  },
);
