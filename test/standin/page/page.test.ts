/** The pages as text, over a socket: what they say, what they leave out, and what they tell the browser. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Faults } from '../../../src/standin/faults.ts';
import { app, started, type Answer, type Client } from '../harness.ts';
import { archiveOf, asset, attack, failedRunOfArchives, hostileRun, richRun, visuals } from './recorded.ts';

const get = (client: Client, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  client.send('GET', `${client.standIn.endpoint}${path}`, { headers });

/** The words of a page, as they are read. */
const words = ({ text }: Answer): string =>
  text
    .replace(/<(script|style)\b.*?<\/\1>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');

const linksTo = (run: string) => `href="/apps/${app}/runs/${run}"`;

test('an empty stand-in says what to do', async () => {
  const client = await started();
  const page = await get(client, '/');
  expect(page.status).toBe(200);
  expect(words(page)).toContain(`NEXTMV_ENDPOINT=${client.standIn.endpoint} NEXTMV_API_KEY=x`);
});

test('every page says that this is not the platform, and is guarded', async () => {
  const client = await started();
  const run = await richRun(client, []);
  const paths = [
    '/',
    `/apps/${app}`,
    `/apps/${app}/runs/${run}`,
    '/apps/none-such/runs/x',
    '/apps/a/b/c/d/e',
  ];
  for (const path of paths) {
    const page = await get(client, path);
    expect(words(page), path).toContain('This is not the Nextmv Platform');
    expect(page.headers, path).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    });
  }
});

test('only where Plotly draws, styles are allowed: by nonce, and as attributes', async () => {
  const client = await started();
  const run = await richRun(client);
  const page = await get(client, `/apps/${app}/runs/${run}`);
  const nonce = /<style id="plotly.js-style-global" nonce="([^"]+)">/.exec(page.text)?.[1] ?? 'none';
  const again = await get(client, `/apps/${app}/runs/${run}`);
  expect(page.headers['content-security-policy']).toContain(
    `script-src 'self'; style-src-elem 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline';`,
  );
  expect(again.text).not.toContain(nonce);
});

test.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80', '10.0.0.1', 'x@127.0.0.1'])(
  'a request for the host %s is refused',
  async (host) => {
    const client = await started();
    await richRun(client, []);
    const page = await get(client, '/', { host });
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.text).not.toContain(app);
  },
);

test.each(['localhost', 'LOCALHOST:80', '127.0.0.1:1', '[::1]:8421'])(
  'a request for the host %s is answered',
  async (host) => {
    const client = await started();
    expect((await get(client, '/', { host })).status).toBe(200);
  },
);

test('the start page has the apps with their counts, and the newest runs', async () => {
  const client = await started({ apps: [app, 'empty-app'] });
  const failed = { result: { status: 'failed', error_message: 'no' } };
  const runs = [await client.track({ name: 'first' }), await client.track(failed), await client.track()];
  const page = await get(client, '/');
  expect(words(page)).toContain('3 runs in 2 apps');
  expect(words(page)).toMatch(/hare-app 3 2 1 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d (just now|\d seconds? ago)/);
  expect(words(page)).toContain('empty-app 0 0 0 none yet');
  const places = runs.map((run) => page.text.indexOf(linksTo(run)));
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toStrictEqual([...places].sort((a, b) => b - a));
});

