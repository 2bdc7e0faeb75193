/** Runs that were in hand when the process died go alone: nobody waits for them longer than it takes to see that they do no harm. */
import { describe, expect } from 'vitest';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

const room = { inHand: 1, unposted: 1, uploads: 1 };

/** What is due is taken in hand, and the process dies. @returns the run's number */
async function suspect(bench: Bench, name: string): Promise<number> {
  const run = await bench.track(name);
  const { outbox, clock, standIn, policy } = bench;
  const { runs } = await outbox.claimInTurn(standIn.endpoint, clock.nowMs(), room, 0, []);
  expect(runs.map((claim) => claim.run)).toEqual([run]);
  const { suspects } = await outbox.takeOver({ nowMs: clock.nowMs(), random: 0, policy });
  expect(suspects).toBe(1);
  return run;
}

test('a suspect whose request is to wait for an hour holds up nobody, and costs no try', async ({
  bench,
}) => {
  const run = await suspect(bench, 'suspect');
  const beganMs = bench.clock.nowMs();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429, retryAfter: '3600' });
  bench.start();
  await until('it to be refused', () => bench.creates === 1);
  // Nothing new is begun meanwhile, but what the platform has already is asked for.
  const beside = await bench.trackMade('beside');
  await bench.reaches(beside, 'recorded');
  const { life, isClaimed, dueAtMs } = await bench.run(run);
  expect(life).toMatchObject({ state: { kind: 'uploaded' }, tries: 0 });
  expect(isClaimed).toBe(false);
  // A minute before its slot, for which it waits alone.
  expect((dueAtMs ?? 0) - beganMs).toBeGreaterThanOrEqual(59 * minuteMs);
  expect(await bench.copiesOf(run)).toBe(0);
});

describe('where a run can be sent every few minutes only', () => {
  test.override({ limits: { runsPerSecond: 0.004, requestsPerMinute: null } });

  test('those that wait for it let a suspect go first, and are sent after it, each once', async ({
    bench,
  }) => {
    const run = await suspect(bench, 'suspect');
    const claim = await bench.outbox.claimInTurn(bench.standIn.endpoint, bench.clock.nowMs(), room, 0, []);
    for (const hand of claim.runs)
      await bench.outbox.release(hand, Math.ceil(bench.clock.nowMs()) + 10 * minuteMs, true);
    const others: number[] = [];
    for (let n = 0; n < 3; n += 1) others.push(await bench.track(`other-${n}`));
    bench.start();
    await until('others to wait in line', () => bench.delivery.budget.waitingIn('create') === 2);
    expect((await bench.run(run)).life.state.kind).toBe('queued');
    bench.letPass(10 * minuteMs);
    await bench.reaches(run, 'uploaded');
    await until('others to wait in line again', () => bench.delivery.budget.waitingIn('create') === 2);
    expect((await bench.run(run)).isClaimed).toBe(false);

    bench.delivery.limitTo({ runsPerSecond: 200, requestsPerMinute: null, uploadsAtOnce: 8 });
    bench.letPass(5 * minuteMs);
    for (const each of [run, ...others]) {
      await bench.reaches(each, 'recorded');
      expect(await bench.copiesOf(each)).toBe(1);
    }
    expect(bench.creates).toBe(4);
  });
});

test('a bug ends delivery at once, also while runs wait for a slot that is an hour away', async ({
  bench,
}) => {
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429, retryAfter: '3600' });
  await bench.track('waits');
  const ended = bench.delivery.run(new AbortController().signal, null);
  await until(
    'it to wait in line',
    () => bench.creates === 1 && bench.delivery.budget.waitingIn('create') === 1,
  );
  Object.assign(bench.outbox, { resultPlace: () => Promise.reject(new Error('a bug')) });
  await bench.trackMade('meets the bug');
  await expect(ended).rejects.toThrow('a bug');
  expect(bench.delivery.inHand()).toBe(0);
});
