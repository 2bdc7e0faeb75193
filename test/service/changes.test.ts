/** Whoever waits for a change is told of it, also when it came before the wait began. */
import { expect, test } from 'vitest';
import { Changes } from '../../src/service/changes.ts';

const longMs = 3_600_000;

test('a change wakes everybody who waits', async () => {
  const changes = new Changes();
  const waits = [changes.next(changes.count, longMs), changes.next(changes.count, longMs)];
  changes.tell();
  await Promise.all(waits);
  expect(changes.count).toBe(1);
});

test('a change between the look and the wait is not slept through', async () => {
  const changes = new Changes();
  const seen = changes.count;
  changes.tell();
  await changes.next(seen, longMs);
});

test('a wait ends when its time is up, and leaves nothing behind', async () => {
  const changes = new Changes();
  await changes.next(changes.count, 1);
  changes.tell();
  expect(changes.count).toBe(1);
});
