/** A folder is moved whole or not at all, over nothing, and a crash at any moment is mended by whoever comes next. */
import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { finishMove, moveFolder } from '../../src/archiving/moveFolder.ts';
import { isOwnTemporary } from '../../src/core/ownFiles.ts';
import { readChunkBytes } from '../../src/system/files.ts';
import { isUnmountable, mountSmall } from '../journey/mounts.ts';
import { isAlone, otherUser } from '../journey/otherUser.ts';
import { programFile } from '../journey/program.ts';

const still = (): void => undefined;
const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function directory(base = tmpdir()): string {
  const path = mkdtempSync(join(base, 'rt-move-'));
  made.push(path);
  return path;
}

/** Memory, which is never the file system of `/tmp` here; null: there is none, which is said. */
function otherFileSystem(): string | null {
  try {
    accessSync('/dev/shm');
    if (statSync('/dev/shm').dev !== statSync(tmpdir()).dev) return '/dev/shm';
  } catch {
    // Said below.
  }
  console.error('SKIPPED: moving between file systems cannot be tried here: /dev/shm is none of its own');
  return null;
}

const other = otherFileSystem();

function folderIn(root: string): string {
  const folder = join(root, 'monday');
  mkdirSync(join(folder, 'output', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'input.json'), '{"a":1}');
  writeFileSync(join(folder, 'output', 'deep', 'ünï code.txt'), 'x'.repeat(300_000));
  writeFileSync(join(folder, 'output', 'empty'), '');
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(folder, 'run.sh'), 0o750);
  symlinkSync('/etc/passwd', join(folder, 'link'));
  linkSync(join(folder, 'run.sh'), join(folder, 'twin.sh'));
  utimesSync(join(folder, 'input.json'), 1_500_000_000, 1_500_000_000.25);
  chmodSync(folder, 0o2755);
  return folder;
}

function treeOf(top: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const entry of readdirSync(join(top, path), { withFileTypes: true })) {
      const inner = join(path, entry.name);
      const { mode, mtimeMs } = lstatSync(join(top, inner));
      if (entry.isSymbolicLink()) tree[inner] = `link to ${readlinkSync(join(top, inner))}`;
      else if (entry.isDirectory()) {
        tree[inner] = `directory ${(mode & 0o7777).toString(8)}`;
        walk(inner);
      } else
        tree[inner] =
          `${(mode & 0o7777).toString(8)} ${Math.round(mtimeMs)} ${readFileSync(join(top, inner), 'latin1')}`;
    }
  };
  walk('');
  return tree;
}

/** Both ends of a move, on one file system or on two. */
function ends(isApart: boolean): { source: string; target: string } {
  const source = folderIn(directory());
  return { source, target: join(directory(isApart ? (other ?? '') : tmpdir()), 'monday') };
}

/** The same, with another name for the folder. */
function renamed({ source, target }: ReturnType<typeof ends>, name: string): ReturnType<typeof ends> {
  const [from, to] = [join(dirname(source), name), join(dirname(target), name)];
  renameSync(source, from);
  return { source: from, target: to };
}

const besideOf = (path: string): string => join(dirname(path), `.${basename(path)}.runtrackd-tmp`);

