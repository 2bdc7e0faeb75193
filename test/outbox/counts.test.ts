/** How many there are in each state: kept by the schema, and never anything but what a count of all rows would say. */
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Happening } from '../../src/core/happening.ts';
import type { Db } from '../../src/outbox/database.ts';
import { migrations } from '../../src/outbox/migrations.ts';
import type { Folder } from '../../src/outbox/nouns.ts';
import { outboxOperations } from '../../src/outbox/operations.ts';
import { statements } from '../../src/outbox/statements.ts';
import { chance, concluded, far, newDirectory, newRun, now, platform, road, trouble } from './runs.ts';

function migrated(upTo = migrations.length): Db {
  const db = new Database(':memory:');
  for (const sql of migrations.slice(0, upTo)) db.exec(sql);
  return db;
}

function kept(db: Db): unknown {
  return {
    runs: db
      .prepare(
        'select drop_root, platform, backlog, kind, runs from run_count where runs <> 0 order by 1, 2, 3, 4',
      )
      .all(),
    folders: db
      .prepare('select drop_root, state, folders from folder_count where folders <> 0 order by 1, 2')
      .all(),
  };
}

function counted(db: Db): unknown {
  return {
    runs: db
      .prepare(
        'select drop_root, platform, backlog, kind, count(*) as runs from run group by 1, 2, 3, 4 order by 1, 2, 3, 4',
      )
      .all(),
    folders: db
      .prepare('select drop_root, state, count(*) as folders from folder group by 1, 2 order by 1, 2')
      .all(),
  };
}

const roots = ['plans', 'other'];
const paths = ['a', 'b', 'c'];
const folderStates: readonly Folder['state'][] = ['settling', 'overdue', 'rejected', 'skipped', 'known'];
const happenings: readonly Happening[] = [
  { kind: 'skip' },
  { kind: 'retry' },
  { kind: 'vanished' },
  { kind: 'newerContent' },
  { kind: 'returned' },
  { kind: 'resultLost' },
  { kind: 'distrusted' },
  { kind: 'crashedAlone' },
];

function folder(dropRoot: string, path: string, state: Folder['state']): Folder {
  return {
    dropRoot,
    path,
    state,
    reason: { class: 'why', text: 'because' },
    hint: '',
    signature: 'signature',
    directory: newDirectory(),
    firstSeenMs: now,
    changedAtMs: now,
    sinceMs: now,
    run: null,
    target: `${platform} hare-app`,
  };
}

/** What happens, each as an index into whatever there is to choose from. */
const change = fc.record({
  what: fc.constantFrom('enqueue', 'enqueue', 'step', 'step', 'step', 'tell', 'folder', 'forget'),
  root: fc.constantFrom(...roots),
  path: fc.constantFrom(...paths),
  pick: fc.nat(1_000),
  flag: fc.boolean(),
  /** The transaction fails afterwards. */
  isUndone: fc.boolean(),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function make(operations: ReturnType<typeof outboxOperations>, { what, root, path, pick, flag }: Change) {
  const run = 1 + (pick % 6);
  switch (what) {
    case 'enqueue': {
      const wanted = newRun({
        path,
        text: String(pick % 3),
        isBacklog: flag,
        ...(pick % 7 === 0 ? { doubt: trouble } : {}),
        ...(pick % 11 === 0 ? { believed: { runId: `believed-${pick}` } } : {}),
      });
      const key = {
        ...wanted.key,
        dropRoot: root,
        platform: pick % 5 === 0 ? 'https://other.test' : platform,
      };
      operations.enqueue({ ...wanted, key }, chance);
      return;
    }
    case 'step': {
      const claim = operations.claimRun(platform, run, far);
      if (claim === null) return;
      const steps = road.recorded.map((happening) =>
        happening.kind === 'made' ? { ...happening, runId: `run-${run}` } : happening,
      );
      const states = ['queued', 'uploaded', 'intended', 'tracked', 'final'];
      const step = steps[states.indexOf(claim.life.state.kind)];
      if (step === undefined) operations.release(claim, now);
      else operations.conclude(claim, concluded(claim, step), false, now);
      return;
    }
    case 'tell': {
      const happening = happenings[pick % happenings.length];
      if (happening !== undefined) operations.apply(run, happening, chance);
      return;
    }
    case 'folder':
      operations.saveFolder(folder(root, path, folderStates[pick % folderStates.length] ?? 'known'));
      return;
    case 'forget':
      operations.forgetFolder(root, path);
  }
}

test('after whatever happens they are what a count of all rows says, also where a change is taken back', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40, size: 'max' }), (changes) => {
      const db = migrated();
      const operations = outboxOperations(db);
      for (const one of changes) {
        db.exec('begin');
        make(operations, one);
        db.exec(one.isUndone && one.flag ? 'rollback' : 'commit');
        expect(kept(db)).toEqual(counted(db));
      }
      const { states, folders } = operations.counts();
      for (const state of Object.keys(states)) seen.add(state);
      for (const root of roots) {
        const known = Number(
          db
            .prepare(`select count(*) from folder where state = 'known' and drop_root = @root`)
            .pluck()
            .get({ root }),
        );
        const open = folders.filter(({ dropRoot }) => dropRoot === root);
        expect(operations.folderCount(root)).toBe(open.reduce((sum, { count }) => sum + count, known));
      }
      db.close();
    }),
    { numRuns: 100, seed: 20_261_128 },
  );
  // A property that meets queued runs only would prove little.
  for (const state of ['queued', 'unknown', 'tracked', 'recorded', 'parked', 'skipped', 'gone', 'rejected'])
    expect([...seen]).toContain(state);
});

