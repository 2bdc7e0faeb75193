/** Many hosts, one account, no word between them: simulated event by event on a virtual clock, with seeds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accepted,
  freeAtMs,
  pacePolicy,
  refused,
  startPace,
  takeSlot,
  type Pace,
  type PacePolicy,
} from '../../src/core/pace.ts';
import { alike, minuteMs, policyWith, simulate, Span, type HostWish } from './hosts.ts';
import { busiestSecond } from './simulation.ts';

const limit = 5;
const seeds = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

/** The first third of the time is warming up and not measured. */
function settled(
  hosts: number,
  burst: number,
  minutes: number,
  more: Partial<Parameters<typeof simulate>[0]> = {},
) {
  const untilMs = minutes * minuteMs;
  const wish = { hosts: alike(hosts, { isRecovering: true }), burst, untilMs, seed: 1, ...more };
  return new Span(simulate(wish), untilMs / 3, untilMs);
}

const arrivals = ({ seen }: Pick<Span, 'seen'>): number[] => seen.map(({ atMs }) => atMs);

describe('hosts of one account', () => {
  test.each([20, 5])('alone it uses the limit, is never refused, and does not burst (bucket %d)', (burst) => {
    const alone = settled(1, burst, 30, { hosts: alike(1) });
    expect(alone.used).toBeGreaterThanOrEqual(0.95);
    expect(alone.refusedOfAll).toBe(0);
    expect(busiestSecond(arrivals(alone))).toBeLessThanOrEqual(6);
  });

  test.each(seeds(3))(
    'twenty share it: nearly all is used, few are refused, none starves (seed %d)',
    (seed) => {
      const twenty = settled(20, 5, 45, { seed });
      expect(twenty.used).toBeGreaterThanOrEqual(0.9);
      expect(twenty.refusedOfAll).toBeLessThan(0.05);
      expect(twenty.fairness(20)).toBeGreaterThanOrEqual(0.8);
    },
  );

  test('hundreds share it, and are refused little', () => {
    const hundred = settled(100, 20, 30);
    expect(hundred.used).toBeGreaterThanOrEqual(0.9);
    expect(hundred.refusedOfAll).toBeLessThan(0.05);
    expect(hundred.fairness(100)).toBeGreaterThanOrEqual(0.65);
    expect(settled(500, 20, 45).refusedOfAll).toBeLessThan(0.1);
  });

  test('two hundred that come back after an outage do not come at once', () => {
    const seen = simulate({
      hosts: alike(200, { isRecovering: true }),
      burst: 20,
      untilMs: 2 * minuteMs,
      seed: 1,
    });
    const first = new Map(seen.toReversed().map(({ host, atMs }) => [host, atMs]));
    expect(first.size).toBe(200);
    expect(busiestSecond([...first.values()])).toBeLessThanOrEqual(10);
  });

  test('a wish of the server for a minute is not obeyed in step, so the limit stays used', () => {
    const wished = settled(100, 20, 20, { retryAfterMs: 60_000 });
    expect(wished.used).toBeGreaterThanOrEqual(0.9);
    expect(busiestSecond(arrivals(wished))).toBeLessThanOrEqual(25);
  });

  test('without the cut nearly everything is refused', () => {
    const policy = policyWith({ strideMax: 0, strideMin: 0 });
    expect(settled(20, 5, 15, { policy }).refusedOfAll).toBeGreaterThan(0.3);
  });

  test('small hosts hardly notice one with endless work', () => {
    const hosts = [{}, ...alike(19, { everyMs: minuteMs })];
    const seen = simulate({ hosts, burst: 5, untilMs: 30 * minuteMs, seed: 1 });
    const waited = seen.filter(({ host, isTaken }) => host > 0 && isTaken).map(({ waitedMs }) => waitedMs);
    waited.sort((a, b) => a - b);
    expect(waited.length).toBeGreaterThan(400);
    expect(waited[Math.floor(waited.length * 0.99)]).toBeLessThan(5_000);
  });
});

