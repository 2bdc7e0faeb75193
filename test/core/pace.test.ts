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
  type Slot,
} from '../../src/core/pace.ts';
import { busiestSecond, jain, seeded, sum } from './simulation.ts';

const limit = 5;

interface Simulated {
  /** Accepted per host in the measured time. */
  readonly taken: number[];
  readonly refusals: number;
  /** When each accepted request reached the server, in ms. */
  readonly arrivals: number[];
  readonly firstArrivals: number[];
  /** When each request reached it, refused or not. */
  readonly attempts: number[];
  readonly measuredMs: number;
}

interface Wish {
  readonly hosts: number;
  readonly burst: number;
  readonly minutes: number;
  readonly isRecovering?: boolean;
  readonly retryAfterMs?: number;
  readonly policy?: PacePolicy;
  readonly seed?: number;
}

/** Hosts with endless work against a token bucket; the first third of the time is warming up and not measured. */
function simulate({
  hosts,
  burst,
  minutes,
  isRecovering = false,
  retryAfterMs,
  policy = pacePolicy,
  seed = 1,
}: Wish): Simulated {
  const random = seeded(seed);
  const endMs = minutes * 60_000;
  const warmMs = endMs / 3;
  const paces: Pace[] = Array.from({ length: hosts }, () =>
    startPace(limit, isRecovering, 0, random(), policy),
  );
  const events = new Queue();
  paces.forEach((pace, host) => events.add(freeAtMs(pace, policy), { kind: 'due', host }));
  let tokens = burst;
  let filledMs = 0;
  const taken = Array.from({ length: hosts }, () => 0);
  const seen = new Set<number>();
  const arrivals: number[] = [];
  const firstArrivals: number[] = [];
  const attempts: number[] = [];
  let refusals = 0;
  const pace = (host: number): Pace => {
    const found = paces[host];
    if (found === undefined) throw new Error(`there is no host ${host}`);
    return found;
  };
  for (;;) {
    const { atMs, event } = events.next();
    if (atMs > endMs) break;
    const { host } = event;
    if (event.kind === 'due') {
      if (freeAtMs(pace(host), policy) > atMs) {
        events.add(freeAtMs(pace(host), policy), event);
        continue;
      }
      const { pace: next, slot } = takeSlot(pace(host), atMs, random(), policy);
      paces[host] = next;
      const tripMs = 60 - 40 * Math.log(1 - random());
      events.add(atMs + tripMs / 2, { kind: 'arrives', host, slot, backMs: tripMs / 2 });
      events.add(freeAtMs(next, policy), { kind: 'due', host });
    } else if (event.kind === 'arrives') {
      tokens = Math.min(burst, tokens + ((atMs - filledMs) * limit) / 1_000);
      filledMs = atMs;
      const isTaken = tokens >= 1;
      if (isTaken) tokens -= 1;
      if (!seen.has(host)) {
        seen.add(host);
        firstArrivals.push(atMs);
      }
      if (atMs >= warmMs) {
        attempts.push(atMs);
        if (isTaken) {
          taken[host] = (taken[host] ?? 0) + 1;
          arrivals.push(atMs);
        } else refusals += 1;
      }
      events.add(atMs + event.backMs, { kind: 'answered', host, slot: event.slot, isTaken });
    } else {
      paces[host] = event.isTaken
        ? accepted(pace(host), event.slot, policy)
        : refused(pace(host), event.slot, retryAfterMs, atMs, random(), policy);
      events.add(freeAtMs(pace(host), policy), { kind: 'due', host });
    }
  }
  return { taken, refusals, arrivals, firstArrivals, attempts, measuredMs: endMs - warmMs };
}

type Event =
  | { readonly kind: 'due'; readonly host: number }
  | { readonly kind: 'arrives'; readonly host: number; readonly slot: Slot; readonly backMs: number }
  | { readonly kind: 'answered'; readonly host: number; readonly slot: Slot; readonly isTaken: boolean };

/** A binary heap by time. A host may have several due events; those that come too early go back. */
class Queue {
  readonly #heap: { atMs: number; event: Event }[] = [];
  readonly #due = new Map<number, number>();

