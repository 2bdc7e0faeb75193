/**
 * A platform that refuses new runs for so long that the pace is narrower than upload ids live. Sending, the line of requests
 * and the pace are the real ones, the outbox and the platform are a few lines; time is virtual, and chance has a seed.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rateLimited, type Failure } from '../../src/core/failure.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { noMeasures } from '../../src/core/measures.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Budget } from '../../src/delivery/budget.ts';
import { PacedPlatform } from '../../src/delivery/pacedPlatform.ts';
import type { DeliveryParts } from '../../src/delivery/parts.ts';
import { send, type SentAgain } from '../../src/delivery/send.ts';
import type { Claim } from '../../src/outbox/nouns.ts';
import type { Created, PlatformClient } from '../../src/platform/client.ts';
import { machineClock } from '../../src/system/clock.ts';
import { seeded } from '../core/simulation.ts';
import { contentWith } from '../outbox/runs.ts';
import { app, minuteMs } from './bench.ts';
import { VirtualTime } from './virtualTime.ts';

const waiting = 4;
const never = new AbortController().signal;
const tooMany: Failure = { class: rateLimited, text: 'too many', hint: 'wait', reach: 'platform' };

let time = new VirtualTime();
const passes = (ms: number): Promise<void> => new Promise((resolve) => void time.setTimeout(resolve, ms));

beforeEach(() => {
  time = new VirtualTime();
  vi.stubGlobal('setTimeout', time.setTimeout);
  vi.stubGlobal('clearTimeout', time.clearTimeout);
});
afterEach(() => void vi.unstubAllGlobals());

/** Runs that are to be sent, each taken as far as delivery takes it. */
class Line {
  isRefusing = true;
  readonly askedAtMs: number[] = [];
  /** How often each run was made. */
  readonly made = new Map<number, number>();
  intents = 0;
  uploadMs = 1_000;
  /** How long an intent takes to be written down, in ms. */
  intentMs = 0;
  /** Runs of which the claim is lost, as when their folders have newer content. */
  readonly lost = new Set<number>();
  readonly lostRoots = new Set<string>();
  readonly #budget: Budget;
  readonly #parts: DeliveryParts;

  constructor(seed: number) {
    const random = seeded(seed);
    const clock = { ...machineClock, nowMs: () => time.nowMs, monotonicMs: () => time.nowMs, random };
    this.#budget = new Budget({ runsPerSecond: 5, requestsPerMinute: 2_000 }, clock, false);
    const createRun = (): Promise<Created> => {
      this.askedAtMs.push(time.nowMs);
      return Promise.resolve(
        this.isRefusing ? { kind: 'nothingMade', failure: tooMany } : { kind: 'made', runId: 'run' },
      );
    };
    const client = { createRun, platformTimeMs: () => time.nowMs } as unknown as PlatformClient;
    const conclude = async ({ run }: Claim): Promise<boolean> => {
      if (this.intentMs > 0) await passes(this.intentMs);
      this.intents += 1;
      return !this.lost.has(run);
    };
    this.#parts = {
      clock,
      policy: defaultPolicy,
      outbox: { conclude },
      platform: new PacedPlatform(client, this.#budget, noMeasures),
      passPoint: () => undefined,
      placesOfRoot: (root: string) => (this.lostRoots.has(root) ? null : { path: '/', resultsDir: null }),
    } as unknown as DeliveryParts;
  }

