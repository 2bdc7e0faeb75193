/** Recorded folders that are rewritten, or vanish, without an event and without a trace in their root. */
import { mkdtempSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { smallRootMax } from '../../src/intake/audit.ts';
import { Auditor } from '../../src/intake/auditor.ts';
import { Listing } from '../../src/intake/listing.ts';
import { rulesOf, type DropRoot } from '../../src/intake/rules.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { sightFolderSync } from '../../src/reading/sightFolder.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { isUnsilent, mountSilent } from '../journey/mounts.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

const many = smallRootMax + 44;

async function recorded(root: Root, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) root.drop(`run-${String(n)}`);
  const { intake, stop } = root.start();
  await until('all to be runs', async () => (await root.count('queued')) === count, 60_000);
  expect(intake.trouble()).toBeNull();
  await stop();
}

test('a small root is gone through at every scan', async ({ root }) => {
  await recorded(root, 3);
  root.start();
  writeFiles(join(root.path, 'run-1'), plan('rewritten'));
  await until(
    'the rewritten one',
    async () => (await root.outbox.runsAtPath('runs', 'run-1', 5)).length === 2,
  );
  rmSync(join(root.path, 'run-2'), { recursive: true });
  await until('the vanished one', async () => (await root.count('gone')) === 1);
});

test('a large one in steps: each folder at least once in the time', async ({ root }) => {
  await recorded(root, many);
  const rewritten = ['run-0', `run-${String(many - 1)}`, 'run-99'];
  for (const name of rewritten) writeFiles(join(root.path, name), plan(`${name} again`));
  rmSync(join(root.path, 'run-5'), { recursive: true });
  root.start({ auditEveryMs: 1_000 });
  for (const name of rewritten)
    await until(
      `${name} to be new`,
      async () => (await root.outbox.runsAtPath('runs', name, 5)).length === 2,
    );
  await until('the vanished one', async () => (await root.count('gone')) === 1);
  const [left] = await root.outbox.folders('runs', ['run-5']);
  expect(left).toBeUndefined();
});

/** Which folders were looked at, and which were read. */
class CountedFolders extends RunFolders {
  readonly looked: string[] = [];
  readonly opened: string[] = [];

  override async look(...args: Parameters<RunFolders['look']>): ReturnType<RunFolders['look']> {
    this.looked.push(basename(args[1]));
    return await super.look(...args);
  }

  override async read(...args: Parameters<RunFolders['read']>): ReturnType<RunFolders['read']> {
    this.opened.push(basename(args[1]));
    return await super.read(...args);
  }
}

test('after a restart a new folder waits for none of those that are recorded: they are neither looked at nor read', async ({
  root,
}) => {
  await recorded(root, many);
  root.drop('fresh');
  const folders = new CountedFolders(root.parts().log);
  root.start({}, false, { folders });
  try {
    await until('the new one to be a run', async () => (await root.count('queued')) === many + 1);
    expect(new Set(folders.looked)).toEqual(new Set(['fresh']));
    expect(folders.opened).toEqual(['fresh']);
  } finally {
    await folders.close();
  }
});

test('folders that are remembered from an earlier round are looked at all the same', async ({ root }) => {
  await recorded(root, many);
  const rules = { auditEveryMs: 1_000 };
  const all = await root.outbox.recorded('runs', '', many);
  const youngestMs = Math.max(...all.map(([path]) => statSync(join(root.path, path)).ctimeMs));
  await until('the folders to be old enough', () => Date.now() - youngestMs > 3_000);
  expect(await root.auditor.differing(root.dropRoot(rules), all)).toEqual([]);
  root.start(rules);
  writeFiles(join(root.path, 'run-8'), plan('rewritten'));
  rmSync(join(root.path, 'run-200'), { recursive: true });
  await until(
    'the rewritten one',
    async () => (await root.outbox.runsAtPath('runs', 'run-8', 5)).length === 2,
  );
  await until('the vanished one', async () => (await root.count('gone')) === 1);
});

test('a scan that a person asks for goes through all of a large one', async ({ root }) => {
  await recorded(root, many);
  const intake = root.intake({ settle: { quietMs: 0, deadlineMs: 3_600_000 } });
  writeFiles(join(root.path, 'run-77'), plan('again'));
  const { enqueued } = await intake.scan(true);
  expect(enqueued).toMatchObject([{ kind: 'new' }]);
  await intake.stop();
});

