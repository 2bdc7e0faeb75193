/** One key, one row: what a complete folder becomes, when it was here before, elsewhere, or otherwise. */
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/core/identity.ts';
import { maybeMoved } from '../../src/core/movedOrCopied.ts';
import type { Happening } from '../../src/core/happening.ts';
import type { RunFacts } from '../../src/core/runFacts.ts';
import type { NewRun } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
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
  put,
  road,
  stateOf,
  taken,
  temporaryFolder,
  trouble,
  type Wanted,
} from './runs.ts';

describe('a complete folder', () => {
  test('becomes a queued run with its key, its fingerprint and its story', async () => {
    const outbox = await opened();
    const wanted = newRun();
    expect(await outbox.enqueue(wanted, chance)).toEqual({ run: 1, kind: 'new' });
    const key = { ...wanted.key, firstPath: 'weekly', counter: 1 };
    expect(await outbox.run(1)).toMatchObject({
      key,
      fingerprint: fingerprintOf(key),
      path: 'weekly',
      directory: wanted.directory,
      content: wanted.content,
      settings: wanted.settings,
      life: { state: { kind: 'queued', uploads: [] }, tries: 0, plainest: false, everUnknown: false },
      dueAtMs: now,
      isClaimed: false,
    });
    expect(await outbox.history(1)).toEqual([
      { atMs: now, state: 'queued', note: 'its folder weekly is complete' },
    ]);
  });

  test.each(['queued', 'uploaded', 'unknown', 'tracked', 'recorded'] as const)(
    'that is seen again while its run is %s is known, and is not a second run',
    async (state) => {
      const outbox = await opened();
      const { run } = await put(outbox);
      await taken(outbox, run, road[state]);
      expect(await put(outbox)).toEqual({ run, kind: 'known' });
      expect(await stateOf(outbox, run)).toBe(state);
      expect(await outbox.counts()).toMatchObject({ states: { [state]: 1 } });
    },
  );

  test('of equal content at another path is another run', async () => {
    const outbox = await opened();
    await put(outbox);
    expect(await put(outbox, { path: 'weekly-2' })).toEqual({ run: 2, kind: 'new' });
  });

  test('of equal content for another app is another run', async () => {
    const outbox = await opened();
    await put(outbox);
    expect(await put(outbox, { app: 'tortoise-app' })).toEqual({ run: 2, kind: 'new' });
  });

  test('with another log before it was sent takes the log, and uploads again', async () => {
    const outbox = await opened();
    const { run } = await put(outbox);
    await taken(outbox, run, road.uploaded);
    expect(await put(outbox, { aside: 'log 2' })).toEqual({ run, kind: 'refreshed' });
    expect(await outbox.run(run)).toMatchObject({
      content: { asideDigest: 'log 2' },
      life: { state: { kind: 'queued', uploads: [] } },
    });
  });

  test.each(['unknown', 'tracked', 'recorded'] as const)(
    'with another log when its run is %s changes nothing that was sent',
    async (state) => {
      const outbox = await opened();
      const { run } = await put(outbox);
      await taken(outbox, run, road[state]);
      expect(await put(outbox, { aside: 'log 2' })).toEqual({ run, kind: 'known' });
      expect(await outbox.run(run)).toMatchObject({
        content: { asideDigest: 'log' },
        life: { state: { kind: state } },
      });
    },
  );

  test('in somebody’s hand stays there while nothing is new', async () => {
    const outbox = await opened();
    const { run } = await put(outbox);
    const claim = await taken(outbox, run, road.uploaded, true);
    expect(await put(outbox)).toEqual({ run, kind: 'known' });
    expect(await outbox.run(run)).toMatchObject({ life: claim.life, isClaimed: true });
  });

  test.each<{ name: string; wanted: Wanted; is: string }>([
    { name: 'another log', wanted: { aside: 'log 2' }, is: 'queued' },
    { name: 'newer content', wanted: { text: 'B' }, is: 'superseded' },
  ])('with $name is taken out of a hand that has not sent it yet', async ({ wanted, is }) => {
    const outbox = await opened();
    const { run } = await put(outbox);
    const claim = await taken(outbox, run, road.uploaded, true);
    await put(outbox, wanted);
    expect(await stateOf(outbox, run)).toBe(is);
    const intended = concluded(claim, { kind: 'intended', platformTimeMs: now });
    expect(await outbox.conclude(claim, intended, true, now)).toBe(false);
    expect(await stateOf(outbox, run)).toBe(is);
  });

  test.each<{ name: string; wanted: Wanted }>([
    { name: 'another log', wanted: { aside: 'log 2' } },
    { name: 'newer content', wanted: { text: 'B' } },
  ])('with $name is left in a hand that may have sent it', async ({ wanted }) => {
    const outbox = await opened();
    const { run } = await put(outbox);
    const claim = await taken(outbox, run, road.intended, true);
    await put(outbox, wanted);
    expect(await outbox.run(run)).toMatchObject({
      life: claim.life,
      isClaimed: true,
      content: { asideDigest: 'log' },
    });
    expect(await outbox.conclude(claim, concluded(claim, { kind: 'made', runId: 'run-a' }), false, now)).toBe(
      true,
    );
  });

  test('that may be a moved one or a copy is born parked, and a retry sends it', async () => {
    const outbox = await opened();
    const { run } = await put(outbox, { doubt: trouble });
    expect(await outbox.run(run)).toMatchObject({
      life: { state: { kind: 'parked', from: { kind: 'queued' }, hint: 'mend it' } },
      dueAtMs: null,
    });
    expect(await claimed(outbox, far, 9)).toEqual([]);
    await outbox.apply(run, { kind: 'retry' }, chance);
    expect(await claimed(outbox, far, 9)).toHaveLength(1);
  });

  test.each<{ what: string; happens?: (outbox: Outbox) => Promise<unknown>; back: Wanted }>([
    { what: 'its log grows', back: { aside: 'log 2' } },
    {
      what: 'it vanishes and is back',
      happens: (outbox) => outbox.folderVanished('plans', 'weekly', chance),
      back: {},
    },
    {
      what: 'it vanishes and is back with another log',
      happens: (outbox) => outbox.folderVanished('plans', 'weekly', chance),
      back: { aside: 'log 2' },
    },
    {
      what: 'it holds something else for a while',
      happens: (outbox) => put(outbox, { text: 'B' }),
      back: {},
    },
  ])('that may be a moved one or a copy is still asked about when $what', async ({ happens, back }) => {
    const outbox = await opened();
    const doubt = maybeMoved(7);
    const { run } = await put(outbox, { doubt });
    await happens?.(outbox);
    expect(await put(outbox, { ...back, doubt })).toMatchObject({ run });
    expect(await outbox.run(run)).toMatchObject({
      life: { state: { kind: 'parked', from: { kind: 'queued' }, reason: { class: 'moved-or-copied' } } },
      content: { asideDigest: back.aside ?? 'log' },
      dueAtMs: null,
    });
    expect(await claimed(outbox, far, 9)).toEqual([]);
    // Who has answered is not asked again.
    await outbox.apply(run, { kind: 'retry' }, chance);
    await put(outbox, { aside: 'log 3' });
    expect((await claimed(outbox, far, 9)).map((due) => due.run)).toEqual([run]);
  });

  test('is known by its row from then on, for its platform and app', async () => {
    const outbox = await opened();
    const wanted = newRun();
    await outbox.enqueue(wanted, chance);
    expect(await outbox.folders('plans', ['weekly'])).toMatchObject([
      { state: 'known', run: 1, signature: 'signature', directory: wanted.directory, target: wanted.target },
    ]);
  });
});

