import { chmodSync, linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countPlace, readCount, writeCount, type CountPlace } from '../../src/outbox/intentCount.ts';
import { chance, newRun, opened, platform, road, taken, temporaryFolder } from './runs.ts';

function place(runtimeDir = temporaryFolder(), stateDir = temporaryFolder(), of = platform): CountPlace {
  const found = countPlace(runtimeDir, stateDir, of);
  if (found === null) throw new Error('there is no place for a count');
  return found;
}

test('a count is what was written last, and nothing before', () => {
  const count = place();
  expect(readCount(count)).toBeNull();
  writeCount(count, 12);
  writeCount(count, 7);
  expect(readCount(count)).toBe(7);
});

test('each state directory and each platform has a count of its own', () => {
  const runtimeDir = temporaryFolder();
  const stateDir = temporaryFolder();
  writeCount(place(runtimeDir, stateDir), 12);
  expect(readCount(place(runtimeDir, temporaryFolder()))).toBeNull();
  expect(readCount(place(runtimeDir, stateDir, 'https://another.test'))).toBeNull();
  expect(readCount(place(runtimeDir, stateDir))).toBe(12);
});

test.each([
  '',
  'no count',
  'runtrackd intents',
  `runtrackd intents ${'0'.repeat(16)} ${'9'.repeat(17)}\n`,
  '\0'.repeat(52),
])('garbage is no count, and is written over: %j', (garbage) => {
  const count = place();
  writeFileSync(count.file, garbage);
  expect(readCount(count)).toBeNull();
  writeCount(count, 3);
  expect(readCount(count)).toBe(3);
});

describe('a file that somebody else has put there', () => {
  const foreign = (): string => {
    const path = join(temporaryFolder(), 'foreign');
    writeFileSync(path, 'as it was');
    return path;
  };

  test.each([
    { name: 'a link', put: symlinkSync },
    { name: 'a second name of another file', put: linkSync },
  ])('$name is neither read nor written', ({ put }) => {
    const count = place();
    const path = foreign();
    put(path, count.file);
    writeCount(count, 5);
    expect(readFileSync(path, 'utf8')).toBe('as it was');
    expect(readCount(count)).toBeNull();
  });
});

test('a directory that others may write to, or none at all, is no place for a count', () => {
  const runtimeDir = temporaryFolder();
  chmodSync(runtimeDir, 0o777);
  expect(countPlace(runtimeDir, temporaryFolder(), platform)).toBeNull();
  expect(countPlace('/no/such/place', temporaryFolder(), platform)).toBeNull();
});

test('an intent is counted before it is acknowledged, and nothing else is', async () => {
  const runtimeDir = temporaryFolder();
  const stateDir = temporaryFolder();
  const outbox = await opened(stateDir);
  await outbox.freezeHost('solver-7', chance.nowMs);
  const count = place(runtimeDir, stateDir);
  outbox.keepCount(count);
  const { run } = await outbox.enqueue(newRun(), chance);
  await taken(outbox, run, road.uploaded, true);
  expect(readCount(count)).toBe(0);
  expect(await outbox.intents()).toBe(0);
  const other = await outbox.enqueue(newRun({ path: 'daily' }), chance);
  await taken(outbox, other.run, road.intended, true);
  expect(readCount(count)).toBe(1);
  expect(await outbox.intents()).toBe(1);
  expect(readdirSync(runtimeDir)).toHaveLength(1);
});