test('a moved folder is the same run, also while its old place was not looked at yet', async ({ root }) => {
  await recorded(root, many);
  renameSync(join(root.path, 'run-3'), join(root.path, 'moved'));
  const { stop } = root.start();
  await until(
    'the move to be seen',
    async () => (await root.outbox.runsAtPath('runs', 'moved', 1)).length === 1,
  );
  await stop();
  root.start({ auditEveryMs: 1_000 });
  await until(
    'the old place to be forgotten',
    async () => (await root.outbox.folders('runs', ['run-3'])).length === 0,
  );
  expect(await root.count('gone')).toBe(0);
  expect(await root.count('queued')).toBe(many);
});

/** As a file system that uses inodes again, on which a directory is made, and filled, within one tick of its clock. */
class InodesAgain extends RunFolders {
  inode: string | null = null;

  override async look(...args: Parameters<RunFolders['look']>): ReturnType<RunFolders['look']> {
    const sight = await super.look(...args);
    if (sight === null || this.inode === null) return sight;
    return { ...sight, directory: { ...sight.directory, ino: this.inode }, isBirthKnown: false };
  }
}

test('a folder that gets the inode of a removed one with the same content is a run of its own, however quickly', async ({
  root,
}) => {
  const folders = new InodesAgain(root.parts().log);
  const first = root.drop('run-1', plan('again'));
  root.start({}, false, { folders });
  try {
    await until('the first to be a run', async () => (await root.count('queued')) === 1);
    folders.inode = String(statSync(first, { bigint: true }).ino);
    rmSync(first, { recursive: true });
    root.drop('run-2', plan('again'));
    await until('the first to be gone', async () => (await root.count('gone')) === 1);
    await until('the second to be a run', async () => (await root.count('queued')) === 1, 10_000);
    expect(await root.outbox.runsAtPath('runs', 'run-2', 5)).toMatchObject([{ run: 2 }]);
  } finally {
    await folders.close();
  }
});

/** As a file system that keeps no birth times. */
class WithoutBirths extends RunFolders {
  override async look(...args: Parameters<RunFolders['look']>): ReturnType<RunFolders['look']> {
    const sight = await super.look(...args);
    if (sight === null) return sight;
    return { ...sight, directory: { ...sight.directory, dev: '7', birthNs: '0' }, isBirthKnown: false };
  }
}

test('whether a folder was moved or copied is asked until somebody says so, whatever becomes of it meanwhile', async ({
  root,
}) => {
  const folders = new WithoutBirths(root.parts().log);
  const folder = root.drop('run-1', plan('one'));
  const { intake } = root.start({}, false, { folders });
  const isParked = async () => (await root.outbox.run(2))?.life.state.kind === 'parked';
  try {
    await until('it to be a run', async () => (await root.count('queued')) === 1);
    const moved = join(root.path, 'run-2');
    renameSync(folder, moved);
    // As a program that writes the same anew: nothing tells the folder any more.
    writeFiles(moved, plan('one'));
    await until('it to be asked about', isParked);
    writeFiles(moved, { 'run.log': 'a line\n' });
    await intake.scan(true);
    await until('its log to be taken', async () => (await logOf(root, 2)) !== (await logOf(root, 1)));
    expect(await isParked()).toBe(true);
    renameSync(moved, join(root.dir, 'away'));
    await until('it to be gone', async () => (await root.count('gone')) === 2);
    renameSync(join(root.dir, 'away'), moved);
    await until('it to be asked about again', isParked);
    expect(await root.count('queued')).toBe(0);
  } finally {
    await folders.close();
  }
});

async function logOf(root: Root, run: number): Promise<string | undefined> {
  return (await root.outbox.run(run))?.content.asideDigest;
}

test('what a later process goes on after is kept', async ({ root }) => {
  await root.outbox.beginRoot('runs', { mark: 'mark', realPath: root.path }, 'target', 1);
  expect(await root.outbox.auditedTo('runs')).toBe('');
  await root.outbox.saveAuditedTo('runs', 'run-17');
  expect(await root.outbox.auditedTo('runs')).toBe('run-17');
});

