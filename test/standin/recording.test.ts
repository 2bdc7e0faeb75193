/** A run is recorded and read back, as the platform's own documentation shows it. */
import { expect, test } from 'vitest';
import { started } from './harness.ts';

test('a succeeded run comes back with what was sent', async () => {
  const client = await started({ now: () => Date.UTC(2026, 10, 22, 3, 26, 41, 900) });
  const upload_id = await client.upload('{"sample":"input"}');
  const output_upload_id = await client.upload('{"solution":{"sample":"output"}}');
  const id = await client.track({
    input: undefined,
    upload_id,
    name: 'plan',
    description: 'fp:abc',
    options: { duration: '30s' },
    result: { status: 'succeeded', output_upload_id, execution_duration: 42_000 },
  });

  expect(id).toMatch(/^devint-[A-Za-z0-9_-]{9}$/);
  const metadata = {
    application_id: 'hare-app',
    application_instance_id: 'devint',
    application_version_id: '',
    created_at: '2026-11-22T03:26:41Z',
    initiated_at: '2026-11-22T03:26:41Z',
    duration: 42_000,
    execution_duration: 42_000,
    error: '',
    execution_class: '',
    runtime: '',
    input_size: 18,
    output_size: 32,
    format: { input: { type: 'json' }, output: { type: 'json' } },
    run_type: { type: 'external', definition_id: '', reference_id: '' },
    queuing_priority: 6,
    queuing_disabled: false,
    status: 'succeeded',
    status_v2: 'succeeded',
    experiment_id: '',
    experiment_type: '',
    secrets_collection_id: '',
    metrics: {},
    statistics: {},
    options: {
      active_options: { duration: '30s' },
      options_summary: [{ name: 'duration', source: 'run', value: '30s' }],
      request_options: { duration: '30s' },
    },
    tracking: { cloned_run_id: '', input_id: '' },
  };
  const information = {
    id,
    user_email: 'stand-in@localhost',
    name: 'plan',
    description: 'fp:abc',
    metadata,
  };
  expect((await client.call('GET', `/runs/${id}/metadata`)).json).toStrictEqual(information);
  expect((await client.call('GET', `/runs/${id}`)).json).toStrictEqual({
    ...information,
    output: { solution: { sample: 'output' } },
  });
});

test('a failed run comes back with an error log instead of an output', async () => {
  const client = await started();
  const output_upload_id = await client.upload('{"options": {}, "solution": {"sample": "output"}}');
  const error_upload_id = await client.upload('log line one\nlog "line" two é');
  const id = await client.track({
    result: {
      status: 'failed',
      error_message: 'solver exited with code 3',
      output_upload_id,
      error_upload_id,
      execution_duration: 2040,
    },
  });

  const { json } = await client.call('GET', `/runs/${id}`);
  expect(json).not.toHaveProperty('output');
  expect(json['error_log']).toStrictEqual({
    error: 'solver exited with code 3',
    stdout: '{"options": {}, "solution": {"sample": "output"}}',
    stderr: 'log line one\nlog "line" two é\nsolver exited with code 3\n',
  });
  expect(json['metadata']).toMatchObject({ status_v2: 'failed', error: 'solver exited with code 3' });
});

test('a failed run without output or log has an error log all the same', async () => {
  const client = await started();
  const id = await client.track({ result: { status: 'failed', error_message: 'boom' } });
  expect((await client.call('GET', `/runs/${id}`)).json['error_log']).toStrictEqual({
    error: 'boom',
    stdout: '',
    stderr: '\nboom\n',
  });
});

test('a succeeded run without output has the output null', async () => {
  const client = await started();
  const id = await client.track();
  expect((await client.call('GET', `/runs/${id}`)).json['output']).toBeNull();
  expect((await client.call('GET', `/runs/${id}/output`)).status).toBe(404);
});

