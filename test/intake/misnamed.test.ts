/** A drop root under another name than the one that its directory is known by: nothing of it is looked at, and nothing sent again. */
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { misnamedNow } from '../../src/intake/misnamed.ts';
import type { DropRoot } from '../../src/intake/rules.ts';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import { databasePath } from '../../src/outbox/place.ts';
import { dropFolder, plan } from '../journey/folders.ts';
import { isUnmountable, mountAgain, mountSmall } from '../journey/mounts.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

const names = ['one', 'two', 'three'];

/** A root under this name, until its folders are queued and beyond. */
async function known(root: Root, changes: Partial<DropRoot> = {}): Promise<void> {
  const { path = root.path } = changes;
  const before = await root.count('queued');
  const { stop } = root.start(changes);
  for (const name of names) dropFolder(path, name, plan(`${path} ${name}`));
  await until('all to be queued', async () => (await root.count('queued')) === before + names.length);
  await stop();
}

const wasRuns =
  'was drop root "runs" until now, with 3 folders on record: under the name "uno" all of them would be sent again. ' +
  'Name it "runs" again; if they are to be sent anew, move the directory to another path';

test.concurrent(
  'a renamed root is in trouble, once and for all to see, until it has its name again',
  async ({ root }) => {
    await known(root);
    const renamed = root.start({ name: 'uno' }, true);
    await until('it to be shown', () => renamed.intake.trouble());
    root.drop('four');
    await root.severalScans();
    expect(renamed.intake.trouble()).toBe(wasRuns);
    expect(renamed.intake.unscanned()).toBe(wasRuns);
    expect(root.errors()).toEqual([`drop root ${root.path} ${wasRuns}`]);
    expect(await root.outbox.folderCount('uno')).toBe(0);

    // Whoever asks for it is told as well.
    expect((await renamed.intake.scan(true)).folders).toBe(0);
    await renamed.intake.lookNow('four');
    expect(await renamed.intake.folderTotal()).toBe(0);
    const tracked = await trackFolder(
      join(root.path, 'four'),
      [root.dropRoot({ name: 'uno' })],
      { again: false },
      root.parts(),
    );
    expect(tracked).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining('was drop root "runs" until now') as string,
    });
    expect((await root.outbox.counts()).states).toEqual({ queued: names.length });
    await renamed.stop();

    const mended = root.start();
    await until('what came meanwhile to be queued', async () => (await root.count('queued')) > names.length);
    expect(mended.intake.trouble()).toBeNull();
  },
);

test.concurrent('a name of which nothing is known is given up for another one', async ({ root }) => {
  const first = root.start();
  await until('a scan', () => first.intake.lastScanMs());
  await first.stop();
  await known(root, { name: 'uno' });
  expect(root.errors()).toEqual([]);
  const back = root.start();
  expect(await until('the trouble', () => back.intake.trouble())).toContain('was drop root "uno" until now');
});

test.concurrent(
  'a directory that was moved is known by what an earlier version has kept of it as well',
  async ({ root }) => {
    await known(root);
    const { dev, ino } = statSync(root.path, { bigint: true });
    await root.outbox.saveRootMark('runs', `${dev} ${ino}`);
    const moved = join(root.dir, 'moved');
    renameSync(root.path, moved);
    symlinkSync(moved, root.path);
    const renamed = root.start({ name: 'uno', path: moved });
    expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
  },
);

test.concurrent('runs alone are enough to be known by', async ({ root }) => {
  await known(root);
  for (const name of names) await root.outbox.forgetFolder('runs', name);
  const renamed = root.start({ name: 'uno' });
  expect(await until('the trouble', () => renamed.intake.trouble())).toContain(
    'was drop root "runs" until now, with 3 runs on record',
  );
});

test.concurrent('two roots that change names are both in trouble', async ({ root }) => {
  const other = { name: 'other', path: join(root.dir, 'other') };
  mkdirSync(other.path);
  await known(root);
  await known(root, other);
  const swapped = [root.start({ name: 'other' }), root.start({ ...other, name: 'runs' })];
  for (const { intake } of swapped) await until('the trouble', () => intake.trouble());
  await root.severalScans();
  expect(swapped.map(({ intake }) => intake.trouble()?.slice(0, 30))).toEqual([
    'was drop root "runs" until now',
    'was drop root "other" until no',
  ]);
  expect((await root.outbox.counts()).states).toEqual({ queued: 2 * names.length });
});

