/** Solvers whose scripts write no meta.json: what the daemon makes of their folders, and what it waits for. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { problemIn } from './folders.ts';
import { test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const optional = { meta: 'optional', quiet: '300ms' };
const story = async (scene: Scene, name: string) =>
  JSON.parse((await scene.command('show', scene.folder(name), '--json')).stdout) as {
    readonly state: string;
    readonly inferred: readonly string[];
    readonly reason: { readonly text: string } | null;
  };

test('an output makes a succeeded run, with the time between the files as its duration, and `show` says why', async ({
  scene,
}) => {
  scene.configure({}, optional);
  const daemon = await scene.daemon();
  const folder = scene.drop('plan', { 'input.json': { a: 1 }, 'output.json': { b: 2 }, 'run.log': 'fine\n' });
  utimesSync(join(folder, 'input.json'), 1_700_000_000, 1_700_000_000);
  utimesSync(join(folder, 'output.json'), 1_700_000_000, 1_700_000_090.5);
  const result = await scene.result('plan');
  expect(result.metadata).toMatchObject({ status_v2: 'succeeded', duration: 90_500 });
  await scene.state(daemon, 'plan', 'recorded');
  expect((await story(scene, 'plan')).inferred).toEqual([
    'status succeeded: output.json is there',
    'duration 90.5 s: from the last change of the input to that of output.json',
  ]);
  expect((await scene.command('show', folder)).stdout).toContain(
    'inferred     status succeeded: output.json is there',
  );
});

test('without an output it is a failed run when the log ends in an error, and waits when it does not', async ({
  scene,
}) => {
  scene.configure({}, { ...optional, deadline: '1s' });
  const daemon = await scene.daemon();
  scene.drop('failed', { 'input.json': {}, 'run.log': 'start\nERROR: no licence\n' });
  const folder = scene.drop('running', { 'input.json': {}, 'run.log': 'start\niteration 1\n' });
  const result = await scene.result('failed');
  expect(result.metadata).toMatchObject({ status_v2: 'failed', error: 'ERROR: no licence' });
  await scene.state(daemon, 'running', 'overdue');
  const waits = 'waiting for output.json or output.txt or output/, unless run.log ends in an error';
  expect((await story(scene, 'running')).reason?.text).toBe(waits);
  expect((await until('the problem', () => problemIn(folder))).reason.text).toBe(waits);
  writeFileSync(join(folder, 'output.json'), '{}');
  expect((await scene.result('running')).metadata).toMatchObject({ status_v2: 'succeeded' });
  expect(problemIn(folder)).toBeNull();
});

test('what a meta.json says counts, and only the rest is inferred', async ({ scene }) => {
  scene.configure({}, optional);
  const daemon = await scene.daemon();
  scene.drop('named', { 'input.json': {}, 'output.json': {}, 'meta.json': { name: 'nightly', duration: 7 } });
  const result = await scene.result('named');
  expect(result).toMatchObject({ name: 'nightly', metadata: { status_v2: 'succeeded', duration: 7_000 } });
  await scene.state(daemon, 'named', 'recorded');
  expect((await story(scene, 'named')).inferred).toEqual(['status succeeded: output.json is there']);
});

test('an inferred status is no content: a meta.json that says the same comes later and sends nothing again', async ({
  scene,
}) => {
  scene.configure({}, optional);
  const daemon = await scene.daemon();
  const folder = scene.drop('plan', { 'input.json': {}, 'output.json': {} });
  await scene.state(daemon, 'plan', 'recorded');
  writeFileSync(join(folder, 'meta.json'), JSON.stringify({ name: 'late' }));
  const isSettled = async (): Promise<boolean> => {
    const scanned = await scene.command('scan');
    // While it is quiet for a while the folder stands beside its run.
    return scanned.code === 0 && (await daemon.list()).length === 1;
  };
  await until('the change to be seen', isSettled);
  writeFileSync(join(folder, 'run.log'), 'late too\n');
  await until('the log to be seen', isSettled);
  expect(await scene.platformRuns()).toHaveLength(1);
  expect(await daemon.list()).toMatchObject([{ state: 'recorded' }]);
});
