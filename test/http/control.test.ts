/** The control socket: who may open it, and what it says to orders that it does not understand. */
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import { describe, expect, onTestFinished, test as plainTest } from 'vitest';
import { serveControl, type ControlTold } from '../../src/http/control.ts';
import type { Operations } from '../../src/http/operations.ts';
import { test, type Scene } from '../journey/scene.ts';
import { serverOf } from './serverOf.ts';

async function ask(socketPath: string, method: 'GET' | 'POST', path: string, body: string | null = null) {
  const client = new Client('http://runtrackd', { socketPath });
  try {
    const answer = await client.request({
      method,
      path,
      body,
      headers: { 'content-type': 'application/json' },
    });
    return { status: answer.statusCode, json: (await answer.body.json()) as Record<string, unknown> };
  } finally {
    await client.close();
  }
}

const socketOf = (scene: Scene): string => join(scene.stateDir, 'control.sock');

test('a running daemon answers, refuses what it does not know, and lives on', async ({ scene }) => {
  const daemon = await scene.daemon();
  const path = socketOf(scene);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect((await ask(path, 'GET', '/status')).json).toMatchObject({ running: true, pid: daemon.pid });
  expect(await ask(path, 'GET', '/nothing')).toMatchObject({ status: 404, json: { kind: 'refused' } });
  const orders = [
    ['/show', '{}'],
    ['/show', 'no json'],
    ['/list', '{"states":["broken"],"root":null,"sinceMs":null,"limit":0}'],
    ['/list', '{"states":[],"root":null,"sinceMs":null,"limit":-1}'],
    ['/answer', '{"word":"destroy","selectors":[],"all":true,"reason":null,"root":null,"dryRun":false}'],
    ['/wait', '{"run":1,"until":"recorded","waitMsMax":9999999}'],
    ['/track', '[]'],
  ] as const;
  for (const [route, body] of orders)
    expect([route, body, await ask(path, 'POST', route, body)]).toMatchObject([
      route,
      body,
      { status: 422, json: { kind: 'refused' } },
    ]);
  expect(await ask(path, 'POST', '/show', '{"text":"x","path":"/x","generation":null}')).toMatchObject({
    status: 422,
    json: { kind: 'none' },
  });
  expect(daemon.log().filter(({ level }) => level === 'error')).toEqual([]);
  expect((await ask(path, 'GET', '/status')).status).toBe(200);
});

const unanswering = {
  status: () => Promise.reject(new Error('a secret detail')),
} as unknown as Operations;

const silent: ControlTold = { onBug: () => undefined, warn: () => undefined };

plainTest('an error that nobody foresaw is told to the log, and its details to nobody else', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const bugs: unknown[] = [];
  const path = join(dir, 'control.sock');
  const server = await serveControl(path, null, unanswering, { ...silent, onBug: (bug) => bugs.push(bug) });
  const answer = await ask(path, 'GET', '/status');
  await server.close();
  expect(answer).toMatchObject({ status: 500, json: { kind: 'bug' } });
  expect(JSON.stringify(answer)).not.toContain('a secret detail');
  expect(bugs).toMatchObject([{ message: 'a secret detail' }]);
});

plainTest('a socket that a dead process left is taken away, and ours is taken away at the end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'control.sock');
  writeFileSync(path, 'left behind');
  const server = await serveControl(path, null, unanswering, silent);
  expect(lstatSync(path).isSocket()).toBe(true);
  expect((await ask(path, 'GET', '/status')).status).toBe(500);
  await server.close();
  expect(existsSync(path)).toBe(false);
});

plainTest('another daemon’s socket that took its place is left there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'control.sock');
  const first = await serveControl(path, null, unanswering, silent);
  const second = await serveControl(path, null, unanswering, silent);
  await first.close();
  expect((await ask(path, 'GET', '/status')).status).toBe(500);
  await second.close();
  expect(readdirSync(dir)).toEqual([]);
});

plainTest('a connection that cannot be taken is said, once, and ends nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'control.sock');
  const said: string[] = [];
  const served = await serveControl(path, null, unanswering, { ...silent, warn: (text) => said.push(text) });
  const server = await serverOf(async () => await ask(path, 'GET', '/nothing'));
  for (let n = 0; n < 3; n += 1)
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
  expect(said).toEqual([expect.stringContaining('control.sock could not take a connection (EMFILE)')]);
  expect((await ask(path, 'GET', '/nothing')).status).toBe(404);
  await served.close();
});

