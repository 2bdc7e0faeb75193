/** Folders of equal content that change names, with a daemon that watches and one that was away: no run more, none less. */
import { renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { expect } from 'vitest';
import { plan, resultIn } from './folders.ts';
import type { Daemon } from './program.ts';
import { test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const rename = (scene: Scene, from: string, to: string): void =>
  renameSync(scene.folder(from), scene.folder(to));

/** Waits until the daemon knows which run lies where, or has made one that should not be. @returns paths by run ids */
async function placesOf(daemon: Daemon, expected: Readonly<Record<string, string>>): Promise<unknown> {
  return await until('each to be seen where it lies', async () => {
    const runs = (await daemon.list()).filter(({ run_id }) => run_id !== null);
    const places = Object.fromEntries(runs.map(({ run_id, folder }) => [String(run_id), basename(folder)]));
    const areSeen = Object.entries(expected).every(([id, path]) => places[id] === path);
    return (areSeen || runs.length > Object.keys(expected).length) && places;
  });
}

test.concurrent(
  'two that change names while the daemon is down are the two runs that they were, and nothing is distrusted',
  async ({ scene }) => {
    const first = await scene.daemon();
    for (const name of ['a', 'b']) scene.drop(name, plan('same'));
    const [a, b] = [await scene.result('a'), await scene.result('b')];
    for (const name of ['a', 'b']) await scene.state(first, name, 'recorded');
    await first.stop();
    rename(scene, 'a', '.aside');
    rename(scene, 'b', 'a');
    rename(scene, '.aside', 'b');
    const daemon = await scene.daemon();
    const places = { [a.id]: 'b', [b.id]: 'a' };
    expect(await placesOf(daemon, places)).toEqual(places);
    expect([resultIn(scene.folder('a'))?.id, resultIn(scene.folder('b'))?.id]).toEqual([b.id, a.id]);
    expect(daemon.stdout).not.toContain('was the outbox lost or rolled back?');
    expect(scene.count('create')).toBe(2);
  },
);

test.concurrent('a job’s folder that is rotated each night is a run each night', async ({ scene }) => {
  const daemon = await scene.daemon();
  const names = ['z', 'y', 'x'];
  const ids: string[] = [];
  for (let night = 1; night <= 5; night += 1) {
    if (night > names.length) rmSync(scene.folder('x'), { recursive: true });
    for (let place = Math.min(night, names.length) - 1; place > 0; place -= 1)
      rename(scene, names[place - 1] ?? '', names[place] ?? '');
    scene.drop('z', plan('same'));
    ids.unshift((await scene.result('z')).id);
    const places = Object.fromEntries(ids.map((id, place) => [id, names[place] ?? 'x']));
    expect(await placesOf(daemon, places)).toEqual(places);
    expect(names.slice(0, night).map((name) => resultIn(scene.folder(name))?.id)).toEqual(ids.slice(0, 3));
  }
  expect(scene.count('create')).toBe(5);
});