  get gapMs(): number {
    return 1_000 / (this.#budget.rates().runs ?? Infinity);
  }

  async deliver(run: number): Promise<void> {
    let life = queued;
    let again: SentAgain | null = null;
    for (;;) {
      if (life.state.kind === 'queued') {
        const askedAtMs = time.nowMs;
        await passes(this.uploadMs);
        const uploads = [{ role: 'input', uploadId: 'id', askedAtMs }] as const;
        life = advance(life, { kind: 'uploadsLanded', uploads, failure: null }, 0, 0, defaultPolicy).life;
      }
      const sent = await send(claimOf(run, life), this.#parts, never, never, again);
      if (sent === null) return;
      const { happening } = sent.outcome;
      again = happening.kind === 'slotTooOld' ? 'slotTooOld' : null;
      if (happening.kind === 'nothingMade') again = 'oneTooMany';
      if (happening.kind === 'made') this.made.set(run, (this.made.get(run) ?? 0) + 1);
      life = advance(sent.claim.life, happening, time.nowMs, 0, defaultPolicy).life;
      if (life.state.kind === 'tracked' || life.state.kind === 'parked') return;
    }
  }

  /** Somebody else's refusals, until the pace is so narrow that not all of those that wait are sent while their ids live. */
  async narrows(): Promise<void> {
    const narrowed = async (): Promise<void> => {
      while (this.gapMs <= 3 * minuteMs) (await this.#budget.take('create', never)).refused(undefined);
    };
    await Promise.all([narrowed(), time.reach(5 * 60 * minuteMs)]);
    expect(this.gapMs).toBeGreaterThan(3 * minuteMs);
  }
}

const queued: Claim['life'] = {
  state: { kind: 'queued', uploads: [] },
  tries: 0,
  plainest: false,
  everUnknown: false,
};

function claimOf(run: number, life: Claim['life']): Claim {
  return {
    run,
    fence: 1,
    life,
    fingerprint: 'fingerprint',
    key: { app, dropRoot: `root-${String(run)}`, generation: 'generation', host: 'bench' },
    content: contentWith('content'),
    settings: { instance: null, name: 'plan', description: '', options: {}, batchExperimentId: null },
  } as unknown as Claim;
}

describe('new runs that were refused for so long that they wait for longer than their upload ids live', () => {
  test.each([1, 2, 3])('are all made, each once, when they are taken again (seed %d)', async (seed) => {
    const line = new Line(seed);
    await line.narrows();
    for (let run = 0; run < waiting; run += 1) void line.deliver(run);
    await time.reach(time.nowMs + 60 * minuteMs);
    const refused = line.askedAtMs.length;
    const { gapMs } = line;
    const sinceMs = time.nowMs;
    line.isRefusing = false;
    // A slot may be put off by a gap and a half at the last refusal.
    await time.reach(sinceMs + 2 * gapMs);
    expect(line.askedAtMs.length).toBeGreaterThan(refused);
    expect(line.gapMs).toBeLessThan(gapMs);
    await time.reach(sinceMs + waiting * 2 * gapMs);
    expect([...line.made.values()]).toEqual([1, 1, 1, 1]);
    expect(line.askedAtMs).toHaveLength(refused + waiting);
    expect(line.intents).toBe(line.askedAtMs.length);
  });

  test('have their slot again where the disk was too slow for it', async () => {
    const line = new Line(1);
    await line.narrows();
    line.isRefusing = false;
    line.intentMs = 3_000;
    void line.deliver(0);
    await time.reach(time.nowMs + line.uploadMs + 3 * line.intentMs);
    expect([...line.made]).toEqual([[0, 1]]);
    expect(line.intents).toBe(2);
  });

  test('leave it to the next where their ids died over the writing of the intent', async () => {
    const line = new Line(1);
    await line.narrows();
    line.isRefusing = false;
    line.intentMs = 1_500;
    line.uploadMs = defaultPolicy.uploadAgeMsMax - 1_000;
    void line.deliver(0);
    await time.reach(time.nowMs + line.uploadMs - 500);
    line.uploadMs = 1_000;
    void line.deliver(1);
    await time.reach(time.nowMs + 10_000);
    expect([...line.made]).toEqual([[1, 1]]);
  });

  test.each<{ whom: string; leave: (line: Line, run: number) => void }>([
    { whom: 'that are in other hands by then', leave: (line, run) => void line.lost.add(run) },
    {
      whom: 'whose drop root is not configured by then',
      leave: (line, run) => void line.lostRoots.add(`root-${String(run)}`),
    },
  ])('use up no slot where they come after some $whom', async ({ leave }) => {
    const line = new Line(1);
    await line.narrows();
    for (let run = 0; run < waiting; run += 1) void line.deliver(run);
    await time.reach(time.nowMs + 2 * line.uploadMs);
    const asked = line.askedAtMs.length;
    for (let run = 0; run < waiting; run += 1) leave(line, run);
    line.isRefusing = false;
    void line.deliver(waiting);
    await time.reach(time.nowMs + 2 * line.gapMs);
    expect(line.askedAtMs).toHaveLength(asked + 1);
    expect([...line.made]).toEqual([[waiting, 1]]);
  });
});
