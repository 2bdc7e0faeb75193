/**
 * The outbox's files in the state directory: what they are called, how they are kept aside, and the note that outlives a
 * process which found that the outbox is not to be believed.
 *
 * None of these functions opens the database by path: closing it again would drop SQLite's locks (see `lock.ts`).
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isoTime } from '../system/clock.ts';
import { makeDirectories } from '../system/directories.ts';
import { codeOf, OutboxUnusable } from './unusable.ts';

export const databaseName = 'outbox.db';
/** What belongs to a database file: its journal, and the index of that. A journal must never meet another database. */
export const companions = ['-wal', '-shm', '-journal'] as const;

const noteName = 'outbox.note';

/** Whether whoever owns the outbox makes something of that name in the state directory. */
export function isOutboxName(name: string): boolean {
  return name === 'lock' || name === 'owner.pid' || name.startsWith('outbox.');
}

/** More damaged outboxes than this were not made by one accident: the disk is at fault, and goes on being so. */
const asideMax = 10;

export function databasePath(stateDir: string): string {
  return join(stateDir, databaseName);
}

/** What the next start has to do, written down before anything is done to the outbox. */
export interface OutboxNote {
  /** `replace`: keep the file aside and make a new one; `distrust`: whatever is there may be behind. */
  readonly next: 'replace' | 'distrust';
  /** Why, for the log and for `status`. */
  readonly reason: string;
}

/** @returns null where there is none */
export function readNote(stateDir: string): OutboxNote | null {
  let text: string;
  try {
    text = readFileSync(join(stateDir, noteName), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { next, reason } = JSON.parse(text) as Partial<OutboxNote>;
    if ((next === 'replace' || next === 'distrust') && typeof reason === 'string') return { next, reason };
  } catch {
    // Said below.
  }
  // Whatever it said, it called for distrust at least.
  return { next: 'distrust', reason: `the note ${noteName} beside the outbox cannot be read` };
}

/** Durable when it returns: only then may the outbox be touched. */
export function writeNote(stateDir: string, note: OutboxNote): void {
  const path = join(stateDir, noteName);
  const temporary = `${path}.new`;
  // The state directory itself may have been removed under the daemon.
  makeDirectories(stateDir, 0o700);
  const file = openSync(temporary, 'w', 0o600);
  try {
    // Not by `writeSync`, which calls it no error that a full disk takes a part.
    writeFileSync(file, `${JSON.stringify(note)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(stateDir);
}

/** What it called for is durable in the outbox itself. */
export function clearNote(stateDir: string): void {
  rmSync(join(stateDir, noteName), { force: true });
  syncDirectory(stateDir);
}

export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** A copy on its way to the outbox's place: `restore` checks it here. Only one that was killed leaves it behind. */
export function restoringPath(stateDir: string): string {
  return `${databasePath(stateDir)}.restored`;
}

/** Why an outbox is kept aside. */
type Aside = 'damaged' | 'replaced';

/** All outboxes that are kept aside for that reason, and what the disk gives for them. */
export function keptAside(
  stateDir: string,
  why: Aside,
): { readonly outboxes: number; readonly bytes: number } {
  const names = asideNames(stateDir, why);
  const sizes = names.map((name) => statSync(join(stateDir, name), { throwIfNoEntry: false })?.size ?? 0);
  return { outboxes: outboxesAmong(names).length, bytes: sizes.reduce((total, size) => total + size, 0) };
}

/** With their companions. */
function asideNames(stateDir: string, why: Aside): readonly string[] {
  return readdirSync(stateDir).filter((name) => name.startsWith(`${databaseName}.${why}-`));
}

function outboxesAmong(names: readonly string[]): readonly string[] {
  return names.filter((name) => companions.every((ending) => !name.endsWith(ending)));
}

/** @returns a path beside the database that nothing has yet, such as `outbox.db.damaged-20261124T115313Z` */
export function freeAside(stateDir: string, why: Aside, nowMs: number): string {
  const kept = asideNames(stateDir, why);
  const files = outboxesAmong(kept);
  if (why === 'damaged' && files.length >= asideMax) {
    throw new OutboxUnusable(
      'data',
      `${String(files.length)} damaged outboxes are kept in ${stateDir} already (${files.at(-1) ?? ''}): ` +
        'this disk loses what is written to it. Check it, remove them, and start again.',
    );
  }
  const date = isoTime(nowMs).replace(/[-:]|\.\d+/g, '');
  for (let number = 1; ; number += 1) {
    const path = `${databasePath(stateDir)}.${why}-${date}${number === 1 ? '' : `-${String(number)}`}`;
    if (!kept.some((name) => name.startsWith(basename(path)))) return path;
  }
}

/**
 * Moves the journal, then the database, so that neither is ever beside another one's. The names stay a pair that SQLite
 * can open.
 */
export function moveAside(path: string, aside: string): void {
  moveCompanions(path, aside);
  moveIfThere(path, aside);
  syncDirectory(dirname(path));
}

export function moveCompanions(path: string, aside: string): void {
  for (const ending of companions) moveIfThere(`${path}${ending}`, `${aside}${ending}`);
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

export function removeWithCompanions(path: string): void {
  for (const ending of ['', ...companions]) rmSync(`${path}${ending}`, { force: true });
}

/** Which file it is that lies at a path, by device and inode; null: none. */
export function fileAt(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${String(stats.dev)} ${String(stats.ino)}`;
}
