/** What becomes of the rows of an outbox that may be behind, and of what it finds after that. */
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/core/identity.ts';
import type { Folder } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import {
  chance,
  claimed,
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
  temporaryFolder,
  trouble,
  type Wanted,
} from './runs.ts';

const app = newRun().key.app;
const second = 1_000;

/** An outbox with a name and a drop root, as it is after a start. */
async function used(stateDir = temporaryFolder()): Promise<Outbox> {
  const outbox = await opened(stateDir);
  await outbox.freezeHost('solver-7', now);
  await outbox.saveRootMark('plans', 'mark');
  return outbox;
}

async function put(outbox: Outbox, wanted: Wanted = {}, at = chance): Promise<number> {
  return (await outbox.enqueue(newRun(wanted), at)).run;
}

const doubted = { kind: 'unknown', platformTimeMs: 0, absent: null, mayResend: false };

async function stateOf(outbox: Outbox, run: number): Promise<unknown> {
  return (await outbox.run(run))?.life.state;
}

describe('when distrust begins', () => {
  test('each row that is not tracked is in doubt, and each that is stays as it is', async () => {
    const outbox = await used();
    const states = ['queued', 'uploaded', 'unknown', 'tracked', 'recorded'] as const;
    const runs: Record<string, number> = {};
    for (const state of states) {
      const run = (runs[state] = await put(outbox, { path: state }));
      // Each run on the platform is one row's.
      const happenings = road[state].map((step) =>
        step.kind === 'made' ? { ...step, runId: `run-${state}` } : step,
      );
      await taken(outbox, run, happenings);
    }
    const parked = await put(outbox, { path: 'parked', doubt: trouble });
    const skipped = await put(outbox, { path: 'skipped' });
    await outbox.apply(skipped, { kind: 'skip' }, chance);
    const gone = await put(outbox, { path: 'gone' });
    await outbox.apply(gone, { kind: 'vanished' }, chance);

    expect(await outbox.beginDistrust('a reason', null, later(second))).toBe(true);
    const is = { ...doubted, endedAtMs: now + second };
    for (const state of ['queued', 'uploaded', 'unknown'])
      expect(await stateOf(outbox, runs[state] ?? 0)).toEqual(is);
    expect(await stateOf(outbox, runs['tracked'] ?? 0)).toMatchObject({ kind: 'tracked' });
    expect(await stateOf(outbox, runs['recorded'] ?? 0)).toMatchObject({ kind: 'recorded' });
    expect(await stateOf(outbox, parked)).toMatchObject({ kind: 'parked', from: is });
    expect(await stateOf(outbox, skipped)).toMatchObject({ kind: 'skipped', from: is });
    expect((await outbox.run(gone))?.life).toMatchObject({ state: { kind: 'gone' }, everUnknown: true });
    expect((await claimed(outbox, far, 99)).map(({ path }) => path)).toEqual(['tracked']);
    expect(await outbox.distrust()).toEqual({ sinceMs: now + second, reason: 'a reason' });
  });

  test('a thousand rows are doubted, whatever page they stand on', async () => {
    const outbox = await used();
    await Promise.all(Array.from({ length: 1_001 }, (_, n) => put(outbox, { path: `run-${n}` })));
    await outbox.beginDistrust('a reason', null, later(second));
    expect((await outbox.counts()).states).toEqual({ unknown: 1_001 });
  });

  test.each(['queued', 'uploaded'] as const)(
    'a run in somebody’s hand that is %s is taken out of it: that hand sends nothing',
    async (state) => {
      const outbox = await used();
      const claim = await taken(outbox, await put(outbox), road[state], true);
      await outbox.beginDistrust('a reason', null, later(second));
      const next =
        state === 'queued'
          ? concluded(claim, { kind: 'uploadsLanded', uploads: [], failure: null })
          : concluded(claim, { kind: 'intended', platformTimeMs: now });
      expect(await outbox.conclude(claim, next, true, now)).toBe(false);
      expect(await stateOf(outbox, claim.run)).toMatchObject(doubted);
    },
  );

  test('a request that is under way is not taken back: its answer counts', async () => {
    const outbox = await used();
    const claim = await taken(outbox, await put(outbox), road.intended, true);
    await outbox.beginDistrust('a reason', null, later(second));
    expect(await outbox.conclude(claim, concluded(claim, { kind: 'made', runId: 'run-a' }), false, now)).toBe(
      true,
    );
    expect(await stateOf(outbox, claim.run)).toMatchObject({ kind: 'tracked', runId: 'run-a' });
  });

  test('it outlives the process', async () => {
    const stateDir = temporaryFolder();
    const outbox = await used(stateDir);
    const run = await put(outbox);
    await outbox.beginDistrust('a reason', null, later(second), ['rt1:stranger']);
    await outbox.close();
    const again = await opened(stateDir);
    expect(await again.distrust()).toEqual({ sinceMs: now + second, reason: 'a reason' });
    expect(await stateOf(again, run)).toMatchObject(doubted);
  });

  test('what is older than an earlier distrust begins no other', async () => {
    const outbox = await used();
    await outbox.beginDistrust('the first', null, later(second));
    const run = await put(outbox, { newestFileChangeMs: now + 2 * second }, later(2 * second));
    await outbox.noteWholeScan('plans', now + 2 * second);
    expect(await outbox.beginDistrust('the second', now + second, later(3 * second))).toBe(false);
    expect(await outbox.distrust()).toMatchObject({ reason: 'the first' });
    expect(await outbox.beginDistrust('the third', now + second + 1, later(4 * second))).toBe(true);
    expect(await outbox.distrust()).toEqual({ sinceMs: now + 4 * second, reason: 'the third' });
    expect(await stateOf(outbox, run)).toMatchObject({ ...doubted, endedAtMs: now + 4 * second });
  });
});

