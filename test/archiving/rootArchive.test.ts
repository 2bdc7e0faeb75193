/** What goes to the archive is the folder in the drop root, and nothing that a link in its place leads to. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { RootArchive } from '../../src/archiving/rootArchive.ts';
import { rootForOutside, rulesOf } from '../../src/intake/rules.ts';
import type { ArchiveCandidate } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { sightFolder } from '../../src/reading/sightFolder.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';
import { dropFolder, plan } from '../journey/folders.ts';
import {
  isUnmountable,
  isUnshareable,
  mountAgain,
  mountShared,
  mountSmall,
  remount,
} from '../journey/mounts.ts';

const outside = rootForOutside('hare-app');
const dropRoot = { ...outside, files: { ...outside.files, output: ['output*'] } };
const { sight } = rulesOf(dropRoot);

interface Places {
  readonly dir: string;
  readonly root: string;
  readonly archive: string;
}

function places(): Places {
  const dir = mkdtempSync(join(tmpdir(), 'rt-archive-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [root, archive] = [join(dir, 'runs'), join(dir, 'done')];
  mkdirSync(root);
  mkdirSync(archive);
  return { dir, root, archive };
}

/** Folders that may be archived, in the order of their paths, as the outbox has them. */
async function archiving(
  { root, archive }: Places,
  paths: readonly string[],
  begun?: string,
  today = sight,
  other: Partial<Outbox> = {},
  onProgress = (): void => undefined,
  { graceMs = 0, clock = { ...machineClock, nowMs: () => machineClock.nowMs() + 60_000 } } = {},
): Promise<{
  readonly pass: () => Promise<number>;
  readonly archiver: RootArchive;
  readonly warned: string[];
  readonly outbox: Outbox;
  /** What the outbox keeps of archives. */
  readonly marks: Map<string, string>;
}> {
  const candidates: ArchiveCandidate[] = [];
  const warned: string[] = [];
  for (const [at, path] of paths.entries()) {
    const seen = await sightFolder(join(root, path), sight);
    if (seen === null) throw new Error('it is not there');
    candidates.push({ run: at + 1, path, signature: seen.signature, directory: seen.directory });
  }
  const folders = new RunFolders(quietLog());
  onTestFinished(() => folders.close());
  const rules = { name: 'runs', path: root, archive, graceMs, sight: today };
  const rootMark = await folders.mark(root);
  const marks = new Map<string, string>();
  const outbox = {
    rootPlace: (key: string) => ({
      mark: key === rules.name ? rootMark : (marks.get(key) ?? null),
      realPath: null,
    }),
    saveRootMark: (key: string, mark: string) => void marks.set(key, mark),
    begunArchivings: () => (begun === undefined ? [] : [{ run: 1, path: paths[0], target: begun }]),
    archiveCandidates: (_: string, after: string, __: number, limit: number): ArchiveCandidate[] =>
      candidates.filter(({ path }) => path > after).slice(0, limit),
    run: () => ({ content: { mapping: sight.names } }),
    runsAtPath: () => [],
    beginArchiving: () => undefined,
    forgetArchiving: () => undefined,
    archived: () => undefined,
    addWarnings: (_: number, texts: readonly string[]) => void warned.push(...texts),
    ...other,
  } as unknown as Outbox;
  const archiver = new RootArchive(rules, { outbox, folders, clock, log: quietLog() }, onProgress);
  return { pass: () => archiver.pass(new AbortController().signal), archiver, warned, outbox, marks };
}

test('a folder in a date folder goes to the same place in the archive', async () => {
  const all = places();
  dropFolder(all.root, 'day/run', plan('a'));
  const { pass } = await archiving(all, ['day/run']);
  expect(await pass()).toBe(1);
  expect(readdirSync(join(all.archive, 'day', 'run')).sort()).toEqual(Object.keys(plan('a')).sort());
  expect(readdirSync(join(all.root, 'day'))).toEqual([]);
});

