/** The schema of the stand-in's database: numbered steps that are only ever added to. */
import type { Database } from 'better-sqlite3';
import { CannotStart } from './cannotStart.ts';

/** Step n takes a database from `user_version` n to n + 1. */
const steps: readonly string[] = [
  `
  create table setting (
    name text primary key,
    value text not null
  ) strict;

  -- One file per successful PUT. A run keeps the files it was made with, even if the upload is PUT again.
  create table stored_file (
    name text primary key,
    bytes integer not null,
    stored_at_ms integer not null,
    uses integer not null default 0
  ) strict;
  create index stored_file_unused on stored_file (stored_at_ms) where uses = 0;

  -- No signature is kept: it is derived from the id and the expiry.
  create table upload (
    id text primary key,
    app text not null,
    expires_at_ms integer not null,
    file text
  ) strict;
  create index upload_expiry on upload (expires_at_ms);

  create table run (
    seq integer primary key autoincrement,
    id text not null,
    app text not null,
    instance text not null,
    created_at_ms integer not null,
    canceled_at_ms integer,
    name text not null,
    description text not null,
    request text not null,
    files text not null,
    findings text not null,
    -- A multiplication by an odd number loses nothing modulo 2^32: every run has a place of its own.
    shuffled integer generated always as ((seq * 2654435761) & 4294967295) virtual
  ) strict;
  create unique index run_id on run (app, id);
  create index run_created on run (app, seq);
  create index run_shuffled on run (app, shuffled);
  `,
];

/** Brings the schema up to date, or refuses a database that a later version has written. */
export function migrate(database: Database): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > steps.length) {
    throw new CannotStart(
      'data is unusable',
      `the stand-in's database is of version ${version}, this program knows ${steps.length}: use the newer program, or another data folder`,
    );
  }
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.exec(step);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}
