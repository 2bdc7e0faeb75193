/** Whatever a server sends back, no failure of the client repeats the key or a signed URL to anybody. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { RuntrackdError } from '../../src/core/failure.ts';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { startStandIn } from '../../src/standin/standin.ts';
import { machineClock } from '../../src/system/clock.ts';
import { describeError } from '../../src/system/log.ts';
import { Secret } from '../../src/system/secret.ts';

const app = 'hare-app';
const signature = '0123abcdefghij';
const url = `https://storage.example.com/a/b?X-Amz-Signature=${signature}&expires=9`;

const bodies = (key: string): string[] => [
  `{"message":"bad header Authorization: Bearer ${key}"}`,
  `{"message":"the key ${key} is not known"}`,
  `{"authorization":"bearer  ${key}"}`,
  `<html>${encodeURIComponent(key)} ${key}</html>`,
  `<Error><Code>AccessDenied</Code><Resource>${url}</Resource></Error>`,
  `"${url}"`,
  `${'x'.repeat(480)} ${key}`,
];

async function clientWith(key: string) {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  const standIn = await startStandIn({ dataDir: join(dir, 'p'), port: 0, apps: null, apiKey: null });
  const client = new PlatformClient({
    endpoint: standIn.endpoint,
    apiKey: () => Promise.resolve(new Secret(key)),
    connections: 4,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
  });
  onTestFinished(async () => {
    await client.close();
    await standIn.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { client, standIn };
}

/** Everything that the daemon could write down of a failure; an answer that was taken as good is told to nobody. */
function told(outcome: unknown): string {
  if (typeof outcome !== 'object' || outcome === null) return '';
  const failure = outcome instanceof RuntrackdError || 'failure' in outcome ? outcome.failure : null;
  if (failure === null && !(outcome instanceof Error)) return '';
  return [
    inspect(outcome, { depth: 8 }),
    JSON.stringify(describeError(outcome)),
    JSON.stringify(failure),
  ].join('\n');
}

test.each([
  { name: 'short', key: 'sk-canary-0123' },
  { name: 'of usual length', key: 'canary.Key-With_24~chars' },
  { name: 'long', key: `canary-${'0123456789abcdef'.repeat(6)}` },
  { name: 'made of what regular expressions mean something by', key: 'canary+/=$&.*(24)?chars' },
])('a key that is $name, and any signature, stays out of every failure', async ({ key }) => {
  const { client, standIn } = await clientWith(key);
  const never = new AbortController().signal;
  const ticket = await client.createUpload(app, never);
  const own = new URL(ticket.uploadUrl).searchParams.get('signature') ?? '';
  const body = async function* () {
    yield await Promise.resolve(Buffer.from('{}'));
  };
  const request = { upload_id: ticket.uploadId, result: { status: 'succeeded' as const } };
  const asks: Record<string, () => Promise<unknown>> = {
    application: () => client.application(app, never),
    createUpload: () => client.createUpload(app, never),
    putUpload: () => client.putUpload(ticket, body(), 2, never),
    createRun: () => client.createRun(app, null, request, never),
    runResult: () => client.runResult(app, 'devint-1', false, never),
    listRuns: () => client.listRuns(app, null, never),
    download: () => client.download({ url: ticket.uploadUrl }, 1_000, never),
  };
  const faults: Misbehaviour[] = [
    ...[200, 307, 400, 401, 403, 404, 422, 429, 500, 503].flatMap((status) =>
      [...bodies(key), ticket.uploadUrl].map((text): Misbehaviour => ({
        kind: 'answer',
        status,
        body: text,
      })),
    ),
    ...[301, 302, 303, 307, 308].flatMap((status) =>
      [url, ticket.uploadUrl, `http://user:${encodeURIComponent(key)}@elsewhere.example.com/`].map(
        (location): Misbehaviour => ({ kind: 'answer', status, location, body: '' }),
      ),
    ),
    { kind: 'drop', when: 'before' },
    { kind: 'drop', when: 'midway' },
  ];
  const leaks: string[] = [];
  for (const fault of faults) {
    for (const [name, ask] of Object.entries(asks)) {
      standIn.faults.next({}, fault);
      const said = told(await ask().catch((error: unknown) => error));
      for (const canary of [key, encodeURIComponent(key), signature, own])
        if (said.includes(canary)) leaks.push(`${name} on ${JSON.stringify(fault)}: ${canary}`);
    }
  }
  expect(leaks).toEqual([]);
});

test.each([
  {
    name: 'to another machine without encryption',
    url: 'http://storage.example.com/x?signature=abcdefgh',
    is: 'not https',
  },
  {
    name: 'with a user name',
    url: 'https://user:word@storage.example.com/?signature=abcdefgh',
    is: 'user name',
  },
  { name: 'that is no URL', url: 'not a url?signature=abcdefgh', is: 'no URL' },
])('an upload URL $name is not followed, and not repeated', async ({ url: bad, is }) => {
  const { client, standIn } = await clientWith('some-key');
  const body = JSON.stringify({ upload_id: '1', upload_url: bad });
  standIn.faults.next({ kind: 'uploadurl' }, { kind: 'answer', status: 200, body });
  const error = await client
    .createUpload(app, new AbortController().signal)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RuntrackdError);
  expect(told(error)).toContain(is);
  expect(told(error)).not.toContain('abcdefgh');
  expect(told(error)).not.toContain('word');
});

test('a redirect is not followed, with or without the key', async () => {
  const { client, standIn } = await clientWith('some-key');
  const seen: string[] = [];
  standIn.faults.onRequest = ({ path, phase }) => {
    if (phase === 'received') seen.push(path);
  };
  const location = `${standIn.endpoint}/v1/elsewhere`;
  standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 307, location, body: '' });
  const request = { upload_id: 'x', result: { status: 'succeeded' as const } };
  const created = await client.createRun(app, null, request, new AbortController().signal);
  expect(created.kind).toBe('unclear');
  expect(seen).toHaveLength(1);
});
