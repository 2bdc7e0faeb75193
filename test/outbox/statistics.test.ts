/**
 * SQLite's planner goes by what it once counted. What it counted when there were three runs would have every claim read
 * all of a hundred thousand: `plans.test.ts` looks at plans without statistics, so an outbox is opened without any.
 */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOutbox } from '../../src/outbox/outbox.ts';
import { statements } from '../../src/outbox/statements.ts';
import { planOf } from './plan.ts';
import { chance, claimed, far, newRun, temporaryFolder } from './runs.ts';

async function outboxWithRuns(stateDir: string): Promise<void> {
  const outbox = await openOutbox(stateDir);
  for (const path of ['a', 'b', 'c']) await outbox.enqueue(newRun({ path, text: path }), chance);
  expect(await claimed(outbox, far, 3)).toHaveLength(3);
  await outbox.close();
}

function withDatabase<T>(stateDir: string, use: (db: Database.Database) => T): T {
  const db = new Database(join(stateDir, 'outbox.db'));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

const plansOf = (db: Database.Database): string[] =>
  Object.entries(statements).map(([name, sql]) => [name, ...planOf(db, sql)].join('\n'));

test('an outbox that was used and closed has no statistics', async () => {
  const stateDir = temporaryFolder();
  await outboxWithRuns(stateDir);
  const tables = withDatabase(stateDir, (db) =>
    db.prepare("select name from sqlite_schema where name glob 'sqlite_stat*'").pluck().all(),
  );
  expect(tables).toEqual([]);
});

test('what somebody else has let SQLite count is forgotten when the outbox is opened', async () => {
  const stateDir = temporaryFolder();
  await outboxWithRuns(stateDir);
  const before = withDatabase(stateDir, plansOf);
  const misled = withDatabase(stateDir, (db) => {
    db.exec('analyze');
    return plansOf(db);
  });
  expect(misled).not.toEqual(before);
  await (await openOutbox(stateDir)).close();
  expect(withDatabase(stateDir, plansOf)).toEqual(before);
});
