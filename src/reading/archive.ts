/**
 * Multi-file content as the platform takes it (contract: multi-file archive): a gzipped tar of a directory's regular
 * files, by their paths below it. The bytes depend on names, modes and contents alone, so the same directory makes the
 * same archive. It is written to a file without a name first, because storage wants to know the length beforehand and a
 * failed upload wants the same bytes again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, opendir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Header, Pack, ReadEntry } from 'tar';
import { markOf, OpenFolder, readChunkBytes, sameMark, type FileMark } from '../system/files.ts';
import { notYet, rejected } from './artefact.ts';

export interface ArchiveLimits {
  /** All files together, in bytes. */
  readonly unpackedBytesMax: number;
  readonly filesMax: number;
  readonly depthMax: number;
}

/** What the platform documents; a deeper tree is no solver's output. */
export const archiveLimits: ArchiveLimits = {
  unpackedBytesMax: 2.5 * 1024 ** 3,
  filesMax: 100_000,
  depthMax: 64,
};

/** The official SDK leaves files of this name out, at any depth: its own archive of an earlier time. */
const leftOut = 'inputs.tar.gz';
/** Every member has this time, so that touching a file does not make another archive. */
const memberTime = new Date(0);

/** An archive that is whole, in a file that nobody else can name and that is gone when it is closed. */
export class SpooledArchive {
  readonly bytes: number;
  /** Of the archive itself, lower-case hex. */
  readonly sha256: string;
  readonly files: number;
  readonly unpackedBytes: number;
  readonly #file: FileHandle;

  constructor(file: FileHandle, bytes: number, sha256: string, files: number, unpackedBytes: number) {
    this.#file = file;
    this.bytes = bytes;
    this.sha256 = sha256;
    this.files = files;
    this.unpackedBytes = unpackedBytes;
  }