describe('newer content', () => {
  test('supersedes what was never about to be sent', async () => {
    const outbox = await opened();
    await put(outbox);
    expect(await put(outbox, { text: 'B' })).toEqual({ run: 2, kind: 'new' });
    expect(await stateOf(outbox, 1)).toBe('superseded');
    expect(await stateOf(outbox, 2)).toBe('queued');
  });

  test('supersedes what was parked before it was sent', async () => {
    const outbox = await opened();
    await put(outbox, { doubt: trouble });
    await put(outbox, { text: 'B' });
    expect(await stateOf(outbox, 1)).toBe('superseded');
  });

  test.each(['unknown', 'tracked', 'recorded'] as const)(
    'leaves a run that is %s to its end',
    async (state) => {
      const outbox = await opened();
      const { run } = await put(outbox);
      await taken(outbox, run, road[state]);
      await put(outbox, { text: 'B' });
      expect(await stateOf(outbox, run)).toBe(state);
    },
  );

  test('that gives way to the older again is superseded, and the older is revived', async () => {
    const outbox = await opened();
    await put(outbox);
    await put(outbox, { text: 'B' });
    expect(await put(outbox)).toEqual({ run: 1, kind: 'revived' });
    expect(await stateOf(outbox, 1)).toBe('queued');
    expect(await stateOf(outbox, 2)).toBe('superseded');
  });

  test('that gives way to what was sent already sends nothing again', async () => {
    const outbox = await opened();
    await taken(outbox, (await put(outbox)).run, road.recorded);
    await taken(outbox, (await put(outbox, { text: 'B' })).run, road.unknown);
    expect(await put(outbox)).toEqual({ run: 1, kind: 'known' });
    expect(await stateOf(outbox, 1)).toBe('recorded');
    expect(await stateOf(outbox, 2)).toBe('unknown');
    expect(await outbox.run(3)).toBeNull();
  });
});