test('a folder that was taken out of the root is not moved, though a link leads to it', async () => {
  const all = places();
  dropFolder(all.root, 'day/run', plan('a'));
  const { pass } = await archiving(all, ['day/run']);
  renameSync(join(all.root, 'day'), join(all.dir, 'elsewhere'));
  symlinkSync(join(all.dir, 'elsewhere'), join(all.root, 'day'));
  expect(await pass()).toBe(0);
  expect(existsSync(join(all.dir, 'elsewhere', 'run', 'input.json'))).toBe(true);
  expect(readdirSync(all.archive)).toEqual([]);
});

test('what a move has left behind is not removed through a link either', async () => {
  const all = places();
  const target = join(all.archive, 'day', 'run');
  dropFolder(all.root, 'day/run', plan('a'));
  dropFolder(all.archive, 'day/run', plan('a'));
  const { pass } = await archiving(all, ['day/run'], target);
  renameSync(join(all.root, 'day', 'run'), join(all.root, 'day', '.run.runtrackd-tmp'));
  renameSync(join(all.root, 'day'), join(all.dir, 'elsewhere'));
  symlinkSync(join(all.dir, 'elsewhere'), join(all.root, 'day'));
  await pass();
  expect(readdirSync(join(all.dir, 'elsewhere'))).toEqual(['.run.runtrackd-tmp']);
  expect(existsSync(target)).toBe(true);
});

/** Folders that no pass can move: in the archive there is a file where the folder that they lie in would have to be. */
function stuck(all: Places, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const day = `day-${String(at).padStart(3, '0')}`;
    writeFileSync(join(all.archive, day), 'theirs');
    dropFolder(all.root, `${day}/run`, plan(day));
    return `${day}/run`;
  });
}

test.each([10, 25, 120])(
  '%i folders that cannot be moved keep none behind them from the archive for ever, and are tried again',
  async (count) => {
    const all = places();
    const paths = stuck(all, count);
    dropFolder(all.root, 'later/run', plan('later'));
    const { pass, archiver } = await archiving(all, [...paths, 'later/run']);
    let moved = 0;
    // Each pass comes ten folders further.
    for (let passes = 0; passes <= Math.floor(count / 10) && moved === 0; passes += 1) moved += await pass();
    expect(moved).toBe(1);
    expect(existsSync(join(all.archive, 'later', 'run', 'input.json'))).toBe(true);
    // What cannot be moved stays in sight though no folder failed since.
    expect(archiver.trouble()).toContain('cannot be moved');

    for (const path of paths) rmSync(join(all.archive, path.slice(0, path.indexOf('/'))));
    while (archiver.trouble() !== null) moved += await pass();
    expect(moved).toBe(count + 1);
  },
);

test('a move that was begun and cannot be finished is not begun anew, to another place', async () => {
  const all = places();
  dropFolder(all.root, 'day/run', plan('a'));
  writeFileSync(join(all.archive, 'closed'), 'a file');
  const { pass, archiver } = await archiving(all, ['day/run'], join(all.archive, 'closed', 'run'));
  expect(await pass()).toBe(0);
  expect(existsSync(join(all.root, 'day', 'run'))).toBe(true);
  expect(readdirSync(all.archive)).toEqual(['closed']);
  expect(archiver.trouble()).toContain('day/run');
});

test.each([
  { what: 'a name of 255 bytes', name: 'n'.repeat(255), cut: `${'n'.repeat(249)}.run-1` },
  {
    what: 'characters of several bytes, none of which is cut in two',
    name: 'ü'.repeat(127),
    cut: `${'ü'.repeat(124)}.run-1`,
  },
])(
  'a name that the archive has already gets the run’s number, also where there is no room for it: $what',
  async ({ name, cut }) => {
    const all = places();
    mkdirSync(join(all.archive, name));
    dropFolder(all.root, name, plan('a'));
    const { pass } = await archiving(all, [name]);
    expect(await pass()).toBe(1);
    expect(readdirSync(all.archive).sort()).toEqual([name, cut].sort());
    expect(readdirSync(join(all.archive, name))).toEqual([]);
    expect(existsSync(join(all.archive, cut, 'input.json'))).toBe(true);
  },
);

