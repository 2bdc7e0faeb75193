/** What is asked again, how often, and what never is. */
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Application, Client, RuntrackdError } from '../../src/index.ts';
import { retrying, type RetryPolicy } from '../../src/library/retrying.ts';
import { uploadAll, type Landed } from '../../src/library/uploads.ts';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import type { RequestKind } from '../../src/standin/requestKind.ts';
import { Secret } from '../../src/system/secret.ts';
import type { Role } from '../../src/core/run.ts';
import { app, begun, failure, fileWith, key, type Place } from './place.ts';

const run = { status: 'succeeded', input: { a: 1 }, output: { b: 2 } } as const;
const { signal: never } = new AbortController();

const troubles: { name: string; fault: Misbehaviour }[] = [
  ...[408, 429, 500, 502, 503, 504].map((status) => ({
    name: `an answer of ${status}`,
    fault: { kind: 'answer', status } as const,
  })),
  { name: 'a Retry-After', fault: { kind: 'answer', status: 503, retryAfter: '0.01' } },
  { name: 'a line that drops before', fault: { kind: 'drop', when: 'before' } },
  { name: 'a line that drops after', fault: { kind: 'drop', when: 'after' } },
];
const garbage: { name: string; fault: Misbehaviour }[] = [
  { name: 'garbage', fault: { kind: 'answer', status: 200, body: '<html>' } },
  { name: 'half an answer', fault: { kind: 'drop', when: 'midway' } },
];

describe.each([...troubles, ...garbage])('$name', ({ fault }) => {
  test('is asked again where that is harmless, three times here', async () => {
    const place = await begun();
    const { application } = place;
    const id = await application.trackRun({
      ...run,
      logs: 'l',
      output: { assets: [{ name: 'a', content: 1 }] },
    });
    const calls: Partial<Record<RequestKind, () => Promise<unknown>>> = {
      application: () => application.get(),
      metadata: () => application.runMetadata(id),
      run: () => application.runResult(id),
      logs: () => application.runLogs(id),
      assets: () => application.runAssets(id),
      list: () => application.listRuns().next(),
    };
    for (const [kind, call] of Object.entries(calls) as [RequestKind, () => Promise<unknown>][]) {
      place.forget();
      place.standIn.faults.next({ kind }, fault, 3);
      await call();
      expect([kind, place.count(kind)]).toEqual([kind, 4]);
    }
  });

  test('does not keep an upload from landing', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'uploadurl' }, fault, 3);
    // The body of an answer to a PUT says nothing: what counts is its status.
    const harmful = garbage.some((other) => other.fault === fault) ? 0 : 3;
    if (harmful > 0) place.standIn.faults.next({ kind: 'put' }, fault, harmful);
    await place.application.trackRun({
      status: 'succeeded',
      inputFilePath: fileWith('x'.repeat(3e6), 'a.txt'),
    });
    expect(place.only().files['input']).toHaveLength(3e6);
    expect(place.count('uploadurl')).toBe(4);
    expect(place.count('put')).toBe(1 + harmful);
    expect(place.count('create')).toBe(1);
    expect(place.standIn.faults.pending).toBe(0);
  });
});

test.each([400, 401, 403, 404, 422])('an answer of %i is final at once', async (status) => {
  const place = await begun();
  place.standIn.faults.always({ kind: 'application' }, { kind: 'answer', status });
  expect(await failure(place.application.get())).toMatchObject({ status });
  expect(place.count('application')).toBe(1);
});

test('patience ends after so many tries, with what the last one said', async () => {
  const place = await begun({ retry: { maxTries: 3, delay: 0.001 } });
  place.standIn.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 503, body: 'down for today' });
  const error = await failure(place.application.trackRun({ status: 'succeeded', input: {} }));
  expect(error).toMatchObject({ reason: 'platform-trouble', status: 503 });
  expect(error.message).toContain('down for today');
  expect(place.count('uploadurl')).toBe(3);
});

test('one artefact that cannot be sent ends the others', async () => {
  const place = await begun();
  const { faults } = place.standIn;
  faults.next({ kind: 'put' }, { kind: 'answer', status: 400, body: '<Error/>' });
  faults.always({ kind: 'put' }, { kind: 'hang', carriedOut: false });
  expect((await failure(place.application.trackRun(run))).reason).toBe('storage-refused');
  expect(place.runs()).toEqual([]);
  expect(place.count('create')).toBe(0);
});