describe('the same content for another app', () => {
  const there = { app: 'tortoise-app' };
  const nothingMade = { kind: 'nothingMade', failure: trouble } as const;

  test.each<{ state: keyof typeof road; is: string }>([
    { state: 'queued', is: 'superseded' },
    { state: 'uploaded', is: 'superseded' },
    { state: 'unknown', is: 'unknown' },
    { state: 'tracked', is: 'tracked' },
    { state: 'recorded', is: 'recorded' },
  ])('is a run of its own, and the one that is $state is $is', async ({ state, is }) => {
    const outbox = await opened();
    await taken(outbox, (await put(outbox)).run, road[state]);
    expect(await put(outbox, there)).toEqual({ run: 2, kind: 'new' });
    expect(await stateOf(outbox, 1)).toBe(is);
    expect(await stateOf(outbox, 2)).toBe('queued');
  });

  test('takes the one out of a hand that has not sent it, and leaves it in one that may have', async () => {
    for (const [state, is] of [
      ['uploaded', 'superseded'],
      ['intended', 'intended'],
    ] as const) {
      const outbox = await opened();
      await taken(outbox, (await put(outbox)).run, road[state], true);
      await put(outbox, there);
      expect(await stateOf(outbox, 1)).toBe(is);
    }
  });

  test.each<{ what: string; happening: Happening; keep: boolean }>([
    { what: 'was one too many', happening: nothingMade, keep: true },
    { what: 'reached nobody', happening: nothingMade, keep: false },
    { what: 'was refused', happening: { kind: 'refused', failure: trouble }, keep: false },
    { what: 'never left', happening: { kind: 'slotTooOld' }, keep: true },
    { what: 'would have had dead ids', happening: { kind: 'uploadsTooOld' }, keep: true },
  ])('supersedes the one that was about to be sent when its request $what', async ({ happening, keep }) => {
    for (const [wanted, note] of [
      [there, 'another app'],
      [{ text: 'B' }, 'newer content'],
    ] as const) {
      const outbox = await opened();
      const { run } = await put(outbox);
      const claim = await taken(outbox, run, road.intended, true);
      await put(outbox, wanted);
      const fallen = concluded(claim, happening);
      expect(await outbox.conclude(claim, fallen, keep, now)).toMatchObject({
        life: { state: { kind: 'superseded' } },
      });
      expect(await outbox.run(run)).toMatchObject({
        life: { state: { kind: 'superseded' } },
        isClaimed: false,
        dueAtMs: null,
      });
      expect((await outbox.history(run)).at(-1)?.note).toContain(note);
      // Whoever had it in hand has not.
      expect(await outbox.conclude(claim, fallen, keep, now)).toBe(false);
      expect((await claimed(outbox, far, 9)).map((due) => due.run)).toEqual([2]);
    }
  });

  test('and one that was refused twice is not set aside for a person, who has nothing to answer', async () => {
    const outbox = await opened();
    const { run } = await put(outbox);
    const refused = { kind: 'refused', failure: trouble } as const;
    await taken(outbox, run, [...road.intended, refused]);
    const claim = await taken(outbox, run, road.intended, true);
    await put(outbox, there);
    await outbox.conclude(claim, concluded(claim, refused), false, now);
    expect(await stateOf(outbox, run)).toBe('superseded');
  });

  test.each<{ what: string; first: Wanted; then: Wanted }>([
    { what: 'as a person tracked it once more', first: {}, then: { again: true } },
    { what: 'for an app that a person had named', first: { isAppAsked: true }, then: there },
  ])('$what leaves the one that was about to be sent to its end', async ({ first, then }) => {
    const outbox = await opened();
    const { run } = await put(outbox, first);
    const claim = await taken(outbox, run, road.intended, true);
    await put(outbox, then);
    expect(await outbox.conclude(claim, concluded(claim, nothingMade), false, now)).toBe(true);
    expect(await stateOf(outbox, run)).toBe('uploaded');
  });

  test('or for another platform supersedes what was parked before it was sent', async () => {
    const outbox = await opened();
    await put(outbox, { doubt: trouble });
    const wanted = newRun();
    await outbox.enqueue({ ...wanted, key: { ...wanted.key, platform: 'https://another.test' } }, chance);
    expect((await outbox.run(1))?.life.state).toMatchObject({ kind: 'superseded' });
    expect((await outbox.history(1)).at(-1)?.note).toContain('another app or platform');
    expect(await claimed(outbox, far, 9)).toEqual([]);
  });

  test('and then for the first again sends it there, and not to both', async () => {
    const outbox = await opened();
    await put(outbox);
    await put(outbox, there);
    expect(await put(outbox)).toEqual({ run: 1, kind: 'revived' });
    expect(await stateOf(outbox, 1)).toBe('queued');
    expect(await stateOf(outbox, 2)).toBe('superseded');
  });

  test('that a person tracks once more does nothing to it', async () => {
    const outbox = await opened();
    await put(outbox);
    await put(outbox, { ...there, again: true });
    expect(await stateOf(outbox, 1)).toBe('queued');
    await put(outbox, { ...there, aside: 'log 2' });
    expect(await stateOf(outbox, 1)).toBe('queued');
    expect((await outbox.run(2))?.settings.isAgain).toBe(true);
    // What has come since makes way for the app that is named then, as ever.
    await put(outbox, { app: 'snail-app' });
    expect([await stateOf(outbox, 1), await stateOf(outbox, 2)]).toEqual(['superseded', 'superseded']);
  });
});

