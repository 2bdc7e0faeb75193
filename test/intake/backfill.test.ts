/** History: what lay in a root before it was first watched. */
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { lookAt } from '../../src/intake/look.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import { machineClock } from '../../src/system/clock.ts';
import { dropFolder, plan, writeFiles } from '../journey/folders.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { test as rootTest, type Root } from './root.ts';

function dropOld(root: { path: string; drop(path: string): string }, path: string, day: string): void {
  const folder = root.drop(path);
  const time = new Date(`${day}T12:00:00Z`);
  for (const name of Object.keys(plan(path))) utimesSync(join(folder, name), time, time);
}

async function settled(root: Root, count: number): Promise<void> {
  await until('everything to be decided', async () => {
    const { states } = await root.outbox.counts();
    return (states.queued ?? 0) + (states.skipped ?? 0) === count;
  });
}

const none = { backfill: { kind: 'none' } } as const;

rootTest(
  'none: what lay there is left out, what comes later is tracked, and changed content too',
  async ({ root }) => {
    for (const name of ['a', 'b', 'c']) root.drop(name);
    const { intake } = root.start(none);
    await settled(root, 3);
    expect(await root.count('skipped')).toBe(3);
    expect(intake.historyFound()).toBe(3);
    root.drop('fresh');
    await settled(root, 4);
    expect(await root.count('queued')).toBe(1);
    writeFiles(join(root.path, 'a'), plan('changed'));
    await until('the changed one', async () => (await root.count('queued')) === 2);
    const first = root.said.filter(({ text }) => text.startsWith('first start'));
    expect(first).toHaveLength(1);
    expect(first[0]?.text).toContain('3 folder(s) lie there already; backfill is none: they are left out');
  },
);

rootTest(
  'none: a run that is under way at the first start is tracked when it is complete',
  async ({ root }) => {
    mkdirSync(join(root.path, 'running'));
    writeFiles(join(root.path, 'running'), { 'input.json': {} });
    root.start(none);
    await until('it to be seen', async () => (await root.count('settling')) === 1);
    writeFiles(join(root.path, 'running'), plan('running'));
    await until('it to be a run', async () => (await root.count('queued')) === 1);
  },
);

rootTest('a complete folder of nothing but directories is left out as complete', async ({ root }) => {
  const files = { 'input/input.json': {}, 'input/output.json': {}, 'output/plan.csv': '' };
  root.drop('whole', files);
  const settle = { quietMs: 0, deadlineMs: 3_600_000 };
  const rules = rulesOf(root.dropRoot({ ...none, isMetaOptional: true, settle }));
  const start = { firstStartMs: Date.now() + 3_600_000, historyFound: 1 };
  const gone = (): Promise<boolean> => Promise.resolve(true);
  const looked = await lookAt('whole', rules, undefined, undefined, start, root.parts(), gone);
  expect(looked).toEqual({ kind: 'done', enqueued: null, leftOut: 'complete' });
});

rootTest('none: what a restart finds that was not looked at yet is history as well', async ({ root }) => {
  for (const name of ['a', 'b', 'c']) root.drop(name);
  // It ends before any folder has been quiet for long enough.
  const first = root.start({ ...none, settle: { quietMs: 3_600_000, deadlineMs: 3_600_000 } });
  await until('the folders to be seen', async () => (await root.count('settling')) === 3);
  await first.stop();
  root.drop('between');
  root.start(none);
  await settled(root, 4);
  expect(await root.count('skipped')).toBe(3);
  expect(root.said.filter(({ text }) => text.startsWith('first start'))).toHaveLength(1);
});

