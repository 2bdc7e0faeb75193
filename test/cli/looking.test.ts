/** `status`, `list` and `show`: with a daemon, and without one. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { figuresOf, type RunFacts } from '../../src/core/runFacts.ts';
import { dropFolder, plan } from '../journey/folders.ts';
import { app, test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { json, jsonLines, openGallery, runKeys } from './gallery.ts';

test.concurrent('status is one screen, and exit code 3 while something needs a person', async ({ scene }) => {
  const { daemon, parked, rejected } = await openGallery(scene);
  const finished = await scene.command('status');
  expect(finished.code).toBe(3);
  expect(finished.stdout).toContain(`is running on test-host (pid ${daemon.pid})`);
  expect(finished.stdout).toContain('1 settling, 1 rejected, 2 recorded, 1 parked');
  expect(finished.stdout).toContain(parked);
  expect(finished.stdout).toContain(rejected);
  const status = json(await scene.command('status', '--json'));
  expect(Object.keys(status).sort()).toEqual(
    [
      'running',
      'pid',
      'version',
      'host',
      'healthy',
      'problems',
      'problem_reasons',
      'counts',
      'oldest_waiting',
      'needs_person',
      'platform',
      'loops',
      'outputs_differ',
      'results',
      'http',
      'waiting_since',
      'configuration',
      'history',
      'drop_roots',
    ].sort(),
  );
  expect(status).toMatchObject({
    running: true,
    pid: daemon.pid,
    host: 'test-host',
    healthy: true,
    problems: [],
    counts: { settling: 1, rejected: 1, recorded: 2, parked: 1 },
    oldest_waiting: null,
    platform: { kind: 'nextmv', endpoint: scene.standIn.endpoint, state: 'ok', reason: null, apps: [] },
    drop_roots: [
      { name: 'runs', path: scene.root, hints: 'chokidar', settling: 0, overdue: 0 },
      { name: 'more', app, settling: 1, overdue: 0 },
    ],
  });
  expect((status['needs_person'] as { folder: string }[]).map(({ folder }) => folder).sort()).toEqual(
    [parked, rejected].sort(),
  );
  for (const run of status['needs_person'] as object[]) expect(Object.keys(run).sort()).toEqual(runKeys);
});

test.concurrent('status without a daemon reads the outbox, and is exit code 69', async ({ scene }) => {
  const { daemon } = await openGallery(scene);
  await daemon.stop();
  const finished = await scene.command('status', '--json');
  expect(finished.code).toBe(69);
  expect(json(finished)).toMatchObject({
    running: false,
    pid: null,
    healthy: false,
    counts: { recorded: 2, parked: 1, rejected: 1, settling: 1 },
  });
  const text = await scene.command('status');
  expect(text.code).toBe(69);
  expect(text.stdout).toContain('not running');
});

test.concurrent('who only looks makes no outbox where there is none', async ({ scene }) => {
  scene.drop('plan');
  const status = await scene.command('status', '--json');
  expect(status.code).toBe(69);
  expect(json(status)).toMatchObject({ running: false, counts: {} });
  expect(await scene.command('list')).toMatchObject({ code: 0, stdout: 'Nothing matches.\n' });
  expect((await scene.command('show', 'plan')).code).toBe(1);
  const preview = await scene.command('scan', '--dry-run');
  expect(preview.code).toBe(0);
  expect(preview.stdout).toContain('plan');
  expect(existsSync(scene.stateDir)).toBe(false);
});

test.concurrent('a page that no daemon serves is exit code 69', async ({ scene }) => {
  const finished = await scene.command('status', '--open');
  expect(finished).toMatchObject({ code: 69, stdout: '' });
  expect(finished.stderr).toContain('there is no page');
});

test.concurrent('of many that need a person all are counted', async ({ scene }) => {
  const daemon = await scene.daemon();
  for (let number = 1; number <= 53; number += 1)
    scene.drop(`bad-${String(number)}`, { ...plan('bad'), 'meta.json': { status: 'perhaps' } });
  await until('all to be rejected', async () => (await daemon.status()).counts.rejected === 53);
  expect((await scene.command('status')).stdout).toContain('and 43 more: `runtrackd list');
});

test.concurrent(
  'status says what is wrong, and what to type to understand each kind of it',
  async ({ scene }) => {
    scene.configure({ drop_roots: [scene.dropRoot(), scene.dropRoot({ path: './not-there' })] });
    scene.faults.always({}, { kind: 'answer', status: 401, body: '{}' });
    const daemon = await scene.daemon();
    scene.drop('plan');
    await until('both problems', async () => (await daemon.status()).problems.length === 2);
    const { problems, problem_reasons: reasons } = await daemon.status();
    expect(reasons.map(({ text }) => text)).toEqual(problems);
    expect(reasons.map((reason) => reason.class)).toEqual(['key-refused', 'drop-root']);
    const { stdout } = await scene.command('status');
    expect(stdout).toContain(
      'What it means: `runtrackd explain key-refused`, `runtrackd explain drop-root`.',
    );
  },
);

test.concurrent('list shows everything, one object a line with --json', async ({ scene }) => {
  const { daemon, done, doneInMore, parked, rejected, settling } = await openGallery(scene);
  const finished = await scene.command('list', '--json');
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  const runs = jsonLines(finished);
  for (const run of runs) expect(Object.keys(run).sort()).toEqual(runKeys);
  expect(runs.map(({ folder }) => folder).sort()).toEqual(
    [done, doneInMore, parked, rejected, settling].sort(),
  );
  // Folders that are no runs come first, then runs, newest first.
  const numbers = runs.map(({ run }) => run);
  expect(numbers.slice(0, 2)).toEqual([null, null]);
  expect(numbers.slice(2)).toEqual([3, 2, 1]);
  const recorded = runs.find(({ folder }) => folder === done);
  expect(recorded).toMatchObject({
    drop_root: 'runs',
    state: 'recorded',
    app,
    instance: null,
    tries: expect.any(Number) as number,
    due_at: null,
    reason: null,
    hint: null,
    warnings: [],
    generation: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    fingerprint: expect.stringMatching(/^rt1:[a-z2-7]{26}$/) as string,
    since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
  });
  expect(recorded?.['console_url']).toContain(`/app/${app}/run/${String(recorded?.['run_id'])}`);
  expect(runs.find(({ folder }) => folder === parked)).toMatchObject({
    state: 'parked',
    app: 'strict-app',
    reason: { class: 'refused', text: expect.stringContaining('no thanks') as string },
  });
  await daemon.stop();
  expect((await scene.command('list', '--json')).stdout).toBe(finished.stdout);
});

test.concurrent('list is filtered by state, root, time and number', async ({ scene }) => {
  const { done, doneInMore, parked, rejected, settling } = await openGallery(scene);
  const between = new Date().toISOString();
  const late = scene.drop('late');
  await scene.result('late');
  const listed = async (...args: string[]) =>
    jsonLines(await scene.command('list', '--json', ...args)).map(({ folder }) => folder);
  expect(await listed('--state', 'parked')).toEqual([parked]);
  expect((await listed('--state', 'parked', '--state', 'rejected')).sort()).toEqual(
    [parked, rejected].sort(),
  );
  expect((await listed('--root', 'more')).sort()).toEqual([doneInMore, settling].sort());
  expect(await listed('--root', 'nope')).toEqual([]);
  expect(await listed('--root', 'more', '--state', 'recorded')).toEqual([doneInMore]);
  expect(await listed('--since', between)).toEqual([late]);
  expect(await listed('--since', '1h')).toHaveLength(6);
  expect(await listed('--since', '2100-01-01')).toEqual([]);
  expect(await listed('--limit', '1', '--state', 'recorded')).toEqual([late]);
  expect(await listed('--limit', '3')).toHaveLength(3);
  expect(await listed('--limit', '0')).toHaveLength(6);
  const text = await scene.command('list', '--limit', '1', '--state', 'recorded');
  expect(text.stdout).toContain(late);
  expect(text.stdout).not.toContain(done);
  expect(text.stderr).toContain('--limit 0 shows all');
  expect((await scene.command('list', '--state', 'gone')).stdout).toBe('Nothing matches.\n');
});

test.concurrent(
  'list shows as many settling folders of one root as its limit asks for, whatever the other root holds',
  async ({ scene }) => {
    const { daemon, settling } = await openGallery(scene);
    for (const name of ['a', 'b', 'c']) scene.drop(name, { 'input.json': {} });
    for (const name of ['a', 'b', 'c']) await scene.state(daemon, name, 'settling');
    const finished = await scene.command(
      'list',
      '--json',
      '--state',
      'settling',
      '--root',
      'more',
      '--limit',
      '1',
    );
    expect(jsonLines(finished).map(({ folder }) => folder)).toEqual([settling]);
  },
);

test.concurrent('show tells one run by its path, its folder’s name, or its number', async ({ scene }) => {
  const { daemon, parked, done } = await openGallery(scene);
  const byPath = json(await scene.command('show', parked, '--json'));
  expect(Object.keys(byPath).sort()).toEqual(
    [
      ...runKeys,
      'history',
      'artefacts',
      'enriched',
      'output_sent',
      'inferred',
      'thinned',
      'next',
      'overdue_at',
      'same_folder',
    ].sort(),
  );
  expect(byPath['artefacts']).toEqual([
    expect.objectContaining({ role: 'input', name: 'input.json', type: 'json', bytes: 20 }),
    expect.objectContaining({ role: 'output', name: 'output.json', type: 'json' }),
  ]);
  expect((byPath['history'] as { state: string }[]).map(({ state }) => state)).toEqual(
    expect.arrayContaining(['queued', 'uploaded', 'intended', 'parked']),
  );
  const number = `#${String(byPath['run'])}`;
  const selectors = ['refused', number, './runs/refused'];
  const others = await Promise.all(selectors.map((text) => scene.command('show', text, '--json')));
  for (const other of others) expect(json(other)).toEqual(byPath);
  const digits = String(byPath['generation']).slice(7, 15);
  expect(json(await scene.command('show', 'refused', '--generation', digits, '--json'))).toEqual(byPath);
  expect((await scene.command('show', 'refused', '--generation', 'ffffffff')).code).toBe(1);

  const text = await scene.command('show', number);
  expect(text.code).toBe(0);
  for (const word of [
    parked,
    'parked',
    'no thanks',
    'input.json',
    'About to ask the platform',
    'It needs you',
  ])
    expect(text.stdout).toContain(word);

  await daemon.stop();
  expect(json(await scene.command('show', parked, '--json'))).toEqual(byPath);
  expect((await scene.command('show', done)).code).toBe(0);
});

test.concurrent('show of a name that two roots have is ambiguous, and names both', async ({ scene }) => {
  const { done, doneInMore } = await openGallery(scene);
  const finished = await scene.command('show', 'done');
  expect(finished).toMatchObject({ code: 2, stdout: '' });
  expect(finished.stderr).toContain(done);
  expect(finished.stderr).toContain(doneInMore);
  expect((await scene.command('show', doneInMore)).code).toBe(0);
});

test.concurrent.for(['nothing', '#99', './elsewhere/nothing'])(
  'show of "%s", which is not there, is exit code 1',
  async (text, { scene }) => {
    const finished = await scene.command('show', text);
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toContain(text);
  },
);

test.concurrent('show of a folder that is no run yet says what it waits for', async ({ scene }) => {
  await openGallery(scene);
  expect(json(await scene.command('show', 'open', '--json'))).toMatchObject({
    run: null,
    state: 'settling',
    reason: { text: expect.stringContaining('waiting for meta.json') as string },
    next: expect.stringMatching(
      /complete and quiet; it is overdue if nothing moves in it until \d{4}-/,
    ) as string,
    overdue_at: expect.stringMatching(/^\d{4}-/) as string,
  });
});

test.concurrent('a folder’s name that looks like a number is found before the number', async ({ scene }) => {
  await scene.daemon();
  scene.drop('plain');
  await scene.result('plain');
  const odd = dropFolder(scene.root, '#1', { 'input.json': {}, 'meta.json': { status: 'failed' } });
  await scene.result('#1');
  expect(json(await scene.command('show', '#1', '--json'))).toMatchObject({ folder: odd, run: 2 });
});

test.concurrent('a folder’s name cannot move the cursor of whoever reads it', async ({ scene }) => {
  const daemon = await scene.daemon();
  scene.drop('evil\u001b[2J\nname', { 'input.json': {} });
  await scene.state(daemon, 'evil\u001b[2J\nname', 'settling');
  for (const command of [['list'], ['status'], ['show', 'evil\u001b[2J\nname'], ['scan', '--dry-run']]) {
    const [name = '', ...rest] = command;
    const finished = await scene.command(name, ...rest);
    expect(finished.stdout + finished.stderr).not.toContain('\u001b');
    expect(finished.stdout).not.toContain('2J\nname');
  }
});

test.concurrent('show and list tell what the solver’s log says', async ({ scene }) => {
  const daemon = await scene.daemon();
  const log = readFileSync(new URL('../solverlog/logs/highs-time-feasible/run.log', import.meta.url), 'utf8');
  scene.drop('solved', { ...plan('solved'), 'run.log': log });
  await scene.result('solved');
  const shown = json(await scene.command('show', 'solved', '--json'))['facts'] as RunFacts;
  expect(shown).toMatchObject({ solver: 'highs', status: 'feasible', limit: 'time', solves: 1 });
  expect(shown.incumbents.length).toBeGreaterThan(0);
  expect((await daemon.list())[0]?.facts).toEqual(figuresOf(shown));
  const text = (await scene.command('show', 'solved')).stdout;
  expect(text).toContain('stopped early with a solution, at its time limit (line ');
  expect(text).toContain(`Objective ${String(shown.objective)}`);
  expect((await scene.command('list')).stdout).toContain(`feasible, ${String(shown.objective)}`);
});

test.concurrent('a drop root that is not there is said, with those that are', async ({ scene }) => {
  await openGallery(scene);
  for (const command of ['list', 'retry', 'skip'] as const) {
    const finished = await scene.command(command, '--root', 'nope');
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toContain('there is no drop root "nope"; there is "runs", "more"');
  }
});

test.concurrent('a daemon that was stopped cannot be reached, and that is said', async ({ scene }) => {
  const daemon = await scene.daemon();
  daemon.signal('SIGSTOP');
  const finished = await scene.command('status');
  daemon.signal('SIGCONT');
  expect(finished).toMatchObject({ code: 69, stdout: '' });
  expect(finished.stderr).toContain(String(daemon.pid));
  expect(finished.stderr).toContain('runtrackd explain not-answering');
});