describe('what is found after distrust began', () => {
  async function distrusted(): Promise<Outbox> {
    const outbox = await used();
    await outbox.beginDistrust('a reason', null, later(second));
    return outbox;
  }
  const since = now + second;
  const folderSeen = (path: string, firstSeenMs: number): Folder => ({
    dropRoot: 'plans',
    path,
    state: 'settling',
    reason: { class: 'settling', text: 'waiting' },
    hint: '',
    signature: 's',
    directory: newDirectory(),
    firstSeenMs,
    changedAtMs: now,
    sinceMs: now,
    run: null,
    target: '',
  });
  /** Long after, as far as the clock of the files goes. */
  const fresh = { newestFileChangeMs: since + 60 * second };
  const at = later(90 * second);

  test('is in doubt while the first whole scan is under way, whatever its times say', async () => {
    const outbox = await distrusted();
    const run = await put(outbox, fresh, at);
    expect(await outbox.run(run)).toMatchObject({
      life: { state: doubted, everUnknown: true },
      dueAtMs: at.nowMs,
    });
    expect((await outbox.history(run)).map(({ state }) => state)).toEqual(['queued', 'unknown']);
  });

  test('is new once that scan is done, if its files are', async () => {
    const outbox = await distrusted();
    await outbox.noteWholeScan('plans', since + 30 * second);
    const run = await put(outbox, fresh, at);
    expect(await outbox.run(run)).toMatchObject({
      life: { state: { kind: 'queued', uploads: [] }, everUnknown: false },
    });
  });

  test.each([
    { name: 'as old as the distrust', newestFileChangeMs: since, is: 'unknown' },
    { name: 'a moment younger', newestFileChangeMs: since + 1, is: 'queued' },
  ])('is in doubt for ever when its files are $name: $is', async ({ newestFileChangeMs, is }) => {
    const outbox = await distrusted();
    await outbox.noteWholeScan('plans', since + 30 * second);
    expect(await stateOf(outbox, await put(outbox, { newestFileChangeMs }, at))).toMatchObject({ kind: is });
  });

  test('is in doubt when that scan had seen its folder, complete or not', async () => {
    const outbox = await distrusted();
    await outbox.saveFolder(folderSeen('weekly', since + 30 * second));
    await outbox.noteWholeScan('plans', since + 30 * second);
    await outbox.saveFolder(folderSeen('later', since + 30 * second + 1));
    expect(await stateOf(outbox, await put(outbox, fresh, at))).toMatchObject(doubted);
    expect(await stateOf(outbox, await put(outbox, { ...fresh, path: 'later' }, at))).toMatchObject({
      kind: 'queued',
    });
  });

  test('is in doubt when that scan had seen its folder before the clock was set back', async () => {
    const outbox = await distrusted();
    await outbox.saveFolder(folderSeen('weekly', since + 45 * second));
    await outbox.noteWholeScan('plans', since + 30 * second);
    expect(await stateOf(outbox, await put(outbox, fresh, at))).toMatchObject(doubted);
  });

  test('is new in a folder whose content of that scan is a run since, and not where the run is older', async () => {
    const outbox = await distrusted();
    const before = await put(outbox, { ...fresh, path: 'before' }, at);
    await outbox.saveFolder({ ...folderSeen('before', since), run: before });
    await outbox.saveFolder(folderSeen('since', since));
    await outbox.noteWholeScan('plans', since + 30 * second);
    expect(await stateOf(outbox, await put(outbox, { ...fresh, path: 'since' }, at))).toMatchObject(doubted);
    for (const [path, kind] of Object.entries({ before: 'unknown', since: 'queued' }))
      expect(
        await stateOf(outbox, await put(outbox, { ...fresh, path, text: 'rewritten' }, at)),
        path,
      ).toMatchObject({ kind });
  });

  test('is in doubt again after a second distrust, until a whole scan has followed that one', async () => {
    const outbox = await distrusted();
    await outbox.noteWholeScan('plans', since + 30 * second);
    await outbox.beginDistrust('another reason', null, later(40 * second));
    expect(await stateOf(outbox, await put(outbox, { ...fresh, path: 'a' }, at))).toMatchObject(doubted);
    await outbox.noteWholeScan('plans', since + 80 * second);
    expect(await stateOf(outbox, await put(outbox, { ...fresh, path: 'b' }, at))).toMatchObject({
      kind: 'queued',
    });
  });

  test('counts from the first whole scan, not from the last', async () => {
    const outbox = await distrusted();
    await outbox.noteWholeScan('plans', since + 10 * second);
    await outbox.saveFolder(folderSeen('weekly', since + 50 * second));
    await outbox.noteWholeScan('plans', since + 80 * second);
    expect(await stateOf(outbox, await put(outbox, fresh, at))).toMatchObject({ kind: 'queued' });
  });

  test('is in doubt as a copied or moved folder is: parked, and looked for by a retry', async () => {
    const outbox = await distrusted();
    const run = await put(outbox, { doubt: trouble }, at);
    expect(await stateOf(outbox, run)).toMatchObject({ kind: 'parked', from: doubted });
    await outbox.apply(run, { kind: 'retry' }, at);
    expect(await stateOf(outbox, run)).toMatchObject(doubted);
  });

  test('is nothing to doubt in an outbox that is trusted', async () => {
    const outbox = await used();
    expect(await outbox.distrust()).toBeNull();
    expect(await stateOf(outbox, await put(outbox, { newestFileChangeMs: 1 }))).toMatchObject({
      kind: 'queued',
    });
  });
});

