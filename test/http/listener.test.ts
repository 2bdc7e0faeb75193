import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { Client, request } from 'undici';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ListenAddress } from '../../src/core/listenAddress.ts';
import { Listener, type ListenerOptions } from '../../src/http/listener.ts';
import { quietLog } from '../../src/system/log.ts';
import { until } from '../journey/waiting.ts';
import { serverOf } from './serverOf.ts';

const anyPort: ListenAddress = { kind: 'port', host: '127.0.0.1', port: 0 };
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function greeting(): Hono {
  const routes = new Hono();
  routes.get('/hello', (context) => context.text('good day'));
  routes.post('/hello', (context) => context.text('done'));
  routes.get('/bug', () => {
    throw new Error('a bug with a secret in it');
  });
  return routes;
}

function start(listen: ListenAddress, changes: Partial<ListenerOptions> = {}): Listener {
  const listener = new Listener({
    ...{ listen, names: [], group: null, routes: [greeting()], log: quietLog() },
    ...changes,
  });
  const stop = new AbortController();
  const ended = listener.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await ended;
  });
  return listener;
}

async function listening(listener: Listener): Promise<string> {
  return await until('the listener to listen', () => listener.address());
}

function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rt-http-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('at a port', () => {
  test('it serves the routes that it was given, with headers that tell a browser to trust nothing', async () => {
    const at = await listening(start(anyPort));
    const answer = await request(`${at}/hello`);
    expect(await answer.body.text()).toBe('good day');
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    });
  });

  test('a foreign name and a foreign page are refused before any route is asked', async () => {
    const at = await listening(start(anyPort));
    expect((await request(`${at}/hello`, { headers: { host: 'evil.example' } })).statusCode).toBe(403);
    const foreign = { method: 'POST', headers: { origin: 'https://evil.example' } } as const;
    expect((await request(`${at}/hello`, foreign)).statusCode).toBe(403);
    expect((await request(`${at}/hello`, { method: 'POST' })).statusCode).toBe(200);
  });

  test('an address that is not there, and a bug, are answered without a word of what is inside', async () => {
    const at = await listening(start(anyPort));
    expect((await request(`${at}/nothing`)).statusCode).toBe(404);
    const bug = await request(`${at}/bug`);
    expect(bug.statusCode).toBe(500);
    expect(await bug.body.text()).not.toContain('secret');
  });

  test('headers without end are cut off', async () => {
    const at = await listening(start(anyPort));
    const answer = await request(`${at}/hello`, { headers: { cookie: 'x'.repeat(20_000) } });
    expect(answer.statusCode).toBe(431);
  });

  test('a connection that cannot be taken is said, once, and ends nothing', async () => {
    const log = quietLog();
    const said = vi.spyOn(log, 'warn');
    const at = await listening(start(anyPort, { log }));
    const server = await serverOf(async () => await (await request(`${at}/hello`)).body.dump());
    for (let n = 0; n < 3; n += 1)
      server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(said).toHaveBeenCalledOnce();
    expect(said.mock.calls[0]?.[0]).toMatch(/^http:.* could not take a connection \(EMFILE\); it goes on/);
    expect((await request(`${at}/hello`)).statusCode).toBe(200);
  });

  test('a port in use is said, tried again, and served once it is free', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const listener = start({ kind: 'port', host: '127.0.0.1', port });
    await until('the trouble', () => listener.trouble());
    expect(listener.trouble()).toMatch(/not served at 127\.0\.0\.1:\d+: it is in use.*change http\.listen/);
    expect(listener.address()).toBeNull();
    await new Promise((resolve) => other.close(resolve));
    expect(await listening(listener)).toBe(`http://127.0.0.1:${String(port)}`);
    expect(listener.trouble()).toBeNull();
  });
});

describe('at a Unix socket', () => {
  test('only the owner may open it, and it is gone when the daemon is', async () => {
    const path = join(temporaryFolder(), 'page.sock');
    expect(await listening(start({ kind: 'unix', path }))).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = new Client('http://localhost', { socketPath: path });
    stops.unshift(() => client.close());
    const answer = await client.request({ path: '/hello', method: 'GET' });
    expect(await answer.body.text()).toBe('good day');
    for (const stop of stops.splice(0)) await stop();
    expect(existsSync(path)).toBe(false);
  });

  test('with control.group its members may open it too, and others never may', async () => {
    const path = join(temporaryFolder(), 'page.sock');
    const group = { name: 'ours', number: process.getgid?.() ?? 0 };
    await listening(start({ kind: 'unix', path }, { group }));
    expect(statSync(path)).toMatchObject({ gid: group.number });
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  test('one that cannot be taken away any more ends nothing', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'run'));
    await listening(start({ kind: 'unix', path: join(folder, 'run', 'page.sock') }));
    renameSync(join(folder, 'run'), join(folder, 'elsewhere'));
    writeFileSync(join(folder, 'run'), '');
    for (const stop of stops.splice(0)) await expect(stop()).resolves.toBeUndefined();
  });

  test('a file that is no socket is never removed', async () => {
    const path = join(temporaryFolder(), 'page.sock');
    writeFileSync(path, 'a letter');
    const listener = start({ kind: 'unix', path });
    await until('the trouble', () => listener.trouble());
    expect(statSync(path).isFile()).toBe(true);
  });

  test('a socket that answers is left to whoever has it', async () => {
    const path = join(temporaryFolder(), 'page.sock');
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(path, resolve));
    onTestFinished(() => void other.close());
    const listener = start({ kind: 'unix', path });
    await until('the trouble', () => listener.trouble());
    expect(existsSync(path)).toBe(true);
  });
});