test('pages of an app lead from the newest to the oldest run, each once, whatever comes in meanwhile', async () => {
  const client = await started();
  const made: string[] = [];
  for (let at = 0; at < 120; at += 1) made.push(await client.track());
  const seen: string[] = [];
  let path: string | undefined = `/apps/${app}`;
  while (path !== undefined) {
    const page: Answer = await get(client, path);
    seen.push(...[...page.text.matchAll(/runs\/(devint-[\w-]+)"/g)].map((found) => found[1] ?? ''));
    path = /href="([^"]+)" rel="next"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&');
    await client.track();
  }
  expect(seen).toStrictEqual(made.reverse());
});

test('the filter shows the runs of one status, and its counts agree with the API', async () => {
  let now = 1_000_000;
  const faults = new Faults({ finalAfterMs: 1_000 });
  const client = await started({ faults, now: () => now });
  const failed = { result: { status: 'failed', error_message: 'no' } };
  const ids: string[] = [];
  // Ages of 2000 and 1000 ms are final; 999 and 500 running, 499 and 0 queued.
  for (const [age, body] of [
    [2000, failed],
    [1000, {}],
    [999, {}],
    [500, {}],
    [499, failed],
    [0, {}],
  ] as const) {
    now = 1_000_000 - age;
    ids.push(await client.track(body));
  }
  now = 1_000_000;
  expect((await client.call('PATCH', `/runs/${ids[5] ?? ''}/cancel`)).status).toBe(200);

  const { json } = await client.call('GET', '/runs');
  const listed = json['runs'] as { id: string; status_v2: string }[];
  const page = await get(client, `/apps/${app}`);
  for (const status of ['succeeded', 'failed', 'queued', 'running', 'canceled']) {
    const expected = listed.filter(({ status_v2: own }) => own === status).map(({ id }) => id);
    expect(words(page)).toContain(`${status} ${expected.length}`);
    const filtered = await get(client, `/apps/${app}?status=${status}`);
    expect(ids.filter((id) => filtered.text.includes(linksTo(id))).sort(), status).toStrictEqual(
      expected.sort(),
    );
  }
  expect(words(await get(client, `/apps/${app}?status=<b>&before=x`))).toContain('all 6');
});

test('a run shows what was recorded of it', async () => {
  let now = Date.UTC(2026, 10, 22, 3, 26, 41);
  const client = await started({ now: () => now });
  const run = await richRun(client);
  now += 3 * 60_000;
  const read = words(await get(client, `/apps/${app}/runs/${run}`));
  for (const expected of [
    'weekly plan',
    'succeeded',
    `Run ${run}`,
    'Instance devint',
    'Created 2026-11-22 03:26:41 3 minutes ago',
    'Duration 41.2s',
    'Format json in, json out',
    'Description from line 2',
    'result.value 27381.25',
    'result.gap 0.0123',
    'run.duration 41.2',
    'objective 1 27.5',
    'gap 1 0.01',
    'load v2 6.5',
    'cost Tue 4900',
    'solver highs',
    'reading the model optimal',
    'Longitude 8.400° to 8.600°, latitude 49.000° to 49.100°.',
    'the local page knows traces of scatter, bar and pie',
  ]) {
    expect(read).toContain(expected);
  }
  expect(read).not.toContain('series_data.value');
});

test('what went wrong stands at the top of a failed run, and its archives are looked into', async () => {
  const client = await started();
  const run = await failedRunOfArchives(client);
  const read = words(await get(client, `/apps/${app}/runs/${run}`));
  expect(read).toContain('What went wrong depot 3 is <closed>');
  expect(read).toMatch(/plan\.csv 5 kB .*sub\/ folder .*sub\/<b>routes\.csv 5 kB/);
  expect(read).toContain('Log The run was recorded without.');
});

test.each([
  { what: 'no archive at all', bytes: Buffer.from('plain') },
  { what: 'cut off', bytes: gzipSync(randomBytes(5_000)).subarray(0, 2_000) },
  { what: 'no tar inside', bytes: gzipSync(Buffer.from('x'.repeat(5_000))) },
])('an archive that is $what is said to be none', async ({ bytes }) => {
  const client = await started();
  const id = await client.upload(bytes);
  const made = await client.call('POST', '/runs', {
    upload_id: id,
    configuration: { format: { input: { type: 'multi-file' } } },
    result: { status: 'succeeded' },
  });
  const page = await get(client, `/apps/${app}/runs/${String(made.json['run_id'])}`);
  expect(words(page)).toContain('cannot be read as a .tar.gz');
});

test('an archive inside an archive is not unpacked', async () => {
  const client = await started();
  const id = await client.upload(gzipSync(await archiveOf(['plan.csv'])));
  const made = await client.call('POST', '/runs', {
    upload_id: id,
    configuration: { format: { input: { type: 'multi-file' } } },
    result: { status: 'succeeded' },
  });
  const page = await get(client, `/apps/${app}/runs/${String(made.json['run_id'])}`);
  expect(words(page)).toContain('cannot be read as a .tar.gz');
});

test('an archive that unpacks to very much is looked into only so far', async () => {
  const client = await started();
  const header = Buffer.alloc(512);
  header.write('huge.bin');
  header.write('0000644\0', 100);
  header.write('77777777777\0', 124);
  header.write('        0', 148);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(300 * 1024 * 1024)]), { level: 1 });
  const id = await client.upload(bomb);
  const made = await client.call('POST', '/runs', {
    upload_id: id,
    configuration: { format: { input: { type: 'multi-file' } } },
    result: { status: 'succeeded' },
  });
  const before = process.memoryUsage().rss;
  const page = await get(client, `/apps/${app}/runs/${String(made.json['run_id'])}`);
  expect(words(page)).toContain('The first 1 files in it');
  expect(words(page)).toContain('huge.bin 8.59 GB');
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});

