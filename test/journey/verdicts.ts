/** What the tests of trouble wait for and hold against the platform: unwell, well again, and one run for each folder. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultFileName } from '../../src/core/ownFiles.ts';
import { problemIn, resultIn } from './folders.ts';
import type { Daemon } from './program.ts';
import { app, type Scene } from './scene.ts';
import { until } from './waiting.ts';

/** Waits until the daemon says itself that it is not well, for that reason. */
export async function unwell(daemon: Daemon, why: RegExp): Promise<void> {
  await until(`the daemon to be unwell: ${String(why)}`, async () => {
    const { healthy, problems } = await daemon.status();
    return !healthy && problems.some((problem) => why.test(problem));
  });
}

export async function well(daemon: Daemon): Promise<void> {
  await until('the daemon to be well again', async () => (await daemon.status()).healthy);
}

export async function recorded(scene: Scene, daemon: Daemon, ...names: string[]): Promise<void> {
  for (const name of names) scene.drop(name);
  for (const name of names) await scene.state(daemon, name, 'recorded');
}

export async function expectOneRunEach(scene: Scene, ...folders: string[]): Promise<void> {
  const runs = await scene.platformRuns(app);
  expect(runs.map(({ name }) => name).sort()).toEqual([...folders].sort());
  expect(scene.count('create')).toBe(folders.length);
}

/** The result of the folder's run lies whole in the state directory, and says itself why. */
export async function expectKeptAside(
  scene: Scene,
  daemon: Daemon,
  name: string,
  code: string,
): Promise<void> {
  const { run, warnings } = await daemon.show(scene.folder(name));
  const aside = join(scene.stateDir, 'results', `run-${String(run)}`);
  const why = `the folder cannot be written (${code})`;
  expect(warnings).toEqual([`${why}, so the result was kept in ${join(aside, resultFileName)}`]);
  const [listed] = (await scene.platformRuns()).filter((made) => made.name === name);
  expect(resultIn(aside)).toMatchObject({ id: listed?.id, runtrackd: { warnings: [why] } });
  expect(problemIn(scene.folder(name))).toBeNull();
}
