/**
 * Opens the outbox file so that an acknowledged change is on disk, and only one process at a time owns it.
 *
 * The lock is a SQLite file of its own, held with BEGIN EXCLUSIVE: the kernel frees it with the process, however that
 * ends. SQLite's locks are POSIX locks, which go when *any* descriptor of the file is closed in the process, so nothing
 * else in this program opens either file by path.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { migrations } from './migrations.ts';

export type Db = Database.Database;

export class OutboxHeld extends Error {
  readonly pid: number | null;

  constructor(stateDir: string, pid: number | null) {
    super(
      `another runtrackd ${pid === null ? '' : `(pid ${String(pid)}) `}holds the state directory ${stateDir}; ` +
        'stop that one first, or give this one a state_dir of its own',
    );
    this.name = 'OutboxHeld';
    this.pid = pid;
  }
}

export class OutboxUnusable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OutboxUnusable';
  }
}

/** Below this, SQLite can corrupt a WAL database when a checkpoint meets a reset. */
const sqliteVersionMin = [3, 51, 3];
/** The log file is cut back to this after a checkpoint, so that one large burst does not keep the disk. */
const walBytesMax = 64 * 1024 * 1024;
/** A reader from outside (a backup tool) may hold a lock for a moment; longer than this is trouble to be told. */
const busyMsMax = 2_000;

export interface OwnedDatabase {
  readonly db: Db;
  close(): void;
}

/** @throws OutboxHeld, or OutboxUnusable for a file that this version must not touch */
export function openOwned(stateDir: string): OwnedDatabase {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  chmodSync(stateDir, 0o700);
  const lock = takeLock(stateDir);
  let db: Db;
  try {
    db = openDatabase(join(stateDir, 'outbox.db'));
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    db,
    close() {
      db.pragma('optimize');
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.close();
      lock.close();
    },
  };
}

function takeLock(stateDir: string): Db {
  const owner = join(stateDir, 'owner.pid');
  const lock = new Database(join(stateDir, 'lock'), { timeout: 0 });
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) throw new OutboxHeld(stateDir, readPid(owner));
    throw error;
  }
  writeFileSync(owner, `${String(process.pid)}\n`, { mode: 0o600 });
  return lock;
}

function readPid(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isSafeInteger(pid) ? pid : null;
  } catch {
    return null;
  }
}

function openDatabase(path: string): Db {
  let db: Db | undefined;
  try {
    db = new Database(path, { timeout: busyMsMax });
    assertVersion(db);
    assertNotNewer(db, path);
    db.pragma('journal_mode = WAL');
    // This build of SQLite falls back to NORMAL in WAL mode, which may lose acknowledged commits when the power goes.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`journal_size_limit = ${String(walBytesMax)}`);
    assertPragma(db, 'journal_mode', 'wal');
    assertPragma(db, 'synchronous', 2);
    migrate(db);
    chmodSync(path, 0o600);
    return db;
  } catch (error) {
    db?.close();
    if (sqliteCode(error) === 'SQLITE_NOTADB' || sqliteCode(error) === 'SQLITE_CORRUPT') {
      throw new OutboxUnusable(
        `${path} is no outbox, or is damaged. Nothing was changed. Move it aside to start anew, or restore a backup.`,
      );
    }
    throw error;
  }
}

function assertVersion(db: Db): void {
  const version = String(db.prepare('select sqlite_version()').pluck().get());
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of sqliteVersionMin.entries()) {
    const have = parts[index] ?? 0;
    if (have > wanted) return;
    if (have < wanted) {
      throw new OutboxUnusable(
        `SQLite ${version} has a known way to corrupt the outbox; ${sqliteVersionMin.join('.')} or newer is needed. ` +
          'Install the dependencies again with `npm ci`.',
      );
    }
  }
}

function assertPragma(db: Db, name: string, wanted: string | number): void {
  const value: unknown = db.pragma(name, { simple: true });
  if (value === wanted) return;
  throw new OutboxUnusable(
    `the outbox cannot be opened safely: ${name} is ${String(value)}, not ${String(wanted)}. ` +
      'Is state_dir on a local disk?',
  );
}

/** Asked before anything is set: not even the journal's mode of a newer file is changed. */
function assertNotNewer(db: Db, path: string): void {
  const have = schemaVersion(db);
  if (have <= migrations.length) return;
  throw new OutboxUnusable(
    `${path} was written by a newer runtrackd (schema ${String(have)}, this one knows ${String(migrations.length)}). ` +
      'Nothing was changed. Start the newer version.',
  );
}

function schemaVersion(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function migrate(db: Db): void {
  const have = schemaVersion(db);
  for (const [index, sql] of migrations.entries()) {
    if (index < have) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${String(index + 1)}`);
    }).immediate();
  }
}

function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : undefined;
}
