/** A migration that is cut off at any moment is taken again, and has lost nothing. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { fingerprintOf } from '../../src/core/identity.ts';
import { migrations } from '../../src/outbox/migrations.ts';
import { chance, childWith, newRun, opened, platform, temporaryFolder } from './runs.ts';

const runs = 8_000;
const kills = 8;

/** An outbox of the first version, with so many runs that a migration takes a while. */
function oldOutbox(path: string): void {
  const db = new Database(path);
  db.exec(migrations[0] ?? '');
  db.pragma('user_version = 1');
  db.exec(`insert into outbox (only, host, created_at_ms) values (1, 'solver-7', 1)`);
  const insert =
    db.prepare(`insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation,
      counter, path, directory, content, settings, state, since_ms, due_at_ms, created_at_ms)
    values (@fingerprint, 1, @platform, 'hare-app', 'solver-7', 'plans', @path, 'g', 1, @path, '["1","2","3"]', '{}', '{}',
      '{"kind":"queued","uploads":[]}', 1, 1, 1)`);
  db.transaction(() => {
    for (let n = 0; n < runs; n += 1) {
      const path = `run-${n}`;
      const key = { version: 1, platform, app: 'hare-app', host: 'solver-7', dropRoot: 'plans' };
      const fingerprint = fingerprintOf({ ...key, firstPath: path, generation: 'g', counter: 1 });
      insert.run({ fingerprint, path, platform });
    }
  })();
  db.close();
}

/** Starts a process that opens the outbox. @returns when it has the lock: the migration begins */
async function migrating(stateDir: string) {
  const child = childWith(stateDir, 'setInterval(() => {}, 1000);');
  const opening = once(child.stdout, 'data');
  while (!existsSync(join(stateDir, 'owner.pid'))) await sleep(1);
  return { child, opening };
}

test(`${kills} kills during a migration leave an outbox that is whole and goes on from where it was`, async () => {
  const original = join(temporaryFolder(), 'old.db');
  oldOutbox(original);
  const copied = (): string => {
    const stateDir = join(temporaryFolder(), 'state');
    mkdirSync(stateDir, { mode: 0o700 });
    copyFileSync(original, join(stateDir, 'outbox.db'));
    return stateDir;
  };
  const whole = await migrating(copied());
  const beganMs = performance.now();
  await whole.opening;
  const takesMs = performance.now() - beganMs;
  whole.child.kill('SIGKILL');

  const left: unknown[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const stateDir = copied();
    const { child, opening } = await migrating(stateDir);
    const isOpen = opening.then(() => true);
    await sleep((takesMs * (kill + 0.5)) / kills);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const db = new Database(join(stateDir, 'outbox.db'));
    const isDone = await Promise.race([isOpen, Promise.resolve(false)]);
    left.push(isDone ? 'done' : db.pragma('user_version', { simple: true }));
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();

    const outbox = await opened(stateDir);
    expect(outbox.note).toBeNull();
    expect((await outbox.counts()).states).toEqual({ queued: runs });
    expect((await outbox.enqueue(newRun(), chance)).kind).toBe('new');
  }
  console.info(`a migration of ${takesMs.toFixed()} ms, cut off, left the versions ${left.join(', ')}`);
  // Kills that all came too late would prove nothing.
  expect(left.filter((version) => version !== 'done').length).toBeGreaterThan(kills / 4);
});

test('a first start that is cut off leaves no outbox, or a whole one', async () => {
  for (let kill = 0; kill < kills; kill += 1) {
    const stateDir = temporaryFolder();
    const child = childWith(stateDir, 'setInterval(() => {}, 1000);');
    await sleep(60 + kill * 10);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const outbox = await opened(stateDir);
    expect(outbox.note).toBeNull();
    await outbox.close();
  }
});