rootTest.for<{ name: string; aheadMs: number; isPutRight: boolean; leftOut: number }>([
  // By its time runs under way are taken for history too, until they change.
  {
    name: 'a clock that was an hour ahead, and is put right',
    aheadMs: 3_600_000,
    isPutRight: true,
    leftOut: 3,
  },
  { name: 'a file server that is minutes behind', aheadMs: 300_000, isPutRight: false, leftOut: 1 },
])(
  'none: what is seen to come or to change after the first start is tracked, with $name',
  async ({ aheadMs, isPutRight, leftOut }, { root }) => {
    let nowAheadMs = aheadMs;
    const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + nowAheadMs };
    const marker = { DONE: '' };
    root.drop('old', { ...plan('old'), ...marker });
    root.drop('under-way', { 'input.json': {}, ...marker });
    mkdirSync(join(root.path, 'later'));
    const { intake, stop } = root.start({ ...none, marker: 'DONE' }, false, { clock });
    await until('the first scan', () => intake.lastScanMs());
    await until('what is history to be left out', async () => (await root.count('skipped')) === leftOut);
    if (isPutRight) nowAheadMs = 0;
    mkdirSync(join(root.path, 'fresh'));
    const come = ['under-way', 'later', 'fresh'];
    for (const name of come) writeFiles(join(root.path, name), { ...plan(name), ...marker });
    await until('all to be tracked', async () => (await root.count('queued')) === come.length);
    root.drop('nearly');
    await until('it to wait', async () => (await root.count('settling')) === 1);
    writeFileSync(join(root.path, 'nearly', 'DONE'), '');
    await until('it to be tracked', async () => (await root.count('queued')) === come.length + 1);
    expect(await root.count('skipped')).toBe(1);
    await stop();
    // What came while no process saw it can only be judged by clocks, and that is said.
    root.drop('between', { ...plan('between'), ...marker });
    const second = root.start({ ...none, marker: 'DONE' }, false, { clock });
    await until('it to be left out', async () => (await root.count('skipped')) === 2);
    await second.stop();
    const said = (level: string): string[] =>
      root.said.filter((line) => line.level === level).map(({ text }) => text);
    expect(said('warn')).toHaveLength(isPutRight ? 1 : 0);
    expect(said('info')).toContainEqual(
      expect.stringMatching(/^1 folder\(s\) of drop root .* are left out, such as between: /),
    );
  },
);

rootTest(
  'none: what comes beside a date folder that is closed is tracked, and what lay in that one is history',
  async ({ root }) => {
    let nowAheadMs = 3_600_000;
    let isClosed = true;
    const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + nowAheadMs };
    const folders = root.foldersBut({
      names: async (...asked) => {
        if (isClosed && asked[1].endsWith('/closed'))
          throw Object.assign(new Error('closed'), { code: 'EACCES' });
        return await root.folders.names(...asked);
      },
    });
    for (const path of ['day/old', 'closed/old']) root.drop(path);
    const { intake } = root.start({ ...none, depth: 2 }, false, { clock, folders });
    await until('the first scan', () => intake.lastScanMs());
    nowAheadMs = 0;
    root.drop('day/fresh');
    await settled(root, 2);
    expect((await root.outbox.counts()).states).toEqual({ queued: 1, skipped: 1 });
    isClosed = false;
    await settled(root, 3);
    expect((await root.outbox.counts()).states).toEqual({ queued: 1, skipped: 2 });
  },
);

rootTest(
  'none: a directory that comes in place of the root brings history, and nothing new',
  async ({ root }) => {
    const other = join(root.dir, 'other');
    for (const name of ['old-1', 'old-2']) dropFolder(other, name, plan(name));
    const { intake } = root.start(none);
    await until('the first scan', () => intake.lastScanMs());
    renameSync(root.path, `${root.path}-away`);
    renameSync(other, root.path);
    root.drop('fresh');
    await settled(root, 3);
    expect((await root.outbox.counts()).states).toEqual({ queued: 1, skipped: 2 });
  },
);

