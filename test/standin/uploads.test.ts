/** The storage behind the upload URLs. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Faults } from '../../src/standin/faults.ts';
import { minimalRun, started, temporaryFolder } from './harness.ts';

test('a ticket has a UUID and an absolute URL of the stand-in itself', async () => {
  const client = await started();
  const { upload_id, upload_url } = await client.ticket();
  expect(upload_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(new URL(upload_url).origin).toBe(client.standIn.endpoint);
});

test('a PUT is answered with nothing, whatever its content type, and can be repeated', async () => {
  const client = await started();
  const { upload_id, upload_url } = await client.ticket();
  for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
    const put = await client.send('PUT', upload_url, { headers, body: JSON.stringify(headers) });
    expect([put.status, put.text, put.headers['content-length']]).toStrictEqual([200, '', '0']);
  }
  const id = await client.track({ input: undefined, upload_id });
  expect((await client.call('GET', `/runs/${id}/input`)).text).toBe('{"content-type":"text/plain"}');
});

test('an empty document can be uploaded', async () => {
  const client = await started();
  const error_upload_id = await client.upload('');
  const id = await client.track({ result: { status: 'succeeded', error_upload_id } });
  expect((await client.call('GET', `/runs/${id}/logs`)).json).toStrictEqual({ log: '' });
});

test('a key that is sent to the storage is refused, as S3 refuses it', async () => {
  const client = await started();
  const { upload_url } = await client.ticket();
  const put = await client.send('PUT', upload_url, { headers: { authorization: 'Bearer k' }, body: 'x' });
  expect(put.status).toBe(400);
  expect(put.text).toContain('<Code>InvalidArgument</Code>');
  expect((await client.send('PUT', upload_url, { body: 'x' })).status).toBe(200);
});

test.each([
  { name: 'without a signature', change: (url: string) => url.replace(/&signature=.*/, '') },
  {
    name: 'with another signature',
    change: (url: string) => url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
  },
  { name: 'with a later expiry', change: (url: string) => url.replace(/expires=1/, 'expires=2') },
  { name: 'for another upload', change: (url: string) => url.replace(/storage\/./, 'storage/~') },
])('a URL $name is refused with a short XML body', async ({ change }) => {
  const client = await started();
  const { upload_id, upload_url } = await client.ticket();
  const put = await client.send('PUT', change(upload_url), { body: 'x' });
  expect(put.status).toBe(403);
  expect(put.text).toContain('<Code>SignatureDoesNotMatch</Code>');
  expect((await client.call('POST', '/runs', { ...minimalRun, input: undefined, upload_id })).status).toBe(
    400,
  );
});

test('upload URLs and download URLs are refused from the moment they expire', async () => {
  let nowMs = Date.now();
  const client = await started({ now: () => nowMs, faults: new Faults({ uploadLifetimeMs: 60_000 }) });
  const { upload_url } = await client.ticket();
  const id = await client.track();
  const { url } = (await client.call('GET', `/runs/${id}/input?format=url`)).json;
  nowMs += 59_999;
  expect((await client.send('PUT', upload_url, { body: 'x' })).status).toBe(200);
  expect((await client.send('GET', String(url))).status).toBe(200);
  nowMs += 1;
  for (const late of [
    await client.send('PUT', upload_url, { body: 'x' }),
    await client.send('GET', String(url)),
  ]) {
    expect(late.status).toBe(403);
    expect(late.text).toContain('<Message>Request has expired</Message>');
  }
});

test('a URL for a PUT is none for a GET', async () => {
  const client = await started();
  const { upload_url } = await client.ticket();
  await client.send('PUT', upload_url, { body: 'x' });
  expect((await client.send('GET', upload_url)).status).toBe(404);
  expect((await client.send('GET', upload_url.replace('?', '/output?'))).status).toBe(403);
});

test('a body of unknown length is refused', async () => {
  const client = await started();
  const { upload_url } = await client.ticket();
  const body = (async function* () {
    yield await Promise.resolve(Buffer.from('x'));
  })();
  expect((await client.send('PUT', upload_url, { body })).status).toBe(411);
});

test('a body that says to be over the limit is refused before it is sent', async () => {
  const client = await started();
  const { upload_url } = await client.ticket();
  const { pathname, search, port } = new URL(upload_url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${700 * 1024 * 1024 + 1}\r\n\r\n`,
  );
  const [head] = (await new Promise<Buffer[]>((resolve) =>
    socket.once('data', (data) => resolve([data])),
  )) as [Buffer];
  socket.destroy();
  expect(head.toString()).toContain('413');
});

test('of a client that leaves in the middle nothing is kept', async () => {
  const dataDir = temporaryFolder();
  const client = await started({ dataDir });
  const { upload_id, upload_url } = await client.ticket();
  const { pathname, search, port } = new URL(upload_url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nonly this`,
  );
  const files = () => readdirSync(join(dataDir, 'uploads'));
  await expect.poll(files).toHaveLength(1);
  socket.resetAndDestroy();
  await expect.poll(files).toHaveLength(0);
  const answer = await client.call('POST', '/runs', { upload_id, result: { status: 'succeeded' } });
  expect(answer.json['message']).toContain('nothing was PUT');
});

test('a large upload goes to the disk in pieces, and comes back so', async () => {
  const client = await started();
  const piece = Buffer.alloc(64 * 1024, 'x');
  const bytes = 320 * 1024 * 1024;
  const before = process.memoryUsage().rss;
  let most = before;
  const body = (async function* () {
    for (let sent = 0; sent < bytes; sent += piece.length) {
      yield await Promise.resolve(piece);
      most = Math.max(most, process.memoryUsage().rss);
    }
  })();
  const { upload_id, upload_url } = await client.ticket();
  const put = await client.send('PUT', upload_url, { headers: { 'content-length': String(bytes) }, body });
  expect(put.status).toBe(200);

  const id = await client.track({ result: { status: 'succeeded', output_upload_id: upload_id } });
  const { json } = await client.call('GET', `/runs/${id}/metadata`);
  expect(json['metadata']).toMatchObject({ output_size: bytes });
  const { url } = (await client.call('GET', `/runs/${id}/output?format=url`)).json;
  let received = 0;
  for await (const chunk of (await fetch(String(url))).body ?? []) {
    received += (chunk as Uint8Array).length;
    most = Math.max(most, process.memoryUsage().rss);
  }
  expect(received).toBe(bytes);
  // Both ends are in this process, and garbage is not collected at once: far less than the whole is what counts.
  expect(most - before).toBeLessThan(bytes / 2);
});

test('files that no run uses are removed a day after their URL expired, those of runs are not', async () => {
  let nowMs = Date.now();
  const dataDir = temporaryFolder();
  const client = await started({ dataDir, now: () => nowMs });
  const used = await client.upload('{}');
  await client.upload('{}');
  const kept = await client.track({ input: undefined, upload_id: used });
  const deleted = await client.track();
  await client.call('DELETE', `/runs/${deleted}`);
  const files = () => readdirSync(join(dataDir, 'uploads')).length;
  nowMs += 24 * 60 * 60_000;
  await client.ticket();
  expect(files()).toBe(3);
  nowMs += 16 * 60_000;
  await client.ticket();
  expect(files()).toBe(1);
  expect((await client.call('GET', `/runs/${kept}/input`)).text).toBe('{}');
});