test('a thread that ends is said, begun anew, and the folders are compared all the same', async ({
  root,
}) => {
  const folder = root.drop('plan');
  expect(folder).not.toBe('');
  // Rules that no configuration could have: whatever it is that ends the thread.
  const broken = { ...root.dropRoot({ name: 'broken' }), ignore: null } as unknown as ReturnType<
    Root['dropRoot']
  >;
  expect(await root.auditor.differing(broken, [['plan', 'x']])).toBeNull();
  expect(root.said.filter(({ level }) => level === 'error').map(({ text }) => text)).toEqual([
    'the thread that looks at recorded folders again has ended; it is begun anew',
  ]);
  expect(await root.auditor.differing(root.dropRoot(), [['plan', 'x']])).toEqual(['plan']);
});

/** Of a drop root that does not answer. Not in the other one's directory, which is removed while it still says nothing. */
function mountAway(): { path: string; unmount: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rt-away-'));
  let unmount: (() => void) | null = mountSilent(path);
  const away = {
    path,
    unmount: () => {
      unmount?.();
      unmount = null;
    },
  };
  onTestFinished(() => {
    away.unmount();
    rmdirSync(path);
  });
  return away;
}

test.skipIf(isUnsilent)(
  'a root that does not answer keeps no other one waiting, and is compared again once it answers',
  async ({ root }) => {
    const auditor = new Auditor(root.parts().log, { tickMs: 100, silentTicks: 30 });
    onTestFinished(() => auditor.close());
    root.drop('plan');
    const { path, unmount } = mountAway();
    const away = root.dropRoot({ name: 'away', path });
    const unknown = auditor.differing(away, [['plan', 'x']]);
    // Both stand behind it.
    const behind = [root.dropRoot(), root.dropRoot({ name: 'other' })].map(
      async (other) => await auditor.differing(other, [['plan', 'x']]),
    );
    expect(await Promise.all(behind)).toEqual([['plan'], ['plan']]);
    expect(await unknown).toBeNull();
    // It is not asked again as long as it says nothing, so that no second thread is lost.
    expect(await auditor.differing(away, [['plan', 'x']])).toBeNull();
    expect(await auditor.differing(root.dropRoot(), [['plan', 'x']])).toEqual(['plan']);
    unmount();
    await until('it to answer', async () => (await auditor.differing(away, [['plan', 'x']])) !== null);
    expect(root.said).toEqual([
      {
        level: 'warn',
        text: `${path} does not answer: its folders are not compared with what was recorded of them until it does`,
      },
    ]);
  },
);

test.skipIf(isUnsilent)('an auditor whose root does not answer is closed all the same', async ({ root }) => {
  const auditor = new Auditor(root.parts().log);
  const away = root.dropRoot({ name: 'away', path: mountAway().path });
  const unknown = auditor.differing(away, [['plan', 'x']]);
  await auditor.close();
  expect(await unknown).toBeNull();
});

test('a root that is given other rules is compared by these', async ({ root }) => {
  root.drop('plan');
  const before = root.dropRoot();
  const after = root.dropRoot({ files: { ...before.files, log: 'meta.json', meta: 'absent.json' } });
  const signature = (dropRoot: DropRoot): string =>
    sightFolderSync(join(root.path, 'plan'), rulesOf(dropRoot).sight)?.signature ?? '';
  expect(await root.auditor.differing(before, [['plan', signature(before)]])).toEqual([]);
  expect(await root.auditor.differing(after, [['plan', signature(before)]])).toEqual(['plan']);
  expect(await root.auditor.differing(after, [['plan', signature(after)]])).toEqual([]);
});

test('a listing comes in pages, and passes over what has not changed for a while', async ({ root }) => {
  for (const name of ['a', 'b', 'c.tmp']) root.drop(name);
  const listing = new Listing(rulesOf(root.dropRoot()), root.parts());
  const listed = async (isWhole: boolean): Promise<string[]> => {
    const paths: string[] = [];
    for await (const page of listing.pages(isWhole)) paths.push(...page);
    return paths.sort();
  };
  expect(await listed(false)).toEqual(['a', 'b']);
  // Its time is young, so a change in the same tick would not show.
  expect(await listed(false)).toEqual(['a', 'b']);
  await until('the time to be old enough', async () => (await listed(false)).length === 0);
  expect(await listed(true)).toEqual(['a', 'b']);
  root.drop('d');
  expect(await listed(false)).toEqual(['a', 'b', 'd']);
});