describe.each([{ isApart: false }, { isApart: true }].filter(({ isApart }) => !isApart || other !== null))(
  'with file systems of their own: $isApart',
  ({ isApart }) => {
    test('everything arrives as it was, and nothing stays behind', async () => {
      const { source, target } = ends(isApart);
      const before = treeOf(source);
      expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
      expect(treeOf(target)).toEqual(before);
      expect(readdirSync(dirname(source))).toEqual([]);
      expect(readdirSync(dirname(target))).toEqual(['monday']);
    });

    test.each(['a full directory', 'an empty directory', 'a file', 'a dangling link'])(
      'what is there already is not touched: %s',
      async (what) => {
        const { source, target } = ends(isApart);
        const before = treeOf(source);
        if (what === 'a full directory') cpSync('package.json', join(target, 'theirs'));
        else if (what === 'an empty directory') mkdirSync(target);
        else if (what === 'a file') writeFileSync(target, 'theirs');
        else symlinkSync('nowhere', target);
        const theirs = lstatSync(target).ino;
        await expect(moveFolder(source, target, still)).rejects.toThrow('EEXIST');
        expect(lstatSync(target).ino).toBe(theirs);
        expect(treeOf(source)).toEqual(before);
      },
    );

    test('a move that had ended, but for the note of it, is found done', async () => {
      const { source, target } = ends(isApart);
      await moveFolder(source, target, still);
      expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
    });

    test('a move that had only been noted begins anew', async () => {
      const { source, target } = ends(isApart);
      expect(await finishMove(source, target)).toBeNull();
      mkdirSync(target);
      expect(await finishMove(source, target)).toBeNull();
      expect(existsSync(target)).toBe(false);
      expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
    });

    test.each([
      { what: '240 bytes', name: 'n'.repeat(240) },
      { what: '241 bytes', name: 'n'.repeat(241) },
      { what: '255 bytes', name: 'n'.repeat(255) },
      { what: '255 bytes of few characters', name: `${'ü'.repeat(127)}n` },
    ])('a folder with a name as long as names can be is moved: $what', async ({ name }) => {
      const { source, target } = renamed(ends(isApart), name);
      const before = treeOf(source);
      // Noted, and not begun yet.
      expect(await finishMove(source, target)).toBeNull();
      expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
      expect(treeOf(target)).toEqual(before);
      expect(readdirSync(dirname(source))).toEqual([]);
      expect(readdirSync(dirname(target))).toEqual([name]);
      expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
    });

    test.each([
      { what: 'the folder', sourceOf: (source: string) => source },
      { what: 'all that it lay in', sourceOf: () => null },
    ])('an empty directory is no folder that has come, though $what is gone', async ({ sourceOf }) => {
      const { source, target } = ends(isApart);
      rmSync(source, { recursive: true });
      mkdirSync(target);
      expect(await finishMove(sourceOf(source), target)).toBeNull();
      expect(existsSync(target)).toBe(false);
    });

    test('one that has come is found also when it is closed to the daemon', async () => {
      const { source, target } = ends(isApart);
      execFileSync('chmod', ['a+rwx', dirname(source), dirname(target)]);
      await moveFolder(source, target, still);
      chmodSync(target, 0o000);
      const isRoot = process.getuid?.() === 0;
      if (isRoot) process.seteuid?.(65_534);
      try {
        expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
      } finally {
        if (isRoot) process.seteuid?.(0);
        chmodSync(target, 0o755);
      }
    });

    test('something that came to lie there meanwhile is nobody’s to remove', async () => {
      const { source, target } = ends(isApart);
      const before = treeOf(source);
      mkdirSync(target);
      writeFileSync(join(target, 'theirs'), 'x');
      expect(await finishMove(source, target)).toBeNull();
      expect(readFileSync(join(target, 'theirs'), 'utf8')).toBe('x');
      expect(treeOf(source)).toEqual(before);
    });
  },
);

/** Puts a link into the place of a directory, and the directory back, for less than a millisecond each. */
const swapper = `
  const [directory, victim, aside] = process.argv.slice(1);
  const stay = () => {
    const untilMs = performance.now() + Math.random();
    while (performance.now() < untilMs);
  };
  for (;;) {
    try {
      fs.renameSync(directory, aside);
      fs.symlinkSync(victim, directory);
      stay();
      fs.unlinkSync(directory);
      fs.renameSync(aside, directory);
      stay();
    } catch {
      fs.rmSync(aside, { recursive: true, force: true });
    }
  }`;

