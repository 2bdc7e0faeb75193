/** `run --once`: deliver what is there, and end with an exit code that a script can go by. */
import { spawn } from 'node:child_process';
import { once as ended } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunStory, RunView } from '../../src/http/operations.ts';
import { lockedFromOutside } from '../journey/locker.ts';
import { dropFolder, plan, resultIn, writeFiles } from '../journey/folders.ts';
import { programFile } from '../journey/program.ts';
import { test, type Scene } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

const once = (scene: Scene, ...args: string[]) => scene.launch({ args: ['--once', ...args] }).end();

test.concurrent('with nothing to do it ends at once with 0', async ({ scene }) => {
  const finished = await once(scene);
  expect(finished.code).toBe(0);
  expect(finished.stderr).toBe('0 recorded.\n');
});

test.concurrent('what is complete is recorded when it has ended', async ({ scene }) => {
  for (const name of ['a', 'b', 'c']) scene.drop(name);
  const finished = await once(scene);
  expect(finished).toMatchObject({ code: 0, stderr: '3 recorded.\n' });
  for (const name of ['a', 'b', 'c']) expect(resultIn(scene.folder(name))).not.toBeNull();
  expect((await once(scene)).stderr).toBe('0 recorded.\n');
  expect(await scene.platformRuns()).toHaveLength(3);
});

test.concurrent('a folder that becomes complete while it waits is delivered too', async ({ scene }) => {
  scene.drop('slow', { 'input.json': {} });
  const program = scene.launch({ args: ['--once'] });
  await program.logged(/slow appeared: waiting for meta.json/);
  writeFiles(scene.folder('slow'), plan('slow'));
  expect(await program.end()).toMatchObject({ code: 0, stderr: '1 recorded.\n' });
});

test.concurrent('something that needs a person is exit code 3', async ({ scene }) => {
  scene.drop('good');
  scene.drop('bad', { ...plan('bad'), 'meta.json': { status: 'x' } });
  const finished = await once(scene);
  expect(finished.code).toBe(3);
  expect(finished.stderr).toBe('1 recorded, 1 need a person: see `runtrackd status`.\n');
});

test.concurrent('a platform that stays away for --wait-max is exit code 69', async ({ scene }) => {
  scene.faults.always({}, { kind: 'answer', status: 503 });
  scene.drop('plan');
  const finished = await once(scene, '--wait-max', '10s');
  expect(finished.code).toBe(69);
  expect(finished.stderr).toMatch(/0 recorded, 1 not delivered \(the platform is in trouble \(503/);
  scene.calm();
  expect((await once(scene)).code).toBe(0);
  expect(await scene.platformRuns()).toHaveLength(1);
});

test.concurrent(
  'a folder that nobody finishes is waited for no longer than --wait-max',
  async ({ scene }) => {
    scene.drop('open', { 'input.json': {} });
    const finished = await once(scene, '--wait-max', '1s');
    expect(finished).toMatchObject({ code: 0, stderr: '0 recorded, 1 still being written.\n' });
  },
);

test.concurrent('an outbox that stays locked for --wait-max is exit code 74', async ({ scene }) => {
  scene.drop('open', { 'input.json': {} });
  const program = scene.launch({ args: ['--once', '--wait-max', '3s'] });
  await program.logged(/open appeared/);
  await lockedFromOutside(scene);
  const finished = await program.end();
  expect(finished.code).toBe(74);
  expect(finished.stderr).toContain('another program has locked the outbox');
});

test.concurrent('a signal ends the wait with 0', async ({ scene }) => {
  scene.drop('open', { 'input.json': {} });
  const program = scene.launch({ args: ['--once', '--wait-max', '1h'] });
  await program.logged(/open appeared/);
  expect(await program.stop()).toMatchObject({ code: 0 });
});

test.concurrent('while it runs, commands reach it like a daemon', async ({ scene }) => {
  scene.drop('open', { 'input.json': {} });
  const program = scene.launch({ args: ['--once', '--wait-max', '1h'] });
  await program.logged(/open appeared/);
  const status = await until('an answer', async () => {
    const finished = await scene.command('status', '--json');
    return finished.code === 0 && finished;
  });
  expect(JSON.parse(status.stdout)).toMatchObject({ running: true, pid: program.pid });
});

test.concurrent(
  'folders of a drop root that was taken out are not waited for, and a person can skip them',
  async ({ scene }) => {
    const other = join(scene.dir, 'b');
    mkdirSync(other);
    scene.configure({ drop_roots: [scene.dropRoot(), scene.dropRoot({ path: './b' })] });
    dropFolder(other, 'half', { 'input.json': {} });
    dropFolder(other, 'bad', { ...plan('bad'), 'meta.json': { status: 'x' } });
    const before = await once(scene, '--wait-max', '1s');
    expect(before.stderr).toContain('0 recorded, 1 still being written, 1 need a person');
    scene.configure();
    // It would wait for an hour.
    expect(await once(scene, '--wait-max', '1h')).toMatchObject({ code: 0, stderr: '0 recorded.\n' });

    expect((await scene.command('skip', 'b/half')).stdout).toContain('1 is skipped');
    expect((await scene.command('skip', '--root', 'b')).stdout).toContain('1 is skipped');
    const listed = await scene.command('list', '--root', 'b', '--json');
    const states = listed.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as RunView).state);
    expect(states).toEqual(['skipped', 'skipped']);
    expect((await scene.command('skip', '--root', 'c')).stderr).toContain('there is no drop root "c"');
  },
);