describe('a clock that was a day ahead when distrust began', () => {
  const day = 86_400 * second;
  /** How it is set back: while the process watches, or while none runs. */
  const ways = [
    { when: 'under the daemon', set: (outbox: Outbox) => outbox.clockSet(-day, now + 10 * second) },
    { when: 'before it starts again', set: (outbox: Outbox) => outbox.takeOver(later(10 * second)) },
  ];
  /** Distrusted, scanned, and then set back: of the two folders one was seen by that scan, and one after it. */
  const setBack = async (set: (outbox: Outbox) => Promise<unknown>): Promise<Outbox> => {
    const outbox = await used();
    await outbox.beginDistrust('the first', null, later(day));
    await outbox.saveFolder({ ...seen, path: 'seen', firstSeenMs: now + day + second });
    await outbox.noteWholeScan('plans', now + day + second);
    await outbox.saveFolder({ ...seen, path: 'after', firstSeenMs: now + day + 2 * second });
    await set(outbox);
    return outbox;
  };
  const seen: Folder = {
    ...{ dropRoot: 'plans', path: '', state: 'settling', hint: '', signature: 's', target: '' },
    reason: { class: 'settling', text: 'waiting' },
    directory: newDirectory(),
    ...{ firstSeenMs: now, changedAtMs: now, sinceMs: now, run: null },
  };

  test.each(ways)('and is set back $when: what the list shows then is believed', async ({ set }) => {
    const outbox = await setBack(set);
    expect((await outbox.distrust())?.sinceMs).toBeLessThanOrEqual(now + 10 * second);
    const evidenceMs = now + 20 * second;
    expect(await outbox.beginDistrust('the second', evidenceMs, later(30 * second))).toBe(true);
  });

  test.each(ways)('and is set back $when: only what comes then is new', async ({ set }) => {
    const outbox = await setBack(set);
    const at = later(40 * second);
    const fresh = { newestFileChangeMs: now + 30 * second };
    await outbox.saveFolder({ ...seen, path: 'new', firstSeenMs: now + 20 * second });
    for (const [path, kind] of Object.entries({ seen: 'unknown', after: 'queued', new: 'queued' }))
      expect(await stateOf(outbox, await put(outbox, { ...fresh, path }, at)), path).toMatchObject({ kind });
  });

  test('and is set ahead again: distrust is as long ago as it was, and never ahead', async () => {
    const outbox = await used();
    await outbox.beginDistrust('a reason', null, later(second));
    await outbox.clockSet(-day, now - day + 10 * second);
    expect(await outbox.distrust()).toMatchObject({ sinceMs: now - day + second });
    await outbox.clockSet(day, now + 20 * second);
    expect(await outbox.distrust()).toMatchObject({ sinceMs: now + second });
    await outbox.clockSet(day, now + 30 * second);
    expect(await outbox.distrust()).toMatchObject({ sinceMs: now + 30 * second });
  });

  test('moves nothing of an outbox that is trusted', async () => {
    const outbox = await used();
    await outbox.clockSet(-day, now);
    await outbox.takeOver(chance);
    expect(await outbox.distrust()).toBeNull();
  });
});

