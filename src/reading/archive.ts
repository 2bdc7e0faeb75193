/**
 * Multi-file content as the platform takes it (contract: multi-file archive): a gzipped tar of regular files, by their
 * paths below a directory. The bytes depend on names, modes and contents alone, so the same files make the same archive.
 * It is written to a file without a name first, because storage wants to know the length beforehand and a failed upload
 * wants the same bytes again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, opendir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { Header, Pack, ReadEntry } from 'tar';
import { leftOutOfArchives } from '../core/content.ts';
import { membersPiecewise } from '../core/identity.ts';
import { sortedPiecewise } from '../core/piecewise.ts';
import {
  errorCode,
  markOf,
  OpenFolder,
  readChunkBytes,
  sameMark,
  type FileMark,
  type HeldFile,
} from '../system/files.ts';
import { entriesMax, type ArchiveLimits } from './archiveLimits.ts';
import { changedMeanwhile, rejected } from './artefact.ts';
import type { Beat } from './beat.ts';
import { inTurns } from './inTurns.ts';
import type { Entry, MappedArchive } from './mapping.ts';
import { shown } from './shown.ts';
import { byName } from './sight.ts';
import { entryOf } from './sightFolder.ts';

/** Every member has this time, so that touching a file does not make another archive. */
const memberTime = new Date(0);

/** An archive that is whole, in a file that nobody else can name and that is gone when it is closed. */
export class SpooledArchive {
  readonly bytes: number;
  /** Of the archive itself, lower-case hex. */
  readonly sha256: string;
  readonly files: number;
  readonly unpackedBytes: number;
  /** What its files are known by (`membersDigest`), with their paths in the folder. */
  readonly membersSha256: string;
  readonly #file: FileHandle;

  constructor(file: FileHandle, facts: Omit<SpooledArchive, 'read' | 'close'>) {
    this.#file = file;
    this.bytes = facts.bytes;
    this.sha256 = facts.sha256;
    this.files = facts.files;
    this.unpackedBytes = facts.unpackedBytes;
    this.membersSha256 = facts.membersSha256;
  }

  /** Its bytes from the beginning, as often as wanted. @throws SpoolTrouble */
  async *read(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.bytes;) {
      const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, this.bytes - at));
      const { bytesRead } = await spooling(this.#file.read(buffer, 0, buffer.length, at));
      if (bytesRead === 0) throw new SpoolTrouble('it became shorter while it lay there');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The machine does not take the archive, or does not give it back: what it is made of may be well. */
export class SpoolTrouble extends Error {
  readonly code: string | undefined;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'SpoolTrouble';
    this.code = errorCode(cause);
  }
}

/** Which files of a folder an archive has. */
export type Selection = Pick<MappedArchive, 'base' | 'entries'>;

/**
 * @param path of the directory whose content is wanted
 * @param spoolDir where the archive lies until it is closed: it takes up to the size of the content there
 * @throws Verdict where something in it is no regular file, is too much, or moves while it is read; SpoolTrouble
 */
export async function spoolArchive(
  path: string,
  spoolDir: string,
  limits: ArchiveLimits,
  signal: AbortSignal,
): Promise<SpooledArchive> {
  const folder = await OpenFolder.open(path);
  try {
    return await spoolSelection(folder, null, spoolDir, limits, signal);
  } finally {
    await folder.close();
  }
}

/**
 * Likewise of a part of a folder.
 * @param selection null: everything in it
 */
export async function spoolSelection(
  folder: OpenFolder,
  selection: Selection | null,
  spoolDir: string,
  limits: ArchiveLimits,
  signal: AbortSignal,
  beat: Beat = () => undefined,
): Promise<SpooledArchive> {
  const spool = await spooling(openSpool(spoolDir));
  try {
    return await packInto(spool, folder, selection, limits, signal, beat);
  } catch (error) {
    await spool.close();
    throw error;
  }
}

/** Our own side of it: what goes wrong here says nothing of the folder. */
async function spooling<T>(doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (error) {
    throw errorCode(error) === undefined ? error : new SpoolTrouble(error);
  }
}

