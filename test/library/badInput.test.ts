/** Bad input gets a clear error, and not one request is sent. */
import { appendFileSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Client, Input, Output, TrackedRun, type TrackedRunFields } from '../../src/index.ts';
import { begun, directoryWith, failure, fileWith, key, makePipe, temporaryFolder } from './place.ts';

const minimal = { status: 'succeeded', input: { a: 1 } } as const;

const circle: Record<string, unknown> = { a: {} };
circle['a'] = { b: [circle] };

function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level += 1) value = { a: value };
  return value;
}

const directoryWithLink = (): string => {
  const directory = directoryWith({ 'a.csv': '1' });
  symlinkSync('/etc/hostname', join(directory, 'link.csv'));
  return directory;
};
const directoryWithDirectoryLink = (): string => {
  const directory = directoryWith({ 'a.csv': '1' });
  symlinkSync('/etc', join(directory, 'link'));
  return directory;
};
const directoryWithPipe = (): string => {
  const directory = directoryWith({ 'a.csv': '1' });
  makePipe(join(directory, 'pipe.csv'));
  return directory;
};
const directoryWithBadName = (): string => {
  const directory = directoryWith({ 'a.csv': '1' });
  writeFileSync(
    Buffer.concat([Buffer.from(`${directory}/b`), Buffer.from([0xe9]), Buffer.from('.csv')]),
    '1',
  );
  return directory;
};
const emptyDirectory = (): string => {
  const directory = temporaryFolder();
  mkdirSync(join(directory, 'empty'));
  return directory;
};
const deepDirectory = (): string => directoryWith({ [`${'d/'.repeat(70)}a.csv`]: '1' });

/** What TypeScript would not let pass, and JavaScript does. */
type Fields = Record<string, unknown>;

