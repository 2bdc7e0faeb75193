/**
 * A document of a run as it comes back: into memory up to a limit, or into a directory without one. An archive is
 * unpacked on the way; only files and directories of it are taken, and nothing is put outside of where it belongs.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Parser, ReadEntry, Unpack } from 'tar';
import { RuntrackdError } from '../core/failure.ts';
import { archiveLimits } from '../reading/archiveLimits.ts';
import { memberPaths } from '../reading/memberPaths.ts';
import { errorCode, isSystemError, writeWhole } from '../system/files.ts';
import type { RunContent } from './answers.ts';

export interface ContentPlace {
  /** Made if it is not there; files of the same name in it are replaced. Null: memory. */
  readonly directory: string | null;
  /** What memory may hold of one document, in bytes. */
  readonly memoryBytesMax: number;
}

export const memoryBytesMaxByDefault = 256 * 1024 * 1024;
const fileMode = 0o644;
/** The first bytes of whatever gzip packed. */
const gzipMagic = [0x1f, 0x8b] as const;

/** What is received; it names the file that is written: `output.json`. */
export type Document = 'input' | 'output' | 'asset';

/**
 * @throws RuntrackdError: `content-too-large`; `unreadable-content` for what is not what it has to be, which no second
 *   try will mend; `machine-trouble` where it cannot be written
 */
export async function receiveContent(
  chunks: AsyncIterable<Uint8Array>,
  format: string,
  document: Document,
  place: ContentPlace,
): Promise<RunContent> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const head = await headOf(iterator);
    const all = again(head, iterator);
    if (isArchive(format, Buffer.concat(head), document))
      return await receiveArchive(all, format, document, place);
    return await receiveDocument(all, format, document, place);
  } catch (error) {
    throw named(error, document);
  } finally {
    // Whatever was not wanted is still held open by the other side.
    await iterator.return?.();
  }
}

/**
 * An archive shows by its first bytes, also where it is declared JSON, as the official SDK declares everything. A text is
 * a text, whatever it begins with: a model that was packed by itself is none of ours to unpack.
 * @throws RuntrackdError (unreadable-content) for what is declared an archive and is none
 */
function isArchive(format: string, head: Buffer, document: Document): boolean {
  const isGzip = head[0] === gzipMagic[0] && head[1] === gzipMagic[1];
  if (!isGzip && (format === 'multi-file' || format === 'csv-archive'))
    throw unreadable(document, `it is declared ${format} and is no gzipped archive`);
  return isGzip && format !== 'text';
}

/** A JSON document that came inline. */
export async function contentOfText(
  text: string,
  document: Document,
  place: ContentPlace,
): Promise<RunContent> {
  const chunks = async function* () {
    yield await Promise.resolve(Buffer.from(text));
  };
  return await receiveContent(chunks(), 'json', document, place);
}

async function receiveDocument(
  chunks: AsyncIterable<Uint8Array>,
  format: string,
  document: Document,
  { directory, memoryBytesMax }: ContentPlace,
): Promise<RunContent> {
  const none = { format, files: null, leftOut: [] };
  if (directory !== null) {
    const path = join(directory, `${document}.${format === 'json' ? 'json' : 'txt'}`);
    await mkdir(directory, { recursive: true });
    await writeWhole(path, chunks, fileMode, null);
    return { ...none, data: null, path };
  }
  const text = (await inMemory(chunks, document, memoryBytesMax)).toString('utf8');
  return { ...none, data: format === 'json' ? parsedJson(text, document) : text, path: null };
}

async function receiveArchive(
  chunks: AsyncIterable<Uint8Array>,
  format: string,
  document: Document,
  { directory, memoryBytesMax }: ContentPlace,
): Promise<RunContent> {
  const leftOut: string[] = [];
  const files = new Map<string, Buffer>();
  const count = { members: 0, bytes: 0 };
  const bytesMax = directory === null ? memoryBytesMax : archiveLimits.unpackedBytesMax;
  const isWanted = (path: string, { type, size }: ReadEntry): boolean => {
    // Members without content cost something too: a name, or a directory on the disk.
    count.members += 1;
    if (count.members > archiveLimits.filesMax) throw tooMany(document);
    if (leadsOut(path))
      throw unreadable(document, `it has a member at ${JSON.stringify(path.slice(0, 200))}`);
    if (type === 'Directory') return directory !== null;
    if (type !== 'File' && type !== 'OldFile' && type !== 'ContiguousFile') {
      leftOut.push(path);
      return false;
    }
    count.bytes += size;
    if (count.bytes > bytesMax) throw tooLarge(document, bytesMax);
    return true;
  };
  if (directory === null) {
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        const path = pathOf(entry);
        if (isWanted(path, entry)) collect(entry, (bytes) => files.set(path, bytes));
        else entry.resume();
      },
    });
    const pathOf = memberPaths(parser);
    await feed(parser, 'end', chunks);
  } else await unpackInto(directory, isWanted, chunks);
  return { format, data: null, files: directory === null ? files : null, path: directory, leftOut };
}

type IsWanted = (path: string, entry: ReadEntry) => boolean;

