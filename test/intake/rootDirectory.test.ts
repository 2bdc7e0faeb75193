/** A drop root that is missing, is not mounted, or is another one: said once, shown, and nothing in it has vanished. */
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RootDirectory } from '../../src/intake/rootDirectory.ts';
import { plan, writeFiles } from '../journey/folders.ts';
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

async function severalScans(root: Root): Promise<void> {
  let ended = 0;
  root.onProgress = () => (ended += 1);
  await until('some scans', () => ended >= 5);
}

const errors = (root: Root): string[] =>
  root.said.filter(({ level }) => level === 'error').map(({ text }) => text);

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
    await severalScans(root);
    expect(errors(root)).toEqual([expect.stringMatching(says)]);
    expect(await root.count('gone')).toBe(0);
    putBack();
    await until('it to be well', () => intake.trouble() === null);
    root.drop('later');
    await until('the later one to be queued', async () =>
      (await root.outbox.runsAtPath('runs', 'later', 1)).some(({ life }) => life.state.kind === 'queued'),
    );
    await severalScans(root);
    expect(await root.count('gone')).toBe(goneAfter);
    // Of the root nothing more; that a folder has vanished is said loudly as well.
    expect(errors(root)).toHaveLength(1 + goneAfter);
    expect(root.said.some(({ text }) => text.includes('is there again'))).toBe(true);
  },
);

test.concurrent(
  'a drop root that was put back from a copy is the same one: nothing is said, and nothing is new',
  async ({ root }) => {
    const intake = await watched(root);
    replace(root, (path) => cpSync(`${root.path}-away`, path, { recursive: true, preserveTimestamps: true }));
    root.drop('later');
    await until('the later one to be queued', async () => (await root.count('queued')) === known.length + 1);
    await severalScans(root);
    expect(intake.trouble()).toBeNull();
    expect(errors(root)).toEqual([]);
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
  'of a drop root that is another directory and cannot be listed both are said once, and again after it was well',
  async ({ root }) => {
    await watched(root);
    const directory = new RootDirectory(root.dropRoot(), root.parts());
    const closed = Object.assign(new Error('closed'), { code: 'EACCES' });
    const putBack = replace(root, (path) => mkdirSync(path));
    const scans = async (): Promise<void> => {
      for (let scan = 0; scan < 3; scan += 1) {
        expect(await directory.look(await root.outbox.rootMark('runs'), false)).toMatchObject({
          isTrusted: false,
        });
        directory.fail(closed);
        expect(directory.trouble()).toBe('cannot be listed (EACCES)');
      }
    };
    const said = (): number => errors(root).filter((text) => text.includes('EACCES')).length;
    await scans();
    expect(said()).toBe(1);
    putBack();
    directory.isWell();
    replace(root, (path) => mkdirSync(path));
    await scans();
    expect(said()).toBe(2);
  },
);