rootTest.for<{ name: string; depth: number; from: string; to: string; withEvents: boolean; isDown: boolean }>(
  [
    { name: 'a folder', depth: 1, from: 'old', to: 'new', withEvents: true, isDown: false },
    { name: 'a folder without events', depth: 1, from: 'old', to: 'new', withEvents: false, isDown: false },
    { name: 'a folder while nobody looks', depth: 1, from: 'old', to: 'new', withEvents: true, isDown: true },
    { name: 'a date folder', depth: 2, from: '2024', to: 'old-2024', withEvents: true, isDown: false },
    {
      name: 'a date folder while nobody looks',
      depth: 2,
      from: '2024',
      to: 'old-2024',
      withEvents: true,
      isDown: true,
    },
  ],
)(
  'none: what was left out stays so under another name: $name',
  async ({ depth, from, to, withEvents, isDown }, { root }) => {
    const names = depth === 1 ? [''] : ['/h1', '/h2'];
    for (const name of names) root.drop(`${from}${name}`);
    const first = root.start({ ...none, depth }, withEvents);
    await settled(root, names.length);
    if (isDown) await first.stop();
    renameSync(join(root.path, from), join(root.path, to));
    if (isDown) root.start({ ...none, depth }, withEvents);
    const known = async (at: string) =>
      await root.outbox.folders(
        'runs',
        names.map((name) => `${at}${name}`),
      );
    await until(
      'it to be known by its new name',
      async () => (await known(to)).length === names.length && (await known(from)).length === 0,
    );
    expect((await root.outbox.counts()).states).toEqual({ skipped: names.length });
    writeFiles(join(root.path, `${to}${names[0]}`), plan('changed'));
    await until('changed content to be tracked', async () => (await root.count('queued')) === 1);
  },
);

rootTest(
  'none: what was left out and is missing is looked for under other names before it is forgotten',
  async ({ root }) => {
    for (const name of ['a', 'b', 'c']) root.drop(name);
    const intake = root.intake(none);
    await intake.scan(false);
    await settled(root, 3);
    const left = async (): Promise<string[]> =>
      (await root.outbox.foldersOfRoot('runs', '', 10)).map(({ path, state }) => `${path} ${state}`);
    renameSync(join(root.path, 'a'), join(root.path, 'd'));
    rmSync(join(root.path, 'b'), { recursive: true });
    // The old names come first, as an audit of a large root may have it.
    for (const name of ['a', 'b']) await intake.lookNow(name);
    expect(await left()).toEqual(['a skipped', 'b skipped', 'c skipped']);
    await intake.scan(false);
    expect(await left()).toEqual(['c skipped', 'd skipped']);
    await intake.stop();
  },
);

rootTest('none: left-out folders that change places are left out as before', async ({ root }) => {
  for (const name of ['a', 'b']) root.drop(name);
  const { stop } = root.start(none);
  await settled(root, 2);
  await stop();
  const [a, b] = await Promise.all(['a', 'b'].map(async (name) => await root.outbox.folders('runs', [name])));
  renameSync(join(root.path, 'a'), join(root.path, '.a'));
  renameSync(join(root.path, 'b'), join(root.path, 'a'));
  renameSync(join(root.path, '.a'), join(root.path, 'b'));
  root.start(none);
  await until('both to be known where they are', async () => {
    const [now] = await root.outbox.folders('runs', ['a']);
    return now?.signature === b?.[0]?.signature;
  });
  expect(await root.outbox.folders('runs', ['b'])).toEqual([{ ...a?.[0], path: 'b' }]);
  await root.severalScans();
  expect((await root.outbox.counts()).states).toEqual({ skipped: 2 });
});

rootTest('since: by the day on which the files were written', async ({ root }) => {
  dropOld(root, 'old', '2025-12-31');
  dropOld(root, 'young', '2026-01-01');
  root.start({ backfill: { kind: 'since', sinceMs: Date.parse('2026-01-01') } });
  await settled(root, 2);
  const [old] = await root.outbox.folders('runs', ['old']);
  expect(old).toMatchObject({
    state: 'skipped',
    reason: {
      class: 'backfill',
      text: 'it lay there before the first start, and backfill is since 2026-01-01',
    },
  });
  expect((await root.outbox.runsAtPath('runs', 'young', 1))[0]?.life.state.kind).toBe('queued');
});

