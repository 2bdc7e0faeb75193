/** What operators look at, of a daemon that runs: health, metrics, and the address where both are. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect } from 'vitest';
import type { StatusView } from '../../src/http/operations.ts';
import { describedIn, samplesOf } from '../http/samples.ts';
import { dropFolder, plan } from './folders.ts';
import { test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

async function addressOf(scene: Scene): Promise<string> {
  return await until('the address', async () => {
    const { stdout } = await scene.command('status', '--json');
    return (JSON.parse(stdout) as StatusView).http;
  });
}

async function asked(url: string): Promise<{ status: number; text: string }> {
  const answer = await request(url);
  return { status: answer.statusCode, text: await answer.body.text() };
}

test('a daemon that works is alive and ready, and its metrics are those of docs/metrics.md', async ({
  scene,
}) => {
  scene.configure({ http: { listen: '127.0.0.1:0' } });
  scene.drop('monday');
  await scene.daemon();
  await scene.result('monday');
  const at = await addressOf(scene);
  expect(await asked(`${at}/healthz`)).toEqual({ status: 200, text: '{"alive":true,"reasons":[]}' });
  const ready = await until('the daemon to be ready', async () => {
    const answer = await asked(`${at}/readyz`);
    return answer.status === 200 ? answer : null;
  });
  expect(ready.text).toBe('{"ready":true,"reasons":[]}');
  const text = await until('the run to be counted', async () => {
    const answer = await asked(`${at}/metrics`);
    return answer.text.includes('runtrackd_recorded_total{app="hare-app"} 1') ? answer.text : null;
  });
  const samples = samplesOf(text);
  expect(samples).toMatchObject({
    'runtrackd_runs{state="recorded"}': 1,
    'runtrackd_requests_total{class="create",answer="2xx"}': 1,
    runtrackd_run_tracked_seconds_count: 1,
    runtrackd_run_recorded_seconds_count: 1,
    runtrackd_healthy: 1,
  });
  expect(samples['runtrackd_sent_bytes_total']).toBeGreaterThan(0);
  const documented = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)` +\| (\w+) +\|/gm)];
  expect(Object.fromEntries(documented.map(([, name, kind]) => [name, kind]))).toEqual(describedIn(text));
});

test('a platform that is away turns readiness red, with the reason, and the daemon stays alive', async ({
  scene,
}) => {
  scene.configure({ http: { listen: '127.0.0.1:0' } });
  scene.faults.always({}, { kind: 'answer', status: 503, body: '{}' });
  scene.drop('monday');
  await scene.daemon();
  const at = await addressOf(scene);
  const red = await until('readiness to be red', async () => {
    const answer = await asked(`${at}/readyz`);
    return answer.status === 503 ? answer : null;
  });
  expect(JSON.parse(red.text)).toMatchObject({ ready: false, reasons: [expect.stringMatching(/503/)] });
  expect((await asked(`${at}/healthz`)).status).toBe(200);
  const samples = samplesOf((await asked(`${at}/metrics`)).text);
  expect(samples).toMatchObject({ runtrackd_healthy: 0, runtrackd_platform_paused: 1 });
});

test('a port in use is a problem of the status, and runs are tracked all the same', async ({ scene }) => {
  const { port } = new URL(scene.standIn.endpoint);
  scene.configure({ http: { listen: `127.0.0.1:${port}` } });
  scene.drop('monday');
  await scene.daemon();
  await scene.result('monday');
  const problems = await until('the problem', async () => {
    const { stdout } = await scene.command('status', '--json');
    const status = JSON.parse(stdout) as StatusView;
    expect(status.http).toBeNull();
    return status.problems.length > 0 ? status.problems : null;
  });
  expect(problems.join()).toMatch(/not served at 127\.0\.0\.1:\d+: it is in use/);
});

test('runs of one host are found among those of many on the platform, by the name that travels with each', async ({
  scene,
}) => {
  for (const host of ['planner-01', 'planner-02']) {
    scene.configure({ host, state_dir: `./state-${host}` }, { name: host, path: `./runs-${host}` });
    mkdirSync(join(scene.dir, `runs-${host}`));
    dropFolder(join(scene.dir, `runs-${host}`), 'monday', plan(host));
    expect((await scene.command('run', '--once')).code).toBe(0);
  }
  const all = await scene.platformRuns();
  expect(all).toHaveLength(2);
  for (const host of ['planner-01', 'planner-02'])
    expect(all.filter(({ description }) => description.endsWith(` host:${host}]`))).toHaveLength(1);
});
