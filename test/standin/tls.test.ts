/** HTTPS: the certificate that it makes and keeps, and that connections are lost over TLS as they are without it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import ms from 'ms';
import { expect, test } from 'vitest';
import { listedIds, minimalRun, started, temporaryFolder, type Client } from './harness.ts';

const keyIn = (dataDir: string) => join(dataDir, 'tls-key.pem');
const certificateOf = ({ standIn }: Client) => readFileSync(standIn.certificateFile ?? '', 'utf8');

test('it speaks HTTPS, and the URLs that it gives out are so too', async () => {
  const client = await started({ tls: true });
  expect(client.standIn.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const { upload_id, upload_url } = await client.ticket();
  expect(new URL(upload_url).origin).toBe(client.standIn.endpoint);
  await client.send('PUT', upload_url, { body: '{"a":1}' });
  const id = await client.track({ input: undefined, upload_id });
  const { url } = (await client.call('GET', `/runs/${id}/input?format=url`)).json;
  expect(new URL(String(url)).origin).toBe(client.standIn.endpoint);
  expect((await client.send('GET', String(url))).text).toBe('{"a":1}');
  const page = { headers: { origin: client.standIn.endpoint } };
  expect((await client.send('GET', `${client.standIn.endpoint}/stand-in/health`, page)).status).toBe(200);
});

test('nobody trusts it who was not given its certificate', async () => {
  const client = await started({ tls: true });
  const stranger = await fetch(client.standIn.endpoint).catch((error: unknown) => (error as Error).cause);
  expect(stranger).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('without TLS there is no certificate', async () => {
  expect((await started()).standIn.certificateFile).toBeNull();
});

test('the certificate is for loopback names, is no authority, and its key is for the owner only', async () => {
  const dataDir = temporaryFolder();
  const certificate = new X509Certificate(certificateOf(await started({ dataDir, tls: true })));
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkIP('::1')).toBe('::1');
  expect(certificate.checkHost('example.com')).toBeUndefined();
  expect(certificate.ca).toBe(false);
  expect(certificate.publicKey.asymmetricKeyDetails).toStrictEqual({ namedCurve: 'prime256v1' });
  expect(statSync(keyIn(dataDir)).mode & 0o777).toBe(0o600);
});

test.each([
  { name: 'is used again after a restart', laterMs: 0, kept: true },
  { name: 'is used as long as it is good for a month', laterMs: ms('334d'), kept: true },
  { name: 'is renewed near its end', laterMs: ms('336d'), kept: false },
  { name: 'is renewed after its end', laterMs: ms('400d'), kept: false },
  { name: 'is kept when the clock was set back by a day', laterMs: -ms('1d'), kept: true },
  { name: 'is renewed when the clock was set back before it', laterMs: -ms('3d'), kept: false },
])('the certificate $name', async ({ laterMs, kept }) => {
  const dataDir = temporaryFolder();
  const madeAtMs = Date.now();
  const first = await started({ dataDir, tls: true, now: () => madeAtMs });
  const before = certificateOf(first);
  await first.standIn.close();
  const second = await started({ dataDir, tls: true, now: () => madeAtMs + laterMs });
  expect(certificateOf(second) === before).toBe(kept);
});

test.each([
  { name: 'without its key', damage: (dataDir: string) => rmSync(keyIn(dataDir)) },
  {
    name: 'with the key of another',
    damage: (dataDir: string, other: string) => writeFileSync(keyIn(dataDir), readFileSync(keyIn(other))),
  },
  {
    name: 'that is cut off',
    damage: (dataDir: string) => writeFileSync(join(dataDir, 'tls-certificate.pem'), '-----BEGIN'),
  },
])('a certificate $name is made anew, and works', async ({ damage }) => {
  const [dataDir, otherDir] = [temporaryFolder(), temporaryFolder()];
  for (const folder of [dataDir, otherDir])
    await (await started({ dataDir: folder, tls: true })).standIn.close();
  damage(dataDir, otherDir);
  const client = await started({ dataDir, tls: true });
  expect((await client.call('GET', '')).status).toBe(200);
});

test.each([
  { when: 'before', runs: 0 },
  { when: 'after', runs: 1 },
  { when: 'midway', runs: 1 },
] as const)('a drop $when over TLS is a reset, and leaves $runs runs', async ({ when, runs }) => {
  const client = await started({ tls: true });
  client.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when });
  const lost = await client.call('POST', '/runs', minimalRun).catch((error: unknown) => error);
  expect((lost as { code?: string }).code).toMatch(
    when === 'midway' ? /^(ECONNRESET|UND_ERR_SOCKET)$/ : /^ECONNRESET$/,
  );
  expect(await listedIds(client)).toHaveLength(runs);
});

test('closing ends a connection that never came to its handshake', async () => {
  const { standIn } = await started({ tls: true });
  const socket = connect(Number(new URL(standIn.endpoint).port), '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await standIn.close();
  await ended;
});
