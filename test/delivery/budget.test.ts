/** Who goes first when there is not room for all; and that a refusal costs nobody anything. */
import { afterEach, beforeEach, describe, expect, test as plainTest, vi } from 'vitest';
import { Budget, type RequestLine, type Ticket } from '../../src/delivery/budget.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

const never = new AbortController().signal;

/** A clock that stands until it is set: what is due is then given out at the next question. */
function standing() {
  const clock = { ...machineClock, ms: 0, monotonicMs: () => clock.ms, random: () => 0.5 };
  return clock;
}

/** Lets the promises that are settled be heard. */
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whoever asks makes the budget look at the clock; this one leaves at once. */
async function looksAtTheClock(budget: Budget, line: RequestLine = 'list'): Promise<void> {
  const left = new AbortController();
  const asked = budget.take(line, left.signal).catch(() => undefined);
  left.abort();
  await asked;
  await heard();
}

describe('a budget', () => {
  const limits = { runsPerSecond: 1, requestsPerMinute: 60 };

  /** Everyone asks at once, in this order; who was served, one slot after the other. */
  async function served(asking: readonly RequestLine[], slots: number): Promise<RequestLine[]> {
    const clock = standing();
    const budget = new Budget(limits, clock, false);
    await budget.take('upload', never);
    const order: RequestLine[] = [];
    for (const line of asking) void budget.take(line, never).then(() => order.push(line));
    for (let slot = 0; slot < slots; slot += 1) {
      clock.ms += 2_000;
      await looksAtTheClock(budget);
    }
    return order;
  }

  plainTest('lets what finishes a run go before what starts one', async () => {
    expect(await served(['list', 'upload', 'create', 'result'], 4)).toEqual([
      'result',
      'create',
      'upload',
      'list',
    ]);
  });

  plainTest(
    'lets a list have its turn while uploads always wait, which are hardly slowed by it',
    async () => {
      const clock = standing();
      const budget = new Budget({ runsPerSecond: null, requestsPerMinute: 2_000 }, clock, false);
      const given = { list: [] as number[], upload: [] as number[] };
      /** Whoever has had a slot stands in line anew. */
      const always = async (line: 'list' | 'upload'): Promise<void> => {
        for (;;) {
          await budget.take(line, never);
          given[line].push(clock.ms);
        }
      };
      for (let n = 0; n < 8; n += 1) void always('upload');
      for (; clock.ms < minuteMs; clock.ms += 10) {
        if (clock.ms === 10_000) void always('list');
        await looksAtTheClock(budget, 'upload');
      }
      expect((given.list[0] ?? Infinity) - 10_000).toBeLessThan(1_000);
      expect(given.list.length).toBeGreaterThan(120);
      expect(given.upload.length + given.list.length).toBeGreaterThan(0.95 * 2_000);
      const whileListed = given.upload.filter((ms) => ms > 10_000).length;
      expect(given.list.length).toBeLessThanOrEqual(whileListed / 9 + 1);
    },
  );

  plainTest('lets others pass a run that waits for the narrower limit', async () => {
    const clock = standing();
    const budget = new Budget({ runsPerSecond: 0.1, requestsPerMinute: 600 }, clock, false);
    await budget.take('create', never);
    const order: string[] = [];
    void budget.take('create', never).then(() => order.push('create'));
    clock.ms = 500;
    void budget.take('upload', never).then(() => order.push('upload'));
    await heard();
    expect(order).toEqual(['upload']);
  });

  plainTest('puts a refused request at the front of its line', async () => {
    const clock = standing();
    const budget = new Budget(limits, clock, false);
    const first = await budget.take('upload', never);
    const order: string[] = [];
    void budget.take('upload', never).then(() => order.push('behind'));
    first.refused(undefined);
    void budget.take('upload', never, true).then(() => order.push('again'));
    while (order.length < 2) {
      clock.ms += 10_000;
      await looksAtTheClock(budget);
    }
    expect(order).toEqual(['again', 'behind']);
  });

  plainTest('lets refused requests keep their order among themselves', async () => {
    const clock = standing();
    const budget = new Budget(limits, clock, false);
    await budget.take('create', never);
    const order: string[] = [];
    const ask = (who: string, isAgain: boolean) =>
      void budget.take('create', never, isAgain).then(() => order.push(who));
    ask('behind', false);
    ask('refused first', true);
    ask('refused then', true);
    while (order.length < 3) {
      clock.ms += 10_000;
      await looksAtTheClock(budget);
    }
    expect(order).toEqual(['refused first', 'refused then', 'behind']);
  });

  plainTest('forgets whoever leaves', async () => {
    const budget = new Budget(limits, standing(), false);
    await budget.take('upload', never);
    const leaving = new AbortController();
    const waited = budget.take('upload', leaving.signal);
    expect(budget.waiting()).toBe(1);
    leaving.abort(new Error('gone home'));
    await expect(waited).rejects.toThrow('gone home');
    expect(budget.waiting()).toBe(0);
  });

  plainTest('without limits gives everything at once', async () => {
    const budget = new Budget({ runsPerSecond: null, requestsPerMinute: null }, standing(), true);
    const tickets: Ticket[] = [];
    for (let asked = 0; asked < 200; asked += 1) tickets.push(await budget.take('create', never));
    expect(tickets).toHaveLength(200);
  });

  plainTest('is narrowed by refusals, and not by beginning slowly after an outage', async () => {
    const clock = standing();
    const budget = new Budget({ runsPerSecond: 1, requestsPerMinute: null }, clock, true);
    clock.ms = minuteMs;
    const ticket = await budget.take('create', never);
    void budget.take('create', never);
    expect(budget.rates().runs).toBeLessThan(0.25);
    expect(budget.waiting()).toBe(1);
    expect(budget.isNarrowed()).toBe(false);
    ticket.refused(undefined);
    expect(budget.isNarrowed()).toBe(true);
  });

  plainTest('knows for how long each request of a line was refused, until one is taken', async () => {
    const clock = standing();
    const budget = new Budget({ runsPerSecond: null, requestsPerMinute: null }, clock, false);
    const refuse = async (line: RequestLine) => {
      clock.ms += minuteMs;
      (await budget.take(line, never)).refused(undefined);
    };
    expect(budget.refusedForMs('create')).toBe(0);
    await refuse('create');
    await refuse('create');
    expect(budget.refusedForMs('create')).toBe(minuteMs);
    clock.ms += minuteMs;
    (await budget.take('upload', never)).accepted();
    expect(budget.refusedForMs('create')).toBe(2 * minuteMs);
    (await budget.take('create', never)).accepted();
    expect(budget.refusedForMs('create')).toBe(0);
    await refuse('create');
    clock.ms += minuteMs;
    budget.recover();
    expect(budget.refusedForMs('create')).toBe(0);
  });

  plainTest.each<{ when: string; begin: (budget: Budget) => void }>([
    { when: 'the platform is back after it was away', begin: (budget) => budget.recover() },
    {
      when: 'other limits are configured',
      begin: (budget) => budget.limitTo({ runsPerSecond: 4, requestsPerMinute: 120 }),
    },
    {
      when: 'no limits are configured any more',
      begin: (budget) => budget.limitTo({ runsPerSecond: null, requestsPerMinute: null }),
    },
  ])('gives nothing out before the server said, also when $when meanwhile', async ({ begin }) => {
    for (const line of ['create', 'upload'] as const) {
      const clock = standing();
      const budget = new Budget(limits, clock, false);
      (await budget.take(line, never)).refused(10 * minuteMs);
      let isGiven = false;
      void budget.take(line, never).then(() => (isGiven = true));
      begin(budget);
      clock.ms = 10 * minuteMs;
      await looksAtTheClock(budget);
      expect(isGiven).toBe(false);
      // It is stretched by up to half of itself, and then the pace has its say.
      clock.ms = 16 * minuteMs;
      await looksAtTheClock(budget);
      expect(isGiven).toBe(true);
    }
  });

  plainTest('lets fewer runs begin when fewer can be posted', () => {
    const startedMax = (runsPerSecond: number | null): number =>
      new Budget({ runsPerSecond, requestsPerMinute: null }, standing(), false).startedMax();
    expect([null, 5, 1, 0.01].map(startedMax)).toEqual([Infinity, 32, 10, 2]);
  });
});

