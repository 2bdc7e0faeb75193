/** A stand-in with a key shows nothing to who does not know it, and keeps no key in the browser. */
import { expect, test } from 'vitest';
import type { StandInOptions } from '../../../src/standin/standin.ts';
import { app, started, temporaryFolder, type Client } from '../harness.ts';
import { richRun } from './recorded.ts';

/** The one that the harness sends to the API. */
const apiKey = 'some-key';
const lifetimeMs = 12 * 60 * 60_000;

const get = (client: Client, path: string, cookie?: string) =>
  client.send(
    'GET',
    `${client.standIn.endpoint}${path}`,
    cookie === undefined ? {} : { headers: { cookie } },
  );

const post = (client: Client, form: Record<string, string>) =>
  client.send('POST', `${client.standIn.endpoint}/page/key`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });

const cookieOf = (setCookie: string | string[] | undefined): string => String(setCookie).split(';')[0] ?? '';

async function withKey(options: Partial<StandInOptions> = {}) {
  const client = await started({ apiKey, ...options });
  const run = await richRun(client);
  return { client, paths: ['', '/logs', '/assets/0'].map((part) => `/apps/${app}/runs/${run}${part}`) };
}

test('without proof there is only the question', async () => {
  const { client, paths } = await withKey();
  for (const path of ['/', `/apps/${app}`, ...paths]) {
    const page = await get(client, path);
    expect(page.status, path).toBe(401);
    expect(page.text).not.toMatch(/weekly plan|optimal|v1/);
    expect(page.text).toContain('This is not the Nextmv Platform');
    expect(page.text).toContain(`name="to" value="${path}"`);
  }
});

test('who knows the key gets a cookie that is not the key, and sees everything', async () => {
  const { client, paths } = await withKey();
  const answer = await post(client, { key: ` ${apiKey}\n`, to: `/apps/${app}?status=failed` });
  expect([answer.status, answer.headers['location']]).toStrictEqual([303, `/apps/${app}?status=failed`]);
  const set = String(answer.headers['set-cookie']);
  expect(set).toContain('HttpOnly');
  expect(set).toContain('SameSite=Strict');
  expect(set).not.toContain(apiKey);
  for (const path of ['/', ...paths]) expect((await get(client, path, cookieOf(set))).status, path).toBe(200);
});

test('a wrong key gets nothing', async () => {
  const { client } = await withKey();
  const answer = await post(client, { key: 'wrong', to: '/' });
  expect([answer.status, answer.headers['set-cookie']]).toStrictEqual([401, undefined]);
  expect(answer.text).toContain('not the key');
  expect((await post(client, {})).status).toBe(401);
});

test.each([
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '/apps/x\\y',
  'javascript:alert(1)',
])('nobody is led to %s', async (to) => {
  const { client } = await withKey();
  expect((await post(client, { key: apiKey, to })).headers['location']).toBe('/');
});

test('a proof is good for its time, its key and its stand-in', async () => {
  let now = 1_000_000;
  const dataDir = temporaryFolder();
  const { client, paths } = await withKey({ dataDir, now: () => now });
  const proof = cookieOf((await post(client, { key: apiKey })).headers['set-cookie']);
  const path = paths[0] ?? '';
  now += lifetimeMs - 1;
  expect((await get(client, path, proof)).status).toBe(200);
  now += 1;
  expect((await get(client, path, proof)).status).toBe(401);
  expect((await get(client, path, proof.replace(/=\d+/, `=${now + lifetimeMs}`))).status).toBe(401);

  now = 1_000_000;
  await client.standIn.close();
  const otherKey = await started({ apiKey: 'other', dataDir, now: () => now });
  expect((await get(otherKey, path, proof)).status).toBe(401);
  await otherKey.standIn.close();
  const sameAgain = await started({ apiKey, dataDir, now: () => now });
  expect((await get(sameAgain, path, proof)).status).toBe(200);
  const elsewhere = await started({ apiKey, now: () => now });
  const renamed = proof.replace(/^[^=]+/, `stand-in-${elsewhere.standIn.id}`);
  expect((await get(elsewhere, '/', renamed)).status).toBe(401);
});

test('a form that is too long is not read', async () => {
  const { client } = await withKey();
  expect((await post(client, { key: 'x'.repeat(100_000) })).status).toBe(413);
});
