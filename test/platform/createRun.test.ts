/** What an answer to the one request that makes a run means, over a real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { startStandIn } from '../../src/standin/standin.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const app = 'hare-app';
const never = new AbortController().signal;

function clientOf(endpoint: string): PlatformClient {
  const client = new PlatformClient({
    endpoint,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 4,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
  });
  onTestFinished(() => client.close());
  return client;
}

async function outcomeOf(fault: Misbehaviour) {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  const standIn = await startStandIn({ dataDir: join(dir, 'p'), port: 0, apps: null, apiKey: null });
  onTestFinished(async () => {
    await standIn.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const client = clientOf(standIn.endpoint);
  const ticket = await client.createUpload(app, never);
  const body = async function* () {
    yield await Promise.resolve(Buffer.from('{}'));
  };
  await client.putUpload(ticket, body(), 2, never);
  standIn.faults.next({ kind: 'create' }, fault);
  const request = { upload_id: ticket.uploadId, result: { status: 'succeeded' as const } };
  return await client.createRun(app, null, request, never);
}

const answer = (status: number, body?: string): Misbehaviour => ({
  kind: 'answer',
  status,
  ...(body === undefined ? {} : { body }),
});

test.each([
  ...[401, 403, 429].map((status) => ({ fault: answer(status), is: 'nothingMade' })),
  ...[400, 404, 410, 413, 415, 422].map((status) => ({ fault: answer(status), is: 'refused' })),
  ...[300, 301, 302, 307, 308].map((status) => ({ fault: answer(status), is: 'unclear' })),
  ...[402, 405, 406, 408, 409, 418, 423, 425, 451].map((status) => ({
    fault: answer(status),
    is: 'unclear',
  })),
  ...[500, 501, 502, 503, 504].map((status) => ({ fault: answer(status), is: 'unclear' })),
  { fault: answer(200, ''), is: 'unclear' },
  { fault: answer(200, '<html>'), is: 'unclear' },
  { fault: answer(200, '{"run_id":""}'), is: 'unclear' },
  { fault: answer(200, '{"run_id":7}'), is: 'unclear' },
  { fault: answer(201, '{"run_id":"devint-1"}'), is: 'made' },
  { fault: { kind: 'drop', when: 'before' } as const, is: 'unclear' },
  { fault: { kind: 'drop', when: 'after' } as const, is: 'unclear' },
  { fault: { kind: 'drop', when: 'midway' } as const, is: 'unclear' },
  { fault: { kind: 'delay', ms: 50 } as const, is: 'made' },
])('$fault is $is', async ({ fault, is }) => {
  expect((await outcomeOf(fault)).kind).toBe(is);
});

test('a port at which nobody listens has certainly made nothing', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  const created = await clientOf(`http://127.0.0.1:${port}`).createRun(
    app,
    null,
    { upload_id: 'x', result: { status: 'succeeded' } },
    never,
  );
  expect(created).toMatchObject({
    kind: 'nothingMade',
    failure: { reach: 'platform', class: 'unreachable' },
  });
});

/** Somebody who takes connections and never answers. */
async function listening(): Promise<{ server: Server; endpoint: string }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { server, endpoint: `http://127.0.0.1:${port}` };
}

const request = { upload_id: 'x', result: { status: 'succeeded' } } as const;

test('a request that is given up while its answer is awaited is unclear', async () => {
  const { server, endpoint } = await listening();
  const giveUp = new AbortController();
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => giveUp.abort());
  });
  const created = await clientOf(endpoint).createRun(app, null, request, giveUp.signal);
  expect(created.kind).toBe('unclear');
});

test('a request that is given up before there is a connection has certainly made nothing', async () => {
  const { server, endpoint } = await listening();
  let received = 0;
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (received += bytes.length));
  });
  const created = await clientOf(endpoint).createRun(app, null, request, AbortSignal.abort());
  expect(created.kind).toBe('nothingMade');
  expect(received).toBe(0);
});
