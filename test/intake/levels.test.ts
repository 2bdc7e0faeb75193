/** Run folders that lie in date folders, and those that lie a level too high or too low. */
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import type { RunView } from '../../src/http/operations.ts';
import { Listing } from '../../src/intake/listing.ts';
import { previewFolder } from '../../src/intake/preview.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import type { Claim } from '../../src/outbox/nouns.ts';
import type { RunFolders } from '../../src/reading/runFolders.ts';
import { machineClock } from '../../src/system/clock.ts';
import { plan, problemIn, resultIn, writeFiles } from '../journey/folders.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { concluded, road, trouble } from '../outbox/runs.ts';
import { test as rootTest, type Root } from './root.ts';

test('run folders two levels down are tracked, shown, moved and answered by their paths', async ({
  scene,
}) => {
  scene.configure({}, { depth: 2 });
  mkdirSync(join(scene.root, 'empty-day'));
  scene.drop('2026-01-01/run-1');
  const daemon = await scene.daemon();
  await scene.result('2026-01-01/run-1');
  // Into a date folder that is there, and into one that is made now.
  scene.drop('2026-01-01/run-2');
  scene.drop('2026-01-02/run-1');
  for (const path of ['2026-01-01/run-2', '2026-01-02/run-1']) {
    const { runtrackd } = await scene.result(path);
    expect(runtrackd['first_path']).toBe(path);
  }
  const shown = await scene.command('show', '2026-01-02/run-1', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ folder: scene.folder('2026-01-02/run-1') });
  renameSync(scene.folder('2026-01-01/run-2'), scene.folder('2026-01-02/run-2'));
  await scene.state(daemon, '2026-01-02/run-2', 'recorded');
  expect((await scene.platformRuns()).map(({ name }) => name).sort()).toEqual(['run-1', 'run-1', 'run-2']);
  const states = (await daemon.list()).map(({ state }: RunView) => state);
  expect(states).toEqual(['recorded', 'recorded', 'recorded']);
});

test('a run folder in a date folder is found by its name alone, and by a name that two have is none', async ({
  scene,
}) => {
  scene.configure({}, { depth: 3 });
  for (const path of ['north/2026-01-01/early', 'north/2026-01-02/twice', 'south/2026-01-02/twice'])
    scene.drop(path);
  scene.drop('south/2026-01-03/open', { 'input.json': {} });
  const daemon = await scene.daemon();
  for (const path of ['north/2026-01-01/early', 'north/2026-01-02/twice', 'south/2026-01-02/twice'])
    await scene.result(path);
  await scene.state(daemon, 'south/2026-01-03/open', 'settling');
  for (const [text, path] of [
    ['early', 'north/2026-01-01/early'],
    ['2026-01-01/early', 'north/2026-01-01/early'],
    ['open', 'south/2026-01-03/open'],
  ] as const) {
    const { code, stdout } = await scene.command('show', text, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ folder: scene.folder(path) });
  }
  const twice = await scene.command('show', 'twice');
  expect(twice.code).toBe(2);
  for (const half of ['north', 'south'])
    expect(twice.stderr).toContain(scene.folder(`${half}/2026-01-02/twice`));
  for (const text of ['2026-01-01', 'arly', 'late', '..', '1/early'])
    expect((await scene.command('show', text)).code).toBe(1);
  // A run whose folder is gone is still somebody's question.
  rmSync(scene.folder('north/2026-01-01/early'), { recursive: true });
  await scene.command('scan');
  expect((await scene.command('show', 'early')).stdout).toContain('north/2026-01-01/early');
});