test.each<{ name: string; fields: () => Fields; says: string | RegExp }>([
  { name: 'a number for a name', fields: () => ({ name: 7 }), says: 'name must be a text' },
  {
    name: 'a number for a description',
    fields: () => ({ description: 7 }),
    says: 'description must be a text',
  },
  {
    name: 'a status of "ok"',
    fields: () => ({ status: 'ok' }),
    says: 'status must be "succeeded" or "failed"',
  },
  {
    name: 'no status',
    fields: () => ({ status: undefined }),
    says: 'status must be "succeeded" or "failed"',
  },
  { name: 'a field that nobody knows', fields: () => ({ input_dir_path: '/x' }), says: 'input_dir_path' },
  {
    name: 'a duration of NaN',
    fields: () => ({ duration: Number.NaN }),
    says: 'duration must be a number of seconds',
  },
  {
    name: 'a duration below 0',
    fields: () => ({ duration: -1 }),
    says: 'duration must be seconds: 0 or more',
  },
  {
    name: 'a duration in ms, as it seems',
    fields: () => ({ duration: 1e9 }),
    says: 'duration must be seconds: a year at most',
  },
  {
    name: 'a duration as a text',
    fields: () => ({ duration: '7' }),
    says: 'duration must be a number of seconds',
  },
  {
    name: 'a failed run without an error',
    fields: () => ({ status: 'failed' }),
    says: 'it failed and has no error to say why',
  },
  {
    name: 'a failed run with a blank error',
    fields: () => ({ status: 'failed', error: ' \n' }),
    says: 'it failed and has no error',
  },
  {
    name: 'an error of a succeeded run',
    fields: () => ({ error: 'x' }),
    says: 'an error is given, but status is "succeeded"',
  },
  {
    name: 'logs that are neither',
    fields: () => ({ logs: 7 }),
    says: 'logs must be a text or a list of lines',
  },
  { name: 'a line that is no text', fields: () => ({ logs: ['a', 7] }), says: /logs/ },
  {
    name: 'two forms of logs',
    fields: () => ({ logs: 'a', logsFilePath: fileWith('a') }),
    says: 'logs and logsFilePath are both given',
  },

  { name: 'no input', fields: () => ({ input: undefined }), says: 'it has no input' },
  {
    name: 'an empty input',
    fields: () => ({ input: '' }),
    says: /input must not be empty/,
  },
  {
    name: 'an Input of nothing',
    fields: () => ({ input: new Input({ data: '' }) }),
    says: 'input is an empty text',
  },
  { name: 'an input of null', fields: () => ({ input: null }), says: /input must be an Input/ },
  { name: 'an input that is a number', fields: () => ({ input: 7 }), says: /input must be an Input/ },
  { name: 'a top-level array', fields: () => ({ input: [1] }), says: /input must be an Input, an object/ },
  {
    name: 'a top-level array in an Input',
    fields: () => ({ input: new Input({ data: [1] }) }),
    says: 'input is an array',
  },
  {
    name: 'JSON text with an array at its top',
    fields: () => ({ input: new Input({ data: '[1]', format: 'json' }) }),
    says: 'input is JSON with array at its top',
  },
  {
    name: 'JSON text that is none',
    fields: () => ({ input: new Input({ data: '{"a":NaN}', format: 'json' }) }),
    says: /input is no JSON/,
  },
  { name: 'an array as an output', fields: () => ({ output: [1] }), says: /output must be an Output/ },
  { name: 'an empty output text', fields: () => ({ output: '' }), says: 'output is an empty text' },
  {
    name: 'both data and a directory for the input',
    fields: () => ({ inputDirPath: directoryWith({ a: '1' }) }),
    says: 'input and inputDirPath are both given',
  },
  {
    name: 'both data and a directory for the output',
    fields: () => ({ output: {}, outputDirPath: directoryWith({ a: '1' }) }),
    says: 'output and outputDirPath are both given',
  },
  {
    name: 'a file and a directory',
    fields: () => ({ outputFilePath: fileWith('{}'), outputDirPath: directoryWith({ a: '1' }) }),
    says: 'outputFilePath and outputDirPath are both given',
  },

  {
    name: 'NaN in an input',
    fields: () => ({ input: { routes: [{ cost: Number.NaN }] } }),
    says: 'input.routes[0].cost is NaN',
  },
  {
    name: 'Infinity in an output',
    fields: () => ({ output: { a: -Infinity } }),
    says: 'output.a is -Infinity',
  },
  {
    name: 'a NaN in a box',
    fields: () => ({ input: { a: new Number(Number.NaN) } }),
    says: 'input.a is NaN',
  },
  {
    name: 'NaN behind toJSON',
    fields: () => ({ input: { a: { toJSON: () => ({ b: Number.NaN }) } } }),
    says: 'input.a.b is NaN',
  },
  {
    name: 'NaN in an Output',
    fields: () => ({ output: new Output({ solution: [Number.NaN] }) }),
    says: 'output.solution[0] is NaN',
  },
  { name: 'NaN in metrics', fields: () => ({ metrics: { gap: Number.NaN } }), says: 'metrics.gap is NaN' },
  {
    name: 'NaN in statistics',
    fields: () => ({ statistics: { gap: Number.NaN } }),
    says: 'statistics.gap is NaN',
  },
  {
    name: 'NaN in an asset',
    fields: () => ({ assets: [{ name: 'a', content: [Number.NaN] }] }),
    says: 'assets[0].content[0] is NaN',
  },
  { name: 'a bigint', fields: () => ({ input: { a: 1n } }), says: 'input.a is a bigint' },
  { name: 'a function', fields: () => ({ input: { a: () => 1 } }), says: 'input.a is a function' },
  { name: 'a symbol', fields: () => ({ input: { a: Symbol('a') } }), says: 'input.a is a symbol' },
  { name: 'a Map', fields: () => ({ input: { a: new Map([[1, 2]]) } }), says: 'input.a is a Map' },
  { name: 'a Map as the whole', fields: () => ({ input: new Map() }), says: 'input is a Map' },
  { name: 'a Set', fields: () => ({ input: { a: [new Set()] } }), says: 'input.a[0] is a Set' },
  {
    name: 'a file’s bytes in the place of its text',
    fields: () => ({ input: Buffer.from('{}') }),
    says: 'input is a Buffer',
  },
  {
    name: 'bytes in a document',
    fields: () => ({ input: { a: Buffer.from('1') } }),
    says: 'input.a is a Buffer',
  },
  {
    name: 'a promise that nobody waited for',
    fields: () => ({ input: Promise.resolve({ a: 1 }) }),
    says: 'input is a Promise',
  },
  { name: 'an Error', fields: () => ({ input: { a: new Error('x') } }), says: 'input.a is a Error' },
  {
    name: 'a date as the whole',
    fields: () => ({ input: new Date(0) }),
    says: 'input is a string, and a JSON document has an object at its top',
  },
  {
    name: 'a date that is none',
    fields: () => ({ input: { a: new Date(Number.NaN) } }),
    says: 'input.a is a date that is none',
  },
  {
    name: 'a hole in an array',
    fields: () => ({ input: { a: [1, undefined] } }),
    says: 'input.a[1] is undefined',
  },
  { name: 'a circle', fields: () => ({ input: circle }), says: 'input.a.b[0] contains itself' },
  {
    name: 'a depth that no reader bears',
    fields: () => ({ input: nested(1_001) }),
    says: /nested deeper than 1000 levels/,
  },
  {
    name: 'a getter that throws',
    fields: () => ({
      input: {
        get a() {
          throw new Error('boom');
        },
      },
    }),
    says: /input cannot be written as JSON \(boom\)/,
  },

  { name: 'metrics that are a list', fields: () => ({ metrics: [1] }), says: 'metrics must be an object' },
  {
    name: 'statistics that are a text',
    fields: () => ({ statistics: 'x' }),
    says: 'statistics must be an object',
  },
  {
    name: 'assets that are no list',
    fields: () => ({ assets: { name: 'a' } }),
    says: 'assets must be a list',
  },
  {
    name: 'an asset without a name',
    fields: () => ({ assets: [{ content: 1 }] }),
    says: 'assets.0.name must be a text',
  },
  {
    name: 'an asset without content',
    fields: () => ({ assets: [{ name: 'a' }] }),
    says: 'assets.0.content must be there',
  },
  {
    name: 'an asset of another content type',
    fields: () => ({ assets: [{ name: 'a', content: 1, content_type: 'csv' }] }),
    says: /assets\.0\.content_type/,
  },
  {
    name: 'a visual of another kind',
    fields: () => ({ assets: [{ name: 'a', content: 1, visual: { schema: 'vega' } }] }),
    says: /assets\.0\.visual\.schema/,
  },

  {
    name: 'a file that is not there',
    fields: () => ({ input: undefined, inputFilePath: '/nowhere/at.json' }),
    says: /ENOENT/,
  },
  {
    name: 'an empty file',
    fields: () => ({ input: undefined, inputFilePath: fileWith('') }),
    says: /document\.json/,
  },
  {
    name: 'an empty text file',
    fields: () => ({ input: undefined, inputFilePath: fileWith('', 'a.txt') }),
    says: /a\.txt is empty/,
  },
  {
    name: 'a file that is a directory',
    fields: () => ({ input: undefined, inputFilePath: directoryWith({ a: '1' }) }),
    says: /is no regular file/,
  },
  {
    name: 'a pipe as a file',
    fields: () => ({ input: undefined, inputFilePath: pipe() }),
    says: /is no regular file/,
  },
  {
    name: 'a JSON file that is none',
    fields: () => ({ input: undefined, inputFilePath: fileWith('{"a":') }),
    says: /does not parse/,
  },
  {
    name: 'NaN in a JSON file',
    fields: () => ({ input: undefined, inputFilePath: fileWith('{"a":NaN}') }),
    says: /NaN and Infinity are not JSON/,
  },
  {
    name: 'a JSON file with an array at its top',
    fields: () => ({ output: undefined, outputFilePath: fileWith('[1]') }),
    says: /must be a JSON object at its top, and it is an array/,
  },
  {
    name: 'a JSON file of great depth',
    fields: () => ({ outputFilePath: fileWith(`{"a":${'['.repeat(1_001)}${']'.repeat(1_001)}}`) }),
    says: /nested|deep|levels/,
  },
  {
    name: 'a logs file that is not there',
    fields: () => ({ logsFilePath: '/nowhere/at.log' }),
    says: /ENOENT/,
  },

  {
    name: 'a directory that is not there',
    fields: () => ({ input: undefined, inputDirPath: '/nowhere' }),
    says: /ENOENT/,
  },
  {
    name: 'a directory that is a file',
    fields: () => ({ input: undefined, inputDirPath: fileWith('{}') }),
    says: /is no directory/,
  },
  {
    name: 'a directory without files',
    fields: () => ({ outputDirPath: emptyDirectory() }),
    says: /has no files in it/,
  },
  {
    name: 'a directory with a symlink',
    fields: () => ({ outputDirPath: directoryWithLink() }),
    says: /link\.csv is neither a regular file nor a directory/,
  },
  {
    name: 'a directory with a symlink to a directory',
    fields: () => ({ outputDirPath: directoryWithDirectoryLink() }),
    says: /link is neither a regular file nor a directory/,
  },
  {
    name: 'a directory with a pipe',
    fields: () => ({ outputDirPath: directoryWithPipe() }),
    says: /pipe\.csv is neither/,
  },
  {
    name: 'a directory with a name that is not UTF-8',
    fields: () => ({ outputDirPath: directoryWithBadName() }),
    says: /not UTF-8/,
  },
  {
    name: 'a directory of great depth',
    fields: () => ({ outputDirPath: deepDirectory() }),
    says: /more than 64 levels/,
  },
])('$name', async ({ fields, says }) => {
  const place = await begun();
  const run = { ...minimal, ...fields() } as unknown as TrackedRunFields;
  const error = await failure(place.application.trackRun(run, { fingerprint: 'f' }));
  expect(error.reason).toBe('bad-input');
  expect(error.message).toMatch(says);
  expect(error.hint).not.toMatch(/retry|runtrackd|limits\./);
  expect(place.asked()).toEqual([]);
});

