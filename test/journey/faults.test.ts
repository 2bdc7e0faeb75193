/** Networks and servers fail in a handful of ways. None makes a second run, loses one, or is passed over in silence. */
import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { plan, problemIn, resultIn } from './folders.ts';
import { test } from './scene.ts';
import { until } from './waiting.ts';

test.concurrent.for<{ name: string; fault: Misbehaviour }>([
  { name: 'is lost', fault: { kind: 'drop', when: 'after' } },
  { name: 'breaks off half-way', fault: { kind: 'drop', when: 'midway' } },
  { name: 'is 500', fault: { kind: 'answer', status: 500, carriedOut: true } },
  { name: 'is 504 from a proxy', fault: { kind: 'answer', status: 504, body: '<html>', carriedOut: true } },
  { name: 'is 409', fault: { kind: 'answer', status: 409, carriedOut: true } },
  { name: 'is 200 and garbage', fault: { kind: 'answer', status: 200, body: '<html>', carriedOut: true } },
  {
    name: 'is 200 without an id',
    fault: { kind: 'answer', status: 200, body: '{"ok":true}', carriedOut: true },
  },
  { name: 'is a redirect', fault: { kind: 'answer', status: 307, body: '', carriedOut: true } },
])(
  'a run that was stored, and whose answer $name, is found in the list and adopted',
  async ({ fault }, { scene }) => {
    scene.faults.next({ kind: 'create' }, fault);
    const daemon = await scene.daemon();
    scene.drop('plan');
    const { id } = await scene.result('plan');
    const [run, ...others] = await scene.platformRuns();
    expect(others).toEqual([]);
    expect(run?.id).toBe(id);
    expect(scene.count('create')).toBe(1);
    await scene.state(daemon, 'plan', 'recorded');
    expect((await daemon.show(scene.folder('plan'))).history.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['intended', 'unknown', 'tracked', 'recorded']),
    );
  },
);

test.concurrent(
  'a list that alone is answered with an error is said as long as it lasts, and other runs go on',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    scene.drop('first');
    await scene.state(daemon, 'first', 'recorded');
    scene.faults.always({ kind: 'list' }, { kind: 'answer', status: 500 });
    scene.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    scene.drop('plan');
    const problems = async (): Promise<readonly string[]> => (await daemon.status()).problems;
    await until('that to be said', async () =>
      (await problems()).some((text) => /^the list of app "hare-app" cannot be read.*500/.test(text)),
    );
    scene.drop('next');
    await scene.state(daemon, 'next', 'recorded');
    expect((await daemon.show(scene.folder('plan'))).state).toBe('unknown');
    scene.calm();
    await scene.state(daemon, 'plan', 'recorded');
    expect(await problems()).toEqual([]);
    expect(await scene.platformRuns()).toHaveLength(3);
  },
);

test.concurrent.for<{ name: string; fault: Misbehaviour }>([
  { name: 'a connection that is cut before anything is stored', fault: { kind: 'drop', when: 'before' } },
  { name: 'a 500 that stored nothing', fault: { kind: 'answer', status: 500 } },
])('$name leaves the run unknown, in sight, and not sent again', async ({ fault }, { scene }) => {
  scene.faults.next({ kind: 'create' }, fault);
  const daemon = await scene.daemon();
  scene.drop('plan');
  await until(
    'the list to be asked in vain',
    async () =>
      (await daemon.list())[0]?.state === 'unknown' &&
      (await daemon.show(scene.folder('plan'))).history.some(({ note }) =>
        note.includes('not in the platform'),
      ),
  );
  expect(await scene.platformRuns()).toEqual([]);
  expect(scene.count('create')).toBe(1);
  const [status, list] = [
    await scene.command('status'),
    await scene.command('list', '--state', 'unknown', '--json'),
  ];
  expect(status.stdout).toContain('1 unknown');
  expect(status.stdout).toContain('unknown since');
  expect(JSON.parse(list.stdout)).toMatchObject({
    state: 'unknown',
    folder: scene.folder('plan'),
    run_id: null,
  });
  // Looked for again soon, because lists lag; it is sent again only when the absence is certain, 20 minutes on.
  const { due_at: dueAt } = (await daemon.list())[0] ?? {};
  expect(Date.parse(dueAt ?? '') - Date.now()).toBeLessThan(60_000);
});