describe('a result file that is believed', () => {
  test('settles its run at once: recorded under its id, and nothing is due', async () => {
    const outbox = await used();
    await outbox.beginDistrust('a reason', null, later(second));
    const run = await put(outbox, { believed: { runId: 'run-b' } }, later(2 * second));
    expect(await outbox.run(run)).toMatchObject({
      life: { state: { kind: 'recorded', runId: 'run-b' } },
      dueAtMs: null,
    });
    expect((await outbox.history(run)).at(-1)?.note).toContain('run-b');
  });

  test('shows that the outbox is behind, in the same change: nothing is used up by a process that dies', async () => {
    const outbox = await used();
    const waiting = await put(outbox, { path: 'waiting' });
    const before = outbox.groupsCommitted();
    const wanted = newRun({ believed: { runId: 'run-b' } });
    const enqueued = await outbox.enqueue(wanted, later(second));
    expect(outbox.groupsCommitted() - before).toBe(1);
    expect(enqueued).toMatchObject({ kind: 'new', distrust: expect.stringContaining('run-b') as string });
    expect(await outbox.distrust()).toMatchObject({ sinceMs: now + second });
    expect(await stateOf(outbox, waiting)).toMatchObject(doubted);
    // It is known from now on, and so is what followed from it.
    expect(await outbox.enqueue(wanted, later(2 * second))).toEqual({ run: enqueued.run, kind: 'known' });
    const older = newRun({ path: 'b', believed: { runId: 'run-c' } });
    expect(await outbox.enqueue(older, later(2 * second))).not.toHaveProperty('distrust');
  });

  test('is not believed when another row has that run already: one run is one row’s', async () => {
    const outbox = await used();
    await put(outbox, { believed: { runId: 'run-b' } });
    const other = await put(outbox, { path: 'copy', believed: { runId: 'run-b' } });
    expect(await stateOf(outbox, other)).not.toMatchObject({ kind: 'recorded' });
  });

  test('has the key that it proves, so that the next folder at its first path gets another', async () => {
    const outbox = await used();
    const proof = { runId: 'run-b', firstPath: 'day', counter: 3 };
    const run = await put(outbox, { path: 'day.1', believed: proof });
    const key = { ...newRun().key, firstPath: 'day', counter: 3 };
    expect(await outbox.run(run)).toMatchObject({ key, fingerprint: fingerprintOf(key), path: 'day.1' });
    const fresh = await put(outbox, { path: 'day' });
    expect(await outbox.run(fresh)).toMatchObject({ key: { firstPath: 'day', counter: 4 } });
  });

  test('has the next key of its own path where another row has the one that it proves', async () => {
    const outbox = await used();
    await put(outbox, { path: 'day' });
    const run = await put(outbox, { path: 'day.1', believed: { runId: 'run-b', firstPath: 'day' } });
    expect(await outbox.run(run)).toMatchObject({
      key: { firstPath: 'day.1', counter: 1 },
      life: { state: { kind: 'recorded', runId: 'run-b' } },
    });
  });

  test('does not show that the outbox is behind when another row has that run: it is known', async () => {
    const outbox = await used();
    await taken(outbox, await put(outbox, { path: 'a' }), road.recorded);
    const believed = { runId: 'run-a', firstPath: 'a' };
    expect(await outbox.enqueue(newRun({ path: 'b', believed }), chance)).toEqual({ run: 2, kind: 'new' });
    expect(await outbox.distrust()).toBeNull();
  });

  test('counts for its own app alone', async () => {
    const outbox = await used();
    await put(outbox, { believed: { runId: 'run-b' } });
    const other = await put(outbox, { app: 'tortoise-app', believed: { runId: 'run-b' } });
    expect(await stateOf(outbox, other)).toMatchObject({ kind: 'recorded' });
  });

  test('settles a folder that may be a copy as well, without a question', async () => {
    const outbox = await used();
    const run = await put(outbox, { doubt: trouble, believed: { runId: 'run-b' } });
    expect(await stateOf(outbox, run)).toMatchObject({ kind: 'recorded' });
  });
});

