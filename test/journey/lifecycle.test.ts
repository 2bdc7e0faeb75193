/** A daemon starts, is the only one, and ends: with a signal, and leaving nothing behind. */
import { existsSync, lstatSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from './scene.ts';
import { until } from './waiting.ts';

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

test.concurrent.for(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it with 0, and no process or socket is left',
  async (signal, { scene }) => {
    const daemon = await scene.daemon();
    expect(existsSync(join(scene.stateDir, 'control.sock'))).toBe(true);
    daemon.signal(signal);
    expect(await daemon.end()).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(isAlive(daemon.pid)).toBe(false);
    expect(existsSync(join(scene.stateDir, 'control.sock'))).toBe(false);
    expect(daemon.log().at(-1)).toMatchObject({ level: 'info', msg: 'runtrackd has ended' });
  },
);

test.concurrent('a run that is under way when it is told to stop is finished first', async ({ scene }) => {
  const daemon = await scene.daemon();
  let told = false;
  scene.onRequest = ({ kind, phase }) => {
    if (told || kind !== 'create' || phase !== 'received') return;
    told = true;
    daemon.signal('SIGTERM');
  };
  scene.drop('plan');
  expect((await daemon.end()).code).toBe(0);
  const second = await scene.daemon();
  await scene.state(second, 'plan', 'recorded');
  expect(scene.count('create')).toBe(1);
  expect(await scene.platformRuns()).toHaveLength(1);
});

test.concurrent(
  'what hangs is cut off when the deadline has passed, and the run it was about is looked for',
  async ({ scene }) => {
    scene.configure({ shutdown_deadline: '300ms' });
    scene.faults.next({ kind: 'create' }, { kind: 'hang', carriedOut: true });
    const daemon = await scene.daemon();
    scene.drop('plan');
    await until('the request that hangs', () => scene.count('create') === 1);
    expect(await daemon.stop()).toMatchObject({ code: 0 });
    expect(daemon.log().map(({ msg }) => msg)).toContain(
      'shutdown_deadline has passed: what is under way is cut off',
    );
    await scene.daemon();
    const { id } = await scene.result('plan');
    expect((await scene.platformRuns()).map((run) => run.id)).toEqual([id]);
  },
);

test.concurrent('a second signal, a while after the first, ends it at once', async ({ scene }) => {
  scene.configure({ shutdown_deadline: '1h' });
  scene.faults.always({ kind: 'uploadurl' }, { kind: 'hang', carriedOut: false });
  const daemon = await scene.daemon();
  scene.drop('plan');
  await until('the request that hangs', () => scene.count('uploadurl') > 0);
  daemon.signal('SIGINT');
  const first = await daemon.logged(/^SIGINT: finishing/);
  daemon.signal('SIGINT');
  // Two within half a second are one key press, which npm passes on.
  await until('the moment to be over', () => Date.now() - Date.parse(String(first['time'])) >= 700);
  expect(daemon.hasEnded).toBe(false);
  daemon.signal('SIGINT');
  expect(await daemon.end()).toMatchObject({ code: 130 });
});

test.concurrent(
  'a second daemon on the same state directory ends with 75 and names the first one’s pid',
  async ({ scene }) => {
    const first = await scene.daemon();
    const second = await scene.launch().end();
    expect(second.code).toBe(75);
    expect(second.stderr).toContain(String(first.pid));
    expect(first.hasEnded).toBe(false);
    expect(await first.status()).toMatchObject({ running: true, pid: first.pid });
  },
);

test.concurrent('the state directory and the control socket are for the owner alone', async ({ scene }) => {
  const daemon = await scene.daemon();
  scene.drop('plan');
  await scene.result('plan');
  expect(lstatSync(scene.stateDir).mode & 0o777).toBe(0o700);
  expect(lstatSync(join(scene.stateDir, 'control.sock')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(scene.stateDir, 'owner.pid'), 'utf8').trim()).toContain(String(daemon.pid));
});

test.concurrent(
  'the control socket of a daemon that was killed does not keep the next one from starting',
  async ({ scene }) => {
    const first = await scene.daemon();
    await first.kill();
    expect(existsSync(join(scene.stateDir, 'control.sock'))).toBe(true);
    const second = await scene.daemon();
    expect(await second.status()).toMatchObject({ running: true, pid: second.pid });
  },
);

test.concurrent(
  'a drop root that is not there is said in status, and its runs are not taken for gone',
  async ({ scene }) => {
    scene.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 503 });
    const daemon = await scene.daemon();
    scene.drop('plan');
    await scene.state(daemon, 'plan', 'queued');
    renameSync(scene.root, `${scene.root}-away`);
    const status = await until('the trouble to be told', async () => {
      const now = await daemon.status();
      return now.drop_roots[0]?.problem !== null && now;
    });
    expect(status.healthy).toBe(false);
    expect(status.problems.join()).toContain(scene.root);
    expect(status.counts.gone ?? 0).toBe(0);
    renameSync(`${scene.root}-away`, scene.root);
    scene.calm();
    await scene.result('plan');
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);
