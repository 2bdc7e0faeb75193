/** The official SDK reads back what is recorded: its own models are the judge of every answer. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { app, readFiles, sdkTest, writeFiles, type Judged } from './judged.ts';
import { callSdk, readBackWithSdk, trackWithSdk, valueOf, type Outcome } from './python.ts';

async function tracked(scene: Judged, order: object): Promise<string> {
  return valueOf(await trackWithSdk(scene.target, app, order)).run_id;
}

sdkTest.concurrent(
  'a JSON run: metadata, result, output, input, logs, live logs',
  async ({ folder, judged }) => {
    const scene = await judged();
    const id = await tracked(scene, {
      run: {
        status: 'succeeded',
        input: { a: 1 },
        output: { solution: { b: 2 }, metrics: { result: { value: 27 } } },
        logs: 'line one\nline two',
        duration: 1234,
        name: 'plan',
        description: 'fp:abc',
      },
      instance_id: 'prod',
    });
    const back = await readBackWithSdk(scene.target, app, id, folder());
    const metadata = { status_v2: 'succeeded', execution_duration: 1234, application_instance_id: 'prod' };
    const output = { solution: { b: 2 }, metrics: { result: { value: 27 } } };
    expect(valueOf(back.information)).toMatchObject({ id, name: 'plan', description: 'fp:abc', metadata });
    expect(valueOf(back.result)).toMatchObject({ id, metadata, output });
    expect(valueOf(back.output)).toStrictEqual(output);
    expect(valueOf(back.input)).toStrictEqual({ a: 1 });
    expect(valueOf(back.logs)).toStrictEqual({ log: 'line one\nline two' });
    expect(valueOf(back.live_logs)).toMatchObject([{ log: 'line one\nline two' }]);
    expect(valueOf(back.assets)).toStrictEqual([]);
  },
);

sdkTest.concurrent('a failed run', async ({ folder, judged }) => {
  const scene = await judged();
  const id = await tracked(scene, {
    run: { status: 'failed', input: { a: 1 }, output: { solution: {} }, error: 'no', logs: 'x' },
  });
  const back = await readBackWithSdk(scene.target, app, id, folder());
  expect(valueOf(back.result)).toMatchObject({
    metadata: { status_v2: 'failed', error: 'no' },
    error_log: { error: 'no', stdout: '{"solution":{}}', stderr: 'x\nno\n' },
  });
});

sdkTest.concurrent('a run of folders comes back as the files that it was', async ({ folder, judged }) => {
  const scene = await judged();
  const inputs = { 'a.csv': 'id,x\n1,2\n', 'sub/b.json': '{}', 'ü.txt': 'unicode' };
  const outputs = { 'sol.csv': 'a,b\n', 'bin.dat': String.fromCharCode(...Array(256).keys()) };
  const assets = [
    { name: 'P', content: { x: 1 }, content_type: 'json' },
    { name: 'Q', content: [1, 2], content_type: 'json' },
  ];
  const id = await tracked(scene, {
    run: {
      status: 'succeeded',
      input_dir_path: writeFiles(folder(), inputs),
      output_dir_path: writeFiles(folder(), outputs),
      metrics: { result: { value: 1 } },
      assets,
    },
    format: { input: 'multi-file', output: 'multi-file' },
  });
  const there = folder();
  const back = await readBackWithSdk(scene.target, app, id, there);
  expect(valueOf(back.result)).toMatchObject({ metadata: { metrics: { result: { value: 1 } } } });
  expect(readFiles(join(there, 'result'))).toStrictEqual(outputs);
  expect(readFiles(join(there, 'output'))).toStrictEqual(outputs);
  expect(readFiles(join(there, 'input'))).toStrictEqual(inputs);
  expect(valueOf(back.assets)).toMatchObject([{ name: 'P' }, { name: 'Q' }]);
  expect(valueOf(back.asset_contents)).toStrictEqual([{ x: 1 }, [1, 2]]);
});

sdkTest.concurrent('a large output and input come by URL', async ({ judged }) => {
  const scene = await judged();
  const pad = 'x'.repeat(6 * 1024 * 1024);
  const id = await tracked(scene, {
    run: { status: 'succeeded', input: { pad }, output: { solution: { pad } } },
  });
  scene.forget();
  const [result, input] = await callSdk(scene.target, app, [
    ['run_result', { run_id: id }],
    ['run_input', { run_id: id }],
  ]);
  expect(valueOf(result as Outcome<{ output: unknown }>).output).toStrictEqual({ solution: { pad } });
  expect(valueOf(input)).toStrictEqual({ pad });
  expect(scene.counts()).toStrictEqual({ metadata: 3, run: 1, output: 1, input: 1, download: 2 });
});

sdkTest.concurrent('where the SDK cannot read back, it is told why', async ({ folder, judged }) => {
  const scene = await judged();
  const text = await tracked(scene, {
    run: { status: 'succeeded', input: 'text', output: { solution: { k: 1 } } },
    format: { input: 'text', output: 'json' },
  });
  const bare = await tracked(scene, {
    run: { status: 'failed', input_dir_path: writeFiles(folder(), { a: '1' }), error: 'boom' },
    format: { input: 'multi-file', output: 'multi-file' },
  });
  const ofText = await readBackWithSdk(scene.target, app, text, folder());
  expect(valueOf(ofText.result)).toMatchObject({ output: { solution: { k: 1 } } });
  expect(ofText.input).toMatchObject({
    text: expect.stringContaining('text, not JSON: ask with format=url') as string,
  });
  const ofBare = await readBackWithSdk(scene.target, app, bare, folder());
  expect(valueOf(ofBare.information)).toMatchObject({ metadata: { status_v2: 'failed', error: 'boom' } });
  expect(ofBare.result).toMatchObject({ text: expect.stringContaining('recorded without output') as string });
});

sdkTest.concurrent(
  'a list of 120 runs, page by page, by status, and the first page alone',
  async ({ judged }) => {
    const scene = await judged();
    const ids: string[] = [];
    for (let i = 0; i < 120; i += 1) {
      const result = i % 3 === 0 ? { status: 'failed' } : { status: 'succeeded' };
      ids.unshift(await scene.client.track({ name: `n${i}`, result }));
    }
    const idsOf = (runs: Outcome<unknown> | undefined) =>
      (valueOf(runs) as { id: string }[]).map(({ id }) => id);
    const [all, failed, first] = await callSdk(scene.target, app, [
      ['list_runs', {}],
      ['list_runs', { status: 'failed' }],
      ['list_runs', { no_pagination: true }],
    ]);
    expect(idsOf(all)).toStrictEqual(ids);
    expect(idsOf(failed)).toStrictEqual(ids.filter((_, place) => (119 - place) % 3 === 0));
    expect(idsOf(first)).toStrictEqual(ids.slice(0, 50));
    expect(scene.counts()).toMatchObject({ list: 7 });
  },
);

sdkTest.concurrent(
  'the app, a run that is not there, cancelling a final run, deleting it',
  async ({ judged }) => {
    const scene = await judged({ apps: [app] });
    const id = await scene.client.track();
    scene.forget();
    const [there, unknown, canceled, deleted, gone] = await callSdk(scene.target, app, [
      ['get', {}],
      ['run_information', { run_id: 'prod-nope00000' }],
      ['cancel_run', { run_id: id }],
      ['delete_run', { run_id: id }],
      ['run_information', { run_id: id }],
    ]);
    expect(valueOf(there)).toMatchObject({ id: app, default_instance: 'devint' });
    expect(unknown).toMatchObject({ text: expect.stringContaining('404') as string });
    expect(canceled).toMatchObject({ text: expect.stringContaining('409') as string });
    expect(deleted).toStrictEqual({ value: null });
    expect(gone).toMatchObject({ text: expect.stringContaining('404') as string });
    expect(scene.counts()).toStrictEqual({ application: 1, metadata: 2, cancel: 1, delete: 1 });
  },
);

sdkTest.concurrent('a run that is not final is cancelled for good', async ({ judged }) => {
  const scene = await judged();
  scene.client.standIn.faults.finalAfterMs = 3_600_000;
  const id = await scene.client.track();
  const [canceled, after] = await callSdk(scene.target, app, [
    ['cancel_run', { run_id: id }],
    ['run_information', { run_id: id }],
  ]);
  expect(canceled).toStrictEqual({ value: null });
  expect(valueOf(after)).toMatchObject({ metadata: { status_v2: 'canceled' } });
});