describe.skipIf(other === null)('between file systems', () => {
  test('a copy that was cut off is made anew', async () => {
    const { source, target } = ends(true);
    mkdirSync(besideOf(target));
    writeFileSync(join(besideOf(target), 'input.json'), '{"a":');
    expect(await finishMove(source, target)).toBeNull();
    expect(existsSync(besideOf(target))).toBe(false);
    expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
  });

  test('a move that is cut off, wherever it is, ends there, and whoever comes next finishes it', async () => {
    const seen = new Set<string>();
    for (let cutAt = 1; ; cutAt += 1) {
      const { source, target } = ends(true);
      const before = treeOf(source);
      const cut = new AbortController();
      let beats = 0;
      const moved = await moveFolder(
        source,
        target,
        () => {
          beats += 1;
          if (beats === cutAt) cut.abort();
        },
        cut.signal,
      );
      if (beats < cutAt) {
        expect(moved).toEqual({ kind: 'moved' });
        break;
      }
      if (moved.kind === 'begun') {
        // What it was at takes as long as before, and none of it was done.
        expect(beats).toBe(cutAt);
        if (existsSync(besideOf(target))) seen.add('copying');
        if (existsSync(besideOf(source))) seen.add('removing');
        if ((await finishMove(source, target)) === null) {
          expect(treeOf(source)).toEqual(before);
          expect(existsSync(target)).toBe(false);
          await moveFolder(source, target, still);
        }
      } else expect(moved).toEqual({ kind: 'moved' });
      expect(treeOf(target)).toEqual(before);
      expect([...readdirSync(dirname(source)), ...readdirSync(dirname(target))]).toEqual(['monday']);
    }
    expect([...seen].sort()).toEqual(['copying', 'removing']);
  });

  test('nor does half of a copy that is taken back, when that is cut off, lie there as a folder', async () => {
    const { source, target } = ends(true);
    const cut = new AbortController();
    const moved = await moveFolder(
      source,
      target,
      () => {
        const aside = besideOf(source);
        if (existsSync(aside)) writeFileSync(join(aside, 'late.txt'), 'late');
        if (existsSync(join(source, 'late.txt'))) cut.abort();
      },
      cut.signal,
    );
    expect(moved).toEqual({ kind: 'begun' });
    expect(readdirSync(dirname(target))).toEqual(['.monday.runtrackd-tmp']);
    expect(await finishMove(source, target)).toBeNull();
    expect(readdirSync(dirname(target))).toEqual([]);
    expect(readFileSync(join(source, 'late.txt'), 'utf8')).toBe('late');
  });

  test('a removal that was begun can be cut off too, and finished by the next', async () => {
    const { source, target } = ends(true);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    const cut = new AbortController();
    cut.abort();
    expect(await finishMove(source, target, still, cut.signal)).toEqual({ kind: 'begun' });
    expect(existsSync(besideOf(source))).toBe(true);
    expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
    expect(readdirSync(dirname(source))).toEqual([]);
  });

  test('until a copy is whole and compared nobody else comes into it, whoever may come into the folder', async () => {
    const { source, target } = ends(true);
    chmodSync(source, 0o777);
    const modes = new Set<number>();
    let beats = 0;
    const moved = await moveFolder(source, target, () => {
      const copy = statSync(besideOf(target), { throwIfNoEntry: false });
      if (copy === undefined) return;
      beats += 1;
      modes.add(copy.mode & 0o777);
    });
    expect(moved).toEqual({ kind: 'moved' });
    // While it is made, and while it is compared.
    expect(beats).toBeGreaterThanOrEqual(2 * Object.keys(treeOf(target)).length);
    expect([...modes]).toEqual([0o700]);
    expect(statSync(target).mode & 0o777).toBe(0o777);
  });

  test('what a link leads to that comes into a copy while that is cleared away stays', async () => {
    const { source, target } = ends(true);
    const victim = directory();
    const theirs = Array.from({ length: 100 }, (_, n) => `theirs-${String(n)}`);
    for (const name of theirs) writeFileSync(join(victim, name), 'x');
    const copied = join(besideOf(target), 'output');
    const swapping = spawn(process.execPath, ['-e', swapper, copied, victim, join(dirname(target), 'aside')]);
    let met = 0;
    const kept = (): number => readdirSync(victim).filter((name) => name.startsWith('theirs')).length;
    for (let round = 0; round < 1_000 && kept() === theirs.length; round += 1) {
      try {
        mkdirSync(copied, { recursive: true });
        for (let n = 0; n < 20; n += 1) writeFileSync(join(copied, String(n)), '');
      } catch {
        // It is a link just now, or away.
      }
      await finishMove(source, target).catch(() => (met += 1));
    }
    swapping.kill();
    await once(swapping, 'exit');
    // A race that nobody ran would show nothing.
    expect(met).toBeGreaterThan(0);
    expect(kept()).toBe(theirs.length);
  });

  test('a copy that is whole while the folder is still there takes its place', async () => {
    const { source, target } = ends(true);
    const before = treeOf(source);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
    expect(treeOf(target)).toEqual(before);
    expect(readdirSync(dirname(source))).toEqual([]);
  });

  test('a removal that was cut off half-way is finished', async () => {
    const { source, target } = ends(true);
    const before = treeOf(source);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    rmSync(join(besideOf(source), 'input.json'));
    expect(await finishMove(source, target)).toEqual({ kind: 'moved' });
    expect(treeOf(target)).toEqual(before);
    expect(readdirSync(dirname(source))).toEqual([]);
  });

  test('what lies aside under a name of our own is no folder to any scan, however long its name was', async () => {
    const { source, target } = renamed(ends(true), 'n'.repeat(255));
    const seen = new Set<string>();
    await moveFolder(source, target, () => {
      for (const name of readdirSync(dirname(target))) seen.add(name);
    });
    // That is its place, whole.
    seen.delete(basename(target));
    expect([...seen]).toEqual([expect.stringMatching(/^\.[0-9a-f]{64}\.runtrackd-tmp$/)]);
    expect([...seen].every(isOwnTemporary)).toBe(true);
  });

  test('what was set aside stays when there is no copy of it, and it is said where it is', async () => {
    const { source, target } = ends(true);
    const before = treeOf(source);
    renameSync(source, besideOf(source));
    expect(await finishMove(source, target)).toEqual({
      kind: 'parted',
      text: `what is left of it lies beside its place as .monday.runtrackd-tmp, and its copy ${target} is not there`,
    });
    expect(treeOf(besideOf(source))).toEqual(before);
  });

  test('what a writer added before the removal stays where he wrote it', async () => {
    const { source, target } = ends(true);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    writeFileSync(join(besideOf(source), 'late.txt'), 'late');
    expect(await finishMove(source, target)).toEqual({
      kind: 'refused',
      text: 'late.txt changed while it was moved',
    });
    expect(readFileSync(join(source, 'late.txt'), 'utf8')).toBe('late');
  });

  test('and where a new folder has taken the name since, both are kept, and it is said where', async () => {
    const { source, target } = ends(true);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    writeFileSync(join(besideOf(source), 'input.json'), '{"a":22}');
    mkdirSync(source);
    const moved = await finishMove(source, target);
    expect(moved).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining(basename(besideOf(source))) as string,
    });
    expect(readFileSync(join(besideOf(source), 'input.json'), 'utf8')).toBe('{"a":22}');
  });

  test.each([
    { what: 'a file', name: 'input.json' },
    { what: 'a directory', name: 'output' },
  ])(
    '$what that becomes a link while the folder is copied leads nowhere: no copy of it stays',
    async ({ name }) => {
      const { source, target } = ends(true);
      const secret = directory();
      writeFileSync(join(secret, 'input.json'), 'SECRET');
      let isSwapped = false;
      const moving = moveFolder(source, target, () => {
        if (isSwapped || !existsSync(besideOf(target))) return;
        isSwapped = true;
        renameSync(join(source, name), join(source, `${name}.before`));
        symlinkSync(name === 'output' ? secret : join(secret, name), join(source, name));
      });
      expect(await moving).toMatchObject({
        kind: 'refused',
        text: expect.stringContaining('changed') as string,
      });
      expect(isSwapped).toBe(true);
      expect(readdirSync(dirname(target))).toEqual([]);
      expect(readFileSync(join(secret, 'input.json'), 'utf8')).toBe('SECRET');
      expect(existsSync(join(source, `${name}.before`))).toBe(true);
    },
  );

  test.each([
    { what: 'a file', name: 'input.json' },
    { what: 'a file deep in it', name: 'output/deep/ünï code.txt' },
  ])(
    '$what that is written anew while the folder is copied is not lost, though its size and time are as before',
    async ({ name }) => {
      const { source, target } = ends(true);
      const file = join(source, name);
      const { size, atime, mtime } = statSync(file);
      const [before, written] = [readFileSync(file, 'utf8'), 'y'.repeat(size)];
      let isWritten = false;
      const moved = await moveFolder(source, target, () => {
        const copy = join(besideOf(target), name);
        if (isWritten || !existsSync(copy) || readFileSync(copy, 'utf8') !== before) return;
        isWritten = true;
        writeFileSync(file, written);
        utimesSync(file, atime, mtime);
      });
      expect(isWritten).toBe(true);
      expect(moved).toEqual({ kind: 'refused', text: `${name} changed while it was copied` });
      expect(readFileSync(file, 'utf8')).toBe(written);
      expect(readdirSync(dirname(target))).toEqual([]);
    },
  );

  test.each([
    {
      what: 'a file of the same size and time',
      write: (folder: string) => {
        const { atime, mtime } = statSync(join(folder, 'input.json'));
        writeFileSync(join(folder, 'input.json'), '{"a":2}');
        utimesSync(join(folder, 'input.json'), atime, mtime);
      },
      name: 'input.json',
    },
    {
      what: 'a link to elsewhere',
      write: (folder: string) => {
        rmSync(join(folder, 'link'));
        symlinkSync('/etc/shadow', join(folder, 'link'));
      },
      name: 'link',
    },
  ])('what was written before a removal that was cut off is not lost: $what', async ({ write, name }) => {
    const { source, target } = ends(true);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    write(besideOf(source));
    const before = treeOf(besideOf(source));
    expect(await finishMove(source, target)).toEqual({
      kind: 'refused',
      text: `${name} changed while it was moved`,
    });
    expect(treeOf(source)).toEqual(before);
  });

  test('a link to a directory goes, and what it leads to stays', async () => {
    const { source, target } = ends(true);
    const elsewhere = directory();
    writeFileSync(join(elsewhere, 'theirs'), 'x');
    symlinkSync(elsewhere, join(source, 'output', 'elsewhere'));
    expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
    expect(readlinkSync(join(target, 'output', 'elsewhere'))).toBe(elsewhere);
    expect(readFileSync(join(elsewhere, 'theirs'), 'utf8')).toBe('x');
  });

  test.each([
    { what: 'a file', name: 'run.sh', mode: 0o6755, arrives: 0o755 },
    { what: 'a file that is not for all', name: 'run.sh', mode: 0o4750, arrives: 0o750 },
    { what: 'a directory', name: 'output', mode: 0o7775, arrives: 0o1775 },
    { what: 'the folder', name: '.', mode: 0o2750, arrives: 0o750 },
  ])(
    'nothing in a copy takes the rights of another when it is run: $what',
    async ({ name, mode, arrives }) => {
      const { source, target } = ends(true);
      chmodSync(join(source, name), mode);
      expect(statSync(join(source, name)).mode & 0o7777).toBe(mode);
      expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
      expect(statSync(join(target, name)).mode & 0o7777).toBe(arrives);
    },
  );

  test('a large file moves all the while', async () => {
    const { source, target } = ends(true);
    writeFileSync(join(source, 'large'), Buffer.alloc(10 * readChunkBytes));
    let beats = 0;
    await moveFolder(source, target, () => {
      beats += 1;
    });
    expect(beats).toBeGreaterThan(10);
  });

  test('a file with holes takes no more in its copy, and what lies between them and behind them arrives', async () => {
    const { source, target } = ends(true);
    const file = join(source, 'sparse');
    const written = { [0]: 'first', [5_000_000]: 'between', [100 * 2 ** 20]: 'z'.repeat(300_000) };
    const fd = openSync(file, 'w');
    for (const [at, text] of Object.entries(written)) writeSync(fd, text, Number(at));
    ftruncateSync(fd, 200 * 2 ** 20 + 1);
    closeSync(fd);
    const before = hash('sha256', readFileSync(file));
    const { blocks, size } = statSync(file);
    // Else it has no holes on this disk either.
    expect(blocks * 512).toBeLessThan(2 ** 20);
    expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
    const copy = statSync(join(target, 'sparse'));
    expect(copy.size).toBe(size);
    expect(copy.blocks * 512).toBeLessThan(2 ** 20);
    expect(hash('sha256', readFileSync(join(target, 'sparse')))).toBe(before);
  });

  test.skipIf(isUnmountable)(
    'what there is no room for is not copied; what only looks so large is',
    async () => {
      const source = folderIn(directory());
      const small = directory();
      const unmount = mountSmall(small, 2);
      try {
        const target = join(small, 'monday');
        truncateSync(join(source, 'input.json'), 2 ** 30);
        writeFileSync(join(source, 'large'), Buffer.alloc(3 * 2 ** 20, 'x'));
        const before = Object.keys(treeOfNames(source));
        let isCopied = false;
        const moved = await moveFolder(source, target, () => (isCopied ||= existsSync(besideOf(target))));
        expect(moved).toEqual({
          kind: 'full',
          text: expect.stringMatching(/^it takes 3\.\d+ MB, and 2\.1 MB are left there$/) as string,
        });
        expect(isCopied).toBe(false);
        expect(Object.keys(treeOfNames(source))).toEqual(before);
        expect(readdirSync(small)).toEqual([]);
        rmSync(join(source, 'large'));
        expect(await moveFolder(source, target, still)).toEqual({ kind: 'moved' });
        expect(statSync(join(target, 'input.json')).size).toBe(2 ** 30);
      } finally {
        unmount();
      }
    },
  );

  test('a folder of more levels than can be held open stays where it is', async () => {
    const { source, target } = ends(true);
    mkdirSync(join(source, ...Array<string>(150).fill('d')), { recursive: true });
    expect(await moveFolder(source, target, still)).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining('100 levels') as string,
    });
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  test.each([
    {
      what: 'a pipe',
      make: (folder: string) => execFileSync('mkfifo', [join(folder, 'pipe')]),
      says: 'a pipe',
    },
    {
      what: 'a name that is not UTF-8',
      make: (folder: string) => writeFileSync(Buffer.from(`${folder}/b\xe9ton.txt`, 'latin1'), 'x'),
      says: 'a name in it is not UTF-8',
    },
    {
      what: 'a directory that has such a name',
      make: (folder: string) => mkdirSync(Buffer.from(`${folder}/output/b\xe9ton`, 'latin1')),
      says: 'a name in it is not UTF-8',
    },
  ])('$what cannot be copied: the folder stays, and nothing of it is copied', async ({ make, says }) => {
    const { source, target } = ends(true);
    make(source);
    const before = Object.keys(treeOfNames(source));
    let isCopied = false;
    const moved = await moveFolder(source, target, () => {
      isCopied ||= existsSync(besideOf(target));
    });
    expect(moved).toMatchObject({ kind: 'refused', text: expect.stringContaining(says) as string });
    expect(isCopied).toBe(false);
    expect(Object.keys(treeOfNames(source))).toEqual(before);
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  test('a file that came after the copy, by a name that is not UTF-8, is not lost', async () => {
    const { source, target } = ends(true);
    cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(source, besideOf(source));
    writeFileSync(Buffer.from(`${besideOf(source)}/b\xe9ton.txt`, 'latin1'), 'late');
    expect(await finishMove(source, target)).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining('changed') as string,
    });
    expect(readFileSync(Buffer.from(`${source}/b\xe9ton.txt`, 'latin1'), 'utf8')).toBe('late');
  });
});