test('what an older version has written is counted when its outbox is opened', () => {
  const before = migrations.findIndex((sql) => sql.includes('create table run_count'));
  const db = migrated(before);
  const insert =
    db.prepare(`insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation,
      counter, path, directory, content, settings, state, since_ms, created_at_ms, backlog)
    values (@n, 1, 'p', 'a', 'h', @root, @n, 'g', 1, @n, '["1","2","3"]', '{}', '{}', json_object('kind', @kind), 1, 1, @backlog)`);
  for (let n = 0; n < 40; n += 1) {
    const kind = ['queued', 'recorded', 'parked'][n % 3];
    insert.run({ n: String(n), kind, root: roots[n % 2], backlog: n % 5 === 0 ? 1 : 0 });
  }
  db.exec(`insert into folder values ('plans', 'a', 'rejected', '', '', '', '', '', 1, 1, 1, null, '', 0)`);
  for (const sql of migrations.slice(before)) db.exec(sql);
  expect(kept(db)).toEqual(counted(db));
  expect(outboxOperations(db).counts()).toMatchObject({
    states: { queued: 14, recorded: 13, parked: 13, rejected: 1 },
  });
});

test.each(['countRuns', 'countBacklog', 'countOpenFolders', 'countFolders', 'foreignDue'] as const)(
  '%s reads no runs and no folders',
  (name) => {
    const db = migrated();
    const sql = statements[name];
    const values = Object.fromEntries(
      [...sql.matchAll(/@(\w+)/g)].map(([, parameter = '']) => [parameter, 0]),
    );
    const plan = db.prepare(`explain query plan ${sql}`).all(values) as { detail: string }[];
    const tables = plan.flatMap(({ detail }) => /^(?:SCAN|SEARCH) (\w+)/.exec(detail)?.[1] ?? []);
    expect(tables).toEqual([name.includes('Folders') ? 'folder_count' : 'run_count']);
  },
);

test('the newest runs are those of each drop root, however busy another one is', () => {
  const outbox = outboxOperations(migrated());
  const put = (dropRoot: string, path: string): void => {
    const run = newRun({ path, text: `${dropRoot} ${path}` });
    outbox.enqueue({ ...run, key: { ...run.key, dropRoot } }, chance);
  };
  put('quiet', 'only');
  put('left-out', 'first-of-all');
  put('quiet', 'second');
  for (let n = 0; n < 50; n += 1) put('busy', `run-${String(n)}`);
  const newest = outbox.recentRuns(2, 3).map(({ dropRoot, folder: path }) => `${dropRoot} ${path}`);
  expect(newest).toEqual(['busy run-49', 'busy run-48', 'busy run-47', 'quiet second', 'quiet only']);
});