describe('runs in the list under our host’s name', () => {
  const listed = (fingerprint: string | null, host: string | null = 'solver-7', runId = 'run-x') => ({
    runId,
    createdAtMs: now,
    fingerprint,
    generation: newRun().key.generation.slice(0, 10),
    host,
  });

  test('are strangers when nobody here knows them, and not when they are another host’s or carry nothing', async () => {
    const outbox = await used();
    const all = [
      listed('rt1:stranger'),
      listed('rt1:other', 'another'),
      listed(null),
      listed('rt1:bare', null),
    ];
    expect((await outbox.recognise('solver-7', all)).strangers).toMatchObject([all[0]]);
  });

  test.each([
    { state: 'queued', isStrange: true },
    { state: 'uploaded', isStrange: true },
    { state: 'intended', isStrange: false },
    { state: 'unknown', isStrange: false },
    { state: 'tracked', isStrange: false },
    { state: 'recorded', isStrange: false },
  ] as const)(
    'are strange while the outbox takes them for unsent: $state is $isStrange',
    async ({ state, isStrange }) => {
      const outbox = await used();
      const run = await put(outbox);
      await taken(outbox, run, road[state], true);
      const own = listed((await outbox.run(run))?.fingerprint ?? '');
      expect((await outbox.recognise('solver-7', [own])).strangers).toMatchObject(isStrange ? [own] : []);
    },
  );

  test.each([
    { state: 'queued', how: 'skip', isStrange: true },
    { state: 'queued', how: 'crashedAlone', isStrange: true },
    { state: 'queued', how: 'vanished', isStrange: true },
    { state: 'queued', how: 'newerContent', isStrange: true },
    { state: 'unknown', how: 'crashedAlone', isStrange: false },
    { state: 'tracked', how: 'skip', isStrange: false },
  ] as const)(
    'are strange while a person’s word or the folder would send it: $state, $how, is $isStrange',
    async ({ state, how, isStrange }) => {
      const outbox = await used();
      const run = await put(outbox);
      await taken(outbox, run, road[state]);
      await outbox.apply(run, { kind: how }, later(second));
      const own = listed((await outbox.run(run))?.fingerprint ?? '');
      expect((await outbox.recognise('solver-7', [own])).strangers).toMatchObject(isStrange ? [own] : []);
    },
  );

  test('are asked about without being used up, and wondered at once distrust has come of them', async () => {
    const outbox = await used();
    const page = [listed('rt1:one'), listed('rt1:two', 'solver-7', 'run-y')];
    expect((await outbox.recognise('solver-7', page)).strangers).toMatchObject(page);
    expect((await outbox.recognise('solver-7', page)).strangers).toMatchObject(page);
    await outbox.beginDistrust('a reason', null, later(second), ['rt1:one']);
    expect((await outbox.recognise('solver-7', page)).strangers).toMatchObject([page[1]]);
    // Also when an earlier distrust covers what they show.
    expect(await outbox.beginDistrust('a reason', now, later(second), ['rt1:two'])).toBe(false);
    expect((await outbox.recognise('solver-7', page)).strangers).toMatchObject([]);
  });

  test('are wondered at no more, once distrust has come, when their folder had gone away or had got other content', async () => {
    const outbox = await used();
    for (const how of ['vanished', 'newerContent'] as const) {
      const run = await put(outbox, { path: how });
      await outbox.apply(run, { kind: how }, later(second));
      await outbox.beginDistrust('a reason', null, later(second));
      const own = listed((await outbox.run(run))?.fingerprint ?? '');
      expect(await outbox.recognise('solver-7', [own])).toEqual({ strangers: [], newestOwnMs: null });
    }
  });

  test('are the outbox’s own when it has their ids: the newest says how far it knows', async () => {
    const outbox = await used();
    const own = async (path: string, state: keyof typeof road, runId: string) => {
      const run = await put(outbox, { path });
      await taken(outbox, run, road[state]);
      return listed((await outbox.run(run))?.fingerprint ?? '', 'solver-7', runId);
    };
    const known = await own('one', 'tracked', 'run-a');
    const asked = async (...runs: (typeof known)[]) => (await outbox.recognise('solver-7', runs)).newestOwnMs;
    const older = { ...known, createdAtMs: now - 60 * second };
    const { runId } = (await outbox.run(1))?.life.state as { runId: string };
    expect(await asked({ ...older, runId }, { ...known, runId })).toBe(now);
    // One that is only looked for was sent when nobody here knows, and so was a second one of the same folder.
    expect(await asked(await own('two', 'unknown', 'run-b'))).toBeNull();
    expect(await asked({ ...known, runId: 'run-of-the-same-folder' })).toBeNull();
    const sought = await own('three', 'unknown', 'run-c');
    await outbox.apply(3, { kind: 'found', runId: 'run-c', isPartOfList: false }, later(second));
    expect(await asked(sought)).toBeNull();
    expect(await asked({ ...known, runId, host: 'another' })).toBeNull();
  });

  test('prove an app that has none, on its platform alone, as far as its list went', async () => {
    const outbox = await used();
    expect(await outbox.proof(platform, app)).toBeNull();
    await outbox.noteProof(platform, app, null, now);
    expect(await outbox.proof(platform, app)).toEqual({ newestMs: null });
    for (const [newestMs, is] of [
      [7, 7],
      [9, 9],
      // What the platform's clock said when it was wrong does not stay.
      [8, 8],
      [null, 8],
    ] as const) {
      await outbox.noteProof(platform, app, newestMs, now + 1);
      expect(await outbox.proof(platform, app)).toEqual({ newestMs: is });
    }
    expect(await outbox.proof(platform, 'tortoise-app')).toBeNull();
    expect(await outbox.proof('https://another.test', app)).toBeNull();
  });
});

