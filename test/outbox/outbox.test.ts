/** Groups, listings, folders and stories: what the outbox promises beside runs and claims. */
import { describe, expect, test, vi } from 'vitest';
import type { Folder } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import {
  chance,
  concluded,
  far,
  later,
  newDirectory,
  newRun,
  now,
  opened,
  platform,
  road,
  taken,
  trouble,
} from './runs.ts';

const app = newRun().key.app;

describe('a group', () => {
  test('that is to be synced and changes nothing leaves what is not synced yet to be synced by itself', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun(), chance);
    const before = outbox.groupsCommitted();
    await outbox.unsettleFolder('plans', 'absent', now);
    expect(outbox.groupsCommitted() - before).toBe(1);
    await vi.waitFor(() => expect(outbox.groupsCommitted() - before).toBe(2), { timeout: 30_000 });
  });

  test('is everything that is wanted in one turn: one commit for a hundred changes', async () => {
    const outbox = await opened();
    const before = outbox.groupsCommitted();
    const made = await Promise.all(
      Array.from({ length: 100 }, (_, n) => outbox.enqueue(newRun({ path: `run-${n}` }), chance)),
    );
    expect(new Set(made.map(({ run }) => run)).size).toBe(100);
    expect(outbox.groupsCommitted() - before).toBe(1);
  });

  test('gathers while the one before is on its way to the disk', async () => {
    const outbox = await opened();
    const before = outbox.groupsCommitted();
    const asked: Promise<unknown>[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      asked.push(outbox.enqueue(newRun({ path: `run-${turn}` }), chance));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(asked);
    expect(outbox.groupsCommitted() - before).toBeLessThan(200);
  });

  test('is no longer than it should be, and none of its changes is lost by that', async () => {
    const outbox = await opened();
    const before = outbox.groupsCommitted();
    await Promise.all(
      Array.from({ length: 1_100 }, (_, n) => outbox.enqueue(newRun({ path: `run-${n}` }), chance)),
    );
    expect(outbox.groupsCommitted() - before).toBe(3);
    expect((await outbox.counts()).states).toEqual({ queued: 1_100 });
  });

  test('keeps the order in which changes were asked for', async () => {
    const outbox = await opened();
    const [made, seen, skipped, after] = await Promise.all([
      outbox.enqueue(newRun(), chance),
      outbox.run(1),
      outbox.apply(1, { kind: 'skip' }, chance),
      outbox.run(1),
    ]);
    expect(made.run).toBe(1);
    expect(seen?.life.state.kind).toBe('queued');
    expect(skipped).toMatchObject({ life: { state: { kind: 'skipped' } } });
    expect(after?.life.state.kind).toBe('skipped');
  });

  test('waits for others in a crowd, and leaves when there are none', async () => {
    const outbox = await opened();
    outbox.tellCrowd(64);
    const before = outbox.groupsCommitted();
    const asked: Promise<unknown>[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      asked.push(outbox.enqueue(newRun({ path: `run-${turn}`, again: true }), chance));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(asked);
    expect(outbox.groupsCommitted() - before).toBe(1);
    expect((await outbox.counts()).states).toEqual({ queued: 6 });
  });

  test('is not taken along by a change in it that fails, and nothing of that change stays', async () => {
    const outbox = await opened();
    const before = outbox.groupsCommitted();
    const right = newRun({ path: 'wrong' });
    // What cannot be written as JSON, as a bug would have it.
    const wrong = { ...right, settings: { ...right.settings, name: 1n } } as unknown as typeof right;
    const results = await Promise.allSettled([
      outbox.enqueue(newRun({ path: 'run-1' }), chance),
      outbox.enqueue(wrong, chance),
      outbox.apply(1, { kind: 'found', runId: 'run-a' }, chance),
      outbox.enqueue(newRun({ path: 'run-2' }), chance),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(outbox.groupsCommitted() - before).toBe(1);
    expect(await outbox.runsAtPath('plans', 'wrong', 9)).toEqual([]);
    expect((await outbox.counts()).states).toEqual({ queued: 2 });
  });
});

test('paths of one name are found date folder by date folder, however many folders lie in them', async () => {
  const outbox = await opened();
  const days = ['2026-01-01', '2026-01-02', '2026-01-02b', '2026-01-03'];
  const paths = days.flatMap((day) => Array.from({ length: 50 }, (_, n) => `${day}/run-${n}`));
  await Promise.all(
    [...paths, 'shallow', '2026-01-02/only', '2026-01-03/deep/only'].map((path) =>
      outbox.enqueue(newRun({ path }), chance),
    ),
  );
  const { dropRoot } = newRun().key;
  const found = async (name: string, levels: number, parentsMax: number) => {
    const pages: string[][] = [];
    for (let after: string | null = null; ;) {
      const page = await outbox.pathsNamed(dropRoot, name, levels, after, parentsMax);
      pages.push([...page.paths]);
      if (page.after === null) return pages;
      ({ after } = page);
    }
  };
  expect(await found('run-7', 1, 100)).toEqual([days.map((day) => `${day}/run-7`)]);
  // Four days and one path that is none: that is all that is asked.
  expect(await found('run-7', 1, 2)).toHaveLength(3);
  expect((await found('run-7', 1, 2)).flat()).toEqual(days.map((day) => `${day}/run-7`));
  expect((await found('only', 1, 100)).flat()).toEqual(['2026-01-02/only']);
  expect((await found('only', 2, 1_000)).flat()).toEqual(['2026-01-03/deep/only']);
  expect((await found('nothing', 1, 100)).flat()).toEqual([]);
});

test('a change that fails half way leaves nothing of itself in its group', async () => {
  const outbox = await opened();
  await outbox.enqueue(newRun(), chance);
  const claim = await outbox.claimRun(platform, 1, now);
  if (claim === null) throw new Error('nothing was due');
  const changed = concluded(claim, { kind: 'sourceChanged', failure: trouble });
  // The life is written before the note, and SQLite takes no object for a text.
  const noText = {} as unknown as string;
  const results = await Promise.allSettled([
    outbox.concludeChanged(claim, { ...changed, note: noText, dueAtMs: far }, now),
    outbox.saveRootMark('plans', 'beside it'),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(await outbox.run(1)).toMatchObject({ isClaimed: true, dueAtMs: claim.dueAtMs });
  expect(await outbox.rootPlace('plans')).toMatchObject({ mark: 'beside it' });
});

describe('what the platform’s list shows', () => {
  async function unknownRun(outbox: Outbox): Promise<{ run: number; fingerprint: string }> {
    const { run } = await outbox.enqueue(
      newRun({ path: `run-${Math.trunc(performance.now() * 1000)}` }),
      chance,
    );
    await taken(outbox, run, road.unknown);
    return { run, fingerprint: (await outbox.run(run))?.fingerprint ?? '' };
  }
  const listed = (runId: string, fingerprint: string | null, createdAtMs = now) => ({
    runId,
    createdAtMs,
    generation: null,
    host: null,
    fingerprint,
  });

  test('is found by its fingerprint, once it is unknown', async () => {
    const outbox = await opened();
    const { run, fingerprint } = await unknownRun(outbox);
    const listing = await outbox.beginListing(platform, app, now);
    const page = [listed('other', null), listed('run-x', 'rt1:another'), listed('run-a', fingerprint, 7)];
    expect(await outbox.addPage(listing, platform, app, page, now)).toEqual([
      { run, runId: 'run-a', createdAtMs: 7 },
    ]);
  });

  test('is not found in the list of another app, nor before its outcome is unknown', async () => {
    const outbox = await opened();
    const { fingerprint } = await unknownRun(outbox);
    const listing = await outbox.beginListing(platform, 'tortoise-app', now);
    expect(
      await outbox.addPage(listing, platform, 'tortoise-app', [listed('run-a', fingerprint)], now),
    ).toEqual([]);
    await outbox.enqueue(newRun({ path: 'fresh' }), chance);
    const fresh = (await outbox.runsAtPath('plans', 'fresh', 1))[0]?.fingerprint ?? '';
    expect(await outbox.addPage(listing, platform, app, [listed('run-b', fresh)], now)).toEqual([]);
  });

  test.for(['tracked', 'recorded'] as const)(
    'is not adopted when another row that is %s holds it: whose it is, a person has to say',
    async (holder) => {
      const outbox = await opened();
      await outbox.enqueue(newRun({ path: 'first' }), chance);
      await taken(outbox, 1, road[holder]);
      const { run, fingerprint } = await unknownRun(outbox);
      const listing = await outbox.beginListing(platform, app, now);
      const page = [listed('run-a', fingerprint)];
      expect(await outbox.addPage(listing, platform, app, page, now)).toHaveLength(1);
      await outbox.apply(run, { kind: 'found', runId: 'run-a' }, chance);
      expect((await outbox.run(run))?.life.state).toMatchObject({
        kind: 'parked',
        reason: { class: 'run-id-taken' },
      });
      expect((await outbox.run(1))?.life.state).toMatchObject({ kind: holder, runId: 'run-a' });
    },
  );

  test.for(['tracked', 'recorded'] as const)(
    'as a second run of one that is %s is told once, and each other one too',
    async (kind) => {
      const outbox = await opened();
      await outbox.enqueue(newRun(), chance);
      await taken(outbox, 1, road[kind]);
      await outbox.addWarnings(1, ['the platform also has it as run-c; the older one was kept']);
      const { fingerprint = '' } = (await outbox.run(1)) ?? {};
      for (const ids of [
        ['run-a', 'run-b', 'run-c'],
        ['run-b', 'run-d'],
      ]) {
        const listing = await outbox.beginListing(platform, app, now);
        const page = ids.map((id) => listed(id, fingerprint));
        expect(await outbox.addPage(listing, platform, app, page, now)).toEqual([]);
      }
      const inAnother = await outbox.beginListing(platform, 'tortoise-app', now);
      await outbox.addPage(inAnother, platform, 'tortoise-app', [listed('run-e', fingerprint)], now);
      expect(await outbox.run(1)).toMatchObject({
        life: { state: { kind, runId: 'run-a' } },
        warnings: [
          'the platform also has it as run-c; the older one was kept',
          'the platform also has it as run-b; the one that was known first was kept',
          'the platform also has it as run-d; the one that was known first was kept',
        ],
      });
    },
  );

  test('proves that fingerprints show only when it showed one of ours', async () => {
    const outbox = await opened();
    const { fingerprint } = await unknownRun(outbox);
    await outbox.noteApp(platform, app);
    const listing = await outbox.beginListing(platform, app, now);
    await outbox.addPage(listing, platform, app, [listed('x', 'rt1:another'), listed('y', null)], now);
    expect(await outbox.fingerprintsShow(platform, app)).toBe(false);
    expect(await outbox.unseenApps(platform)).toEqual([app]);
    await outbox.addPage(listing, platform, app, [listed('run-a', fingerprint)], now);
    expect(await outbox.fingerprintsShow(platform, app)).toBe(true);
    expect(await outbox.unseenApps(platform)).toEqual([]);
    expect(await outbox.fingerprintsShow(platform, 'tortoise-app')).toBe(false);
  });

  test('shows fingerprints to an outbox that has tracked nothing itself, because the one before it was lost', async () => {
    const outbox = await opened();
    await outbox.freezeHost('solver-7', now);
    const listing = await outbox.beginListing(platform, app, now);
    const lost = { ...listed('run-a', 'rt1:of-the-lost-outbox'), host: 'solver-7' };
    await outbox.addPage(listing, platform, app, [{ ...lost, host: 'solver-8' }], now);
    expect(await outbox.fingerprintsShow(platform, app)).toBe(false);
    await outbox.addPage(listing, platform, app, [lost], now);
    expect(await outbox.fingerprintsShow(platform, app)).toBe(true);
    expect(await outbox.showsOurs(listing)).toBe(true);
  });

  test.each([
    { name: 'the same runs', second: ['a', 'b'], keeps: true },
    { name: 'more runs', second: ['c', 'b', 'a'], keeps: true },
    { name: 'one of them no more', second: ['a'], keeps: false },
    { name: 'one of them no more, but another', second: ['a', 'c'], keeps: false },
  ])('keeps what the earlier list showed since the intent when it shows $name', async ({ second, keeps }) => {
    const outbox = await opened();
    const page = (ids: readonly string[]) => ids.map((id) => listed(id, null, now));
    const earlier = await outbox.beginListing(platform, app, now);
    await outbox.addPage(earlier, platform, app, [...page(['a', 'b']), listed('old', null, now - 10)], now);
    const next = await outbox.beginListing(platform, app, now + 1);
    await outbox.addPage(next, platform, app, page(second), now);
    expect(await outbox.keepsEarlier(earlier, next, now)).toBe(keeps);
  });

  test('is forgotten when no unknown run needs it, and kept as long as one does', async () => {
    const outbox = await opened();
    const { run } = await unknownRun(outbox);
    const needed = await outbox.beginListing(platform, app, now);
    await outbox.addPage(needed, platform, app, [listed('a', null)], now);
    const proof = {
      keepsEarlier: true,
      fingerprintsShow: true,
      showsOurs: true,
      content: 'there',
      twin: null,
    } as const;
    await outbox.apply(
      run,
      { kind: 'absent', listing: needed, startedAtMs: now, steady: { process: 'this', ms: now }, proof },
      later(1),
    );
    const surplus = await outbox.beginListing(platform, app, now);
    await outbox.addPage(surplus, platform, app, [listed('a', null)], now);
    expect(await outbox.forgetListings(platform, app, 10)).toBe(false);
    const empty = await outbox.beginListing(platform, app, now);
    expect(await outbox.keepsEarlier(needed, empty, now)).toBe(false);
    expect(await outbox.keepsEarlier(surplus, empty, now)).toBe(true);
  });

  test('is forgotten in steps where it was long', async () => {
    const outbox = await opened();
    const page = Array.from({ length: 25 }, (_, n) => listed(`run-${String(n)}`, null));
    const [first, second] = [
      await outbox.beginListing(platform, app, now),
      await outbox.beginListing(platform, app, now),
    ];
    for (const listing of [first, second]) await outbox.addPage(listing, platform, app, page, now);
    const empty = await outbox.beginListing(platform, 'tortoise-app', now);
    const steps = [];
    for (let step = 0; step < 7; step += 1) {
      const isMore = await outbox.forgetListings(platform, app, 10);
      const isThere = async (listing: number) => !(await outbox.keepsEarlier(listing, empty, now));
      steps.push([isMore, await isThere(first), await isThere(second)]);
    }
    expect(steps).toEqual([
      [true, true, true],
      [true, true, true],
      [true, false, true],
      [true, false, true],
      [true, false, false],
      [false, false, false],
      [false, false, false],
    ]);
  });
});

describe('a run’s story', () => {
  test('keeps its newest two hundred entries', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun(), chance);
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => outbox.apply(1, { kind: 'retry' }, later(n + 1))),
    );
    const story = await outbox.history(1);
    expect(story).toHaveLength(200);
    expect(story.at(0)?.atMs).toBe(now + 101);
    expect(story.at(-1)?.atMs).toBe(now + 300);
  });

  test('keeps each warning once, and fifty at most', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun(), chance);
    await outbox.addWarnings(1, ['a', 'b']);
    await outbox.addWarnings(1, ['b', 'c']);
    expect((await outbox.run(1))?.warnings).toEqual(['a', 'b', 'c']);
    await outbox.addWarnings(
      1,
      Array.from({ length: 100 }, (_, n) => `w${n}`),
    );
    expect((await outbox.run(1))?.warnings).toHaveLength(50);
  });
});