test.concurrent('a root that was moved keeps its name, and leaves its path to another', async ({ root }) => {
  const moved = join(root.dir, 'moved');
  await known(root);
  renameSync(root.path, moved);
  mkdirSync(root.path);
  const there = root.start({ path: moved });
  await until('a scan', () => there.intake.lastScanMs());
  const next = root.start({ name: 'next' });
  root.drop('fresh');
  await until('the fresh one to be queued', async () => (await root.count('queued')) === names.length + 1);
  expect([there.intake.trouble(), next.intake.trouble(), root.errors()]).toEqual([null, null, []]);
});

test.concurrent(
  'a name that was given to an empty directory still stands for where it was',
  async ({ root }) => {
    await known(root);
    const empty = join(root.dir, 'empty');
    mkdirSync(empty);
    const reused = root.start({ path: empty });
    await until('it to be shown', () => reused.intake.trouble());
    const renamed = root.start({ name: 'uno' });
    await until('the trouble', () => renamed.intake.trouble());
    await root.severalScans();
    expect(renamed.intake.trouble()).toBe(wasRuns);
    expect((await root.outbox.counts()).states).toEqual({ queued: names.length });
  },
);

test.concurrent('moved to another path its folders are sent anew under another name', async ({ root }) => {
  await known(root);
  const moved = join(root.dir, 'moved');
  renameSync(root.path, moved);
  const renamed = root.start({ path: moved, name: 'uno' });
  await until('all to be queued anew', async () => (await root.count('queued')) === 2 * names.length);
  expect(renamed.intake.trouble()).toBeNull();
});

test.concurrent.for(['as it is', 'through a link'])(
  'a directory is the same one $0',
  async (how, { root }) => {
    const link = join(root.dir, 'link');
    symlinkSync(root.path, link);
    const [before, after] = how === 'as it is' ? [link, root.path] : [root.path, link];
    await known(root, { path: before });
    const renamed = root.start({ path: after, name: 'uno' });
    expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
  },
);

test.skipIf(isUnmountable)('a directory is the same one where it is mounted too', async ({ root }) => {
  await known(root);
  const at = join(root.dir, 'mounted');
  const unmount = mountAgain(root.path, at);
  try {
    const renamed = root.start({ path: at, name: 'uno' });
    expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
    await renamed.stop();
    // Under its own name it may be reached as anybody likes.
    const same = root.start({ path: at });
    await until('a scan', () => same.intake.lastScanMs());
    expect(same.intake.trouble()).toBeNull();
    await same.stop();
  } finally {
    unmount();
  }
});

test.concurrent(
  'an outbox of an earlier version learns where its roots lie at their first look',
  async ({ root }) => {
    await known(root);
    await root.outbox.close();
    const db = new Database(databasePath(join(root.dir, 'state')));
    db.exec('update root set real_path = null');
    db.close();
    await root.open();
    expect(await misnamedNow({ name: 'uno', path: root.path }, root.parts())).toBeNull();
    const first = root.start();
    await until('a scan', () => first.intake.lastScanMs());
    await first.stop();
    expect(await misnamedNow({ name: 'uno', path: root.path }, root.parts())).not.toBeNull();
    const renamed = root.start({ name: 'uno' });
    expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
  },
);

async function track(root: Root, folder: string, name = 'runs'): Promise<string> {
  const tracked = await trackFolder(
    join(root.path, folder),
    [root.dropRoot({ name })],
    { again: false },
    root.parts(),
  );
  return tracked.kind;
}

test.concurrent('a root that only track has used is known by its name as well', async ({ root }) => {
  for (const name of names) {
    root.drop(name);
    expect(await track(root, name)).toBe('run');
  }
  expect(await track(root, 'one', 'uno')).toBe('refused');
  const renamed = root.start({ name: 'uno' });
  expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
  await renamed.stop();
  // And the first start of the root itself is still to come: what lay there before is history.
  expect(await root.outbox.rootStart('runs')).toBeNull();
  expect((await root.outbox.rootPlace('runs')).mark).toBeNull();
  root.drop('old');
  const first = root.start({ backfill: { kind: 'none' } });
  await until('what lay there before to be left out', async () => (await root.count('skipped')) === 1);
  expect((await root.outbox.rootStart('runs'))?.firstStartMs).not.toBeNull();
  expect(first.intake.trouble()).toBeNull();
  expect(await root.count('queued')).toBe(names.length);
});

