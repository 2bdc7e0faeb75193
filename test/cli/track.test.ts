/** `track`: one folder, now, through the same outbox; with a daemon and without one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { plan, problemIn } from '../journey/folders.ts';
import { app, test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { folderOutside, json, runKeys } from './gallery.ts';

describe.each([
  { name: 'with a daemon', hasDaemon: true },
  { name: 'without a daemon', hasDaemon: false },
])('$name', ({ hasDaemon }) => {
  // A quiet time that no test lives through: track needs none.
  const rules = { quiet: '1h', marker: 'DONE' };

  test.concurrent('track prints the run’s id, and with --wait the recorded result', async ({ scene }) => {
    scene.configure({}, rules);
    if (hasDaemon) await scene.daemon();
    const folder = scene.drop('plan');
    const finished = await scene.command('track', folder, '--wait');
    expect(finished.code).toBe(0);
    const result = json(finished);
    expect(result).toMatchObject({
      output: { solution: { sample: 'plan' } },
      runtrackd: { first_path: 'plan' },
    });
    const again = await scene.command('track', folder);
    expect(again).toMatchObject({ code: 0, stdout: `${String(result['id'])}\n` });
    const asJson = json(await scene.command('track', folder, '--json'));
    expect(Object.keys(asJson).sort()).toEqual(runKeys);
    expect(asJson).toMatchObject({ run: 1, run_id: result['id'], drop_root: 'runs' });
    expect(await scene.platformRuns()).toHaveLength(1);
  });

  test.concurrent(
    '--wait finds the result in the directory that mirrors the drop root',
    async ({ scene }) => {
      mkdirSync(join(scene.dir, 'results'));
      scene.configure({}, { ...rules, result: './results' });
      if (hasDaemon) await scene.daemon();
      const finished = await scene.command('track', scene.drop('plan'), '--wait');
      expect(finished).toMatchObject({ code: 0, stderr: '' });
      expect(json(finished)).toMatchObject({ runtrackd: { first_path: 'plan' } });
    },
  );

  test.concurrent(
    'track outside of all roots needs an app, and takes instance and name',
    async ({ scene }) => {
      if (hasDaemon) await scene.daemon();
      const folder = folderOutside(scene, 'plan');
      const without = await scene.command('track', folder);
      expect(without).toMatchObject({ code: 1, stdout: '' });
      expect(without.stderr).toContain('--app');
      const finished = await scene.command(
        'track',
        folder,
        '--app',
        app,
        '--instance',
        'prod',
        '--name',
        'by hand',
        '--wait',
      );
      expect(finished.code).toBe(0);
      expect(json(finished)).toMatchObject({
        name: 'by hand',
        metadata: { application_instance_id: 'prod' },
      });
      const shown = json(await scene.command('show', folder, '--json'));
      expect(shown).toMatchObject({ folder, state: 'recorded', instance: 'prod' });
    },
  );

  test.concurrent(
    '--again makes a second run of the same content, and other options contradict the first',
    async ({ scene }) => {
      scene.configure({}, rules);
      if (hasDaemon) await scene.daemon();
      const folder = scene.drop('plan');
      const first = (await scene.command('track', folder)).stdout;
      const other = await scene.command('track', folder, '--name', 'another');
      expect(other).toMatchObject({ code: 1, stdout: '' });
      expect(other.stderr).toContain('run #1');
      expect(other.stderr).toContain('--again');
      const second = await scene.command('track', folder, '--again');
      expect(second.code).toBe(0);
      expect(second.stdout).not.toBe(first);
      const runs = await scene.platformRuns();
      expect(new Set(runs.map(({ fingerprint }) => fingerprint)).size).toBe(2);
      expect(runs).toHaveLength(2);
    },
  );

  test.concurrent(
    'what cannot be tracked is exit code 1 with the reason, and sends nothing',
    async ({ scene }) => {
      scene.configure({}, rules);
      if (hasDaemon) await scene.daemon();
      const refusals = [
        { folder: scene.drop('open', { 'input.json': {} }), says: 'waiting for meta.json' },
        {
          folder: scene.drop('no-output', { 'input.json': {}, 'meta.json': { status: 'succeeded' } }),
          says: 'output.json',
        },
        { folder: scene.drop('half', { ...plan('half'), 'output.json': '{"a":' }), says: 'does not parse' },
        { folder: scene.drop('bad', { ...plan('bad'), 'meta.json': { status: 'x' } }), says: 'status' },
        { folder: scene.folder('nothing'), says: 'ENOENT' },
        { folder: join(scene.folder('open'), 'input.json'), says: 'is no directory' },
      ];
      // One road leads to all of them: without a daemon two tell as much as six.
      const tried = hasDaemon ? refusals : refusals.slice(0, 2);
      const finished = await Promise.all(tried.map(({ folder }) => scene.command('track', folder)));
      for (const [index, { says }] of tried.entries()) {
        expect(finished[index]).toMatchObject({ code: 1, stdout: '' });
        expect(finished[index]?.stderr).toContain(says);
      }
      const elsewhere = await scene.command('track', scene.drop('plan'), '--app', 'other-app');
      expect(elsewhere.code).toBe(1);
      expect(elsewhere.stderr).toContain('not to "other-app"');
      expect(scene.count('uploadurl')).toBe(0);
    },
  );

  test.concurrent(
    'a run that the platform refuses needs a person: exit code 3 with --wait',
    async ({ scene }) => {
      scene.configure({}, rules);
      scene.faults.always({ kind: 'create' }, { kind: 'answer', status: 422, body: 'no thanks' });
      if (hasDaemon) await scene.daemon();
      const folder = scene.drop('plan');
      const finished = await scene.command('track', folder, '--wait');
      expect(finished).toMatchObject({ code: 3, stdout: '' });
      expect(finished.stderr).toContain('no thanks');
      const problem = await until('the problem file', () => problemIn(folder));
      expect(problem).toMatchObject({ state: 'parked', run: 1 });
      expect((await scene.command('track', folder)).code).toBe(1);
    },
  );

  test.concurrent(
    'a platform that is away is exit code 69, and the run is kept for later',
    async ({ scene }) => {
      scene.configure({}, rules);
      scene.faults.always({}, { kind: 'drop', when: 'before' });
      if (hasDaemon) await scene.daemon();
      const folder = scene.drop('plan');
      const finished = await scene.command('track', folder);
      expect(finished).toMatchObject({ code: 69, stdout: '' });
      expect(finished.stderr).toContain('#1');
      scene.calm();
      if (!hasDaemon) await scene.daemon();
      await scene.result('plan');
      expect(await scene.platformRuns()).toHaveLength(1);
    },
  );
});

test.concurrent(
  'a platform that goes away once the run is made is exit code 69: the result is not there yet',
  async ({ scene }) => {
    scene.faults.always({ kind: 'run' }, { kind: 'answer', status: 503 });
    const finished = await scene.command('track', scene.drop('plan'), '--wait');
    const [made] = await scene.platformRuns();
    expect(finished).toMatchObject({ code: 69, stdout: '' });
    expect(finished.stderr).toContain(`run #1, as ${made?.id ?? 'nothing'} on the platform`);
    scene.calm();
    await scene.daemon();
    await scene.result('plan');
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent('track with the embedded stand-in brings its own platform along', async ({ scene }) => {
  scene.configure({ platform: { kind: 'stand-in' } });
  const folder = scene.drop('plan');
  const finished = await scene.command('track', folder, '--wait');
  expect(finished.code).toBe(0);
  expect(json(finished)).toMatchObject({ output: { solution: { sample: 'plan' } } });
  const daemon = await scene.daemon();
  expect(await scene.state(daemon, 'plan', 'recorded')).toMatchObject({
    run: 1,
    run_id: json(finished)['id'],
  });
});

test.concurrent('track of a subfolder or of the root itself is refused', async ({ scene }) => {
  const folder = scene.drop('plan');
  mkdirSync(join(folder, 'inner'));
  const below = await scene.command('track', join(folder, 'inner'));
  expect(below.code).toBe(1);
  expect(below.stderr).toContain('one level below');
  expect((await scene.command('track', scene.root)).code).toBe(1);
});

test('a folder that was tracked by itself is its drop root’s once there is one, and its path means that run', async ({
  scene,
}) => {
  mkdirSync(join(scene.dir, 'elsewhere'));
  scene.configure({}, { path: './elsewhere' });
  const folder = scene.drop('plan');
  expect((await scene.command('track', folder, '--app', app, '--wait')).code).toBe(0);
  const before = json(await scene.command('show', folder, '--json'));
  scene.configure();
  expect((await scene.command('run', '--once')).code).toBe(0);
  const now = await scene.command('show', folder, '--json');
  expect(now).toMatchObject({ code: 0, stderr: '' });
  expect(json(now)).toMatchObject({ folder, drop_root: 'runs' });
  const byNumber = json(await scene.command('show', `#${String(before['run'])}`, '--json'));
  expect(byNumber).toMatchObject({ folder, drop_root: '@outside', run_id: before['run_id'] });
});
