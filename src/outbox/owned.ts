/**
 * The outbox in the hands of its one owner. What is found damaged at the start is kept aside, and a new outbox takes its
 * place that is distrusted: what was sent is then found out from the folders and from the platform, so that the daemon
 * runs on and nothing is sent twice.
 */
import { existsSync } from 'node:fs';
import { waitingFor } from '../core/outboxTrouble.ts';
import { asDamage, assertReadable, createDatabase, openDatabase, type Db } from './database.ts';
import { noteLeftWhole, takeLeftWhole } from './leftWhole.ts';
import { takeLock, type Lock } from './lock.ts';
import {
  companions,
  databasePath,
  fileAt,
  freeAside,
  moveAside,
  readNote,
  removeWithCompanions,
  restoringPath,
  writeNote,
  type OutboxNote,
} from './place.ts';
import { prepareAll } from './prepare.ts';
import { codeOf, OutboxDamaged, OutboxHeld, OutboxUnusable } from './unusable.ts';

/** An outside program may hold the outbox while the daemon starts; each try waits two seconds for it to let go. */
const lockedTriesMax = 5;

export interface OwnedDatabase {
  readonly db: Db;
  readonly path: string;
  /** What the last process, or this opening, left to be done before anything is believed. */
  readonly note: OutboxNote | null;
  /** Whether the file and its journal still lie where they were opened. @returns what is missing; null: all is there */
  missing(): string | null;
  /** Whether others are still kept out. @returns what is missing; null: they are */
  lockMissing(): string | null;
  close(): void;
}

export interface Opening {
  /** The daemon may put a new outbox in the place of a damaged one; a command only says that it is damaged. */
  readonly mayReplace: boolean;
  readonly nowMs: () => number;
}

/** @throws OutboxHeld, or OutboxUnusable with what to do */
export function openOwned(stateDir: string, opening: Opening): OwnedDatabase {
  let lock: Lock | undefined;
  try {
    lock = takeLock(stateDir);
    return owned(stateDir, lock, opening);
  } catch (error) {
    lock?.close();
    throw asUnusable(error, stateDir);
  }
}

function owned(stateDir: string, lock: Lock, opening: Opening): OwnedDatabase {
  const path = databasePath(stateDir);
  // Whoever restores has the lock: one that left this behind was killed.
  removeWithCompanions(restoringPath(stateDir));
  const db = openWhole(stateDir, opening);
  const place = fileAt(path);
  let journal = fileAt(`${path}-wal`);
  return {
    db,
    path,
    note: readNote(stateDir),
    missing() {
      const now = fileAt(path);
      if (now !== place) return `${path} was ${now === null ? 'deleted' : 'replaced'} under the daemon`;
      const wal = fileAt(`${path}-wal`);
      // It is made at the first change.
      journal ??= wal;
      if (wal === journal) return null;
      return `the journal ${path}-wal was ${wal === null ? 'deleted' : 'replaced'} under the daemon`;
    },
    lockMissing: () => lock.missing(),
    close() {
      let isInOrder = false;
      try {
        db.pragma('wal_checkpoint(TRUNCATE)');
        isInOrder = true;
      } catch (error) {
        // Housekeeping: what was acknowledged is in the journal, and the next start finds it there.
        if (codeOf(error) === undefined) throw error;
      } finally {
        db.close();
        if (isInOrder) noteLeftWhole(stateDir);
        lock.close();
      }
    },
  };
}

function openWhole(stateDir: string, opening: Opening): Db {
  const path = databasePath(stateDir);
  const isAsLeft = takeLeftWhole(stateDir);
  const note = readNote(stateDir);
  if (note?.next === 'replace') replace(stateDir, note.reason, opening);
  const isAlone = !existsSync(path) && companions.some((ending) => existsSync(`${path}${ending}`));
  if (isAlone) replace(stateDir, 'it is gone, and only its journal is there', opening);
  if (!existsSync(path)) createDatabase(path);
  try {
    return openChecked(path, isAsLeft);
  } catch (error) {
    if (!(asDamage(error) instanceof OutboxDamaged)) throw error;
  }
  // A disk that fails looks like damage to SQLite. What cannot be read is not thrown away, and what could not be read for
  // a moment only is whole at the second look.
  assertReadable(path);
  try {
    return openChecked(path);
  } catch (error) {
    const found = asDamage(error);
    if (!(found instanceof OutboxDamaged)) throw error;
    replace(stateDir, found.message, opening);
    return openChecked(path);
  }
}

/** With every statement prepared once: a schema that is not ours is found here, and not in the middle of a change. */
function openChecked(path: string, isAsLeft = false): Db {
  const db = openPatiently(path, isAsLeft);
  try {
    prepareAll(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function openPatiently(path: string, isAsLeft: boolean): Db {
  for (let tries = 1; ; tries += 1) {
    try {
      return openDatabase(path, isAsLeft);
    } catch (error) {
      if (codeOf(error)?.startsWith('SQLITE_BUSY') !== true || tries >= lockedTriesMax) throw error;
    }
  }
}

/** The note first: whatever interrupts this, the next start goes on with it, and believes nothing. */
function replace(stateDir: string, damage: string, { mayReplace, nowMs }: Opening): void {
  const path = databasePath(stateDir);
  if (!mayReplace) {
    throw new OutboxUnusable(
      'machine',
      `${path} is no outbox, or is damaged (${damage}). Nothing was changed. Start the daemon: it keeps the file aside ` +
        'and finds out from the folders and the platform what was sent. Or `runtrackd restore` a backup.',
    );
  }
  writeNote(stateDir, { next: 'replace', reason: damage });
  const wasThere = ['', ...companions].some((ending) => existsSync(`${path}${ending}`));
  const aside = freeAside(stateDir, 'damaged', nowMs());
  moveAside(path, aside);
  createDatabase(path);
  const kept = wasThere ? `; it is kept as ${aside}` : '';
  writeNote(stateDir, { next: 'distrust', reason: `the outbox was damaged (${damage})${kept}` });
}

/** Trouble with a name, as what it means for whoever wanted to start; a bug as it came. */
export function asUnusable(error: unknown, stateDir: string): unknown {
  if (error instanceof OutboxHeld || error instanceof OutboxUnusable || !(error instanceof Error))
    return error;
  const code = codeOf(error);
  if (code === undefined && !(error instanceof OutboxDamaged)) return error;
  const waiting = code === undefined ? null : waitingFor(code);
  if (waiting !== null)
    return new OutboxUnusable(
      'machine',
      `the outbox in ${stateDir} cannot be used: ${waiting.text}. ${waiting.hint}`,
    );
  return new OutboxUnusable(
    'machine',
    `the outbox in ${stateDir} cannot be used: ${error.message}${code === undefined ? '' : ` (${code})`}. ` +
      'Is the disk well, mounted, and writable for this user? Start again when it is.',
  );
}
