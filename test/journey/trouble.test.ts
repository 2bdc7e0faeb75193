/**
 * The outbox in trouble: full, read-only, locked, stuck, deleted, damaged, newer. Whatever it is, the daemon runs on and
 * says so, or ends with a message and a code of its own; it is never healthy while nothing moves, and nothing is sent
 * twice.
 */
import {
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import { resultFileName } from '../../src/core/ownFiles.ts';
import {
  fill,
  freeze,
  isUnfreezable,
  isUnmountable,
  mountFreezable,
  mountSmall,
  remount,
  thaw,
} from './mounts.ts';
import { lockedFromOutside } from './locker.ts';
import type { Daemon } from './program.ts';
import { test, type Scene } from './scene.ts';
import { expectOneRunEach, recorded, unwell, well } from './verdicts.ts';

const outbox = (scene: Scene): string => join(scene.stateDir, 'outbox.db');

/** What systemd would do: the daemon has ended with that code and a message, and is started again. */
async function endsAndStartsAgain(scene: Scene, daemon: Daemon, says: RegExp): Promise<Daemon> {
  const ended = await daemon.end();
  expect(ended.stderr).toMatch(says);
  expect(ended.code).toBe(74);
  return await scene.daemon();
}

function aside(scene: Scene): string[] {
  return readdirSync(scene.stateDir).filter((name) => /^outbox\.db\.damaged-[0-9TZ-]+$/.test(name));
}

describe('held up', () => {
  test.concurrent(
    'by another program’s lock: nothing is sent without an intent, and all goes on once it is free',
    async ({ scene }) => {
      const daemon = await scene.daemon();
      await recorded(scene, daemon, 'monday');
      const locker = await lockedFromOutside(scene);
      scene.drop('tuesday');
      await unwell(daemon, /another program has locked the outbox/);
      const list = await scene.command('list');
      expect(list.code).toBe(1);
      expect(list.stderr).toContain('another program has locked the outbox');
      expect((await scene.command('backup', 'copy.db')).code).toBe(0);
      expect(scene.count('create')).toBe(1);
      locker.kill('SIGKILL');
      await well(daemon);
      await scene.state(daemon, 'tuesday', 'recorded');
      await expectOneRunEach(scene, 'monday', 'tuesday');
      expect((await daemon.stop()).code).toBe(0);
    },
  );

  test.concurrent('a lock at the start ends it in time, and a stop is not ignored', async ({ scene }) => {
    const daemon = await scene.daemon();
    const locker = await lockedFromOutside(scene);
    await unwell(daemon, /locked/);
    const stopped = await daemon.stop();
    expect(stopped.code).toBe(74);
    expect(stopped.stderr).toContain('another program has locked the outbox');
    const started = await scene.launch().end();
    expect(started.code).toBe(74);
    expect(started.stderr).toContain('another program has locked the outbox');
    locker.kill('SIGKILL');
    await recorded(scene, await scene.daemon(), 'monday');
  });

  test.skipIf(isUnmountable)(
    'by a full disk: it waits at nobody’s expense, and goes on by itself when there is room',
    async ({ scene }) => {
      scene.undo.push(mountSmall(scene.stateDir, 24));
      const daemon = await scene.daemon();
      await recorded(scene, daemon, 'monday');
      const ballast = join(scene.stateDir, 'ballast');
      fill(ballast);
      scene.drop('tuesday');
      for (let n = 0; n < 40; n += 1) scene.drop(`more-${String(n)}`);
      await unwell(daemon, /the disk of state_dir is full/);
      const sent = scene.count('create');
      rmSync(ballast);
      await well(daemon);
      const names = ['monday', 'tuesday', ...Array.from({ length: 40 }, (_, n) => `more-${String(n)}`)];
      for (const name of names) expect((await scene.state(daemon, name, 'recorded')).tries).toBeLessThan(3);
      expect(sent).toBeLessThan(names.length);
      await expectOneRunEach(scene, ...names);
    },
  );

  test.skipIf(isUnmountable)(
    'by a disk that is full at the start: it ends with 74 and says what to do',
    async ({ scene }) => {
      scene.undo.push(mountSmall(scene.stateDir, 1));
      fill(join(scene.stateDir, 'ballast'));
      const ended = await scene.launch().end();
      expect(ended.code).toBe(74);
      expect(ended.stderr).toMatch(/disk of state_dir is full/);
      rmSync(join(scene.stateDir, 'ballast'));
    },
  );

  test.skipIf(isUnmountable)('by a file system that is read-only: 74, until it is not', async ({ scene }) => {
    scene.undo.push(mountSmall(scene.stateDir, 24));
    const before = await scene.daemon();
    await recorded(scene, before, 'monday');
    await before.stop();
    remount(scene.stateDir, 'ro');
    const ended = await scene.launch().end();
    expect(ended.code).toBe(74);
    expect(ended.stderr).toMatch(/cannot be used: .*(EROFS|READONLY|read-only)/);
    remount(scene.stateDir, 'rw');
    await recorded(scene, await scene.daemon(), 'tuesday');
    await expectOneRunEach(scene, 'monday', 'tuesday');
  });

  test.skipIf(isUnfreezable)(
    'by a disk that does not answer: it is unwell, and goes on when the disk does',
    async ({ scene }) => {
      scene.undo.push(mountFreezable(scene.stateDir));
      const daemon = await scene.daemon();
      await recorded(scene, daemon, 'monday');
      freeze(scene.stateDir);
      try {
        scene.drop('tuesday');
        await unwell(daemon, /has not answered for \d+ s/);
        expect(scene.count('create')).toBe(1);
      } finally {
        // Whatever came of it: not even a kill ends a process that waits for a frozen disk.
        thaw(scene.stateDir);
      }
      await well(daemon);
      await scene.state(daemon, 'tuesday', 'recorded');
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.skipIf(isUnfreezable)(
    'by a disk that does not answer at the start: it says so, and starts when the disk does',
    async ({ scene }) => {
      scene.undo.push(mountFreezable(scene.stateDir));
      const before = await scene.daemon();
      await recorded(scene, before, 'monday');
      await before.stop();
      freeze(scene.stateDir);
      const daemon = scene.launch();
      try {
        const { msg } = await daemon.logged(/has not answered for \d+ s/);
        expect(msg).toContain(`state_dir is ${scene.stateDir}`);
      } finally {
        thaw(scene.stateDir);
      }
      await recorded(scene, await daemon.running(), 'tuesday');
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );
});

describe('lost under the daemon', () => {
  const losses: readonly { name: string; lose: (scene: Scene) => void; says: RegExp }[] = [
    {
      name: 'deleted',
      lose: (scene) => rmSync(outbox(scene)),
      says: /outbox\.db was deleted under the daemon/,
    },
    {
      name: 'deleted with its journal',
      lose: (scene) => {
        for (const ending of ['', '-wal', '-shm']) rmSync(`${outbox(scene)}${ending}`, { force: true });
      },
      says: /outbox\.db was deleted under the daemon/,
    },
    {
      name: 'robbed of its journal',
      lose: (scene) => rmSync(`${outbox(scene)}-wal`),
      says: /the journal .*outbox\.db-wal was deleted under the daemon/,
    },
    {
      name: 'replaced',
      lose: (scene) => {
        copyFileSync(outbox(scene), `${outbox(scene)}.mine`);
        renameSync(`${outbox(scene)}.mine`, outbox(scene));
      },
      says: /outbox\.db was replaced under the daemon/,
    },
    {
      name: 'robbed of its lock',
      lose: (scene) => rmSync(join(scene.stateDir, 'lock')),
      says: /\/lock was deleted under the daemon: another one may have the outbox/,
    },
    {
      name: 'gone with the whole state directory',
      // The daemon may put a file into it meanwhile.
      lose: (scene) => rmSync(scene.stateDir, { recursive: true, maxRetries: 5 }),
      says: /outbox\.db was deleted under the daemon/,
    },
  ];

  test.concurrent.for(losses)(
    '$name: it ends, and the next start finds out what was sent',
    async (loss, { scene }) => {
      const daemon = await scene.daemon();
      await recorded(scene, daemon, 'monday', 'tuesday');
      rmSync(join(scene.folder('tuesday'), resultFileName));
      loss.lose(scene);
      const again = await endsAndStartsAgain(scene, daemon, loss.says);
      for (const name of ['monday', 'tuesday']) await scene.state(again, name, 'recorded');
      await well(again);
      await recorded(scene, again, 'wednesday');
      await expectOneRunEach(scene, 'monday', 'tuesday', 'wednesday');
    },
  );
});

test.concurrent(
  'a second daemon, which came in when the lock was deleted, is the one that goes on',
  async ({ scene }) => {
    const first = await scene.daemon();
    await recorded(scene, first, 'monday');
    rmSync(join(scene.stateDir, 'lock'));
    const second = await scene.daemon();
    const ended = await first.end();
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain('/lock was ');
    expect(await second.status()).toMatchObject({ pid: second.pid, healthy: true });
    await recorded(scene, second, 'tuesday');
    await expectOneRunEach(scene, 'monday', 'tuesday');
    expect((await second.stop()).code).toBe(0);
  },
);

describe('damaged', () => {
  const damages: readonly { name: string; damage: (file: string) => void; says: RegExp }[] = [
    { name: 'empty', damage: (file) => truncateSync(file, 0), says: /cut short to 0 bytes/ },
    { name: 'cut short', damage: (file) => truncateSync(file, 10_000), says: /malformed/ },
    {
      name: 'no database at all',
      damage: (file) => writeFileSync(file, 'the diary of a hare. '.repeat(5_000)),
      says: /it is no database/,
    },
    {
      name: 'zeroed in the middle',
      damage: (file) => overwrite(file, 20_480, Buffer.alloc(8_192)),
      says: /the outbox was damaged/,
    },
    {
      name: 'of an unknown format',
      damage: (file) => overwrite(file, 18, Buffer.from([9])),
      says: /unknown format/,
    },
    {
      name: 'without its schema',
      damage: (file) => {
        const db = new Database(file);
        db.exec('drop table history');
        db.close();
      },
      says: /no such table/,
    },
    {
      name: 'with a journal but no database',
      damage: (file) => {
        writeFileSync(`${file}-wal`, 'left behind');
        rmSync(file);
      },
      says: /only its journal is there/,
    },
  ];

  test.concurrent.for(damages)(
    '$name at the start: it is kept aside, and what was sent is found out again',
    async ({ damage, says }, { scene }) => {
      const before = await scene.daemon();
      await recorded(scene, before, 'monday', 'tuesday');
      await before.stop();
      rmSync(join(scene.folder('tuesday'), resultFileName));
      damage(outbox(scene));

      // A command does not do what the daemon should: it says what is the matter.
      const asked = await scene.command('list');
      expect(asked.code).toBe(74);
      expect(asked.stderr).toContain('Nothing was changed. Start the daemon');
      expect(aside(scene)).toEqual([]);

      const daemon = await scene.daemon();
      expect((await daemon.logged(/^the outbox was damaged/)).msg).toMatch(says);
      for (const name of ['monday', 'tuesday']) await scene.state(daemon, name, 'recorded');
      const kept = readdirSync(scene.stateDir).filter((name) => name.startsWith('outbox.db.damaged-'));
      expect(kept).toHaveLength(1);
      await well(daemon);
      await recorded(scene, daemon, 'wednesday');
      await expectOneRunEach(scene, 'monday', 'tuesday', 'wednesday');
    },
  );

  test.concurrent(
    'found while it runs: it ends with 74, and the next start replaces it',
    async ({ scene }) => {
      const before = await scene.daemon();
      await recorded(scene, before, 'monday', 'tuesday');
      await before.stop();
      rmSync(join(scene.folder('tuesday'), resultFileName));
      // A byte within a value: SQLite has no way to see it, and the run's own fingerprint does.
      const db = new Database(outbox(scene));
      db.exec("update run set first_path = 'tuesdax' where path = 'tuesday'");
      db.close();
      const reading = await scene.daemon();
      expect((await scene.command('list')).code).not.toBe(0);
      const daemon = await endsAndStartsAgain(
        scene,
        reading,
        /the key of run #\d is not that of its fingerprint/,
      );
      for (const name of ['monday', 'tuesday']) await scene.state(daemon, name, 'recorded');
      expect(aside(scene)).toHaveLength(1);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.concurrent('again and again: the tenth is the disk’s, and it says so', async ({ scene }) => {
    await (await scene.daemon()).stop();
    for (let n = 0; n < 10; n += 1) writeFileSync(`${outbox(scene)}.damaged-2026112${String(n)}T000000Z`, '');
    truncateSync(outbox(scene), 0);
    const ended = await scene.launch().end();
    expect(ended.code).toBe(65);
    expect(ended.stderr).toContain('10 damaged outboxes are kept');
  });

  test.concurrent('a side file that is damaged holds nothing up', async ({ scene }) => {
    const before = await scene.daemon();
    await recorded(scene, before, 'monday');
    await before.stop();
    for (const name of ['lock', 'owner.pid', 'outbox.note', 'outbox.db-shm', 'control.sock'])
      writeFileSync(join(scene.stateDir, name), Buffer.alloc(5_000));
    const daemon = await scene.daemon();
    // A note that cannot be read is taken for distrust: what the first whole scan finds may have been sent before.
    await well(daemon);
    await recorded(scene, daemon, 'tuesday');
    await expectOneRunEach(scene, 'monday', 'tuesday');
  });
});

test.concurrent('an outbox of a newer version is left as it is, with 65', async ({ scene }) => {
  await (await scene.daemon()).stop();
  const db = new Database(outbox(scene));
  db.pragma('user_version = 99');
  db.close();
  const before = readFileSync(outbox(scene));
  const ended = await scene.launch().end();
  expect(ended.code).toBe(65);
  expect(ended.stderr).toContain('was written by a newer runtrackd (schema 99');
  expect(readFileSync(outbox(scene)).equals(before)).toBe(true);
  expect(existsSync(join(scene.stateDir, 'outbox.note'))).toBe(false);
});

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}