test.skipIf(isUnmountable)(
  'an archive that is full is in trouble, and no folder is to blame; when there is room it is tried again',
  async () => {
    const all = places();
    onTestFinished(mountSmall(all.archive, 2));
    writeFileSync(join(all.archive, 'theirs'), Buffer.alloc(2 ** 20));
    dropFolder(all.root, 'large', { ...plan('a'), 'run.log': 'x'.repeat(3 * 2 ** 19) });
    dropFolder(all.root, 'small', plan('b'));
    const { pass, archiver, warned } = await archiving(all, ['large', 'small']);
    // What there is room for goes.
    expect(await pass()).toBe(1);
    expect(archiver.trouble()).toMatch(
      new RegExp(
        `^the archive ${all.archive} has no room for large: it takes 1\\.\\d+ MB, and 1\\.\\d+ MB are left there`,
      ),
    );
    expect(warned).toEqual([]);
    expect(readdirSync(all.root)).toEqual(['large']);
    rmSync(join(all.archive, 'theirs'));
    expect(await pass()).toBe(1);
    expect(archiver.trouble()).toBeNull();
    expect(readdirSync(all.archive).sort()).toEqual(['large', 'small']);
  },
);

test.skipIf(isUnmountable).each([
  { path: 'run', inodes: 1, what: 'the folder' },
  { path: 'day/run', inodes: 1, what: 'the date folder' },
  { path: 'day/run', inodes: 2, what: 'the folder in its date folder' },
])('nor is one to blame where there is no room left for the name of $what', async ({ path, inodes }) => {
  const all = places();
  onTestFinished(mountSmall(all.archive, 1, inodes));
  dropFolder(all.root, path, plan('a'));
  const begun = new Map<number, string>();
  const { pass, archiver, warned } = await archiving(all, [path], undefined, sight, {
    beginArchiving: (run, target) => Promise.resolve(void begun.set(run, target)),
    forgetArchiving: (run) => Promise.resolve(void begun.delete(run)),
  });
  expect(await pass()).toBe(0);
  expect(archiver.trouble()).toBe(
    `the archive ${all.archive} has no room for ${path}: nothing more can be written there (ENOSPC). ` +
      'Make room; it is tried again',
  );
  expect(warned).toEqual([]);
  expect(begun.size).toBe(0);
  remount(all.archive, 'nr_inodes=1000');
  expect(await pass()).toBe(1);
  expect(archiver.trouble()).toBeNull();
  expect(existsSync(join(all.archive, path, 'input.json'))).toBe(true);
});

test('an archive that is not mounted is not filled on the disk below it, until a person says so', async () => {
  const all = places();
  for (const name of ['one', 'two']) dropFolder(all.root, name, plan(name));
  const { pass, archiver } = await archiving(all, ['one', 'two']);
  renameSync(join(all.root, 'two'), join(all.dir, 'two'));
  expect(await pass()).toBe(1);
  renameSync(join(all.dir, 'two'), join(all.root, 'two'));
  const away = join(all.dir, 'away');
  renameSync(all.archive, away);
  mkdirSync(all.archive);
  for (let times = 0; times < 2; times += 1) expect(await pass()).toBe(0);
  expect(archiver.trouble()).toBe(
    `the archive ${all.archive} is another directory than before, and nothing of what was last in it is there: ` +
      'is it mounted? If it is meant so, say `runtrackd scan runs`',
  );
  expect(readdirSync(all.archive)).toEqual([]);

  // What was last in it is there again, in a copy, say.
  dropFolder(all.archive, 'one', plan('one'));
  expect(await pass()).toBe(1);
  expect(archiver.trouble()).toBeNull();
  expect(readdirSync(all.archive).sort()).toEqual(['one', 'two']);

  // A scan that somebody asked for before says nothing of what comes later.
  archiver.believe();
  // What is removed may give its number to the next one.
  renameSync(all.archive, join(all.dir, 'away too'));
  mkdirSync(all.archive);
  await pass();
  expect(archiver.trouble()).not.toBeNull();
  archiver.believe();
  await pass();
  expect(archiver.trouble()).toBeNull();
});

