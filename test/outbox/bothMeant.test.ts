/** Two runs of one folder and content, because a person has said so: its row names one, and both follow it. */
import { describe, expect, test } from 'vitest';
import type { Enqueued, Run } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import {
  chance,
  claimed,
  concluded,
  far,
  newDirectory,
  now,
  opened,
  put,
  road,
  stateOf,
  taken,
  trouble,
  type Wanted,
} from './runs.ts';

describe.each<{ how: string; first: Wanted; second: Wanted }>([
  {
    how: 'each for an app that a person has named',
    first: { isAppAsked: true },
    second: { app: 'tortoise-app', isAppAsked: true },
  },
  { how: 'of which one was tracked once more', first: {}, second: { again: true } },
  {
    how: 'of which one was tracked once more for another app',
    first: {},
    second: { app: 'tortoise-app', isAppAsked: true, again: true },
  },
])('two runs of one content that are both meant, $how', ({ first, second }) => {
  const directory = newDirectory();
  /** A look at the folder finds the second one. */
  const look = (outbox: Outbox, wanted: Wanted = {}): Promise<Enqueued> =>
    put(outbox, { ...second, again: false, directory, ...wanted });
  const bothPut = async (): Promise<Outbox> => {
    const outbox = await opened();
    await put(outbox, { ...first, directory });
    await put(outbox, { ...second, directory });
    return outbox;
  };
  const both = async <T>(outbox: Outbox, of: (run: Run | null) => T): Promise<T[]> => [
    of(await outbox.run(1)),
    of(await outbox.run(2)),
  ];
  const states = (outbox: Outbox) => both(outbox, (run) => run?.life.state.kind);
  const due = async (outbox: Outbox) => (await claimed(outbox, far, 9)).map(({ run }) => run).sort();

  test('take the log that has grown, and stay what each was wished for', async () => {
    const outbox = await bothPut();
    const before = await both(outbox, (run) => run?.settings);
    expect(await look(outbox, { aside: 'log 2' })).toEqual({ run: 2, kind: 'refreshed' });
    expect(await both(outbox, (run) => run?.content.asideDigest)).toEqual(['log 2', 'log 2']);
    expect(await both(outbox, (run) => run?.settings)).toEqual(before);
    expect(await due(outbox)).toEqual([1, 2]);
  });

  test('go on when what they waited for is over', async () => {
    const outbox = await bothPut();
    for (const run of [1, 2]) {
      const claim = await taken(outbox, run, road.queued, true);
      await outbox.concludeChanged(claim, concluded(claim, { kind: 'sourceChanged', failure: trouble }), now);
    }
    expect(await due(outbox)).toEqual([]);
    await look(outbox);
    expect(await due(outbox)).toEqual([1, 2]);
  });

  test('are gone with their folder, and back with it', async () => {
    const outbox = await bothPut();
    expect(await outbox.folderVanished('plans', 'weekly', chance)).toEqual([1, 2]);
    expect(await states(outbox)).toEqual(['gone', 'gone']);
    expect(await look(outbox)).toEqual({ run: 2, kind: 'revived' });
    expect(await states(outbox)).toEqual(['queued', 'queued']);
  });

  test('make way for other content, and are back when that is gone', async () => {
    const outbox = await bothPut();
    await put(outbox, { text: 'B', directory });
    expect(await states(outbox)).toEqual(['superseded', 'superseded']);
    await look(outbox);
    expect(await states(outbox)).toEqual(['queued', 'queued']);
    expect(await stateOf(outbox, 3)).toBe('superseded');
  });

  test.each([{ isMissed: false }, { isMissed: true }])(
    'are where their folder was moved to (missed first: $isMissed)',
    async ({ isMissed }) => {
      const outbox = await bothPut();
      if (isMissed) await outbox.folderVanished('plans', 'weekly', chance);
      await look(outbox, { path: 'done/weekly', movedFrom: 2 });
      expect(await both(outbox, (run) => run?.path)).toEqual(['done/weekly', 'done/weekly']);
      await outbox.folderVanished('plans', 'weekly', chance);
      expect(await states(outbox)).toEqual(['queued', 'queued']);
    },
  );

  test('are both sent, though the first was about to be when the second came, and nothing was made of it', async () => {
    const outbox = await opened();
    await put(outbox, { ...first, directory });
    const claim = await taken(outbox, 1, road.intended, true);
    await put(outbox, { ...second, directory });
    const nothingMade = concluded(claim, { kind: 'nothingMade', failure: trouble });
    expect(await outbox.conclude(claim, nothingMade, false, now)).toBe(true);
    expect(await due(outbox)).toEqual([1, 2]);
  });
});

test('what was of another folder that had this name, and is gone, is not back with this one', async () => {
  const outbox = await opened();
  await put(outbox);
  await outbox.folderVanished('plans', 'weekly', chance);
  const another = { app: 'tortoise-app', directory: newDirectory() };
  await put(outbox, { ...another, again: true });
  await put(outbox, { ...another, aside: 'log 2' });
  expect(await stateOf(outbox, 1)).toBe('gone');
});

test('nor is it back with a folder that has its inode, its name and its content', async () => {
  const outbox = await opened();
  const before = newDirectory();
  const again = { ...before, birthNs: `${before.birthNs}1` };
  await put(outbox, { path: 'latest', directory: before });
  await outbox.folderVanished('plans', 'latest', chance);
  const { run } = await put(outbox, { path: 'next', directory: again });
  await put(outbox, { path: 'latest', directory: again, movedFrom: run });
  expect(await stateOf(outbox, 1)).toBe('gone');
  expect(await stateOf(outbox, run)).toBe('queued');
});
