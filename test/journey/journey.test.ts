/** A run folder goes the whole way: through the built program, a real folder, and a platform on a real socket. */
import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { plan, problemIn, resultIn, textOf, writeFiles } from './folders.ts';
import { app, test } from './scene.ts';
import { until } from './waiting.ts';

const seedInput = { sample: 'input' };
const seedOutput = { solution: { sample: 'output' } };

test.concurrent(
  'a succeeded run that is renamed in comes back with its output and its duration in milliseconds',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    const folder = scene.drop('seed', {
      'input.json': seedInput,
      'output.json': seedOutput,
      'run.log': 'solved\n',
      'meta.json': { status: 'succeeded', duration: 42 },
    });
    const result = await scene.result('seed');
    expect(result).toMatchObject({
      name: 'seed',
      metadata: {
        application_id: app,
        status_v2: 'succeeded',
        execution_duration: 42_000,
        error: '',
        input_size: textOf(seedInput).length,
        format: { input: { type: 'json' }, output: { type: 'json' } },
        run_type: { type: 'external' },
      },
      output: seedOutput,
    });
    expect(result).not.toHaveProperty('error_log');
    const [run] = await scene.platformRuns();
    const view = await scene.state(daemon, 'seed', 'recorded');
    expect(result.runtrackd).toMatchObject({
      fingerprint: run?.fingerprint,
      platform: scene.standIn.endpoint,
      app,
      host: 'test-host',
      drop_root: 'runs',
      first_path: 'seed',
      generation: view.generation,
      counter: 1,
      files: { input: 'input.json', output: 'output.json', logs: 'run.log' },
      console_url: `https://cloud.nextmv.io/app/${app}/run/${result.id}?view=details`,
      output_verified: true,
      warnings: [],
    });
    expect(Object.keys(result.runtrackd)).toEqual(
      expect.arrayContaining(['version', 'directory', 'recorded_at', 'tries']),
    );
    expect(view).toMatchObject({ run: 1, run_id: result.id, fingerprint: run?.fingerprint, reason: null });
    expect(statSync(join(folder, 'nextmv-result.json')).mode & 0o777).toBe(statSync(folder).mode & 0o666);
  },
);

test.concurrent(
  'a failed run comes back with its error, its output as stdout and its log as stderr',
  async ({ scene }) => {
    await scene.daemon();
    scene.drop('failed', {
      'input.json': seedInput,
      'output.json': seedOutput,
      'run.log': 'line one\nline two',
      'meta.json': { status: 'failed', duration: 0.25, error: 'solver exited with code 3' },
    });
    const result = await scene.result('failed');
    expect(result.metadata).toMatchObject({
      status_v2: 'failed',
      execution_duration: 250,
      error: 'solver exited with code 3',
    });
    expect(result).not.toHaveProperty('output');
    expect(result.error_log).toEqual({
      error: 'solver exited with code 3',
      stdout: textOf(seedOutput),
      stderr: 'line one\nline two\nsolver exited with code 3\n',
    });
  },
);

test.concurrent('a failed run may have no output, and takes its log from meta.json', async ({ scene }) => {
  await scene.daemon();
  scene.drop('crashed', {
    'input.json': seedInput,
    'meta.json': { status: 'failed', error: 'out of memory', logs: ['one', 'two'] },
  });
  const { error_log: log } = await scene.result('crashed');
  expect(log).toMatchObject({ error: 'out of memory', stderr: 'one\ntwo\nout of memory\n' });
});