function pipe(): string {
  const path = join(temporaryFolder(), 'pipe.json');
  makePipe(path);
  return path;
}

test.each([undefined, null, 7, 'run', []])('%j is no run', async (run) => {
  const place = await begun();
  const error = await failure(place.application.trackRun(run as unknown as TrackedRunFields));
  expect(error.reason).toBe('bad-input');
  expect(place.asked()).toEqual([]);
});

test('everything that is wrong is told at once', () => {
  const fields = { status: 'ok', name: 7, duration: -1 } as unknown as TrackedRunFields;
  expect(() => new TrackedRun(fields)).toThrow(/status .*; .*duration .*; .*name /);
});

test.each<{ name: string; make: () => unknown; says: RegExp }>([
  {
    name: 'an Input of null',
    make: () => new Input({ data: null } as never),
    says: /data must be an object or a text/,
  },
  {
    name: 'an Input of a number',
    make: () => new Input({ data: 7 } as never),
    says: /data must be an object or a text/,
  },
  {
    name: 'an Input of nothing',
    make: () => new Input(undefined as never),
    says: /the input cannot be recorded/,
  },
  {
    name: 'an Input of another format',
    make: () => new Input({ data: 'a', format: 'xml' } as never),
    says: /format must be "json" or "text"/,
  },
  {
    name: 'an object that is said to be text',
    make: () => new Input({ data: {}, format: 'text' }),
    says: /format says text/,
  },
  {
    name: 'an Output with metrics that are none',
    make: () => new Output({ metrics: 7 } as never),
    says: /metrics must be an object/,
  },
  {
    name: 'an Output with an asset without a name',
    make: () => new Output({ assets: [{ content: 1 }] } as never),
    says: /assets\.0\.name/,
  },
  {
    name: 'an Output with a key that nobody knows',
    make: () => new Output({ metric: {} } as never),
    says: /metric/,
  },
])('$name is refused where it is made', ({ make, says }) => {
  expect(make).toThrow(says);
});

