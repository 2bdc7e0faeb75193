/** A drop root under another name than the one that its directory is known by: nothing of it is looked at, and nothing sent again. */
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { misnamedNow } from '../../src/intake/misnamed.ts';
import type { DropRoot } from '../../src/intake/rules.ts';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import { databasePath } from '../../src/outbox/place.ts';
import { dropFolder, plan } from '../journey/folders.ts';
import { isUnmountable, mountAgain } from '../journey/mounts.ts';
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

async function severalScans(root: Root): Promise<void> {
  let ended = 0;
  root.onProgress = () => (ended += 1);
  await until('some scans', () => ended >= 5);
}

const errors = (root: Root): string[] =>
  root.said.filter(({ level }) => level === 'error').map(({ text }) => text);

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
    await severalScans(root);
    expect(renamed.intake.trouble()).toBe(wasRuns);
    expect(renamed.intake.unscanned()).toBe(wasRuns);
    expect(errors(root)).toEqual([`drop root ${root.path} ${wasRuns}`]);
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
  expect(errors(root)).toEqual([]);
  const back = root.start();
  expect(await until('the trouble', () => back.intake.trouble())).toContain('was drop root "uno" until now');
});

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
  await severalScans(root);
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
  expect([there.intake.trouble(), next.intake.trouble(), errors(root)]).toEqual([null, null, []]);
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
    await severalScans(root);
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
