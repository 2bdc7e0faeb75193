/**
 * Puts a copy of an outbox in the place of the present one, while no daemon runs. The present one is kept aside; the copy
 * is behind whatever happened since it was made, so the next start believes nothing before the platform was asked.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import Database from 'better-sqlite3';
import { asDamage, assertHeader, assertNotNewer, assertWhole, runsIn } from './database.ts';
import { asUnusable } from './owned.ts';
import { takeLock } from './lock.ts';
import {
  companions,
  databasePath,
  freeAside,
  isOutboxName,
  keptAside,
  moveCompanions,
  removeWithCompanions,
  restoringPath,
  syncDirectory,
  writeNote,
} from './place.ts';
import { giveToOwner } from '../system/giveToOwner.ts';
import { codeOf, OutboxDamaged, OutboxUnusable } from './unusable.ts';

export interface Restored {
  /** Where the outbox that was there is kept; null: there was none. */
  readonly keptAs: string | null;
  /** All that were kept so, this one among them: a person removes them. */
  readonly kept: { readonly outboxes: number; readonly bytes: number };
  readonly runs: number;
  /** When the newest run in the copy last changed, wall clock in ms; null: it holds none. */
  readonly newestMs: number | null;
}

/** The copy belongs to another host: its name is part of every run's key, so all would be sent again. */
export class OtherHost extends Error {
  constructor(file: string, was: string, is: string) {
    super(
      `${file} belongs to host "${was}", and this configuration says host "${is}". ` +
        `If this is that machine under another name, set host: ${was}; otherwise take a backup of this one. Nothing was changed.`,
    );
    this.name = 'OtherHost';
  }
}

/**
 * @param file absolute path of the copy, which is left as it is
 * @param host the name in the configuration
 * @throws OutboxHeld while a daemon runs; OutboxUnusable, OtherHost: then nothing was changed
 */
export function restoreOutbox(stateDir: string, file: string, host: string, nowMs: number): Restored {
  const lock = withTrouble(stateDir, () => takeLock(stateDir));
  const path = databasePath(stateDir);
  const temporary = restoringPath(stateDir);
  try {
    removeWithCompanions(temporary);
    fetchCopy(file, temporary);
    // A machine that was renamed goes on under the name that its outbox has.
    const facts = factsOf(temporary, file, [host, frozenHost(path)]);
    return withTrouble(stateDir, () => {
      // First of all: whatever interrupts this, what lies there then is not believed.
      writeNote(stateDir, { next: 'distrust', reason: `the outbox was restored from ${file}` });
      const keptAs = putInPlace(stateDir, temporary, nowMs);
      // Root may restore what the daemon's own user has to open.
      giveToOwner(stateDir, ([name = '']) => isOutboxName(name));
      return { keptAs, kept: keptAside(stateDir, 'replaced'), ...facts };
    });
  } finally {
    removeWithCompanions(temporary);
    lock.close();
  }
}

/** With its journal, where somebody copied both by hand. */
function fetchCopy(file: string, to: string): void {
  try {
    if (!statSync(file).isFile())
      throw new OutboxUnusable('data', `${file} is not a file. Nothing was changed.`);
    copyFileSync(file, to, constants.COPYFILE_FICLONE);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${to}-wal`);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    const kind = code === 'ENOENT' || code === 'EACCES' ? 'data' : 'machine';
    throw new OutboxUnusable(kind, `${file} cannot be copied (${code}). Nothing was changed.`);
  }
}

/** @throws OutboxUnusable for what is no outbox of a version that is known, whole to the last page; OtherHost */
function factsOf(
  copy: string,
  file: string,
  hosts: readonly [string, string | null],
): Omit<Restored, 'keptAs' | 'kept'> {
  try {
    assertHeader(copy);
    const db = new Database(copy, { fileMustExist: true });
    try {
      assertNotNewer(db, file);
      // One file from now on: a journal of its own would have to be moved with it.
      db.pragma('journal_mode = DELETE');
      assertWhole(db, true);
      const frozen = db.prepare('select host from outbox').pluck().get() as string | null | undefined;
      if (frozen != null && !hosts.includes(frozen)) throw new OtherHost(file, frozen, hosts[0]);
      return runsIn(db);
    } finally {
      db.close();
    }
  } catch (error) {
    const found = asDamage(error);
    if (!(found instanceof OutboxDamaged)) throw error;
    throw new OutboxUnusable(
      'data',
      `${file} is no outbox, or is damaged (${found.message}). Nothing was changed; take another backup.`,
    );
  }
}

/** @returns null where there is no outbox, or none that can be read */
function frozenHost(path: string): string | null {
  if (!existsSync(path)) return null;
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      return (db.prepare('select host from outbox').pluck().get() as string | null | undefined) ?? null;
    } finally {
      db.close();
    }
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return null;
  }
}

/** The copy takes the name in one step, and is never beside a journal that is not its own. */
function putInPlace(stateDir: string, copy: string, nowMs: number): string | null {
  const path = databasePath(stateDir);
  syncFile(copy);
  chmodSync(copy, 0o600);
  const isThere = ['', ...companions].some((ending) => existsSync(`${path}${ending}`));
  const keptAs = isThere ? freeAside(stateDir, 'replaced', nowMs) : null;
  if (keptAs !== null) {
    foldJournal(path);
    moveCompanions(path, keptAs);
    if (existsSync(path)) keepAlso(path, keptAs);
  }
  renameSync(copy, path);
  syncDirectory(dirname(path));
  return keptAs === null ? null : basename(keptAs);
}

/** What is in the journal goes into the file, so that one file is kept; where that is not possible, both are. */
function foldJournal(path: string): void {
  if (!existsSync(path) || !existsSync(`${path}-wal`)) return;
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

/** Under a second name first, so that there is a whole outbox at the first name at every moment. */
function keepAlso(path: string, keptAs: string): void {
  try {
    linkSync(path, keptAs);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    // A file system without hard links: between this and the next step there is none, and a start would make a new one.
    renameSync(path, keptAs);
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function withTrouble<T>(stateDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asUnusable(error, stateDir);
  }
}