test.each<{ name: string; options: Record<string, unknown>; says: RegExp }>([
  { name: 'a fingerprint that is empty', options: { fingerprint: '' }, says: /fingerprint/ },
  { name: 'a fingerprint that is long', options: { fingerprint: 'x'.repeat(1_025) }, says: /fingerprint/ },
  { name: 'a fingerprint that is a number', options: { fingerprint: 7 }, says: /fingerprint/ },
  { name: 'an instance without a name', options: { instanceId: '' }, says: /instanceId/ },
  { name: 'an instance that is a number', options: { instanceId: 7 }, says: /instanceId/ },
  { name: 'a batch that is a number', options: { batchExperimentId: 7 }, says: /batchExperimentId/ },
  { name: 'options that are a list', options: { options: [1] }, says: /options is no object/ },
  { name: 'an option of NaN', options: { options: { a: Number.NaN } }, says: /options\.a is NaN/ },
  { name: 'an option that is a bigint', options: { options: { a: 1n } }, says: /options\.a is a bigint/ },
  {
    name: 'a priority of 0',
    options: { configuration: { queuing: { priority: 0 } } },
    says: /queuing\.priority must be a whole number from 1/,
  },
  {
    name: 'a priority of 1.5',
    options: { configuration: { queuing: { priority: 1.5 } } },
    says: /queuing\.priority/,
  },
  {
    name: 'an execution class that is a number',
    options: { configuration: { executionClass: 7 } },
    says: /executionClass must be a text/,
  },
  {
    name: 'a configuration in the wire’s spelling',
    options: { configuration: { run_type: { type: 'external' } } },
    says: /run_type/,
  },
  {
    name: 'a format that nobody knows',
    options: { configuration: { format: { input: { type: 'xml' } } } },
    says: /format\.input\.type must be one of json, text/,
  },
  {
    name: 'a format that nobody knows of an output that is not there',
    options: { configuration: { format: { output: { type: 'xml' } } } },
    says: /format\.output\.type/,
  },
  {
    name: 'a format that the content is not',
    options: { configuration: { format: { input: { type: 'multi-file' } } } },
    says: /says multi-file, and the input is json/,
  },
  {
    name: 'archives of CSV in the place of JSON',
    options: { configuration: { format: { input: { type: 'csv-archive' } } } },
    says: /says csv-archive/,
  },
  { name: 'a wait that is none', options: { polling: { delay: Number.NaN } }, says: /polling\.delay/ },
  { name: 'a wait below 0', options: { polling: { backoff: -1 } }, says: /polling\.backoff/ },
  {
    name: 'a wait longer than timers can',
    options: { polling: { initialDelay: 3e6 } },
    says: /polling\.initialDelay/,
  },
  { name: 'tries that are none', options: { polling: { maxTries: '7' } }, says: /polling\.maxTries/ },
  { name: 'a stop that is no function', options: { polling: { stop: true } }, says: /polling\.stop/ },
  { name: 'a directory that is no path', options: { directory: 7 }, says: /directory is no path/ },
  { name: 'a memory that is none', options: { memoryBytesMax: Number.NaN }, says: /memoryBytesMax/ },
])('$name is refused before anything is sent', async ({ options, says }) => {
  const place = await begun();
  const error = await failure(place.application.trackRunWithResult(minimal, options));
  expect(error.reason).toBe('bad-input');
  expect(error.message).toMatch(says);
  expect(place.asked()).toEqual([]);
});