/** How hosts come to share; each with the minute from which ten are measured. */
const beginnings: readonly {
  readonly name: string;
  readonly of: (hosts: number) => { readonly hosts: HostWish[]; readonly fromMs: number };
}[] = [
  { name: 'that start at once', of: (hosts) => ({ hosts: alike(hosts), fromMs: 3 * minuteMs }) },
  {
    name: 'that come back after an outage',
    of: (hosts) => ({ hosts: alike(hosts, { isRecovering: true }), fromMs: 3 * minuteMs }),
  },
  {
    name: 'that start one after the other',
    of: (hosts) => ({
      hosts: seeds(hosts).map((host) => ({ startMs: (host - 1) * 10_000 })),
      fromMs: 3 * minuteMs + (hosts - 1) * 10_000,
    }),
  },
  {
    name: 'of which one joins a busy account',
    of: (hosts) => ({
      hosts: [...alike(hosts - 1), { startMs: 10 * minuteMs }],
      fromMs: 13 * minuteMs,
    }),
  },
];

/** @returns the least fairness of any seed, and what the poorest host of any seed has of a fair share, in minutes 3 to 13 */
function worst(count: number, { of }: (typeof beginnings)[number], policy?: PacePolicy) {
  const { hosts, fromMs } = of(count);
  const untilMs = fromMs + 10 * minuteMs;
  const spans = seeds(20).map((seed) => {
    const burst = seed % 2 === 0 ? 20 : 5;
    const seen = simulate({ hosts, burst, untilMs, seed, ...(policy === undefined ? {} : { policy }) });
    return new Span(seen, fromMs, untilMs);
  });
  return {
    fairness: Math.min(...spans.map((span) => span.fairness(count))),
    poorest: Math.min(...spans.map((span) => span.poorest(count))),
  };
}

describe.each(beginnings)('hosts $name', (beginning) => {
  // A host of twenty meets some fifteen refusals in ten minutes, and cannot know better how many others there are.
  test.each([
    { hosts: 2, fairness: 0.85, poorest: 0.5 },
    { hosts: 4, fairness: 0.85, poorest: 0.4 },
    { hosts: 8, fairness: 0.78, poorest: 0.25 },
    { hosts: 20, fairness: 0.8, poorest: 0.15 },
  ])('have each their share within minutes, with any of 20 seeds: $hosts', ({ hosts, ...least }) => {
    const { fairness, poorest } = worst(hosts, beginning);
    expect(fairness).toBeGreaterThanOrEqual(least.fairness);
    expect(poorest).toBeGreaterThanOrEqual(least.poorest);
  });
});

describe('what makes shares even is', () => {
  const [, afterOutage] = beginnings;
  test.each([
    {
      name: 'that lower rates bear more refusals',
      policy: policyWith({ bendShare: 1, bendPower: 0.25, refusals: 0.01 }),
    },
    { name: 'that strides become shorter', policy: policyWith({ strideLoss: 0 }) },
  ])('$name', ({ policy }) => {
    if (afterOutage === undefined) throw new Error('there is no such beginning');
    expect(worst(8, afterOutage, policy).fairness).toBeLessThan(0.75);
  });
});

test('that beginners take long strides spares a hundred of them many refusals', () => {
  const refusedAtFirst = (policy: PacePolicy): number => {
    const hosts = alike(100, { isRecovering: true });
    const untilMs = 3 * minuteMs;
    return new Span(simulate({ hosts, burst: 20, untilMs, seed: 1, policy }), 0, untilMs).refusedOfAll;
  };
  expect(refusedAtFirst(pacePolicy)).toBeLessThan(0.22);
  expect(refusedAtFirst(policyWith({ strideMax: pacePolicy.strideMin }))).toBeGreaterThan(0.25);
});

describe('when another client has left that took most of the limit', () => {
  test.each([
    { hosts: 1, withinMs: 3 * minuteMs },
    { hosts: 20, withinMs: 3 * minuteMs },
  ])('$hosts use it again', ({ hosts, withinMs }) => {
    const leftMs = 15 * minuteMs;
    const foreign = { perSecond: 3.5, fromMs: 0, untilMs: leftMs };
    const untilMs = leftMs + withinMs + minuteMs;
    const seen = simulate({ hosts: alike(hosts), burst: 5, untilMs, seed: 1, foreign });
    expect(new Span(seen, leftMs / 2, leftMs).used).toBeLessThan(0.6);
    expect(new Span(seen, leftMs + withinMs, untilMs).used).toBeGreaterThanOrEqual(0.85);
    const never = policyWith({ patience: Infinity });
    const slow = simulate({ hosts: alike(hosts), burst: 5, untilMs, seed: 1, foreign, policy: never });
    expect(new Span(slow, leftMs + withinMs, untilMs).used).toBeLessThan(0.85);
  });
});

