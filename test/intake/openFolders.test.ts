/** Folders that are not finished with: each is looked at again when it can have become complete, whatever else goes on. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { problemFileName } from '../../src/core/ownFiles.ts';
import { FolderLooks } from '../../src/intake/folderLooks.ts';
import type { RootIntake } from '../../src/intake/rootIntake.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import type { Run } from '../../src/outbox/nouns.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

/** More than are looked at one by one at a scan. */
const many = 100;
/** Longer than any of these takes, and far shorter than the deadline. */
const patienceMs = 30_000;

function dropMany(root: Root): string[] {
  return Array.from({ length: many }, (_, n) => root.drop(`run-${String(n)}`));
}

/** Whatever was agreed on before has been looked at by then. */
async function severalScans(intake: RootIntake): Promise<void> {
  for (let scan = 0; scan < 5; scan += 1) {
    const before = intake.lastScanMs();
    await until('a scan', () => intake.lastScanMs() !== before);
  }
}

test('folders that have become quiet while an answer about them was awaited are looked at again', async ({
  root,
}) => {
  const quietMs = 50;
  const folders = dropMany(root);
  const unasked = new Set<number>();
  const slow = {
    ...root.outbox,
    run: async (run: number): Promise<Run | null> => {
      const askedMs = performance.now();
      if (unasked.delete(run))
        await until('the quiet time to pass', () => performance.now() - askedMs > quietMs);
      return await root.outbox.run(run);
    },
  };
  root.start({ settle: { quietMs, deadlineMs: 3_600_000 } }, false, { outbox: slow });
  await until('all to be runs', async () => (await root.count('queued')) === many, patienceMs);
  for (let run = 1; run <= many; run += 1) unasked.add(run);
  for (const folder of folders) writeFiles(folder, plan(`${folder} again`));
  await until('all to be seen', () => unasked.size === 0, patienceMs);
  await until(
    'all to be new runs',
    async () => (await root.outbox.counts()).states.superseded === many,
    patienceMs,
  );
  expect((await root.outbox.counts()).states).toEqual({ queued: many, superseded: many });
});

test('of more folders than are looked at one by one each is a run once its marker comes, also without events', async ({
  root,
}) => {
  const folders = dropMany(root);
  const { intake } = root.start({ marker: 'DONE' });
  await until('all to be waiting for it', async () => (await root.count('settling')) === many, patienceMs);
  const waiting = await root.outbox.openFolders('settling', 'runs', null, many);
  expect(new Set(waiting.map(({ reason }) => reason.text))).toEqual(new Set(['waiting for the marker DONE']));
  await severalScans(intake);
  for (const folder of folders) writeFileSync(join(folder, 'DONE'), '');
  await until('all to be runs', async () => (await root.count('queued')) === many, patienceMs);
});

test('so is each of those that are overdue by then', async ({ root }) => {
  const folders = dropMany(root);
  const settle = { quietMs: 30, deadlineMs: 300 };
  const { intake } = root.start({ marker: 'DONE', settle });
  await until('all to be overdue', async () => (await root.count('overdue')) === many, patienceMs);
  await severalScans(intake);
  for (const folder of folders) writeFileSync(join(folder, 'DONE'), '');
  await until('all to be runs', async () => (await root.count('queued')) === many, patienceMs);
});

/** Its first reading of a folder finds that it is away. Before and after, it is there as it was. */
class AwayOnce extends RunFolders {
  /** Whether the folder is away for the look that follows the reading, and not for the reading itself. */
  readonly #isLate: boolean;
  #reads = 0;

  constructor(isLate: boolean, ...args: ConstructorParameters<typeof RunFolders>) {
    super(...args);
    this.#isLate = isLate;
  }

  get reads(): number {
    return this.#reads;
  }