describe('delivery within limits', () => {
  test.override({ limits: { runsPerSecond: 200, requestsPerMinute: 60_000 } });

  test('a run that is refused as one too many is sent again, at no try, and nothing pauses', async ({
    bench,
  }) => {
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429 }, 3);
    bench.standIn.faults.next({ kind: 'uploadurl' }, { kind: 'answer', status: 429 }, 2);
    bench.standIn.faults.next({ kind: 'run' }, { kind: 'answer', status: 429, retryAfter: '1' }, 1);
    bench.start();
    const run = await bench.track('crowded');
    const recorded = await bench.reaches(run, 'recorded');
    expect(recorded.life.tries).toBe(0);
    expect(bench.delivery.gate.platformPause()).toBeNull();
    expect(bench.standIn.faults.pending).toBe(0);
    expect(bench.creates).toBe(4);
    expect(await bench.copiesOf(run)).toBe(1);
    const { runs, api } = bench.delivery.budget.rates();
    expect(runs).toBeLessThan(200 * 0.97);
    expect(api).toBeLessThan(1_000 * 0.97);
  });
});

test('a request to make a run that is refused in another way was not one too many', async ({ bench }) => {
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429 });
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 403 });
  bench.start();
  await bench.track('refused');
  await until('it to be refused twice', () => bench.delivery.gate.appPauses().length === 1);
  expect(bench.creates).toBe(2);
  expect(bench.delivery.budget.refusedForMs('create')).toBe(0);
});

