/** The arithmetic of waiting is that of the official SDK. */
import { describe, expect, test } from 'vitest';
import { pollingDelayMs, pollingWaitMs, type PollingOptions } from '../../src/library/polling.ts';
import { begun, failure } from './place.ts';

test.each([
  { n: 1, ms: 1_900 },
  { n: 2, ms: 3_700 },
  { n: 3, ms: 7_300 },
  { n: 4, ms: 14_500 },
  { n: 5, ms: 20_000 },
  { n: 6, ms: 20_000 },
  { n: 10_000, ms: 20_000 },
])('the wait after question $n is $ms ms before jitter', ({ n, ms }) => {
  expect(pollingDelayMs(n, {}, 0)).toBeCloseTo(ms, 6);
  // Jitter comes after the cap.
  expect(pollingDelayMs(n, {}, 0.5)).toBeCloseTo(ms + 500, 6);
});

test.each<{ options: PollingOptions; ms: number }>([
  { options: { delay: 1, backoff: 0, jitter: 0 }, ms: 1_000 },
  { options: { maxDelay: 0.5, jitter: 0 }, ms: 500 },
  { options: { jitter: 4 }, ms: 3_900 },
  { options: { delay: undefined, jitter: undefined } as unknown as PollingOptions, ms: 2_400 },
])('options change it: $options', ({ options, ms }) => {
  expect(pollingDelayMs(1, options, 0.5)).toBeCloseTo(ms, 6);
});

test('a function of the caller’s own says each wait, and nothing is added to it', () => {
  const waits = [3, 0];
  const options = { sleepDuration: () => waits.shift() ?? 0, delay: 100, jitter: 100 };
  expect(pollingDelayMs(1, options, 0.5)).toBe(3_000);
  expect(pollingDelayMs(2, options, 0.5)).toBe(0);
  for (const wrong of [Number.NaN, -1, Infinity, '1'])
    expect(() => pollingDelayMs(1, { sleepDuration: () => wrong as number }, 0)).toThrow('sleepDuration');
});

test.each<{ name: string; options: PollingOptions; asked: number; elapsedMs: number; is: string | null }>([
  { name: 'nothing is over at the beginning', options: {}, asked: 0, elapsedMs: 0, is: null },
  { name: 'a hundred questions are enough', options: {}, asked: 100, elapsedMs: 0, is: 'polling-tries' },
  { name: 'the hundredth is still asked', options: {}, asked: 99, elapsedMs: 0, is: null },
  { name: 'five minutes are enough', options: {}, asked: 1, elapsedMs: 300_000, is: 'polling-timeout' },
  {
    name: 'the first question is asked however late it is',
    options: { maxDuration: 0 },
    asked: 0,
    elapsedMs: 9,
    is: null,
  },
  { name: 'no tries at all', options: { maxTries: 0 }, asked: 0, elapsedMs: 0, is: 'polling-tries' },
  { name: 'no limits', options: { maxTries: -1, maxDuration: -1 }, asked: 1e6, elapsedMs: 1e12, is: null },
])('$name', ({ options, asked, elapsedMs, is }) => {
  let reason: unknown = null;
  try {
    pollingWaitMs('r-1', asked, elapsedMs, options, 0);
  } catch (error) {
    reason = (error as { reason: unknown }).reason;
    expect(String(error)).toContain('r-1');
  }
  expect(reason).toBe(is);
});

test.each<{ name: string; options: PollingOptions; asked: number; elapsedMs: number; ms: number }>([
  { name: 'none before the first question', options: {}, asked: 0, elapsedMs: 0, ms: 0 },
  { name: 'as long as it is where there is time', options: {}, asked: 5, elapsedMs: 280_000, ms: 20_000 },
  { name: 'to the end where that is sooner', options: {}, asked: 5, elapsedMs: 299_000.5, ms: 1_000 },
  {
    name: 'to the end also by a function of the caller’s own',
    options: { sleepDuration: () => 3_600, maxDuration: 2 },
    asked: 1,
    elapsedMs: 500,
    ms: 1_500,
  },
  {
    name: 'as long as it is without end',
    options: { maxDuration: -1 },
    asked: 5,
    elapsedMs: 1e12,
    ms: 20_000,
  },
])('a wait is $name', ({ options, asked, elapsedMs, ms }) => {
  expect(pollingWaitMs('r-1', asked, elapsedMs, options, 0)).toBe(ms);
});

test('a run that is final when the time is over is found, and waited for no longer', async () => {
  const place = await begun();
  const { faults } = place.standIn;
  faults.finalAfterMs = 3_600_000;
  const listen = faults.onRequest;
  faults.onRequest = (seen) => {
    if (seen.kind === 'metadata' && seen.phase === 'received') faults.finalAfterMs = 0;
    return listen?.(seen);
  };
  // Without an end of its own the wait would be an hour, and the run be final meanwhile.
  const polling = { delay: 3_600, maxDelay: 3_600, maxDuration: 0.2 };
  const result = await place.application.trackRunWithResult({ status: 'succeeded', input: {} }, { polling });
  expect(result.isFinal).toBe(true);
  expect(place.asked().slice(-3)).toEqual(['run', 'metadata', 'run']);
});

describe('waiting for a run that is never final', () => {
  const fast = { delay: 0, backoff: 0, jitter: 0 };

  test.each<{ polling: PollingOptions; is: string; questions: number }>([
    { polling: { ...fast, maxTries: 5 }, is: 'polling-tries', questions: 5 },
    { polling: { ...fast, maxTries: 0 }, is: 'polling-tries', questions: 0 },
    { polling: { ...fast, maxDuration: 0 }, is: 'polling-timeout', questions: 1 },
  ])('ends by $is', async ({ polling, is, questions }) => {
    const place = await begun();
    place.standIn.faults.finalAfterMs = 3_600_000;
    const run = { status: 'succeeded', input: {} } as const;
    const error = await failure(place.application.trackRunWithResult(run, { polling }));
    expect(error.reason).toBe(is);
    expect(error.message).toContain(place.only().id);
    // Whoever learned only that it failed would track the run a second time.
    expect(error.runId).toBe(place.only().id);
    expect(place.count('run', 'metadata')).toBe(questions);
    // The run is there, and can be asked for later.
    place.standIn.faults.finalAfterMs = 0;
    expect((await place.application.runResultWithPolling(place.only().id)).isFinal).toBe(true);
  });

  test('ends by its callback', async () => {
    const place = await begun();
    place.standIn.faults.finalAfterMs = 3_600_000;
    let asked = 0;
    const polling = { ...fast, stop: () => (asked += 1) > 3 };
    const error = await failure(
      place.application.trackRunWithResult({ status: 'succeeded', input: {} }, { polling }),
    );
    expect(error.reason).toBe('polling-stopped');
    expect(place.count('run', 'metadata')).toBe(3);
  });

  test('waits as long as its own function says', async () => {
    const place = await begun();
    place.standIn.faults.finalAfterMs = 3_600_000;
    let waits = 0;
    const sleepDuration = (): number => {
      waits += 1;
      if (waits === 3) place.standIn.faults.finalAfterMs = 0;
      return 0;
    };
    const run = { status: 'succeeded', input: {} } as const;
    const result = await place.application.trackRunWithResult(run, { polling: { sleepDuration } });
    expect(result.isFinal).toBe(true);
    expect(waits).toBe(3);
  });
});
