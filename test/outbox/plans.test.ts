/**
 * Every statement's plan, asked of SQLite itself on a database with the real schema. It has no rows: without statistics,
 * and an outbox has none (`statistics.test.ts`), the planner does not go by how many there are. Reading a whole table is
 * what a test with three rows never notices, and a million rows do.
 */
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../../src/outbox/migrations.ts';
import { statements, wholeTableReads, type StatementName } from '../../src/outbox/statements.ts';
import { planOf } from './plan.ts';

let db: Database.Database;

beforeAll(() => {
  db = new Database(':memory:');
  for (const sql of migrations) db.exec(sql);
});

/** `json_each` is a list that was given, not a table, and `waiting` is one that grows by a row of the index each time. */
function wholeReads(plan: readonly string[]): string[] {
  return plan.filter(
    (detail) =>
      detail.startsWith('SCAN') &&
      !/^SCAN (json_each|waiting|value|CONSTANT ROW|\d+ CONSTANT ROWS?)/.test(detail),
  );
}

const names = Object.keys(statements) as StatementName[];

describe('no statement reads a whole table', () => {
  test.each(names.filter((name) => wholeTableReads[name] === undefined).map((name) => ({ name })))(
    '$name',
    ({ name }) => {
      expect(wholeReads(planOf(db, statements[name]))).toEqual([]);
    },
  );
});

describe('no statement sorts what an index could give in order', () => {
  const sorted: Partial<Record<StatementName, string>> = {
    countOpenFolders: 'one row for each root and state',
    countRuns: 'likewise',
    foreignDue: 'one row for each platform that was configured once',
    claimSuspect: 'what was in hand when the process died: a few dozen rows at the most',
  };
  test.each(names.filter((name) => sorted[name] === undefined).map((name) => ({ name })))(
    '$name',
    ({ name }) => {
      expect(planOf(db, statements[name]).filter((detail) => detail.includes('TEMP B-TREE'))).toEqual([]);
    },
  );
});

describe('a list of runs is read along the index that has its order, and no further than it is long', () => {
  test.each<{ name: StatementName; along: string }>([
    { name: 'newestRuns', along: 'INTEGER PRIMARY KEY (rowid<?)' },
    { name: 'newestRunsOfKind', along: 'INDEX run_kind (kind=? AND run<?)' },
    { name: 'newestRunsOfRoot', along: 'INDEX run_root (drop_root=? AND run<?)' },
    { name: 'newestOfBothByKind', along: 'INDEX run_kind (kind=? AND run<?)' },
    { name: 'newestOfBothByRoot', along: 'INDEX run_root (drop_root=? AND run<?)' },
  ])('$name', ({ name, along }) => {
    expect(planOf(db, statements[name])).toEqual([`SEARCH run USING ${along}`]);
  });
});

test.each<{ name: StatementName; along: string }>([
  { name: 'nextDue', along: 'run_line (line=? AND platform=? AND due_at_ms>?)' },
  { name: 'claimDue', along: 'run_line (line=? AND platform=? AND due_at_ms<?)' },
  { name: 'appsDue', along: 'run_line (line=? AND platform=? AND due_at_ms>?)' },
  { name: 'anyOfApp', along: 'run_waiting (line=? AND platform=? AND app=? AND due_at_ms>?)' },
  { name: 'anyOfAppInHand', along: 'run_claimed (claimed>?)' },
])('what waits for another platform is not gone through: $name', ({ name, along }) => {
  expect(planOf(db, statements[name])).toContainEqual(expect.stringContaining(along));
});

test.each<{ name: StatementName; along: string }>([
  {
    name: 'unknownDue',
    along: 'run_waiting (line=? AND platform=? AND app=? AND due_at_ms>? AND due_at_ms<?)',
  },
  { name: 'isListingNeeded', along: 'run_absent (<expr>=?)' },
  { name: 'lastingUnknown', along: 'run_unknown (since_ms<?)' },
])('runs whose outcome is unknown may be very many, and are not gone through: $name', ({ name, along }) => {
  expect(planOf(db, statements[name])).toEqual([`SEARCH run USING INDEX ${along}`]);
});

test('runs that have ended may be a million, and those that ended ahead of the clock are found without going through them', () => {
  expect(planOf(db, statements.pullEnded)).toContain('SEARCH run USING INDEX run_thick (since_ms>?)');
});

test.each<{ name: StatementName; along: string }>([
  { name: 'leftOutOfInode', along: 'folder_left_out (drop_root=? AND <expr>=?)' },
  { name: 'takeAside', along: 'folder_aside (drop_root=? AND aside_ms>? AND aside_ms<?)' },
  { name: 'anyAside', along: 'folder_aside (drop_root=? AND aside_ms>?)' },
])('of a large root only the folders that are meant are gone through: $name', ({ name, along }) => {
  expect(planOf(db, statements[name])).toContainEqual(expect.stringContaining(along));
});

test.each<{ name: StatementName }>([{ name: 'appsWithDue' }, { name: 'dueOfApp' }])(
  'what waits for another app is not gone through: $name',
  ({ name }) => {
    const ofRuns = planOf(db, statements[name]).filter((detail) => detail.includes(' run '));
    expect(ofRuns.length).toBeGreaterThan(0);
    for (const step of ofRuns)
      expect(step).toMatch(
        /^SEARCH run (EXISTS )?USING (COVERING )?INDEX run_waiting \(line=\? AND platform=\?/,
      );
    expect(ofRuns.at(-1)).toContain('app=? AND due_at_ms>? AND due_at_ms<?');
  },
);

test.each(Object.entries(wholeTableReads).map(([name, reason]) => ({ name: name as StatementName, reason })))(
  'the exception for $name is still needed, and has a reason',
  ({ name, reason }) => {
    expect(planOf(db, statements[name]).some((detail) => detail.startsWith('SCAN'))).toBe(true);
    expect(reason).not.toBe('');
  },
);

test('the check bites', () => {
  const reads = (sql: string): string[] => wholeReads(planOf(db, sql));
  expect(reads("select run from run where app = 'a'")).not.toEqual([]);
  expect(reads('select count(*) from history')).not.toEqual([]);
  expect(reads("update run set claimed = 0 where settings = ''")).not.toEqual([]);
  expect(reads("select 1 from folder where reason = ''")).not.toEqual([]);
});

test('no limit is a bare parameter, with which SQLite plans anew at every execution', () => {
  expect(names.filter((name) => /limit @\w+(?! \+ 0)\b/.test(statements[name]))).toEqual([]);
});

test('nor is a kind that runs are looked up by', () => {
  expect(names.filter((name) => /where [^]*kind = @kind(?! \|\| '')/.test(statements[name]))).toEqual([]);
});

test('every statement is one statement, named parameters only', () => {
  for (const sql of Object.values(statements)) {
    expect(sql).not.toContain('?');
    expect(sql).not.toContain(';');
  }
});
