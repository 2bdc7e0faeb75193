/**
 * A document of a run as it comes back: into memory up to a limit, or into a directory without one. An archive is
 * unpacked on the way; only files and directories of it are taken, and nothing is put outside of where it belongs.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Parser, Unpack, type ReadEntry } from 'tar';
import { RuntrackdError } from '../core/failure.ts';
import { failureOfContent } from '../platform/answers.ts';
import { archiveLimits } from '../reading/archive.ts';
import { writeWhole } from '../system/files.ts';
import type { RunContent } from './answers.ts';

export interface ContentPlace {
  /** Made if it is not there; files of the same name in it are replaced. Null: memory. */
  readonly directory: string | null;
  /** What memory may hold of one document, in bytes. */
  readonly memoryBytesMax: number;
}

export const memoryBytesMaxByDefault = 256 * 1024 * 1024;
const fileMode = 0o644;

/**
 * @param role names the file that is written: `output.json`
 * @throws RuntrackdError (content-too-large, unreadable-answer)
 */
export async function receiveContent(
  chunks: AsyncIterable<Uint8Array>,
  format: string,
  role: 'input' | 'output',
  place: ContentPlace,
): Promise<RunContent> {
  const { isGzip, all } = await peeked(chunks);
  // What is no JSON comes as an archive, or as the text that it is.
  if (format !== 'json' && isGzip) return await receiveArchive(all, format, role, place);
  const none = { format, files: null, leftOut: [] };
  if (place.directory !== null) {
    const path = join(place.directory, `${role}.${format === 'json' ? 'json' : 'txt'}`);
    await mkdir(place.directory, { recursive: true });
    await writeWhole(path, all, fileMode, null);
    return { ...none, data: null, path };
  }
  const text = (await inMemory(all, role, place.memoryBytesMax)).toString('utf8');
  return { ...none, data: format === 'json' ? parsedJson(text, role) : text, path: null };
}

/** A JSON document that came inline. */
export async function contentOfText(
  text: string,
  role: 'input' | 'output',
  place: ContentPlace,
): Promise<RunContent> {
  const chunks = async function* () {
    yield await Promise.resolve(Buffer.from(text));
  };
  return await receiveContent(chunks(), 'json', role, place);
}

async function receiveArchive(
  chunks: AsyncIterable<Uint8Array>,
  format: string,
  role: string,
  { directory, memoryBytesMax }: ContentPlace,
): Promise<RunContent> {
  const leftOut: string[] = [];
  const count = { files: 0, bytes: 0 };
  const files = new Map<string, Buffer>();
  const wanted = (path: string, type: string, bytes: number): boolean => {
    if (type === 'Directory') return true;
    if (type !== 'File' && type !== 'OldFile' && type !== 'ContiguousFile') {
      leftOut.push(path);
      return false;
    }
    count.files += 1;
    count.bytes += bytes;
    const bytesMax = directory === null ? memoryBytesMax : archiveLimits.unpackedBytesMax;
    if (count.bytes > bytesMax || count.files > archiveLimits.filesMax) throw tooLarge(role, bytesMax);
    return true;
  };
  if (directory === null) {
    await feed(
      new Parser({
        strict: true,
        onReadEntry: (entry) => {
          if (entry.type === 'Directory' || !wanted(entry.path, entry.type, entry.size)) entry.resume();
          else collect(entry, (bytes) => files.set(entry.path, bytes));
        },
      }),
      chunks,
      role,
    );
  } else {
    await mkdir(directory, { recursive: true });
    const filter = (path: string, entry: unknown): boolean => {
      const { type, size } = entry as ReadEntry;
      return wanted(path, type, size);
    };
    await feed(
      new Unpack({ cwd: directory, strict: true, preserveOwner: false, noMtime: true, filter }),
      chunks,
      role,
    );
  }
  return { format, data: null, files: directory === null ? files : null, path: directory, leftOut };
}

function collect(entry: ReadEntry, keep: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => chunks.push(chunk));
  entry.on('end', () => keep(Buffer.concat(chunks)));
}

/** Gives an archive to whoever takes it apart. @throws what goes wrong there, named */
async function feed(taker: Parser | Unpack, chunks: AsyncIterable<Uint8Array>, role: string): Promise<void> {
  const failure = new AbortController();
  taker.on('error', (error) => failure.abort(error));
  // Unpacking is over when the last file is closed, parsing when the last byte is read.
  const over = once(taker, taker instanceof Unpack ? 'close' : 'end', { signal: failure.signal });
  over.catch(() => undefined);
  try {
    for await (const chunk of chunks) {
      failure.signal.throwIfAborted();
      if (!taker.write(Buffer.from(chunk))) await once(taker, 'drain', { signal: failure.signal });
    }
    taker.end();
    await over;
  } catch (error) {
    const reason: unknown = failure.signal.aborted ? failure.signal.reason : error;
    if (reason instanceof RuntrackdError) throw reason;
    // The machine's own errors (a full disk) have an errno; what is left is an archive that is none.
    if (!(reason instanceof Error) || 'errno' in reason) throw reason;
    throw new RuntrackdError(failureOfContent({ what: `unpacking the ${role}`, app: null }, reason.message), {
      cause: reason,
    });
  }
}

async function peeked(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly isGzip: boolean; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  const bytes = first.done === true ? new Uint8Array() : first.value;
  return {
    isGzip: bytes[0] === 0x1f && bytes[1] === 0x8b,
    all: {
      async *[Symbol.asyncIterator]() {
        if (first.done === true) return;
        yield bytes;
        yield* { [Symbol.asyncIterator]: () => iterator };
      },
    },
  };
}

async function inMemory(chunks: AsyncIterable<Uint8Array>, role: string, bytesMax: number): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(role, bytesMax);
    kept.push(chunk);
  }
  return Buffer.concat(kept);
}

function parsedJson(text: string, role: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RuntrackdError(
      failureOfContent({ what: `reading the ${role}`, app: null }, 'it is declared JSON and is not'),
    );
  }
}

function tooLarge(role: string, bytesMax: number): RuntrackdError {
  return new RuntrackdError({
    class: 'content-too-large',
    text: `the ${role} is larger than ${String(bytesMax)} bytes`,
    hint: 'Name a directory for it, or raise memoryBytesMax.',
    reach: 'run',
  });
}