async function unpackInto(
  directory: string,
  isWanted: IsWanted,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const unpack = new SelectiveUnpack(directory, isWanted);
  try {
    // Unpacking is over when the last file is closed, parsing when the last byte is read.
    await feed(unpack, 'close', chunks);
  } finally {
    unpack.stop();
  }
}

/** Puts into a directory what is wanted. The package's own filter is asked before the whole path of a member is known. */
class SelectiveUnpack extends Unpack {
  readonly #isWanted: IsWanted;
  readonly #pathOf = memberPaths(this);
  readonly #open = new Set<ReadEntry>();
  #isStopped = false;

  constructor(directory: string, isWanted: IsWanted) {
    super({ cwd: directory, strict: true, preserveOwner: false, noMtime: true });
    this.#isWanted = isWanted;
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    const [entry] = values;
    if (event !== 'entry' || !(entry instanceof ReadEntry)) return super.emit(event, ...values);
    if (this.#prepare(entry)) return super.emit(event, entry);
    entry.resume();
    return true;
  }

  /** Nothing more is put there, and a file that is not whole is closed all the same. */
  stop(): void {
    this.#isStopped = true;
    for (const entry of this.#open) entry.end();
  }

  #prepare(entry: ReadEntry): boolean {
    if (this.#isStopped) return false;
    const path = this.#pathOf(entry);
    try {
      if (!this.#isWanted(path, entry)) return false;
    } catch (error) {
      // It may be the turn of this one when an earlier file is closed: nobody would catch it there.
      this.#isStopped = true;
      this.emit('error', error);
      return false;
    }
    entry.mode = modeOf(entry);
    // It leads nowhere else, and is not taken for one of another system, with a drive or a host in front.
    entry.path = `./${path}`;
    this.#open.add(entry);
    entry.on('end', () => this.#open.delete(entry));
    return true;
  }
}

/** An absolute path, or one that goes up. */
function leadsOut(path: string): boolean {
  return path.startsWith('/') || path.split('/').includes('..');
}

/** What others may do is the machine's affair; a run's own user can always read, write and remove what came. */
function modeOf({ mode = 0, type }: ReadEntry): number {
  return type === 'Directory' ? 0o755 : 0o644 | (mode & 0o111);
}

function collect(entry: ReadEntry, keep: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => chunks.push(chunk));
  entry.on('end', () => keep(Buffer.concat(chunks)));
}

/** Gives an archive to whoever takes it apart. @throws what goes wrong there */
async function feed(
  taker: Parser | Unpack,
  lastEvent: 'end' | 'close',
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const failure = new AbortController();
  taker.on('error', (error) => failure.abort(error));
  const over = once(taker, lastEvent, { signal: failure.signal });
  over.catch(() => undefined);
  try {
    for await (const chunk of chunks) {
      failure.signal.throwIfAborted();
      if (!taker.write(Buffer.from(chunk))) await once(taker, 'drain', { signal: failure.signal });
    }
    taker.end();
    await over;
  } catch (error) {
    throw failure.signal.aborted ? failure.signal.reason : error;
  }
}

/** What comes first, as much as the beginning of an archive is told by; less only where there is no more. */
async function headOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array[]> {
  const head: Uint8Array[] = [];
  for (let bytes = 0; bytes < gzipMagic.length;) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    bytes += next.value.length;
  }
  return head;
}

async function* again(
  head: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* { [Symbol.asyncIterator]: () => iterator };
}

async function inMemory(
  chunks: AsyncIterable<Uint8Array>,
  document: Document,
  bytesMax: number,
): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(document, bytesMax);
    kept.push(chunk);
  }
  return Buffer.concat(kept);
}

function parsedJson(text: string, document: Document): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(document, 'it is declared JSON and is not');
  }
}

/** What goes wrong with the machine or with an archive gets a name; the rest has one, or is the signal's reason. */
function named(error: unknown, document: Document): unknown {
  if (error instanceof RuntrackdError || !(error instanceof Error)) return error;
  const code = errorCode(error) ?? '';
  if (/^(Z_|TAR_)/.test(code)) return unreadable(document, error.message, error);
  if (!isSystemError(error)) return error;
  return new RuntrackdError(
    {
      class: 'machine-trouble',
      text: `the ${document} cannot be put where it is wanted: ${error.message}`,
      hint: 'Make room, or name a directory that this user may write.',
      reach: 'run',
    },
    { cause: error },
  );
}

function unreadable(document: Document, why: string, cause?: Error): RuntrackdError {
  return new RuntrackdError(
    {
      class: 'unreadable-content',
      text: `the ${document} could not be understood: ${why}`,
      hint: 'It is on the platform as it was sent: look at it there, or fetch it with another tool.',
      reach: 'run',
    },
    { cause },
  );
}

function tooLarge(document: Document, bytesMax: number): RuntrackdError {
  return new RuntrackdError({
    class: 'content-too-large',
    text: `the ${document} is larger than ${String(bytesMax)} bytes`,
    hint: 'Name a directory for it, or raise memoryBytesMax.',
    reach: 'run',
  });
}

function tooMany(document: Document): RuntrackdError {
  return new RuntrackdError({
    class: 'content-too-large',
    text: `the ${document} is an archive of more than ${String(archiveLimits.filesMax)} members`,
    hint: 'Fetch it with another tool, if it is what it should be.',
    reach: 'run',
  });
}
