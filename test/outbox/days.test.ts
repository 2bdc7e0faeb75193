/** The sums of each day, which nobody has to remember to keep. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrations } from '../../src/outbox/migrations.ts';
import type { DaySum } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import { chance, newRun, now, opened, road, taken, temporaryFolder, trouble } from './runs.ts';

const today = Math.floor(now / 86_400_000);
const nothing: Omit<DaySum, 'day' | 'dropRoot' | 'status'> = {
  made: 0,
  recorded: 0,
  failed: 0,
  parked: 0,
  recordedMs: 0,
  recordedMsMax: 0,
  gaps: 0,
  gapSum: 0,
};
const sum = (changes: Partial<DaySum>): DaySum => ({
  day: today,
  dropRoot: 'plans',
  status: '',
  ...nothing,
  ...changes,
});

async function recordedRun(outbox: Outbox, path: string, runId: string): Promise<number> {
  const { run } = await outbox.enqueue(newRun({ path }), chance);
  const happenings = road.recorded.map((happening) =>
    happening.kind === 'made' ? { ...happening, runId } : happening,
  );
  await taken(outbox, run, happenings);
  return run;
}

test('a run is counted when it is made and when it is recorded, in the change that makes it so', async () => {
  const outbox = await opened();
  await recordedRun(outbox, 'monday', 'run-1');
  await outbox.enqueue(newRun({ path: 'tuesday' }), chance);
  expect(await outbox.days(today, today, null)).toEqual([sum({ made: 2, recorded: 1 })]);
  expect(await outbox.days(today, today, 'another')).toEqual([]);
  expect(await outbox.days(today + 1, today + 9, null)).toEqual([]);
});

test('a run whose result was lost and is written back again is recorded once', async () => {
  const outbox = await opened();
  const run = await recordedRun(outbox, 'monday', 'run-1');
  await outbox.apply(run, { kind: 'resultLost' }, chance);
  await taken(outbox, run, road.recorded.slice(-1));
  expect((await outbox.run(run))?.life.state.kind).toBe('recorded');
  expect(await outbox.days(today, today, null)).toEqual([sum({ made: 1, recorded: 1 })]);
});

test('what is set aside is counted, also when it is born so', async () => {
  const outbox = await opened();
  await outbox.enqueue(newRun({ path: 'moved', doubt: trouble }), chance);
  const { run } = await outbox.enqueue(newRun({ path: 'refused' }), chance);
  await outbox.apply(run, { kind: 'crashedAlone' }, chance);
  expect(await outbox.days(today, today, null)).toEqual([sum({ made: 2, parked: 2 })]);
});

test('runs of an outbox from before there were sums are added step by step, and none twice', async () => {
  const stateDir = temporaryFolder();
  const first = await openOutbox(stateDir);
  await first.freezeHost('solver-7', now);
  for (let n = 0; n < 5; n += 1) await recordedRun(first, `run-${String(n)}`, `run-${String(n)}`);
  const { run: late } = await first.enqueue(newRun({ path: 'late' }), chance);
  await first.close();
  const db = new Database(join(stateDir, 'outbox.db'));
  db.exec('delete from day; update run set counted = 0');
  db.exec('update outbox set counted_to = 0, count_end = (select max(run) from run)');
  db.exec(`update run set facts = '{"status":"optimal","gap_relative":0.5}' where run <= 2`);
  db.exec(`update run set content = json_set(content, '$.meta.status', 'failed') where run = 3`);
  db.close();

  const outbox = await opened(stateDir);
  // What happens before its turn comes counts at once, and is not counted again then.
  await taken(
    outbox,
    late,
    road.recorded.map((happening) =>
      happening.kind === 'made' ? { ...happening, runId: 'late' } : happening,
    ),
  );
  await outbox.enqueue(newRun({ path: 'new' }), chance);
  let steps = 1;
  while (await outbox.countOldRuns(2)) steps += 1;
  expect(steps).toBe(3);
  expect(await outbox.countOldRuns(2)).toBe(false);
  expect(await outbox.days(today, today, null)).toEqual([
    sum({ made: 7, recorded: 4, failed: 1 }),
    sum({ status: 'optimal', recorded: 2, gaps: 2, gapSum: 1 }),
  ]);
});

test('an outbox that is new has nothing to add', async () => {
  const outbox = await opened();
  await outbox.freezeHost('solver-7', now);
  await recordedRun(outbox, 'monday', 'run-1');
  expect(await outbox.countOldRuns(100)).toBe(false);
  expect(await outbox.days(today, today, null)).toEqual([sum({ made: 1, recorded: 1 })]);
});

test('the migration remembers which runs it found', () => {
  const db = new Database(':memory:');
  const at = migrations.findIndex((sql) => sql.includes('create table day'));
  for (const sql of migrations.slice(0, at)) db.exec(sql);
  db.exec(`insert into outbox (only, host, created_at_ms) values (1, 'solver-7', 1)`);
  const insert =
    db.prepare(`insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation,
      counter, path, directory, content, settings, state, since_ms, created_at_ms)
    values (@n, 1, 'p', 'a', 'h', 'plans', @n, 'g', 1, @n, '["1","2","3"]', '{}', '{}', '{"kind":"queued"}', 1, 1)`);
  for (const n of ['1', '2', '3']) insert.run({ n });
  for (const sql of migrations.slice(at)) db.exec(sql);
  expect(db.prepare('select counted_to, count_end from outbox').get()).toEqual({
    counted_to: 0,
    count_end: 3,
  });
});
