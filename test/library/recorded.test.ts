/** What is recorded on the platform for what a caller says, byte by byte. */
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Application, Input, Output, TrackedRun, type TrackedRunFields } from '../../src/index.ts';
import { until } from '../journey/waiting.ts';
import {
  app,
  begun,
  directoryWith,
  failure,
  fileWith,
  membersOf,
  openFiles,
  temporaryFolder,
  textsOf,
} from './place.ts';

const minimal = { status: 'succeeded', input: { a: 1 } } as const;

/** The run that is recorded for these fields. */
async function recordedFor(fields: Partial<TrackedRunFields>) {
  const place = await begun();
  const hasInput = 'inputFilePath' in fields || 'inputDirPath' in fields;
  await place.application.trackRun({
    status: 'succeeded',
    ...(hasInput ? {} : { input: { a: 1 } }),
    ...fields,
  });
  return place.only();
}

describe('a JSON input', () => {
  test.each<{ name: string; fields: () => Partial<TrackedRunFields>; is: string; format: string }>([
    {
      name: 'an object is its JSON',
      fields: () => ({ input: { sample: 'in', zwölf: [1, null, { x: 0.5 }] } }),
      is: '{"sample":"in","zwölf":[1,null,{"x":0.5}]}',
      format: 'json',
    },
    { name: 'an empty object is there', fields: () => ({ input: {} }), is: '{}', format: 'json' },
    {
      name: 'a date is ISO 8601, an undefined member is not there',
      fields: () => ({ input: { at: new Date(0), not: undefined } }),
      is: '{"at":"1970-01-01T00:00:00.000Z"}',
      format: 'json',
    },
    {
      name: 'an Input is its data, without an envelope',
      fields: () => ({ input: new Input({ data: { a: 1 } }) }),
      is: '{"a":1}',
      format: 'json',
    },
    {
      name: 'an object that knows its JSON is asked for it',
      fields: () => ({ input: { secret: 1, toJSON: () => ({ shown: 2 }) } }),
      is: '{"shown":2}',
      format: 'json',
    },
    {
      name: 'JSON text goes as it is, to the last blank and digit',
      fields: () => ({ input: new Input({ data: '{ "n": 12345678901234567890.10 }\n', format: 'json' }) }),
      is: '{ "n": 12345678901234567890.10 }\n',
      format: 'json',
    },
    { name: 'a text is text', fields: () => ({ input: 'zwölf\r\n' }), is: 'zwölf\r\n', format: 'text' },
    {
      name: 'a text that looks like JSON is text all the same',
      fields: () => ({ input: '{"a":1}' }),
      is: '{"a":1}',
      format: 'text',
    },
    {
      name: 'an Input with text is text',
      fields: () => ({ input: new Input({ data: 'x = 1' }) }),
      is: 'x = 1',
      format: 'text',
    },
    {
      name: 'a JSON file goes as it is',
      fields: () => ({ inputFilePath: fileWith('{ "n": 1.10 }\n') }),
      is: '{ "n": 1.10 }\n',
      format: 'json',
    },
    {
      name: 'any other file is text',
      fields: () => ({ inputFilePath: fileWith('x = 1\n', 'model.lp') }),
      is: 'x = 1\n',
      format: 'text',
    },
  ])('$name', async ({ fields, is, format }) => {
    const { files, request } = await recordedFor(fields());
    expect(String(files['input'])).toBe(is);
    expect(request['configuration']).toEqual({
      format: { input: { type: format }, output: { type: 'json' } },
      run_type: { type: 'external' },
    });
  });

  test('a file is found through a link: the path is the caller’s own', async () => {
    const link = join(temporaryFolder(), 'latest.json');
    symlinkSync(fileWith('{"a":1}', 'plan-17.txt'), link);
    const { files, request } = await recordedFor({ inputFilePath: link });
    expect(String(files['input'])).toBe('{"a":1}');
    expect(request['configuration']).toMatchObject({ format: { input: { type: 'json' } } });
  });
});

