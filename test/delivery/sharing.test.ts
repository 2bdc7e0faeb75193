/**
 * The platform's limits under load: daemons with endless work, each with the real line of requests and its paces, before a
 * server with a bucket of tokens for each limit. Time is virtual, chance has a seed, and what is asserted are counts.
 */
import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rateLimited, RuntrackdError, type Failure } from '../../src/core/failure.ts';
import { noMeasures } from '../../src/core/measures.ts';
import { Budget, type Limits } from '../../src/delivery/budget.ts';
import { PacedPlatform } from '../../src/delivery/pacedPlatform.ts';
import type { Created, PlatformClient } from '../../src/platform/client.ts';
import { machineClock } from '../../src/system/clock.ts';
import { busiestSecond, jain, seeded } from '../core/simulation.ts';
import { minuteMs } from './bench.ts';
import { VirtualTime } from './virtualTime.ts';

/** Input, output and log of each run. */
const artefacts = 3;
const runsInHand = 48;
/** Between a refusal at the server and its arrival here. */
const tripMsMax = 500;
const never = new AbortController().signal;
// Every request that waits listens to it.
setMaxListeners(0, never);

let time = new VirtualTime();
let random = seeded(1);
const passes = (ms: number): Promise<void> => new Promise((resolve) => void time.setTimeout(resolve, ms));

beforeEach(() => {
  time = new VirtualTime();
  random = seeded(1);
  vi.stubGlobal('setTimeout', time.setTimeout);
  vi.stubGlobal('clearTimeout', time.clearTimeout);
});
afterEach(() => void vi.unstubAllGlobals());

class Bucket {
  readonly #perSecond: number;
  readonly #depth: number;
  #tokens: number;
  #filledMs = 0;

  constructor(perSecond: number, depth: number) {
    this.#perSecond = perSecond;
    this.#depth = depth;
    this.#tokens = depth;
  }

  take(): boolean {
    this.#tokens = Math.min(
      this.#depth,
      this.#tokens + ((time.nowMs - this.#filledMs) * this.#perSecond) / 1_000,
    );
    this.#filledMs = time.nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

interface Seen {
  readonly atMs: number;
  readonly isRun: boolean;
  readonly isTaken: boolean;
  readonly host: number;
  readonly app: string;
}

/** One account: it charges each request to its limit, and remembers it. */
class Server {
  readonly seen: Seen[] = [];
  /** The wish that goes with a refusal; null: none does. */
  retryAfterMs: number | null = null;
  readonly #runs: Bucket;
  readonly #api: Bucket;

  constructor({ runsPerSecond, requestsPerMinute }: Record<keyof Limits, number>) {
    this.#runs = new Bucket(runsPerSecond, 5);
    this.#api = new Bucket(requestsPerMinute / 60, 30);
  }

  /** Somebody else's client, which asks so often whatever it is told. */
  async intrude(perSecond: number, untilMs: number): Promise<void> {
    while (time.nowMs < untilMs) {
      this.#runs.take();
      await passes(1_000 / perSecond);
    }
  }

  /** @returns the refusal, null when it takes the request */
  async ask(host: number, app: string, isRun: boolean): Promise<Failure | null> {
    const tripMs = 60 - 40 * Math.log(1 - random());
    await passes(tripMs / 2);
    const isTaken = isRun ? this.#runs.take() && this.#api.take() : this.#api.take();
    this.seen.push({ atMs: time.nowMs, isRun, isTaken, host, app });
    const { retryAfterMs } = this;
    await passes(tripMs / 2);
    if (isTaken) return null;
    const refused = {
      class: rateLimited,
      text: 'too many',
      hint: 'wait',
      reach: 'platform',
      status: 429,
    } as const;
    return retryAfterMs === null ? refused : { ...refused, retryAfterMs };
  }

  /** Of these, those that came within this time. */
  within(fromMs: number, toMs: number, is: (seen: Seen) => boolean): Seen[] {
    return this.seen.filter((seen) => seen.atMs >= fromMs && seen.atMs < toMs && is(seen));
  }
}

/** A daemon: one budget, whatever its drop roots are. */
class Host {
  readonly platform: PacedPlatform;
  unpostedMost = 0;
  readonly #waiting: (() => void)[] = [];
  #unposted = 0;

  constructor(host: number, server: Server, limits: Limits) {
    const asked = async (app: string): Promise<object> => {
      const failure = await server.ask(host, app, false);
      if (failure !== null) throw new RuntrackdError(failure);
      return {};
    };
    const client = {
      createUpload: asked,
      runResult: asked,
      createRun: async (app: string): Promise<Created> => {
        const failure = await server.ask(host, app, true);
        return failure === null ? { kind: 'made', runId: 'run' } : { kind: 'nothingMade', failure };
      },
    } as unknown as PlatformClient;
    const clock = { ...machineClock, monotonicMs: () => time.nowMs, random: () => random() };
    this.platform = new PacedPlatform(client, new Budget(limits, clock, false), noMeasures);
  }

