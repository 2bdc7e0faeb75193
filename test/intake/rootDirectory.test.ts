/** A drop root that is missing, is not mounted, or is another one: said once, shown, and nothing in it has vanished. */
import { cpSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RootDirectory } from '../../src/intake/rootDirectory.ts';
import { dropFolder, plan, writeFiles } from '../journey/folders.ts';
import { isUnmountable, mountSmall } from '../journey/mounts.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

const known = ['one', 'two', 'three', 'four'];

async function watched(root: Root) {
  const watching = root.start();
  for (const name of known) root.drop(name);
  await until('all to be queued', async () => (await root.count('queued')) === known.length);
  return watching.intake;
}

/** Another directory takes its place. @returns puts the first one back */
function replace(root: Root, make: (path: string) => void): () => void {
  const away = `${root.path}-away`;
  renameSync(root.path, away);
  make(root.path);
  return () => {
    rmSync(root.path, { recursive: true, force: true });
    renameSync(away, root.path);
  };
}

test.concurrent.for<{
  name: string;
  make: (path: string) => void;
  says: RegExp;
  queued: number;
  goneAfter: number;
}>([
  { name: 'missing', make: () => undefined, says: / is not there; looking again/, queued: 4, goneAfter: 0 },
  {
    name: 'no directory',
    make: (path) => writeFileSync(path, ''),
    says: / cannot be listed \(ENOTDIR\); looking again/,
    queued: 4,
    goneAfter: 0,
  },
  {
    name: 'an empty mount point',
    make: (path) => mkdirSync(path),
    says: / is another directory than before, and little of what was known is in it: is it mounted\?/,
    queued: 4,
    goneAfter: 0,
  },
  {
    name: 'another directory, in which what is new is tracked',
    make: (path) => {
      mkdirSync(join(path, 'strange'), { recursive: true });
      writeFiles(join(path, 'strange'), plan('strange'));
    },
    says: / is another directory than before/,
    queued: 5,
    // That one has vanished when the true root is back, and no other has.
    goneAfter: 1,
  },
])(
  'a drop root that is $name: said once, nothing has vanished, and it is taken up again when it is back',
  async ({ make, says, queued, goneAfter }, { root }) => {
    const intake = await watched(root);
    const putBack = replace(root, make);
    expect(await until('it to be shown', () => intake.trouble())).not.toBe('');
    await until('what is new to be queued', async () => (await root.count('queued')) === queued);
    await root.severalScans();
    // A scan may come between the two steps in which one takes the place of the other.
    const errors = (): string[] =>
      root.errors().filter((text) => says.test(text) || !text.includes('is not there; looking again'));
    expect(errors()).toEqual([expect.stringMatching(says)]);
    expect(await root.count('gone')).toBe(0);
    putBack();
    await until('it to be well', () => intake.trouble() === null);
    root.drop('later');
    await until('the later one to be queued', async () =>
      (await root.outbox.runsAtPath('runs', 'later', 1)).some(({ life }) => life.state.kind === 'queued'),
    );
    await root.severalScans();
    expect(await root.count('gone')).toBe(goneAfter);
    // Of the root nothing more; that a folder has vanished is said loudly as well.
    expect(errors()).toHaveLength(1 + goneAfter);
    expect(root.said.some(({ text }) => text.includes('is there again'))).toBe(true);
  },
);

test.skipIf(isUnmountable)(
  'another disk at the same place is another directory, though its device and inode are the same',
  async ({ root }) => {
    const mount = (): (() => void) => mountSmall(root.path, 8);
    const numbers = (): string => {
      const { dev, ino } = statSync(root.path);
      return `${String(dev)} ${String(ino)}`;
    };
    const unmounts = [mount()];
    try {
      const first = root.start();
      await until('a scan', () => first.intake.lastScanMs());
      for (const name of known) {
        mkdirSync(join(root.path, name));
        writeFiles(join(root.path, name), plan(name));
      }
      await until('all to be queued', async () => (await root.count('queued')) === known.length);
      // From the first change in it on, the birth of a directory can be told from its last change.
      await until(
        'it to be known',
        async () => ((await root.outbox.rootPlace('runs')).mark ?? '').split(' ')[2],
      );
      await first.stop();
      const before = numbers();
      unmounts.pop()?.();
      unmounts.push(mount());
      // Else another one has taken the number, and nothing is tried.
      expect(numbers()).toBe(before);
      const second = root.start();
      expect(await until('it to be shown', () => second.intake.trouble())).toMatch(/ another directory than/);
      await root.severalScans();
      expect((await root.outbox.counts()).states).toEqual({ queued: known.length });
      await second.stop();
    } finally {
      for (const unmount of unmounts) unmount();
    }
  },
);

