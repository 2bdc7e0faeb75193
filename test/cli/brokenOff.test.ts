/**
 * What ends in the middle: a daemon that does not do what it says, played by a server at its control socket, and commands
 * that a signal breaks off.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { test, type Scene } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

async function playDaemon(scene: Scene, answer: RequestListener): Promise<void> {
  mkdirSync(scene.stateDir);
  const server = createServer((request, response) => {
    if (request.url === '/status') response.end(JSON.stringify({ pid: process.pid }));
    else answer(request, response);
  });
  server.listen(join(scene.stateDir, 'control.sock'));
  await once(server, 'listening');
  scene.undo.push(() => server.close().closeAllConnections());
}

test.concurrent(
  'a daemon that ends in the middle of an answer is one that cannot be reached: exit code 69',
  async ({ scene }) => {
    await playDaemon(scene, (_, response) => {
      response.write('{"run":1,');
      setImmediate(() => response.destroy());
    });
    for (const args of [['list', '--json'], ['show', 'plan'], ['reload'], ['retry', 'plan'], ['scan']]) {
      const [name = '', ...rest] = args;
      expect(await scene.command(name, ...rest)).toMatchObject({
        code: 69,
        stdout: '',
        stderr: 'the daemon ended before it had answered\n',
      });
    }
  },
);

test.concurrent('what the daemon says no to is said by reload as by all others', async ({ scene }) => {
  await playDaemon(scene, (_, response) => {
    response.statusCode = 422;
    response.end(JSON.stringify({ kind: 'refused', message: 'the disk of the outbox is full' }));
  });
  expect(await scene.command('reload')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'the disk of the outbox is full\n',
  });
});

test.concurrent(
  'a copy that the daemon has made where nobody else sees it is not said to be there',
  async ({ scene }) => {
    const copy = join(scene.dir, 'copy.db');
    await playDaemon(scene, (_, response) => {
      response.end(JSON.stringify({ file: copy, bytes: 4096, runs: 1 }));
    });
    const made = await scene.command('backup', copy);
    expect(made).toMatchObject({ code: 1, stdout: '' });
    expect(made.stderr).toContain(`${copy} is not there`);
    expect(made.stderr).toContain('sudo');
  },
);

test.concurrent('a read-only machine is told of with who may write to it', async ({ scene }) => {
  await playDaemon(scene, (_, response) => {
    response.statusCode = 422;
    response.end(JSON.stringify({ kind: 'refused', message: 'it could not be copied: EROFS: read-only' }));
  });
  const made = await scene.command('backup', 'copy.db');
  expect(made).toMatchObject({ code: 1, stdout: '' });
  expect(made.stderr).toContain('as the daemon’s user');
});

/** Whether a process that was started with that argument is still there. */
function isAtWork(argument: string): boolean {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false;
    }
  });
}

const endings = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

test.skipIf(process.platform !== 'linux').concurrent.for(endings)(
  'a backup that %s breaks off leaves neither a part of the copy nor anybody who goes on copying',
  async (signal, { scene }) => {
    await playDaemon(scene, (_, response) => response.end('{}'));
    writeFileSync(join(scene.stateDir, 'owner.pid'), `${String(process.pid)}\n`);
    // Held, so that copying it takes as long as it has to.
    const outbox = new Database(join(scene.stateDir, 'outbox.db'));
    scene.undo.push(() => outbox.close());
    outbox.exec('create table held (a); begin exclusive');
    const copies = join(scene.dir, 'copies');
    mkdirSync(copies);
    const backup = scene.start(['backup', join(copies, 'copy.db'), '-c', scene.configFile]);
    const begun = await until('the copy to be begun', () => readdirSync(copies)[0]);
    expect(isAtWork(join(copies, begun))).toBe(true);
    backup.signal(signal);
    expect(await backup.end()).toMatchObject({ code: null, signal });
    await until('the copying to end', () => !isAtWork(join(copies, begun)));
    expect(readdirSync(copies)).toEqual([]);
  },
);

test.concurrent(
  'a look before the first start leaves nothing behind, be it broken off or not',
  async ({ scene }) => {
    const temporary = join(scene.dir, 'temporary');
    const runtime = join(scene.dir, 'runtime');
    for (const path of [temporary, runtime]) mkdirSync(path, { mode: 0o700 });
    const environment = { TMPDIR: temporary, XDG_RUNTIME_DIR: runtime };
    for (let name = 0; name < 2_000; name += 1) scene.drop(String(name), { 'input.json': {} });
    const dryRun = ['scan', '--dry-run', '-c', scene.configFile];
    for (const signal of endings) {
      const look = scene.start(dryRun, environment);
      await until('the look to be begun', () => {
        const [dir] = readdirSync(temporary);
        return dir !== undefined && existsSync(join(temporary, dir, 'outbox.db'));
      });
      look.signal(signal);
      expect(await look.end()).toMatchObject({ code: null, signal });
      expect(readdirSync(temporary)).toEqual([]);
    }
    expect((await scene.start(['list', '-c', scene.configFile], environment).end()).code).toBe(0);
    expect([temporary, runtime].flatMap((path) => readdirSync(path))).toEqual([]);
    expect(existsSync(scene.stateDir)).toBe(false);
  },
);

test.concurrent.for(['list', 'status', 'show', 'scan'])(
  '%s before the first start tells of TMPDIR where nothing can be made there',
  async (name, { scene }) => {
    const args = { list: [], status: [], show: ['plan'], scan: ['--dry-run'] }[name] ?? [];
    const looked = await scene.start([name, '-c', scene.configFile, ...args], { TMPDIR: '/no/such' }).end();
    expect(looked).toMatchObject({ code: 1, stdout: '' });
    expect(looked.stderr).toMatch(/^no directory can be made in \/no\/such \(ENOENT\), .*TMPDIR.*\n$/);
  },
);
