/** What the page of a running daemon gives to whom: strangers, members, foreign pages, foreign names. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect } from 'vitest';
import type { RunView, StatusView } from '../../../src/http/operations.ts';
import { dropFolder, plan } from '../../journey/folders.ts';
import { test, type Scene } from '../../journey/scene.ts';
import { until } from '../../journey/waiting.ts';
import { listening, memberCookie } from './visiting.ts';

async function ask(origin: string, path: string, options: Parameters<typeof request>[1] = {}) {
  const { statusCode, headers, body } = await request(`${origin}${path}`, options);
  return { status: statusCode, headers, text: await body.text() };
}

async function started(scene: Scene, http: object = {}) {
  scene.configure({ http: { listen: '127.0.0.1:0', ...http } });
  scene.drop('monday-plan');
  const daemon = await scene.daemon();
  await scene.result('monday-plan');
  return { daemon, origin: await listening(daemon) };
}

/** The password is "open sesame". */
async function startedWithPassword(scene: Scene) {
  writeFileSync(join(scene.dir, 'password'), 'open sesame\n', { mode: 0o600 });
  const { origin } = await started(scene, { access: 'password', password_file: './password' });
  const enter = async (password: string, to: string) =>
    await ask(origin, '/enter', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
      body: new URLSearchParams({ password, to }).toString(),
    });
  return { origin, enter };
}

test('a stranger sees health and counts, and nothing of what runs contain', async ({ scene }) => {
  const { origin } = await started(scene);
  const page = await ask(origin, '/', { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect(page.text).toContain('It works');
  expect(page.text).toContain('runtrackd status --open');
  expect(page.text).not.toContain('monday-plan');
  expect(page.text).not.toContain(scene.root);
  const status = JSON.parse((await ask(origin, '/api/status')).text) as object;
  expect(status).toEqual({ running: true, healthy: true, counts: { recorded: 1 } });
  for (const path of ['/runs', '/runs/1', '/folders?path=/x', '/confirm?word=retry&run=1', '/page/stream'])
    expect([path, (await ask(origin, path, { headers: { accept: 'text/html' } })).status]).toEqual([
      path,
      403,
    ]);
  for (const path of ['/api/runs', '/api/runs/1'])
    expect([path, (await ask(origin, path)).status]).toEqual([path, 403]);
  const answer = await ask(origin, '/answer', { method: 'POST', body: 'word=skip&run=1' });
  expect(answer.status).toBe(403);
});

test('the link of status --open lets one browser in, once', async ({ scene }) => {
  const { origin } = await started(scene);
  const { code, stdout } = await scene.command('status', '--open');
  expect(code).toBe(0);
  const link = stdout.trim();
  expect(link.startsWith(`${origin}/enter?key=`)).toBe(true);
  const head = await request(link, { method: 'HEAD' });
  await head.body.dump();
  expect(head.headers['set-cookie']).toBeUndefined();
  const first = await request(link);
  await first.body.dump();
  expect(first.headers['set-cookie']).toMatch(/^runtrackd-[0-9a-f]+=.+; HttpOnly; SameSite=Strict$/);
  const cookie = String(first.headers['set-cookie']).split(';')[0] ?? '';
  expect((await ask(origin, '/', { headers: { cookie } })).text).toContain('monday-plan');
  expect((await ask(link, '')).status).toBe(403);
});

test('a member asks for JSON in the shapes of the commands, in pages', async ({ scene }) => {
  const { daemon, origin } = await started(scene);
  scene.drop('tuesday-plan');
  await scene.result('tuesday-plan');
  const headers = { cookie: await memberCookie(scene) };
  const json = async (path: string): Promise<unknown> =>
    JSON.parse((await ask(origin, path, { headers })).text);
  const listed = await daemon.list();
  const first = (await json('/api/runs?limit=1')) as { runs: RunView[]; next: string };
  expect(first).toEqual({ runs: [listed[0]], next: '/api/runs?before=2' });
  expect(await json(first.next)).toEqual({ runs: [listed[1]], next: null });
  expect(await json('/api/runs?state=parked')).toEqual({ runs: [], next: null });
  expect(await json('/api/runs/1')).toMatchObject({ run: 1, history: expect.any(Array) as unknown });
  expect(((await json('/api/status')) as StatusView).drop_roots).toHaveLength(1);
  for (const path of ['/api/runs/99', '/api/runs/x'])
    expect([path, (await ask(origin, path, { headers })).status]).toEqual([path, 404]);
});

test('a foreign name, and a foreign page that sends a form, are refused whoever they come with', async ({
  scene,
}) => {
  const { origin } = await started(scene);
  const cookie = await memberCookie(scene);
  const host = await ask(origin, '/', { headers: { cookie, host: 'evil.example' } });
  expect(host.status).toBe(403);
  expect(host.text).not.toContain('monday-plan');
  const form = { method: 'POST', body: 'word=skip&run=1' } as const;
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const foreign of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
    const answer = await ask(origin, '/answer', { ...form, headers: { cookie, ...type, origin: foreign } });
    expect([foreign, answer.status]).toEqual([foreign, 403]);
  }
});

test('a password lets in, a wrong one does not, and the way leads back to the page that was wanted', async ({
  scene,
}) => {
  const { origin, enter } = await startedWithPassword(scene);
  const wrong = await enter('sesame', '/runs');
  expect(wrong.status).toBe(403);
  expect(wrong.headers['set-cookie']).toBeUndefined();
  const right = await enter('open sesame', '/runs');
  expect(right).toMatchObject({ status: 303, headers: { location: '/runs' } });
  expect((await enter('open sesame', '//evil.example')).headers['location']).toBe('/');
  const cookie = String(right.headers['set-cookie']).split(';')[0] ?? '';
  expect((await ask(origin, '/runs', { headers: { cookie } })).text).toContain('monday-plan');
  const left = await ask(origin, '/leave', { method: 'POST', headers: { cookie, origin } });
  expect(left.status).toBe(303);
  expect((await ask(origin, '/runs', { headers: { cookie } })).status).toBe(403);
});

test('who has to enter first comes to the very page that was wanted, with what it was to show', async ({
  scene,
}) => {
  const { origin, enter } = await startedWithPassword(scene);
  const wanted = '/runs?state=recorded&root=runs';
  const refused = await ask(origin, wanted, { headers: { accept: 'text/html' } });
  expect(refused.status).toBe(403);
  const to = /name="to" value="([^"]*)"/.exec(refused.text)?.[1]?.replaceAll('&amp;', '&');
  expect(await enter('open sesame', to ?? '')).toMatchObject({ status: 303, headers: { location: wanted } });
});