describe('a clock that is set while very many are looked for', () => {
  const runs = 1_001;
  const manyDoubted = async (stateDir = temporaryFolder()): Promise<Outbox> => {
    const outbox = await used(stateDir);
    await Promise.all(Array.from({ length: runs }, (_, n) => put(outbox, { path: `run-${n}` })));
    await outbox.beginDistrust('a reason', null, later(second));
    return outbox;
  };
  const allOf = async (outbox: Outbox) =>
    await outbox.list({ states: ['unknown'], dropRoot: null, sinceMs: null, beforeRun: null, limit: runs });
  const endsOf = (found: Awaited<ReturnType<typeof allOf>>) =>
    new Set(found.map(({ life: { state } }) => (state.kind === 'unknown' ? state.endedAtMs : null)));

  test('keeps nobody waiting until all of them are moved, and moves each once', async () => {
    const outbox = await manyDoubted();
    const clock = { isSet: false };
    const setting = outbox.clockSet(60 * second, now + 600 * second).then(() => (clock.isSet = true));
    let answers = 0;
    while (!clock.isSet) {
      await outbox.counts();
      answers += 1;
    }
    await setting;
    expect(answers).toBeGreaterThan(8);
    const moved = await allOf(outbox);
    expect(moved).toHaveLength(runs);
    expect([...endsOf(moved)]).toEqual([now + 61 * second]);
  });

  test('back makes none of them wait for as long', async () => {
    const outbox = await manyDoubted();
    const day = 86_400 * second;
    await outbox.clockSet(-day, now + second - day);
    const moved = await allOf(outbox);
    expect([...endsOf(moved)]).toEqual([now + second - day]);
    expect(new Set(moved.map(({ dueAtMs }) => dueAtMs))).toEqual(new Set([now + second - day]));
  });

  test('in a process that ends in the middle leaves each of them as something to look for', async () => {
    const stateDir = temporaryFolder();
    const outbox = await manyDoubted(stateDir);
    const day = 86_400 * second;
    const byMs = -day;
    const then = later(second - day);
    await outbox.clockSetFor('unknown', byMs, then.nowMs, 0, 500);
    await outbox.close();
    const again = await opened(stateDir);
    await again.takeOver(then);
    const found = await allOf(again);
    expect(found).toHaveLength(runs);
    expect([...endsOf(found)]).toEqual([then.nowMs]);
    expect(Math.max(...found.map(({ dueAtMs }) => dueAtMs ?? 0))).toBeLessThanOrEqual(
      then.nowMs + chance.policy.backoff.delayMsMax,
    );
  });
});

