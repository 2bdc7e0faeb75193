/** Each fault, and what it leaves behind: whether a run was made is what a client must be able to find out. */
import { EventEmitter, once } from 'node:events';
import { expect, test } from 'vitest';
import { Faults, type Misbehaviour, type SeenRequest } from '../../src/standin/faults.ts';
import { app, listedIds, minimalRun, started, type Client } from './harness.ts';

const create = (client: Client, signal?: AbortSignal) =>
  client.send('POST', `${client.standIn.endpoint}/v1/applications/hare-app/runs`, {
    headers: { authorization: 'Bearer secret-key' },
    body: JSON.stringify(minimalRun),
    ...(signal === undefined ? {} : { signal }),
  });

async function outcome(client: Client): Promise<string> {
  const answer = await create(client).catch((error: unknown) => error as Error & { code: string });
  return answer instanceof Error ? answer.code : `${answer.status} ${answer.text}`;
}

test.each<{ name: string; fault: Misbehaviour; outcome: string | RegExp; runs: number }>([
  { name: 'a drop before', fault: { kind: 'drop', when: 'before' }, outcome: 'ECONNRESET', runs: 0 },
  { name: 'a drop after', fault: { kind: 'drop', when: 'after' }, outcome: 'ECONNRESET', runs: 1 },
  {
    name: 'a drop midway',
    fault: { kind: 'drop', when: 'midway' },
    outcome: /UND_ERR_SOCKET|ECONNRESET/,
    runs: 1,
  },
  { name: 'a refusal', fault: { kind: 'answer', status: 500 }, outcome: /^500 {"error":"fault"/, runs: 0 },
  {
    name: 'an error although it was done',
    fault: { kind: 'answer', status: 504, body: '', carriedOut: true },
    outcome: '504 ',
    runs: 1,
  },
  {
    name: 'garbage',
    fault: { kind: 'answer', status: 200, body: '<html>', carriedOut: true },
    outcome: '200 <html>',
    runs: 1,
  },
  {
    name: 'JSON without the wanted key',
    fault: { kind: 'answer', status: 200, body: '{"id":"x"}', carriedOut: true },
    outcome: '200 {"id":"x"}',
    runs: 1,
  },
  { name: 'a delay', fault: { kind: 'delay', ms: 30 }, outcome: /^200 {"run_id"/, runs: 1 },
  {
    name: 'a trickle',
    fault: { kind: 'trickle', bytesPerSecond: 1000 },
    outcome: /^200 {"run_id":".*"}$/,
    runs: 1,
  },
  {
    name: 'a length that promises more',
    fault: { kind: 'length', offByBytes: 10 },
    outcome: /UND_ERR/,
    runs: 1,
  },
  {
    name: 'a length that promises less',
    fault: { kind: 'length', offByBytes: -10 },
    outcome: /^200 {"run_id":"[^}]*$/,
    runs: 1,
  },
])('$name leaves $runs runs', async ({ fault, outcome: expected, runs }) => {
  const client = await started();
  client.standIn.faults.next({ kind: 'create' }, fault);
  expect(await outcome(client)).toMatch(expected);
  expect(await listedIds(client)).toHaveLength(runs);
  expect(await outcome(client)).toMatch(/^200/);
});

test.each([
  { name: 'in seconds', retryAfter: '3' },
  { name: 'as a date', retryAfter: 'Sun, 22 Nov 2026 03:26:41 GMT' },
  { name: 'not at all', retryAfter: undefined },
])('429 says when to come again: $name', async ({ retryAfter }) => {
  const client = await started();
  client.standIn.faults.next(
    { kind: 'create' },
    { kind: 'answer', status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) },
  );
  const answer = await create(client);
  expect([answer.status, answer.headers['retry-after']]).toStrictEqual([429, retryAfter]);
});

test.each([
  { carriedOut: true, runs: 1 },
  { carriedOut: false, runs: 0 },
])('a hang lasts until the client leaves, and leaves $runs runs', async ({ carriedOut, runs }) => {
  const client = await started();
  client.standIn.faults.next({ kind: 'create' }, { kind: 'hang', carriedOut });
  await expect(create(client, AbortSignal.timeout(100))).rejects.toThrow('timeout');
  expect(await listedIds(client)).toHaveLength(runs);
});

test('what is answered late is done at once', async () => {
  const client = await started();
  client.standIn.faults.next({ kind: 'create' }, { kind: 'delay', ms: 3_600_000 });
  const leaving = new AbortController();
  const late = create(client, leaving.signal);
  await expect.poll(() => listedIds(client)).toHaveLength(1);
  leaving.abort(new Error('too late'));
  await expect(late).rejects.toThrow('too late');
});

test.each([
  { name: 'an answer of the API', kind: 'input', path: (id: string) => `/runs/${id}/input` },
  { name: 'a download', kind: 'download', path: (id: string) => `/runs/${id}/input?format=url` },
] as const)('$name trickles: it begins, and is far from its end', async ({ kind, path }) => {
  const client = await started();
  const id = await client.track({ input: { text: 'x'.repeat(5_000) } });
  client.standIn.faults.next({ kind }, { kind: 'trickle', bytesPerSecond: 1 });
  const asked = `${client.standIn.endpoint}/v1/applications/hare-app${path(id)}`;
  const url = kind === 'download' ? String((await client.call('GET', path(id))).json['url']) : asked;
  const leaving = new AbortController();
  const answer = await fetch(url, {
    headers: kind === 'download' ? {} : { authorization: 'Bearer k' },
    signal: leaving.signal,
  });
  const first = (await answer.body?.getReader().read()) as { value?: Uint8Array } | undefined;
  expect(first?.value?.length).toBeLessThan(100);
  leaving.abort();
  expect(
    (await client.send('GET', url, { headers: kind === 'download' ? {} : { authorization: 'Bearer k' } }))
      .text,
  ).toHaveLength(5_011);
});

test('an answer that trickles is carried out, and whole in the end', async () => {
  const client = await started();
  const output_upload_id = await client.upload(JSON.stringify('x'.repeat(30_000)));
  client.standIn.faults.next({ kind: ['create', 'output'] }, { kind: 'trickle', bytesPerSecond: 200_000 }, 2);
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  expect((await client.call('GET', `/runs/${id}/output`)).text).toHaveLength(30_002);
  expect(client.standIn.faults.pending).toBe(0);
});

test('closing ends what trickles', async () => {
  const client = await started();
  client.standIn.faults.always({}, { kind: 'trickle', bytesPerSecond: 1 });
  const answer = await fetch(`${client.standIn.endpoint}/v1/applications/hare-app`, {
    headers: { authorization: 'Bearer k' },
  });
  const text = answer.text();
  void text.catch(() => undefined);
  await client.standIn.close();
  await expect(text).rejects.toThrow();
});

test('closing ends a hang, a delay and a hook that never returns', async () => {
  const client = await started();
  const { faults } = client.standIn;
  faults.next({ kind: 'create' }, { kind: 'hang', carriedOut: true });
  faults.next({ kind: 'list' }, { kind: 'delay', ms: 600_000 });
  faults.onRequest = ({ kind }) =>
    kind === 'application' ? once(new EventEmitter(), 'never').then(() => undefined) : undefined;
  const requests = [create(client), client.call('GET', '/runs'), client.call('GET', '')];
  const settled = Promise.allSettled(requests);
  await expect.poll(() => faults.pending).toBe(0);
  await client.standIn.close();
  expect((await settled).map(({ status }) => status)).toStrictEqual(['rejected', 'rejected', 'rejected']);
});

test('a lost PUT can be repeated, and is not half there', async () => {
  const client = await started();
  client.standIn.faults.next({ kind: 'put', app: 'hare-app' }, { kind: 'drop', when: 'before' });
  client.standIn.faults.next({ kind: 'put' }, { kind: 'drop', when: 'after' });
  const { upload_id, upload_url } = await client.ticket();
  const put = () => client.send('PUT', upload_url, { body: Buffer.alloc(1_000_000, ' ') });
  const named = { ...minimalRun, input: undefined, upload_id };
  await expect(put()).rejects.toThrow();
  expect((await client.call('POST', '/runs', named)).json['message']).toContain('nothing was PUT');
  await expect(put()).rejects.toThrow();
  expect((await client.call('POST', '/runs', named)).json['message']).toContain('declared JSON');
  expect((await put()).status).toBe(200);
});

test('a download, large or not, can be lost too', async () => {
  const client = await started();
  const output_upload_id = await client.upload(`"${'x'.repeat(1_000_000)}"`);
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  const { url } = (await client.call('GET', `/runs/${id}/output?format=url`)).json;
  for (const when of ['before', 'midway', 'after'] as const) {
    client.standIn.faults.next({ kind: 'download' }, { kind: 'drop', when });
    await expect(client.send('GET', String(url))).rejects.toThrow();
  }
  expect((await client.send('GET', String(url))).text).toHaveLength(1_000_002);
});

test('rules are used up one by one, in the order they were added, by the requests they are aimed at', async () => {
  const client = await started();
  const { faults } = client.standIn;
  faults.next({ kind: ['list', 'application'], skip: 1 }, { kind: 'answer', status: 503 }, 2);
  faults.next({ app: 'other-app' }, { kind: 'answer', status: 403 });
  faults.always({ kind: 'list' }, { kind: 'answer', status: 502 });
  const list = async (app = 'hare-app') => {
    const url = `${client.standIn.endpoint}/v1/applications/${app}/runs`;
    return (await client.send('GET', url, { headers: { authorization: 'Bearer k' } })).status;
  };
  expect((await client.call('GET', '')).status).toBe(200);
  expect([await list(), await list(), await list()]).toStrictEqual([503, 503, 502]);
  expect([await list('other-app'), await list('other-app')]).toStrictEqual([403, 502]);
  faults.clear();
  expect(await list()).toBe(200);
});

test('a hook hears of a request before anything is stored and again when it is, and never sees a secret', async () => {
  const client = await started();
  const seen: (SeenRequest & { runs: number })[] = [];
  client.standIn.faults.onRequest = async (request) => {
    if (request.kind === 'list') return;
    seen.push({ ...request, runs: (await listedIds(client)).length });
  };
  await create(client);
  const path = '/v1/applications/hare-app/runs';
  const request = { kind: 'create', method: 'POST', path, app: 'hare-app' };
  expect(seen).toStrictEqual([
    { ...request, phase: 'received', runs: 0 },
    { ...request, phase: 'done', runs: 1 },
  ]);

  const { upload_id, upload_url } = await client.ticket();
  await client.send('PUT', upload_url, { body: '{}' });
  expect(seen.at(-1)).toMatchObject({ kind: 'put', path: `/storage/${upload_id}`, app: 'hare-app' });
  expect(JSON.stringify(seen)).not.toMatch(/secret-key|signature|expires/);
});

test('a hook can end a client at either moment, and add a fault for this very request', async () => {
  const client = await started();
  const { faults } = client.standIn;
  for (const [phase, fault, runs] of [
    ['received', true, 0],
    ['received', false, 1],
    ['done', false, 2],
  ] as const) {
    const leaving = new AbortController();
    faults.onRequest = (request) => {
      if (request.kind !== 'create' || request.phase !== phase) return;
      if (fault) faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
      leaving.abort(new Error('ended'));
    };
    await expect(create(client, leaving.signal)).rejects.toThrow('ended');
    await expect.poll(() => listedIds(client)).toHaveLength(runs);
  }
});

test('a run is queued, then running, then final, when that is asked for', async () => {
  let nowMs = Date.now();
  const client = await started({ now: () => nowMs, faults: new Faults({ finalAfterMs: 1000 }) });
  const output_upload_id = await client.upload('{}');
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  const seen = [];
  for (const passed of [0, 499, 1, 499, 1]) {
    nowMs += passed;
    const { json } = await client.call('GET', `/runs/${id}`);
    const output = (await client.call('GET', `/runs/${id}/output`)).status;
    seen.push([(json['metadata'] as { status_v2: string }).status_v2, 'output' in json, output]);
  }
  expect(seen).toStrictEqual([
    ['queued', false, 404],
    ['queued', false, 404],
    ['running', false, 404],
    ['running', false, 404],
    ['succeeded', true, 200],
  ]);
});

test('a run that is final stays so when the clock is set back, on the page too', async () => {
  let nowMs = Date.now();
  const client = await started({ now: () => nowMs, faults: new Faults({ finalAfterMs: 1000 }) });
  const id = await client.track();
  nowMs += 1000;
  const statuses = async () => {
    const { json } = await client.call('GET', `/runs/${id}/metadata`);
    const page = (await client.send('GET', `${client.standIn.endpoint}/apps/${app}`)).text;
    const { status_v2: status } = json['metadata'] as { status_v2: string };
    return { status, onPage: /class="status (\w+)"/.exec(page)?.[1] };
  };
  const final = { status: 'succeeded', onPage: 'succeeded' };
  expect(await statuses()).toStrictEqual(final);
  nowMs -= 24 * 3_600_000;
  expect(await statuses()).toStrictEqual(final);
  expect((await client.call('PATCH', `/runs/${id}/cancel`)).status).toBe(409);
});

test('outputs come back altered when that is asked for, inputs do not', async () => {
  const client = await started();
  const output_upload_id = await client.upload('{"solution":1}');
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  const url = String((await client.call('GET', `/runs/${id}/output?format=url`)).json['url']);
  client.standIn.faults.outputAltered = true;
  expect((await client.call('GET', `/runs/${id}`)).json['output']).toStrictEqual({ altered: true });
  expect((await client.call('GET', `/runs/${id}/output`)).json).toStrictEqual({ altered: true });
  expect((await client.send('GET', url)).json).toStrictEqual({ altered: true });
  expect((await client.call('GET', `/runs/${id}/input`)).json).toStrictEqual({ a: 1 });
});

test.each([
  { name: 'a download, whose length is known', path: (id: string) => `/runs/${id}/input?format=url` },
  { name: 'logs, whose length is not', path: (id: string) => `/runs/${id}/logs` },
])('a drop midway of $name, comes half-way and is not held', async ({ path }) => {
  const client = await started();
  const large = 'x'.repeat(20 * 1024 * 1024);
  const upload = async () => await client.upload(`"${large}"`);
  const id = await client.track({
    input: undefined,
    upload_id: await upload(),
    configuration: { format: { input: { type: 'text' } } },
    result: { status: 'failed', error_upload_id: await upload() },
  });
  const { endpoint } = client.standIn;
  const api = `${endpoint}/v1/applications/${app}${path(id)}`;
  const isUrl = path(id).includes('url');
  const url = isUrl ? String((await client.call('GET', path(id))).json['url']) : api;
  client.standIn.faults.next({}, { kind: 'drop', when: 'midway' });
  const headers = isUrl ? {} : { authorization: 'Bearer k' };
  const answer = await fetch(url, { headers });
  expect(answer.status).toBe(200);
  let bytes = 0;
  await expect(
    (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
    })(),
  ).rejects.toThrow();
  expect(bytes).toBeLessThanOrEqual(large.length / 2 + 1);
});