test('of a large document the beginning is shown, and the whole is a download', async () => {
  const client = await started();
  // Characters of two bytes that begin at odd places: the limit goes through the middle of one.
  const log = `x${'ü'.repeat(100_000)}`;
  const run = await client.track({
    result: { status: 'succeeded', error_upload_id: await client.upload(log) },
  });
  const page = await get(client, `/apps/${app}/runs/${run}`);
  expect(page.text.length).toBeLessThan(90_000);
  expect(words(page)).toContain('Its first 64 KiB');
  expect(page.text).not.toContain('\ufffd');

  const whole = await get(client, `/apps/${app}/runs/${run}/logs`);
  expect(whole.text).toBe(log);
  expect(whole.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': `attachment; filename="${run}-logs.log"`,
    'content-length': String(Buffer.byteLength(log)),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
});

test('downloads come with the type and name of what they are', async () => {
  const client = await started();
  const run = await richRun(client);
  const archives = await failedRunOfArchives(client);
  const told = async (path: string) => {
    const { status, headers } = await get(client, `/apps/${app}/runs/${path}`);
    return [status, headers['content-type'], headers['content-disposition']];
  };
  const attached = (name: string) => `attachment; filename="${name}"`;
  expect(await told(`${run}/output`)).toStrictEqual([
    200,
    'application/json',
    attached(`${run}-output.json`),
  ]);
  expect(await told(`${run}/assets/0`)).toStrictEqual([
    200,
    'application/json',
    attached(`${run}-asset-0.json`),
  ]);
  expect(await told(`${archives}/input`)).toStrictEqual([
    200,
    'application/gzip',
    attached(`${archives}-input.tar.gz`),
  ]);
  expect((await told(`${run}/assets/99`))[0]).toBe(404);
  expect((await told(`${run}/metadata`))[0]).toBe(404);
  expect((await told(`${archives}/logs`))[0]).toBe(404);
});

test('small JSON is laid out, with every digit', async () => {
  const client = await started();
  const output = await client.upload('{"a":1.10000000000000000001,"b":[1,2]}');
  const run = await client.track({ result: { status: 'succeeded', output_upload_id: output } });
  const page = await get(client, `/apps/${app}/runs/${run}`);
  expect(page.text.replaceAll('&quot;', '"')).toContain(
    '{\n  "a": 1.10000000000000000001,\n  "b": [\n    1,\n    2\n  ]\n}',
  );
});

test('what others sent never becomes markup', async () => {
  const client = await started();
  const run = await hostileRun(client);
  for (const path of ['/', `/apps/${app}`, `/apps/${app}/runs/${run}`]) {
    const { text } = await get(client, path);
    expect(text, path).not.toMatch(/<img|<script>|<\/textarea|onload="/);
    // Every script that there is: from this server, or data.
    const scripts = [...text.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag);
    for (const tag of scripts) expect(tag).toMatch(/src="\/page\/[a-z]+\.js"|type="application\/json"/);
    expect([...text.matchAll(/<\/script/g)], path).toHaveLength(scripts.length);
  }
  const page = await get(client, `/apps/${app}/runs/${run}`);
  expect(words(page)).toContain(`What went wrong ${attack}`);
  expect(words(page), 'an escape sequence is seen').toContain('␛[2J');
});

test.each([
  { what: 'no schema', content: {}, visual: { label: 'x' }, says: 'names no schema' },
  { what: 'a visual that is a text', content: {}, visual: 'chartjs', says: 'names no schema' },
  { what: 'an unknown schema', content: {}, visual: { schema: 'vega' }, says: 'schema “vega”' },
  { what: 'no chart', content: { data: 1 }, visual: visuals.chartjs, says: 'no known type or no datasets' },
  { what: 'an empty list', content: [], visual: visuals.plotly, says: 'an empty list' },
  { what: 'no figure', content: 'x', visual: visuals.plotly, says: 'is none that can be drawn here' },
  { what: 'no map', content: { type: 'Topology' }, visual: visuals.geojson, says: 'no shape could be drawn' },
])('an asset with $what is shown as JSON, with the reason', async ({ content, visual, says }) => {
  const client = await started();
  const run = await richRun(client, [asset('it', content, visual)]);
  const page = await get(client, `/apps/${app}/runs/${run}`);
  expect(words(page)).toContain(says);
  expect(page.text).toContain('<details class="json" open');
});

test('an asset that is larger than the platform takes is not put into the page', async () => {
  const client = await started();
  const run = await richRun(client, [asset('big', { data: 'x'.repeat(1_000_001) }, visuals.chartjs)]);
  const page = await get(client, `/apps/${app}/runs/${run}`);
  expect(words(page)).toContain('too large to be shown here');
});

test('looking at pages spends no fault, and no hook hears of it', async () => {
  const client = await started();
  const heard: string[] = [];
  client.standIn.faults.onRequest = ({ path }) => void heard.push(path);
  client.standIn.faults.next({}, { kind: 'answer', status: 503 });
  expect((await get(client, '/')).status).toBe(200);
  expect((await get(client, '/page/look.css')).status).toBe(200);
  expect([client.standIn.faults.pending, heard]).toStrictEqual([1, []]);
});

test('what is not of the page is answered as before', async () => {
  const client = await started();
  const answer = await get(client, '/v2/x');
  expect([answer.status, answer.json['error']]).toStrictEqual([404, 'not found']);
  expect(answer.headers['content-security-policy']).toBeUndefined();
});

test.each(['chart.js', 'plotly.js', 'drawing.js', 'look.css', 'icon.svg'])(
  '%s comes from this server, and is not sent again when it is known',
  async (name) => {
    const client = await started();
    const answer = await get(client, `/page/${name}`);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('sourceMappingURL');
    const known = String(answer.headers['etag']);
    expect((await get(client, `/page/${name}`, { 'if-none-match': known })).status).toBe(304);
  },
);
