/** What a daemon makes of folders as people leave them: with markers, links, pipes, odd names, and two of everything. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { plan, problemIn, writeFiles } from '../journey/folders.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { isUngiving, linkToAnothers } from '../reading/anothersFile.ts';
import { test as rootTest } from './root.ts';

test.concurrent('a marker is waited for, and then the folder goes at once', async ({ scene }) => {
  scene.configure({}, { marker: 'DONE', quiet: '0s' });
  const daemon = await scene.daemon();
  const folder = scene.drop('plan');
  const view = await scene.state(daemon, 'plan', 'settling');
  expect(view.reason?.text).toBe('waiting for the marker DONE');
  expect(scene.seen).toEqual([]);
  writeFileSync(join(folder, 'DONE'), '');
  await scene.result('plan');
});

test.concurrent(
  'a folder that nobody finishes is overdue, says so in the folder, and is tracked when it is finished',
  async ({ scene }) => {
    scene.configure({}, { deadline: '600ms' });
    const daemon = await scene.daemon();
    const folder = scene.drop('late', { 'input.json': {} });
    const problem = await until('the problem file', () => problemIn(folder));
    expect(problem).toMatchObject({ state: 'overdue', run: null });
    expect(problem.reason.text).toContain('waiting for meta.json');
    expect((await daemon.status()).needs_person).toHaveLength(1);
    writeFiles(folder, plan('late'));
    await scene.result('late');
    await until('the problem file to be taken away', () => problemIn(folder) === null);
    expect((await daemon.status()).needs_person).toEqual([]);
  },
);

test.concurrent(
  'a folder whose files are cleared away when its run is long recorded is no alarm, and is a run again with new ones',
  async ({ scene }) => {
    scene.configure({}, { deadline: '600ms' });
    const daemon = await scene.daemon();
    const folder = scene.drop('plan');
    await scene.result('plan');
    rmSync(join(folder, 'output.json'));
    await daemon.logged(/plan was recorded as run #1, and lacks output.json.* by now: it stays as it is/);
    expect(await daemon.status()).toMatchObject({ needs_person: [], counts: { recorded: 1 } });
    expect(problemIn(folder)).toBeNull();
    writeFiles(folder, plan('another'));
    await until('the new content to be recorded', async () => (await daemon.status()).counts.recorded === 2);
  },
);

test.concurrent('the time since the last change outlives a restart', async ({ scene }) => {
  scene.configure({}, { deadline: '1h' });
  const first = await scene.daemon();
  scene.drop('late', { 'input.json': {} });
  const seen = await scene.state(first, 'late', 'settling');
  await first.stop();
  await until('some time to pass', () => Date.now() - Date.parse(seen.since) > 20_000);
  scene.configure({}, { deadline: '20s' });
  const second = scene.launch();
  const overdue = await second.logged(/late is overdue/);
  const started = await second.logged(/ is running: /);
  expect(Date.parse(String(overdue['time'])) - Date.parse(String(started['time']))).toBeLessThan(15_000);
});

test.concurrent.for<{ name: string; spoil: (folder: string) => void; says: string }>([
  ...(isUngiving
    ? []
    : [
        {
          name: 'a second name of a file that is another user’s alone',
          spoil: (folder: string) => linkToAnothers(`${folder}-secret`, join(folder, 'run.log')),
          says: 'run.log has hard links, belongs to another user than the folder',
        },
      ]),
  {
    name: 'a symbolic link in place of the output',
    spoil: (folder) => {
      rmSync(join(folder, 'output.json'));
      symlinkSync('/etc/hostname', join(folder, 'output.json'));
    },
    says: 'output.json is a symbolic link',
  },
  {
    name: 'a pipe in place of the log',
    spoil: (folder) => void spawnSync('mkfifo', [join(folder, 'run.log')]),
    says: 'run.log is a pipe',
  },
  {
    name: 'two inputs',
    spoil: (folder) => writeFileSync(join(folder, 'input.txt'), 'x'),
    says: 'there are two inputs',
  },
  {
    name: 'a directory of outputs',
    spoil: (folder) => mkdirSync(join(folder, 'output')),
    says: 'there are two outputs, output.json and output/',
  },
  {
    name: 'an output that is a list',
    spoil: (folder) => writeFileSync(join(folder, 'output.json'), '[1]'),
    says: 'must be a JSON object',
  },
  {
    name: 'an output that is nested too deeply',
    spoil: (folder) =>
      writeFileSync(join(folder, 'output.json'), `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
    says: 'output.json',
  },
  {
    name: 'an app that this root may not use',
    spoil: (folder) => writeFiles(folder, { 'meta.json': { status: 'succeeded', app_id: 'other-app' } }),
    says: 'app_id "other-app" is not allowed',
  },
])('$name is rejected, and its neighbour is tracked', async ({ spoil, says }, { scene }) => {
  const folder = scene.drop('spoilt');
  spoil(folder);
  scene.drop('neighbour');
  const daemon = await scene.daemon();
  const view = await scene.state(daemon, 'spoilt', 'rejected');
  expect(view.reason?.text).toContain(says);
  expect(view.hint).not.toBe('');
  const problem = await until('the problem file', () => problemIn(folder));
  expect(problem).toMatchObject({ state: 'rejected', reason: view.reason, hint: view.hint });
  await scene.result('neighbour');
  expect(await scene.platformRuns()).toHaveLength(1);
});

test.concurrent(
  'a snapshot by hard links is nothing to a folder, before it is looked at or while it is uploaded',
  async ({ scene }) => {
    const files = {
      'input/a.csv': '1',
      'input/b.csv': '2',
      'output.json': {},
      'run.log': 'x'.repeat(100_000),
    };
    const folder = scene.drop('linked', { ...files, 'meta.json': { status: 'succeeded' } });
    const snapshot = (name: string): void => {
      expect(spawnSync('cp', ['-al', scene.root, join(scene.dir, name)]).status).toBe(0);
    };
    snapshot('before it is looked at');
    scene.onRequest = () => {
      if (!existsSync(join(scene.dir, 'before it is uploaded'))) snapshot('before it is uploaded');
    };
    const daemon = await scene.daemon();
    const { runtrackd } = await scene.result('linked');
    expect(runtrackd).toMatchObject({ output_verified: true, warnings: [] });
    expect(problemIn(folder)).toBeNull();
    expect((await daemon.status()).needs_person).toEqual([]);
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

rootTest('nor is it once the folder is known: it is read again, and is the same run', async ({ root }) => {
  const folder = root.drop('linked');
  root.start();
  const known = async () => (await root.outbox.folders('runs', ['linked']))[0];
  await until('the run', async () => (await root.count('queued')) === 1);
  const before = await known();
  expect(spawnSync('cp', ['-al', root.path, join(root.dir, 'snapshot')]).status).toBe(0);
  const after = await until('the folder to be read again', async () => {
    const now = await known();
    return now?.state !== 'settling' && now?.signature !== before?.signature && now;
  });
  expect(after).toMatchObject({ state: 'known', run: before?.run });
  expect((await root.outbox.counts()).states).toEqual({ queued: 1 });
  expect(problemIn(folder)).toBeNull();
});

test.concurrent(
  'folders and files are tracked whose names only begin like those of files of our own',
  async ({ scene }) => {
    scene.configure({}, { files: { output: 'nextmv-output-plan.json' } });
    const daemon = await scene.daemon();
    const names = ['nextmv-output', 'nextmv-outputs-2026', 'nextmv-result.json', 'run.runtrackd-tmp'];
    for (const name of names) {
      const { 'output.json': output, ...others } = plan(name);
      scene.drop(name, { ...others, 'nextmv-output-plan.json': output });
    }
    for (const name of names)
      expect((await scene.result(name)).runtrackd['files']).toMatchObject({
        output: 'nextmv-output-plan.json',
      });
    await daemon.stop();
  },
);

test.concurrent('what is ignored, hidden or no folder is left alone', async ({ scene }) => {
  scene.configure({}, { ignore: ['*.tmp', '.*', 'scratch-*'] });
  for (const name of ['.hidden', 'half.tmp', 'scratch-1']) scene.drop(name);
  writeFileSync(join(scene.root, 'README'), 'no folder');
  symlinkSync(scene.root, join(scene.root, 'loop'));
  const daemon = await scene.daemon();
  scene.drop('plan');
  await scene.result('plan');
  expect((await daemon.list()).map(({ folder }) => folder)).toEqual([scene.folder('plan')]);
});

test.concurrent('files may be called what the solver calls them', async ({ scene }) => {
  scene.configure(
    {},
    { files: { input: 'problem.json', output: 'plan.txt', log: 'out.log', meta: 'info.json' } },
  );
  await scene.daemon();
  scene.drop('odd', {
    'problem.json': { a: 1 },
    'plan.txt': 'go',
    'out.log': 'a log',
    'info.json': { status: 'succeeded' },
    'input.json': 'not looked at',
  });
  const result = await scene.result('odd');
  expect(result.runtrackd['files']).toEqual({ input: 'problem.json', output: 'plan.txt', logs: 'out.log' });
});

test.concurrent(
  'an unknown key of meta.json is warned about with the one that may have been meant',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    scene.drop('plan', plan('plan', { durration: 3 }));
    const result = await scene.result('plan');
    const view = await scene.state(daemon, 'plan', 'recorded');
    expect(view.warnings.join()).toContain(
      '"durration" is not known and was left out; did you mean "duration"?',
    );
    expect(result.runtrackd['warnings']).toEqual(view.warnings);
  },
);

test.concurrent('a folder’s name may be anything that a file system takes', async ({ scene }) => {
  await scene.daemon();
  const names = ['with space', 'ümläut', '新しい計画', 'quote"\'', '-rf', '$(id)', '__proto__', 'n\nl'];
  for (const name of names) scene.drop(name);
  for (const name of names) expect((await scene.result(name)).output).toEqual({ solution: { sample: name } });
  expect(await scene.platformRuns()).toHaveLength(names.length);
});

test.concurrent('history that lay there before the first start is tracked', async ({ scene }) => {
  for (const name of ['2024', '2025']) scene.drop(name);
  await scene.daemon();
  await Promise.all([scene.result('2024'), scene.result('2025')]);
  expect(await scene.platformRuns()).toHaveLength(2);
});
