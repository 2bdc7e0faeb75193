/** One pace, one step at a time, to the number: what the simulations of many hosts cannot tell apart. */
import { describe, expect, test } from 'vitest';
import {
  accepted,
  freeAtMs,
  handedBack,
  pacePolicy,
  refused,
  startPace,
  takeSlot,
  type Pace,
  type Slot,
} from '../../src/core/pace.ts';

const limit = 5;
const cap = limit * pacePolicy.capShare;
const slot: Slot = { sentAtMs: 1_000, isHungry: true, putOffMs: 0 };
const steady: Pace = {
  ...startPace(limit, false, 0, 0),
  isStarting: false,
  rate: 2,
  slotAtMs: 500,
  cutAtMs: 0,
};

describe('a pace begins', () => {
  test('at once and at its cap, when nobody was away', () => {
    expect(startPace(limit, false, 7, 0.5)).toEqual({
      limit,
      rate: cap,
      isStarting: true,
      successes: 0,
      stride: 0.45,
      slotAtMs: 7,
      floorAtMs: 0,
      cutAtMs: -Infinity,
    });
  });

  test.each([0, 0.25, 0.999])(
    'slowly and somewhere in a minute, when everybody comes back (%f)',
    (random) => {
      const pace = startPace(limit, true, 7, random);
      expect(pace.rate).toBeCloseTo(cap * 0.1, 10);
      expect(pace.slotAtMs).toBe(7 + random * 60_000);
      expect(freeAtMs(pace)).toBe(pace.slotAtMs);
    },
  );

  test('at once where there is no limit', () => {
    expect(startPace(null, true, 7, 0.9)).toMatchObject({ rate: Infinity, slotAtMs: 7 });
  });
});

describe('a slot', () => {
  test.each([
    { random: 0, gapMs: 450 },
    { random: 0.5, gapMs: 500 },
    { random: 1, gapMs: 550 },
  ])('is followed by the next after the gap, a tenth more or less (chance $random)', ({ random, gapMs }) => {
    expect(takeSlot(steady, 500, random).pace.slotAtMs).toBeCloseTo(500 + gapMs, 6);
    // One that was taken late moves the next.
    expect(takeSlot(steady, 900, random).pace.slotAtMs).toBeCloseTo(900 + gapMs, 6);
    // One that was caught up does not pull it forward.
    expect(takeSlot(steady, 400, random).pace.slotAtMs).toBeCloseTo(500 + gapMs, 6);
  });

  test.each([
    { nowMs: 500, isHungry: true },
    { nowMs: 999, isHungry: true },
    { nowMs: 1_000, isHungry: false },
  ])('taken at $nowMs ms was waited for: $isHungry', ({ nowMs, isHungry }) => {
    expect(takeSlot(steady, nowMs, 0.5).slot).toMatchObject({ sentAtMs: nowMs, isHungry });
  });

  test('and handed back is the next one’s, unless a refusal has put that off', () => {
    for (const random of [0, 0.5, 1]) {
      const { pace, slot: taken } = takeSlot(steady, 500, random);
      expect(handedBack(pace, taken).slotAtMs).toBeCloseTo(500, 6);
      const another = takeSlot(steady, 500, random).slot;
      const cut = refused(pace, another, undefined, 600, 0.5);
      expect(handedBack(cut, taken)).toEqual(cut);
    }
  });
});

describe('an accepted request', () => {
  test('doubles the pace of a beginner, up to the cap, at which it is none any more', () => {
    const beginner = { ...steady, isStarting: true, rate: 1 };
    expect(accepted(beginner, slot)).toMatchObject({ rate: 2, successes: 1, isStarting: true });
    expect(accepted({ ...beginner, rate: cap / 2 }, slot)).toMatchObject({ rate: cap, isStarting: false });
    expect(accepted({ ...beginner, rate: cap * 0.7 }, slot)).toMatchObject({ rate: cap, isStarting: false });
  });

  test.each([
    // A twentieth of the limit, and what is twice, eight times and a fifth of it.
    { rate: 0.25, refusals: 0.095 },
    { rate: 0.5, refusals: 0.0475 },
    { rate: 2, refusals: 0.011875 },
    { rate: 0.05, refusals: 0.095 * 5 ** 0.45 },
  ])(
    'widens a rate of $rate by what it has to be refused, times its stride, and counts',
    ({ rate, refusals }) => {
      const widened = accepted({ ...steady, rate }, slot);
      expect(widened.rate / rate - 1).toBeCloseTo(refusals * 0.45, 12);
      expect(widened.successes).toBe(1);
      // A fifth of one refusal's loss, for each that was to be expected.
      expect(widened.stride).toBeCloseTo(0.12 + 0.33 * (1 - 0.2 * refusals), 12);
      expect(accepted({ ...steady, rate, stride: 0.12 }, slot).rate / rate - 1).toBeCloseTo(
        refusals * 0.12,
        12,
      );
    },
  );

  test('never shortens a stride to less than the least, whatever a rate is to be refused', () => {
    expect(accepted({ ...steady, rate: 1e-6 }, slot).stride).toBeCloseTo(0.12, 12);
  });

  test.each([
    // With a rate of 2 one refusal was to be expected in 84 successes; the patience is 1.2 of them.
    { before: 99, speed: 1 },
    { before: 201, speed: 4 },
    { before: 302, speed: 9 },
    { before: 900, speed: 30 },
  ])('widens it $speed times as fast after $before others', ({ before, speed }) => {
    const slow = accepted(steady, slot).rate - 2;
    expect((accepted({ ...steady, successes: before }, slot).rate - 2) / slow).toBeCloseTo(speed, 1);
  });

  test('that nobody waited for widens only a pace that is next to nothing', () => {
    const unhurried = { ...slot, isHungry: false, putOffMs: 0 };
    expect(accepted({ ...steady, rate: cap * 0.02 }, unhurried)).toMatchObject({
      rate: cap * 0.02,
      successes: 1,
    });
    expect(accepted({ ...steady, rate: cap * 0.0199 }, unhurried).rate).toBeGreaterThan(cap * 0.0199);
  });

  test('changes nothing where there is no limit', () => {
    const free = startPace(null, false, 0, 0);
    expect(accepted(free, slot)).toEqual(free);
  });
});