test('the instance is the one that was asked for, else the default', async () => {
  const client = await started({ defaultInstance: 'staging' });
  expect(await client.track({}, '?instance_id=prod')).toMatch(/^prod-/);
  expect(await client.track()).toMatch(/^staging-/);
  expect((await client.call('GET', '')).json).toMatchObject({ id: 'hare-app', default_instance: 'staging' });
});

test('each accepted request makes a new run, though it is the same request', async () => {
  const client = await started();
  const upload_id = await client.upload('{}');
  const body = { input: undefined, upload_id };
  expect(await client.track(body)).not.toBe(await client.track(body));
});

test('a JSON output is answered byte for byte, also with spaces and numbers that no parser keeps', async () => {
  const client = await started();
  const text = '{ "solution": {"big": 12345678901234567890, "e": 1.0} }\n';
  const output_upload_id = await client.upload(text);
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  expect((await client.call('GET', `/runs/${id}/output`)).text).toBe(text);
  expect((await client.call('GET', `/runs/${id}`)).text).toContain(`"output":${text}`);
});

test('an output can be fetched at a URL that needs no key', async () => {
  const client = await started();
  const output_upload_id = await client.upload('{"solution":1}');
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  const whole = await client.call('GET', `/runs/${id}?format=url`);
  const alone = await client.call('GET', `/runs/${id}/output?format=url`);
  const input = await client.call('GET', `/runs/${id}/input?format=url`);
  const { url } = whole.json['output'] as { url: string };
  expect((await client.send('GET', url)).text).toBe('{"solution":1}');
  expect((await client.send('GET', String(alone.json['url']))).text).toBe('{"solution":1}');
  expect((await client.send('GET', String(input.json['url']))).text).toBe('{"a":1}');
});

test('an output that is not JSON is answered only as a URL', async () => {
  const client = await started();
  const archive = Buffer.from([0x1f, 0x8b, 0, 255, 254]);
  const output_upload_id = await client.upload(archive);
  const id = await client.track({
    configuration: { format: { input: { type: 'json' }, output: { type: 'multi-file' } } },
    result: { status: 'succeeded', output_upload_id },
  });
  expect((await client.call('GET', `/runs/${id}`)).status).toBe(400);
  expect((await client.call('GET', `/runs/${id}/output`)).status).toBe(400);
  const { json } = await client.call('GET', `/runs/${id}/output?format=url`);
  const answer = await fetch(String(json['url']));
  expect(Buffer.from(await answer.arrayBuffer())).toStrictEqual(archive);
});

test('an output of 5 MiB is answered inline, one of a byte more only as a URL', async () => {
  const client = await started();
  const most = 5 * 1024 * 1024;
  const ids = [];
  for (const bytes of [most, most + 1]) {
    const output_upload_id = await client.upload(`{"s":"${'x'.repeat(bytes - 8)}"}`);
    ids.push(await client.track({ result: { status: 'succeeded', output_upload_id } }));
  }
  const statuses = ids.map(async (id) => (await client.call('GET', `/runs/${id}`)).status);
  expect(await Promise.all(statuses)).toStrictEqual([200, 400]);
  expect((await client.call('GET', `/runs/${ids[1] ?? ''}?format=url`)).status).toBe(200);
});

test('logs come back whole, and live logs end', async () => {
  const client = await started();
  // Larger than a chunk of the disk, with characters of two bytes at every boundary.
  const log = `x${'é\n"'.repeat(50_000)}`;
  const error_upload_id = await client.upload(log);
  const id = await client.track({ result: { status: 'succeeded', error_upload_id } });
  expect((await client.call('GET', `/runs/${id}/logs`)).json).toStrictEqual({ log });
  const live = (await client.call('GET', `/runs/${id}/logs/live`)).json;
  expect(live).toMatchObject({ status_v2: 'succeeded', items: [{ log }] });
  const rest = await client.call('GET', `/runs/${id}/logs/live?since=${String(live['next_page_token'])}`);
  expect(rest.json['items']).toStrictEqual([]);
});

const asset = {
  name: 'Plot',
  content_type: 'json',
  content: { a: [1, 2] },
  visual: { schema: 'chartjs', type: 'custom-tab', label: 'Charts' },
};
const metrics = { result: { value: 27, gap: 0 }, solver: 'x' };
const statistics = { run: { duration: 1.5 } };