describe('the one request that makes a run', () => {
  const unclear: Misbehaviour[] = [
    ...[408, 409, 500, 502, 503, 504].flatMap((status): Misbehaviour[] => [
      { kind: 'answer', status },
      { kind: 'answer', status, retryAfter: '0.01', carriedOut: true },
    ]),
    { kind: 'answer', status: 200, body: '<html>', carriedOut: true },
    { kind: 'answer', status: 200, body: '{}', carriedOut: true },
    { kind: 'answer', status: 307 },
    { kind: 'drop', when: 'before' },
    { kind: 'drop', when: 'after' },
    { kind: 'drop', when: 'midway' },
  ];

  test.each(unclear)('is never repeated where it may have been carried out: %j', async (fault) => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, fault);
    const error = await failure(place.application.trackRun(run));
    expect(error.reason).toBe('outcome-unknown');
    expect(error.message).toMatch(/^whether the run was recorded is not known: /);
    expect(error.hint).toContain('fingerprint');
    expect(place.count('create')).toBe(1);
  });

  test('is repeated while the platform asks to slow down', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 429, retryAfter: '0.01' }, 3);
    await place.application.trackRun(run);
    expect(place.runs()).toHaveLength(1);
    expect(place.count('create')).toBe(4);
    expect(place.count('uploadurl')).toBe(2);
  });

  test.each([400, 401, 403, 404, 413, 422])('is not repeated after a refusal (%i)', async (status) => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status });
    expect(await failure(place.application.trackRun(run, { fingerprint: 'f' }))).toMatchObject({ status });
    expect(place.count('create')).toBe(1);
    expect(place.runs()).toEqual([]);
  });

  test('is repeated while nobody listens, for nothing can have been made', async () => {
    const place = await begun();
    const { faults } = place.standIn;
    const listen = faults.onRequest;
    let lost = 0;
    // After the last PUT the address is one at which nobody listens, until somebody does.
    const dead = await deadAddress();
    const { platform } = place.client;
    const real = platform.createRun.bind(platform);
    const other = platformAt(dead);
    platform.createRun = async (...args) => {
      lost += 1;
      return lost <= 3 ? await other.createRun(...args) : await real(...args);
    };
    faults.onRequest = listen;
    await place.application.trackRun(run);
    expect(lost).toBe(4);
    expect(place.runs()).toHaveLength(1);
  });
});

describe('with a fingerprint', () => {
  const lost: Misbehaviour = { kind: 'drop', when: 'after' };

  test('the same run twice is one run', async () => {
    const place = await begun();
    const ids = [await tracked(place), await tracked(place)];
    expect(ids[0]).toBe(ids[1]);
    expect(place.runs()).toHaveLength(1);
    expect(place.only().description).toMatch(/^words \[rt1:[a-z2-7]{26} g:[0-9a-f]{10} host:[^\]]+\]$/);
    expect(place.count('put')).toBe(2);
  });

  test('another one, another app or none is another run', async () => {
    const place = await begun();
    const other = new Application({ client: place.client, id: 'other-app' });
    await tracked(place, 'one');
    await tracked(place, 'two');
    await place.application.trackRun(run);
    await other.trackRun(run, { fingerprint: 'one' });
    expect(place.runs()).toHaveLength(4);
  });

  test('a run whose answer is lost is found and adopted', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, lost);
    expect(await tracked(place)).toBe(place.only().id);
    expect(place.count('create')).toBe(1);
  });

  test('three lost answers and three calls are one run', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, lost, 3);
    const ids = new Set([await tracked(place), await tracked(place), await tracked(place)]);
    expect([...ids]).toEqual([place.only().id]);
  });

  test('three calls at once are one run', async () => {
    const place = await begun();
    const ids = new Set(await Promise.all([tracked(place), tracked(place), tracked(place)]));
    expect([...ids]).toEqual([place.only().id]);
  });

  test('a call whose forerunner fails takes its turn', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 422 });
    const both = await Promise.allSettled([tracked(place), tracked(place)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(place.runs()).toHaveLength(1);
  });

  test('a call whose forerunner may have made the run sends nothing', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, lost);
    // As long as both calls last, the list does not show it.
    place.standIn.faults.listLagMs = 3_600_000;
    const both = await Promise.all([failure(tracked(place)), failure(tracked(place))]);
    for (const error of both) {
      expect(error.reason).toBe('outcome-unknown');
      expect(error.hint).toContain('twenty minutes');
    }
    expect(place.count('create')).toBe(1);
    place.standIn.faults.listLagMs = 0;
    expect(await tracked(place)).toBe(place.only().id);
  });

  test('a call that waits for its forerunner can be given up', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'list' }, { kind: 'hang', carriedOut: false });
    const first = tracked(place).catch(() => undefined);
    const giveUp = new AbortController();
    const second = place.application.trackRun(run, { fingerprint: 'plan-17', signal: giveUp.signal });
    giveUp.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await place.client.close();
    await first;
  });

  test('the list may lag behind the run', async () => {
    const place = await begun();
    const { faults } = place.standIn;
    faults.next({ kind: 'create' }, lost);
    faults.listLagMs = 3_600_000;
    const listen = faults.onRequest;
    let looks = 0;
    faults.onRequest = (seen) => {
      looks += seen.kind === 'list' && seen.phase === 'received' ? 1 : 0;
      if (looks === 4) faults.listLagMs = 0;
      return listen?.(seen);
    };
    expect(await tracked(place)).toBe(place.only().id);
    expect(looks).toBe(4);
  });

  test('a run that is not found is not sent again: that proves nothing', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
    const error = await failure(tracked(place));
    expect(error.reason).toBe('outcome-unknown');
    expect(error.hint).toContain('same fingerprint');
    expect(place.count('create')).toBe(1);
    expect(await tracked(place)).toBe(place.only().id);
  });

  test('a list that cannot be had leaves the outcome unknown', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'create' }, lost);
    // The first look, before anything is sent, has to pass.
    place.standIn.faults.next({ kind: 'list', skip: 1 }, { kind: 'answer', status: 401 });
    const error = await failure(tracked(place));
    expect(error.reason).toBe('outcome-unknown');
    expect(error.message).toContain('the list could not be looked at');
  });

  test('a list that cannot be had beforehand keeps everything from being sent', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'list' }, { kind: 'answer', status: 401 });
    expect((await failure(tracked(place))).reason).toBe('key-refused');
    expect(place.asked()).toEqual(['list']);
  });

  test('the oldest of several is taken', async () => {
    let nowMs = Date.now();
    const place = await begun({}, { now: () => (nowMs += 1_000) });
    place.standIn.faults.listLagMs = 3_600_000;
    const first = await tracked(place);
    await tracked(place);
    expect(place.runs()).toHaveLength(2);
    place.standIn.faults.listLagMs = 0;
    for (const order of ['newest-first', 'oldest-first'] as const) {
      place.standIn.faults.listOrder = order;
      expect(await tracked(place)).toBe(first);
    }
  });

  async function tracked(place: Place, fingerprint = 'plan-17'): Promise<string> {
    return await place.application.trackRun({ ...run, description: 'words' }, { fingerprint });
  }
});