describe('a refusal', () => {
  test('narrows the rate by the stride, and that by a fifth of what it has to lose; successes start anew', () => {
    const used = { ...steady, successes: 9, stride: 0.22 };
    const narrowed = refused(used, slot, undefined, 1_100, 0.5);
    expect(narrowed).toMatchObject({ successes: 0, cutAtMs: 1_100 });
    expect(narrowed.rate).toBeCloseTo(2 * Math.exp(-0.22), 12);
    expect(narrowed.stride).toBeCloseTo(0.2, 12);
    const beginner = refused({ ...steady, isStarting: true }, slot, undefined, 1_100, 0.5);
    expect(beginner.rate).toBeCloseTo(2 * Math.exp(-0.45), 12);
    expect(beginner.isStarting).toBe(false);
  });

  test.each([
    { random: 0, afterMs: 392.078 },
    { random: 0.5, afterMs: 784.156 },
    { random: 0.9, afterMs: 1_097.819 },
  ])('puts the next slot half a gap to one and a half ahead (chance $random)', ({ random, afterMs }) => {
    expect(refused(steady, slot, undefined, 1_100, random).slotAtMs).toBeCloseTo(1_100 + afterMs, 2);
    const later = { ...steady, slotAtMs: 99_000 };
    expect(refused(later, slot, undefined, 1_100, random).slotAtMs).toBe(99_000);
  });

  test('of a request that left when the pace was cut, or before, cuts no more', () => {
    for (const sentAtMs of [999, 1_000]) {
      const cut = { ...steady, cutAtMs: 1_000 };
      expect(refused(cut, { ...slot, sentAtMs }, undefined, 1_100, 0.5)).toMatchObject({
        rate: 2,
        cutAtMs: 1_000,
      });
    }
  });

  test('never leaves less than one in five minutes', () => {
    expect(refused({ ...steady, rate: 1 / 299 }, slot, undefined, 1_100, 0.5).rate).toBe(1 / 300);
  });

  test('shows a limit where none was configured, and that limit holds from then on', () => {
    const free = { ...startPace(null, false, 0, 0), slotAtMs: 500 };
    const pace = refused(free, slot, undefined, 1_100, 0.5);
    expect(pace).toMatchObject({ limit: 100, isStarting: false });
    expect(pace.rate).toBeCloseTo(100 * Math.exp(-0.45), 10);
    expect(accepted(pace, slot).rate).toBeGreaterThan(pace.rate);
  });

  test.each([
    { name: 'none', wish: undefined },
    { name: 'nothing', wish: 0 },
    { name: 'the past', wish: -5 },
    { name: 'no number', wish: Number.NaN },
    { name: 'for ever', wish: Infinity },
  ])('with a wish that is $name sets no floor', ({ wish }) => {
    expect(refused(steady, slot, wish, 1_100, 0.9).floorAtMs).toBe(0);
  });

  test.each([
    // Half as long again, where that is more than the gap.
    { wish: 60_000, rate: 2, widthMs: 30_000 },
    // The gap, where the wish is short.
    { wish: 200, rate: 2, widthMs: 500 * Math.exp(0.45) },
    // And no more than half a minute, however slow the pace is.
    { wish: 200, rate: 1 / 200, widthMs: 30_000 },
  ])(
    'that wishes for $wish ms at a pace of $rate is obeyed within $widthMs ms after',
    ({ wish, rate, widthMs }) => {
      const at = (random: number) => refused({ ...steady, rate }, slot, wish, 1_100, random).floorAtMs;
      expect(at(0)).toBe(1_100 + wish);
      expect(at(0.5)).toBeCloseTo(1_100 + wish + widthMs / 2, 6);
    },
  );

  test('never shortens an earlier wish', () => {
    expect(refused({ ...steady, floorAtMs: 99_000 }, slot, 1_000, 1_100, 0.5).floorAtMs).toBe(99_000);
  });
});