test.each(['', '.', '..', 'a/b', 'a?b', 'a#b', 'a b', 'a\\b', 7, undefined, null])(
  'a run id of %j reaches nothing: it could lead to the app itself',
  async (id) => {
    const place = await begun();
    const { application } = place;
    const runId = id as unknown as string;
    for (const call of [
      application.deleteRun(runId),
      application.cancelRun(runId),
      application.updateRun(runId, { name: 'n' }),
      application.runMetadata(runId),
      application.runResult(runId),
      application.runResultWithPolling(runId),
      application.runInput(runId),
      application.runOutput(runId),
      application.runLogs(runId),
      application.runAssets(runId),
      application.runAsset(runId, '0'),
      application.runAsset('devint-1', runId),
    ])
      expect((await failure(call)).reason).toBe('bad-input');
    expect(place.asked()).toEqual([]);
  },
);

test.each([{}, { name: 7 }, { description: null }])('an update with %j is refused', async (words) => {
  const place = await begun();
  const { application } = place;
  expect((await failure(application.updateRun('devint-1', words as never))).reason).toBe('bad-input');
  expect(place.asked()).toEqual([]);
});

test.each<{ name: string; move: (path: string) => void }>([
  { name: 'grows', move: (path) => appendFileSync(path, 'x') },
  { name: 'is written anew', move: (path) => writeFileSync(path, 'y'.repeat(300_000)) },
  { name: 'goes', move: (path) => unlinkSync(path) },
])('a file that $name while the rest of its directory is read', async ({ move }) => {
  const place = await begun();
  const directory = directoryWith({ 'a.csv': 'x'.repeat(300_000), 'b/link': '1' });
  const { spoolArchive } = await import('../../src/reading/archive.ts');
  const { archiveLimits } = await import('../../src/reading/archiveLimits.ts');
  // The limits are asked for every member, so this happens between two of them.
  let asked = 0;
  const limits = {
    ...archiveLimits,
    get filesMax() {
      asked += 1;
      if (asked === 2) move(join(directory, 'a.csv'));
      return archiveLimits.filesMax;
    },
  };
  const { signal } = new AbortController();
  await expect(spoolArchive(directory, temporaryFolder(), limits, signal)).rejects.toThrow(/changed while/);
  expect(place.asked()).toEqual([]);
});