describe('a twin', () => {
  const generation = newRun().key.generation.slice(0, 10);
  async function lookedFor(): Promise<{ outbox: Outbox; run: number; listing: number }> {
    const outbox = await used();
    const run = await put(outbox);
    await outbox.beginDistrust('a reason', null, later(second));
    return { outbox, run, listing: await outbox.beginListing(platform, app, now) };
  }
  const other = (more: object = {}) => ({
    runId: 'run-twin',
    createdAtMs: now,
    fingerprint: 'rt1:elsewhere',
    generation,
    host: 'solver-7',
    ...more,
  });

  test('is a run with this content under a fingerprint that nobody here knows', async () => {
    const { outbox, run, listing } = await lookedFor();
    expect((await outbox.run(run))?.twin).toBeNull();
    await outbox.addPage(listing, platform, app, [other()], now);
    expect((await outbox.run(run))?.twin).toBe('run-twin');
  });

  test.each([
    { name: 'other content', more: { generation: '0123456789' } },
    { name: 'no content said', more: { generation: null } },
    { name: 'no fingerprint', more: { fingerprint: null } },
  ])('is not one with $name', async ({ more }) => {
    const { outbox, run, listing } = await lookedFor();
    await outbox.addPage(listing, platform, app, [other(more)], now);
    expect((await outbox.run(run))?.twin).toBeNull();
  });

  test('is not one in the list of another app', async () => {
    const { outbox, run } = await lookedFor();
    const listing = await outbox.beginListing(platform, 'tortoise-app', now);
    await outbox.addPage(listing, platform, 'tortoise-app', [other()], now);
    expect((await outbox.run(run))?.twin).toBeNull();
  });

  test('is not the run of a copy that this outbox knows', async () => {
    const { outbox, run, listing } = await lookedFor();
    const copy = await put(outbox, { path: 'copy' }, later(2 * second));
    const { fingerprint = '' } = (await outbox.run(copy)) ?? {};
    await outbox.addPage(listing, platform, app, [other({ fingerprint })], now);
    expect((await outbox.run(run))?.twin).toBeNull();
  });

  test('is not looked for where the outbox is trusted: two hosts may solve the same', async () => {
    const outbox = await used();
    const run = await put(outbox);
    await taken(outbox, run, road.unknown);
    const listing = await outbox.beginListing(platform, app, now);
    await outbox.addPage(listing, platform, app, [other()], now);
    expect((await outbox.run(run))?.twin).toBeNull();
  });

  test('of an earlier distrust is forgotten by the next', async () => {
    const { outbox, run, listing } = await lookedFor();
    await outbox.addPage(listing, platform, app, [other()], now);
    await outbox.beginDistrust('another', null, later(2 * second));
    expect((await outbox.run(run))?.twin).toBeNull();
  });
});