describe('uploads', () => {
  test('an address that is dead gets a fresh pair', async () => {
    const place = await begun();
    place.standIn.faults.next({ kind: 'put' }, { kind: 'answer', status: 403, body: '<Error/>' }, 2);
    await place.application.trackRun({ status: 'succeeded', input: { a: 1 } });
    expect(place.asked()).toEqual(['uploadurl', 'put', 'uploadurl', 'put', 'uploadurl', 'put', 'create']);
  });

  test('but not for ever', async () => {
    const place = await begun();
    place.standIn.faults.always({ kind: 'put' }, { kind: 'answer', status: 403, body: '<Error/>' });
    const error = await failure(place.application.trackRun({ status: 'succeeded', input: { a: 1 } }));
    expect(error).toMatchObject({ reason: 'upload-url-dead', status: 403 });
    expect(place.count('put')).toBe(4);
  });

  const minutes = 60_000;

  /** Uploads over a stand-in, on a clock that moves by so much with every PUT of an artefact. */
  async function uploading(minutesOf: Readonly<Partial<Record<Role, number>>>) {
    const place = await begun();
    const clock = {
      ms: 1e12,
      /** How far the wall clock has been set, or run on while the machine slept. */
      setMs: 0,
      nowMs: () => clock.ms + clock.setMs,
      monotonicMs: () => clock.ms,
      random: () => 0.5,
    };
    const platform = platformAt(place.standIn.endpoint, clock);
    const puts: Role[] = [];
    const bodies = (Object.keys(minutesOf) as Role[]).map((role) => ({
      role,
      bytes: 1,
      read: async function* () {
        puts.push(role);
        yield await Promise.resolve(Buffer.from('1'));
        clock.ms += (minutesOf[role] ?? 0) * minutes;
      },
    }));
    const policy: RetryPolicy = { triesMax: 3, durationMsMax: 1e9, delayMsMin: 1, delayMsMax: 1 };
    const landed = new Map<Role, Landed>();
    const upload = () => uploadAll(bodies, { platform, app, clock, retry: policy, signal: never }, landed);
    return { upload, puts, clock, faults: place.standIn.faults };
  }

  test('what has become too old meanwhile is uploaded again, and only that', async () => {
    const { upload, puts, clock } = await uploading({ input: 1, logs: 0 });
    const first = await upload();
    expect(await upload()).toEqual(first);
    expect(puts.toSorted()).toEqual(['input', 'logs']);
    clock.ms += 13 * minutes;
    const second = await upload();
    expect(second).not.toEqual(first);
    expect(puts).toHaveLength(4);
  });

  test('a clock that is set back makes every id too old', async () => {
    const { upload, puts, clock } = await uploading({ input: 1 });
    await upload();
    clock.setMs -= 60 * minutes;
    await upload();
    expect(puts).toHaveLength(2);
  });

  test.each([
    { name: 'the clock is set back meanwhile', passMs: 13 * minutes, setMs: -10 * minutes },
    { name: 'the machine sleeps meanwhile', passMs: 0, setMs: 13 * minutes },
  ])('an id that is too old is so also where $name', async ({ passMs, setMs }) => {
    const { upload, puts, clock } = await uploading({ input: 0 });
    const first = await upload();
    clock.ms += passMs;
    clock.setMs += setMs;
    expect(await upload()).not.toEqual(first);
    expect(puts).toHaveLength(2);
  });

  test('a link that is too slow for what is to be sent is named', async () => {
    const { upload, puts, clock, faults } = await uploading({ input: 0 });
    faults.onRequest = ({ kind, phase }) => {
      if (kind === 'put' && phase === 'done') clock.ms += 13 * minutes;
    };
    const error = await failure(upload());
    expect(error.reason).toBe('link-too-slow');
    expect(error.message).toContain('12 minutes');
    expect(puts).toHaveLength(3);
  });

  test('so is one on which the last bytes are taken only when the id is too old', async () => {
    const { upload } = await uploading({ input: 13 });
    const error = await failure(upload());
    expect(error.reason).toBe('link-too-slow');
    expect(error.message).toContain('13 minutes');
  });

  test('ids that grow old while the platform asks to wait are not sent', async () => {
    const place = await begun();
    const { clock } = place.client;
    const real = clock.nowMs.bind(clock);
    onTestFinished(() => void (clock.nowMs = real));
    const { faults } = place.standIn;
    const listen = faults.onRequest;
    faults.onRequest = (seen) => {
      if (seen.kind === 'create' && seen.phase === 'received') clock.nowMs = () => real() + 13 * minutes;
      return listen?.(seen);
    };
    faults.next({ kind: 'create' }, { kind: 'answer', status: 429 });
    await place.application.trackRun({ status: 'succeeded', input: {} });
    expect(place.asked()).toEqual(['uploadurl', 'put', 'create', 'uploadurl', 'put', 'create']);
  });
});

