/** Upload ids live for minutes: while requests to make runs have to wait for longer, nothing is uploaded in vain. */
import { expect, test as plainTest } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import { deliveryLines } from '../../src/core/turns.ts';
import { Breaker } from '../../src/delivery/breaker.ts';
import { Budget } from '../../src/delivery/budget.ts';
import { Claiming, type ClaimingParts } from '../../src/delivery/claiming.ts';
import { Gate } from '../../src/delivery/gate.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test } from './bench.ts';

const never = new AbortController().signal;

/** What is claimed, with a budget whose clock stands until it is set. */
function claiming() {
  const clock = { ...machineClock, ms: 0, monotonicMs: () => clock.ms, random: () => 0.5 };
  const budget = new Budget({ runsPerSecond: 5, requestsPerMinute: null }, clock, false);
  const { backoff } = defaultPolicy;
  const parts: Omit<ClaimingParts, 'outbox' | 'platformId'> = {
    clock,
    budget,
    gate: new Gate(backoff),
    storage: new Breaker(backoff, 3),
    policy: defaultPolicy,
  };
  return { clock, budget, claiming: new Claiming(parts as ClaimingParts) };
}

plainTest(
  'nothing is begun or uploaded while the next slot for a run is farther away than ids live',
  async () => {
    const { clock, budget, claiming: of } = claiming();
    expect(of.lines(0)).toEqual(deliveryLines);
    const first = await budget.take('create', never);
    first.refused(3_600_000);
    expect(of.tooEarlyMs()).toBeGreaterThan(53 * minuteMs);
    expect(of.lines(0)).toEqual(['started']);
    clock.ms += budget.freeInMs('create') - 5 * minuteMs;
    expect(of.tooEarlyMs()).toBe(0);
    expect(of.lines(0)).toEqual(deliveryLines);
  },
);

plainTest(
  'while each is refused as one too many, whoever is in line finds out when they are taken again',
  async () => {
    const { clock, budget, claiming: of } = claiming();
    const refused = async (): Promise<void> => {
      clock.ms += budget.freeInMs('create');
      (await budget.take('create', never)).refused(undefined);
    };
    await refused();
    const left = new AbortController();
    const waits = budget.take('create', left.signal).catch(() => undefined);
    expect(of.tooEarlyMs()).toBe(0);
    clock.ms += 7 * minuteMs;
    expect(of.tooEarlyMs()).toBeGreaterThan(0);
    expect(of.lines(0)).toEqual(['started']);
    // Nobody is in line any more: one is uploaded, and stands there.
    left.abort();
    await waits;
    expect(of.tooEarlyMs()).toBe(0);
    clock.ms += budget.freeInMs('create');
    const taken = await budget.take('create', never);
    taken.accepted();
    void budget.take('create', never);
    expect(of.tooEarlyMs()).toBe(0);
  },
);

test('a run that comes while the platform wishes for a wait of an hour is not uploaded yet', async ({
  bench,
}) => {
  let uploads = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'put' && phase === 'received') uploads += 1;
  };
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429, retryAfter: '3600' });
  await bench.track('first');
  bench.start();
  await until(
    'the first to wait in line',
    () => bench.creates === 1 && bench.delivery.budget.waitingIn('create') === 1,
  );
  const before = uploads;
  const next = await bench.track('next');
  const beside = await bench.trackMade('beside');
  await bench.reaches(beside, 'recorded');
  expect(uploads).toBe(before);
  expect((await bench.run(next)).life.state.kind).toBe('queued');
});
