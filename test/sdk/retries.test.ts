/**
 * What the official SDK repeats, and what that leaves behind: over TLS it sends a POST again whose answer was lost, so
 * that one call records several runs. This is why a client must look before it sends again.
 */
import { expect } from 'vitest';
import { parseFault } from '../../src/standin/faultText.ts';
import { app, recorded, recordedIds, sdkTest, type Judged } from './judged.ts';
import { callSdk, trackWithSdk, valueOf } from './python.ts';

function misbehave({ client }: Judged, ...faults: string[]): void {
  for (const { aim, misbehaviour, times } of faults.map(parseFault)) {
    client.standIn.faults.next(aim, misbehaviour, times);
  }
}

const order = { run: { status: 'succeeded', input: { a: 1 }, output: { solution: { b: 1 } }, name: 'plan' } };

sdkTest.concurrent.for([
  {
    name: 'an answer lost three times after the run was stored',
    fault: 'create:drop-after:3',
    creates: 4,
    runs: 4,
  },
  {
    name: 'a connection lost twice before it was stored',
    fault: 'create:drop-before:2',
    creates: 3,
    runs: 1,
  },
  { name: '429 twice, with Retry-After', fault: 'create:429,retry-after=1:2', creates: 3, runs: 1 },
  { name: '429 twice, without', fault: 'create:429:2', creates: 3, runs: 1 },
  { name: '503 with Retry-After', fault: 'create:503,retry-after=1', creates: 2, runs: 1 },
])(
  'over TLS $name: $creates requests, $runs runs, and the SDK knows the last one',
  async ({ fault, creates, runs }, { judged }) => {
    const scene = await judged({ tls: true });
    misbehave(scene, fault);
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
    expect(scene.counts()).toStrictEqual({ uploadurl: 2, put: 2, create: creates });
    const ids = await recordedIds(scene);
    expect(ids).toHaveLength(runs);
    expect(ids[0]).toBe(id);
    for (const each of ids) expect(String((await recorded(scene, each)).output)).toBe('{"solution":{"b":1}}');
  },
);

sdkTest.concurrent(
  'over TLS a run whose answer is waited for in vain, twice, is three runs',
  async ({ judged }) => {
    const scene = await judged({ tls: true });
    misbehave(scene, 'create:hang,carried-out:2');
    // It waits for 20 s each time, unless it is told otherwise.
    const patience = { timeout: 2, backoff_factor: 0.1 };
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, { ...order, patience }));
    expect(scene.counts()).toMatchObject({ create: 3 });
    const ids = await recordedIds(scene);
    expect(ids).toHaveLength(3);
    expect(ids[0]).toBe(id);
  },
);

sdkTest.concurrent(
  'over TLS 429 for ever is given up after eleven requests, and leaves no run',
  async ({ judged }) => {
    const scene = await judged({ tls: true });
    misbehave(scene, 'create:429:always');
    const patience = { backoff_factor: 0.01, backoff_max: 0.1 };
    expect(await trackWithSdk(scene.target, app, { ...order, patience })).toMatchObject({
      error: 'RetryError',
      text: expect.stringContaining('429') as string,
    });
    expect(scene.counts()).toMatchObject({ create: 11 });
    expect(await recordedIds(scene)).toEqual([]);
  },
);

sdkTest.concurrent.for([
  { fault: 'create:500', runs: 0, says: '500' },
  { fault: 'create:502', runs: 0, says: '502' },
  { fault: 'create:503', runs: 0, says: '503' },
  { fault: 'create:504,retry-after=1,carried-out', runs: 1, says: '504' },
  { fault: 'create:drop-midway', runs: 1, says: 'Connection broken' },
  { fault: 'create:200,body=<html>,carried-out', runs: 1, says: 'Expecting value' },
])('over TLS $fault is not repeated, and leaves $runs runs', async ({ fault, runs, says }, { judged }) => {
  const scene = await judged({ tls: true });
  misbehave(scene, fault);
  expect(await trackWithSdk(scene.target, app, order)).toMatchObject({
    text: expect.stringContaining(says) as string,
  });
  expect(scene.counts()).toMatchObject({ create: 1 });
  expect(await recordedIds(scene)).toHaveLength(runs);
});

sdkTest.concurrent.for([
  { fault: 'create:drop-after', runs: 1 },
  { fault: 'create:drop-before', runs: 0 },
  { fault: 'create:429,retry-after=1', runs: 0 },
])('without TLS nothing is repeated: $fault leaves $runs runs', async ({ fault, runs }, { judged }) => {
  const scene = await judged();
  misbehave(scene, fault);
  expect(await trackWithSdk(scene.target, app, order)).toHaveProperty('error');
  expect(scene.counts()).toMatchObject({ create: 1 });
  expect(await recordedIds(scene)).toHaveLength(runs);
});

sdkTest.concurrent(
  'over TLS a lost upload is repeated, and so is a lost GET; a lost PATCH is not',
  async ({ judged }) => {
    const scene = await judged({ tls: true });
    misbehave(
      scene,
      'uploadurl:drop-after',
      'put:drop-after',
      'metadata:drop-before',
      'cancel:drop-before:always',
    );
    const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
    const [information, canceled] = await callSdk(scene.target, app, [
      ['run_information', { run_id: id }],
      ['cancel_run', { run_id: id }],
    ]);
    expect(valueOf(information)).toMatchObject({ id });
    expect(canceled).toHaveProperty('error');
    expect(scene.counts()).toStrictEqual({ uploadurl: 3, put: 3, create: 1, metadata: 2, cancel: 1 });
    expect(await recordedIds(scene)).toStrictEqual([id]);
  },
);
