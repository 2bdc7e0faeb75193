/** What is refused, with which status, and that the message says what is wrong. */
import { expect, test } from 'vitest';
import { Faults } from '../../src/standin/faults.ts';
import { app, listedIds, minimalRun, started } from './harness.ts';

const uploadId = '00000000-0000-4000-8000-000000000000';
const result = { status: 'succeeded' };

test.each([
  { name: 'a body that is no object', body: 'text', says: 'the body' },
  { name: 'a run without a result', body: { input: 1 }, says: 'result is missing' },
  { name: 'a run without an input', body: { result }, says: 'got none' },
  {
    name: 'a run with two inputs',
    body: { input: 1, upload_id: uploadId, result },
    says: 'upload_id and input',
  },
  { name: 'a managed input', body: { input_id: 'x', result }, says: 'managed input x' },
  {
    name: 'a status of another kind',
    body: { ...minimalRun, result: { status: 'canceled' } },
    says: 'result.status',
  },
  {
    name: 'an error message on a succeeded run',
    body: { ...minimalRun, result: { ...result, error_message: 'x' } },
    says: 'failed run only',
  },
  { name: 'null for a name', body: { ...minimalRun, name: null }, says: 'name' },
  { name: 'an option that is no text', body: { ...minimalRun, options: { n: 1 } }, says: 'options.n' },
  {
    name: 'a format that does not exist',
    body: { ...minimalRun, configuration: { format: { input: { type: 'xml' } } } },
    says: 'configuration.format.input.type',
  },
  {
    name: 'a duration that is not whole',
    body: { ...minimalRun, result: { ...result, execution_duration: 1.5 } },
    says: 'result.execution_duration',
  },
  {
    name: 'a name of 129 characters',
    body: { ...minimalRun, name: 'é'.repeat(129) },
    says: '129 characters',
  },
  {
    name: 'a description of 257 characters',
    body: { ...minimalRun, description: 'x'.repeat(257) },
    says: '257 characters',
  },
  { name: 'an upload that was never given out', body: { upload_id: uploadId, result }, says: 'not known' },
])('$name is refused', async ({ body, says }) => {
  const client = await started();
  const answer = await client.call('POST', '/runs', body);
  expect(answer.status).toBe(400);
  expect(answer.json).toMatchObject({
    error: 'bad request',
    message: expect.stringContaining(says) as string,
  });
  expect(await listedIds(client)).toStrictEqual([]);
});

test.each([
  { name: 'the most of a name', body: { name: '𝄞'.repeat(128) } },
  { name: 'the most of a description', body: { description: 'é'.repeat(256) } },
  { name: 'an input that is null', body: { input: null } },
  { name: 'keys that are not known', body: { later: true } },
  { name: 'an empty error message on a succeeded run', body: { result: { ...result, error_message: '' } } },
])('$name is accepted', async ({ body }) => {
  const client = await started();
  expect((await client.call('POST', '/runs', { ...minimalRun, ...body })).status).toBe(200);
});

test('an upload is refused while nothing was PUT to its URL', async () => {
  const client = await started();
  const { upload_id } = await client.ticket();
  const answer = await client.call('POST', '/runs', { upload_id, result });
  expect(answer.json['message']).toBe('nothing was PUT to the upload URL of the input yet');
});

test('an upload of another app is refused', async () => {
  const client = await started();
  const upload_id = await client.upload('{}');
  const answer = await client.send('POST', `${client.standIn.endpoint}/v1/applications/other-app/runs`, {
    headers: { authorization: 'Bearer k' },
    body: JSON.stringify({ upload_id, result }),
  });
  expect(answer.json['message']).toContain('not known to app other-app');
});

test('an upload is refused from the moment it expires', async () => {
  let nowMs = 1_000_000;
  const client = await started({ now: () => nowMs, faults: new Faults({ uploadLifetimeMs: 1000 }) });
  const upload_id = await client.upload('{}');
  nowMs += 999;
  expect((await client.call('POST', '/runs', { upload_id, result })).status).toBe(200);
  nowMs += 1;
  const answer = await client.call('POST', '/runs', { upload_id, result });
  expect([answer.status, answer.json['message']]).toStrictEqual([
    400,
    'the upload of the input has expired: ask for a new upload URL',
  ]);
});

test.each(['', 'plain text', '{"v":NaN}', '\ufeff{}', Buffer.from([0x22, 0xff, 0x22])])(
  'a document declared JSON that is not is refused, unless that is allowed (%j)',
  async (document) => {
    const client = await started();
    const upload_id = await client.upload(document);
    const output = { ...result, output_upload_id: upload_id };
    const format = { input: { type: 'json' }, output: { type: 'json' } };
    const asInput = { upload_id, result };
    const asOutput = { input: 1, configuration: { format }, result: output };
    expect((await client.call('POST', '/runs', asInput)).json['message']).toContain(
      'the input is declared JSON',
    );
    expect((await client.call('POST', '/runs', asOutput)).json['message']).toContain(
      'the output is declared JSON',
    );
    client.standIn.faults.notJson = 'accept';
    const ofInput = await client.track({ ...asInput, input: undefined });
    expect((await client.call('GET', `/runs/${ofInput}/input`)).status).toBe(400);
    const { url } = (await client.call('GET', `/runs/${ofInput}/input?format=url`)).json;
    expect(await client.fetchBytes(String(url))).toStrictEqual(Buffer.from(document));
    const id = await client.track(asOutput);
    expect((await client.call('GET', `/runs/${id}`)).status).toBe(400);
    expect((await client.call('GET', `/runs/${id}?format=url`)).status).toBe(200);
  },
);