  /** Its bytes from the beginning, as often as wanted. */
  async *read(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.bytes;) {
      const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, this.bytes - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new Error('the spooled archive became shorter');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * @param path of the directory whose content is wanted
 * @param spoolDir where the archive lies until it is closed: it takes up to the size of the content there
 * @throws Verdict where something in it is no regular file, is too much, or moves while it is read
 */
export async function spoolArchive(
  path: string,
  spoolDir: string,
  limits: ArchiveLimits,
  signal: AbortSignal,
): Promise<SpooledArchive> {
  const folder = await OpenFolder.open(path);
  const name = join(spoolDir, `.runtrackd-${randomUUID()}.tar.gz`);
  let spool: FileHandle | undefined;
  try {
    spool = await open(name, 'wx+', 0o600);
    // From here on it has no name: whatever becomes of the process, nothing of it stays behind.
    await rm(name);
    return await packInto(spool, folder, limits, signal);
  } catch (error) {
    await spool?.close();
    throw error;
  } finally {
    await folder.close();
  }
}

async function packInto(
  spool: FileHandle,
  folder: OpenFolder,
  limits: ArchiveLimits,
  signal: AbortSignal,
): Promise<SpooledArchive> {
  const pack = new Pack({ gzip: true, portable: true, mtime: memberTime, strict: true });
  const packed = pack.pipe(new PassThrough());
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const count = new Count(limits);
  const before = createHash('sha256');
  const packing = async (): Promise<void> => {
    for await (const member of membersOf(folder, '', 0, count)) {
      stop.throwIfAborted();
      before.update(markText(member.path, member.mark));
      await addMember(pack, member, stop);
    }
    pack.end();
  };
  const hash = createHash('sha256');
  let bytes = 0;
  const storing = async (): Promise<void> => {
    for await (const chunk of packed as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await spool.write(chunk, 0, chunk.length, bytes);
      bytes += chunk.length;
    }
  };
  // Whichever ends badly ends the other one too, and its error is the one that is told.
  const fail = (error: unknown): void => {
    if (failure.signal.aborted) return;
    failure.abort(error);
    packed.destroy(error instanceof Error ? error : new Error(String(error)));
  };
  await Promise.all([packing().catch(fail), storing().catch(fail)]);
  failure.signal.throwIfAborted();
  const after = createHash('sha256');
  for await (const { path, mark } of membersOf(folder, '', 0, new Count(limits)))
    after.update(markText(path, mark));
  if (before.digest('hex') !== after.digest('hex')) throw notYet('the directory changed while it was read');
  return new SpooledArchive(spool, bytes, hash.digest('hex'), count.files, count.bytes);
}

interface Member {
  /** Relative to the directory, with `/` between names. */
  readonly path: string;
  readonly file: FileHandle;
  readonly mark: FileMark;
  readonly mode: number;
}

/** What has been seen of the tree, against its limits. */
class Count {
  readonly #limits: ArchiveLimits;
  files = 0;
  bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  add(bytes: number): void {
    this.files += 1;
    this.bytes += bytes;
    const { filesMax, unpackedBytesMax } = this.#limits;
    if (this.files > filesMax) throw tooMuch(`more than ${String(filesMax)} files`);
    if (this.bytes > unpackedBytesMax) throw tooMuch(`more than ${String(unpackedBytesMax)} bytes`);
  }

  checkDepth(depth: number): void {
    if (depth > this.#limits.depthMax) throw tooMuch(`more than ${String(this.#limits.depthMax)} levels`);
  }
}

/** Every regular file below, name by name in the order of their bytes; each is closed when the next is asked for. */
async function* membersOf(
  folder: OpenFolder,
  prefix: string,
  depth: number,
  count: Count,
): AsyncGenerator<Member> {
  count.checkDepth(depth);
  for (const { name, isDirectory, isFile } of await entriesOf(folder, prefix)) {
    const path = `${prefix}${name}`;
    if (isDirectory) {
      const inner = await OpenFolder.open(folder.pathOf(name));
      try {
        yield* membersOf(inner, `${path}/`, depth + 1, count);
      } finally {
        await inner.close();
      }
    } else if (!isFile) throw notRegular(path);
    else if (name !== leftOut) yield* memberAt(folder, name, path, count);
  }
}

async function* memberAt(
  folder: OpenFolder,
  name: string,
  path: string,
  count: Count,
): AsyncGenerator<Member> {
  const file = await folder.openFile(name);
  try {
    const stats = await file.stat({ bigint: true });
    // It may have been replaced since the directory was listed.
    if (!stats.isFile()) throw notRegular(path);
    count.add(Number(stats.size));
    yield { path, file, mark: markOf(stats), mode: Number(stats.mode) };
  } finally {
    await file.close();
  }
}

async function entriesOf(
  folder: OpenFolder,
  prefix: string,
): Promise<{ name: string; isDirectory: boolean; isFile: boolean }[]> {
  const entries = [];
  // Through the held descriptor, so that a directory that is swapped for a link is not followed.
  for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
    if (entry.name.includes('\uFFFD'))
      throw rejected(
        `a name in ${prefix || 'it'} is not UTF-8`,
        'Rename the file: the platform takes UTF-8 names.',
      );
    entries.push({ name: entry.name, isDirectory: entry.isDirectory(), isFile: entry.isFile() });
  }
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

async function addMember(pack: Pack, { path, file, mark, mode }: Member, stop: AbortSignal): Promise<void> {
  const entry = new ReadEntry(
    new Header({ path, size: mark.bytes, mode: mode & 0o777, mtime: memberTime, type: 'File' }),
  );
  pack.add(entry);
  let total = 0;
  while (total < mark.bytes) {
    const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, mark.bytes - total));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, total);
    if (bytesRead === 0) throw notYet(`${path} changed while it was read`);
    total += bytesRead;
    if (!entry.write(buffer.subarray(0, bytesRead))) await once(entry, 'drain', { signal: stop });
  }
  if (!sameMark(mark, markOf(await file.stat({ bigint: true }))))
    throw notYet(`${path} changed while it was read`);
  const ended = entry.emittedEnd ? Promise.resolve() : once(entry, 'end', { signal: stop });
  entry.end();
  await ended;
}

function markText(path: string, { bytes, mtimeNs, ctimeNs, ino }: FileMark): string {
  return `${JSON.stringify([path, bytes, String(mtimeNs), String(ctimeNs), String(ino)])}\n`;
}

function notRegular(path: string) {
  return rejected(
    `${path} is neither a regular file nor a directory`,
    'Put the file itself in the place of a link, and leave pipes and devices out.',
  );
}

function tooMuch(what: string) {
  return rejected(
    `the directory holds ${what}`,
    'Leave out what the run does not need, or pack it yourself.',
  );
}