describe('a folder that vanished', () => {
  test('is gone, and revived when it is back', async () => {
    const outbox = await opened();
    await put(outbox);
    await outbox.apply(1, { kind: 'vanished' }, chance);
    expect(await stateOf(outbox, 1)).toBe('gone');
    expect(await claimed(outbox, now, 9)).toEqual([]);
    expect(await put(outbox)).toEqual({ run: 1, kind: 'revived' });
    expect(await stateOf(outbox, 1)).toBe('queued');
  });
});

describe('a folder that was moved', () => {
  const directory = newDirectory();

  test('is the same run at another path, and keeps its key', async () => {
    const outbox = await opened();
    await put(outbox, { directory });
    const before = await outbox.run(1);
    const [earlier] = await outbox.runsOfInode(directory.ino, newRun().key.generation);
    expect(earlier).toMatchObject({ run: 1, directory });
    expect(await put(outbox, { directory, path: 'done/weekly', movedFrom: 1 })).toEqual({
      run: 1,
      kind: 'moved',
    });
    expect(await outbox.run(1)).toMatchObject({
      path: 'done/weekly',
      key: before?.key,
      fingerprint: before?.fingerprint,
    });
    expect((await outbox.history(1)).at(-1)?.note).toContain('moved from weekly to done/weekly');
    expect(await put(outbox, { directory, path: 'done/weekly' })).toEqual({ run: 1, kind: 'known' });
  });

  test('makes room: the same content at the old path is a run of its own, with the next counter', async () => {
    const outbox = await opened();
    await put(outbox, { directory });
    await put(outbox, { directory, path: 'done/weekly', movedFrom: 1 });
    expect(await put(outbox)).toEqual({ run: 2, kind: 'new' });
    expect((await outbox.run(2))?.key).toMatchObject({ firstPath: 'weekly', counter: 2 });
  });

  test('makes room as well when the folder that took its name is seen first', async () => {
    const outbox = await opened();
    await put(outbox, { directory });
    expect(await put(outbox, { movedAway: [{ run: 1, path: 'weekly.1' }] })).toEqual({ run: 2, kind: 'new' });
    expect(await outbox.run(1)).toMatchObject({ path: 'weekly.1', key: { firstPath: 'weekly', counter: 1 } });
    expect(await outbox.run(2)).toMatchObject({ path: 'weekly', key: { firstPath: 'weekly', counter: 2 } });
  });

  test('goes before another’s run that had its content at the path it has come to: two change names', async () => {
    const outbox = await opened();
    const [one, two] = [newDirectory(), newDirectory()];
    await put(outbox, { path: 'a', directory: one });
    await put(outbox, { path: 'b', directory: two });
    expect(await put(outbox, { path: 'a', directory: two, movedFrom: 2 })).toEqual({ run: 2, kind: 'moved' });
    // Both lie there as far as is written down: where the other is by now nobody has looked.
    expect(await put(outbox, { path: 'a', directory: two })).toEqual({ run: 2, kind: 'known' });
    expect(await put(outbox, { path: 'a', directory: one })).toEqual({ run: 1, kind: 'known' });
    expect(await put(outbox, { path: 'b', directory: one, movedFrom: 1 })).toEqual({ run: 1, kind: 'moved' });
    expect(await put(outbox, { path: 'a', directory: two })).toEqual({ run: 2, kind: 'known' });
    expect([(await outbox.run(1))?.path, (await outbox.run(2))?.path]).toEqual(['b', 'a']);
    expect(await outbox.counts()).toMatchObject({ states: { queued: 2 } });
  });

  test.each(['queued', 'gone', 'superseded', 'recorded'] as const)(
    'is sent as what it is where one that is %s had its content, and that one is left alone',
    async (state) => {
      const outbox = await opened();
      await put(outbox, { path: 'a' });
      if (state === 'gone') await outbox.apply(1, { kind: 'vanished' }, chance);
      if (state === 'superseded') await outbox.apply(1, { kind: 'newerContent' }, chance);
      if (state === 'recorded') await taken(outbox, 1, road.recorded);
      await put(outbox, { path: 'b', directory });
      expect(await put(outbox, { path: 'a', directory, movedFrom: 2 })).toEqual({ run: 2, kind: 'moved' });
      expect([await stateOf(outbox, 1), await stateOf(outbox, 2)]).toEqual([state, 'queued']);
    },
  );

  test('leaves what takes its path to nobody else that has left it: all who are elsewhere make room', async () => {
    const outbox = await opened();
    await put(outbox, { path: 'day', directory: newDirectory() });
    await put(outbox, { path: 'day', movedAway: [{ run: 1, path: 'day.1' }] });
    // It was rotated on, which nobody has seen yet.
    await put(outbox, { path: 'day', movedAway: [{ run: 2, path: 'day.1' }] });
    const movedAway = [
      { run: 1, path: 'day.3' },
      { run: 2, path: 'day.2' },
    ];
    expect(await put(outbox, { path: 'day.1', movedAway })).toEqual({ run: 4, kind: 'new' });
    expect([(await outbox.run(1))?.path, (await outbox.run(2))?.path]).toEqual(['day.3', 'day.2']);
  });

  test('is looked for by its inode and its content, whatever else was known of it', async () => {
    const outbox = await opened();
    const { generation } = newRun().key;
    await put(outbox, { directory: { ...directory, birthNs: '0' } });
    expect(await outbox.runsOfInode(directory.ino, generation)).toHaveLength(1);
    expect(await outbox.runsOfInode(directory.ino, newRun({ text: 'B' }).key.generation)).toEqual([]);
    expect(await outbox.runsOfInode('7', generation)).toEqual([]);
  });
});