test('`track` takes a folder at the level of run folders, and says which level that is', async ({
  scene,
}) => {
  // As deep as they may lie.
  scene.configure({}, { depth: 4 });
  scene.drop('a/b/c/d');
  const tracked = await scene.command('track', scene.folder('a/b/c/d'), '--json');
  expect(tracked.code).toBe(0);
  const refused = await scene.command('track', scene.folder('a/b/c'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('whose run folders lie 4 levels below it');
});

test('a folder a level too high or too low is rejected with a sentence, and is nothing any more once it is moved', async ({
  scene,
}) => {
  scene.configure({}, { depth: 2 });
  const daemon = await scene.daemon();
  mkdirSync(join(scene.root, 'day'));
  writeFiles(join(scene.root, 'day'), plan('high'));
  scene.drop('deep/er/run');
  const high = await scene.state(daemon, 'day', 'rejected');
  expect(high.reason).toEqual({
    class: 'wrong-level',
    text: 'lies one level too high: run folders of this root lie 2 levels below it',
  });
  const low = await scene.state(daemon, 'deep/er', 'rejected');
  expect(low.reason?.text).toBe(
    'run folders lie in it, such as run/, and that is one level too low: run folders of this root lie 2 levels below it',
  );
  await until('the word in the folder', () => problemIn(join(scene.root, 'day')));
  renameSync(join(scene.root, 'deep/er/run'), join(scene.root, 'deep/run'));
  await scene.result('deep/run');
  mkdirSync(join(scene.root, 'day/run'));
  for (const name of Object.keys(plan('high'))) {
    renameSync(join(scene.root, 'day', name), join(scene.root, 'day/run', name));
  }
  await scene.result('day/run');
  await until('the word to be taken away', () => problemIn(join(scene.root, 'day')) === null);
  await until('nothing to be rejected', async () => (await daemon.status()).counts.rejected === undefined);
  expect(await scene.platformRuns()).toHaveLength(2);
});

rootTest.for([2, 3])(
  'input and output of a run that lies too high, by a depth of %i, are never waited for, nor written into',
  async (depth, { root }) => {
    const high = root.drop('high', { 'input/a.csv': '1', 'input/sub/deep/b.csv': '2', 'output/c.csv': '3' });
    const run = { 'input.json': {}, 'output.json': {}, 'meta.json': { status: 'succeeded', duration: 1 } };
    const below = 'x/'.repeat(depth - 2);
    root.drop(`high/${below}beside`, run);
    // They are taken for run folders as long as nothing says otherwise, and waited for in vain.
    const settle = { quietMs: 30, deadlineMs: 100 };
    const { intake } = root.start({ depth, settle });
    const inner = (depth === 2 ? ['input', 'output'] : ['input/sub']).map((name) => join(high, name));
    await until('these to be overdue', () => inner.every((folder) => problemIn(folder) !== null));
    writeFiles(high, { 'meta.json': run['meta.json'] });
    await until('the run to be rejected', () => problemIn(high) !== null);
    await intake.scan(true);
    expect(inner.filter(problemIn)).toEqual([]);
    expect(await root.count('overdue')).toBe(0);
    // An event in one of them changes nothing.
    writeFiles(high, { 'input/a.csv': 'other' });
    await intake.lookNow('high/input');
    await root.severalScans();
    expect([await root.count('settling'), await root.count('rejected')]).toEqual([0, 1]);
    expect(inner.filter(problemIn)).toEqual([]);
    expect(await intake.folderTotal()).toBe(2);
    // What lies beside them is a run folder as ever.
    expect(await root.count('queued')).toBe(1);
  },
);

rootTest('a run folder that is called like an input is one, whatever lies above it', async ({ root }) => {
  root.drop('day', { 'input.json': {} });
  root.drop('day/input');
  root.start({ depth: 2 });
  await until('it to be a run', async () => (await root.count('queued')) === 1);
});

rootTest(
  'a run that waits for its folder when `depth` becomes another one goes on, and once it is sent its folder stays what it is',
  async ({ root }) => {
    const before = root.start({ depth: 1 });
    const folder = root.drop('monday', { ...plan('monday'), 'run.log': 'begun\n' });
    await until('it to be a run', async () => (await root.count('queued')) === 1);
    await before.stop();
    appendFileSync(join(folder, 'run.log'), 'ended\n');
    const claim = async (): Promise<Claim> => {
      const claimed = await root.outbox.claimRun('platform', 1, machineClock.nowMs());
      if (claimed === null) throw new Error('it is not due');
      return claimed;
    };
    // As delivery does, which reads other bytes than were recorded.
    const first = await claim();
    await root.outbox.concludeChanged(
      first,
      concluded(first, { kind: 'sourceChanged', failure: trouble }),
      machineClock.nowMs(),
    );
    expect(await root.outbox.run(1)).toMatchObject({ dueAtMs: null, life: { state: { kind: 'queued' } } });
    const other = root.start({ depth: 2 });
    await until('it to go on', async () => (await root.outbox.run(1))?.dueAtMs !== null);
    expect(await root.outbox.folders('runs', ['monday'])).toMatchObject([{ state: 'known', run: 1 }]);
    await other.stop();

    // What is written before it is sent, and is quiet after.
    appendFileSync(join(folder, 'run.log'), 'ended again\n');
    const settle = { quietMs: 3_600_000, deadlineMs: 3_600_000 };
    await root.intake({ depth: 2, settle }).lookNow('monday');
    expect(await root.outbox.folders('runs', ['monday'])).toMatchObject([{ state: 'settling', run: 1 }]);
    let now = await claim();
    for (const happening of road.tracked) {
      const conclusion = concluded(now, happening);
      await root.outbox.conclude(now, conclusion, true, machineClock.nowMs());
      now = { ...now, life: conclusion.life };
    }
    const { intake } = root.start({ depth: 2 });
    await until('its folder to be known again', async () => {
      const [known] = await root.outbox.folders('runs', ['monday']);
      return known?.state === 'known';
    });
    writeFiles(folder, plan('other'));
    await intake.scan(true);
    await root.severalScans();
    expect(await root.outbox.folders('runs', ['monday'])).toMatchObject([{ state: 'known', run: 1 }]);
    expect((await root.outbox.counts()).states).toEqual({ tracked: 1 });
  },
);

test('date folders in a root whose run folders lie directly below it are named as such', async ({
  scene,
}) => {
  const daemon = await scene.daemon();
  scene.drop('2026-01-01/run-1');
  const view = await scene.state(daemon, '2026-01-01', 'rejected');
  expect(view.reason?.text).toContain(
    'such as run-1/, and that is one level too low: run folders of this root lie one level below it',
  );
  const scans = async (): Promise<string | null | undefined> =>
    (await daemon.status()).drop_roots[0]?.last_scan;
  for (let scan = 0; scan < 5; scan += 1) {
    const before = await scans();
    await until('a scan', async () => (await scans()) !== before);
  }
  expect(daemon.log().filter(({ msg }) => msg.includes('is rejected'))).toHaveLength(1);
});

test('what is ignored is ignored at each level', async ({ scene }) => {
  scene.configure({}, { depth: 2, ignore: ['scratch*', '*.tmp', 'day/secret'] });
  for (const path of ['scratch/run', 'day/run.tmp', 'day/scratch-1', 'day/secret', 'day/run'])
    scene.drop(path);
  const daemon = await scene.daemon();
  await scene.result('day/run');
  expect((await daemon.list()).map(({ folder }) => folder)).toEqual([scene.folder('day/run')]);
});

test('a link in the place of a date folder leads nowhere: nothing behind it is sent or written to', async ({
  scene,
}) => {
  scene.configure({}, { depth: 2 });
  const daemon = await scene.daemon();
  scene.drop('day/run');
  scene.drop('month/rejected', { ...plan('rejected'), 'meta.json': { status: 'odd' } });
  const { id } = await scene.result('day/run');
  await scene.state(daemon, 'month/rejected', 'rejected');
  const outside = join(scene.dir, 'outside');
  const [secret, odd] = [join(outside, 'run'), join(outside, 'rejected')];
  for (const folder of [secret, odd]) mkdirSync(folder, { recursive: true });
  writeFiles(secret, plan('of somebody else'));
  writeFiles(odd, { ...plan('of somebody else'), 'meta.json': { status: 'odder' } });
  for (const name of ['day', 'month']) {
    renameSync(scene.folder(name), scene.folder(`${name}-before`));
    symlinkSync(outside, scene.folder(name));
  }
  await scene.command('scan');
  const after = scene.drop('after/run');
  await scene.result('after/run');
  await scene.state(daemon, 'day-before/run', 'recorded');
  await until('what was behind the link to be forgotten', async () =>
    (await daemon.list()).every(({ folder }: RunView) => folder !== scene.folder('month/rejected')),
  );
  expect(readdirSync(secret).sort()).toEqual(Object.keys(plan('')).sort());
  expect(readdirSync(odd).sort()).toEqual(Object.keys(plan('')).sort());
  expect((await scene.platformRuns()).map((run) => run.id).sort()).toEqual([id, resultIn(after)?.id].sort());
});

test('a result is not written through a link, also where it leads to the run’s own folder, outside', async ({
  scene,
}) => {
  scene.configure({}, { depth: 2 });
  const outside = join(scene.dir, 'outside');
  scene.drop('day/run');
  let isMoved = false;
  scene.onRequest = ({ kind, phase }) => {
    if (isMoved || kind !== 'create' || phase !== 'received') return;
    isMoved = true;
    renameSync(scene.folder('day'), outside);
    symlinkSync(outside, scene.folder('day'));
  };
  const daemon = await scene.daemon();
  const warnings = await until('the result to be kept', async () => {
    const [view] = await daemon.list();
    return view?.state === 'recorded' && view.warnings;
  });
  expect(readdirSync(join(outside, 'run')).sort()).toEqual(Object.keys(plan('')).sort());
  expect(warnings.join()).toContain('its folder cannot be opened any more (ENOTDIR)');
});

rootTest(
  'a date folder that was renamed, with a link left at its old name, holds the same runs',
  async ({ root }) => {
    root.drop('day/run');
    root.start({ depth: 2 });
    await until('the run', async () => (await root.count('queued')) === 1);
    renameSync(join(root.path, 'day'), join(root.path, 'day-before'));
    symlinkSync('day-before', join(root.path, 'day'));
    const found = await until('it to be found at its new place', async () => {
      const [folder] = await root.outbox.folders('runs', ['day-before/run']);
      return folder?.state === 'known' ? folder : null;
    });
    expect(found.run).toBe(1);
    expect(await root.outbox.runsAtPath('runs', 'day-before/run', 10)).toHaveLength(1);
    expect((await root.outbox.counts()).states).toEqual({ queued: 1 });
  },
);

/** @param closed date folders that cannot be listed */
function withClosed(root: Root, closed: ReadonlySet<string>): Partial<RunFolders> {
  return {
    names: async (...asked) => {
      const found = await root.folders.names(...asked);
      if (closed.has(basename(asked[1]))) throw Object.assign(new Error('closed'), { code: 'EACCES' });
      return found;
    },
  };
}

const odd = (name: string): Buffer => Buffer.concat([Buffer.from(`${name} `), Buffer.of(0xff)]);

rootTest.for([
  {
    what: 'has a folder in it whose name is not UTF-8',
    says: '1 folder name(s) are not UTF-8 and cannot be tracked, such as plan \ufffd: rename them',
    spoil: (day: string) => mkdirSync(odd(join(day, 'plan'))),
  },
  {
    what: 'cannot be listed',
    says: '1 folder(s) cannot be listed, nor can what lies in them be tracked, such as day/ (EACCES): let the daemon’s user read them, or look at the disk',
    spoil: () => undefined,
  },
])('a date folder that $what is trouble as long as it is there', async ({ says, spoil }, { root }) => {
  const day = join(root.path, 'day');
  mkdirSync(day);
  spoil(day);
  root.drop('other/run');
  const closed = new Set(says.includes('EACCES') ? ['day'] : []);
  const rules = rulesOf(root.dropRoot({ depth: 2 }));
  const listing = new Listing(rules, root.parts({ folders: root.foldersBut(withClosed(root, closed)) }));
  expect(await listing.count()).toBe(1);
  expect(listing.trouble()).toBe(says);
  expect(await listing.count()).toBe(1);
  expect(listing.trouble()).toBe(says);
  expect(root.said.map(({ text }) => text)).toEqual([`drop root ${root.path}: ${says}`]);
  rmSync(day, { recursive: true });
  expect(await listing.count()).toBe(1);
  expect(listing.trouble()).toBeNull();
});

rootTest(
  'a date folder on a disk that hung for a moment is trouble until the next scan',
  async ({ root }) => {
    root.drop('day/run');
    const closed = new Set<string>();
    const folders = root.foldersBut(withClosed(root, closed));
    // The directories are older than the tick of any file system, so that they are passed over while they are the same.
    const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + 60_000 };
    const listing = new Listing(rulesOf(root.dropRoot({ depth: 2 })), root.parts({ folders, clock }));
    expect(await listing.count()).toBe(1);
    closed.add('day');
    expect(await listing.count()).toBe(0);
    expect(listing.trouble()).toContain('1 folder(s) cannot be listed');
    closed.clear();
    const found: string[] = [];
    for await (const page of listing.pages(false)) found.push(...page);
    expect(found).toEqual(['day/run']);
    expect(listing.trouble()).toBeNull();
  },
);

rootTest.for([1, 2])(
  'what ext4 keeps in a root that is a disk is no run folder, by a depth of %i',
  async (depth, { root }) => {
    const kept = join(root.path, 'lost+found');
    mkdirSync(join(kept, '#12345'), { recursive: true });
    root.drop(depth === 1 ? 'run' : 'day/run');
    const folders = root.foldersBut(withClosed(root, new Set(['lost+found'])));
    const { intake } = root.start({ depth, settle: { quietMs: 30, deadlineMs: 50 } }, false, { folders });
    await until('the run', async () => (await root.count('queued')) === 1);
    // An event in it.
    await intake.lookNow(depth === 1 ? 'lost+found' : 'lost+found/#12345');
    await root.severalScans();
    expect((await root.outbox.counts()).states).toEqual({ queued: 1 });
    expect(readdirSync(kept)).toEqual(['#12345']);
    expect(intake.trouble()).toBeNull();
    expect(intake.historyFound()).toBe(1);
    const start = { firstStartMs: null, historyFound: 0 };
    expect(await previewFolder('lost+found', intake.rules, start, root.parts())).toMatchObject({
      verdict: 'ignored',
      reason: 'the file system keeps it for what a repair finds',
    });
  },
);

rootTest('no trouble of a root hides another, in its status or in the log', async ({ root }) => {
  for (const path of ['day-1', 'day-2', 'day-3']) mkdirSync(join(root.path, path));
  mkdirSync(odd(join(root.path, 'day-1/plan')));
  root.drop('day-3/sick');
  const closed = new Set<string>();
  const folders = root.foldersBut({
    ...withClosed(root, closed),
    look: () => Promise.reject(Object.assign(new Error('sick'), { code: 'EIO' })),
  });
  const intake = root.intake({ depth: 2 }, false, { folders });
  await intake.scan(true);
  const failed =
    '1 folder(s) cannot be looked at, such as day-3/sick (EIO): look at the disk, or at the share';
  const unnamed = '1 folder name(s) are not UTF-8 and cannot be tracked, such as plan \ufffd: rename them';
  expect(intake.trouble()).toBe(`${failed}; ${unnamed}`);
  const unlisted = (count: number): string =>
    `${count} folder(s) cannot be listed, nor can what lies in them be tracked, such as day-2/ (EACCES): let the daemon’s user read them, or look at the disk`;
  closed.add('day-2');
  await intake.scan(true);
  expect(intake.trouble()).toBe(`${failed}; ${unnamed}; ${unlisted(1)}`);
  closed.add('day-3');
  for (let scan = 0; scan < 2; scan += 1) await intake.scan(true);
  expect(intake.trouble()).toBe(`${failed}; ${unnamed}; ${unlisted(2)}`);
  const warned = root.said.filter(({ level }) => level === 'warn').map(({ text }) => text);
  expect(warned).toEqual(
    [unnamed, unlisted(1), unlisted(2)].map((text) => `drop root ${root.path}: ${text}`),
  );
});

rootTest.for([
  { depth: 3, years: '' },
  { depth: 4, years: 'north/' },
])(
  'without any event: folders $depth levels down are found, and their date folders are listed only when they changed',
  async ({ depth, years }, { root }) => {
    for (const path of ['2026/01/a', '2026/01/b', '2026/02/a']) root.drop(`${years}${path}`);
    mkdirSync(join(root.path, `${years}2027/01`), { recursive: true });
    const { intake } = root.start({ depth });
    await until('all to be runs', async () => (await root.count('queued')) === 3);
    root.drop(`${years}2027/01/a`);
    root.drop(`${years}2028/12/z`);
    await until('the new ones', async () => (await root.count('queued')) === 5);
    rmSync(join(root.path, `${years}2026/02`), { recursive: true });
    await until('the one that vanished', async () => (await root.count('gone')) === 1);
    const known = await root.outbox.folders('runs', [`${years}2027/01/a`, `${years}2028/12/z`]);
    expect(known.map(({ state }) => state)).toEqual(['known', 'known']);
    expect(intake.trouble()).toBeNull();
  },
);

rootTest(
  'a root that is a run folder itself is trouble, which is said once, until it is none',
  async ({ root }) => {
    writeFiles(root.path, plan('in the root'));
    const { intake } = root.start({ depth: 2 });
    const trouble =
      'the files of a run lie in the root itself, where nobody looks for them: run folders of this root lie 2 levels below it, so give `path` a directory above';
    await until('it to be told', () => intake.trouble() === trouble);
    await intake.scan(true);
    const warned = root.said.filter(({ level }) => level === 'warn').map(({ text }) => text);
    expect(warned).toEqual([`drop root ${root.path}: ${trouble}`]);
    rmSync(join(root.path, 'output.json'));
    await intake.scan(true);
    expect(intake.trouble()).toBe(trouble);
    // An input by itself is nobody's run.
    rmSync(join(root.path, 'meta.json'));
    await intake.scan(true);
    expect(intake.trouble()).toBeNull();
  },
);
