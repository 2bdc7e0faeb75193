/**
 * The process that copies an outbox: `node copyProcess.js DATABASE COPY`. It reads as anyone outside of the daemon may,
 * in one transaction, so that the copy is of one moment; changes go on meanwhile. One line of JSON says how it ended.
 */
import { closeSync, constants, fsyncSync, openSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { CopyReport } from './backup.ts';
import { runsIn } from './database.ts';

/** A checkpoint may be in the way for a moment. */
const busyMsMax = 10_000;

function copy(database: string, to: string): CopyReport {
  // Made here and not by SQLite, so that nobody else can read it for a moment either.
  closeSync(
    openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
  );
  const source = new Database(database, { readonly: true, fileMustExist: true, timeout: busyMsMax });
  try {
    // Every row is read and every index is made anew: damage shows here, and is not copied.
    source.prepare('vacuum into ?').run(to);
  } finally {
    source.close();
  }
  const made = new Database(to, { readonly: true, fileMustExist: true });
  try {
    const found = made.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') return { ok: false, what: `the copy is not whole: ${String(found)}` };
    const { runs } = runsIn(made);
    sync(to);
    return { ok: true, bytes: statSync(to).size, runs };
  } finally {
    made.close();
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function report(): CopyReport {
  const [database, to] = process.argv.slice(2);
  if (database === undefined || to === undefined) return { ok: false, what: 'give a database and a copy' };
  try {
    return copy(database, to);
  } catch (error) {
    return { ok: false, what: error instanceof Error ? error.message : String(error) };
  }
}

process.stdout.write(`${JSON.stringify(report())}\n`);