test.concurrent(
  'a run that the list shows only some seconds later is adopted then, not at the end of absent_after',
  async ({ scene }) => {
    scene.faults.listLagMs = 3_000;
    scene.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    await scene.daemon();
    scene.drop('plan');
    const { id } = await scene.result('plan');
    expect((await scene.platformRuns()).map((run) => run.id)).toEqual([id]);
  },
);

test.concurrent.for(['uploadurl', 'create', 'run'] as const)(
  '429 on "%s" is obeyed: it is not asked again before Retry-After has passed',
  async (kind, { scene }) => {
    scene.faults.next({ kind }, { kind: 'answer', status: 429, retryAfter: '2' });
    let refusedAtMs = 0;
    let triedAgainAtMs = 0;
    scene.onRequest = (seen) => {
      if (seen.phase !== 'received' || seen.kind !== kind || triedAgainAtMs !== 0) return;
      if (refusedAtMs !== 0) triedAgainAtMs = performance.now();
      else refusedAtMs = performance.now();
    };
    await scene.daemon();
    scene.drop('plan', { 'input.json': {}, 'meta.json': { status: 'failed' } });
    await scene.result('plan');
    expect(triedAgainAtMs - refusedAtMs).toBeGreaterThanOrEqual(1_950);
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent('a run that is refused once goes in the plainest form the second time', async ({ scene }) => {
  scene.faults.refuseNonAsciiError = true;
  scene.faults.next({ kind: 'create' }, { kind: 'answer', status: 400 });
  await scene.daemon();
  scene.drop('plan', {
    ...plan('plan'),
    'meta.json': { status: 'failed', error: 'Lösung fehlt', name: 'Wöchentlich', description: 'ein Text' },
  });
  const { name, description, metadata } = await scene.result('plan');
  expect(name).toMatch(/^[\x20-\x7e]+$/);
  expect(description).toMatch(/^\[rt1:/);
  expect(metadata['error']).toBe('the run failed; see its logs');
  expect(await scene.platformRuns()).toHaveLength(1);
  expect(scene.count('create')).toBe(2);
});

test.concurrent(
  'a run that is refused twice is parked with the platform’s reason, in its folder too',
  async ({ scene }) => {
    scene.faults.always(
      { kind: 'create' },
      { kind: 'answer', status: 422, body: 'this app takes no such runs' },
    );
    const daemon = await scene.daemon();
    const folder = scene.drop('plan');
    const problem = await until('the problem file', () => problemIn(folder));
    expect(problem).toMatchObject({ state: 'parked', run: 1, reason: { class: 'refused' } });
    expect(problem.reason.text).toContain('this app takes no such runs');
    expect(scene.count('create')).toBe(2);
    expect((await scene.command('status')).code).toBe(3);

    scene.calm();
    const retried = await scene.command('retry', folder);
    expect(retried.code).toBe(0);
    await scene.result('plan');
    await scene.state(daemon, 'plan', 'recorded');
    expect(problemIn(folder)).toBeNull();
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent(
  'a refused key pauses everything at no run’s expense, and a new key in the file ends it',
  async ({ scene }) => {
    writeFileSync(scene.keyFile, 'a-wrong-key');
    const daemon = await scene.daemon();
    const names = ['one', 'two', 'three'];
    for (const name of names) scene.drop(name);
    const status = await until('the daemon to be unwell', async () => {
      const now = await daemon.status();
      return now.platform.state === 'paused' && (now.counts.queued ?? 0) === names.length && now;
    });
    expect(status.healthy).toBe(false);
    expect(status.problems.join()).toContain('does not accept the API key');
    expect(status.needs_person).toEqual([]);
    await until('the key to be tried again', () => scene.count('application') >= 2);
    expect((await daemon.status()).counts).toEqual({ queued: names.length });

    writeFileSync(scene.keyFile, scene.apiKey);
    for (const name of names) await scene.result(name);
    // The result is in its folder a moment before the outbox says so.
    await until('all to be recorded', async () => (await daemon.status()).counts.recorded === names.length);
    expect(await daemon.status()).toMatchObject({ healthy: true, platform: { state: 'ok' } });
    expect(await scene.platformRuns()).toHaveLength(names.length);
  },
);

test.concurrent('a key that may not use one app pauses that app alone', async ({ scene }) => {
  scene.configure({}, { allow_app_id: ['other-app'] });
  scene.faults.always({ app: 'other-app' }, { kind: 'answer', status: 403 });
  const daemon = await scene.daemon();
  scene.drop('refused', plan('refused', { app_id: 'other-app' }));
  await until('the app to be paused', async () => (await daemon.status()).platform.apps.length > 0);
  scene.drop('fine');
  await scene.result('fine');
  const status = await daemon.status();
  expect(status.platform).toMatchObject({ state: 'ok', apps: [{ app: 'other-app', state: 'paused' }] });
  expect(status.healthy).toBe(false);
  expect(status.needs_person).toEqual([]);
  scene.calm();
  await scene.result('refused');
  expect((await daemon.status()).healthy).toBe(true);
});

test.concurrent.for<{ name: string; kind: 'uploadurl' | 'put' | 'run'; fault: Misbehaviour }>([
  { name: '503 on an upload URL', kind: 'uploadurl', fault: { kind: 'answer', status: 503 } },
  { name: '503 from storage', kind: 'put', fault: { kind: 'answer', status: 503 } },
  { name: 'a dropped upload', kind: 'put', fault: { kind: 'drop', when: 'before' } },
  { name: '502 on the result', kind: 'run', fault: { kind: 'answer', status: 502, body: '<html>' } },
  { name: 'a result that is cut in half', kind: 'run', fault: { kind: 'drop', when: 'midway' } },
])('$name is weathered, and the run is made once', async ({ kind, fault }, { scene }) => {
  scene.faults.next({ kind }, fault, 2);
  const daemon = await scene.daemon();
  scene.drop('plan');
  const { id } = await scene.result('plan');
  expect((await scene.platformRuns()).map((run) => run.id)).toEqual([id]);
  expect(scene.count('create')).toBe(1);
  expect(scene.faults.pending).toBe(0);
  await scene.state(daemon, 'plan', 'recorded');
});

test.concurrent(
  'storage in trouble is said, is no fault of the API, and heals by itself',
  async ({ scene }) => {
    scene.faults.always({ kind: 'put' }, { kind: 'answer', status: 503 });
    const daemon = await scene.daemon();
    scene.drop('plan');
    await until('uploads to pause', async () => (await daemon.status()).platform.storage.state === 'paused');
    const status = await daemon.status();
    expect(status.platform).toMatchObject({
      state: 'ok',
      storage: { reason: expect.stringContaining('storage answered 503') as string },
    });
    expect(status.healthy).toBe(false);
    expect((await scene.command('status')).stdout).toContain(
      'uploads pause: the platform’s storage answered 503',
    );
    expect(status.needs_person).toEqual([]);
    scene.calm();
    await scene.result('plan');
    await until('it to be healthy', async () => (await daemon.status()).healthy);
  },
);

test.concurrent('an output that comes back different is recorded, shown and counted', async ({ scene }) => {
  scene.faults.outputAltered = true;
  const daemon = await scene.daemon();
  scene.drop('plan');
  expect((await scene.result('plan')).runtrackd).toMatchObject({ output_verified: false });
  const { warnings } = await scene.state(daemon, 'plan', 'recorded');
  expect(warnings).toEqual(['the output came back different from what was sent']);
  expect((await daemon.status()).outputs_differ).toBe(1);
  expect((await scene.command('status')).stdout).toContain('1 output(s) came back different');
});

test.concurrent('a result that is not final yet is asked for until it is', async ({ scene }) => {
  scene.faults.finalAfterMs = 2_000;
  const daemon = await scene.daemon();
  scene.drop('plan');
  await scene.state(daemon, 'plan', 'tracked');
  expect(resultIn(scene.folder('plan'))).toBeNull();
  expect((await scene.result('plan')).metadata['status_v2']).toBe('succeeded');
  expect(scene.count('run')).toBeGreaterThan(1);
});

test.concurrent(
  'an input that changes after it was found complete is not sent as it was',
  async ({ scene }) => {
    scene.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 503 });
    const daemon = await scene.daemon();
    const folder = scene.drop('plan', plan('old'));
    await scene.state(daemon, 'plan', 'queued');
    writeFileSync(`${folder}/output.json`, JSON.stringify({ solution: { sample: 'new' } }));
    await until('the old content to make way', async () =>
      (await daemon.list()).some(({ state, run }) => state === 'superseded' && run === 1),
    );
    scene.calm();
    expect((await scene.result('plan')).output).toEqual({ solution: { sample: 'new' } });
    expect(await scene.platformRuns()).toHaveLength(1);
    expect(scene.count('create')).toBe(1);
  },
);