test.skipIf(isUnmountable).each([
  { what: 'a disk, and was empty when it was last there', inner: '', below: null },
  { what: 'a directory on a disk, and was empty when it was last there', inner: 'inner', below: null },
  { what: 'a disk, and the same was filled below it before', inner: '', below: 'old' },
])('nor is one that is $what', async ({ inner, below }) => {
  const all = places();
  const archive = join(all.archive, inner);
  mkdirSync(join(archive, below ?? ''), { recursive: true });
  dropFolder(all.root, 'one', plan('one'));
  const { pass, archiver } = await archiving({ ...all, archive }, ['one']);
  renameSync(join(all.root, 'one'), join(all.dir, 'one'));
  const unmount = mountSmall(all.archive, 1);
  onTestFinished(unmount);
  mkdirSync(join(archive, below ?? ''), { recursive: true });
  expect(await pass()).toBe(0);
  expect(archiver.trouble()).toBeNull();

  unmount();
  renameSync(join(all.dir, 'one'), join(all.root, 'one'));
  expect(await pass()).toBe(0);
  expect(archiver.trouble()).toBe(
    `the archive ${archive} is not on the file system any more that was mounted at ${all.archive}: ` +
      'is it mounted? If it is meant so, say `runtrackd scan runs`',
  );
  expect(readdirSync(archive)).toEqual(below === null ? [] : [below]);
  archiver.believe();
  expect(await pass()).toBe(1);
  expect(archiver.trouble()).toBeNull();
});

test.skipIf(isUnshareable)(
  'a share that is mounted again is the same archive, also when all that was in it was taken away',
  async () => {
    const all = places();
    const there = join(all.dir, 'there');
    mkdirSync(there);
    onTestFinished(mountShared(there, all.archive));
    for (const name of ['one', 'two']) dropFolder(all.root, name, plan(name));
    const { pass, archiver } = await archiving(all, ['one', 'two']);
    renameSync(join(all.root, 'two'), join(all.dir, 'two'));
    expect(await pass()).toBe(1);
    renameSync(join(there, 'one'), join(all.dir, 'one'));
    const { dev, ino } = statSync(all.archive);
    // Over the first one, so that it gets another number.
    onTestFinished(mountShared(there, all.archive));
    expect(statSync(all.archive).dev).not.toBe(dev);
    expect(statSync(all.archive).ino).toBe(ino);
    renameSync(join(all.dir, 'two'), join(all.root, 'two'));
    expect(await pass()).toBe(1);
    expect(archiver.trouble()).toBeNull();
    expect(readdirSync(there)).toEqual(['two']);
  },
);

