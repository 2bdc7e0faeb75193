/** A platform that never answers, or drips, is given up on: whatever the garbage collector does meanwhile. */
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

async function begun() {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  const standIn = await startStandIn({ dataDir: join(dir, 'p'), port: 0, apps: null, apiKey: null });
  const client = new PlatformClient({
    endpoint: standIn.endpoint,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 4,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
    answerMs: 300,
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
