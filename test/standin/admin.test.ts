/** The routes below `/stand-in`: what they show, what they change, and that they name all that is wrong. */
import { expect, test } from 'vitest';
import { Faults } from '../../src/standin/faults.ts';
import { settingNames, wellBehaved, type SettingName, type Settings } from '../../src/standin/settings.ts';
import { listedIds, started, type Answer } from './harness.ts';

const usual = {
  final_after: '0ms',
  list_lag: '0ms',
  list_order: 'newest-first',
  page_size: 50,
  over_length: 'refuse',
  not_json: 'refuse',
  refuse_non_ascii_error: false,
  output_altered: false,
  upload_lifetime: '15m',
  upload_bytes_max: 734003200,
  cancel_final: 'refuse',
};

const changes: readonly { name: SettingName; value: unknown; sets: Partial<Settings> }[] = [
  { name: 'final_after', value: '1500ms', sets: { finalAfterMs: 1500 } },
  { name: 'list_lag', value: '2s', sets: { listLagMs: 2000 } },
  { name: 'list_order', value: 'shuffled', sets: { listOrder: 'shuffled' } },
  { name: 'page_size', value: 7, sets: { pageSize: 7 } },
  { name: 'over_length', value: 'cut', sets: { overLength: 'cut' } },
  { name: 'not_json', value: 'accept', sets: { notJson: 'accept' } },
  { name: 'refuse_non_ascii_error', value: true, sets: { refuseNonAsciiError: true } },
  { name: 'output_altered', value: true, sets: { outputAltered: true } },
  { name: 'upload_lifetime', value: '1h', sets: { uploadLifetimeMs: 3_600_000 } },
  { name: 'upload_bytes_max', value: 5, sets: { uploadBytesMax: 5 } },
  { name: 'cancel_final', value: 'ignore', sets: { cancelFinal: 'ignore' } },
];

const message = (answer: Answer) => String(answer.json['message']);

test('all settings are shown', async () => {
  const client = await started();
  expect((await client.admin('GET', '/settings')).json).toStrictEqual(usual);
});

test('every setting has a row in the next test', () => {
  expect(changes.map(({ name }) => name)).toStrictEqual(settingNames);
});

test.each(changes)('$name can be changed while it runs, and by itself', async ({ name, value, sets }) => {
  const client = await started();
  const changed = { ...usual, [name]: value };
  expect((await client.admin('PATCH', '/settings', { [name]: value })).json).toStrictEqual(changed);
  expect((await client.admin('GET', '/settings')).json).toStrictEqual(changed);
  expect(client.standIn.faults).toMatchObject({ ...wellBehaved, ...sets });
});

test('a setting takes effect with the next request', async () => {
  const client = await started();
  const id = await client.track();
  expect((await client.call('PATCH', `/runs/${id}/cancel`)).status).toBe(409);
  await client.admin('PATCH', '/settings', {
    cancel_final: 'ignore',
    list_lag: '1h',
    upload_lifetime: '1ms',
  });
  expect((await client.call('PATCH', `/runs/${id}/cancel`)).status).toBe(200);
  expect((await client.call('GET', `/runs/${id}/metadata`)).json['metadata']).toMatchObject({
    status_v2: 'succeeded',
  });
  expect(await listedIds(client)).toStrictEqual([]);
  const { upload_url } = await client.ticket();
  await expect.poll(async () => (await client.send('PUT', upload_url, { body: 'x' })).status).toBe(403);
});

test('all problems are named at once, and nothing is changed', async () => {
  const client = await started();
  const answer = await client.admin('PATCH', '/settings', {
    final_after: 5,
    list_lag: '25h',
    list_order: 'up',
    page_size: 0,
    upload_lifetime: '0s',
    refuse_non_ascii_error: 'yes',
    over_length: 'cut',
    colour: 'red',
  });
  expect(answer.status).toBe(400);
  for (const problem of [
    'final_after: expected a number with its unit',
    'list_lag: must be at most 24h',
    'list_order: ',
    'page_size: must be a whole number from 1 to 500',
    'upload_lifetime: must be at least 1ms',
    'refuse_non_ascii_error: ',
    'the body: Unrecognized key: "colour"',
  ]) {
    expect(message(answer)).toContain(problem);
  }
  expect((await client.admin('GET', '/settings')).json).toStrictEqual(usual);
});

test('clearing in code goes back to what it was started with', () => {
  const faults = new Faults({ notJson: 'accept' });
  Object.assign(faults, { notJson: 'refuse', pageSize: 3 });
  faults.clear();
  expect(faults).toMatchObject({ ...wellBehaved, notJson: 'accept' });
});

