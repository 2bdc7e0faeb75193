/** A list that cannot be read: first it may be the platform's trouble, and then it is its own. */
import { expect, test } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Breaker } from '../../src/delivery/breaker.ts';
import { Gate } from '../../src/delivery/gate.ts';
import { ListFailures } from '../../src/delivery/listFailures.ts';
import { Pauses } from '../../src/delivery/pauses.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';

const failure: Failure = { class: 'unreachable', text: 'no answer', hint: 'wait', reach: 'platform' };

function begin() {
  const { backoff } = defaultPolicy;
  const parts = { clock: { ...machineClock, monotonicMs: () => 0 }, log: quietLog() };
  const gate = new Gate(backoff);
  const breakers = { storage: new Breaker(backoff, 1), results: new Breaker(backoff, 1) };
  const pauses = new Pauses(parts, gate, breakers, () => undefined, new AbortController().signal);
  return { gate, lists: new ListFailures(parts, gate, pauses) };
}

test('all wait for it once; what fails during that wait says nothing, and what fails after it waits alone', () => {
  const { gate, lists } = begin();
  lists.note('hare-app', failure, ['platform']);
  expect(gate.platformPause()).not.toBeNull();
  // Read for something else at the same time, and another app's, which was under way.
  lists.note('hare-app', failure, ['platform']);
  lists.note('tortoise-app', failure, ['platform']);
  expect(lists.unreadable()).toEqual([]);
  gate.open(null, 0, 0, 0.5);
  // Something else was answered, so it is this list.
  expect(lists.isWaiting('hare-app')).toBe(true);
  expect(lists.isWaiting('tortoise-app')).toBe(false);

  lists.note('hare-app', failure, ['platform']);
  expect(gate.platformPause()).toBeNull();
  expect(lists.isWaiting('hare-app')).toBe(true);
  expect(lists.isWaiting('tortoise-app')).toBe(false);
  expect(lists.unreadable()).toEqual([{ app: 'hare-app', failure }]);

  lists.worked('hare-app');
  expect(lists.isWaiting('hare-app')).toBe(false);
  expect(lists.unreadable()).toEqual([]);
  // It may be the platform again.
  lists.note('hare-app', failure, ['platform']);
  expect(gate.platformPause()).not.toBeNull();
});

test('a failure of the app makes the app wait only for who cannot do without the list', () => {
  const { gate, lists } = begin();
  const ofApp: Failure = { ...failure, class: 'app-not-found', reach: 'app' };
  lists.note('hare-app', ofApp, ['platform']);
  expect(gate.appPauses()).toEqual([]);
  expect(lists.isWaiting('hare-app')).toBe(true);
  lists.note('tortoise-app', ofApp, ['platform', 'app']);
  expect(gate.appPauses()).toMatchObject([{ app: 'tortoise-app' }]);
  expect(lists.isWaiting('tortoise-app')).toBe(false);
});
