/** What the official SDK tracked our library reads back, and the reverse: two clients of one contract agree. */
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { addedFrom, enrichments } from '../../src/core/enrichment.ts';
import { runFactsOf } from '../../src/core/runFacts.ts';
import {
  Application,
  Client,
  Output,
  parseSolverLog,
  trackFolder,
  type TrackedRunFields,
} from '../../src/index.ts';
import { Faults } from '../../src/standin/faults.ts';
import type { Finish } from '../standin/harness.ts';
import { app, readFiles, sdkTest, writeFiles, type Files, type Judged } from './judged.ts';
import { callSdk, readBackWithSdk, trackWithSdk, valueOf } from './python.ts';

function ours({ target }: Judged, finish: Finish): Application {
  const client = new Client({ endpoint: target.endpoint, apiKey: target.apiKey });
  finish(() => client.close());
  return new Application({ client, id: app });
}

const bytes = String.fromCharCode(...Array(256).keys());
const inputs = { 'a.csv': 'id,x\n1,2\n', 'sub/b.json': '{}', 'ü.txt': 'unicode', empty: '' };
const outputs = { 'sol.csv': 'a,b\n', 'deep/er/bin.dat': bytes };
const metrics = { result: { value: 27, gap: 0.5 }, solver: { status: 'optimal' } };

describe('what the SDK tracked, the library reads back', () => {
  sdkTest.concurrent('JSON, with everything that is said of it', async ({ judged, onTestFinished }) => {
    const scene = await judged();
    const input = { stops: [1, 2.5, -3e-7], city: 'Zürich 🚚' };
    const output = { solution: { routes: [[1, 3], [2]] }, metrics, options: { duration: '30' } };
    const order = {
      run: {
        status: 'succeeded',
        input,
        output,
        duration: 1500,
        logs: 'one\ntwo é',
        name: 'plan é',
        description: 'of a week',
      },
      instance_id: 'prod',
    };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
    const application = ours(scene, onTestFinished);
    const result = await application.runResult(id);
    expect(result).toMatchObject({
      id,
      name: 'plan é',
      description: 'of a week',
      isFinal: true,
      metadata: { status: 'succeeded', executionDuration: 1.5, instanceId: 'prod', error: '', metrics },
      output: { format: 'json', data: output },
      errorLog: null,
    });
    expect((await application.runInput(id)).data).toStrictEqual(input);
    expect((await application.runOutput(id)).data).toStrictEqual(output);
    expect(await application.runLogs(id)).toBe('one\ntwo é');
    expect(await listed(application)).toMatchObject([{ id, name: 'plan é', status: 'succeeded' }]);
  });

  sdkTest.concurrent('a failed run', async ({ judged, onTestFinished }) => {
    const scene = await judged();
    const run = { status: 'failed', input: { a: 1 }, output: { solution: {} }, error: 'code 3', logs: 'x' };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, { run }));
    expect(await ours(scene, onTestFinished).runResult(id)).toMatchObject({
      metadata: { status: 'failed', error: 'code 3' },
      output: null,
      errorLog: { error: 'code 3', stdout: '{"solution":{}}', stderr: 'x\ncode 3\n' },
    });
  });

  sdkTest.concurrent(
    'directories, declared as such or not at all',
    async ({ folder, judged, onTestFinished }) => {
      const scene = await judged({ faults: new Faults({ notJson: 'accept' }) });
      const run = {
        status: 'succeeded',
        input_dir_path: writeFiles(folder(), inputs),
        output_dir_path: writeFiles(folder(), outputs),
        metrics,
        assets: [{ name: 'P', content: { x: 1 }, content_type: 'json' }],
      };
      const application = ours(scene, onTestFinished);
      for (const format of [{ input: 'multi-file', output: 'multi-file' }, null]) {
        const order = format === null ? { run } : { run, format };
        const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
        const directory = folder();
        await application.runInput(id, { directory: join(directory, 'input') });
        await application.runResult(id, { directory: join(directory, 'output') });
        expect(readFiles(join(directory, 'input'))).toStrictEqual(inputs);
        expect(readFiles(join(directory, 'output'))).toStrictEqual(outputs);
        // What is declared JSON has its figures inside the output, or none.
        if (format === null) continue;
        const [asset] = await application.runAssets(id);
        expect(await application.runAsset(id, asset?.id ?? '')).toStrictEqual({ x: 1 });
        expect((await application.runMetadata(id)).metadata.metrics).toStrictEqual(metrics);
      }
    },
  );

  sdkTest.concurrent('a text, which the SDK itself cannot read back', async ({ judged, onTestFinished }) => {
    const scene = await judged();
    const run = { status: 'succeeded', input: 'MAX x\nST x < 3', output: { solution: { x: 3 } } };
    const order = { run, format: { input: 'text', output: 'json' } };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
    expect(await ours(scene, onTestFinished).runInput(id)).toMatchObject({ format: 'text', data: run.input });
  });

  sdkTest.concurrent('an output that comes by URL', async ({ judged, onTestFinished }) => {
    const scene = await judged();
    const output = { solution: { pad: 'x'.repeat(6 * 1024 * 1024) } };
    const run = { status: 'succeeded', input: { a: 1 }, output };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, { run }));
    expect((await ours(scene, onTestFinished).runResult(id)).output?.data).toStrictEqual(output);
  });
});