test.each([
  {
    name: 'metrics, statistics and assets of a JSON output are taken from the document',
    output: JSON.stringify({ solution: {}, metrics, statistics, assets: [asset] }),
    format: 'json',
    separate: {},
  },
  {
    name: 'metrics, statistics and assets of a multi-file output are taken from uploads of their own',
    output: 'an archive',
    format: 'multi-file',
    separate: { metrics, statistics: { statistics }, assets: { assets: [asset] } },
  },
])('$name', async ({ output, format, separate }) => {
  const client = await started();
  const result: Record<string, string> = {
    status: 'succeeded',
    output_upload_id: await client.upload(output),
  };
  for (const [role, document] of Object.entries(separate)) {
    result[`${role}_upload_id`] = await client.upload(JSON.stringify(document));
  }
  const id = await client.track({
    configuration: { format: { input: { type: 'json' }, output: { type: format } } },
    result,
  });

  const { json } = await client.call('GET', `/runs/${id}/metadata`);
  expect(json['metadata']).toMatchObject({ metrics, statistics });
  const { json: list } = await client.call('GET', '/runs');
  expect(list['runs']).toMatchObject([
    {
      metrics: {
        indicators: [
          { name: 'result.value', value: 27 },
          { name: 'result.gap', value: 0 },
        ],
      },
    },
  ]);

  const { json: assets } = await client.call('GET', `/runs/${id}/assets`);
  expect(assets['items']).toMatchObject([
    { name: 'Plot', content_type: 'json', size: 11, visual: asset.visual },
  ]);
  const [item] = assets['items'] as [{ id: string }];
  const { json: where } = await client.call('GET', `/runs/${id}/assets/${item.id}`);
  expect((await client.send('GET', String(where['download_url']))).json).toStrictEqual(asset.content);
  expect((await client.call('GET', `/runs/${id}/assets/7`)).status).toBe(404);
});

test('a run keeps the output it was made with, though its upload is PUT again', async () => {
  const client = await started();
  const { upload_id: output_upload_id, upload_url: url } = await client.ticket();
  await client.send('PUT', url, { body: '{"solution":1}' });
  const id = await client.track({ result: { status: 'succeeded', output_upload_id } });
  await client.send('PUT', url, { body: '{"solution":2}' });
  expect((await client.call('GET', `/runs/${id}/output`)).text).toBe('{"solution":1}');
});

test('a name and a description can be changed, one or both', async () => {
  const client = await started();
  const id = await client.track({ name: 'old', description: 'kept' });
  await client.call('PUT', `/runs/${id}`, { name: 'new' });
  expect((await client.call('GET', `/runs/${id}/metadata`)).json).toMatchObject({
    name: 'new',
    description: 'kept',
  });
});

test('a final run is not cancelled, one that is not final is, for good', async () => {
  const client = await started();
  const id = await client.track();
  expect((await client.call('PATCH', `/runs/${id}/cancel`)).status).toBe(409);
  client.standIn.faults.finalAfterMs = Infinity;
  expect((await client.call('PATCH', `/runs/${id}/cancel`)).status).toBe(200);
  client.standIn.faults.finalAfterMs = 0;
  const { json } = await client.call('GET', `/runs/${id}`);
  expect(json['metadata']).toMatchObject({ status_v2: 'canceled' });
  expect(json).not.toHaveProperty('output');
});

test('a deleted run is gone from everywhere', async () => {
  const client = await started();
  const [gone, kept] = [await client.track(), await client.track()];
  expect((await client.call('DELETE', `/runs/${gone}`)).status).toBe(200);
  expect((await client.call('GET', `/runs/${gone}`)).status).toBe(404);
  expect((await client.call('DELETE', `/runs/${gone}`)).status).toBe(404);
  expect((await client.call('GET', '/runs')).json['runs']).toMatchObject([{ id: kept }]);
});
