/** A loop that hangs throws nothing: that it has not moved is what shows. */
import { expect, test } from 'vitest';
import { LoopProgress } from '../../src/service/loopProgress.ts';

const minuteMs = 60_000;

function scene() {
  const time = { wallMs: Date.parse('2026-11-24T00:00:00Z'), monotonicMs: 0 };
  const progress = new LoopProgress({
    nowMs: () => time.wallMs,
    monotonicMs: () => time.monotonicMs,
    random: () => 0,
  });
  const pass = (ms: number): void => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  const stalled = (): string[] =>
    progress
      .all()
      .filter(({ isStalled }) => isStalled)
      .map(({ name }) => name);
  return { time, progress, pass, stalled };
}

test('a loop that moves is well, and one that does not is named after five minutes', () => {
  const { progress, pass, stalled } = scene();
  const delivery = progress.loop('delivery');
  progress.loop('reconcile');
  pass(4 * minuteMs);
  delivery();
  expect(stalled()).toEqual([]);
  pass(2 * minuteMs);
  expect(stalled()).toEqual(['reconcile']);
  pass(4 * minuteMs);
  expect(stalled()).toEqual(['delivery', 'reconcile']);
  delivery();
  expect(stalled()).toEqual(['reconcile']);
});

test('a loop that rests for long by its configuration is not taken for one that hangs', () => {
  const { progress, pass, stalled } = scene();
  progress.loop('intake slow', 60 * minuteMs);
  pass(61 * minuteMs);
  expect(stalled()).toEqual([]);
  pass(120 * minuteMs);
  expect(stalled()).toEqual(['intake slow']);
});

test.each([-1, 1])('a clock that is set by a day (%s) hides nothing and alarms nobody', (days) => {
  const { time, progress, pass, stalled } = scene();
  progress.loop('delivery');
  time.wallMs += days * 24 * 60 * minuteMs;
  expect(stalled()).toEqual([]);
  pass(6 * minuteMs);
  expect(stalled()).toEqual(['delivery']);
});

test('a machine that was suspended has lost no time', () => {
  const { time, progress, stalled } = scene();
  progress.loop('delivery');
  // The clock that nobody sets stands still meanwhile.
  time.wallMs += 10 * 60 * minuteMs;
  expect(stalled()).toEqual([]);
  expect(progress.all()[0]?.lastMs).toBe(Date.parse('2026-11-24T00:00:00Z'));
});