  override async read(...args: Parameters<RunFolders['read']>): ReturnType<RunFolders['read']> {
    this.#reads += 1;
    if (this.#reads > 1) return await super.read(...args);
    const [, path] = args;
    if (this.#isLate) return { ...(await super.read(...args)), after: null };
    renameSync(path, `${path}.tmp`);
    try {
      return await super.read(...args);
    } finally {
      renameSync(`${path}.tmp`, path);
    }
  }
}

test.for<{ name: string; isLate: boolean; others: number }>([
  { name: 'is away while it is read', isLate: false, others: 0 },
  { name: 'is away right after it was read', isLate: true, others: 0 },
  { name: 'is away while it is read, one of many that are open', isLate: false, others: many },
  { name: 'is away right after it was read, one of many that are open', isLate: true, others: many },
])('a folder that $name, and is back as it was, is read again', async ({ isLate, others }, { root }) => {
  for (let n = 0; n < others; n += 1) root.drop(`open-${String(n)}`, { 'input.json': {} });
  root.drop('plan');
  const folders = new AwayOnce(isLate, root.parts().log);
  root.start({}, false, { folders });
  try {
    await until('it to be a run', async () => (await root.count('queued')) === 1, patienceMs);
    expect(folders.reads).toBe(2);
  } finally {
    await folders.close();
  }
});

/** As on a disk with bad blocks: looks at some folders fail. */
class Failing extends RunFolders {
  readonly bad = new Set<string>();
  failures = 0;

  override async look(...args: Parameters<RunFolders['look']>): ReturnType<RunFolders['look']> {
    const [, path] = args;
    if (!this.bad.has(path)) return await super.look(...args);
    this.failures += 1;
    throw Object.assign(new Error('bad block'), { code: 'EIO' });
  }
}

test('folders that cannot be looked at are shown, said once and when it is over, and tried at every scan', async ({
  root,
}) => {
  const folders = new Failing(root.parts().log);
  const paths = ['one', 'two', 'three'].map((name) => root.drop(name));
  for (const path of paths.slice(0, 2)) folders.bad.add(path);
  const { intake } = root.start({}, false, { folders });
  try {
    await until('the other one to be a run', async () => (await root.count('queued')) === 1);
    await until('some more tries', () => folders.failures >= 8);
    expect(intake.trouble()).toMatch(
      /^2 folder\(s\) cannot be looked at, such as (one|two) \(EIO\): look at the disk/,
    );
    const errors = root.said.filter(({ level }) => level === 'error');
    expect(errors).toEqual([
      { level: 'error', text: expect.stringMatching(/ cannot be looked at \(EIO\)/) as string },
    ]);
    folders.bad.clear();
    await until('all to be runs', async () => (await root.count('queued')) === paths.length);
    expect(intake.trouble()).toBeNull();
    expect(root.said.filter(({ text }) => text.includes('can be looked at again'))).toHaveLength(1);
  } finally {
    await folders.close();
  }
});

test('a folder that is read for as long as it takes holds up no scan: what comes meanwhile is a run, also without events', async ({
  root,
}) => {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  class SlowToRead extends RunFolders {
    override async read(...[from, path, ...rest]: Parameters<RunFolders['read']>) {
      if (path.endsWith('/large')) await held;
      return await super.read(from, path, ...rest);
    }
  }
  const folders = new SlowToRead(quietLog());
  const { intake } = root.start({}, false, { folders });
  await severalScans(intake);
  root.drop('large');
  await until('the large one to be seen', async () => (await root.count('settling')) === 1);
  await severalScans(intake);
  root.drop('small');
  try {
    await until('the small one to be a run', async () => (await root.count('queued')) === 1, patienceMs);
  } finally {
    letGo();
  }
  await until('both to be runs', async () => (await root.count('queued')) === 2, patienceMs);
  await folders.close();
});

test('folders that never become quiet hold up the others for a quiet time, and no longer', async ({
  root,
}) => {
  const quietMs = 3_600_000;
  let nowMs = 0;
  let asked = 0;
  const monotonicMs = (): number => {
    asked += 1;
    return nowMs;
  };
  const looks = new FolderLooks(
    {
      rules: rulesOf(root.dropRoot({ settle: { quietMs, deadlineMs: 2 * quietMs } })),
      intake: root.parts({ clock: { ...machineClock, monotonicMs } }),
      directory: {
        hasLost: async () => Promise.resolve(false),
        isAsSeen: async () => Promise.resolve(true),
        isMisnamed: () => false,
      },
      hints: null,
      start: () => null,
      isListed: () => true,
      onLooked: () => undefined,
      onBug: (error) => expect(error).toBeUndefined(),
    },
    2,
  );
  const waits = async (): Promise<{ isOver: boolean }> => {
    const wait = { isOver: false };
    void looks.roomForMore().then(() => (wait.isOver = true));
    const before = asked;
    await until('it to be over, or to go on', () => wait.isOver || asked > before + 3);
    return wait;
  };
  for (const name of ['one', 'two']) {
    root.drop(name);
    await looks.look(name, 'scan');
  }
  expect(await waits()).toEqual({ isOver: true });
  root.drop('three');
  await looks.look('three', 'scan');
  for (let page = 0; page < 2; page += 1) {
    const wait = await waits();
    expect(wait).toEqual({ isOver: false });
    nowMs += quietMs;
    // As when a log grows in each of them.
    for (const name of ['one', 'two', 'three']) {
      writeFileSync(join(root.path, name, 'run.log'), String(page));
      await looks.look(name, 'event');
    }
    nowMs += quietMs / 2;
    await until('it to be over', () => wait.isOver);
  }
  expect(looks.openPaths()).toEqual(['one', 'two', 'three']);
  await looks.stop();
});

test('what was left open and is ignored by now is waited for no longer, and nothing of it stays', async ({
  root,
}) => {
  const settle = { quietMs: 30, deadlineMs: 300 };
  const waiting = root.drop('scratch-1');
  root.drop('run');
  const before = root.start({ marker: 'DONE', settle });
  await until('both to be overdue', async () => (await root.count('overdue')) === 2, patienceMs);
  await until('to be told of it', () => existsSync(join(waiting, problemFileName)));
  await before.stop();
  root.start({ marker: 'DONE', settle, ignore: ['scratch-*'] });
  await until('one to be let go', async () => (await root.count('overdue')) === 1, patienceMs);
  expect(await root.outbox.folders('runs', ['scratch-1'])).toEqual([]);
  expect((await root.outbox.folders('runs', ['run'])).map(({ path }) => path)).toEqual(['run']);
  expect(existsSync(join(waiting, problemFileName))).toBe(false);
});
