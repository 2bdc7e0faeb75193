/** One run folder, by the reading rules of the daemon and without it. */
import { chmodSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { trackFolder } from '../../src/index.ts';
import { isUngiving, linkToAnothers } from '../reading/anothersFile.ts';
import { contentOf } from '../reading/folder.ts';
import {
  app,
  begun,
  directoryWith,
  failure,
  fileWith,
  makePipe,
  membersOf,
  temporaryFolder,
  textsOf,
  type Files,
} from './place.ts';

const seed: Files = {
  'input.json': '{"sample":"input"}',
  'output.json': '{"solution":1}',
  'meta.json': '{"status":"succeeded"}',
};
const metaWith = (more: object): Files => ({
  ...seed,
  'meta.json': JSON.stringify({ status: 'succeeded', ...more }),
});
const to = { applicationId: app } as const;

test('a folder is recorded with everything that is in it and said of it', async () => {
  const place = await begun();
  const folder = directoryWith({
    ...metaWith({
      duration: 1.5,
      name: 'plan',
      description: 'd',
      instance_id: 'prod',
      app_id: app,
      batch_experiment_id: 'b',
      options: { a: 1, b: 'of meta' },
      metrics: { gap: 0.1 },
    }),
    'run.log': 'a log\n',
    'assets.json': '[]',
  });
  const tracked = await trackFolder(folder, { client: place.client, options: { b: 'of the call' } });
  const recorded = place.recorded(tracked.runId);
  expect(textsOf(recorded)).toEqual({
    input: '{"sample":"input"}',
    output: '{"solution":1,"metrics":{"gap":0.1},"assets":[]}',
    logs: 'a log\n',
  });
  expect(recorded).toMatchObject({
    name: 'plan',
    description: 'd',
    instance: 'prod',
    request: {
      batch_experiment_id: 'b',
      options: { a: '1', b: 'of the call' },
      result: { status: 'succeeded', execution_duration: 1_500 },
      configuration: { format: { input: { type: 'json' }, output: { type: 'json' } } },
    },
  });
  expect(tracked).toMatchObject({
    applicationId: app,
    generation: `sha256:${(await contentOf(folder)).generation}`,
    warnings: [],
  });
});

test('a folder without a name in it has its own, also when it is asked for by a dot', async () => {
  const place = await begun();
  const folder = directoryWith(
    Object.fromEntries(Object.entries(seed).map(([name, text]) => [`week-47/${name}`, text])),
  );
  await trackFolder(join(folder, 'week-47', '.'), { client: place.client, ...to });
  expect(place.only().name).toBe('week-47');
});

test('a folder without meta.json is recorded where that is said to be optional, and refused where it is not', async () => {
  const place = await begun();
  const folder = directoryWith({ 'input.json': '{}', 'run.log': 'start\nERROR: no licence\n' });
  const options = { ...to, client: place.client };
  expect((await failure(trackFolder(folder, options))).message).toContain('meta.json');
  const { runId } = await trackFolder(folder, { ...options, meta: 'optional' });
  expect(place.recorded(runId)).toMatchObject({
    request: { result: { status: 'failed', error_message: 'ERROR: no licence' } },
  });
});

test('a failed run needs no output, and its long error is at the end of the log', async () => {
  const place = await begun();
  const files = {
    'input.txt': 'x = 1',
    'run.log': 'log',
    'meta.json': '{"status":"failed","error":"zwölf"}',
  };
  await trackFolder(directoryWith(files), { client: place.client, ...to });
  expect(textsOf(place.only())).toEqual({ input: 'x = 1', logs: 'log\nzwölf' });
  expect(place.only().request.result['error_message']).toBe('zwolf');
});

test('files may have other names, and the same fingerprint is the same run', async () => {
  const place = await begun();
  const folder = directoryWith({ 'in.lp': 'x', 'out.sol': 'y', 'about.json': '{"status":"succeeded"}' });
  const options = {
    client: place.client,
    ...to,
    files: { input: 'in.lp', output: 'out.sol', meta: 'about.json' },
    fingerprint: 'f',
  };
  const [one, two] = [await trackFolder(folder, options), await trackFolder(folder, options)];
  expect(one.runId).toBe(two.runId);
  expect(place.only().request['configuration']).toMatchObject({
    format: { input: { type: 'multi-file' }, output: { type: 'multi-file' } },
  });
});

test('what the daemon ignores by default is ignored, unless it is named', async () => {
  const place = await begun();
  const folder = directoryWith({
    'model.mps': 'm',
    '.model.mps.swp': 'half',
    'half.mps.tmp': 'half',
    '.hidden.prm': 'named',
    'output.json': '{}',
    'meta.json': '{"status":"succeeded"}',
  });
  const files = { input: ['*.mps*', '.hidden.prm'] };
  await trackFolder(folder, { client: place.client, ...to, files });
  expect(await membersOf(place.only().files['input'])).toEqual({ '.hidden.prm': 'named', 'model.mps': 'm' });
});

test('what is odd is told', async () => {
  const place = await begun();
  const { warnings } = await trackFolder(directoryWith(metaWith({ nmae: 'x' })), {
    client: place.client,
    ...to,
  });
  expect(warnings.join()).toContain('did you mean "name"?');
});

describe('a folder', () => {
  const without = (name: string): Files =>
    Object.fromEntries(Object.entries(seed).filter(([other]) => other !== name));

  test.each<{ name: string; folder: () => string; says: RegExp; options?: object }>([
    { name: 'that is not there', folder: () => '/nowhere', says: /ENOENT/ },
    {
      name: 'that is a file',
      folder: () => join(directoryWith(seed), 'input.json'),
      says: /is no directory/,
    },
    {
      name: 'without an input',
      folder: () => directoryWith(without('input.json')),
      says: /has no input\.json or input\.txt/,
    },
    {
      name: 'without an output',
      folder: () => directoryWith(without('output.json')),
      says: /waiting for output\.json/,
    },
    {
      name: 'without meta.json',
      folder: () => directoryWith(without('meta.json')),
      says: /has no meta\.json/,
    },
    {
      name: 'with two inputs',
      folder: () => directoryWith({ ...seed, 'input.txt': 'x' }),
      says: /two inputs/,
    },
    {
      name: 'with half a document',
      folder: () => directoryWith({ ...seed, 'output.json': '{"a":' }),
      says: /does not parse/,
    },
    {
      name: 'with an array',
      folder: () => directoryWith({ ...seed, 'input.json': '[]' }),
      says: /it is an array/,
    },
    {
      name: 'with a status of "ok"',
      folder: () => directoryWith(metaWith({ status: 'ok' })),
      says: /must be "succeeded" or "failed"/,
    },
    {
      name: 'with an error of a run that succeeded',
      folder: () => directoryWith(metaWith({ error: 'x' })),
      says: /an error is given/,
    },
    { name: 'with a link', folder: () => linked(symlinkSync), says: /symbolic link/ },
    ...(isUngiving
      ? []
      : [
          {
            name: 'with a hard link to another’s file',
            folder: () => linked(linkToAnothers),
            says: /hard links/,
          },
        ]),
    { name: 'with a pipe', folder: pipe, says: /a pipe/ },
    {
      name: 'of another app',
      folder: () => directoryWith(metaWith({ app_id: 'other-app' })),
      says: /belongs to app "other-app"/,
    },
    {
      name: 'of no app',
      folder: () => directoryWith(seed),
      options: { applicationId: undefined },
      says: /does not say which app/,
    },
  ])('$name is refused, and nothing is sent', async ({ folder, says, options = {} }) => {
    const place = await begun();
    const error = await failure(
      trackFolder(folder(), { client: place.client, ...to, fingerprint: 'f', ...options }),
    );
    expect(error.reason).toBe('bad-input');
    expect(error.message).toMatch(says);
    expect(error.hint).not.toMatch(/runtrackd|by itself/);
    expect(place.asked()).toEqual([]);
  });

  test('with a file that this user may not read is not called incomplete', async () => {
    const place = await begun();
    const folder = directoryWith(seed);
    chmodSync(join(folder, 'input.json'), 0o000);
    // Root may read everything, so this process is somebody else for a moment.
    if (process.geteuid?.() === 0) {
      chmodSync(folder, 0o755);
      process.seteuid?.(65_534);
      onTestFinished(() => process.seteuid?.(0));
    }
    const error = await failure(trackFolder(folder, { client: place.client, ...to }));
    process.seteuid?.(process.getuid?.() ?? 0);
    expect(error).toMatchObject({ reason: 'bad-input', message: `${folder} cannot be read (EACCES)` });
    expect(error.hint).toContain('Let this user read');
    expect(place.asked()).toEqual([]);
  });

  function linked(link: (target: string, path: string) => void): string {
    const folder = directoryWith(seed);
    link(join(directoryWith({}), 'x'), join(folder, 'run.log'));
    return folder;
  }

  function pipe(): string {
    const folder = directoryWith(seed);
    makePipe(join(folder, 'run.log'));
    return folder;
  }
});

describe('a folder of several files', () => {
  const several: Files = {
    'input/a.csv': 'a',
    'input/sub/b.csv': 'b',
    'output/c.csv': 'c',
    'metrics.json': '{"gap":1}',
    'meta.json': '{"status":"succeeded"}',
  };

  test('is recorded as archives, with its figures beside them', async () => {
    const spool = temporaryFolder();
    const place = await begun({ temporaryDirectory: spool });
    const { generation } = await trackFolder(directoryWith(several), { client: place.client, ...to });
    const run = place.only();
    expect(run.request['configuration']).toMatchObject({
      format: { input: { type: 'multi-file' }, output: { type: 'multi-file' } },
    });
    expect(await membersOf(run.files['input'])).toEqual({ 'a.csv': 'a', 'sub/b.csv': 'b' });
    expect(await membersOf(run.files['output'])).toEqual({ 'c.csv': 'c' });
    expect(run.files['metrics']?.toString()).toBe('{"gap":1}');
    expect(generation).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(readdirSync(spool)).toEqual([]);
  });

  test('of which no archive can be kept is well: the temporary directory is not', async () => {
    const place = await begun({ temporaryDirectory: fileWith('', 'in the way') });
    const directory = directoryWith({ 'a.csv': '1' });
    for (const call of [
      () => trackFolder(directoryWith(several), { client: place.client, ...to }),
      () => place.application.trackRun({ status: 'succeeded', inputDirPath: directory }),
    ]) {
      const error = await failure(call());
      expect(error.reason).toBe('machine-trouble');
      expect(error.hint).toContain('set temporaryDirectory of the client');
    }
    expect(place.asked()).toEqual([]);
  });

  test('may have files of any names, one by one or by a pattern', async () => {
    const place = await begun();
    const folder = directoryWith({
      'model.mps': 'm',
      'a.prm': '1',
      'out.sol': 'x',
      'meta.json': '{"status":"succeeded"}',
    });
    const files = { input: ['model.mps', '*.prm'], output: '*.sol' };
    await trackFolder(folder, { client: place.client, ...to, files });
    expect(await membersOf(place.only().files['input'])).toEqual({ 'a.prm': '1', 'model.mps': 'm' });
    expect(await membersOf(place.only().files['output'])).toEqual({ 'out.sol': 'x' });
  });
});

describe('the solver’s log', () => {
  const solved = {
    'input.json': '{}',
    'output.json': '{"solution":1}',
    'run.log': readFileSync(
      new URL('../solverlog/logs/highs-infeasible-split/run.log', import.meta.url),
      'utf8',
    ),
  };

  test('adds to the run what is asked for, and nothing else', async () => {
    const place = await begun();
    const folder = directoryWith({ ...solved, 'meta.json': '{"status":"succeeded"}' });
    const plain = await trackFolder(folder, { ...to, client: place.client });
    expect(textsOf(place.recorded(plain.runId))['output']).toBe('{"solution":1}');
    const enriched = await trackFolder(folder, { ...to, client: place.client, enrich: ['metrics'] });
    const output = textsOf(place.recorded(enriched.runId))['output'] ?? '';
    expect(JSON.parse(output)).toMatchObject({ solution: 1, metrics: { solver: { status: 'infeasible' } } });
    expect(enriched.generation).toBe(plain.generation);
  });

  test('tells of a run without meta.json that it failed, where an infeasible model is a failure', async () => {
    const place = await begun();
    const optional = { ...to, client: place.client, meta: 'optional', infeasible: 'failed' } as const;
    const { runId } = await trackFolder(directoryWith(solved), optional);
    expect(place.recorded(runId).request).toMatchObject({
      result: { status: 'failed', error_message: 'the model is infeasible (highs)' },
    });
  });

  test('cannot add what there is not', async () => {
    const place = await begun();
    const enrich = ['picture'] as unknown as ['chart'];
    const error = await failure(trackFolder(directoryWith(solved), { ...to, client: place.client, enrich }));
    expect(error).toMatchObject({ reason: 'bad-input', hint: 'It is a list of metrics, statistics, chart.' });
  });
});
