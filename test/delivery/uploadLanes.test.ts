/** How many uploads share the link: fewer where they are too slow together, and more again. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { linkTooSlow, RuntrackdError } from '../../src/core/failure.ts';
import { UploadLanes, type Artefact } from '../../src/delivery/uploadLanes.ts';
import { quietLog } from '../../src/system/log.ts';

const minuteMs = 60_000;
const lifetimeMs = 12 * minuteMs;
const never = new AbortController().signal;

/** A link on a clock of its own: uploads that share it take that much longer, and none lives longer than its URL. */
class Link {
  ms = 0;
  most = 0;
  readonly #aloneMs: number;
  readonly #underWay = new Set<{ restMs: number; beganMs: number; end: (error: Error | null) => void }>();

  constructor(aloneMs: number) {
    this.#aloneMs = aloneMs;
  }

  readonly monotonicMs = (): number => this.ms;

  readonly upload = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (error: Error | null): void => (error === null ? resolve() : reject(error));
      this.#underWay.add({ restMs: this.#aloneMs, beganMs: this.ms, end });
      this.most = Math.max(this.most, this.#underWay.size);
    });

  /** A minute passes. */
  async pass(): Promise<void> {
    this.ms += minuteMs;
    const share = minuteMs / this.#underWay.size;
    for (const one of this.#underWay) {
      one.restMs -= share;
      const isLate = this.ms - one.beganMs > lifetimeMs;
      if (one.restMs > 0 && !isLate) continue;
      this.#underWay.delete(one);
      one.end(isLate ? new RuntrackdError(tooSlow) : null);
    }
    await setImmediate();
  }
}

const tooSlow = { class: linkTooSlow, text: 'too slow', hint: 'a faster link', reach: 'run' } as const;

const lanesOf = (link: Link, uploadsAtOnce: number): UploadLanes =>
  new UploadLanes(uploadsAtOnce, lifetimeMs, { clock: link, log: quietLog() });

const large = (run: number): Artefact => ({ run, role: 'input', bytes: 1e9 });

/** Uploads them all, each again as often as it was too slow. @returns what reach those failures had */
async function uploadAll(link: Link, lanes: UploadLanes, count: number): Promise<string[]> {
  const reaches: string[] = [];
  let landed = 0;
  const one = async (n: number): Promise<void> => {
    try {
      await lanes.add(large(n), link.upload, never);
      landed += 1;
    } catch (error) {
      if (!(error instanceof RuntrackdError)) throw error;
      reaches.push(error.failure.reach);
      if (error.failure.reach === 'link') await one(n);
    }
  };
  const all = Array.from({ length: count }, (_, n) => one(n));
  while (landed + reaches.filter((reach) => reach === 'run').length < count) await link.pass();
  await Promise.all(all);
  return reaches;
}

/** Time passes until all have landed or were too slow. */
async function allEnd(link: Link, uploads: readonly Promise<void>[]): Promise<void> {
  let left = uploads.length;
  for (const upload of uploads) void upload.catch(() => undefined).finally(() => (left -= 1));
  while (left > 0) await link.pass();
}

describe('uploads that share a link', () => {
  test('that is too slow for all of them at once go fewer at a time, at no run’s expense', async () => {
    const link = new Link(4 * minuteMs);
    const reaches = await uploadAll(link, lanesOf(link, 32), 64);
    expect(new Set(reaches)).toEqual(new Set(['link']));
    // Nearly all of the link's time was of use: 64 uploads of four minutes each.
    expect(link.ms).toBeLessThan(2 * 64 * 4 * minuteMs);
  });

  test('that is too slow for each of them alone say so of each', async () => {
    const link = new Link(20 * minuteMs);
    const reaches = await uploadAll(link, lanesOf(link, 4), 3);
    expect(reaches.filter((reach) => reach === 'run')).toHaveLength(3);
  });

  test('that became fast are as many as before after a while', async () => {
    const link = new Link(4 * minuteMs);
    const lanes = lanesOf(link, 8);
    await uploadAll(link, lanes, 8);
    link.ms += 8 * lifetimeMs;
    link.most = 0;
    await allEnd(
      link,
      Array.from({ length: 8 }, (_, n) => lanes.add(large(n), link.upload, never)),
    );
    expect(link.most).toBe(8);
  });

  test('are as many as a new limit says at once', async () => {
    const link = new Link(minuteMs);
    const lanes = lanesOf(link, 1);
    lanes.limitTo(5);
    await allEnd(
      link,
      Array.from({ length: 6 }, (_, n) => lanes.add(large(n), link.upload, never)),
    );
    expect(link.most).toBe(5);
  });

  test('one that is too slow by itself says so, though there are always others beside it', async () => {
    const link = new Link(minuteMs / 10);
    const lanes = lanesOf(link, 32);
    const reaches: string[] = [];
    const giant = async (): Promise<void> => {
      await setImmediate();
      const beganMs = link.ms;
      while (link.ms - beganMs <= lifetimeMs) await setImmediate();
      throw new RuntrackdError(tooSlow);
    };
    let tries: Promise<unknown> | null = null;
    for (let n = 1; !reaches.includes('run'); n += 1) {
      tries ??= lanes
        .add(large(0), giant, never)
        .catch((error: unknown) => {
          if (!(error instanceof RuntrackdError)) throw error;
          reaches.push(error.failure.reach);
        })
        .finally(() => (tries = null));
      // Those that begin a moment before it fails make room for more again.
      void lanes.add(large(n), link.upload, never);
      await setImmediate();
      await link.pass();
      await setImmediate();
    }
    expect(reaches).toEqual([...Array<string>(10).fill('link'), 'run']);
  });

  test('that have become few leave room for small ones, which wait behind no large one', async () => {
    const link = new Link(11 * minuteMs);
    const lanes = lanesOf(link, 4);
    await allEnd(
      link,
      Array.from({ length: 4 }, (_, n) => lanes.add(large(n), link.upload, never)),
    );
    let [largeOnes, smallOnes] = [0, 0];
    const slow = new Promise<void>(() => undefined);
    for (let n = 0; n < 6; n += 1) {
      const holdsLane = async (): Promise<void> => {
        largeOnes += 1;
        await slow;
      };
      void lanes.add(large(n), holdsLane, never);
    }
    for (let n = 0; n < 20; n += 1) {
      const passes = async (): Promise<void> => {
        await setImmediate();
        smallOnes += 1;
      };
      await lanes.add({ run: n, role: 'input', bytes: 1_000_000 }, passes, never);
    }
    expect(largeOnes).toBeLessThan(4);
    expect(smallOnes).toBe(20);
  });
});
