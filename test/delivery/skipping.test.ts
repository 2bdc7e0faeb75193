/** A person leaves a run whose outcome is unknown: nobody looks for it any more, until somebody says `retry`. */
import { expect, vi } from 'vitest';
import type { PersonsAnswer } from '../../src/http/operations.ts';
import { until } from '../journey/waiting.ts';
import { answersOf } from '../service/answersOf.ts';
import { app, minuteMs, test, type Bench } from './bench.ts';

async function say(bench: Bench, word: PersonsAnswer['word'], run: number | 'all') {
  const selectors = run === 'all' ? [] : [{ text: '', path: '/', generation: null, run }];
  return await answersOf(bench).answer({
    ...{ word, selectors, all: run === 'all', reason: null, root: null, dryRun: false },
  });
}

/** Tells whenever the outbox has heard of the run what a list says. */
function heardOfList(bench: Bench, run: number): () => number {
  const apply = bench.outbox.apply.bind(bench.outbox);
  let heard = 0;
  vi.spyOn(bench.outbox, 'apply').mockImplementation(async (...asked) => {
    const now = await apply(...asked);
    if (asked[0] === run && (asked[1].kind === 'found' || asked[1].kind === 'absent')) heard += 1;
    return now;
  });
  return () => heard;
}

test('a run whose outcome is unknown is skipped by its name alone, and is not sent by a retry before it is surely absent', async ({
  bench,
}) => {
  bench.start();
  const run = await bench.trackLost();
  expect((await say(bench, 'skip', 'all')).runs).toEqual([]);
  expect(await say(bench, 'skip', run)).toMatchObject({ runs: [{ run, state: 'skipped' }], left_alone: [] });
  // Time that counts for nothing, because nobody looks.
  bench.letPass(60 * minuteMs);
  const heard = heardOfList(bench, run);
  await say(bench, 'retry', run);
  await bench.missedOnce(run);
  await until('another listing', () => {
    bench.letPass(5 * minuteMs);
    return heard() >= 2;
  });
  expect((await bench.run(run)).life.state).toMatchObject({ kind: 'unknown', absent: {} });
  expect(bench.creates).toBe(2);
  await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(bench.creates).toBe(3);
  expect(await bench.copiesOf(run)).toBe(1);
});

test('skipped while the list that shows its run is held at the second page it stays so, and a retry adopts the run', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  await bench.foreignRuns(60);
  bench.standIn.faults.listOrder = 'newest-first';
  bench.standIn.faults.pageSize = 20;
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  let pages = 0;
  let run = 0;
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'list' || phase !== 'received' || run === 0) return;
    pages += 1;
    if (pages === 2) await say(bench, 'skip', run);
  };
  run = await bench.track('made');
  const said = vi.spyOn(bench.log, 'info');
  const heard = heardOfList(bench, run);
  await until('the list to have said that it is there', () => heard() > 0);
  // It was read to its end.
  expect(pages).toBe(4);
  expect((await bench.run(run)).life.state).toMatchObject({ kind: 'skipped', from: { kind: 'unknown' } });
  const sent = bench.creates;
  await say(bench, 'retry', run);
  await bench.reaches(run, 'recorded');
  // That it was skipped is not what the list has said.
  const outcomes = said.mock.calls.map(([, text]) => text).filter((text) => text?.startsWith('the outcome'));
  expect(outcomes).toEqual(['the outcome is known now: tracked']);
  expect(bench.creates).toBe(sent);
  expect(await bench.copiesOf(run)).toBe(1);
});

test('skipped while a listing that misses it is concluded it stays so', async ({ bench }) => {
  bench.start();
  const run = await bench.trackLost();
  const unknownDue = bench.outbox.unknownDue.bind(bench.outbox);
  vi.spyOn(bench.outbox, 'unknownDue').mockImplementation(async (...question) => {
    const page = await unknownDue(...question);
    if (page.length > 0) await say(bench, 'skip', run);
    return page;
  });
  const heard = heardOfList(bench, run);
  bench.letPass(21 * minuteMs);
  await until('the list to have said that it is not there', () => heard() > 0);
  const { life } = await bench.run(run);
  expect(life.state).toMatchObject({ kind: 'skipped', from: { kind: 'unknown' } });
  expect((await bench.outbox.history(run)).at(-1)?.note).toBe('a person said: skip');
  // Whoever looks for others goes on.
  vi.restoreAllMocks();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  await bench.reaches(await bench.track('other'), 'recorded');
  expect(bench.creates).toBe(3);
});

test('of an app that was deleted nothing asks for a person any more once its runs are skipped', async ({
  bench,
}) => {
  const asks = async () => {
    const { needs_person: runs, problems } = await answersOf(bench).status();
    return { runs: runs.map(({ reason }) => reason?.class), problems };
  };
  bench.start();
  const run = await bench.trackLost();
  bench.standIn.faults.always({ app }, { kind: 'answer', status: 404 });
  bench.letPass(25 * 60 * minuteMs);
  const asked = await until('the list to be said to fail', async () => {
    bench.letPass(minuteMs);
    const now = await asks();
    return now.problems.length > 0 && now;
  });
  expect(asked).toMatchObject({
    runs: ['unknown-for-long'],
    problems: [expect.stringContaining(`the list of app "${app}" cannot be read`)],
  });
  await say(bench, 'skip', run);
  bench.delivery.wake();
  await until('nothing to be said', async () => (await asks()).problems.length === 0);
  expect(await asks()).toEqual({ runs: [], problems: [] });
});