describe('a deliberate second run', () => {
  test('has the next counter and another fingerprint, and leaves the first one alone', async () => {
    const outbox = await opened();
    await put(outbox);
    expect(await put(outbox, { again: true })).toEqual({ run: 2, kind: 'new' });
    expect(await put(outbox, { again: true })).toEqual({ run: 3, kind: 'new' });
    const [one, two, three] = await Promise.all([outbox.run(1), outbox.run(2), outbox.run(3)]);
    expect([one?.key.counter, two?.key.counter, three?.key.counter]).toEqual([1, 2, 3]);
    expect(new Set([one?.fingerprint, two?.fingerprint, three?.fingerprint]).size).toBe(3);
    expect(one?.life.state.kind).toBe('queued');
  });

  test('is what the folder is from then on', async () => {
    const outbox = await opened();
    await put(outbox);
    await put(outbox, { again: true });
    expect(await put(outbox)).toEqual({ run: 2, kind: 'known' });
  });

  test('is not superseded by a later look at the folder it came from', async () => {
    const outbox = await opened();
    await taken(outbox, (await put(outbox)).run, road.queued);
    await put(outbox, { again: true });
    await outbox.enqueue(newRun(), later(1));
    expect([await stateOf(outbox, 1), await stateOf(outbox, 2)]).toEqual(['queued', 'queued']);
  });
});

test('what the solver’s log says is kept with the run, and follows a log that is written anew before it is sent', async () => {
  const stateDir = temporaryFolder();
  const outbox = await openOutbox(stateDir);
  const facts: RunFacts = {
    solver: 'cbc',
    status: 'optimal',
    objective: 42,
    solves: 1,
    evidence: { status: 3 },
    incumbents: [[0.5, 42]],
    bounds: [],
  };
  const wanted = newRun();
  const withFacts = (aside: string, kept?: RunFacts): NewRun => ({
    ...wanted,
    content: { ...wanted.content, asideDigest: aside, ...(kept === undefined ? {} : { facts: kept }) },
  });
  const { run } = await outbox.enqueue(withFacts('first', facts), chance);
  expect((await outbox.run(run))?.content.facts).toEqual(facts);
  const better = { ...facts, objective: 41 };
  await outbox.enqueue(withFacts('second', better), chance);
  await outbox.close();
  const again = await opened(stateDir);
  expect((await again.run(run))?.content.facts).toEqual(better);
  await again.enqueue(withFacts('third'), chance);
  expect((await again.run(run))?.content).toEqual(withFacts('third').content);
});
