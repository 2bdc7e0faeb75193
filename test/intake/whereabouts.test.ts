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

test('a root that was put on another disk is searched once, and not for each of its folders', async ({
  root,
}) => {
  const paths = Array.from({ length: 200 }, (_, n) => `run-${String(n)}`);
  for (const path of paths) root.drop(path);
  const { stop } = root.start();
  await until('all to be runs', async () => (await root.count('queued')) === paths.length);
  await stop();
  renameSync(root.path, `${root.path}-away`);
  cpSync(`${root.path}-away`, root.path, { recursive: true, preserveTimestamps: true });
  // It goes on by a moment each time it is looked at, so that all are seen before the first one has been quiet.
  let nowMs = 0;
  let searches = 0;
  const monotonicMs = (): number => {
    if (new Error().stack?.includes('whereabouts.js') === true) searches += 1;
    return (nowMs += 0.01);
  };
  const quietMs = 600_000;
  const clock = { ...machineClock, monotonicMs };
  const intake = root.intake({ settle: { quietMs, deadlineMs: 2 * quietMs } }, false, { clock });
  await intake.scan(true);
  expect(await root.count('settling')).toBe(paths.length);
  nowMs += quietMs;
  await intake.scan(true);
  await intake.stop();
  const ino = (path: string): string => String(lstatSync(join(root.path, path), { bigint: true }).ino);
  for (const path of paths)
    expect(await root.outbox.runsAtPath('runs', path, 5)).toMatchObject([{ directory: { ino: ino(path) } }]);
  expect((await root.outbox.counts()).states).toEqual({ queued: paths.length });
  expect(searches).toBe(1);
});
