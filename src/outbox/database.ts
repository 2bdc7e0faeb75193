/** Opens the outbox file so that an acknowledged change is on disk, and makes sure that it is an outbox, and whole. */
import { chmodSync, closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { migrations } from './migrations.ts';
import { removeWithCompanions, syncDirectory } from './place.ts';
import { codeOf, OutboxDamaged, OutboxUnusable } from './unusable.ts';

export type Db = Database.Database;

/** Below this, SQLite can corrupt a WAL database when a checkpoint meets a reset. */
const sqliteVersionMin = [3, 51, 3];
/** The log file is cut back to this after a checkpoint, so that one large burst does not keep the disk. */
const walBytesMax = 64 * 1024 * 1024;
/** Pages that SQLite keeps. A look through all folders fills it, however large: what is needed again is in the system's cache. */
const pageCacheBytesMax = 8 * 1024 * 1024;
/** A reader from outside (a backup tool) may hold a lock for a moment; longer than this is trouble to be told. */
const busyMsMax = 2_000;
/** Likewise, once it is open, in ms. */
const busyInThreadMsMax = 500;
/**
 * Up to this size a file is read through at a start, unless it was closed in order since the machine runs (`leftWhole.ts`):
 * it takes a second or two. A larger one has its small tables checked; what is wrong in the others is found when it is read.
 */
const wholeCheckBytesMax = 128 * 1024 * 1024;
const smallTables = ['outbox', 'root', 'app', 'proven_app', 'thin_common'];
/** A version that is further ahead than this was not written by a newer program, but by a damaged disk. */
const versionsAheadMax = 1_000;

const magic = 'SQLite format 3\0';
const headerBytes = 100;
const readBytes = 1024 * 1024;

/**
 * Makes a new, empty outbox that is there whole or not at all: an empty file at its place is one that was cut short.
 */
export function createDatabase(path: string): void {
  const temporary = `${path}.new`;
  removeWithCompanions(temporary);
  const db = new Database(temporary);
  try {
    assertVersion(db);
    db.pragma('synchronous = FULL');
    migrate(db);
  } finally {
    db.close();
  }
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/**
 * @param isAsLeft it is known to be as its last owner has left it, and need not be read through
 * @throws OutboxDamaged for a file that is not what was written; OutboxUnusable for one of a newer version, which is left
 *   as it is; and what SQLite throws when the machine is in trouble
 */
export function openDatabase(path: string, isAsLeft = false): Db {
  assertHeader(path);
  const db = new Database(path, { timeout: busyMsMax, fileMustExist: true });
  try {
    assertVersion(db);
    assertNotNewer(db, path);
    db.pragma('journal_mode = WAL');
    // This build of SQLite falls back to NORMAL in WAL mode, which may lose acknowledged commits when the power goes.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`cache_size = ${String(-pageCacheBytesMax / 1024)}`);
    db.pragma(`journal_size_limit = ${String(walBytesMax)}`);
    assertPragma(db, 'journal_mode', 'wal');
    assertPragma(db, 'synchronous', 2);
    assertWhole(db, !isAsLeft && isCheckedThroughout(path));
    migrate(db);
    forgetStatistics(db);
    chmodSync(path, 0o600);
    // From now on a group that finds it locked is tried again by the thread: one that waits within SQLite cannot be told
    // to end, and a process that ends meanwhile is aborted.
    db.pragma(`busy_timeout = ${String(busyInThreadMsMax)}`);
    return db;
  } catch (error) {
    db.close();
    throw asDamage(error);
  }
}

/** @throws OutboxDamaged, saying the first thing that is wrong */
export function assertWhole(db: Db, throughout: boolean): void {
  const tables = new Set(db.prepare("select name from sqlite_schema where type = 'table'").pluck().all());
  const checks = throughout
    ? ['integrity_check(1)']
    : smallTables.filter((table) => tables.has(table)).map((table) => `quick_check(${table})`);
  for (const check of checks) {
    const found = db.pragma(check, { simple: true });
    if (found !== 'ok') throw new OutboxDamaged(String(found));
  }
}

/**
 * SQLite takes a page that the disk does not give for one that is damaged (EIO becomes SQLITE_CORRUPT, and a finding of
 * its check). So before a file is called damaged, it is read without SQLite, with its journal.
 * Closing it drops this process's locks on it: nothing may be done with it through SQLite afterwards but opening it anew.
 * @throws what the system says, where the disk is at fault
 */
export function assertReadable(path: string): void {
  const piece = Buffer.alloc(readBytes);
  for (const name of [path, `${path}-wal`]) {
    if (!existsSync(name)) continue;
    const file = openSync(name, 'r');
    try {
      while (readSync(file, piece) > 0);
    } finally {
      closeSync(file);
    }
  }
}

/** Whether a check sees all of the file. */
export function isCheckedThroughout(path: string): boolean {
  return statSync(path).size <= wholeCheckBytesMax;
}

/** Whether what is in the database explains an error that nobody foresaw. Bounded, like the check at the start. */
export function damageIn(db: Db, path: string): OutboxDamaged | null {
  try {
    assertWhole(db, isCheckedThroughout(path));
    return null;
  } catch (error) {
    const found = asDamage(error);
    return found instanceof OutboxDamaged ? found : null;
  }
}

/** Errors with which SQLite says that the file is not what was written, as that; others as they came. */
export function asDamage(error: unknown): unknown {
  const code = codeOf(error);
  // SQLITE_ERROR: a statement does not fit the schema, which is therefore not the one that its version promises.
  const isDamage = code !== undefined && /^SQLITE_(CORRUPT|NOTADB|FORMAT|ERROR)/.test(code);
  return isDamage && error instanceof Error ? new OutboxDamaged(error.message) : error;
}

/**
 * SQLite takes an empty file for a new database, and one whose format it does not know for one to be read only. Read
 * before SQLite opens the file, because closing it afterwards would drop the locks.
 */
export function assertHeader(path: string): void {
  const header = Buffer.alloc(headerBytes);
  const file = openSync(path, 'r');
  let bytes: number;
  try {
    bytes = readSync(file, header, 0, headerBytes, 0);
  } finally {
    closeSync(file);
  }
  if (bytes < headerBytes) throw new OutboxDamaged(`it is cut short to ${String(bytes)} bytes`);
  if (header.toString('latin1', 0, magic.length) !== magic) throw new OutboxDamaged('it is no database');
  const formats = [header.readUInt8(18), header.readUInt8(19)];
  if (formats.some((format) => format !== 1 && format !== 2))
    throw new OutboxDamaged(`its header is of an unknown format (${formats.join(', ')})`);
}

function assertVersion(db: Db): void {
  const version = String(db.prepare('select sqlite_version()').pluck().get());
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of sqliteVersionMin.entries()) {
    const have = parts[index] ?? 0;
    if (have > wanted) return;
    if (have < wanted) {
      throw new OutboxUnusable(
        'data',
        `SQLite ${version} has a known way to corrupt the outbox; ${sqliteVersionMin.join('.')} or newer is needed. ` +
          'Install the dependencies again with `npm ci`.',
      );
    }
  }
}

/**
 * Every statement's plan is made for a large outbox. SQLite's planner goes by what it once counted, where somebody let it
 * count (`analyze`, `pragma optimize`), and what was counted when there were three runs says that reading all of them is
 * the quickest way: a claim took as long as the outbox was large. Where that cannot be written down now it is slow until the
 * next start, and no more: a disk in trouble is told of by who has something to write.
 */
function forgetStatistics(db: Db): void {
  try {
    deleteStatistics(db);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

function deleteStatistics(db: Db): void {
  const tables = db
    .prepare("select name from sqlite_schema where type = 'table' and name glob 'sqlite_stat[0-9]'")
    .pluck()
    .all() as string[];
  const counted = tables.filter((table) => db.prepare(`select 1 from ${table} limit 1`).get() !== undefined);
  if (counted.length === 0) return;
  for (const table of counted) db.exec(`delete from ${table}`);
  // Which lets the planner of this connection know.
  db.exec('analyze sqlite_schema');
}

function assertPragma(db: Db, name: string, wanted: string | number): void {
  const value: unknown = db.pragma(name, { simple: true });
  if (value === wanted) return;
  throw new OutboxUnusable(
    'machine',
    `the outbox cannot be opened safely: ${name} is ${String(value)}, not ${String(wanted)}. ` +
      'Is state_dir on a local disk that can be written to?',
  );
}

/** Asked before anything is set: not even the journal's mode of a newer file is changed. */
export function assertNotNewer(db: Db, path: string): void {
  const have = schemaVersion(db);
  if (have < 1 || have > migrations.length + versionsAheadMax)
    throw new OutboxDamaged(`its version is ${String(have)}`);
  if (have <= migrations.length) return;
  throw new OutboxUnusable(
    'data',
    `${path} was written by a newer runtrackd (schema ${String(have)}, this one knows ${String(migrations.length)}). ` +
      'Nothing was changed. Start the newer version, or `runtrackd restore` a backup from before.',
  );
}

/** How many runs an outbox of whatever version holds, and when the newest of them last changed; null: it holds none. */
export function runsIn(db: Db): { readonly runs: number; readonly newestMs: number | null } {
  const tables = db
    .prepare("select name from sqlite_schema where type = 'table' and name in ('run', 'thin_run')")
    .pluck()
    .all() as string[];
  let [runs, newestMs]: [number, number | null] = [0, null];
  for (const table of tables) {
    const of = db.prepare(`select count(*) as runs, max(since_ms) as newestMs from ${table}`).get() as {
      readonly runs: number;
      readonly newestMs: number | null;
    };
    runs += of.runs;
    if (of.newestMs !== null) newestMs = Math.max(of.newestMs, newestMs ?? 0);
  }
  return { runs, newestMs };
}

export function schemaVersion(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/** Each step and its number are one transaction: one that is cut off is taken again at the next start. */
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