describe('what the library tracked, the SDK reads back', () => {
  const track = async (scene: Judged, finish: Finish, run: TrackedRunFields): Promise<string> =>
    await ours(scene, finish).trackRun(run, { instanceId: 'prod' });

  sdkTest.concurrent(
    'JSON, with everything that is said of it',
    async ({ folder, judged, onTestFinished }) => {
      const scene = await judged();
      const input = { stops: [1, 2.5, -3e-7], city: 'Zürich 🚚' };
      const assets = [{ name: 'P', content: { x: 1 } }];
      const id = await track(scene, onTestFinished, {
        status: 'succeeded',
        input,
        output: new Output({ solution: { b: 2 }, metrics, assets }),
        duration: 1.5,
        logs: ['one', 'two é'],
        name: 'plan é',
        description: 'of a week',
      });
      const back = await readBackWithSdk(scene.target, app, id, folder());
      expect(valueOf(back.result)).toMatchObject({
        id,
        name: 'plan é',
        description: 'of a week',
        metadata: {
          status_v2: 'succeeded',
          execution_duration: 1500,
          application_instance_id: 'prod',
          metrics,
        },
        output: { solution: { b: 2 }, metrics },
      });
      expect(valueOf(back.input)).toStrictEqual(input);
      expect(valueOf(back.output)).toMatchObject({ solution: { b: 2 }, metrics });
      expect(valueOf(back.logs)).toStrictEqual({ log: 'one\ntwo é' });
      expect(valueOf(back.asset_contents)).toStrictEqual([{ x: 1 }]);
      const [runs] = await callSdk(scene.target, app, [['list_runs', {}]]);
      expect(valueOf(runs)).toMatchObject([{ id, name: 'plan é' }]);
    },
  );

  sdkTest.concurrent('a failed run', async ({ folder, judged, onTestFinished }) => {
    const scene = await judged();
    const id = await track(scene, onTestFinished, {
      status: 'failed',
      input: { a: 1 },
      output: { solution: {} },
      error: 'code 3',
      logs: 'x',
    });
    const back = await readBackWithSdk(scene.target, app, id, folder());
    expect(valueOf(back.result)).toMatchObject({
      metadata: { status_v2: 'failed', error: 'code 3' },
      error_log: { error: 'code 3', stdout: '{"solution":{}}' },
    });
  });

  sdkTest.concurrent('directories', async ({ folder, judged, onTestFinished }) => {
    const scene = await judged();
    const id = await track(scene, onTestFinished, {
      status: 'succeeded',
      inputDirPath: writeFiles(folder(), inputs),
      outputDirPath: writeFiles(folder(), outputs),
      metrics,
      assets: [{ name: 'P', content: { x: 1 } }],
    });
    const there = folder();
    const back = await readBackWithSdk(scene.target, app, id, there);
    expect(valueOf(back.result)).toMatchObject({ metadata: { metrics } });
    expect(readFiles(join(there, 'input'))).toStrictEqual(inputs);
    expect(readFiles(join(there, 'result'))).toStrictEqual(outputs);
    expect(valueOf(back.asset_contents)).toStrictEqual([{ x: 1 }]);
  });

  sdkTest.concurrent(
    'a run folder with directories, by the reading rules of the daemon',
    async ({ folder, judged, onTestFinished }) => {
      const scene = await judged();
      const { client } = ours(scene, onTestFinished);
      const below = (role: string, files: Files): Files =>
        Object.fromEntries(Object.entries(files).map(([name, text]) => [`${role}/${name}`, text]));
      const long = { [`${'long'.repeat(60)}/${'name'.repeat(60)}`]: 'x', '.hidden/ ': 'hidden' };
      const odd = {
        'T:1.csv': 'drive',
        '\\back': 'b',
        '\\\\host\\share': 'h',
        'C:\\sub/C:..': 'd',
        'a\nb': 'line',
      };
      const path = writeFiles(folder(), {
        ...below('input', { ...inputs, ...long, ...odd }),
        ...below('output', outputs),
        'output/inputs.tar.gz': 'left out',
        'metrics.json': JSON.stringify(metrics),
        'assets.json': '[{"name":"P","content":{"x":1},"content_type":"json"}]',
        'meta.json': '{"status":"succeeded"}',
      });
      chmodSync(join(path, 'input', 'a.csv'), 0o755);
      const { runId } = await trackFolder(path, { client, applicationId: app, instanceId: 'prod' });
      const there = folder();
      const back = await readBackWithSdk(scene.target, app, runId, there);
      expect(valueOf(back.result)).toMatchObject({ metadata: { metrics } });
      expect(readFiles(join(there, 'input'))).toStrictEqual({ ...inputs, ...long, ...odd });
      expect(readFiles(join(there, 'result'))).toStrictEqual(outputs);
      expect(statSync(join(there, 'input', 'a.csv')).mode & 0o777).toBe(0o755);
      expect(valueOf(back.asset_contents)).toStrictEqual([{ x: 1 }]);
    },
  );

  sdkTest.concurrent(
    'what was added from a solver’s log: the output as it was uploaded, metrics, statistics, the chart',
    async ({ folder, judged, onTestFinished }) => {
      const scene = await judged();
      const { client } = ours(scene, onTestFinished);
      const log = readFileSync(new URL('../solverlog/logs/highs-time-feasible/run.log', import.meta.url));
      const output = { solution: { routes: [[1, 3], [2]] } };
      const path = writeFiles(folder(), {
        'input.json': '{"a":1}',
        'output.json': JSON.stringify(output),
        'run.log': log.toString(),
        'meta.json': '{"status":"succeeded"}',
      });
      const { runId } = await trackFolder(path, { client, applicationId: app, enrich: enrichments });
      const facts = runFactsOf(await parseSolverLog([log])) ?? undefined;
      const added = Object.fromEntries(
        addedFrom(facts, enrichments).map(({ name, json }) => [name, JSON.parse(json) as unknown]),
      );
      expect(Object.keys(added)).toEqual(['metrics', 'statistics', 'assets']);
      const back = await readBackWithSdk(scene.target, app, runId, folder());
      expect(valueOf(back.output)).toStrictEqual({ ...output, ...added });
      const { metrics: figures, statistics } = added;
      expect(valueOf(back.result)).toMatchObject({ metadata: { metrics: figures, statistics } });
      expect(valueOf(back.assets)).toMatchObject([{ name: 'Convergence' }]);
      const [chart] = added['assets'] as { content: unknown }[];
      expect(valueOf(back.asset_contents)).toStrictEqual([chart?.content]);
    },
  );

  sdkTest.concurrent('an output that comes by URL', async ({ judged, onTestFinished }) => {
    const scene = await judged();
    const output = { solution: { pad: 'x'.repeat(6 * 1024 * 1024) } };
    const id = await track(scene, onTestFinished, { status: 'succeeded', input: { a: 1 }, output });
    const [result] = await callSdk(scene.target, app, [['run_result', { run_id: id }]]);
    expect(valueOf(result)).toMatchObject({ output });
  });
});

async function listed(application: Application): Promise<unknown[]> {
  const runs: unknown[] = [];
  for await (const run of application.listRuns()) runs.push(run);
  return runs;
}