test.concurrent(
  'a folder that is written file by file, meta.json first, is left alone until it is whole',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    const folder = scene.folder('slow');
    const settlesWith = (reason: string) =>
      until(`slow to settle with "${reason}"`, async () =>
        (await daemon.list()).find((view) => view.state === 'settling' && view.reason?.text.includes(reason)),
      );
    mkdirSync(folder);
    writeFiles(folder, { 'meta.json': { status: 'succeeded', duration: 1 } });
    await settlesWith('waiting for input.json');
    writeFiles(folder, { 'input.json': seedInput });
    await settlesWith('waiting for output.json');
    const whole = textOf(seedOutput);
    writeFileSync(join(folder, 'output.json'), whole.slice(0, 12));
    await settlesWith('output.json does not parse yet: line 1');
    expect(scene.seen).toEqual([]);
    appendFileSync(join(folder, 'output.json'), whole.slice(12));
    expect((await scene.result('slow')).output).toEqual(seedOutput);
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent(
  'new content is a new run, the same bytes again are none, and content that returns is none either',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    const folder = scene.drop('plan', plan('A'));
    const first = await scene.result('plan');
    const looked = async (kind: RegExp, times: number) => {
      await until(
        `${times} looks like ${String(kind)}`,
        () => daemon.log().filter(({ msg }) => kind.test(msg)).length >= times,
      );
    };

    writeFiles(folder, plan('A'));
    await looked(/run #1 \(known\)/, 1);
    expect(scene.count('create')).toBe(1);

    writeFiles(folder, plan('B'));
    const second = await until('the second result', () => {
      const result = resultIn(folder);
      return result !== null && result.id !== first.id && result;
    });
    expect(second.output).toEqual({ solution: { sample: 'B' } });

    writeFiles(folder, plan('A'));
    await looked(/run #1 \(known\)/, 2);
    expect(scene.count('create')).toBe(2);
    expect((await scene.platformRuns()).map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
    // The older content's own result comes back with it.
    await until('the first result again', () => resultIn(folder)?.id === first.id);
    await until('it to be recorded again', async () => (await daemon.show(folder)).state === 'recorded');
    expect(await daemon.show(folder)).toMatchObject({ run: 1, same_folder: [2] });
  },
);

test.concurrent('only a changed log or meta.json of a recorded folder is no new run', async ({ scene }) => {
  const daemon = await scene.daemon();
  const folder = scene.drop('plan', { ...plan('A'), 'run.log': 'first' });
  await scene.result('plan');
  writeFiles(folder, {
    'run.log': 'second',
    'meta.json': { status: 'succeeded', duration: 7, name: 'other' },
  });
  await daemon.logged(/plan is complete, and it is run #1/);
  expect(await scene.platformRuns()).toHaveLength(1);
});

test.concurrent('two folders with equal content are two runs', async ({ scene }) => {
  await scene.daemon();
  scene.drop('monday', plan('same'));
  scene.drop('tuesday', plan('same'));
  const [one, other] = [await scene.result('monday'), await scene.result('tuesday')];
  expect(one.id).not.toBe(other.id);
  expect(one.runtrackd['generation']).toBe(other.runtrackd['generation']);
  expect(one.runtrackd['fingerprint']).not.toBe(other.runtrackd['fingerprint']);
  expect(await scene.platformRuns()).toHaveLength(2);
});

test.concurrent.for([
  { name: 'whose birth time is told apart from its last change', isInstant: false },
  { name: 'that was made, filled and renamed in within one tick of the clock', isInstant: true },
])('a folder $name stays the same run when it is moved', async ({ isInstant }, { scene }) => {
  const folder = await until('such a folder', () => {
    rmSync(scene.folder('before'), { recursive: true, force: true });
    const made = scene.drop('before');
    const { birthtimeNs, ctimeNs } = statSync(made, { bigint: true });
    return (birthtimeNs === ctimeNs) === isInstant && made;
  });
  const daemon = await scene.daemon();
  const { id } = await scene.result('before');
  renameSync(folder, scene.folder('after'));
  const view = await scene.state(daemon, 'after', 'recorded');
  expect(view).toMatchObject({ run: 1, run_id: id });
  expect((await daemon.show(scene.folder('after'))).history.map(({ note }) => note)).toContainEqual(
    expect.stringContaining('moved from before to after'),
  );
  expect(await scene.platformRuns()).toHaveLength(1);
});

test.concurrent(
  'a folder that is deleted before it was uploaded is gone, and that is said loudly',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    scene.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 503 });
    const folder = scene.drop('short-lived');
    await until('an upload to be tried', () => scene.count('uploadurl') > 0);
    rmSync(folder, { recursive: true });
    await scene.state(daemon, 'short-lived', 'gone');
    expect(daemon.log()).toContainEqual(
      expect.objectContaining({ level: 'error', msg: expect.stringContaining('is gone') as string }),
    );
    scene.calm();
    expect(await scene.platformRuns()).toEqual([]);

    scene.drop('short-lived');
    await scene.result('short-lived');
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent(
  'a folder with a bad meta.json is rejected with a reason beside it, until it is mended',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    const folder = scene.drop('bad', { ...plan('bad'), 'meta.json': { status: 'done' } });
    const problem = await until('the problem file', () => problemIn(folder));
    expect(problem).toMatchObject({ state: 'rejected', run: null });
    expect(problem.reason.text).toContain('status: must be "succeeded" or "failed"');
    expect(problem.hint).toContain('meta.json');
    expect(Date.parse(problem.since)).toBeGreaterThan(0);
    const status = await scene.command('status');
    expect(status.code).toBe(3);
    expect(status.stdout).toContain('must be "succeeded" or "failed"');

    writeFiles(folder, { 'meta.json': { status: 'succeeded' } });
    await scene.result('bad');
    await until('the problem file to be taken away', () => problemIn(folder) === null);
    await scene.state(daemon, 'bad', 'recorded');
    expect((await scene.command('status')).code).toBe(0);
    expect((await daemon.status()).needs_person).toEqual([]);
  },
);

test.concurrent(
  'metrics, statistics and assets beside a JSON output are merged into it where it has no such key',
  async ({ scene }) => {
    await scene.daemon();
    const folder = scene.drop('figures', {
      ...plan('figures'),
      'output.json': { solution: {}, statistics: { schema: 'own' } },
      'metrics.json': { result: { value: 27 } },
      'statistics.json': { schema: 'v1' },
      'assets.json': [{ name: 'Plot', content_type: 'json', content: {} }],
    });
    const { output } = await scene.result('figures');
    expect(output).toEqual({
      solution: {},
      statistics: { schema: 'own' },
      metrics: { result: { value: 27 } },
      assets: [{ name: 'Plot', content_type: 'json', content: {} }],
    });
    expect(resultIn(folder)?.runtrackd['output_verified']).toBe(true);
  },
);

test.concurrent(
  'text goes and comes back as text, and the result names the file that holds it',
  async ({ scene }) => {
    await scene.daemon();
    const folder = scene.drop('text', {
      'input.txt': 'maximize 3x + 2y\n',
      'output.txt': 'objective 10\n',
      'meta.json': { status: 'succeeded' },
    });
    const result = await scene.result('text');
    expect(result.metadata).toMatchObject({ format: { input: { type: 'text' }, output: { type: 'text' } } });
    expect(result).not.toHaveProperty('output');
    expect(result.runtrackd).toMatchObject({ output_verified: true, output_file: 'output.txt' });
    expect(textOf(result)).not.toContain('signature=');
    expect(existsSync(join(folder, 'nextmv-output.txt'))).toBe(false);
  },
);

test.concurrent(
  'an output that comes back different is kept beside the result, and is warned about',
  async ({ scene }) => {
    scene.faults.outputAltered = true;
    const daemon = await scene.daemon();
    const folder = scene.drop('altered', {
      'input.txt': 'a question',
      'output.txt': 'mine',
      'meta.json': { status: 'succeeded' },
    });
    const result = await scene.result('altered');
    expect(result.runtrackd).toMatchObject({ output_verified: false, output_file: 'nextmv-output.txt' });
    expect(existsSync(join(folder, 'nextmv-output.txt'))).toBe(true);
    const { warnings } = await scene.state(daemon, 'altered', 'recorded');
    expect(warnings.join()).toContain('different');
  },
);

test.concurrent(
  'name, description, options and instance of meta.json travel with the run',
  async ({ scene }) => {
    scene.configure(
      {},
      { options: { solver: 'glpsol', gap: 0.5 }, instance: 'staging', run_name: '{root}/{folder}' },
    );
    await scene.daemon();
    scene.drop('plain');
    scene.drop(
      'named',
      plan('named', {
        name: 'Week 48',
        description: 'by hand',
        options: { gap: 1, cuts: true },
        instance_id: 'prod',
      }),
    );
    const [plain, named] = [await scene.result('plain'), await scene.result('named')];
    expect(plain.name).toBe('runs/plain');
    expect(plain.metadata).toMatchObject({
      application_instance_id: 'staging',
      options: { request_options: { solver: 'glpsol', gap: '0.5' } },
    });
    expect(named.name).toBe('Week 48');
    expect(named.description).toMatch(/^by hand \[rt1:/);
    expect(named.metadata).toMatchObject({
      application_instance_id: 'prod',
      options: { request_options: { solver: 'glpsol', gap: '1', cuts: 'true' } },
    });
  },
);

test.concurrent('two hundred folders at once become two hundred runs', async ({ scene }) => {
  scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 0, requests_per_minute: 0 } }) });
  const daemon = await scene.daemon();
  const names = Array.from({ length: 200 }, (_, index) => `run-${index}`);
  for (const name of names) scene.drop(name);
  await until('200 to be recorded', async () => (await daemon.status()).counts.recorded === 200, 60_000);
  const results = names.map((name) => resultIn(scene.folder(name)));
  for (const [index, result] of results.entries())
    expect(result?.output).toEqual({ solution: { sample: names[index] } });
  const runs = await scene.platformRuns();
  expect(runs).toHaveLength(200);
  expect(new Set(runs.map(({ fingerprint }) => fingerprint))).toEqual(
    new Set(results.map((result) => result?.runtrackd['fingerprint'])),
  );
  expect(scene.count('create')).toBe(200);
  // Node tells of a leak of listeners there.
  expect(daemon.stderr).toBe('');
});