test.concurrent(
  'runs that another platform has are not waited for: they need a person',
  async ({ scene }) => {
    scene.faults.always({ kind: 'run' }, { kind: 'answer', status: 503 });
    scene.drop('plan');
    expect((await once(scene, '--wait-max', '1s')).code).toBe(69);
    scene.calm();
    const endpoint = scene.standIn.endpoint.replace('127.0.0.1', 'localhost');
    scene.configure({ platform: scene.nextmv({ endpoint }) });
    const finished = await once(scene, '--wait-max', '1h');
    expect(finished.stderr).toBe('1 recorded, 1 need a person: see `runtrackd status`.\n');
    expect(finished.code).toBe(3);
  },
);

test.concurrent(
  'a run that no platform has yet is sent to the one that is configured now',
  async ({ scene }) => {
    scene.faults.always({}, { kind: 'answer', status: 503 });
    scene.drop('plan');
    expect((await once(scene, '--wait-max', '1s')).code).toBe(69);
    scene.calm();
    const endpoint = scene.standIn.endpoint.replace('127.0.0.1', 'localhost');
    scene.configure({ platform: scene.nextmv({ endpoint }) });
    expect(await once(scene, '--wait-max', '1h')).toMatchObject({ code: 0, stderr: '1 recorded.\n' });
  },
);

test.concurrent('each time it lets go of stories that are older than history.keep', async ({ scene }) => {
  scene.configure({ history: { keep: '1s' } });
  scene.drop('plan');
  expect((await once(scene)).stderr).toBe('1 recorded.\n');
  await until('its story to be let go', async () => {
    expect((await once(scene)).code).toBe(0);
    const shown = await scene.command('show', 'plan', '--json');
    return (JSON.parse(shown.stdout) as RunStory).thinned;
  });
});

test.concurrent('nobody has to read what it says at the end', async ({ scene }) => {
  scene.drop('plan');
  const child = spawn(process.execPath, [programFile, 'run', '--once', '-c', scene.configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // As `2>&1 | head -1` does when it has read its line.
  child.stdout.destroy();
  child.stderr.destroy();
  expect(await ended(child, 'close')).toEqual([0, null]);
  expect(resultIn(scene.folder('plan'))).not.toBeNull();
});
