/**
 * Only one process at a time owns the outbox.
 *
 * The lock is a SQLite file of its own, held with BEGIN EXCLUSIVE: the kernel frees it with the process, however that
 * ends. SQLite's locks are POSIX locks, which go when *any* descriptor of the file is closed in the process, so nothing
 * else in this program opens the lock or the database by path while they are in use.
 */
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makeDirectories } from '../system/directories.ts';
import { fileAt } from './place.ts';
import { codeOf, OutboxHeld } from './unusable.ts';

const ownerName = 'owner.pid';

export interface Lock {
  /** Whether its file still lies at its place: others lock what they find there. @returns what is missing; null: it does */
  missing(): string | null;
  close(): void;
}

/** @throws OutboxHeld, with the pid of whoever holds it where that is known */
export function takeLock(stateDir: string): Lock {
  makeDirectories(stateDir, 0o700);
  chmodSync(stateDir, 0o700);
  const owner = join(stateDir, ownerName);
  const path = join(stateDir, 'lock');
  const held = (): OutboxHeld => new OutboxHeld(stateDir, ownerOf(stateDir));
  let lock: Database.Database;
  try {
    lock = openLock(path, held);
  } catch (error) {
    if (codeOf(error) !== 'SQLITE_NOTADB') throw error;
    // Garbage instead of nothing: whoever held it would have been met before it was read. Emptied in place, because a
    // new file could be locked by one process while another still has the old one.
    truncateSync(path, 0);
    lock = openLock(path, held);
  }
  writeFileSync(owner, `${String(process.pid)}\n`, { mode: 0o600 });
  const place = fileAt(path);
  return {
    missing() {
      const now = fileAt(path);
      return now === place ? null : `${path} was ${now === null ? 'deleted' : 'replaced'} under the daemon`;
    },
    close: () => void lock.close(),
  };
}

function openLock(path: string, held: () => OutboxHeld): Database.Database {
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('begin exclusive');
    return lock;
  } catch (error) {
    lock.close();
    if (codeOf(error)?.startsWith('SQLITE_BUSY') === true) throw held();
    throw error;
  }
}

/** Who holds the outbox, or was the last to hold it; null: nobody, or it is closed to this user. */
export function ownerOf(stateDir: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(stateDir, ownerName), 'utf8'), 10);
    return Number.isSafeInteger(pid) ? pid : null;
  } catch {
    return null;
  }
}
