/** `platform`: the stand-in as a server of its own. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect } from 'vitest';
import type { Program } from '../journey/program.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

async function endpointOf(program: Program): Promise<string> {
  await until('its first line', () => program.stdout.includes('\n'));
  const [first = ''] = program.stdout.split('\n');
  expect(first).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
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