/** As an earlier version kept it. */
function plainMark(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}

test.concurrent(
  'a mark that was kept without a birth is that of the same directory, however little is left in it, and gets one',
  async ({ root }) => {
    const first = root.start();
    for (const name of known) root.drop(name);
    await until('all to be queued', async () => (await root.count('queued')) === known.length);
    await first.stop();
    await root.outbox.saveRootMark('runs', plainMark(root.path));
    for (const name of known.slice(1)) rmSync(join(root.path, name), { recursive: true });
    const second = root.start();
    await until('what is not there to be gone', async () => (await root.count('gone')) === known.length - 1);
    expect(second.intake.trouble()).toBeNull();
    expect(root.said.some(({ text }) => text.includes('is another directory than before'))).toBe(false);
    const birth = statSync(root.path, { bigint: true }).birthtimeNs;
    expect((await root.outbox.rootPlace('runs')).mark).toBe(
      birth === 0n ? plainMark(root.path) : `${plainMark(root.path)} ${birth}`,
    );
  },
);

test.concurrent(
  'a drop root that was put back from a copy is the same one: nothing is said, and nothing is new',
  async ({ root }) => {
    const intake = await watched(root);
    replace(root, (path) => cpSync(`${root.path}-away`, path, { recursive: true, preserveTimestamps: true }));
    root.drop('later');
    await until('the later one to be queued', async () => (await root.count('queued')) === known.length + 1);
    await root.severalScans();
    expect(intake.trouble()).toBeNull();
    expect(root.errors()).toEqual([]);
    // Each of them is looked at again, and is found to be what it was.
    await until('all to have settled', async () => (await root.count('settling')) === 0);
    expect((await root.outbox.counts()).states).toEqual({ queued: known.length + 1 });
  },
);

test.concurrent(
  'a drop root that was emptied on purpose is believed when a person asks for a scan',
  async ({ root }) => {
    const intake = await watched(root);
    replace(root, (path) => mkdirSync(path));
    await until('it to be shown', () => intake.trouble());
    await intake.scan(true);
    await until('what was in it to be gone', async () => (await root.count('gone')) === known.length);
    expect(intake.trouble()).toBeNull();
  },
);

test.concurrent(
  'however much is new in another directory, it is not what the root was: also after a restart nothing is gone',
  async ({ root }) => {
    const first = root.start();
    for (const name of known) root.drop(name);
    await until('all to be queued', async () => (await root.count('queued')) === known.length);
    const putBack = replace(root, (path) => mkdirSync(path));
    const strange = Array.from({ length: 3 * known.length }, (_, n) => `strange-${String(n)}`);
    for (const name of strange) root.drop(name);
    const all = known.length + strange.length;
    await until('what is new to be queued', async () => (await root.count('queued')) === all);
    await root.severalScans();
    expect(first.intake.trouble()).toMatch(/ another directory than before/);
    await first.stop();
    const second = root.start();
    await until('a scan', () => second.intake.lastScanMs());
    await root.severalScans();
    expect(second.intake.trouble()).toMatch(/ another directory than before/);
    expect((await root.outbox.counts()).states).toEqual({ queued: all });
    putBack();
    await until('it to be well', () => second.intake.trouble() === null);
    await until(
      'what the other one had to be gone',
      async () => (await root.count('gone')) === strange.length,
    );
    expect(await root.count('queued')).toBe(known.length);
  },
);