describe('while the platform wishes for a wait of ten minutes', () => {
  const later = { kind: 'answer', status: 429, retryAfter: '600' } as const;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Six minutes pass as they do for a daemon: loops are woken now and then, and timers come. */
  async function sixMinutes(bench: Bench): Promise<void> {
    for (let passed = 0; passed < 6 * minuteMs; passed += minuteMs / 2) {
      bench.letPass(minuteMs / 2);
      vi.advanceTimersByTime(minuteMs / 2);
      await bench.outbox.counts();
    }
    await until('no loop to be taken for one that hangs', () =>
      bench.progress.all().every(({ isStalled }) => !isStalled),
    );
  }

  test('a list that waits in line does not make its loop look as if it hung', async ({ bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    bench.standIn.faults.next({ kind: 'list' }, later);
    await bench.track('looked for');
    await until('its list to wait', () => bench.delivery.budget.waitingIn('list') === 1);
    await sixMinutes(bench);
    expect(bench.delivery.budget.waitingIn('list')).toBe(1);
  });

  test('nor do as many runs as may be in hand, all of which wait in line', async ({ bench }) => {
    bench.standIn.faults.always({ kind: 'run' }, later);
    for (let made = 0; made < 64; made += 1) await bench.trackMade(`plan-${made}`);
    bench.start();
    await until('all to wait in line', () => bench.delivery.budget.waitingIn('result') === 64);
    expect(bench.delivery.inHand()).toBe(64);
    await sixMinutes(bench);
  });
});

describe('delivery of a run that was one too many', () => {
  // The first slot is there at once, the next after minutes: so other limits are one more slot, and no second one.
  const oneSlot = (more: number) => ({ runsPerSecond: 0.01 + more / 1_000, requestsPerMinute: null });
  test.override({ limits: oneSlot(0) });

  test('does not put it behind those that wait, and writes an intent for each request', async ({ bench }) => {
    const runs: number[] = [];
    const asked: (readonly number[])[] = [];
    const inState = async (kind: string): Promise<number[]> => {
      const now = await Promise.all(runs.map((run) => bench.run(run)));
      return now.filter(({ life }) => life.state.kind === kind).map(({ run }) => run);
    };
    const toWaitAgain = (): Promise<number> =>
      until('it to wait again', async () => {
        const { length } = await inState('intended');
        return length === 0 && bench.delivery.budget.waiting();
      });
    bench.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'received') return;
      asked.push(await inState('intended'));
      if (asked.length === 1)
        await until('others to stand in line', async () => (await inState('uploaded')).length >= 2);
    };
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429 }, 2);
    for (let made = 0; made < 6; made += 1) runs.push(await bench.track(`plan-${made}`));
    bench.start();
    await until('the first to be asked for', () => Promise.resolve(asked.length === 1));
    expect(await toWaitAgain()).toBeGreaterThanOrEqual(3);
    bench.delivery.limitTo({ ...oneSlot(1), uploadsAtOnce: 8 });
    await until('it to be asked for again', () => Promise.resolve(asked.length === 2));
    await toWaitAgain();
    expect(asked[0]).toHaveLength(1);
    expect(asked[1]).toEqual(asked[0]);
    bench.delivery.limitTo({ runsPerSecond: 200, requestsPerMinute: null, uploadsAtOnce: 8 });
    for (const run of runs) await bench.reaches(run, 'recorded');
    expect(bench.creates).toBe(runs.length + 2);
    for (const run of runs) expect(await bench.copiesOf(run)).toBe(1);
  });
});