test.each<{ name: string; options: Record<string, unknown>; says: RegExp }>([
  {
    name: 'an endpoint that is no address',
    options: { endpoint: 'https://' },
    says: /endpoint is no address/,
  },
  {
    name: 'an endpoint with a password',
    options: { endpoint: 'https://user:hunter2@h.example.com' },
    says: /more in it/,
  },
  { name: 'plain http to elsewhere', options: { endpoint: 'http://h.example.com' }, says: /plain http/ },
  {
    name: 'a key with a line break',
    options: { apiKey: 'hunter2\n' },
    says: /characters in it that no key has/,
  },
  { name: 'a key that is a number', options: { apiKey: 7 }, says: /is no text/ },
  {
    name: 'a proxy that is no address',
    options: { proxy: 'user:hunter2@proxy' },
    says: /proxy is no address/,
  },
  { name: 'authorities that are not there', options: { caFile: '/nowhere.pem' }, says: /cannot be read/ },
  { name: 'no tries at all', options: { retry: { maxTries: 0 } }, says: /retry/ },
  { name: 'a delay of NaN', options: { retry: { delay: Number.NaN } }, says: /retry/ },
])('a client with $name is refused', ({ options, says }) => {
  const make = () => new Client({ apiKey: key, endpoint: 'https://h.example.com', ...options });
  expect(make).toThrow(says);
  expect(make).not.toThrow(/hunter2/);
});