test.concurrent(
  'a root where track is used while it is watched has its first start behind it',
  async ({ root }) => {
    // From the first change in it on, the birth of a directory can be told from its last change.
    mkdirSync(join(root.path, '.changed'));
    const { intake } = root.start();
    await until('a scan', () => intake.lastScanMs());
    const before = [await root.outbox.rootStart('runs'), await root.outbox.rootPlace('runs')];
    root.drop('one');
    expect(await track(root, 'one')).toBe('run');
    expect([await root.outbox.rootStart('runs'), await root.outbox.rootPlace('runs')]).toEqual(before);
  },
);

test.concurrent(
  'a new root at the path that another has left need not wait for that one',
  async ({ root }) => {
    const moved = join(root.dir, 'moved');
    await known(root);
    renameSync(root.path, moved);
    mkdirSync(root.path);
    root.drop('fresh');
    const next = root.start({ name: 'next' });
    await until('the fresh one to be queued', async () => (await root.count('queued')) === names.length + 1);
    const there = root.start({ path: moved });
    await until('a scan', () => there.intake.lastScanMs());
    expect([next.intake.trouble(), there.intake.trouble(), root.errors()]).toEqual([null, null, []]);
  },
);

test.concurrent('a directory that was made anew may have another name', async ({ root }) => {
  await known(root);
  // Kept until the new one is there: else that may get its inode.
  const aside = join(root.dir, 'aside');
  renameSync(root.path, aside);
  mkdirSync(root.path);
  rmSync(aside, { recursive: true });
  root.drop('fresh');
  const plans = root.start({ name: 'plans' });
  await until('the fresh one to be queued', async () => (await root.outbox.folderCount('plans')) === 1);
  expect([plans.intake.trouble(), root.errors()]).toEqual([null, []]);
});

/** A root on a disk of its own, and what puts that away; there it is an empty directory. */
function onDisk(root: Root) {
  const disk = join(root.dir, 'disk');
  const mount = join(root.dir, 'mount');
  const path = join(mount, 'runs');
  mkdirSync(path, { recursive: true });
  const unmounts = [mountSmall(disk, 8)];
  mkdirSync(join(disk, 'runs'));
  return {
    path,
    mount: (how: 'as before' | 'with another number') => {
      if (how === 'as before') return void unmounts.push(mountAgain(disk, mount));
      unmounts.push(mountSmall(mount, 8));
      for (const name of names) dropFolder(path, name, plan(`${path} ${name}`));
    },
    unmount: () => unmounts.pop()?.(),
    end: () => {
      for (const unmount of unmounts.reverse()) unmount();
    },
  };
}

test.skipIf(isUnmountable).for(['as before', 'with another number'] as const)(
  'what is mounted %s over a directory that has another name by now goes by the name it had',
  async (how, { root }) => {
    const { path, mount, unmount, end } = onDisk(root);
    try {
      mount('as before');
      await known(root, { path });
      unmount();
      const renamed = root.start({ path, name: 'uno' });
      await until('a scan', () => renamed.intake.lastScanMs());
      expect(renamed.intake.trouble()).toBeNull();
      dropFolder(path, 'four', plan('four'));
      await until('what is new to be queued', async () => (await root.outbox.folderCount('uno')) === 1);
      mount(how);
      await until('the trouble', () => renamed.intake.trouble());
      await root.severalScans();
      expect(renamed.intake.trouble()).toBe(wasRuns);
      expect(await root.outbox.folderCount('uno')).toBe(1);
      await renamed.stop();
      // Under its own name it is well.
      const own = root.start({ path });
      await until('a scan', () => own.intake.lastScanMs());
      expect(own.intake.trouble()).toBeNull();
      await own.stop();
    } finally {
      end();
    }
  },
);

test.skipIf(isUnmountable)(
  'a disk that is mounted with another number keeps its name: its folders tell',
  async ({ root }) => {
    const { path, mount, unmount, end } = onDisk(root);
    try {
      mount('as before');
      await known(root, { path });
      unmount();
      mount('with another number');
      const renamed = root.start({ path, name: 'uno' });
      expect(await until('the trouble', () => renamed.intake.trouble())).toBe(wasRuns);
      await renamed.stop();
    } finally {
      end();
    }
  },
);
