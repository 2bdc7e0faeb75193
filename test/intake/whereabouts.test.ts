/** Where directories lie by now: found by one search for all who ask, and never by one that began too early. */
import { cpSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DirectoryIdentity } from '../../src/core/content.ts';
import { Whereabouts } from '../../src/intake/whereabouts.ts';
import { directoryOf } from '../../src/reading/sight.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

class Searched {
  /** A search looks at the clock when it begins. */
  searches = 0;
  readonly #root: Root;
  readonly #whereabouts: Whereabouts;

  constructor(root: Root, depth = 1) {
    this.#root = root;
    const monotonicMs = (): number => {
      this.searches += 1;
      return machineClock.monotonicMs();
    };
    this.#whereabouts = new Whereabouts({ path: root.path, depth }, { monotonicMs });
  }

  make(path: string): DirectoryIdentity {
    mkdirSync(join(this.#root.path, path), { recursive: true });
    return directoryOf(lstatSync(join(this.#root.path, path), { bigint: true }));
  }

  move(from: string, to: string): void {
    renameSync(join(this.#root.path, from), join(this.#root.path, to));
  }

  async find(directory: DirectoryIdentity, sinceMs = machineClock.monotonicMs()): Promise<string | null> {
    return await this.#whereabouts.find(directory, sinceMs);
  }
}

test('however many ask for directories that had left before, one search answers', async ({ root }) => {
  const searched = new Searched(root);
  const directories = Array.from({ length: 200 }, (_, n) => searched.make(`run-${String(n)}`));
  for (const [n] of directories.entries()) searched.move(`run-${String(n)}`, `moved-${String(n)}`);
  const leftMs = machineClock.monotonicMs();
  const atOnce = await Promise.all(
    directories.map(async (directory) => await searched.find(directory, leftMs)),
  );
  expect(atOnce).toEqual(directories.map((_, n) => `moved-${String(n)}`));
  for (const [n, directory] of directories.entries())
    expect(await searched.find(directory, leftMs)).toBe(`moved-${String(n)}`);
  expect(searched.searches).toBe(1);
});

test('a directory that left its place later, or moved on, is searched for again', async ({ root }) => {
  const searched = new Searched(root, 2);
  const [one, other] = [searched.make('day-1/one'), searched.make('day-1/other')];
  expect(await searched.find(one)).toBe('day-1/one');
  searched.make('day-2/new');
  searched.move('day-1/one', 'day-2/one');
  searched.move('day-1/other', 'day-2/other');
  expect(await searched.find(other)).toBe('day-2/other');
  const leftMs = machineClock.monotonicMs();
  expect(await searched.find(one, leftMs)).toBe('day-2/one');
  expect(searched.searches).toBe(3);
  // The last search knows it at a place that it has left since, and the question is as old as that search.
  searched.move('day-2/one', 'day-2/on');
  expect(await searched.find(one, leftMs)).toBe('day-2/on');
});

test('what is not in the root is nowhere, and without a birth time nothing is searched for', async ({
  root,
}) => {
  const searched = new Searched(root);
  const one = searched.make('one');
  expect(await searched.find({ ...one, birthNs: '0' })).toBeNull();
  expect(searched.searches).toBe(0);
  rmSync(join(root.path, 'one'), { recursive: true });
  expect(await searched.find(one)).toBeNull();
});

test('a root that was put on another disk is searched a few times, and not once for each folder', async ({
  root,
}) => {
  const count = 200;
  for (let n = 0; n < count; n += 1) root.drop(`run-${String(n)}`);
  const { stop } = root.start();
  await until('all to be runs', async () => (await root.count('queued')) === count);
  await stop();
  const of = (path: string): string => String(lstatSync(join(root.path, path), { bigint: true }).ino);
  renameSync(root.path, `${root.path}-away`);
  cpSync(`${root.path}-away`, root.path, { recursive: true, preserveTimestamps: true });
  let searches = 0;
  const clock = {
    ...machineClock,
    monotonicMs: (): number => {
      if (new Error().stack?.includes('whereabouts.js') === true) searches += 1;
      return machineClock.monotonicMs();
    },
  };
  // Long enough for all of them to be seen before the first one asks.
  root.start({ settle: { quietMs: 4_000, deadlineMs: 3_600_000 } }, false, { clock });
  await until('all to be the directories that they are now', async () => {
    const runs = await root.outbox.list({
      states: [],
      dropRoot: null,
      sinceMs: null,
      beforeRun: null,
      limit: count,
    });
    return runs.every(({ path, directory }) => directory.ino === of(path));
  });
  expect((await root.outbox.counts()).states).toMatchObject({ queued: count });
  expect(searches).toBeGreaterThan(0);
  expect(searches).toBeLessThan(4);
});