async function openSpool(spoolDir: string): Promise<FileHandle> {
  const name = join(spoolDir, `.runtrackd-${randomUUID()}.tar.gz`);
  const spool = await open(name, 'wx+', 0o600);
  // From here on it has no name: whatever becomes of the process, nothing of it stays behind.
  await rm(name);
  return spool;
}

/** All of a chunk: a disk on which room runs out takes a part of it, and calls that no error. */
async function writeAt(spool: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const { bytesWritten } = await spool.write(chunk, written, chunk.length - written, at + written);
    if (bytesWritten === 0) throw new SpoolTrouble('the disk takes no more of it');
    written += bytesWritten;
  }
}

async function packInto(
  spool: FileHandle,
  folder: OpenFolder,
  selection: Selection | null,
  limits: ArchiveLimits,
  signal: AbortSignal,
  beat: Beat,
): Promise<SpooledArchive> {
  // Paths stay as they are: ours lead nowhere but below the directory, and `T:1.csv` or `\\a` are plain names here.
  const pack = new Pack({ portable: true, mtime: memberTime, strict: true, preservePaths: true });
  // Not tar's own gzip, which holds the loop while it works.
  const packed = pack.pipe(createGzip());
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const count = new Count(limits);
  const before = createHash('sha256');
  const members: { path: string; bytes: number; sha256: string }[] = [];
  const base = selection?.base ?? '';
  const packing = async (): Promise<void> => {
    for await (const member of membersOf(folder, selection, count)) {
      stop.throwIfAborted();
      before.update(markText(member.path, member.mark));
      const sha256 = await addMember(pack, member, stop, beat);
      members.push({ path: `${base}${member.path}`, bytes: member.mark.bytes, sha256 });
    }
    pack.end();
  };
  const hash = createHash('sha256');
  let bytes = 0;
  const storing = async (): Promise<void> => {
    for await (const chunk of packed as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await spooling(writeAt(spool, chunk, bytes));
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
  for await (const { path, mark } of membersOf(folder, selection, new Count(limits)))
    after.update(markText(path, mark));
  if (before.digest('hex') !== after.digest('hex')) throw changedMeanwhile('the directory');
  return new SpooledArchive(spool, {
    bytes,
    sha256: hash.digest('hex'),
    files: count.files,
    unpackedBytes: count.bytes,
    membersSha256: await inTurns(membersPiecewise(members)),
  });
}

/** A file of an archive, open. */
export interface Member {
  /** As the archive has it, with `/` between names. */
  readonly path: string;
  readonly file: HeldFile;
  readonly mark: FileMark;
  readonly mode: number;
}

/** What has been seen of the tree, against its limits. */
class Count {
  readonly limits: ArchiveLimits;
  files = 0;
  bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.limits = limits;
  }

  add(path: string, bytes: number): void {
    this.files += 1;
    this.bytes += bytes;
    const { filesMax, unpackedBytesMax, fileBytesMax = Infinity } = this.limits;
    if (this.files > filesMax) throw tooMuch(`more than ${String(filesMax)} files`);
    if (this.bytes > unpackedBytesMax) throw tooMuch(`more than ${String(unpackedBytesMax)} bytes`);
    if (bytes > fileBytesMax)
      throw tooMuch(`${shown(path)}, which has more than ${String(fileBytesMax)} bytes`);
  }

  checkDepth(depth: number): void {
    if (depth > this.limits.depthMax) throw tooMuch(`more than ${String(this.limits.depthMax)} levels`);
  }
}

/** Every regular file of a selection, in the order of the archive; each is closed when the next is asked for. */
export async function* readMembers(
  folder: OpenFolder,
  selection: Selection,
  limits: ArchiveLimits,
): AsyncGenerator<Member> {
  yield* membersOf(folder, selection, new Count(limits));
}

async function* membersOf(
  folder: OpenFolder,
  selection: Selection | null,
  count: Count,
): AsyncGenerator<Member> {
  if (selection === null) yield* membersBelow(folder, '', 0, count);
  else if (selection.base === '') yield* membersAmong(folder, selection.entries, '', 0, count);
  else {
    const inner = await OpenFolder.open(folder.pathOf(selection.base.slice(0, -1)));
    try {
      yield* membersBelow(inner, '', 0, count);
    } finally {
      await inner.close();
    }
  }
}

async function* membersBelow(
  folder: OpenFolder,
  prefix: string,
  depth: number,
  count: Count,
): AsyncGenerator<Member> {
  count.checkDepth(depth);
  yield* membersAmong(folder, await entriesOf(folder, prefix), prefix, depth, count);
}

async function* membersAmong(
  folder: OpenFolder,
  entries: readonly Entry[],
  prefix: string,
  depth: number,
  count: Count,
): AsyncGenerator<Member> {
  for (const { name, kind } of entries) {
    const path = `${prefix}${name}`;
    if (name === leftOutOfArchives) continue;
    if (kind === 'directory') {
      const inner = await OpenFolder.open(folder.pathOf(name));
      try {
        yield* membersBelow(inner, `${path}/`, depth + 1, count);
      } finally {
        await inner.close();
      }
    } else if (kind === 'other') throw notRegular(path);
    else yield* memberAt(folder, name, path, count);
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
    count.add(path, Number(stats.size));
    yield { path, file, mark: markOf(stats), mode: Number(stats.mode) };
  } finally {
    await file.close();
  }
}

async function entriesOf(folder: OpenFolder, prefix: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  // Through the held descriptor, so that a directory that is swapped for a link is not followed.
  for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
    if (entry.name.includes('\uFFFD'))
      throw rejected(
        `a name in ${shown(prefix) || 'it'} is not UTF-8`,
        'Rename the file: the platform takes UTF-8 names.',
      );
    entries.push(entryOf(entry));
    if (entries.length > entriesMax)
      throw tooMuch(`more than ${String(entriesMax)} entries in one directory`);
  }
  return await inTurns(sortedPiecewise(entries, byName));
}

