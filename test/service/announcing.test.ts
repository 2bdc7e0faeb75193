/** A sign of life is given because the loops move, and not by a timer. */
import { describe, expect, test } from 'vitest';
import { announce, mayLive, statusText, type AnnouncingParts } from '../../src/service/announcing.ts';
import type { LoopView } from '../../src/service/loopProgress.ts';
import { until } from '../journey/waiting.ts';

const loop = (isStalled: boolean): LoopView => ({ name: 'delivery', lastMs: 0, agoMs: 0, isStalled });
const trouble = { text: 'the disk is full', hint: 'Make room.' } as const;

describe('one line says how it is', () => {
  test.each([
    [{}, 0, null, '0 delivering, 0 recorded'],
    [{ recorded: 1_204, queued: 5 }, 3, 98_000, '3 delivering, 1,204 recorded, oldest waiting 2s'],
    [{ parked: 1 }, 0, null, '0 delivering, 0 recorded, 1 needs a person'],
    [
      { parked: 1, rejected: 2, overdue: 3 },
      0,
      100_000 - 7_205_000,
      '0 delivering, 0 recorded, oldest waiting 2h, 6 need a person',
    ],
    // A clock that was set back makes nothing negative.
    [{}, 0, 200_000, '0 delivering, 0 recorded, oldest waiting 0ms'],
  ])('%o, %i in hand', (counts, inHand, oldestMs, expected) => {
    expect(statusText(counts, inHand, oldestMs, 100_000)).toBe(expected);
  });
});

test.each([
  { what: 'loops that move', loops: [loop(false), loop(false)], inTrouble: null, isAlive: true },
  { what: 'one loop that does not', loops: [loop(false), loop(true)], inTrouble: null, isAlive: false },
  { what: 'a loop that waits for the disk', loops: [loop(true)], inTrouble: trouble, isAlive: true },
])('with $what it is alive: $isAlive', ({ loops, inTrouble, isAlive }) => {
  expect(mayLive(loops, inTrouble)).toBe(isAlive);
});

function scene(changes: Partial<AnnouncingParts>, watchdogMs: number | null) {
  const told: Readonly<Record<string, string>>[] = [];
  const stop = new AbortController();
  const parts: AnnouncingParts = {
    manager: {
      isThere: true,
      watchdogMs,
      tell: (message) => {
        told.push(message);
        return Promise.resolve();
      },
    },
    clock: { nowMs: () => 0, monotonicMs: () => 0, random: () => 0 },
    loops: () => [loop(false)],
    trouble: () => null,
    inHand: () => 2,
    counts: () => Promise.resolve({ recorded: 7 }),
    oldestWaitingMs: () => Promise.resolve(null),
    ...changes,
  };
  return { told, stop, done: announce(parts, stop.signal) };
}

test('ready first, signs of life while it runs, and a word when it goes', async () => {
  const { told, stop, done } = scene({}, 60);
  await until('three signs of life', () => told.filter(({ WATCHDOG }) => WATCHDOG === '1').length >= 3);
  stop.abort();
  await done;
  expect(told[0]).toEqual({ READY: '1' });
  expect(told[1]).toEqual({ WATCHDOG: '1', STATUS: '2 delivering, 7 recorded' });
  expect(told.at(-1)).toEqual({ STOPPING: '1', STATUS: 'finishing what is under way' });
});

test('a loop that hangs gets no sign of life, and its status goes on', async () => {
  const { told, stop, done } = scene({ loops: () => [loop(true)] }, 60);
  await until('a few messages', () => told.length >= 4);
  stop.abort();
  await done;
  expect(told.some(({ WATCHDOG }) => WATCHDOG !== undefined)).toBe(false);
  expect(told.some(({ STATUS }) => STATUS === '2 delivering, 7 recorded')).toBe(true);
});

test('an outbox that does not answer holds up no sign of life', async () => {
  const { told, stop, done } = scene({ counts: () => new Promise(() => undefined) }, 60);
  await until('a sign of life', () => told.some(({ WATCHDOG }) => WATCHDOG === '1'));
  stop.abort();
  await done;
  expect(told).toContainEqual({ WATCHDOG: '1', STATUS: 'waiting for the outbox' });
});

test('in trouble the status is the trouble, and nothing is asked of the outbox', async () => {
  const counts = (): never => {
    throw new Error('asked');
  };
  const { told, stop, done } = scene({ trouble: () => trouble, counts }, null);
  await until('the status', () => told.length >= 2);
  stop.abort();
  await done;
  expect(told[1]).toEqual({ STATUS: 'the disk is full' });
});