test('a request body that is not JSON, or too large, is refused', async () => {
  const client = await started();
  const url = `${client.standIn.endpoint}/v1/applications/${app}/runs`;
  const headers = { authorization: 'Bearer k' };
  expect((await client.send('POST', url, { headers, body: '{' })).status).toBe(400);
  const large = Buffer.alloc(5_600_000, ' ');
  expect((await client.send('POST', url, { headers, body: large })).status).toBe(413);
});

/** So many levels of JSON. */
const nested = (levels: number): unknown =>
  JSON.parse(`${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`);

test('a request that is nested too deep to be stored is refused, and the pages go on', async () => {
  const client = await started();
  const deep = { ...minimalRun, result: { ...result, extra: nested(1_001) } };
  const answer = await client.call('POST', '/runs', deep);
  expect(answer.status).toBe(400);
  expect(answer.json['message']).toContain('nested more than 100 levels deep');
  await client.track({ result: { ...result, extra: nested(98) }, input: nested(1_000) });
  expect((await client.call('POST', '/runs', { ...minimalRun, input: nested(1_001) })).status).toBe(400);
  for (const page of ['/', `/apps/${app}`])
    expect((await client.send('GET', client.standIn.endpoint + page)).status).toBe(200);
});

test('figures and assets that are nested too deep to be shown are left out', async () => {
  const client = await started();
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const asset = `{"name":"Plot","content":${deep},"visual":${deep}}`;
  const output_upload_id = await client.upload(`{"metrics":{"a":${deep}},"assets":[${asset}]}`);
  const id = await client.track({ result: { ...result, output_upload_id } });
  expect((await client.call('GET', `/runs/${id}/metadata`)).json['metadata']).toMatchObject({ metrics: {} });
  expect((await client.call('GET', `/runs/${id}/assets`)).json['items']).toMatchObject([
    { name: 'Plot', visual: null, size: 0 },
  ]);
});

test('names that are too long are cut when that is asked for', async () => {
  const client = await started();
  client.standIn.faults.overLength = 'cut';
  const id = await client.track({ name: '𝄞'.repeat(200), description: 'x'.repeat(300) });
  expect((await client.call('GET', `/runs/${id}/metadata`)).json).toMatchObject({
    name: '𝄞'.repeat(128),
    description: 'x'.repeat(256),
  });
});

test('an error message that is not printable ASCII is refused when that is asked for', async () => {
  const client = await started();
  const body = { ...minimalRun, result: { status: 'failed', error_message: 'out of mémoire' } };
  expect((await client.call('POST', '/runs', body)).status).toBe(200);
  client.standIn.faults.refuseNonAsciiError = true;
  expect((await client.call('POST', '/runs', body)).status).toBe(400);
});

test.each([
  { name: 'no key', headers: {}, status: 401 },
  { name: 'an empty key', headers: { authorization: 'Bearer ' }, status: 401 },
  { name: 'another scheme', headers: { authorization: 'Basic the-key' }, status: 401 },
  { name: 'a wrong key', headers: { authorization: 'Bearer other-key' }, status: 401 },
  { name: 'the right key', headers: { authorization: 'Bearer the-key' }, status: 200 },
])('$name is answered $status', async ({ headers, status }) => {
  const client = await started({ apiKey: 'the-key' });
  const answer = await client.send('GET', `${client.standIn.endpoint}/v1/applications/${app}`, { headers });
  expect(answer.status).toBe(status);
  expect(answer.text).not.toContain('the-key');
});

test.each([
  { name: 'an app that is not among those given', id: 'mole-app', apps: [app], status: 404 },
  { name: 'an app that is among those given', id: app, apps: [app], status: 200 },
  { name: 'any app of the right form with none given', id: 'a.b-3', apps: null, status: 200 },
  { name: 'an app id of the wrong form', id: 'Hare_App', apps: null, status: 404 },
  { name: 'an app id that is too short', id: 'ab', apps: null, status: 404 },
])('$name is answered $status', async ({ id, apps, status }) => {
  const client = await started({ apps });
  const headers = { authorization: 'Bearer k' };
  const base = `${client.standIn.endpoint}/v1/applications/${id}`;
  expect((await client.send('GET', base, { headers })).status).toBe(status);
  expect((await client.send('GET', `${base}/runs`, { headers })).status).toBe(status);
  expect((await client.send('POST', `${base}/runs/uploadurl`, { headers })).status).toBe(status);
});

test.each(['', '/metadata', '/output', '/input', '/logs', '/logs/live', '/assets', '/assets/0'])(
  'an unknown run is answered 404 (%s)',
  async (part) => {
    const client = await started();
    expect((await client.call('GET', `/runs/devint-nope00000${part}`)).status).toBe(404);
  },
);

test('a path or method that does not exist is answered 404 in the usual shape', async () => {
  const client = await started();
  const answer = await client.call('POST', '/runs/devint-nope00000/again');
  expect(answer.status).toBe(404);
  expect(answer.json).toHaveProperty('message');
});

test('an instance id that cannot be part of a run id is refused', async () => {
  const client = await started();
  expect((await client.call('POST', '/runs?instance_id=a%2Fb', minimalRun)).status).toBe(400);
});