describe('a directory', () => {
  test('is an archive of its regular files, hidden ones too, without those of the official SDK’s own', async () => {
    const inputDirPath = directoryWith({
      'a.csv': '1,2\n',
      '.hidden': 'h',
      'sub/b.json': '{}',
      'sub/inputs.tar.gz': 'an archive of an earlier time',
      'empty.txt': '',
      [`deep/${'x'.repeat(90)}/${'y'.repeat(120)}.txt`]: 'long',
      'zwölf/ß.txt': 'ü',
    });
    mkdirSync(join(inputDirPath, 'nothing'));
    const { files, request } = await recordedFor({ inputDirPath });
    expect(await membersOf(files['input'])).toEqual({
      '.hidden': 'h',
      'a.csv': '1,2\n',
      [`deep/${'x'.repeat(90)}/${'y'.repeat(120)}.txt`]: 'long',
      'empty.txt': '',
      'sub/b.json': '{}',
      'zwölf/ß.txt': 'ü',
    });
    expect(request['configuration']).toMatchObject({ format: { input: { type: 'multi-file' } } });
  });

  test('makes the same archive whenever it has the same content', async () => {
    const files = { 'b.csv': '2', 'a.csv': '1' };
    const [one, two] = [directoryWith(files), directoryWith(files)];
    utimesSync(join(two, 'a.csv'), 1, 1);
    const archives = [await recordedFor({ inputDirPath: one }), await recordedFor({ inputDirPath: two })].map(
      (run) => run.files['input']?.toString('hex'),
    );
    expect(archives[0]).toBe(archives[1]);
  });

  test('leaves nothing behind where archives lie until they are sent', async () => {
    const temporaryDirectory = temporaryFolder();
    const { readdirSync } = await import('node:fs');
    const { application } = await begun({ temporaryDirectory });
    await application.trackRun({ status: 'succeeded', inputDirPath: directoryWith({ a: '1' }) });
    expect(readdirSync(temporaryDirectory)).toEqual([]);
  });

  test('has figures beside it: statistics and assets in an envelope, metrics without one', async () => {
    const run = await recordedFor({
      outputDirPath: directoryWith({ 'plan.csv': '1' }),
      metrics: { gap: 0.1 },
      statistics: { result: { value: 27 } },
      assets: [{ name: 'Plot', content: { x: 1 }, visual: { schema: 'chartjs', label: 'Charts' } }],
    });
    expect(textsOf(run)).toEqual({
      output: expect.any(String) as string,
      input: '{"a":1}',
      metrics: '{"gap":0.1}',
      statistics: '{"statistics":{"result":{"value":27}}}',
      assets:
        '{"assets":[{"name":"Plot","content":{"x":1},"visual":{"schema":"chartjs","label":"Charts","type":"custom-tab"},"content_type":"json"}]}',
    });
    expect(Object.keys(run.request.result).sort()).toEqual([
      'assets_upload_id',
      'metrics_upload_id',
      'output_upload_id',
      'statistics_upload_id',
      'status',
    ]);
  });

  test('has no second envelope for statistics that come in theirs', async () => {
    const { files } = await recordedFor({
      outputDirPath: directoryWith({ 'plan.csv': '1' }),
      statistics: { statistics: { run: { duration: 1 } } },
    });
    expect(String(files['statistics'])).toBe('{"statistics":{"run":{"duration":1}}}');
  });

  test('an empty list of assets is sent', async () => {
    const { files } = await recordedFor({ output: 'text', assets: [] });
    expect(String(files['assets'])).toBe('{"assets":[]}');
  });
});

