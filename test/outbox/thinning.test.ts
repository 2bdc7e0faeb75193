/** Runs whose story was let go are still known: nothing of them is sent again. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { FilesMapping } from '../../src/core/content.ts';
import type { NewRun } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import { chance, far, later, newRun, now, opened, platform, road, taken, temporaryFolder } from './runs.ts';

const mapping: FilesMapping = {
  input: ['model.mps'],
  output: ['solution.sol'],
  log: 'run.log',
  meta: 'meta.json',
  marker: null,
  ignore: [],
};

/** A run with much to say. */
function wordyRun(path: string): NewRun {
  const run = newRun({ path });
  const meta = { ...run.content.meta, status: 'failed', error: 'no solution '.repeat(50) } as const;
  const content = { ...run.content, meta, mapping, filesMark: `mark of ${path}`, warnings: ['a warning'] };
  return {
    ...run,
    content,
    settings: { ...run.settings, instance: 'devint', description: 'long '.repeat(50) },
  };
}

async function recorded(outbox: Outbox, wanted: NewRun): Promise<number> {
  const { run } = await outbox.enqueue(wanted, chance);
  const happenings = road.recorded.map((happening) =>
    happening.kind === 'made' ? { ...happening, runId: `run-${run}` } : happening,
  );
  await taken(outbox, run, happenings);
  return run;
}

test('a recorded run keeps what tells its folder, and nothing else', async () => {
  const outbox = await opened();
  const wanted = wordyRun('monday');
  const run = await recorded(outbox, wanted);
  const before = await outbox.run(run);
  expect(before).toMatchObject({ isThinned: false, warnings: ['a warning'] });
  expect(await outbox.thinRuns(now, 50)).toBe(1);
  expect(await outbox.history(run)).toEqual([]);
  const { key, directory, content } = wanted;
  expect(await outbox.run(run)).toEqual({
    ...before,
    directory,
    isThinned: true,
    warnings: [],
    settings: { instance: 'devint', name: 'weekly', description: '', options: {}, batchExperimentId: null },
    content: {
      ...content,
      asideDigest: '',
      files: [],
      meta: { ...content.meta, error: null },
      warnings: [],
      generation: key.generation,
    },
  });
  // Once is enough.
  expect(await outbox.thinRuns(far, 50)).toBe(0);
});

test('runs are thinned when they ended by then, those that ended first, and never what is under way', async () => {
  const outbox = await opened();
  const runs = [await recorded(outbox, wordyRun('a')), await recorded(outbox, wordyRun('b'))];
  await outbox.enqueue(newRun({ path: 'waits' }), chance);
  await outbox.enqueue(newRun({ path: 'parked', text: 'B' }), chance);
  await outbox.apply(4, { kind: 'crashedAlone' }, chance);
  expect(await outbox.thinRuns(now - 1, 50)).toBe(0);
  expect(await outbox.thinRuns(far, 1)).toBe(1);
  expect((await outbox.run(runs[0] ?? 0))?.isThinned).toBe(true);
  expect((await outbox.run(runs[1] ?? 0))?.isThinned).toBe(false);
  expect(await outbox.thinRuns(far, 50)).toBe(1);
  for (const run of [3, 4]) expect(await outbox.history(run)).not.toEqual([]);
});

test('a thinned run is known again: at its path, moved, after a restart, and to an outbox that is distrusted', async () => {
  const stateDir = temporaryFolder();
  const first = await openOutbox(stateDir);
  const wanted = wordyRun('monday');
  const run = await recorded(first, wanted);
  await first.thinRuns(far, 50);
  expect(await first.enqueue(wanted, later(1))).toEqual({ run, kind: 'known' });
  await first.close();

  const outbox = await opened(stateDir);
  expect(await outbox.enqueue(wanted, later(2))).toEqual({ run, kind: 'known' });
  // Other words beside the same content make no other run.
  const edited = { ...wanted, content: { ...wanted.content, asideDigest: 'another log' } };
  expect(await outbox.enqueue(edited, later(3))).toEqual({ run, kind: 'known' });
  expect(
    (await outbox.runsOfInode(wanted.directory.ino, wanted.key.generation)).map((found) => found.run),
  ).toEqual([run]);
  const moved = { ...wanted, path: 'tuesday', movedFrom: run };
  expect(await outbox.enqueue(moved, later(4))).toEqual({ run, kind: 'moved' });
  await outbox.beginDistrust('it was lost', null, later(5));
  expect(await outbox.enqueue(moved, later(6))).toEqual({ run, kind: 'known' });
  expect(await outbox.claimDue(platform, far, 9, [])).toEqual([]);
  expect((await outbox.run(run))?.life.state).toEqual({ kind: 'recorded', runId: `run-${run}` });
});

test('a result that is lost is written back again, and what that tells is let go in its turn', async () => {
  const outbox = await opened();
  const run = await recorded(outbox, wordyRun('monday'));
  await outbox.thinRuns(far, 50);
  await outbox.apply(run, { kind: 'resultLost' }, chance);
  await taken(outbox, run, road.recorded.slice(-1));
  expect(await outbox.run(run)).toMatchObject({ isThinned: false, content: { files: [] } });
  expect(await outbox.history(run)).not.toEqual([]);
  expect(await outbox.thinRuns(far, 50)).toBe(1);
  expect(await outbox.history(run)).toEqual([]);
});

test('what can be revived loses its history only: it is uploaded by what its row says', async () => {
  const outbox = await opened();
  const wanted = wordyRun('monday');
  const { run } = await outbox.enqueue(wanted, chance);
  await outbox.apply(run, { kind: 'vanished' }, chance);
  expect(await outbox.thinRuns(far, 50)).toBe(1);
  expect(await outbox.history(run)).toEqual([]);
  expect(await outbox.enqueue(wanted, later(1))).toMatchObject({ run, kind: 'revived' });
  expect(await outbox.run(run)).toMatchObject({
    isThinned: false,
    content: wanted.content,
    settings: wanted.settings,
    life: { state: { kind: 'queued' } },
  });
});

test('nothing is thinned before the days have it', async () => {
  const stateDir = temporaryFolder();
  const first = await openOutbox(stateDir);
  await first.freezeHost('solver-7', now);
  await recorded(first, wordyRun('monday'));
  await first.close();
  const db = new Database(join(stateDir, 'outbox.db'));
  db.exec('delete from day; update run set counted = 0');
  db.exec('update outbox set counted_to = 0, count_end = (select max(run) from run)');
  db.close();
  const outbox = await opened(stateDir);
  expect(await outbox.thinRuns(far, 50)).toBe(0);
  await outbox.countOldRuns(10);
  expect(await outbox.thinRuns(far, 50)).toBe(1);
  const today = Math.floor(now / 86_400_000);
  expect(await outbox.days(today, today, null)).toMatchObject([{ made: 1, recorded: 1, failed: 1 }]);
});
