/** One key, one row: what a complete folder becomes, when it was here before, elsewhere, or otherwise. */
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/core/identity.ts';
import type { Enqueued } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import {
  chance,
  later,
  newDirectory,
  newRun,
  now,
  opened,
  road,
  taken,
  trouble,
  type Wanted,
} from './runs.ts';

const put = (outbox: Outbox, wanted: Wanted = {}): Promise<Enqueued> =>
  outbox.enqueue(newRun(wanted), chance);

async function stateOf(outbox: Outbox, run: number): Promise<string> {
  return (await outbox.run(run))?.life.state.kind ?? 'absent';
}

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

  test('in somebody’s hand is left alone', async () => {
    const outbox = await opened();
    const { run } = await put(outbox);
    const claim = await taken(outbox, run, road.uploaded, true);
    expect(await put(outbox, { aside: 'log 2' })).toEqual({ run, kind: 'known' });
    expect(await put(outbox, { text: 'B' })).toEqual({ run: 2, kind: 'new' });
    expect(await outbox.run(run)).toMatchObject({ life: claim.life, content: { asideDigest: 'log' } });
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
    await put(outbox);
    await outbox.apply(1, { kind: 'doubted', failure: trouble }, chance);
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

describe('a folder that vanished', () => {
  test('is gone, and revived when it is back', async () => {
    const outbox = await opened();
    await put(outbox);
    await outbox.apply(1, { kind: 'vanished' }, chance);
    expect(await stateOf(outbox, 1)).toBe('gone');
    expect(await outbox.claimDue(now, 9, [])).toEqual([]);
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
    const [earlier] = await outbox.runsOfDirectory(directory, newRun().key.generation);
    expect(earlier?.run).toBe(1);
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

  test('is found after a reboot that changed the device’s number, where birth times are known', async () => {
    const outbox = await opened();
    await put(outbox, { directory });
    const found = await outbox.runsOfDirectory({ ...directory, dev: '7' }, newRun().key.generation);
    expect(found.map(({ run }) => run)).toEqual([1]);
  });

  test('is not found by its inode alone', async () => {
    const outbox = await opened();
    await put(outbox, { directory });
    expect(await outbox.runsOfDirectory({ ...directory, birthNs: '7' }, newRun().key.generation)).toEqual([]);
    const unborn = newDirectory();
    await put(outbox, { path: 'b', directory: { ...unborn, birthNs: '0' } });
    expect(
      await outbox.runsOfDirectory({ ...unborn, dev: '7', birthNs: '0' }, newRun().key.generation),
    ).toEqual([]);
  });

  test('is found although its birth time could not be told when it was recorded', async () => {
    // A folder that is made in one tick of the clock looks as if birth times were not known, until our own result
    // is written into it and its times differ. Not found, it would be sent a second time.
    const outbox = await opened();
    await put(outbox, { directory: { ...directory, birthNs: '0' } });
    const found = await outbox.runsOfDirectory(directory, newRun().key.generation);
    expect(found.map(({ run }) => run)).toEqual([1]);
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