describe.skipIf(other === null || isAlone)(
  'between file systems, as a user to whom something is closed',
  () => {
    test.each([
      {
        what: 'a file that it may not read',
        close: (source: string) => chmodSync(join(source, 'output', 'empty'), 0o000),
        code: 'EACCES',
      },
      {
        what: 'a directory that it may take nothing out of',
        close: (source: string) => chmodSync(join(source, 'output', 'deep'), 0o555),
        code: 'EACCES',
      },
      {
        what: 'a folder in a directory that it may take nothing out of',
        close: (source: string) => chmodSync(dirname(source), 0o555),
        code: 'EACCES',
      },
    ])('$what is found before anything is copied', ({ close, code }) => {
      const { source, target } = openEnds();
      close(source);
      expect(movedAsAnother(source, target)).toEqual({ code, isCopied: false });
      expect(existsSync(join(source, 'input.json'))).toBe(true);
      expect(readdirSync(dirname(target))).toEqual([]);
    });

    test.skipIf(otherUser === null)('no copy stays of a folder that only its owner may take away', () => {
      const { source, target } = openEnds();
      chmodSync(dirname(source), 0o1777);
      expect(movedAsAnother(source, target)).toEqual({ code: 'EPERM', isCopied: true });
      expect(existsSync(join(source, 'input.json'))).toBe(true);
      expect(readdirSync(dirname(target))).toEqual([]);
    });
  },
);

