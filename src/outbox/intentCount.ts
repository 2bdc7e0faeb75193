/**
 * A number outside of the state directory that is never behind the outbox: how many requests that make a run were about
 * to leave. Where it is ahead, the outbox is an older copy of itself (put back by hand, by a snapshot of its file system,
 * or made anew after it was deleted), and may take for unsent what was sent.
 *
 * It lies in memory (tmpfs), where nobody backs it up and no snapshot of the disk takes it along. It is written after
 * the intent is on disk and before the request leaves, without a sync: a file that lives no longer than the machine runs
 * needs none. A restart of the machine empties it, and then nothing is known here, which is fine: the platform's list
 * and the result files are asked after each start in any case.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './unusable.ts';

/** All there is to a count: one line, always of one length, so that it is replaced by one write. */
const lineForm = /^runtrackd intents ([0-9a-f]{16}) ([0-9]{16})\n$/;
const lineBytes = 52;

/** Where a count is kept: one for each state directory, because several daemons may share a runtime directory. */
export interface CountPlace {
  readonly file: string;
  /** Whose runs are counted. On another platform everything is new, whatever was sent here. */
  readonly platform: string;
}

/** @returns null where the directory is not this user's own: whoever else can write to it could keep runs from being sent */
export function countPlace(runtimeDir: string, stateDir: string, platform: string): CountPlace | null {
  try {
    const directory = lstatSync(runtimeDir);
    const isOwn = directory.isDirectory() && directory.uid === process.getuid?.();
    if (!isOwn || (directory.mode & 0o022) !== 0) return null;
    return { file: join(runtimeDir, `runtrackd-${digestOf(realpathSync(stateDir))}.intents`), platform };
  } catch (error) {
    // A directory that cannot be used is one that is not there.
    if (codeOf(error) === undefined) throw error;
    return null;
  }
}

/** @returns null where nothing is known: no file, one of another platform, or none of ours */
export function readCount(place: CountPlace): number | null {
  return withFile(place.file, constants.O_RDONLY, (file) => {
    const bytes = Buffer.alloc(lineBytes + 1);
    const [, platform, count] = lineForm.exec(bytes.toString('latin1', 0, readSync(file, bytes))) ?? [];
    return platform === digestOf(place.platform) ? Number(count) : null;
  });
}

/** Writes the count. Where that fails nothing is lost but this one of several guards. */
export function writeCount({ file, platform }: CountPlace, intents: number): void {
  const line = `runtrackd intents ${digestOf(platform)} ${String(intents).padStart(16, '0')}\n`;
  withFile(file, constants.O_WRONLY | constants.O_CREAT, (open) => {
    writeSync(open, line, 0);
    // Garbage may be longer.
    ftruncateSync(open, lineBytes);
  });
}

/** A file of this user's own that is nothing but a file; null for anything else. */
function withFile<T>(path: string, flags: number, use: (file: number) => T): T | null {
  let file: number | undefined;
  try {
    file = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.uid !== process.getuid?.() || stats.nlink !== 1) return null;
    return use(file);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return null;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