describe('an archive that is away in the middle of a pass', () => {
  test('is not made, nor is anything of the rest moved to the directory below it', async () => {
    const all = places();
    const paths = ['day/one', 'day/two', 'next/three'];
    for (const path of paths) dropFolder(all.root, path, plan(path));
    const away = join(all.dir, 'away');
    let isMounted = true;
    const { pass, archiver, warned } = await archiving(all, paths, undefined, sight, {
      archived: () => {
        if (isMounted) renameSync(all.archive, away);
        isMounted = false;
        return Promise.resolve();
      },
    });
    expect(await pass()).toBe(1);
    expect(existsSync(all.archive)).toBe(false);
    mkdirSync(all.archive);
    expect(await pass()).toBe(0);
    expect(archiver.trouble()).toContain('is it mounted?');
    expect(readdirSync(all.archive)).toEqual([]);

    rmdirSync(all.archive);
    renameSync(away, all.archive);
    expect(await pass()).toBe(2);
    expect(archiver.trouble()).toBeNull();
    expect(warned).toEqual([]);
    expect(readdirSync(join(all.archive, 'day')).sort()).toEqual(['one', 'two']);
  });

  test('is not made either when it went a moment before a folder did, and no folder is to blame', async () => {
    const all = places();
    dropFolder(all.root, 'one', plan('one'));
    const away = join(all.dir, 'away');
    let isThere = true;
    const { pass, archiver, warned } = await archiving(all, ['one'], undefined, sight, {
      beginArchiving: () => {
        if (isThere) renameSync(all.archive, away);
        isThere = false;
        return Promise.resolve();
      },
    });
    expect(await pass()).toBe(0);
    expect(existsSync(all.archive)).toBe(false);
    expect(archiver.trouble()).toBeNull();
    renameSync(away, all.archive);
    expect(await pass()).toBe(1);
    expect(warned).toEqual([]);
  });

  test('has what was moved to it before all the same: that move stays begun', async () => {
    const all = places();
    const target = join(all.archive, 'one');
    dropFolder(all.root, 'one', plan('one'));
    dropFolder(all.archive, 'one', plan('one'));
    const away = join(all.dir, 'away');
    const forgotten: number[] = [];
    let isThere = true;
    const { pass } = await archiving(all, ['one'], undefined, sight, {
      begunArchivings: () => {
        if (isThere) renameSync(all.archive, away);
        isThere = false;
        return Promise.resolve([{ run: 1, path: 'one', target }]);
      },
      forgetArchiving: (run) => Promise.resolve(void forgotten.push(run)),
    });
    renameSync(join(all.root, 'one'), join(all.root, '.one.runtrackd-tmp'));
    expect(await pass()).toBe(0);
    expect(forgotten).toEqual([]);
    expect(readdirSync(all.root)).toEqual(['.one.runtrackd-tmp']);
    renameSync(away, all.archive);
    await pass();
    expect(readdirSync(all.root)).toEqual([]);
  });

  test.skipIf(isUnmountable)('blames no folder that was being copied', async () => {
    const all = places();
    const unmount = mountSmall(all.archive, 8);
    onTestFinished(unmount);
    const again = join(all.dir, 'again');
    onTestFinished(mountAgain(all.archive, again));
    dropFolder(all.root, 'one', plan('one'));
    for (let n = 0; n < 50; n += 1) writeFileSync(join(all.root, 'one', String(n)), 'x');
    const copy = join(all.archive, '.one.runtrackd-tmp');
    let isThere = true;
    const { pass, archiver, warned } = await archiving(all, ['one'], undefined, sight, {}, () => {
      if (!isThere || !existsSync(copy) || readdirSync(copy).length < 5) return;
      unmount();
      isThere = false;
    });
    expect(await pass()).toBe(0);
    expect(isThere).toBe(false);
    expect(warned).toEqual([]);
    expect(readdirSync(all.archive)).toEqual([]);
    await pass();
    expect(archiver.trouble()).toContain('is it mounted?');
    onTestFinished(mountAgain(again, all.archive));
    expect(await pass()).toBe(1);
    expect(readdirSync(all.archive)).toEqual(['one']);
    expect(warned).toEqual([]);
  });
});