describe('the policy', () => {
  const policy: RetryPolicy = { triesMax: 4, durationMsMax: 1_000, delayMsMin: 1, delayMsMax: 2 };
  const trouble = (retryAfterMs?: number, reason = 'platform-trouble') =>
    new RuntrackdError({
      class: reason,
      text: 't',
      hint: 'h',
      reach: 'run',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });

  /** So many tries, where each takes so long. */
  async function tries(error: Error, msOfTry = 0): Promise<number> {
    let ms = 0;
    const clock = { nowMs: () => ms, monotonicMs: () => ms, random: () => 0 };
    let count = 0;
    const work = () => {
      count += 1;
      ms += msOfTry;
      return Promise.reject(error);
    };
    await expect(retrying(work, policy, clock, never)).rejects.toBe(error);
    return count;
  }

  test.each([
    { name: 'so many tries, the first one included', error: trouble(), is: 4 },
    { name: 'no try begins after so long', error: trouble(), msOfTry: 400, is: 3 },
    { name: 'a wish to wait longer than that ends it', error: trouble(1_001), is: 1 },
    { name: 'a refusal is final', error: trouble(undefined, 'refused'), is: 1 },
    {
      name: 'content that cannot be understood stays so',
      error: trouble(undefined, 'unreadable-content'),
      is: 1,
    },
    { name: 'an error that nobody named is a bug', error: new Error('bug'), is: 1 },
  ])('$name', async ({ error, msOfTry, is }) => {
    expect(await tries(error, msOfTry)).toBe(is);
  });
});

function platformAt(
  endpoint: string,
  clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now(), random: () => 0.5 },
): PlatformClient {
  const platform = new PlatformClient({
    endpoint,
    apiKey: () => Promise.resolve(new Secret(key)),
    connections: 4,
    version: '0.0.0',
    clock,
    network: directNetwork,
  });
  onTestFinished(() => platform.close());
  return platform;
}

async function deadAddress(): Promise<string> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

test('a platform that is not there is told as such, after all tries', async () => {
  const client = new Client({
    apiKey: key,
    endpoint: await deadAddress(),
    retry: { maxTries: 2, delay: 0.001 },
  });
  onTestFinished(() => client.close());
  const application = new Application({ client, id: app });
  expect((await failure(application.trackRun(run))).reason).toBe('unreachable');
});
