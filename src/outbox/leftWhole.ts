/**
 * What the owner notes of a large outbox that it has closed in order: which file it was, to the times of its last change.
 * As long as it is that file, and the machine has not been started anew, the next owner need not read through it again.
 *
 * Nothing here opens the database by path: closing it again would drop SQLite's locks (see `lock.ts`).
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { companions, databasePath } from './place.ts';
import { codeOf } from './unusable.ts';

const noteName = 'outbox.left';
/** A smaller one is read through within a tenth of a second, and always. */
const notedBytesMin = 4 * 1024 * 1024;
/** Differs after each start of the machine: what happened to the disk in between, nobody here has seen. */
const bootFile = '/proc/sys/kernel/random/boot_id';

/** It is closed, and was whole as far as its owner saw. */
export function noteLeftWhole(stateDir: string): void {
  try {
    const left = asItIs(stateDir);
    if (left !== null) writeFileSync(join(stateDir, noteName), left, { mode: 0o600 });
  } catch (error) {
    // Then the next owner reads through it.
    if (codeOf(error) === undefined) throw error;
  }
}

/** Whether it is as it was left. The note holds once: from here on the file may be changed, and its owner may be killed. */
export function takeLeftWhole(stateDir: string): boolean {
  const note = join(stateDir, noteName);
  try {
    const left = readFileSync(note, 'utf8');
    rmSync(note);
    return left === asItIs(stateDir);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}

/** @returns null: it is none that is noted, or this machine does not say when it was started */
function asItIs(stateDir: string): string | null {
  const path = databasePath(stateDir);
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || stats.size < notedBytesMin || !existsSync(bootFile)) return null;
  // A journal has changes that the file has not.
  if (companions.some((ending) => existsSync(`${path}${ending}`))) return null;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  const which = [dev, ino, size, mtimeNs, ctimeNs].map(String);
  return `${[readFileSync(bootFile, 'latin1').trim(), ...which].join(' ')}\n`;
}