describe('a move that was begun and ended but for what was left of the folder in the drop root', () => {
  const aside = '.one.runtrackd-tmp';
  /** @param at where it was on its way to, in the place of everything */
  const leftOver = async (at: string) => {
    const all = places();
    dropFolder(all.root, 'one', plan('one'));
    const target = join(all.dir, at);
    const noted: string[] = [];
    const archiver = await archiving(all, ['one'], target, sight, {
      archived: () => Promise.resolve(void noted.push('archived')),
      forgetArchiving: () => Promise.resolve(void noted.push('forgotten')),
    });
    renameSync(join(all.root, 'one'), join(all.root, aside));
    const mounted = join(all.dir, 'mounted');
    return {
      ...{ ...all, ...archiver, target, noted },
      unmount: () => {
        renameSync(all.root, mounted);
        mkdirSync(all.root);
      },
      mount: () => {
        rmdirSync(all.root);
        renameSync(mounted, all.root);
      },
    };
  };

  test('is finished when the root is mounted, and not on the empty directory below it', async () => {
    const { root, target, noted, pass, unmount, mount } = await leftOver('done/one');
    dropFolder(dirname(target), 'one', plan('one'));
    unmount();
    await pass();
    expect(noted).toEqual([]);
    mount();
    await pass();
    expect(noted).toEqual(['archived']);
    expect(readdirSync(root)).toEqual([]);
  });

  test('nor when the root goes a moment after it was found to be there', async () => {
    const { target, noted, outbox, pass, unmount } = await leftOver('done/one');
    dropFolder(dirname(target), 'one', plan('one'));
    const { rootPlace } = outbox;
    let isThere = true;
    vi.spyOn(outbox, 'rootPlace').mockImplementation((name) => {
      if (isThere && name === 'runs') {
        unmount();
        isThere = false;
      }
      return rootPlace(name);
    });
    await pass();
    expect(isThere).toBe(false);
    expect(noted).toEqual([]);
  });

  test('into an archive of before, which is not mounted: stays noted, and is told until that is there', async () => {
    const { root, target, noted, warned, pass, archiver } = await leftOver('old/one');
    for (let times = 0; times < 2; times += 1) await pass();
    const told =
      `one is half archived: what is left of it lies beside its place as ${aside}, and its copy ${target} is not ` +
      'there. Is the archive mounted that it was on its way to?';
    expect(archiver.trouble()).toBe(told);
    expect(warned).toEqual([told]);
    expect(noted).toEqual([]);
    expect(readdirSync(root)).toEqual([aside]);
    dropFolder(dirname(target), 'one', plan('one'));
    await pass();
    expect(noted).toEqual(['archived']);
    expect(archiver.trouble()).toBeNull();
    expect(readdirSync(root)).toEqual([]);
  });
});

test.skipIf(isUnmountable)(
  'a copy that is cut off stays begun, blames no folder, and is the first thing that the next process goes on with',
  async () => {
    const all = places();
    onTestFinished(mountSmall(all.archive, 8));
    for (const name of ['one', 'two']) dropFolder(all.root, name, plan(name));
    const begun = new Map<number, string>();
    const outbox: Partial<Outbox> = {
      beginArchiving: (run, target) => Promise.resolve(void begun.set(run, target)),
      forgetArchiving: (run) => Promise.resolve(void begun.delete(run)),
      archived: (run) => Promise.resolve(void begun.delete(run)),
    };
    const copy = join(all.archive, '.one.runtrackd-tmp');
    const stop = new AbortController();
    const { archiver, warned } = await archiving(all, ['one', 'two'], undefined, sight, outbox, () => {
      if (!existsSync(copy) || readdirSync(copy).length === 0) return;
      stop.abort();
      archiver.cutOff();
    });
    expect(await archiver.pass(stop.signal)).toBe(0);
    expect([...begun.values()]).toEqual([join(all.archive, 'one')]);
    expect(readdirSync(all.archive)).toEqual(['.one.runtrackd-tmp']);
    expect(readdirSync(all.root)).toEqual(['one', 'two']);
    expect(archiver.trouble()).toBeNull();
    expect(warned).toEqual([]);

    const { pass } = await archiving(all, ['one', 'two'], begun.get(1), sight, outbox);
    expect(await pass()).toBe(2);
    expect(readdirSync(all.archive).sort()).toEqual(['one', 'two']);
    expect(begun.size).toBe(0);
  },
);

test('what was last in the archive is known in the middle of a long pass', async () => {
  const all = places();
  const paths = Array.from({ length: 101 }, (_, at) => `run-${String(at).padStart(3, '0')}`);
  for (const path of paths) dropFolder(all.root, path, plan(path));
  let moved = 0;
  const kept: string[][] = [];
  const { pass, marks } = await archiving(all, paths, undefined, sight, {
    archived: () => {
      moved += 1;
      // The first of the second page.
      if (moved === 101)
        kept.push(...[...marks.values()].map((text) => (JSON.parse(text) as { paths: string[] }).paths));
      return Promise.resolve();
    },
  });
  expect(await pass()).toBe(101);
  expect(kept).toEqual([paths.slice(80, 100).reverse()]);
});