describe('folders', () => {
  const folder = (path: string, more: Partial<Folder> = {}): Folder => ({
    dropRoot: 'plans',
    path,
    state: 'settling',
    reason: { class: 'settling', text: 'waiting for output.json' },
    hint: '',
    signature: 's',
    directory: newDirectory(),
    firstSeenMs: now,
    changedAtMs: now,
    sinceMs: now,
    run: null,
    target: 'here',
    ...more,
  });

  test('are read as they were saved, and first seen stays what it was', async () => {
    const outbox = await opened();
    const saved = folder('a');
    await outbox.saveFolder(saved);
    expect(await outbox.folders('plans', ['a', 'absent'])).toEqual([saved]);
    await outbox.saveFolder({ ...saved, state: 'overdue', firstSeenMs: now + 9, changedAtMs: now + 9 });
    expect(await outbox.folders('plans', ['a'])).toEqual([
      { ...saved, state: 'overdue', changedAtMs: now + 9 },
    ]);
    await outbox.forgetFolder('plans', 'a');
    expect(await outbox.folders('plans', ['a'])).toEqual([]);
  });

  test('are skipped only in a state that the word was said of, with all else as it is by now', async () => {
    const outbox = await opened();
    await outbox.saveFolder(folder('late', { state: 'overdue' }));
    await outbox.saveFolder(folder('done', { state: 'known', run: 1 }));
    const now1 = now + 1;
    expect(await outbox.skipFolder('plans', 'late', ['rejected'], now1)).toBeNull();
    expect(await outbox.skipFolder('plans', 'late', ['rejected', 'overdue'], now1)).toMatchObject({
      ...{ path: 'late', state: 'skipped', sinceMs: now1, changedAtMs: now, signature: 's' },
      hint: 'It is looked at again when its content changes.',
    });
    expect(await outbox.skipFolder('plans', 'done', ['rejected', 'overdue'], now1)).toBeNull();
    expect(await outbox.skipFolder('plans', 'absent', ['rejected', 'overdue'], now1)).toBeNull();
    const states = (await outbox.foldersOfRoot('plans', '', 9)).map(({ path, state }) => [path, state]);
    expect(states).toEqual([
      ['done', 'known'],
      ['late', 'skipped'],
    ]);
  });

  test('come in pages, in the order of their paths and of their root alone', async () => {
    const outbox = await opened();
    for (const path of ['c', 'a', 'b']) await outbox.saveFolder(folder(path));
    await outbox.saveFolder(folder('a2', { dropRoot: 'other' }));
    const first = await outbox.foldersOfRoot('plans', '', 2);
    expect(first.map(({ path }) => path)).toEqual(['a', 'b']);
    expect((await outbox.foldersOfRoot('plans', 'b', 2)).map(({ path }) => path)).toEqual(['c']);
  });

  test('of a small root that are dealt with are told to a scan, all of them or none', async () => {
    const outbox = await opened();
    for (const path of ['b', 'a']) await outbox.saveFolder(folder(path, { state: 'known', signature: path }));
    await outbox.saveFolder(folder('c', { state: 'rejected', signature: 'c' }));
    for (const state of ['settling', 'overdue'] as const) await outbox.saveFolder(folder(state, { state }));
    await outbox.saveFolder(folder('d', { state: 'known', dropRoot: 'other' }));
    const recorded = async (max: number) => (await outbox.scanFacts('plans', max)).recorded;
    expect(await recorded(3)).toEqual(['a', 'b', 'c'].map((path) => [path, path]));
    expect(await recorded(2)).toBeNull();
    expect((await outbox.scanFacts('unknown', 3)).recorded).toEqual([]);
  });

  test('are counted by root and state, those that are runs as runs', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun(), chance);
    await outbox.saveFolder(folder('weekly', { state: 'known', run: 1 }));
    await outbox.saveFolder(folder('b'));
    await outbox.saveFolder(folder('c', { state: 'rejected' }));
    await outbox.saveFolder(folder('d', { dropRoot: 'other' }));
    expect(await outbox.counts()).toEqual({
      states: { queued: 1, settling: 2, rejected: 1 },
      backlog: [],
      differing: 0,
      folders: [
        { state: 'rejected', dropRoot: 'plans', count: 1 },
        { state: 'settling', dropRoot: 'other', count: 1 },
        { state: 'settling', dropRoot: 'plans', count: 1 },
      ],
    });
  });

  test('in one state come in pages, in the order of root and path', async () => {
    const outbox = await opened();
    for (const path of ['c', 'a', 'b']) await outbox.saveFolder(folder(path));
    await outbox.saveFolder(folder('a', { dropRoot: 'other' }));
    await outbox.saveFolder(folder('z', { state: 'rejected' }));
    const page = async (...args: Parameters<Outbox['openFolders']>) =>
      (await outbox.openFolders(...args)).map(({ dropRoot, path }) => `${dropRoot}/${path}`);
    expect(await page('settling', null, null, 2)).toEqual(['other/a', 'plans/a']);
    expect(await page('settling', null, { dropRoot: 'plans', path: 'a' }, 2)).toEqual(['plans/b', 'plans/c']);
    expect(await page('settling', 'plans', null, 2)).toEqual(['plans/a', 'plans/b']);
    expect(await page('settling', 'plans', { dropRoot: 'plans', path: 'b' }, 2)).toEqual(['plans/c']);
    expect(await page('overdue', null, null, 2)).toEqual([]);
  });

  test('that settle tell when one of them last changed', async () => {
    const outbox = await opened();
    expect(await outbox.newestChangeMs()).toBeNull();
    await outbox.saveFolder(folder('a', { changedAtMs: now + 5 }));
    await outbox.saveFolder(folder('b', { changedAtMs: now + 3 }));
    await outbox.saveFolder(folder('c', { changedAtMs: now + 9, state: 'rejected' }));
    expect(await outbox.newestChangeMs()).toBe(now + 5);
  });

  test('lie in a root that is remembered', async () => {
    const outbox = await opened();
    expect(await outbox.rootPlace('plans')).toEqual({ mark: null, realPath: null });
    await outbox.saveRootMark('plans', '1 2');
    await outbox.saveRootMark('plans', '1 3');
    expect(await outbox.rootPlace('plans')).toEqual({ mark: '1 3', realPath: null });
  });
});

