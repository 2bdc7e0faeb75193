/** `platform`: the stand-in as a server of its own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { Agent, request } from 'undici';
import { expect } from 'vitest';
import type { Program } from '../journey/program.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

async function endpointOf(program: Program): Promise<string> {
  await until('its first line', () => program.stdout.includes('\n'));
  const [first = ''] = program.stdout.split('\n');
  expect(first).toMatch(/^https?:\/\/127\.0\.0\.1:\d+$/);
  return first;
}

async function ask(
  url: string,
  key: string,
  body?: object,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const answer = await request(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: answer.statusCode, json: (await answer.body.json()) as Record<string, unknown> };
}

test.concurrent('it prints its endpoint first, keeps what it is told, and ends with 0', async ({ scene }) => {
  const data = join(scene.dir, 'kept');
  const first = scene.start(['platform', '--data', data]);
  const runs = `${await endpointOf(first)}/v1/applications/any-app/runs`;
  const made = await ask(runs, 'any-key', { input: { a: 1 }, result: { status: 'succeeded' } });
  expect(made.status).toBe(200);
  expect(await first.stop()).toMatchObject({ code: 0 });
  expect(existsSync(join(data, 'stand-in.db'))).toBe(true);

  const second = scene.start(['platform', '--data', data]);
  const kept = await ask(`${await endpointOf(second)}/v1/applications/any-app/runs`, 'any-key');
  expect((kept.json['runs'] as { id: string }[]).map(({ id }) => id)).toEqual([made.json['run_id']]);
  second.signal('SIGINT');
  expect(await second.end()).toMatchObject({ code: 0, signal: null });
});

test.concurrent('--apps and --api-key-file say what exists and who may ask', async ({ scene }) => {
  writeFileSync(join(scene.dir, 'platform.key'), 'the-right-key\n');
  const program = scene.start([
    'platform',
    '--data',
    './p',
    '--apps',
    'one-app, two-app',
    '--api-key-file',
    './platform.key',
  ]);
  const apps = `${await endpointOf(program)}/v1/applications`;
  const statuses = await Promise.all([
    ask(`${apps}/one-app`, 'the-right-key'),
    ask(`${apps}/two-app`, 'the-right-key'),
    ask(`${apps}/three-app`, 'the-right-key'),
    ask(`${apps}/one-app`, 'another-key'),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 404, 401]);
});

test.concurrent('a port in use is exit code 1 and says which; another one works', async ({ scene }) => {
  const taken = new URL(scene.standIn.endpoint).port;
  const finished = await scene.start(['platform', '--data', './p', '--port', taken]).end();
  expect(finished).toMatchObject({ code: 1, stdout: '' });
  expect(finished.stderr).toContain(`port ${taken} is in use`);
  await scene.standIn.close();
  const program = scene.start(['platform', '--data', './p', '--port', taken]);
  expect(await endpointOf(program)).toBe(`http://127.0.0.1:${taken}`);
});

test.concurrent('a daemon delivers to it as to the real one', async ({ scene }) => {
  const program = scene.start(['platform', '--data', './p']);
  scene.configure({
    platform: { kind: 'nextmv', endpoint: await endpointOf(program), api_key_file: './key' },
  });
  await scene.daemon();
  scene.drop('plan');
  await scene.result('plan');
  expect(await scene.platformRuns('hare-app', await endpointOf(program))).toHaveLength(1);
});

test.concurrent('every setting and fault can be said when it starts', async ({ scene }) => {
  const options = {
    '--final-after': '1500ms',
    '--list-lag': '2s',
    '--list-order': 'oldest-first',
    '--page-size': '7',
    '--over-length': 'cut',
    '--not-json': 'refuse',
    '--upload-lifetime': '10m',
    '--upload-bytes-max': '5242880',
    '--cancel-final': 'ignore',
  };
  const program = scene.start([
    'platform',
    ...Object.entries(options).flat(),
    '--refuse-non-ascii-error',
    '--output-altered',
    '--fault',
    'create:drop-after:3',
    '--fault',
    'list:429,retry-after=2',
  ]);
  const admin = `${await endpointOf(program)}/stand-in`;
  expect((await ask(`${admin}/settings`, 'k')).json).toStrictEqual({
    final_after: '1500ms',
    list_lag: '2s',
    list_order: 'oldest-first',
    page_size: 7,
    over_length: 'cut',
    not_json: 'refuse',
    refuse_non_ascii_error: true,
    output_altered: true,
    upload_lifetime: '10m',
    upload_bytes_max: 5242880,
    cancel_final: 'ignore',
  });
  expect((await ask(`${admin}/faults`, 'k')).json).toStrictEqual({
    faults: [
      { id: 1, fault: 'create:drop-after:3', left: 3 },
      { id: 2, fault: 'list:429,retry-after=2', left: 1 },
    ],
  });
});

test.concurrent(
  'with nothing said it behaves, and takes what the official SDK calls JSON',
  async ({ scene }) => {
    const admin = `${await endpointOf(scene.start(['platform']))}/stand-in`;
    expect((await ask(`${admin}/settings`, 'k')).json).toStrictEqual({
      final_after: '0ms',
      list_lag: '0ms',
      list_order: 'newest-first',
      page_size: 50,
      over_length: 'refuse',
      not_json: 'accept',
      refuse_non_ascii_error: false,
      output_altered: false,
      upload_lifetime: '15m',
      upload_bytes_max: 734003200,
      cancel_final: 'refuse',
    });
    expect((await ask(`${admin}/faults`, 'k')).json).toStrictEqual({ faults: [] });
  },
);

test.concurrent.for([
  { args: ['--final-after', '5'], says: '"5" is not a number with its unit' },
  { args: ['--list-order', 'up'], says: 'newest-first' },
  { args: ['--page-size', 'x'], says: 'must be a whole number from 1 to 500' },
  { args: ['--fault', 'creat:500'], says: '"creat" is no kind of request' },
  { args: ['--fault', 'create:500', '--fault', 'create:soon'], says: '"soon" is no fault' },
])('$args is exit code 2: $says', async ({ args, says }, { scene }) => {
  const finished = await scene.start(['platform', ...args]).end();
  expect(finished).toMatchObject({ code: 2, stdout: '' });
  expect(finished.stderr).toContain(says);
});

test.concurrent('--tls says what a client needs, and that is enough', async ({ scene, onTestFinished }) => {
  const program = scene.start(['platform', '--tls', '--data', "./it's here"]);
  const endpoint = await endpointOf(program);
  await until('what to use', () => program.stderr.includes('NODE_EXTRA_CA_CERTS'));
  expect(endpoint).toMatch(/^https:/);
  expect(program.stderr).toContain(`export NEXTMV_ENDPOINT=${new URL(endpoint).host}\n`);
  const file = join(scene.dir, "it's here", 'tls-certificate.pem');
  const quoted = file.replace("'", String.raw`'\''`);
  expect(program.stderr).toContain(`export REQUESTS_CA_BUNDLE='${quoted}'\n`);
  expect(program.stderr).toContain(`export NODE_EXTRA_CA_CERTS='${quoted}'\n`);
  const agent = new Agent({ connect: { ca: readFileSync(file) } });
  onTestFinished(() => agent.destroy());
  const health = await request(`${endpoint}/stand-in/health`, { dispatcher: agent });
  expect(health.statusCode).toBe(200);
});

test.concurrent(
  'data that another one works on is exit code 75; a killed one lets go of them',
  async ({ scene }) => {
    const data = join(scene.dir, 'p');
    const first = scene.start(['platform', '--data', data]);
    await endpointOf(first);
    const second = await scene.start(['platform', '--data', data]).end();
    expect(second).toMatchObject({ code: 75, stdout: '' });
    expect(second.stderr).toBe(
      `another stand-in (pid ${first.pid}) works on ${data}: stop it first, or give this one a data folder of its own\n`,
    );
    await first.kill();
    await endpointOf(scene.start(['platform', '--data', data]));
  },
);

test.concurrent('a data file of a newer program is exit code 1, and a sentence', async ({ scene }) => {
  const data = join(scene.dir, 'p');
  const program = scene.start(['platform', '--data', data]);
  await endpointOf(program);
  await program.stop();
  const database = new SQLite(join(data, 'stand-in.db'));
  database.pragma('user_version = 99');
  database.close();
  const finished = await scene.start(['platform', '--data', data]).end();
  expect(finished).toMatchObject({ code: 1, stdout: '' });
  expect(finished.stderr).toMatch(
    /^the stand-in's database is of version 99, this program knows \d+: [^\n]+\n$/,
  );
});