rootTest('all: history waits behind fresh runs, and goes oldest first', async ({ root }) => {
  const days = ['2026-03-01', '2024-05-05', '2025-02-02', '2024-01-01', '2026-02-01'];
  for (const day of days) dropOld(root, day, day);
  root.start();
  await settled(root, days.length);
  root.drop('fresh');
  await settled(root, days.length + 1);
  expect((await root.outbox.counts()).backlog).toEqual([{ dropRoot: 'runs', count: days.length }]);
  const claimed: string[] = [];
  const room = { inHand: 1, unposted: 1, uploads: 1 };
  for (let more = true; more;) {
    const { runs } = await root.outbox.claimInTurn('platform', Date.now(), room, 0, []);
    claimed.push(...runs.map(({ path }) => path));
    more = runs.length > 0;
  }
  expect(claimed).toEqual(['fresh', ...days.toSorted()]);
});

rootTest('another app is a first start of its own', async ({ root }) => {
  root.drop('a');
  const first = root.start();
  await settled(root, 1);
  await first.stop();
  root.start({ ...none, app: 'tortoise-app' });
  await until(
    'the history to be left out for the other app',
    async () => (await root.count('skipped')) === 1,
  );
  expect(await root.count('queued')).toBe(1);
});

test('history that was left out is tracked when a person wants it, one by one or all of it', async ({
  scene,
}) => {
  scene.configure({}, { backfill: 'none' });
  for (const name of ['a', 'b', 'c']) scene.drop(name);
  const daemon = await scene.daemon();
  await until('the history to be left out', async () => (await daemon.status()).counts.skipped === 3);
  expect((await daemon.status()).drop_roots[0]?.backfill.left_out).toBe(3);
  expect((await scene.command('status')).stdout).toContain(
    'left out in runs: 3 folder(s), with backfill none',
  );
  expect(scene.seen).toEqual([]);
  expect((await scene.command('retry', 'a')).code).toBe(0);
  await scene.result('a');
  const dry = JSON.parse(
    (await scene.command('retry', '--reason', 'backfill', '--dry-run', '--json')).stdout,
  ) as object;
  expect(dry).toMatchObject({ dry_run: true, runs: [{ state: 'skipped' }, { state: 'skipped' }], more: 0 });
  const all = await scene.command('retry', '--reason', 'backfill', '--root', 'runs');
  expect(all.code).toBe(0);
  await Promise.all(['b', 'c'].map((name) => scene.result(name)));
  // It stays so.
  renameSync(scene.folder('a'), scene.folder('d'));
  await until('the move to be seen', async () =>
    (await daemon.list()).some(({ folder }) => folder === scene.folder('d')),
  );
  expect(await scene.platformRuns()).toHaveLength(3);
});

test('an outbox that was lost is no first start: what was sent is found again, and nothing is left out', async ({
  scene,
}) => {
  scene.drop('sent');
  const first = await scene.daemon();
  await scene.result('sent');
  await first.stop();
  scene.drop('unsent');
  scene.configure({ state_dir: './state-2' }, { backfill: 'none' });
  const second = scene.launch();
  await second.logged(/result file of sent proves/);
  await until('the run to be known again', () =>
    second.log().some(({ msg }) => msg.includes('unsent is complete')),
  );
  expect(await scene.platformRuns()).toHaveLength(1);
});

test('a dry run says what would be left out, and status how much history waits', async ({ scene }) => {
  scene.configure({}, { backfill: 'none' });
  scene.drop('a');
  const dry = await scene.command('scan', '--dry-run');
  expect(dry.stdout).toContain('left-out');
  scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 0.1 } }) });
  for (let n = 0; n < 10; n += 1) scene.drop(`run-${String(n)}`);
  const daemon = await scene.daemon();
  const [root] = await until('the history to wait', async () => {
    const { drop_roots: roots } = await daemon.status();
    return (roots[0]?.backfill.waiting ?? 0) >= 8 && roots;
  });
  expect(root?.backfill).toMatchObject({
    mode: 'all',
    found: 11,
    eta: expect.stringMatching(/^\d{4}-/) as string,
  });
  expect((await scene.command('status')).stdout).toMatch(
    /history of runs: \d+ run\(s\) wait, oldest first, until about/,
  );
});
