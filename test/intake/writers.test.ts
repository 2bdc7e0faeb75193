/** Many writers at once, and what finished folders cost: counted, so that it says the same on any machine. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { plan, textOf, writeFiles } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { test } from './root.ts';

const patienceMs = 120_000;
const writers = 100;
const foldersEach = 5;
/** So many of them are open for a while before they are finished. */
const [finished, slow] = [1_000, 50];

test('a hundred writers at once, each file by file and renamed into place: nothing is lost, nothing torn', async ({
  root,
}) => {
  const { intake } = root.start({ scanEveryMs: 500 }, true);
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < foldersEach; n += 1) {
      const folder = join(root.path, `writer-${String(writer)}-${String(n)}`);
      mkdirSync(folder);
      // The daemon of this test lives in this very process, and others write in between.
      for (const [name, content] of Object.entries(plan(`${String(writer)}-${String(n)}`))) {
        await sleep((writer * 7 + n) % 13);
        writeFileSync(join(folder, `${name}.tmp`), textOf(content));
        await sleep((writer * 3 + n) % 5);
        renameSync(join(folder, `${name}.tmp`), join(folder, name));
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  const count = writers * foldersEach;
  await until('all to be runs', async () => (await root.count('queued')) === count, patienceMs);
  const runs = await root.outbox.list({
    states: [],
    dropRoot: null,
    sinceMs: null,
    beforeRun: null,
    limit: 2 * count,
  });
  // Each folder once, and each with a content of its own: none was taken while it was being written.
  expect(new Set(runs.map(({ path }) => path)).size).toBe(count);
  expect(new Set(runs.map(({ key }) => key.generation)).size).toBe(count);
  expect(runs).toHaveLength(count);
  expect(intake.trouble()).toBeNull();
});

test('a thousand finished folders have no more watches than none', async ({ root }) => {
  const { intake } = root.start({ scanEveryMs: 500 }, true);
  await until('the first scan', () => intake.lastScanMs() !== null);
  const before = await until('the watch on the root', () => watchesOfThis());
  for (let n = 0; n < finished - slow; n += 1) root.drop(`run-${String(n)}`);
  const names = Array.from({ length: slow }, (_, n) => `slow-${String(n)}`);
  for (const name of names) mkdirSync(join(root.path, name));
  await until('the open ones to be watched', () => watchesOfThis() >= before + slow, patienceMs);
  for (const name of names) writeFiles(join(root.path, name), plan(name));
  await until('all to be runs', async () => (await root.count('queued')) === finished, patienceMs);
  await until('the watches to be given back', () => watchesOfThis() <= before, patienceMs);
});

/** How many inotify watches this process holds. */
function watchesOfThis(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    try {
      count += readFileSync(join('/proc/self/fdinfo', fd), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('inotify ')).length;
    } catch {
      // Closed meanwhile.
    }
  }
  return count;
}