describe('delivery of a run that was one too many, at a slow pace', () => {
  test.override({ limits: { runsPerSecond: 0.1, requestsPerMinute: null } });

  test('ends while it waits for its next slot, at no try and with nothing intended', async ({ bench }) => {
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429 }, 1);
    bench.start();
    const run = await bench.track('crowded');
    await until('it to wait again', () =>
      Promise.resolve(bench.creates === 1 && bench.delivery.budget.waiting() === 1),
    );
    await bench.stopLoops();
    expect(bench.delivery.inHand()).toBe(0);
    expect(bench.creates).toBe(1);
    const { life, isClaimed } = await bench.run(run);
    expect(life.state.kind).toBe('uploaded');
    expect(life.tries).toBe(0);
    expect(isClaimed).toBe(false);
  });
});

describe('delivery within narrow limits', () => {
  test.override({ limits: { runsPerSecond: 2, requestsPerMinute: null } });

  test('begins no more runs than it can post soon, and finishes those that it has begun', async ({
    bench,
  }) => {
    const most = { begun: 0 };
    const posted = new Set<number>();
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'create' && phase === 'received') posted.add(posted.size);
      if (kind === 'uploadurl' && phase === 'received') most.begun += 1;
    };
    const runs: number[] = [];
    for (let made = 0; made < 40; made += 1) runs.push(await bench.track(`plan-${made}`));
    bench.start();
    await until('the first runs to be posted', () => Promise.resolve(posted.size >= 3));
    // Three artefacts to a run: 21 runs at the most are begun before the others' turn, two more because they are fresh.
    expect(most.begun / 3).toBeLessThanOrEqual(21 + 2 + posted.size);
    expect(bench.delivery.inHand()).toBeLessThan(40);
  });

  test('is ended while runs wait for their slot, and leaves them as they are', async ({ bench }) => {
    for (let made = 0; made < 12; made += 1) await bench.track(`plan-${made}`);
    bench.start();
    await until('some to wait', () => Promise.resolve(bench.delivery.budget.waiting() > 5));
    await bench.stopLoops();
    expect(bench.delivery.inHand()).toBe(0);
    const { states } = await bench.outbox.counts();
    expect(states.uploaded ?? 0).toBeGreaterThan(0);
    expect(states.intended ?? 0).toBe(0);
  });
});

describe('fresh runs', () => {
  test.override({ limits: { runsPerSecond: 8, requestsPerMinute: null } });

  test('go before the backlog, which ends all the same', async ({ bench }) => {
    const old: number[] = [];
    for (let made = 0; made < 100; made += 1)
      old.push(await bench.track(`old-${made}`, undefined, { isBacklog: true }));
    bench.start();
    await until('the backlog to be under way', () => Promise.resolve(bench.creates >= 2));
    const fresh = await bench.track('fresh');
    await bench.reaches(fresh, 'recorded');
    const { states } = await bench.outbox.counts();
    // Those that were begun before it had their upload ids already; the bulk of the backlog still waits.
    expect(states.queued ?? 0).toBeGreaterThanOrEqual(15);
    bench.letPass(minuteMs);
    await until(
      'more of the backlog to follow',
      async () => ((await bench.outbox.counts()).states.recorded ?? 0) >= 45,
    );
  });
});