describe('a list of runs', () => {
  test.each([
    { name: 'has the newest first', query: {}, runs: [6, 5, 4, 3, 2, 1] },
    { name: 'is as long as it is asked to be', query: { limit: 2 }, runs: [6, 5] },
    { name: 'goes on where the last one ended', query: { limit: 2, beforeRun: 5 }, runs: [4, 3] },
    { name: 'has the states that are asked for', query: { states: ['skipped' as const] }, runs: [5, 3, 1] },
    {
      name: 'has several states in one order',
      query: { states: ['queued' as const, 'skipped' as const], limit: 4 },
      runs: [6, 5, 4, 3],
    },
    {
      name: 'has no runs where only folders are asked for',
      query: { states: ['settling' as const] },
      runs: [],
    },
    { name: 'has those since a time', query: { sinceMs: now + 4 }, runs: [6, 5] },
    { name: 'has those of a root', query: { dropRoot: 'other' }, runs: [] },
  ])('$name', async ({ query, runs }) => {
    const outbox = await opened();
    for (let n = 0; n < 6; n += 1) await outbox.enqueue(newRun({ path: `run-${n}` }), later(n));
    for (const run of [1, 3, 5]) await outbox.apply(run, { kind: 'skip' }, chance);
    const found = await outbox.list({
      states: [],
      dropRoot: null,
      sinceMs: null,
      beforeRun: null,
      limit: 10,
      ...query,
    });
    expect(found.map(({ run }) => run)).toEqual(runs);
  });

  test('finds those of one root among many of others', async () => {
    const outbox = await opened();
    const wanted = newRun({ path: 'mine' });
    await outbox.enqueue({ ...wanted, key: { ...wanted.key, dropRoot: 'other' } }, chance);
    for (let n = 0; n < 30; n += 1) await outbox.enqueue(newRun({ path: `run-${n}` }), chance);
    const query = { states: [], dropRoot: 'other', sinceMs: null, beforeRun: null, limit: 3 };
    expect((await outbox.list(query)).map(({ run }) => run)).toEqual([1]);
    expect((await outbox.oldestOf('queued'))?.run).toBe(1);
    expect(await outbox.oldestOf('recorded')).toBeNull();
  });

  test('finds those of one root and state, whether the root or the state has more of others', async () => {
    const outbox = await opened();
    const enqueue = async (dropRoot: string, path: string): Promise<void> => {
      const wanted = newRun({ path });
      await outbox.enqueue({ ...wanted, key: { ...wanted.key, dropRoot } }, chance);
    };
    for (let n = 0; n < 10; n += 1) await enqueue('large', `run-${n}`);
    for (let n = 0; n < 3; n += 1) await enqueue('small', `run-${n}`);
    for (const run of [2, 9, 12]) await outbox.apply(run, { kind: 'skip' }, chance);
    const runsOf = async (dropRoot: string, state: 'queued' | 'skipped', beforeRun: number | null = null) => {
      const query = { states: [state], dropRoot, sinceMs: null, beforeRun, limit: 2 };
      return (await outbox.list(query)).map(({ run }) => run);
    };
    expect(await runsOf('large', 'skipped')).toEqual([9, 2]);
    expect(await runsOf('large', 'queued')).toEqual([10, 8]);
    expect(await runsOf('large', 'queued', 8)).toEqual([7, 6]);
    expect(await runsOf('small', 'skipped')).toEqual([12]);
    expect(await runsOf('small', 'queued')).toEqual([13, 11]);
    expect(await runsOf('absent', 'queued')).toEqual([]);
  });
});
