/** What a run costs, in counts and not in times: requests, commits, statements. And what goes side by side. */
import { join } from 'node:path';
import { expect, test as plainTest } from 'vitest';
import type { Happening } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { createDatabase, openDatabase, type Db } from '../../src/outbox/database.ts';
import { outboxOperations } from '../../src/outbox/operations.ts';
import type { SeenRequest } from '../../src/standin/faults.ts';
import { temporaryFolder } from '../library/place.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { chance, newRun, platform } from '../outbox/runs.ts';
import { test } from './bench.ts';

const runsAtOnce = 64;

test('sixty-four runs cost five API requests and three uploads each, and a commit is shared by several changes', async ({
  bench,
}) => {
  const requests: Partial<Record<SeenRequest['kind'], number>> = {};
  bench.onRequest = ({ kind, phase }) => {
    if (phase === 'received') requests[kind] = (requests[kind] ?? 0) + 1;
  };
  const runs = await Promise.all(
    Array.from({ length: runsAtOnce }, (_, n) =>
      bench.track(`run-${n}`, { ...plan(`run-${n}`), 'run.log': `run ${n}\n` }),
    ),
  );
  const groupsBefore = bench.outbox.groupsCommitted();
  bench.start();
  for (const run of runs) await bench.reaches(run, 'recorded');
  const groups = bench.outbox.groupsCommitted() - groupsBefore;
  const { list = 0, ...perRun } = requests;
  expect(perRun).toEqual({
    uploadurl: 3 * runsAtOnce,
    put: 3 * runsAtOnce,
    create: runsAtOnce,
    run: runsAtOnce,
  });
  // For all runs of the app together: is the outbox to be believed, and does the list show fingerprints?
  expect(list).toBeLessThanOrEqual(3);
  // queued, uploaded, intended, tracked, final, recorded; the claim and what is looked up join them.
  // 2.9 to 4.5, the more the busier the machine is; 9 with a group for each of them.
  expect(groups / runsAtOnce).toBeLessThan(5);
});

test('the artefacts of a run go up side by side, and so do runs', async ({ bench }) => {
  let waiting = 0;
  let most = 0;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  // Nobody is answered before all are there: one after the other they would wait for ever.
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'put' || phase !== 'received') return;
    waiting += 1;
    most = Math.max(most, waiting);
    if (waiting === 8) open();
    await opened;
  };
  const runs = await Promise.all(Array.from({ length: 4 }, (_, n) => bench.track(`run-${n}`)));
  bench.start();
  for (const run of runs) await bench.reaches(run, 'recorded');
  // Four runs, two artefacts each, over as many connections as the bench allows.
  expect(most).toBe(8);
});

test('many runs are in hand at once', async ({ bench }) => {
  let most = 0;
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'create' || phase !== 'received') return;
    most = Math.max(most, bench.delivery.inHand());
    if (most < 30) await until('others to be in hand', () => bench.delivery.inHand() >= 30);
  };
  await Promise.all(Array.from({ length: runsAtOnce }, (_, n) => bench.track(`run-${n}`)));
  bench.start();
  await until('many to be in hand', () => most >= 30);
});

plainTest('a run’s whole life is a bounded number of statements, however many runs there are', () => {
  const counted = (others: number): number => {
    const path = join(temporaryFolder(), 'outbox.db');
    createDatabase(path);
    const db = openDatabase(path);
    const statements = { count: 0 };
    const operations = outboxOperations(counting(db, statements));
    for (let n = 0; n < others; n += 1) live(operations, n);
    statements.count = 0;
    live(operations, others);
    db.close();
    return statements.count;
  };
  const few = counted(1);
  expect(counted(300)).toBe(few);
  // Six changes, each with its entry in the run's history; claims, the folder, what is looked up, also among thinned runs,
  // what else the folder was to be sent as, and whether it has become another run while this one was about to be sent.
  expect(few).toBe(30);
});

plainTest(
  'a scan asks about a page of folders in one statement, and names those that a look is needed at',
  () => {
    const path = join(temporaryFolder(), 'outbox.db');
    createDatabase(path);
    const db = openDatabase(path);
    const statements = { count: 0 };
    const operations = outboxOperations(counting(db, statements));
    const known = Array.from({ length: 20 }, (_, n) => newRun({ path: `run "${n}" ü` }));
    for (const run of known) operations.enqueue(run, chance);
    const fresh = Array.from({ length: 1_000 }, (_, n) => `fresh-${n}`);
    const page = [...known.map(({ path: name }) => name), ...fresh];
    const { key, target } = newRun();
    statements.count = 0;
    expect(operations.lookWanted(key.dropRoot, target, page)).toEqual(fresh);
    expect(statements.count).toBe(1);
    db.close();
  },
);

/** From a complete folder to its result. */
function live(operations: ReturnType<typeof outboxOperations>, n: number): void {
  const folder = `run-${n}`;
  const { run } = operations.enqueue(newRun({ path: folder }), chance);
  const room = { inHand: 1, unposted: 1, uploads: 1 };
  const [claim] = operations.claimInTurn(platform, chance.nowMs, room, 0, []).runs;
  if (claim === undefined) throw new Error('nothing was due');
  let { life } = claim;
  const steps: Happening[] = [
    {
      kind: 'uploadsLanded',
      uploads: [{ role: 'input', uploadId: `u-${n}`, askedAtMs: chance.nowMs }],
      failure: null,
    },
    { kind: 'intended', platformTimeMs: chance.nowMs },
    { kind: 'made', runId: `r-${n}` },
    { kind: 'final', status: 'succeeded' },
    { kind: 'written', path: '/there' },
  ];
  for (const [at, step] of steps.entries()) {
    const conclusion = advance(life, step, chance.nowMs, 0, chance.policy);
    operations.conclude({ run, fence: claim.fence }, conclusion, at < steps.length - 1, chance.nowMs);
    life = conclusion.life;
  }
  if (life.state.kind !== 'recorded') throw new Error(`it ended as ${life.state.kind}`);
}

/** The same database, which counts how often a statement of it is carried out. */
function counting(db: Db, statements: { count: number }): Db {
  const counted = <T extends object>(statement: T): T =>
    new Proxy(statement, {
      get(target, member) {
        const value: unknown = Reflect.get(target, member);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (['run', 'get', 'all', 'iterate'].includes(String(member))) statements.count += 1;
          const given = (value as (...given: unknown[]) => unknown).apply(target, args);
          // `pluck` and `raw` give the statement itself.
          return given === target ? counted(target) : given;
        };
      },
    });
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'prepare') return Reflect.get(target, name) as unknown;
      return (sql: string) => counted(target.prepare(sql));
    },
  });
}
