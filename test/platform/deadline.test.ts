/** A platform that never answers, or drips, is given up on: whatever the garbage collector does meanwhile. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { startStandIn } from '../../src/standin/standin.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const never = new AbortController().signal;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function begun(uploadMs = 60_000, answerMs = 300) {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  const standIn = await startStandIn({ dataDir: join(dir, 'p'), port: 0, apps: null, apiKey: null });
  const client = new PlatformClient({
    endpoint: standIn.endpoint,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 4,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
    answerMs,
    uploadMs,
  });
  const collecting = setInterval(collectGarbage, 50);
  onTestFinished(async () => {
    clearInterval(collecting);
    await client.close();
    await standIn.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { standIn, client };
}

const hang: Misbehaviour = { kind: 'hang', carriedOut: false };
const drip: Misbehaviour = { kind: 'trickle', bytesPerSecond: 1 };

test.each([{ fault: hang }, { fault: drip }])('a list with $fault.kind is given up', async ({ fault }) => {
  const { standIn, client } = await begun();
  standIn.faults.next({ kind: 'list' }, fault);
  await expect(client.listRuns('hare-app', null, never)).rejects.toMatchObject({ reason: 'unreachable' });
});

test('an upload that is never answered is given up', async () => {
  const { standIn, client } = await begun();
  const ticket = await client.createUpload('hare-app', never);
  standIn.faults.next({ kind: 'put' }, hang);
  const body = async function* () {
    yield await Promise.resolve(Buffer.from('{}'));
  };
  await expect(client.putUpload(ticket, body(), 2, never)).rejects.toMatchObject({
    reason: 'storage-unreachable',
  });
});

test.each([{ fault: hang }, { fault: drip }])(
  'a run whose answer comes with $fault.kind is not known to have been made',
  async ({ fault }) => {
    const { standIn, client } = await begun();
    standIn.faults.next({ kind: 'create' }, fault);
    const request = { upload_id: 'x', result: { status: 'succeeded' as const } };
    expect((await client.createRun('hare-app', null, request, never)).kind).toBe('unclear');
  },
);

/** Storage at the end of a link that takes so many bytes in a millisecond; what is small disappears in the kernel. */
async function slowStorage(bytesPerMs: number): Promise<string> {
  const server = createServer({ highWaterMark: 16_384 }, (request, response) => {
    const beganMs = performance.now();
    let got = 0;
    request.on('data', (piece: Buffer) => {
      got += piece.length;
      request.pause();
      setTimeout(() => request.resume(), Math.max(0, beganMs + got / bytesPerMs - performance.now()));
    });
    request.on('end', () => response.end());
    request.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/bytes`;
}

const megabyte = 1024 * 1024;

async function uploading(bytesPerMs: number, uploadMs: number): Promise<void> {
  const { client } = await begun(uploadMs, 1_500);
  const ticket = { uploadId: 'an-id', uploadUrl: await slowStorage(bytesPerMs), askedAtMs: 0 };
  const piece = Buffer.alloc(megabyte / 16);
  const body = async function* () {
    for (let sent = 0; sent < 16 * megabyte; sent += piece.length) yield await Promise.resolve(piece);
  };
  await client.putUpload(ticket, body(), 16 * megabyte, never);
}

test('an upload over a slow link is waited for as long as its id lives, while it gets on', async () => {
  // It takes eight seconds, and an answer alone may take one and a half.
  await uploading(2_000, 60_000);
});

test('an upload that gets on and is not done when its id dies says that the link is too slow', async () => {
  await expect(uploading(2_000, 3_000)).rejects.toMatchObject({ reason: 'link-too-slow' });
});
