/** Solvers with files of their own kinds: directories, globs, lists, and a configuration that changes under them. */
import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { problemIn, resultIn } from './folders.ts';
import { test } from './scene.ts';
import { until } from './waiting.ts';

const meta = { status: 'succeeded', duration: 1 };
const cbc = { input: ['model.mps', '*.prm'], output: 'solution.sol', log: '*.log' };
const solved = {
  'model.mps': 'NAME x',
  'cuts.prm': 'on',
  'solution.sol': 'x 1',
  'cbc.log': 'Optimal',
  'meta.json': meta,
};

test('a folder is tracked as what its drop root says it is, and waits for what it lacks by name', async ({
  scene,
}) => {
  scene.configure({}, { files: cbc });
  const lacking = Object.fromEntries(Object.entries(solved).filter(([name]) => name !== 'cuts.prm'));
  const daemon = await scene.daemon();
  scene.drop('plan', lacking);
  const waiting = await scene.state(daemon, 'plan', 'settling');
  await until('it to say what it waits for', async () => {
    const view = await scene.state(daemon, 'plan', 'settling');
    return view.reason?.text === 'waiting for a file that matches *.prm';
  });
  expect(waiting.run).toBeNull();
  writeFileSync(join(scene.folder('plan'), 'cuts.prm'), 'on');
  expect((await scene.result('plan')).runtrackd).toMatchObject({
    output_verified: true,
    output_file: 'solution.sol',
    files: { input: 'model.mps, *.prm', output: 'solution.sol', logs: 'cbc.log' },
  });
});

test('a directory that is written file by file is tracked once, when it is whole', async ({ scene }) => {
  const daemon = await scene.daemon();
  const folder = scene.drop('plan', { 'input/a.csv': '1', 'meta.json': meta });
  mkdirSync(join(folder, 'output', 'deep'), { recursive: true });
  await scene.state(daemon, 'plan', 'settling');
  writeFileSync(join(folder, 'output.tmp'), '1');
  renameSync(join(folder, 'output.tmp'), join(folder, 'output', 'deep', 'b.csv'));
  expect((await scene.result('plan')).runtrackd).toMatchObject({
    output_verified: true,
    output_file: 'output',
  });
  expect(await scene.platformRuns()).toHaveLength(1);
});

test('another configuration of files sends nothing of history again, touched or not', async ({ scene }) => {
  const first = await scene.daemon();
  scene.drop('quiet', { 'input/a.csv': '1', 'output/b.csv': '2', 'meta.json': meta });
  scene.drop('touched', { 'input/a.csv': '3', 'output/b.csv': '4', 'meta.json': meta });
  await scene.result('quiet');
  await scene.result('touched');
  await first.stop();
  scene.configure({}, { files: { input: ['input/', 'meta*.txt'], output: 'result.json' } });
  utimesSync(join(scene.folder('touched'), 'input', 'a.csv'), new Date(0), new Date(0));
  const daemon = await scene.daemon();
  scene.drop('new', { 'input/a.csv': '1', 'meta-x.txt': '', 'result.json': {}, 'meta.json': meta });
  await scene.result('new');
  await scene.command('scan');
  await until('all to be recorded', async () =>
    (await daemon.list()).every(({ state }) => state === 'recorded'),
  );
  expect(await scene.platformRuns()).toHaveLength(3);
  // New content is read by the new rules.
  writeFileSync(join(scene.folder('touched'), 'result.json'), '{"solution":5}');
  writeFileSync(join(scene.folder('touched'), 'meta-x.txt'), '');
  writeFileSync(join(scene.folder('touched'), 'input', 'a.csv'), '6');
  await until('a second run of it', async () => (await scene.platformRuns()).length === 4);
});

test('a file that is input and output by its name is rejected, with both patterns', async ({ scene }) => {
  scene.configure({}, { files: { input: 'model.*', output: '*.mps' } });
  const daemon = await scene.daemon();
  scene.drop('plan', { 'model.mps': 'x', 'meta.json': meta });
  const { reason } = await scene.state(daemon, 'plan', 'rejected');
  expect(reason?.text).toBe('model.mps is input by model.* and output by *.mps');
  expect(problemIn(scene.folder('plan'))?.hint).not.toBe('');
});

test('a link where a directory is due is rejected, and the neighbour is tracked', async ({ scene }) => {
  const daemon = await scene.daemon();
  const folder = scene.drop('bad', { 'output.json': {}, 'meta.json': meta });
  scene.drop('good', { 'input/a.csv': '1', 'output.json': {}, 'meta.json': meta });
  symlinkSync('/etc', join(folder, 'input'));
  await scene.result('good');
  const { reason } = await scene.state(daemon, 'bad', 'rejected');
  expect(reason?.text).toContain('input is a symbolic link');
  expect(resultIn(folder)).toBeNull();
});