describe('an output', () => {
  const figures = { metrics: { gap: 0.1 }, statistics: { schema: 'v1' } };

  test.each<{ name: string; fields: () => Partial<TrackedRunFields>; is: string; format?: string }>([
    { name: 'an object is its JSON', fields: () => ({ output: { solution: 1 } }), is: '{"solution":1}' },
    {
      name: 'an Output has options and solution at least',
      fields: () => ({ output: new Output() }),
      is: '{"options":{},"solution":{}}',
    },
    {
      name: 'an Output has what it was given',
      fields: () => ({
        output: new Output({
          options: { duration: 30 },
          solution: { routes: [] },
          statistics: { schema: 'v1' },
          metrics: { gap: 0 },
          assets: [{ name: 'Plot', content: [1] }],
        }),
      }),
      is: '{"options":{"duration":30},"solution":{"routes":[]},"statistics":{"schema":"v1"},"metrics":{"gap":0},"assets":[{"name":"Plot","content":[1],"content_type":"json"}]}',
    },
    {
      name: 'a solution that is null stays null',
      fields: () => ({ output: new Output({ solution: null }) }),
      is: '{"options":{},"solution":null}',
    },
    {
      name: 'figures become members of a document that has none',
      fields: () => ({ output: { solution: 1 }, ...figures }),
      is: '{"solution":1,"metrics":{"gap":0.1},"statistics":{"schema":"v1"}}',
    },
    {
      name: 'figures become members of an Output, too',
      fields: () => ({ output: new Output(), metrics: { gap: 1 } }),
      is: '{"options":{},"solution":{},"metrics":{"gap":1}}',
    },
    {
      name: 'what the document has itself stays',
      fields: () => ({ output: { metrics: null, solution: 1 }, ...figures }),
      is: '{"metrics":null,"solution":1,"statistics":{"schema":"v1"}}',
    },
    {
      name: 'an empty document takes them',
      fields: () => ({ output: {}, ...figures }),
      is: '{"metrics":{"gap":0.1},"statistics":{"schema":"v1"}}',
    },
    {
      name: 'a member that is undefined is none',
      fields: () => ({ output: { metrics: undefined }, metrics: { gap: 1 } }),
      is: '{"metrics":{"gap":1}}',
    },
    {
      name: 'a document that knows its JSON takes them where that has none',
      fields: () => ({ output: { metrics: 1, toJSON: () => ({ shown: 2 }) }, metrics: { gap: 1 } }),
      is: '{"shown":2,"metrics":{"gap":1}}',
    },
    {
      name: 'a JSON file takes them before its last brace, and is itself to the last digit',
      fields: () => ({ outputFilePath: fileWith('{ "n": 1.10 }\n'), ...figures }),
      is: '{ "n": 1.10 ,"metrics":{"gap":0.1},"statistics":{"schema":"v1"}}\n',
    },
    {
      name: 'a JSON file keeps what it has, escaped or not, and a deeper one does not count',
      fields: () => ({
        outputFilePath: fileWith('{"\\u006detrics":{"own":1},"x":{"statistics":1}}'),
        ...figures,
      }),
      is: '{"\\u006detrics":{"own":1},"x":{"statistics":1},"statistics":{"schema":"v1"}}',
    },
    {
      name: 'an empty document in a file takes them',
      fields: () => ({ outputFilePath: fileWith(' { } '), metrics: { gap: 1 } }),
      is: ' { "metrics":{"gap":1}} ',
    },
    { name: 'a text is text', fields: () => ({ output: 'x = 1' }), is: 'x = 1', format: 'text' },
    {
      name: 'a file that is not .json is text',
      fields: () => ({ outputFilePath: fileWith('x = 1', 'out.sol') }),
      is: 'x = 1',
      format: 'text',
    },
  ])('$name', async ({ fields, is, format = 'json' }) => {
    const { files, request } = await recordedFor(fields());
    expect(String(files['output'])).toBe(is);
    expect(request['configuration']).toMatchObject({ format: { output: { type: format } } });
    // Beside a JSON document nothing is uploaded but input and output.
    expect(Object.keys(files).sort()).toEqual(['input', 'output']);
  });

  test('beside a text, figures travel on their own', async () => {
    expect(textsOf(await recordedFor({ output: 'x = 1', ...figures }))).toEqual({
      input: '{"a":1}',
      output: 'x = 1',
      metrics: '{"gap":0.1}',
      statistics: '{"statistics":{"schema":"v1"}}',
    });
  });

  test('without one, figures travel on their own', async () => {
    const { files } = await recordedFor({ status: 'failed', error: 'no', metrics: { gap: 1 } });
    expect(String(files['metrics'])).toBe('{"gap":1}');
    expect(files['output']).toBeUndefined();
  });
});

describe('logs', () => {
  test.each<{ name: string; fields: () => Partial<TrackedRunFields>; is: string | undefined }>([
    {
      name: 'a list is joined with real newlines',
      fields: () => ({ logs: ['line one', 'line two'] }),
      is: 'line one\nline two',
    },
    { name: 'a text goes as it is', fields: () => ({ logs: 'zwölf\r\n' }), is: 'zwölf\r\n' },
    {
      name: 'a file goes as it is',
      fields: () => ({ logsFilePath: fileWith('of a file', 'x.log') }),
      is: 'of a file',
    },
    { name: 'an empty text is none', fields: () => ({ logs: '' }), is: undefined },
    { name: 'an empty list is none', fields: () => ({ logs: [] }), is: undefined },
    { name: 'an empty file is none', fields: () => ({ logsFilePath: fileWith('', 'x.log') }), is: undefined },
    {
      name: 'an error that fits the wire is not repeated',
      fields: () => ({ status: 'failed', error: 'exit 3', logs: 'a log' }),
      is: 'a log',
    },
    {
      name: 'an error that does not is at the end of the text',
      fields: () => ({ status: 'failed', error: 'zwölf\nLinks', logs: 'a log' }),
      is: 'a log\nzwölf\nLinks',
    },
    {
      name: 'and at the end of the file',
      fields: () => ({ status: 'failed', error: 'zwölf', logsFilePath: fileWith('a log', 'x.log') }),
      is: 'a log\nzwölf',
    },
    {
      name: 'and alone where there are none',
      fields: () => ({ status: 'failed', error: 'zwölf', logsFilePath: fileWith('', 'x.log') }),
      is: 'zwölf',
    },
  ])('$name', async ({ fields, is }) => {
    const { files, request } = await recordedFor(fields());
    expect(files['logs']?.toString()).toBe(is);
    expect('error_upload_id' in request.result).toBe(is !== undefined);
  });
});

