import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../../src/outbox/database.ts';
import { openOutbox, OutboxHeld } from '../../src/outbox/outbox.ts';
import { databasePath } from '../../src/outbox/place.ts';
import { childWith, newRun, opened, temporaryFolder, chance } from './runs.ts';

describe('the one owner', () => {
  test('keeps a second process out, which is told by whom', async () => {
    const stateDir = temporaryFolder();
    const child = childWith(stateDir, 'setInterval(() => {}, 1000);');
    await once(child.stdout, 'data');
    const error: unknown = await openOutbox(stateDir).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutboxHeld);
    expect((error as OutboxHeld).pid).toBe(child.pid);
    expect((error as OutboxHeld).message).toContain(
      `(pid ${child.pid ?? 0}) holds the state directory ${stateDir}`,
    );
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('is free the moment that it dies by %s', async (signal) => {
    const stateDir = temporaryFolder();
    const child = childWith(stateDir, 'setInterval(() => {}, 1000);');
    await once(child.stdout, 'data');
    child.kill(signal);
    await once(child, 'exit');
    const outbox = await opened(stateDir);
    expect(await outbox.run(1)).toBeNull();
  });

  test('keeps itself out as well, and loses nothing by having tried', async () => {
    const stateDir = temporaryFolder();
    await opened(stateDir);
    await expect(openOutbox(stateDir)).rejects.toThrow(OutboxHeld);
    // A lock that went with the second attempt's descriptors would let this other process in.
    const other = childWith(stateDir, 'process.exit(0);');
    const [code] = (await once(other, 'exit')) as [number];
    expect(code).toBe(75);
  });

  test('gives it up when it closes', async () => {
    const stateDir = temporaryFolder();
    await (await openOutbox(stateDir)).close();
    const child = childWith(stateDir, 'await outbox.close(); process.exit(0);');
    expect(((await once(child, 'exit')) as [number])[0]).toBe(0);
  });

  test('takes away what a restore that was killed has left', async () => {
    const stateDir = temporaryFolder();
    for (const ending of ['', '-wal'])
      writeFileSync(`${databasePath(stateDir)}.restored${ending}`, 'half a copy');
    await opened(stateDir);
    expect(readdirSync(stateDir).filter((name) => name.includes('restored'))).toEqual([]);
  });

  test('answers nothing any more after it has closed', async () => {
    const outbox = await openOutbox(temporaryFolder());
    await outbox.close();
    await expect(outbox.run(1)).rejects.toThrow('the outbox is closed');
  });

  test('closes only when everything that was asked for is answered', async () => {
    const stateDir = temporaryFolder();
    const outbox = await openOutbox(stateDir);
    const asked = Array.from({ length: 700 }, (_, n) => outbox.enqueue(newRun({ path: `run-${n}` }), chance));
    await outbox.close();
    expect(await Promise.all(asked)).toHaveLength(700);
    expect(await (await opened(stateDir)).run(700)).toMatchObject({ path: 'run-699' });
  });
});

describe('a large outbox', () => {
  const fillingBytes = 20 * 1024 * 1024;

  const bytesRead = (): number => Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]);

  /** How much is read from files while it is opened, as the kernel counts it; then it is closed in order. */
  async function readToOpen(stateDir: string): Promise<number> {
    const before = bytesRead();
    const outbox = await openOutbox(stateDir);
    const read = bytesRead() - before;
    await outbox.close();
    return read;
  }

  test('is not read through again when it was closed in order and nothing has touched it', async () => {
    const stateDir = temporaryFolder();
    const path = databasePath(stateDir);
    createDatabase(path);
    const db = new Database(path);
    db.exec(`create table filling (bytes blob); insert into filling values (zeroblob(${fillingBytes}))`);
    db.close();
    expect(await readToOpen(stateDir)).toBeGreaterThan(fillingBytes);
    expect(await readToOpen(stateDir)).toBeLessThan(fillingBytes / 2);
    utimesSync(path, 1, 1);
    expect(await readToOpen(stateDir)).toBeGreaterThan(fillingBytes);
    const child = childWith(stateDir, 'setInterval(() => {}, 1000);');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readToOpen(stateDir)).toBeGreaterThan(fillingBytes);
  });
});

test('an outbox whose thread cannot start says so instead of being silent for ever', () => {
  // A worker thread cannot be started with the options of a script given by -e: one way among many to fail early.
  const outbox = new URL('../../dist/outbox/outbox.js', import.meta.url).href;
  const script = `
    import { openOutbox } from ${JSON.stringify(outbox)};
    await openOutbox(process.argv[1]).then((outbox) => outbox.close(), (error) => console.log(error.message));
    console.log('settled');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script, temporaryFolder()], {
    encoding: 'utf8',
  });
  expect(stdout).toContain('settled');
});

test('a change that was acknowledged survives the death of the process', { timeout: 120_000 }, async () => {
  const stateDir = temporaryFolder();
  let acknowledged = 0;
  for (let kill = 0; kill < 5; kill += 1) {
    const child = childWith(
      stateDir,
      `for (let n = ${acknowledged}; ; n += 1) {
        const { run } = await outbox.enqueue({ ...wanted, path: 'run-' + n }, chance);
        say('enqueued ' + n + ' ' + run);
      }`,
    );
    const lines = createInterface({ input: child.stdout });
    let heard = 0;
    lines.on('line', (line) => {
      const [word, n] = line.split(' ');
      if (word !== 'enqueued') return;
      acknowledged = Math.max(acknowledged, Number(n) + 1);
      heard += 1;
      if (heard === 20 + 7 * kill) child.kill('SIGKILL');
    });
    await once(lines, 'close');
    const outbox = await openOutbox(stateDir);
    for (let n = 0; n < acknowledged; n += 1) {
      expect(await outbox.runsAtPath('plans', `run-${n}`, 2), `run-${n}`).toHaveLength(1);
    }
    await outbox.close();
  }
  expect(acknowledged).toBeGreaterThan(100);
});

test('what the owner wrote is found whole by SQLite’s own check after its death', async () => {
  const stateDir = temporaryFolder();
  const child = childWith(
    stateDir,
    "for (let n = 0; ; n += 1) { await outbox.enqueue({ ...wanted, path: 'r' + n }, chance); if (n === 50) say('busy'); }",
  );
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'busy') resolve();
    });
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  // In a process of its own: this one must not open the file by its path beside the owner's connection.
  const script = `
    const Database = require('better-sqlite3');
    const db = new Database(process.argv[1] + '/outbox.db');
    console.log(db.pragma('integrity_check', { simple: true }), db.pragma('foreign_key_check').length);`;
  const { stdout } = spawnSync(process.execPath, ['-e', script, stateDir], { encoding: 'utf8' });
  expect(stdout).toBe('ok 0\n');
});
