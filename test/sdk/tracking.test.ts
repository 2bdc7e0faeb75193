/** The official SDK tracks runs of every kind, and the stand-in has recorded them to the byte. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Faults } from '../../src/standin/faults.ts';
import { app, filesIn, recorded, recordedIds, sdkTest, writeFiles } from './judged.ts';
import { callSdk, trackWithSdk, valueOf } from './python.ts';

const jsonBoth = { input: { type: 'json' }, output: { type: 'json' } };

sdkTest.concurrent('a succeeded run, JSON in and out', async ({ judged }) => {
  const scene = await judged();
  const { run_id: id } = valueOf(
    await trackWithSdk(scene.target, app, {
      run: {
        status: 'succeeded',
        input: { stops: [1, 2, 3], city: 'Zürich' },
        output: { solution: { routes: [[1, 3], [2]] }, metrics: { result: { value: 27 } } },
        duration: 1000,
        logs: ['line one', 'line two é'],
        name: 'plan é',
        description: 'of a week',
      },
      instance_id: 'prod',
    }),
  );
  expect(scene.counts()).toStrictEqual({ uploadurl: 3, put: 3, create: 1 });
  expect(id).toMatch(/^prod-[\w-]{9}$/);
  const run = await recorded(scene, id);
  expect(run).toMatchObject({ name: 'plan é', description: 'of a week' });
  expect(run.input?.toString()).toBe(String.raw`{"stops":[1,2,3],"city":"Z\u00fcrich"}`);
  expect(run.output?.toString()).toBe(
    '{"solution":{"routes":[[1,3],[2]]},"metrics":{"result":{"value":27}}}',
  );
  // The SDK joins a list of lines with two characters, a backslash and an n.
  expect(run.logs).toBe(String.raw`line one\nline two é`);
  expect(run.metadata).toMatchObject({
    application_id: app,
    application_instance_id: 'prod',
    status_v2: 'succeeded',
    execution_duration: 1000,
    error: '',
    input_size: 38,
    output_size: 69,
    format: jsonBoth,
    metrics: { result: { value: 27 } },
    run_type: { type: 'external' },
  });
});

sdkTest.concurrent('a failed run without an output', async ({ judged }) => {
  const scene = await judged();
  const { run_id: id } = valueOf(
    await trackWithSdk(scene.target, app, {
      run: {
        status: 'failed',
        input: { a: 1 },
        duration: 2040,
        error: 'solver exited with code 3',
        logs: 'log line one\nlog line two',
      },
    }),
  );
  expect(scene.counts()).toStrictEqual({ uploadurl: 2, put: 2, create: 1 });
  const run = await recorded(scene, id);
  expect(run.output).toBeNull();
  expect(run.logs).toBe('log line one\nlog line two');
  expect(run.metadata).toMatchObject({
    status_v2: 'failed',
    execution_duration: 2040,
    error: 'solver exited with code 3',
    output_size: 0,
  });
  expect((await scene.client.call('GET', `/runs/${id}`)).json['error_log']).toStrictEqual({
    error: 'solver exited with code 3',
    stdout: '',
    stderr: 'log line one\nlog line two\nsolver exited with code 3\n',
  });
});

sdkTest.concurrent(
  "the SDK's own objects, with everything that goes into separate uploads",
  async ({ judged }) => {
    const scene = await judged();
    const asset = { name: 'Plot', content: { type: 'bar' }, content_type: 'json' };
    const visual = { schema: 'chartjs', label: 'Charts', type: 'custom-tab' };
    const { run_id: id } = valueOf(
      await trackWithSdk(scene.target, app, {
        objects: true,
        run: {
          status: 'succeeded',
          input: { a: [1, 2] },
          output: {
            options: { duration: 30 },
            solution: { routes: [[1]] },
            metrics: { result: { value: 27 } },
            statistics: { run: { duration: 1.5, iterations: 10 } },
            assets: [{ ...asset, visual }],
          },
          statistics: { run: { duration: 9 } },
          metrics: { result: { value: 99 } },
          assets: [asset, { name: 'Raw', content: [1], content_type: 'json' }],
        },
      }),
    );
    expect(scene.counts()).toStrictEqual({ uploadurl: 5, put: 5, create: 1 });
    const run = await recorded(scene, id);
    expect(JSON.parse(String(run.output))).toMatchObject({
      options: { duration: 30 },
      solution: { routes: [[1]] },
      metrics: { result: { value: 27 } },
      statistics: { run: { duration: 1.5, iterations: 10 } },
      assets: [{ name: 'Plot', visual }],
    });
    // For JSON what stands in the output counts, and the separate uploads do not.
    expect(run.metadata).toMatchObject({
      metrics: { result: { value: 27 } },
      statistics: { run: { duration: 1.5, iterations: 10 } },
    });
    expect((await scene.client.call('GET', `/runs/${id}/assets`)).json['items']).toMatchObject([
      { name: 'Plot', content_type: 'json', visual },
    ]);
  },
);

const polling = { initial_delay: 0, delay: 0.05, backoff: 0, jitter: 0 };
const small = { input: { a: 1 }, output: { solution: { b: 2 } }, logs: 'log' };

sdkTest.concurrent('a run whose result is there at once is nine requests', async ({ judged }) => {
  const scene = await judged();
  const { run_id: id, result } = valueOf(
    await trackWithSdk(scene.target, app, { polling, run: { ...small, status: 'succeeded' } }),
  );
  expect(scene.counts()).toStrictEqual({ uploadurl: 3, put: 3, create: 1, metadata: 1, run: 1 });
  expect(result).toMatchObject({ id, output: { solution: { b: 2 } }, metadata: { status_v2: 'succeeded' } });
});

sdkTest.concurrent.for([
  { status: 'succeeded', more: {}, is: { output: { solution: { b: 2 } } } },
  {
    status: 'failed',
    more: { error: 'no' },
    is: { error_log: { error: 'no', stdout: '{"solution":{"b":2}}', stderr: 'log\nno\n' } },
  },
])('a result that is waited for: $status', async ({ status, more, is }, { judged }) => {
  const scene = await judged({ faults: new Faults({ finalAfterMs: 500 }) });
  const { result } = valueOf(
    await trackWithSdk(scene.target, app, { polling, run: { ...small, ...more, status } }),
  );
  expect(result).toMatchObject({ ...is, metadata: { status_v2: status } });
  expect(scene.counts()).toMatchObject({ create: 1, run: 1 });
  expect(scene.counts().metadata).toBeGreaterThan(1);
});

sdkTest.concurrent('text, which the SDK declares JSON unless it is told what it is', async ({ judged }) => {
  const scene = await judged({ faults: new Faults({ notJson: 'accept' }) });
  const text = 'plain text é\nline 2\n';
  const run = { status: 'succeeded', input: text, output: { solution: {} } };
  const undeclared = valueOf(await trackWithSdk(scene.target, app, { run }));
  const declared = valueOf(
    await trackWithSdk(scene.target, app, {
      run: { ...run, output: 'text output' },
      format: { input: 'text', output: 'text' },
    }),
  );
  const [first, second] = [await recorded(scene, undeclared.run_id), await recorded(scene, declared.run_id)];
  expect(first.metadata['format']).toStrictEqual(jsonBoth);
  expect(first.input?.toString()).toBe(text);
  expect(second.metadata['format']).toStrictEqual({ input: { type: 'text' }, output: { type: 'text' } });
  expect([second.input?.toString(), second.output?.toString()]).toStrictEqual([text, 'text output']);
});

const inputs = {
  'a.csv': 'id,x\n1,2\n',
  '.hidden': 'h',
  'sub/deeper/b.json': '{}',
  'Größe ü.txt': 'unicode',
};
const outputs = { 'sol.csv': 'a,b\n', 'bin.dat': String.fromCharCode(...Array(256).keys()) };
const multiFile = { input: 'multi-file', output: 'multi-file' };

sdkTest.concurrent(
  'folders, with metrics, statistics and assets of their own',
  async ({ folder, judged }) => {
    const scene = await judged();
    const [inDir, outDir] = [writeFiles(folder(), inputs), writeFiles(folder(), outputs)];
    const order = {
      run: {
        status: 'succeeded',
        input_dir_path: inDir,
        output_dir_path: outDir,
        duration: 63_000,
        logs: 'l',
        metrics: { result: { value: 1 } },
        statistics: { run: { duration: 1 } },
        assets: [{ name: 'P', content: { x: 1 }, content_type: 'json' }],
      },
      format: multiFile,
      instance_id: 'prod',
    };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
    expect(scene.counts()).toStrictEqual({ uploadurl: 6, put: 6, create: 1 });
    const run = await recorded(scene, id);
    expect(await filesIn(run.input, folder())).toStrictEqual(inputs);
    expect(await filesIn(run.output, folder())).toStrictEqual(outputs);
    expect(run.metadata).toMatchObject({
      format: { input: { type: 'multi-file' }, output: { type: 'multi-file' } },
      input_size: run.input?.length,
      output_size: run.output?.length,
      metrics: { result: { value: 1 } },
      statistics: { run: { duration: 1 } },
    });
    expect((await scene.client.call('GET', `/runs/${id}/assets`)).json['items']).toMatchObject([
      { name: 'P' },
    ]);
  },
);

sdkTest.concurrent('folders that nobody declared are JSON to the SDK', async ({ folder, judged }) => {
  const scene = await judged({ faults: new Faults({ notJson: 'accept' }) });
  const inDir = writeFiles(folder(), { 'a.csv': 'x' });
  symlinkSync('a.csv', join(inDir, 'link.csv'));
  const run = { status: 'succeeded', input_dir_path: inDir, output_dir_path: inDir };
  const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, { run }));
  const there = await recorded(scene, id);
  expect(there.metadata['format']).toStrictEqual(jsonBoth);
  expect(await filesIn(there.input, folder())).toStrictEqual({ 'a.csv': 'x', 'link.csv': 'x' });
});

sdkTest.concurrent('a failed run of folders without an output', async ({ folder, judged }) => {
  const scene = await judged();
  const { run_id: id } = valueOf(
    await trackWithSdk(scene.target, app, {
      run: { status: 'failed', input_dir_path: writeFiles(folder(), inputs), error: 'boom', logs: 'l' },
      format: multiFile,
    }),
  );
  const run = await recorded(scene, id);
  expect(await filesIn(run.input, folder())).toStrictEqual(inputs);
  expect(run.output).toBeNull();
  expect(run.metadata).toMatchObject({ status_v2: 'failed', error: 'boom', output_size: 0 });
});

sdkTest.concurrent('a large output and a large input, to the last byte', async ({ judged }) => {
  const scene = await judged();
  const pad = 'x'.repeat(6 * 1024 * 1024);
  const { run_id: id } = valueOf(
    await trackWithSdk(scene.target, app, {
      run: { status: 'succeeded', input: { pad }, output: { solution: { pad } } },
    }),
  );
  const run = await recorded(scene, id);
  expect(run.input?.equals(Buffer.from(JSON.stringify({ pad })))).toBe(true);
  expect(run.output?.equals(Buffer.from(JSON.stringify({ solution: { pad } })))).toBe(true);
  expect(run.metadata).toMatchObject({ input_size: 6_291_466, output_size: 6_291_479 });
});

sdkTest.concurrent('name, options, batch and reference of a run that new_run records', async ({ judged }) => {
  const scene = await judged();
  const [fresh] = await callSdk(scene.target, app, [
    [
      'new_run',
      {
        input: { a: 1 },
        upload_id: await scene.client.upload('{"a":1}'),
        instance_id: 'prod',
        name: 'plan é',
        description: 'd'.repeat(256),
        options: { duration: '30s', n: 5, b: true, o: { x: 1 } },
        configuration: { run_type: { type: 'external', reference_id: 'fp-abc' } },
        batch_experiment_id: 'batch-1',
        external_result: {
          status: 'succeeded',
          output_upload_id: await scene.client.upload('{"solution":{}}'),
        },
      },
    ],
  ]);
  const run = await recorded(scene, String(valueOf(fresh)));
  const options = { duration: '30s', n: '5', b: 'true', o: '{"x":1}' };
  expect(run).toMatchObject({ name: 'plan é', description: 'd'.repeat(256) });
  expect(run.metadata).toMatchObject({
    application_instance_id: 'prod',
    experiment_id: 'batch-1',
    run_type: { type: 'external', reference_id: 'fp-abc' },
    options: { request_options: options, active_options: options },
  });
});

sdkTest.concurrent(
  'the least that the SDK sends: an empty text, an empty object, no assets',
  async ({ judged }) => {
    const scene = await judged({ faults: new Faults({ notJson: 'accept' }) });
    const ids = [];
    for (const more of [{ input: '' }, { input: {} }, { input: {}, assets: [] }]) {
      ids.push(
        valueOf(await trackWithSdk(scene.target, app, { run: { ...more, status: 'succeeded' } })).run_id,
      );
    }
    expect(scene.counts()).toStrictEqual({ uploadurl: 4, put: 4, create: 3 });
    expect(await recordedIds(scene)).toStrictEqual(ids.toReversed());
    const inputsThere = await Promise.all(ids.map(async (id) => String((await recorded(scene, id)).input)));
    expect(inputsThere).toStrictEqual(['', '{}', '{}']);
  },
);