describe('one pace', () => {
  const steady = (): Pace => ({ ...startPace(limit, false, 0, 0.5), isStarting: false, rate: 2 });

  test('gives the first slot at once, and catches up half a slot', () => {
    const pace = startPace(limit, false, 1_000, 0.5);
    expect(freeAtMs(pace)).toBeLessThanOrEqual(1_000);
    const { pace: next } = takeSlot(pace, 1_000, 0.5);
    expect(freeAtMs(next)).toBeCloseTo(1_000 + 500 / (limit * 0.97), 3);
  });

  test('is cut once by all refusals of one episode', () => {
    const slots = Array.from({ length: 10 }, (_, sentAtMs) => ({ sentAtMs, isHungry: true, putOffMs: 0 }));
    let pace = steady();
    for (const slot of slots) pace = refused(pace, slot, undefined, 100, 0.5);
    const once = refused(steady(), { sentAtMs: 0, isHungry: true, putOffMs: 0 }, undefined, 100, 0.5);
    expect(pace.rate).toBe(once.rate);
    expect(pace.rate).toBeLessThan(2);
    const twice = refused(pace, { sentAtMs: 101, isHungry: true, putOffMs: 0 }, undefined, 200, 0.5);
    expect(twice.rate).toBeLessThan(pace.rate);
  });

  test('does not grow while it is not used', () => {
    expect(accepted(steady(), { sentAtMs: 0, isHungry: false, putOffMs: 0 }).rate).toBe(2);
    expect(accepted(steady(), { sentAtMs: 0, isHungry: true, putOffMs: 0 }).rate).toBeGreaterThan(2);
  });

  test('grows faster when nobody was refused for long', () => {
    const slot = { sentAtMs: 0, isHungry: true, putOffMs: 0 };
    const slow = accepted(steady(), slot).rate - 2;
    const fast = accepted({ ...steady(), successes: 1_000 }, slot).rate - 2;
    expect(fast / slow).toBeGreaterThan(8);
  });

  test('lets nothing leave before the server’s wish, and stretches it only upwards', () => {
    for (const random of [0, 0.5, 0.999]) {
      const pace = refused(steady(), { sentAtMs: 0, isHungry: true, putOffMs: 0 }, 60_000, 1_000, random);
      expect(freeAtMs(pace)).toBeGreaterThanOrEqual(61_000);
    }
  });

  test('has no limit where none is configured, until it is refused', () => {
    const free = startPace(null, true, 0, 0.9);
    const { pace, slot } = takeSlot(free, 0, 0.5);
    expect(freeAtMs(pace)).toBe(0);
    expect(accepted(pace, slot).rate).toBe(Infinity);
    expect(refused(pace, slot, undefined, 10, 0.5).rate).toBeLessThan(Infinity);
  });

  test('stays between its bounds after any answers', () => {
    const answer = fc.record({
      isTaken: fc.boolean(),
      waitMs: fc.integer({ min: 0, max: 100_000 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      retryAfterMs: fc.constantFrom(undefined, 0, -5, Number.NaN, 1_000, Date.UTC(2030, 1, 1)),
    });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 200 }), fc.boolean(), (answers, isRecovering) => {
        let pace = startPace(limit, isRecovering, 0, 0.3);
        let nowMs = 0;
        for (const { isTaken, waitMs, random, retryAfterMs } of answers) {
          nowMs += waitMs;
          const taken = takeSlot(pace, nowMs, random);
          pace = isTaken
            ? accepted(taken.pace, taken.slot)
            : refused(taken.pace, taken.slot, retryAfterMs, nowMs + 50, random);
          expect(pace.rate).toBeGreaterThanOrEqual(pacePolicy.rateMin);
          expect(pace.rate).toBeLessThanOrEqual(limit * pacePolicy.capShare);
          expect(pace.stride).toBeGreaterThanOrEqual(pacePolicy.strideMin);
          expect(pace.stride).toBeLessThanOrEqual(pacePolicy.strideMax);
          expect(Number.isNaN(freeAtMs(pace))).toBe(false);
        }
      }),
    );
  });
});