describe('what is said of a run', () => {
  test.each([
    { seconds: 0, ms: 0 },
    { seconds: 1.5, ms: 1_500 },
    { seconds: 0.0004, ms: 0 },
    { seconds: 0.0005, ms: 1 },
    { seconds: 1.0049, ms: 1_005 },
    { seconds: 0.1 + 0.2, ms: 300 },
    { seconds: 90_061, ms: 90_061_000 },
  ])('a duration of $seconds s is $ms whole ms', async ({ seconds, ms }) => {
    const { request } = await recordedFor({ duration: seconds });
    expect(request.result).toMatchObject({ execution_duration: ms });
  });

  test('what is not said is not sent', async () => {
    const place = await begun();
    await place.application.trackRun(minimal);
    const { request, name, description } = place.only();
    expect(Object.keys(request).sort()).toEqual(['configuration', 'result', 'upload_id']);
    expect(request.result).toEqual({ status: 'succeeded' });
    expect([name, description]).toEqual(['', '']);
  });

  test.each<{ name: string; fields: Partial<TrackedRunFields>; is: string | undefined }>([
    { name: 'goes as it is', fields: { error: 'exit 3' }, is: 'exit 3' },
    { name: 'is one line of ASCII', fields: { error: ' zwölf\n\tLinks ☃ ' }, is: 'zwolf Links' },
    { name: 'has 200 characters at most', fields: { error: 'x'.repeat(300) }, is: 'x'.repeat(200) },
    {
      name: 'is replaced where nothing is left of it',
      fields: { error: '☃' },
      is: 'the run failed; see its logs',
    },
  ])('an error $name', async ({ fields, is }) => {
    const { request } = await recordedFor({ status: 'failed', ...fields });
    expect(request.result['error_message']).toBe(is);
  });

  test.each(['', '  \n'])('a blank error (%j) of a succeeded run is none', async (error) => {
    const { request, files } = await recordedFor({ error });
    expect(request.result).toEqual({ status: 'succeeded' });
    expect(Object.keys(files)).toEqual(['input']);
  });

  test('name and description are cut to what the platform keeps, between characters', async () => {
    const { name, description } = await recordedFor({ name: '☃'.repeat(200), description: 'ü'.repeat(200) });
    expect(name).toBe('☃'.repeat(128));
    expect(description).toBe('ü'.repeat(128));
  });

  test('a TrackedRun records what its fields do', async () => {
    const fields = { ...minimal, output: { a: 2 }, duration: 2, name: 'n', description: 'd', logs: ['l'] };
    const place = await begun();
    const ids = [
      await place.application.trackRun(fields),
      await place.application.trackRun(new TrackedRun(fields)),
    ];
    const [one, two] = ids.map((id) => place.recorded(id));
    expect(textsOf(one ?? place.only())).toEqual(textsOf(two ?? place.only()));
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('options of the call', () => {
  test('the whole configuration is in the platform’s spelling', async () => {
    const place = await begun();
    await place.application.trackRun(minimal, {
      instanceId: 'prod',
      batchExperimentId: 'batch-1',
      options: { text: 'as it is', number: 7, object: { a: [true] }, nothing: null, not: undefined },
      configuration: {
        executionClass: '6c9gb',
        format: { input: { type: 'text' } },
        runType: { type: 'external', definitionId: 'd', referenceId: 'r' },
        secretsCollectionId: 's',
        queuing: { priority: 1, disabled: true },
        integrationId: 'i',
      },
    });
    const { request, instance } = place.only();
    expect(instance).toBe('prod');
    expect(request).toMatchObject({
      batch_experiment_id: 'batch-1',
      options: { text: 'as it is', number: '7', object: '{"a":[true]}', nothing: 'null' },
      configuration: {
        execution_class: '6c9gb',
        format: { input: { type: 'text' }, output: { type: 'json' } },
        run_type: { type: 'external', definition_id: 'd', reference_id: 'r' },
        secrets_collection_id: 's',
        queuing: { priority: 1, disabled: true },
        integration_id: 'i',
      },
    });
    expect(Object.keys(request['options'] as object)).not.toContain('not');
  });

  test('without an instance the app’s default counts', async () => {
    const { instance } = await recordedFor({});
    expect(instance).toBe('devint');
  });

  test('csv-archive may be said of directories', async () => {
    const place = await begun();
    const dir = directoryWith({ 'a.csv': '1' });
    await place.application.trackRun(
      { status: 'succeeded', inputDirPath: dir, outputDirPath: dir },
      { configuration: { format: { input: { type: 'csv-archive' }, output: { type: 'csv-archive' } } } },
    );
    expect(place.only().request['configuration']).toMatchObject({
      format: { input: { type: 'csv-archive' }, output: { type: 'csv-archive' } },
    });
  });
});

describe('how much is asked', () => {
  test('JSON input, output and logs with a result that is final at once: 5 API requests and 3 PUTs', async () => {
    const place = await begun();
    const result = await place.application.trackRunWithResult({
      ...minimal,
      output: { solution: { x: 1 } },
      logs: ['one', 'two'],
      duration: 1.5,
      name: 'plan',
    });
    expect(place.asked().toSorted()).toEqual(
      ['uploadurl', 'uploadurl', 'uploadurl', 'put', 'put', 'put', 'create', 'run'].toSorted(),
    );
    expect(result).toMatchObject({
      name: 'plan',
      isFinal: true,
      output: { format: 'json', data: { solution: { x: 1 } }, files: null, path: null, leftOut: [] },
      errorLog: null,
      metadata: { status: 'succeeded', applicationId: app, executionDuration: 1.5, runType: 'external' },
    });
  });

  test('a run that is final later is asked for until it is', async () => {
    const place = await begun();
    const { faults } = place.standIn;
    faults.finalAfterMs = 3_600_000;
    const listen = faults.onRequest;
    let polls = 0;
    faults.onRequest = (seen) => {
      polls += seen.kind === 'metadata' && seen.phase === 'received' ? 1 : 0;
      if (polls === 3) faults.finalAfterMs = 0;
      return listen?.(seen);
    };
    const polling = { delay: 0, backoff: 0, jitter: 0 };
    const result = await place.application.trackRunWithResult({ ...minimal, output: {} }, { polling });
    expect(result.metadata.status).toBe('succeeded');
    expect(place.asked().slice(-5)).toEqual(['run', 'metadata', 'metadata', 'metadata', 'run']);
    expect(place.count('uploadurl', 'create')).toBe(3);
  });

  test('64 runs at once, with one signal for all, each become one run and warn of nothing', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    const place = await begun();
    const { signal } = new AbortController();
    const ids = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        place.application.trackRun({ ...minimal, input: { n }, output: { n }, logs: 'l' }, { signal }),
      ),
    );
    expect(new Set(ids).size).toBe(64);
    expect(place.runs()).toHaveLength(64);
    expect(place.count('create')).toBe(64);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

test('an app id that is none is refused before a client is made', () => {
  for (const id of ['', 'ab', 'UPPER', 'a/b', '..', '-abc', 7 as unknown as string])
    expect(() => new Application({ id })).toThrow(/no app id/);
});

test.each(['input.txt', 'input.json'])(
  'a file (%s) that changes while it is first read is not sent',
  async (name) => {
    const place = await begun();
    const inputFilePath = fileWith(`{"pad":"${'x'.repeat(30e6)}"}`, name);
    // A text may be anything: this one has a hole.
    if (name === 'input.txt') truncateSync(inputFilePath, 600e6);
    const call = failure(place.application.trackRun({ status: 'succeeded', inputFilePath }));
    await until('the file to be open', () => openFiles().includes(inputFilePath));
    appendFileSync(inputFilePath, ' ');
    expect((await call).reason).toBe('source-changed');
    expect(place.asked()).toEqual([]);
  },
);

test('a file that grows between two tries of its upload is not sent', async () => {
  const place = await begun();
  const inputFilePath = fileWith('x'.repeat(100), 'input.txt');
  place.standIn.faults.next({ kind: 'put' }, { kind: 'answer', status: 503 });
  const { faults } = place.standIn;
  const listen = faults.onRequest;
  faults.onRequest = (seen) => {
    if (seen.kind === 'put' && seen.phase === 'received') writeFileSync(inputFilePath, 'y'.repeat(101));
    return listen?.(seen);
  };
  const error = await failure(place.application.trackRun({ status: 'succeeded', inputFilePath }));
  expect(error.reason).toBe('source-changed');
  expect(place.runs()).toEqual([]);
});