test('a folder of a drop root that was taken out has its page, and its buttons answer', async ({ scene }) => {
  mkdirSync(join(scene.dir, 'more'));
  const http = { listen: '127.0.0.1:0' };
  const more = scene.dropRoot({ path: './more' });
  scene.configure({ http, drop_roots: [scene.dropRoot(), more] });
  dropFolder(join(scene.dir, 'more'), 'broken plan', plan('broken', { status: 'sucesful' }));
  const daemon = await scene.daemon();
  const origin = await listening(daemon);
  await until('the folder to be rejected', async () =>
    (await daemon.list()).some(({ state }) => state === 'rejected'),
  );
  scene.configure({ http });
  expect((await scene.command('reload')).code).toBe(0);
  const headers = { cookie: await memberCookie(scene), accept: 'text/html' };
  const linkIn = (text: string, pattern: RegExp): string =>
    (pattern.exec(text)?.[1] ?? 'none').replaceAll('&amp;', '&');
  const list = await ask(origin, '/runs?state=rejected', { headers });
  const page = await ask(origin, linkIn(list.text, /href="(\/folders\?[^"]+)"/), { headers });
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('broken plan') as string });
  const confirm = await ask(origin, linkIn(page.text, /href="(\/confirm\?word=skip[^"]+)"/), { headers });
  expect(confirm.status).toBe(200);
  const fields = [...confirm.text.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
    name,
    value,
  ]);
  const answered = await ask(origin, '/answer', {
    method: 'POST',
    headers: { ...headers, origin, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(Object.fromEntries(fields) as Record<string, string>).toString(),
  });
  expect(answered.status).toBe(303);
  expect((await ask(origin, String(answered.headers['location']), { headers })).text).toContain('skipped');
});

test('whoever asks only for the head of the live page takes no reader its place', async ({ scene }) => {
  const { origin } = await started(scene);
  const headers = { cookie: await memberCookie(scene) };
  for (let n = 0; n < 33; n += 1) {
    const head = await request(`${origin}/page/stream`, { method: 'HEAD', headers });
    await head.body.dump();
    expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/event-stream' } });
  }
  const leaving = new AbortController();
  const opened = await fetch(`${origin}/page/stream`, { headers, signal: leaving.signal });
  expect(opened.status).toBe(200);
  leaving.abort();
});

test('whoever leaves is told nothing more by a page that is open still', async ({ scene }) => {
  const { origin } = await started(scene);
  const cookie = await memberCookie(scene);
  const { body } = await fetch(`${origin}/page/stream`, { headers: { cookie } });
  let told = '';
  let isOver = false;
  const reading = (async () => {
    for await (const bytes of (body ?? []) as AsyncIterable<Uint8Array>)
      told += Buffer.from(bytes).toString();
  })()
    .catch(() => undefined)
    .finally(() => (isOver = true));
  await until('the page to be told of Monday', () => told.includes('monday-plan'));
  expect((await ask(origin, '/leave', { method: 'POST', headers: { cookie, origin } })).status).toBe(303);
  scene.drop('tuesday-plan');
  await scene.result('tuesday-plan');
  await until('the stream to end, or to tell of Tuesday', () => isOver || told.includes('tuesday-plan'));
  expect(told).not.toContain('tuesday-plan');
  await reading;
});

test('without a page there is no link, and it is said why', async ({ scene }) => {
  const without = await scene.command('status', '--open');
  expect(without).toMatchObject({ code: 69, stderr: expect.stringContaining('not running') as string });
  await scene.daemon();
  const nowhere = await scene.command('status', '--open');
  expect(nowhere).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('http.listen is false') as string,
  });
});

test('who asks too often waits, and does not keep others waiting', async ({ scene }) => {
  const { origin } = await started(scene);
  const cookie = await memberCookie(scene);
  const strangers = await Promise.all(Array.from({ length: 80 }, () => ask(origin, '/api/status')));
  expect(
    strangers.some(({ status, headers }) => status === 429 && headers['retry-after'] !== undefined),
  ).toBe(true);
  expect((await ask(origin, '/api/runs', { headers: { cookie } })).status).toBe(200);
});

test('more live pages than 32 are told so, and are pages all the same', async ({ scene }) => {
  const { origin } = await started(scene);
  const headers = { cookie: await memberCookie(scene) };
  const leaving = new AbortController();
  const opened = await Promise.all(
    Array.from({ length: 33 }, () => fetch(`${origin}/page/stream`, { headers, signal: leaving.signal })),
  );
  expect(opened.map(({ status }) => status).sort()).toEqual([...Array<number>(32).fill(200), 503]);
  expect(opened.find(({ status }) => status === 503)?.headers.get('retry-after')).toBe('60');
  expect((await ask(origin, '/', { headers })).status).toBe(200);
  leaving.abort();
});
