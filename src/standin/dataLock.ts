/**
 * One stand-in a data folder, be it started on its own or inside the daemon: two would sweep each other's uploads, and
 * each would answer for an address of its own. The lock is a SQLite file held with BEGIN EXCLUSIVE, so that the kernel
 * frees it with the process, however that ends.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { CannotStart } from './cannotStart.ts';

/** @returns what lets go of it */
export function holdData(dataDir: string): () => void {
  const pidFile = join(dataDir, 'stand-in.pid');
  const lock = openLock(join(dataDir, 'stand-in.lock'));
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new CannotStart('data is held', heldText(dataDir, pidFile));
    }
    throw error;
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return () => {
    rmSync(pidFile, { force: true });
    lock.close();
  };
}

function openLock(path: string): SQLite.Database {
  try {
    return new SQLite(path, { timeout: 0 });
  } catch (error) {
    if (!(error instanceof SQLite.SqliteError)) throw error;
    throw new CannotStart('data is unusable', `${path} cannot be opened for writing (${error.code})`);
  }
}

function heldText(dataDir: string, pidFile: string): string {
  return `another stand-in${holder(pidFile)} works on ${dataDir}: stop it first, or give this one a data folder of its own`;
}

/** For people only: it may be out of date, so nothing is decided by it. */
function holder(pidFile: string): string {
  try {
    return ` (pid ${Number(readFileSync(pidFile, 'utf8'))})`;
  } catch {
    return '';
  }
}