  /** Run after run of each app, as many in hand as delivery has, and as many begun as there is room for. */
  work(...apps: readonly string[]): void {
    const deliver = async (app: string): Promise<never> => {
      for (;;) {
        while (this.#unposted >= this.platform.budget.startedMax())
          await new Promise<void>((resolve) => void this.#waiting.push(resolve));
        this.#unposted += 1;
        this.unpostedMost = Math.max(this.unpostedMost, this.#unposted);
        await Promise.all(Array.from({ length: artefacts }, () => this.platform.createUpload(app, never)));
        await this.#post(app);
        this.#unposted -= 1;
        for (const leave of this.#waiting.splice(0)) leave();
        await this.platform.runResult(app, 'run', false, never);
      }
    };
    for (let run = 0; run < runsInHand; run += 1) void deliver(apps[run % apps.length] ?? '');
  }

  async #post(app: string): Promise<void> {
    for (;;) {
      const slot = await this.platform.slotForRun(never);
      const { kind } = await this.platform.createRun(slot, app, null, { run: {} } as never, never);
      if (kind === 'made') return;
    }
  }
}

const limits = { runsPerSecond: 5, requestsPerMinute: 2_000 };
const isMade = ({ isRun, isTaken }: Seen): boolean => isRun && isTaken;
const isRefused = ({ isTaken }: Seen): boolean => !isTaken;

describe('the limits under load', () => {
  test('are used to nine tenths and more by one daemon, which is never refused, and its drop roots share one budget', async () => {
    const server = new Server(limits);
    new Host(0, server, limits).work('mill', 'depot', 'fleet');
    await time.reach(6 * minuteMs);
    const made = server.within(minuteMs, 6 * minuteMs, isMade);
    expect(made.length / (5 * 60 * 5)).toBeGreaterThanOrEqual(0.95);
    expect(server.seen.filter(isRefused)).toEqual([]);
    expect(busiestSecond(made.map(({ atMs }) => atMs))).toBeLessThanOrEqual(6);
    for (const root of ['mill', 'depot', 'fleet'])
      expect(made.filter(({ app }) => app === root).length / made.length).toBeGreaterThan(0.3);
  });

  test.each(Array.from({ length: 8 }, (_, at) => at + 1))(
    'are used as well by four daemons of one account, few are refused, and each gets its share within minutes (seed %d)',
    async (seed) => {
      random = seeded(seed);
      const server = new Server(limits);
      for (let host = 0; host < 4; host += 1) new Host(host, server, limits).work('mill');
      await time.reach(13 * minuteMs);
      const made = server.within(3 * minuteMs, 13 * minuteMs, isMade);
      const refused = server.within(3 * minuteMs, 13 * minuteMs, isRefused);
      expect(made.length / (10 * 60 * 5)).toBeGreaterThanOrEqual(0.9);
      expect(refused.length / (refused.length + 5 * made.length)).toBeLessThan(0.05);
      const shares = [0, 1, 2, 3].map((host) => made.filter((seen) => seen.host === host).length);
      expect(jain(shares)).toBeGreaterThanOrEqual(0.8);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(made.length / 16);
    },
  );

  test('are given way in by a refusal and its wish, and used again once whoever took them is gone', async () => {
    const server = new Server(limits);
    const host = new Host(0, server, limits);
    const rate = (): number => host.platform.budget.rates().runs ?? 0;
    host.work('mill');
    await time.reach(minuteMs);
    const wishMs = 10_000;
    server.retryAfterMs = wishMs;
    void server.intrude(4, 3 * minuteMs);
    await time.reach(3 * minuteMs);
    expect(rate()).toBeLessThan(3);
    const refused = server.within(minuteMs, 3 * minuteMs, isRefused);
    expect(refused.length).toBeGreaterThan(0);
    for (const { atMs } of refused)
      expect(server.within(atMs + tripMsMax, atMs + wishMs, ({ isRun }) => isRun)).toEqual([]);
    await time.reach(6 * minuteMs);
    expect(rate()).toBeGreaterThanOrEqual(5 * 0.97);
    const made = server.within(5 * minuteMs, 6 * minuteMs, isMade);
    expect(made.length / (60 * 5)).toBeGreaterThanOrEqual(0.9);
  });

  test('that bind first are those that are used: of all requests here, and no run is begun that cannot be posted soon', async () => {
    const narrow = { runsPerSecond: 5, requestsPerMinute: 600 };
    const server = new Server(narrow);
    const host = new Host(0, server, narrow);
    host.work('mill', 'depot');
    await time.reach(6 * minuteMs);
    const taken = server.within(minuteMs, 6 * minuteMs, ({ isTaken }) => isTaken);
    expect(taken.length / (5 * 600)).toBeGreaterThanOrEqual(0.95);
    // Five requests each: three uploads, the run, its result.
    expect(taken.filter(isMade).length / (5 * 120)).toBeGreaterThanOrEqual(0.9);
    expect(server.seen.filter(isRefused)).toEqual([]);
    expect(host.unpostedMost).toBeLessThanOrEqual(32);
  });
});
