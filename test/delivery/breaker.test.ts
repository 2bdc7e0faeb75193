/** When a pause begins, who tries whether it is over, and that one file that fails for ever stops nobody. */
import { expect, test } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import { Breaker } from '../../src/delivery/breaker.ts';

const policy = { delayMsMin: 1_000, delayMsMax: 60_000 };
const failure: Failure = { class: 'storage-trouble', text: 'down', hint: 'wait', reach: 'storage' };
const random = 0.999;

function broken(): Breaker {
  const breaker = new Breaker(policy, 3);
  for (const run of [1, 2, 3]) breaker.failed(run, failure, 0, random);
  return breaker;
}

test('one failure, or two, pause nothing', () => {
  const breaker = new Breaker(policy, 3);
  expect(breaker.failed(1, failure, 0, random).isNewPause).toBe(false);
  expect(breaker.failed(2, failure, 0, random).isNewPause).toBe(false);
  expect(breaker.pause()).toBeNull();
  expect(breaker.room(0)).toBe(Infinity);
  expect(breaker.failed(3, failure, 0, random).isNewPause).toBe(true);
  expect(breaker.pause()).toMatchObject({ failure, sinceMs: 0 });
  expect(breaker.room(0)).toBe(0);
});

test('a file that fails for ever between others that land pauses nothing, and is tried less and less often', () => {
  const breaker = new Breaker(policy, 3);
  const waits: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    waits.push(breaker.failed(7, failure, round, random).waitMs);
    expect(breaker.worked(round + 100)).toBe(false);
  }
  expect(breaker.pause()).toBeNull();
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits[0]).toBeLessThanOrEqual(policy.delayMsMin);
  expect(waits.at(-1)).toBeGreaterThan(policy.delayMsMax / 2);
});

test('a pause ends by one run that tries, and only one at a time', () => {
  const breaker = broken();
  const untilMs = breaker.pause()?.untilMs ?? 0;
  expect(breaker.room(untilMs - 1)).toBe(0);
  expect(breaker.room(untilMs)).toBe(1);
  breaker.began(4);
  expect(breaker.room(untilMs)).toBe(0);
  expect(breaker.worked(4)).toBe(true);
  expect(breaker.room(untilMs)).toBe(Infinity);
});

test('a run that tried in vain makes the pause longer; what was under way before does not', () => {
  const breaker = broken();
  const first = breaker.pause()?.untilMs ?? 0;
  breaker.failed(9, failure, first - 1, random);
  expect(breaker.pause()?.untilMs).toBe(first);
  breaker.began(4);
  expect(breaker.failed(4, failure, first, random).isNewPause).toBe(false);
  const second = breaker.pause();
  expect(second?.sinceMs).toBe(0);
  expect((second?.untilMs ?? 0) - first).toBeGreaterThan(first);
  expect(breaker.room(first)).toBe(0);
  expect(breaker.room(second?.untilMs ?? 0)).toBe(1);
});

test('a run that tried and neither failed nor worked leaves its place to the next', () => {
  const breaker = broken();
  const untilMs = breaker.pause()?.untilMs ?? 0;
  breaker.began(4);
  breaker.leftHand(5);
  expect(breaker.room(untilMs)).toBe(0);
  breaker.leftHand(4);
  expect(breaker.room(untilMs)).toBe(1);
});

test('what storage asks for is the least that is waited', () => {
  const breaker = new Breaker(policy, 3);
  const wish = { ...failure, retryAfterMs: 90_000 };
  for (const run of [1, 2, 3])
    expect(breaker.failed(run, wish, 0, random).waitMs).toBeGreaterThanOrEqual(90_000);
  expect(breaker.pause()?.untilMs).toBeGreaterThanOrEqual(90_000);
});

test('what is remembered of failing runs is bounded', () => {
  const breaker = new Breaker(policy, 3);
  for (let run = 0; run < 3_000; run += 1) breaker.failed(run, failure, 0, random);
  expect(breaker.failed(0, failure, 0, random).waitMs).toBeLessThanOrEqual(policy.delayMsMin);
  expect(breaker.failed(2_999, failure, 0, random).waitMs).toBeGreaterThan(policy.delayMsMin);
});

test('with one failure that is enough a pause begins at once', () => {
  const breaker = new Breaker(policy, 1);
  expect(breaker.failed(7, failure, 0, random).isNewPause).toBe(true);
  expect(breaker.room(0)).toBe(0);
});

test('who may not try waits until the pause is over, and longer each time that it failed', () => {
  const breaker = new Breaker(policy, 1);
  breaker.failed(7, failure, 0, random);
  const untilMs = breaker.pause()?.untilMs ?? 0;
  expect(breaker.waitMs(7, 0, random)).toBeGreaterThanOrEqual(untilMs);
  const before = breaker.waitMs(7, untilMs, random);
  for (let n = 0; n < 4; n += 1) breaker.failed(7, failure, 0, random);
  expect(breaker.waitMs(7, untilMs, random)).toBeGreaterThan(before);
});

test('a pause is over when nobody is left who could try', () => {
  const breaker = new Breaker(policy, 1);
  breaker.failed(7, failure, 0, random);
  breaker.failed(8, failure, 0, random);
  breaker.forget(9);
  breaker.forget(7);
  expect(breaker.hasFailed(7)).toBe(false);
  expect(breaker.pause()).not.toBeNull();
  breaker.forget(8);
  expect(breaker.pause()).toBeNull();
  expect(breaker.room(0)).toBe(Infinity);
});

test('a pause whose time is up may have nobody who tries: not while one does, nor while one comes back whether or not it pauses', () => {
  const breaker = broken();
  const untilMs = breaker.pause()?.untilMs ?? 0;
  expect(breaker.isUntried(untilMs - 1)).toBe(false);
  expect(breaker.isUntried(untilMs)).toBe(true);
  breaker.began(4);
  expect(breaker.isUntried(untilMs)).toBe(false);
  breaker.leftHand(4);
  breaker.failed(5, failure, untilMs, random, false);
  expect(breaker.isUntried(untilMs)).toBe(false);
  breaker.forget(5);
  expect(breaker.isUntried(untilMs)).toBe(true);
  breaker.end();
  expect(breaker.pause()).toBeNull();
  expect(breaker.isUntried(untilMs)).toBe(false);
  expect(breaker.room(untilMs)).toBe(Infinity);
});