test('faults are added, shown with what is left of them, used up and removed', async () => {
  const client = await started();
  const added = await client.admin('POST', '/faults', {
    faults: ['create:drop-after:2', 'application:503,retry-after=1:always', 'list:404'],
  });
  expect(added.json).toStrictEqual({
    faults: [
      { id: 1, fault: 'create:drop-after:2', left: 2 },
      { id: 2, fault: 'application:503,retry-after=1:always', left: 'always' },
      { id: 3, fault: 'list:404', left: 1 },
    ],
  });
  await expect(client.track()).rejects.toThrow();
  const answer = await client.call('GET', '');
  expect([answer.status, answer.headers['retry-after']]).toStrictEqual([503, '1']);
  expect((await client.call('GET', '/runs')).status).toBe(404);
  expect((await client.admin('GET', '/faults')).json).toStrictEqual({
    faults: [
      { id: 1, fault: 'create:drop-after:2', left: 1 },
      { id: 2, fault: 'application:503,retry-after=1:always', left: 'always' },
    ],
  });
  expect((await client.admin('DELETE', '/faults/2')).json).toMatchObject({ faults: [{ id: 1 }] });
  expect((await client.admin('DELETE', '/faults/2')).status).toBe(404);
  expect((await client.admin('DELETE', '/faults')).json).toStrictEqual({ faults: [] });
  await client.track();
  expect((await client.admin('POST', '/faults', { faults: ['any:500'] })).json).toMatchObject({
    faults: [{ id: 4 }],
  });
});

test('of faults that are wrong each is named, and none is added', async () => {
  const client = await started();
  const answer = await client.admin('POST', '/faults', {
    faults: ['creat:500', 'any:500', 'any:soon'],
    more: 1,
  });
  expect(answer.status).toBe(400);
  expect(message(answer)).toContain('faults.0: "creat" is no kind of request');
  expect(message(answer)).toContain('faults.2: "soon" is no fault');
  expect(message(answer)).toContain('Unrecognized key: "more"');
  expect((await client.admin('GET', '/faults')).json).toStrictEqual({ faults: [] });
});

test('there is an end to how many faults it keeps', async () => {
  const client = await started();
  const faults = Array.from({ length: 100 }, () => 'any:500');
  expect((await client.admin('POST', '/faults', { faults })).status).toBe(200);
  const answer = await client.admin('POST', '/faults', { faults: ['any:500'] });
  expect([answer.status, message(answer)]).toStrictEqual([
    409,
    'there are at most 100 faults at a time: remove some first',
  ]);
});

test('no fault happens to these routes, and nobody is told of them', async () => {
  const client = await started();
  const { faults } = client.standIn;
  let heard = 0;
  faults.onRequest = () => void (heard += 1);
  faults.always({}, { kind: 'answer', status: 500 });
  expect((await client.call('GET', '')).status).toBe(500);
  expect(heard).toBe(1);
  expect((await client.admin('GET', '/health')).json).toStrictEqual({ status: 'ok', id: client.standIn.id });
  expect((await client.admin('GET', '/settings')).status).toBe(200);
  expect((await client.admin('GET', '/nothing')).status).toBe(404);
  expect((await client.admin('DELETE', '/faults')).status).toBe(200);
  expect(heard).toBe(1);
  expect((await client.call('GET', '')).status).toBe(200);
});

test.each([
  { name: 'text', type: 'text/plain' },
  { name: 'a form', type: 'application/x-www-form-urlencoded' },
  { name: 'nothing said', type: undefined },
  { name: 'something like JSON', type: 'application/jsonish' },
])('what is sent as $name changes nothing', async ({ type }) => {
  const client = await started();
  const url = `${client.standIn.endpoint}/stand-in`;
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
  for (const [method, path, body] of [
    ['PATCH', '/settings', { page_size: 1 }],
    ['POST', '/faults', { faults: ['any:500:always'] }],
  ] as const) {
    const answer = await client.send(method, url + path, { headers, body: JSON.stringify(body) });
    expect([answer.status, message(answer)]).toStrictEqual([415, 'send content-type: application/json']);
  }
  expect(client.standIn.faults).toMatchObject({ pageSize: 50, rules: [] });
});

test('a body that is not JSON, or too large, is refused', async () => {
  const client = await started();
  const url = `${client.standIn.endpoint}/stand-in/settings`;
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const patch = (body: string) => client.send('PATCH', url, { headers, body });
  expect(message(await patch('{'))).toBe('the body is not JSON');
  expect((await patch(JSON.stringify({ list_order: 'x'.repeat(1024 * 1024) }))).status).toBe(413);
  expect((await patch('[]')).status).toBe(400);
  expect((await patch('{}')).json).toStrictEqual(usual);
});

test('where there is a key these routes need it too', async () => {
  const client = await started({ apiKey: 'right' });
  const ask = async (method: string, path: string, key?: string) => {
    const headers = {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    };
    return (await client.send(method, `${client.standIn.endpoint}/stand-in${path}`, { headers, body: '{}' }))
      .status;
  };
  for (const [method, path] of [
    ['GET', '/health'],
    ['GET', '/settings'],
    ['PATCH', '/settings'],
    ['GET', '/faults'],
    ['DELETE', '/faults'],
  ] as const) {
    expect(await ask(method, path)).toBe(401);
    expect(await ask(method, path, 'wrong')).toBe(401);
    expect(await ask(method, path, 'right')).toBe(200);
  }
});