  add(atMs: number, event: Event): void {
    if (event.kind === 'due') {
      const known = this.#due.get(event.host);
      if (known !== undefined && known <= atMs) return;
      this.#due.set(event.host, atMs);
    }
    const heap = this.#heap;
    heap.push({ atMs, event });
    for (let at = heap.length - 1; at > 0;) {
      const up = (at - 1) >> 1;
      if (this.#at(up) <= this.#at(at)) break;
      this.#swap(up, at);
      at = up;
    }
  }

  next(): { atMs: number; event: Event } {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return { atMs: Infinity, event: { kind: 'due', host: 0 } };
    if (heap.length > 0) heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const lower = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(lower) >= this.#at(at)) break;
      this.#swap(lower, at);
      at = lower;
    }
    if (first.event.kind === 'due' && this.#due.get(first.event.host) === first.atMs)
      this.#due.delete(first.event.host);
    return first;
  }

  #at(place: number): number {
    return this.#heap[place]?.atMs ?? Infinity;
  }

  #swap(one: number, other: number): void {
    const held = this.#heap[one];
    const moved = this.#heap[other];
    if (held === undefined || moved === undefined) return;
    this.#heap[one] = moved;
    this.#heap[other] = held;
  }
}

const used = ({ taken, measuredMs }: Simulated): number => sum(taken) / ((measuredMs / 1_000) * limit);
/** Of all requests, with five to a run. */
const refusedShare = (run: Simulated): number => run.refusals / (run.refusals + 5 * sum(run.taken));

describe('hosts of one account', () => {
  test('alone it uses the limit, is never refused, and does not burst', () => {
    const alone = simulate({ hosts: 1, burst: 20, minutes: 30 });
    expect(used(alone)).toBeGreaterThanOrEqual(0.95);
    expect(alone.refusals).toBe(0);
    expect(busiestSecond(alone.arrivals)).toBeLessThanOrEqual(6);
  });

  test.each([{ seed: 1 }, { seed: 2 }, { seed: 3 }])(
    'twenty share it: nearly all is used, few are refused, none starves (seed $seed)',
    ({ seed }) => {
      const twenty = simulate({ hosts: 20, burst: 5, minutes: 45, isRecovering: true, seed });
      expect(used(twenty)).toBeGreaterThanOrEqual(0.9);
      expect(refusedShare(twenty)).toBeLessThan(0.05);
      expect(jain(twenty.taken)).toBeGreaterThanOrEqual(0.7);
    },
  );

  test('two hundred that come back after an outage do not come at once', () => {
    const { firstArrivals } = simulate({ hosts: 200, burst: 20, minutes: 2, isRecovering: true });
    expect(firstArrivals.length).toBe(200);
    expect(busiestSecond(firstArrivals)).toBeLessThanOrEqual(10);
  });

  test('a wish of the server for a minute is not obeyed in step, so the limit stays used', () => {
    const wished = { hosts: 100, burst: 20, minutes: 20, isRecovering: true, retryAfterMs: 60_000 };
    const run = simulate(wished);
    expect(used(run)).toBeGreaterThanOrEqual(0.9);
    expect(busiestSecond(run.attempts)).toBeLessThanOrEqual(25);
  });

  test('without the cut nearly everything is refused', () => {
    const rude = simulate({ hosts: 20, burst: 5, minutes: 15, policy: { ...pacePolicy, cut: 1 } });
    expect(refusedShare(rude)).toBeGreaterThan(0.3);
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
    const slots = Array.from({ length: 10 }, (_, sentAtMs) => ({ sentAtMs, isHungry: true }));
    let pace = steady();
    for (const slot of slots) pace = refused(pace, slot, undefined, 100, 0.5);
    expect(pace.rate).toBe(2 * pacePolicy.cut);
    pace = refused(pace, { sentAtMs: 101, isHungry: true }, undefined, 200, 0.5);
    expect(pace.rate).toBe(2 * pacePolicy.cut ** 2);
  });

  test('does not grow while it is not used', () => {
    expect(accepted(steady(), { sentAtMs: 0, isHungry: false }).rate).toBe(2);
    expect(accepted(steady(), { sentAtMs: 0, isHungry: true }).rate).toBeGreaterThan(2);
  });

  test('grows faster when nobody was refused for long', () => {
    const slot = { sentAtMs: 0, isHungry: true };
    const slow = accepted(steady(), slot).rate - 2;
    const fast = accepted({ ...steady(), successes: 10 * pacePolicy.streak }, slot).rate - 2;
    expect(fast / slow).toBeCloseTo(8, 5);
  });

  test('lets nothing leave before the server’s wish, and stretches it only upwards', () => {
    for (const random of [0, 0.5, 0.999]) {
      const pace = refused(steady(), { sentAtMs: 0, isHungry: true }, 60_000, 1_000, random);
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
          expect(Number.isNaN(freeAtMs(pace))).toBe(false);
        }
      }),
    );
  });
});
