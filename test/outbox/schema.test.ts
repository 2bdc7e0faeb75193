import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { migrations } from '../../src/outbox/migrations.ts';
import { openOutbox, OutboxUnusable } from '../../src/outbox/outbox.ts';
import { openOwned } from '../../src/outbox/owned.ts';
import { chance, newRun, opened, platform, temporaryFolder } from './runs.ts';

const opening = { mayReplace: false, nowMs: () => 0 };

/** The schema as SQLite has it, one statement after the other, in the order of the names. */
function dumped(stateDir: string): string {
  const owned = openOwned(stateDir, opening);
  const rows = owned.db
    .prepare("select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by name")
    .pluck()
    .all() as string[];
  owned.close();
  return `-- What the migrations add up to (user_version ${migrations.length}). Written by schema.test.ts.\n${rows.map((sql) => `\n${sql};\n`).join('')}`;
}

test('the schema is the one that was reviewed', () => {
  const committed = new URL('schema.sql', import.meta.url);
  const actual = dumped(temporaryFolder());
  // With UPDATE_SCHEMA=1 the file is written anew; the difference is for a person to read.
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(committed, actual);
  expect(readFileSync(committed, 'utf8')).toBe(actual);
});

test('every table is strict', () => {
  const owned = openOwned(temporaryFolder(), opening);
  const loose = owned.db
    .prepare(
      "select name from pragma_table_list where schema = 'main' and strict = 0 and name not like 'sqlite_%'",
    )
    .pluck()
    .all();
  owned.close();
  expect(loose).toEqual([]);
});

test.each([
  { pragma: 'journal_mode', is: 'wal' },
  { pragma: 'synchronous', is: 2 },
  { pragma: 'foreign_keys', is: 1 },
  { pragma: 'user_version', is: migrations.length },
])('the connection has $pragma = $is', ({ pragma, is }) => {
  const owned = openOwned(temporaryFolder(), opening);
  const value: unknown = owned.db.pragma(pragma, { simple: true });
  owned.close();
  expect(value).toBe(is);
});

test('nobody else may look into the state directory', async () => {
  const stateDir = join(temporaryFolder(), 'deep', 'state');
  await opened(stateDir);
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  for (const name of ['outbox.db', 'owner.pid']) {
    expect(statSync(join(stateDir, name)).mode & 0o077, name).toBe(0);
  }
});

test('an outbox that is opened again has lost nothing, and is migrated no further', async () => {
  const stateDir = temporaryFolder();
  const first = await openOutbox(stateDir);
  expect(await first.freezeHost('solver-7', 1)).toBe('solver-7');
  await first.enqueue(newRun(), chance);
  await first.close();
  const second = await openOutbox(stateDir);
  expect(await second.freezeHost('another', 2)).toBe('solver-7');
  await second.close();
});

test('until there is a run the host may be named anew, and what lists have shown of the other name is forgotten', async () => {
  const outbox = await opened();
  await outbox.freezeHost('new-name', 1);
  await outbox.noteProof(platform, 'hare-app', null, 1);
  await outbox.freezeHost('new-name', 2);
  expect(await outbox.proof(platform, 'hare-app')).toEqual({ newestMs: null });
  expect(await outbox.freezeHost('solver-7', 3)).toBe('solver-7');
  expect(await outbox.proof(platform, 'hare-app')).toBeNull();
});

describe('a file that this version must not touch', () => {
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

  function newer(path: string, journal: 'wal' | 'delete'): void {
    const db = new Database(path);
    db.pragma(`journal_mode = ${journal}`);
    db.exec('create table later (a integer)');
    db.pragma(`user_version = ${migrations.length + 1}`);
    db.close();
  }

  test.each<{ name: string; make: (path: string) => void; says: string }>([
    {
      name: 'a database of a newer version',
      make: (path) => newer(path, 'wal'),
      says: `was written by a newer runtrackd (schema ${migrations.length + 1}, this one knows ${migrations.length})`,
    },
    {
      name: 'a database of a newer version that keeps another kind of journal',
      make: (path) => newer(path, 'delete'),
      says: 'was written by a newer runtrackd',
    },
    {
      name: 'a file that is no database',
      make: (path) => writeFileSync(path, 'this is the diary of a hare. '.repeat(500)),
      says: 'is no outbox, or is damaged',
    },
    {
      name: 'a database that is cut short',
      make: (path) => {
        newer(path, 'delete');
        writeFileSync(path, readFileSync(path).subarray(0, 100));
      },
      says: 'is no outbox, or is damaged',
    },
  ])('is $name: it is refused, and stays as it is to the last byte', async ({ make, says }) => {
    const stateDir = temporaryFolder();
    const path = join(stateDir, 'outbox.db');
    make(path);
    const before = digest(path);
    const error: unknown = await openOutbox(stateDir).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutboxUnusable);
    expect((error as Error).message).toContain(says);
    expect(digest(path)).toBe(before);
    expect(readdirSync(stateDir).filter((name) => name.startsWith('outbox.db-'))).toEqual([]);
  });

  test('holds nothing up once it is out of the way', async () => {
    const stateDir = temporaryFolder();
    writeFileSync(join(stateDir, 'outbox.db'), 'no database '.repeat(1_000));
    await expect(openOutbox(stateDir)).rejects.toThrow(OutboxUnusable);
    rmSync(join(stateDir, 'outbox.db'));
    await opened(stateDir);
    expect(existsSync(join(stateDir, 'outbox.db'))).toBe(true);
  });
});
