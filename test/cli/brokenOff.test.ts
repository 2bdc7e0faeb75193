/** A daemon that does not do what it says, played by a server at its control socket: it ends in the middle, or lies. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test, type Scene } from '../journey/scene.ts';

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