test.concurrent(
  'in a root that is another directory when the daemon starts, what is older than its first start is history as well',
  async ({ root }) => {
    const none = { backfill: { kind: 'none' } } as const;
    const other = join(root.dir, 'other');
    for (const name of ['old-1', 'old-2']) dropFolder(other, name, plan(name));
    const first = root.start(none);
    await until('the first scan', () => first.intake.lastScanMs());
    for (const name of known) root.drop(name);
    await until('all to be queued', async () => (await root.count('queued')) === known.length);
    await first.stop();
    replace(root, (path) => renameSync(other, path));
    root.drop('fresh');
    const second = root.start(none);
    await until('the fresh one to be queued', async () => (await root.count('queued')) > known.length);
    await until('the others to be decided', async () => (await root.count('settling')) === 0);
    expect(second.intake.trouble()).toMatch(/ another directory than before/);
    expect((await root.outbox.counts()).states).toEqual({ queued: known.length + 1, skipped: 2 });
  },
);

test.concurrent(
  'a large root that is another directory, and from which the oldest folders were cleared, is the same one',
  async ({ root }) => {
    const names = Array.from({ length: 1_500 }, (_, n) => `run-${String(10_000 + n)}`);
    const directory = { dev: '1', ino: '1', birthNs: '1' };
    const folder = {
      ...({
        dropRoot: 'runs',
        state: 'known',
        reason: { class: '', text: '' },
        hint: '',
        run: null,
      } as const),
      ...{ signature: 'x', target: 'x', directory, firstSeenMs: 1, changedAtMs: 1, sinceMs: 1 },
    };
    await Promise.all(names.map(async (path) => await root.outbox.saveFolder({ ...folder, path })));
    for (const name of names.slice(600)) mkdirSync(join(root.path, name));
    const place = new RootDirectory(root.dropRoot(), root.parts());
    const before = { mark: 'of before', realPath: root.path };
    expect(await place.look(before, false)).toMatchObject({ isTrusted: true });
    for (const name of names.slice(600, 900)) rmSync(join(root.path, name), { recursive: true });
    expect(await place.look(before, false)).toMatchObject({ isTrusted: false });
  },
);

test.concurrent(
  'while it is found out what a root is, nothing that is not in it has vanished',
  async ({ root }) => {
    await watched(root);
    let isAsked = false;
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const outbox = {
      ...root.outbox,
      sampleOfFolders: async (...args: Parameters<typeof root.outbox.sampleOfFolders>): Promise<string[]> => {
        isAsked = true;
        await answered;
        return await root.outbox.sampleOfFolders(...args);
      },
    };
    const directory = new RootDirectory(root.dropRoot(), root.parts({ outbox }));
    const look = async () => await directory.look(await root.outbox.rootPlace('runs'), false);
    await look();
    rmSync(join(root.path, 'one'), { recursive: true });
    expect([await directory.hasLost('one'), await directory.hasLost('two')]).toEqual([true, false]);
    replace(root, (path) => mkdirSync(path));
    const looked = look();
    await until('the known folders to be asked for', () => isAsked);
    expect(await directory.hasLost('two')).toBe(false);
    answer();
    expect(await looked).toMatchObject({ isTrusted: false });
    expect(await directory.hasLost('two')).toBe(false);
  },
);

test.concurrent(
  'of a drop root that is another directory and cannot be listed both are said once, and again after it was well',
  async ({ root }) => {
    await watched(root);
    const directory = new RootDirectory(root.dropRoot(), root.parts());
    const closed = Object.assign(new Error('closed'), { code: 'EACCES' });
    const putBack = replace(root, (path) => mkdirSync(path));
    const scans = async (): Promise<void> => {
      for (let scan = 0; scan < 3; scan += 1) {
        expect(await directory.look(await root.outbox.rootPlace('runs'), false)).toMatchObject({
          isTrusted: false,
        });
        directory.fail(closed);
        expect(directory.trouble()).toBe('cannot be listed (EACCES)');
      }
    };
    const said = (): number => root.errors().filter((text) => text.includes('EACCES')).length;
    await scans();
    expect(said()).toBe(1);
    putBack();
    directory.isWell();
    replace(root, (path) => mkdirSync(path));
    await scans();
    expect(said()).toBe(2);
  },
);