/** On two file systems, and everything open to everybody. */
function openEnds(): ReturnType<typeof ends> {
  const { source, target } = ends(true);
  execFileSync('chmod', ['-R', 'a+rwX', dirname(source), dirname(target)]);
  return { source, target };
}

/** Moves as the other user, in a process of its own. */
function movedAsAnother(source: string, target: string): { code: string | null; isCopied: boolean } {
  const script = `
    import { existsSync } from 'node:fs';
    const { moveFolder } = await import(process.argv[1]);
    const [, , source, target, copy] = process.argv;
    let isCopied = false;
    const code = await moveFolder(source, target, () => (isCopied ||= existsSync(copy)))
      .then(() => null, (error) => error.code);
    console.log(JSON.stringify({ code, isCopied }));`;
  const built = pathToFileURL(join(dirname(programFile), 'archiving', 'moveFolder.js')).href;
  const args = ['--input-type=module', '--eval', script, built, source, target, besideOf(target)];
  const as = otherUser === null ? {} : { uid: otherUser, gid: otherUser };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: '/', encoding: 'utf8', ...as })) as {
    code: string | null;
    isCopied: boolean;
  };
}

function treeOfNames(top: string): Record<string, true> {
  return Object.fromEntries((readdirSync(top, { recursive: true }) as string[]).map((name) => [name, true]));
}