test.each([
  { what: 'and was put right since', aheadMs: 86_400_000 },
  { what: 'as that of a file server is, by a little', aheadMs: 3_000 },
])(
  'what changed by a clock that was ahead, $what, rests for its grace time from its first look on',
  async ({ aheadMs }) => {
    const all = places();
    for (const name of ['one', 'two']) dropFolder(all.root, name, plan(name));
    const graceMs = 60_000;
    // By this clock the folders were changed in the future.
    const clock = { ...machineClock, aheadMs: -aheadMs, steadyMs: 0 };
    clock.nowMs = () => machineClock.nowMs() + clock.aheadMs;
    clock.monotonicMs = () => clock.steadyMs;
    const { pass } = await archiving(all, ['one', 'two'], undefined, sight, {}, undefined, {
      graceMs,
      clock,
    });
    expect(await pass()).toBe(0);
    clock.steadyMs += graceMs - 1;
    expect(await pass()).toBe(0);
    writeFileSync(join(all.root, 'two', 'more'), 'somebody is at work on it');
    clock.steadyMs += 1;
    expect(await pass()).toBe(1);
    expect(readdirSync(all.root)).toEqual(['two']);
    clock.steadyMs += graceMs - 1;
    expect(await pass()).toBe(0);
    clock.steadyMs += 1;
    expect(await pass()).toBe(1);
  },
);

test('an archive that can be entered and filled, and not listed, stops nothing', async () => {
  if (process.getuid?.() === 0) {
    process.seteuid?.(65_534);
    onTestFinished(() => process.seteuid?.(0));
  }
  const all = places();
  chmodSync(all.archive, 0o300);
  const { pass, archiver } = await archiving(all, []);
  expect(await pass()).toBe(0);
  expect(archiver.trouble()).toBeNull();
});

test('a pass that finds nothing to do asks the outbox two questions', async () => {
  const asked: string[] = [];
  const told =
    <T>(what: string, answer: T) =>
    () => {
      asked.push(what);
      return answer;
    };
  const { pass } = await archiving(places(), [], undefined, sight, {
    rootPlace: told('rootPlace', Promise.resolve({ mark: null, realPath: null })),
    begunArchivings: told('begunArchivings', Promise.resolve([])),
    archiveCandidates: told('archiveCandidates', Promise.resolve([])),
    saveRootMark: told('saveRootMark', Promise.resolve()),
  });
  await pass();
  asked.length = 0;
  await pass();
  expect(asked).toEqual(['begunArchivings', 'archiveCandidates']);
});

describe.each([
  { what: '`files`', change: { files: { ...dropRoot.files, log: 'solver.log' } } },
  { what: '`ignore`', change: { ignore: ['output.log'] } },
])('after a change of $what', ({ change }) => {
  const today = rulesOf({ ...dropRoot, ...change }).sight;
  const files = { ...plan('a'), 'run.log': 'as it was', 'solver.log': '', 'output.log': '' };

  test('a folder that was recorded before goes to the archive', async () => {
    const all = places();
    dropFolder(all.root, 'run', files);
    const { pass } = await archiving(all, ['run'], undefined, today);
    expect(await pass()).toBe(1);
    expect(readdirSync(join(all.archive, 'run')).sort()).toEqual(Object.keys(files).sort());
  });

  test('and one that is not what was recorded stays', async () => {
    const all = places();
    dropFolder(all.root, 'run', files);
    const { pass } = await archiving(all, ['run'], undefined, today);
    writeFileSync(join(all.root, 'run', 'run.log'), 'as it is now');
    expect(await pass()).toBe(0);
    expect(readdirSync(all.archive)).toEqual([]);
  });
});