/** Reads an open member to its end. @returns its digest @throws Verdict where it moved meanwhile */
export async function readMember(
  { path, file, mark }: Member,
  use: (chunk: Buffer) => Promise<void> | void,
): Promise<string> {
  const hash = createHash('sha256');
  for (let total = 0; total < mark.bytes;) {
    const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, mark.bytes - total));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, total);
    if (bytesRead === 0) throw changedMeanwhile(path);
    total += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await use(chunk);
  }
  if (!sameMark(mark, markOf(await file.stat({ bigint: true })))) throw changedMeanwhile(path);
  return hash.digest('hex');
}

async function addMember(pack: Pack, member: Member, stop: AbortSignal, beat: Beat): Promise<string> {
  const { path, mark, mode } = member;
  const entry = new ReadEntry(
    new Header({ path, size: mark.bytes, mode: mode & 0o777, mtime: memberTime, type: 'File' }),
  );
  pack.add(entry);
  const sha256 = await readMember(member, async (chunk) => {
    stop.throwIfAborted();
    beat();
    if (!entry.write(chunk)) await once(entry, 'drain', { signal: stop });
  });
  const ended = entry.emittedEnd ? Promise.resolve() : once(entry, 'end', { signal: stop });
  entry.end();
  await ended;
  return sha256;
}

function markText(path: string, { bytes, mtimeNs, ctimeNs, ino }: FileMark): string {
  return `${JSON.stringify([path, bytes, String(mtimeNs), String(ctimeNs), String(ino)])}\n`;
}

function notRegular(path: string) {
  return rejected(
    `${shown(path)} is neither a regular file nor a directory`,
    'Put the file itself in the place of a link, and leave pipes and devices out.',
  );
}

function tooMuch(what: string) {
  return rejected(
    `the directory holds ${what}`,
    'Leave out what the run does not need, or pack it yourself.',
  );
}