plainTest('a path that is too long for a socket is refused, not cut', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'x'.repeat(120));
  await expect(serveControl(path, null, unanswering, silent)).rejects.toThrow(/too long for a Unix socket/);
});

plainTest(
  'a group may open the socket from the moment on at which it is there, and others never may',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rt-group-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const shared = join(directory, 'shared');
    const path = join(shared, 'control.sock');
    const mine = { name: 'ours', number: process.getgid?.() ?? 0 };
    const server = await serveControl(path, mine, unanswering, silent);
    expect(lstatSync(path)).toMatchObject({ gid: mine.number });
    expect(lstatSync(path).mode & 0o777).toBe(0o660);
    expect(lstatSync(shared).mode & 0o777).toBe(0o750);
    expect((await ask(path, 'GET', '/status')).status).toBe(500);
    await server.close();
    expect(existsSync(path)).toBe(false);
  },
);

plainTest('a directory that cannot be given to the group is said, with what to do', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rt-group-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const refused = serveControl(join(file, 'control.sock'), { name: 'ours', number: 0 }, unanswering, silent);
  await expect(refused).rejects.toThrow(
    /cannot be given to the group "ours" \(\w+\): put the daemon's user into that group/,
  );
});

describe('the directory that a group is let into', () => {
  const group = { name: 'ours', number: process.getgid?.() ?? 0 };

  function shared(): string {
    const directory = mkdtempSync(join(tmpdir(), 'rt-group-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o1777);
    return directory;
  }

  plainTest.each(['a folder', 'a file'])(
    'one with %s in it is refused, and stays open to everybody',
    async (what) => {
      const directory = shared();
      if (what === 'a folder') mkdirSync(join(directory, 'run-1'));
      else writeFileSync(join(directory, 'run-1'), '');
      const path = join(directory, 'control.sock');
      const refused = serveControl(path, group, unanswering, silent);
      await expect(refused).rejects.toThrow(
        `control.directory: ${directory} cannot be given to the group "ours", because it has something else in it ("run-1")`,
      );
      expect(lstatSync(directory).mode & 0o7777).toBe(0o1777);
      expect(existsSync(path)).toBe(false);
    },
  );

  plainTest('one that is as it has to be is taken, whatever lies in it', async () => {
    const directory = shared();
    writeFileSync(join(directory, 'README'), '');
    chmodSync(directory, 0o750);
    const server = await serveControl(join(directory, 'control.sock'), group, unanswering, silent);
    await server.close();
    expect(lstatSync(directory).mode & 0o7777).toBe(0o750);
  });

  plainTest('what daemons leave there themselves is nothing else', async () => {
    const directory = shared();
    writeFileSync(join(directory, 'runtrackd-0123456789abcdef.intents'), '');
    const page = createServer().listen(join(directory, 'page.sock'));
    onTestFinished(() => void page.close());
    await once(page, 'listening');
    const server = await serveControl(join(directory, 'control.sock'), group, unanswering, silent);
    await server.close();
    expect(lstatSync(directory).mode & 0o7777).toBe(0o750);
  });

  plainTest.runIf(process.getuid?.() === 0)('another user’s is refused, by root as well', async () => {
    const directory = shared();
    chownSync(directory, 65_534, 65_534);
    const refused = serveControl(join(directory, 'control.sock'), group, unanswering, silent);
    await expect(refused).rejects.toThrow('because it belongs to another user');
    expect(lstatSync(directory)).toMatchObject({ uid: 65_534, gid: 65_534 });
  });

  plainTest.runIf(process.getuid?.() === 0)(
    'root gives directory and socket to the owner it works for, and none of its own that lies behind a link',
    async () => {
      const owner = 65_534;
      const directory = shared();
      const theirs = join(directory, 'theirs');
      mkdirSync(theirs);
      chownSync(theirs, owner, owner);
      const server = await serveControl(
        join(theirs, 'control.sock'),
        { ...group, owner },
        unanswering,
        silent,
      );
      for (const path of [theirs, join(theirs, 'control.sock')])
        expect(lstatSync(path)).toMatchObject({ uid: owner, gid: group.number });
      await server.close();
      const roots = join(directory, 'roots');
      mkdirSync(roots);
      const link = join(directory, 'link');
      symlinkSync(roots, link);
      const refused = serveControl(join(link, 'control.sock'), { ...group, owner }, unanswering, silent);
      await expect(refused).rejects.toThrow('lies behind a link');
      expect(lstatSync(roots).uid).toBe(0);
    },
  );
});
