/**
 * A disk that is full or locked holds intents up, for minutes perhaps. What was right when they were asked to be written
 * down is looked at again when they are: nothing leaves with ids that are dead, nor all at once.
 */
import { describe, expect, vi } from 'vitest';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

/** Intents that are on disk, and are acknowledged when `wait` ends. @returns how many there were */
function intentsOf(bench: Bench, wait: () => Promise<void> | void): () => number {
  const { outbox } = bench;
  const conclude = outbox.conclude.bind(outbox);
  let intents = 0;
  vi.spyOn(outbox, 'conclude').mockImplementation(async (...asked) => {
    const concluded = await conclude(...asked);
    if (asked[1].life.state.kind === 'intended') {
      intents += 1;
      await wait();
    }
    return concluded;
  });
  return () => intents;
}

test('ids that died meanwhile are not sent: the run keeps its name, and goes on with new ones', async ({
  bench,
}) => {
  const intents = intentsOf(bench, () => {
    if (intents() === 1) bench.letPass(16 * minuteMs);
  });
  const run = await bench.track('plan');
  bench.start();
  const { life, triesTotal } = await bench.reaches(run, 'recorded');
  expect(life.plainest).toBe(false);
  expect(triesTotal).toBe(1);
  expect((await bench.outbox.history(run)).map(({ state }) => state)).toEqual([
    'queued',
    'uploaded',
    'intended',
    'queued',
    'uploaded',
    'intended',
    'tracked',
    'final',
    'recorded',
  ]);
  expect(bench.creates).toBe(1);
});

test('nor are ids that died while the machine slept over the writing, as only the clock tells that can be set', async ({
  bench,
}) => {
  const intents = intentsOf(bench, () => {
    if (intents() === 1) bench.sleep(16 * minuteMs);
  });
  const run = await bench.track('plan');
  bench.start();
  const { life, triesTotal } = await bench.reaches(run, 'recorded');
  expect(life.plainest).toBe(false);
  expect(triesTotal).toBe(1);
  expect(intents()).toBe(2);
  expect(bench.creates).toBe(1);
});

test('a slot that has become old is given up, and on a disk that is always as slow only once in a row', async ({
  bench,
}) => {
  const intents = intentsOf(bench, () => bench.letPass(3_000));
  const run = await bench.track('plan');
  bench.start();
  const { life } = await bench.reaches(run, 'recorded');
  expect(life.tries).toBe(0);
  expect(intents()).toBe(2);
  expect(bench.creates).toBe(1);
});

describe('where the account has a limit', () => {
  test.override({ limits: { runsPerSecond: 5, requestsPerMinute: null } });

  test('runs that were held up together leave at the pace of the account, each once', async ({ bench }) => {
    let release = (): void => undefined;
    const isOver = new Promise<void>((resolve) => (release = resolve));
    const intents = intentsOf(bench, () => isOver);
    const runs = await Promise.all(Array.from({ length: 4 }, (_, n) => bench.track(`run-${n}`)));
    const leftAtMs: number[] = [];
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'create' && phase === 'received') leftAtMs.push(performance.now());
    };
    bench.start();
    await until('every intent to be on disk', () => intents() === runs.length);
    bench.letPass(minuteMs);
    release();
    for (const run of runs) await bench.reaches(run, 'recorded');
    expect(leftAtMs).toHaveLength(runs.length);
    // Three gaps, of which half a one may be caught up.
    expect((leftAtMs.at(-1) ?? 0) - (leftAtMs[0] ?? 0)).toBeGreaterThan(400);
    for (const run of runs) expect(await bench.copiesOf(run)).toBe(1);
  });
});
