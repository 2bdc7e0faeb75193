/**
 * What would be left of the outbox if the power went at a certain moment, read from a trace of the kernel's calls. The
 * worst that a disk may do is taken for granted: whatever was written and not synced since then is gone.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Calls that have to be in the trace, which strace has to take with `tracingFlags`. */
export const tracedCalls = ['fsync', 'fdatasync', 'ftruncate', 'pwrite64', 'write', 'writev', 'sendmsg'];
/** Threads, paths of descriptors, and what is written as a whole, in hexadecimal where it is no text. */
export const tracingFlags = [
  '-f',
  '--seccomp-bpf',
  '-qq',
  '-y',
  '-x',
  '-s',
  '1000000',
  '-e',
  `trace=${tracedCalls.join()}`,
];

/** The moment when the first bytes of a request that makes a run go to their socket. */
export interface Leaving {
  /** Of the run that it makes, as its description has it. */
  readonly fingerprint: string;
  /** What a power cut at that moment leaves, by path. */
  readonly left: ReadonlyMap<string, Buffer>;
  /** Whether it would have taken anything: else a disk that loses nothing proves nothing. */
  readonly isLossy: boolean;
}

/** A file as the process sees it, and as the disk has it. */
interface TracedFile {
  written: Buffer;
  synced: Buffer;
  isSynced: boolean;
}

const quoted = String.raw`"([^"\\]*(?:\\.[^"\\]*)*)"`;
const callLine = /^(\d+) +(\w+)\(\d+<([^>]*)>(.*)$/;
const resumedLine = /^(\d+) +<\.\.\. (?:fsync|fdatasync) resumed>\)\s+= 0$/;
const placedWrite = new RegExp(`^, ${quoted}, \\d+, (\\d+)`);
const anyText = new RegExp(quoted, 'g');
const makesRun = /^POST \/v1\/applications\/[^/ ]+\/runs[? ]/;
const fingerprintIn = /\[(rt1:[a-z2-7]{26}) /;

/**
 * @param before the files that are watched, as they lay on the disk when the trace began
 * @param isWatched which other files are; they are empty at first
 */
export function leavings(
  trace: string,
  before: ReadonlyMap<string, Buffer>,
  isWatched: (path: string) => boolean,
): Leaving[] {
  const files = new Map<string, TracedFile>();
  for (const [path, bytes] of before) files.set(path, { written: bytes, synced: bytes, isSynced: true });
  /** A sync that another thread interrupts in the trace is over on a later line. */
  const syncing = new Map<string, string>();
  const onTheirWay = new Map<string, Omit<Leaving, 'fingerprint'>>();
  const found: Leaving[] = [];
  const fileAt = (path: string): TracedFile => {
    const file = files.get(path) ?? { written: Buffer.alloc(0), synced: Buffer.alloc(0), isSynced: true };
    files.set(path, file);
    return file;
  };
  const noteSync = (path: string): void => {
    const file = fileAt(path);
    file.synced = Buffer.from(file.written);
    file.isSynced = true;
  };
  for (const line of trace.split('\n')) {
    const resumed = resumedLine.exec(line);
    const interrupted = syncing.get(resumed?.[1] ?? '');
    if (resumed !== null && interrupted !== undefined) noteSync(interrupted);
    const [, thread = '', call = '', path = '', rest = ''] = callLine.exec(line) ?? [];
    if (path.startsWith('socket:')) {
      const text = [...rest.matchAll(anyText)]
        .map(([, part = '']) => bytesOf(part).toString('latin1'))
        .join('');
      if (makesRun.test(text)) {
        const left = new Map([...files].map(([name, { synced }]) => [name, synced]));
        onTheirWay.set(path, { left, isLossy: [...files.values()].some(({ isSynced }) => !isSynced) });
      }
      const leaving = onTheirWay.get(path);
      const fingerprint = fingerprintIn.exec(text)?.[1];
      if (leaving === undefined || fingerprint === undefined) continue;
      onTheirWay.delete(path);
      found.push({ fingerprint, ...leaving });
    } else if (isWatched(path)) {
      if (call === 'pwrite64') {
        const [, bytes = '', at = ''] = placedWrite.exec(rest) ?? [];
        write(fileAt(path), bytesOf(bytes), Number(at));
      } else if (call === 'ftruncate') {
        const file = fileAt(path);
        file.written = file.written.subarray(0, Number(/^, (\d+)/.exec(rest)?.[1]));
        file.isSynced = false;
      } else if (call.endsWith('sync')) {
        if (rest.includes('unfinished')) syncing.set(thread, path);
        else noteSync(path);
      } else throw new Error(`${path} is written by ${call}, of which it is not known where`);
    }
  }
  return found;
}

function write(file: TracedFile, bytes: Buffer, at: number): void {
  const grown = Buffer.alloc(Math.max(file.written.length, at + bytes.length));
  file.written.copy(grown);
  bytes.copy(grown, at);
  file.written = grown;
  file.isSynced = false;
}

const escaped: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', v: '\v', f: '\f' };

/** The bytes of a text as strace writes it: all of it in hexadecimal, or none. */
function bytesOf(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.replaceAll('\\x', ''), 'hex');
  return Buffer.from(
    text.replaceAll(/\\(.)/g, (_, sign: string) => escaped[sign] ?? sign),
    'latin1',
  );
}

/** Puts what is left into a directory of its own, as the next start would find it. @returns the directory */
export function asFound({ left }: Pick<Leaving, 'left'>, below: string): string {
  const dir = mkdtempSync(join(below, 'cut-'));
  for (const [path, bytes] of left) writeFileSync(join(dir, basename(path)), bytes);
  return dir;
}
