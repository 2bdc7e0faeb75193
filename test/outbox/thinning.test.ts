/** Runs whose story was let go are still known: nothing of them is sent again. */
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FilesMapping } from '../../src/core/content.ts';
import type { Happening } from '../../src/core/happening.ts';
import { outputDiffers } from '../../src/core/outputDiffers.ts';
import type { Db } from '../../src/outbox/database.ts';
import { migrations } from '../../src/outbox/migrations.ts';
import type { Claim, NewRun } from '../../src/outbox/nouns.ts';
import { outboxOperations, type Operations } from '../../src/outbox/operations.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import {
  chance,
  childWith,
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
} from './runs.ts';

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
  const files = [
    {
      role: 'input',
      name: 'model.mps',
      type: 'multi-file',
      archive: { base: '', place: 'model.mps', files: 3 },
    },
    { role: 'output', name: 'solution.sol', type: 'multi-file', archive: { base: '', place: '.', files: 2 } },
    { role: 'logs', name: 'run.log', type: 'text' },
  ] as const;
  const content = {
    ...run.content,
    files: files.map((file) => ({ ...file, bytes: 5, sha256: 'a digest', object: null })),
    ...{ meta, mapping, filesMark: `mark of ${path} and of much more`, warnings: ['a warning'] },
  };
  return {
    ...run,
    content,
    settings: { ...run.settings, instance: 'devint', description: 'long '.repeat(50), isAppAsked: true },
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
  const wanted = { ...wordyRun('monday'), again: true };
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
    settings: {
      ...{ instance: 'devint', name: 'weekly', description: '', options: {}, batchExperimentId: null },
      isAppAsked: true,
      isAgain: true,
    },
    content: {
      ...content,
      asideDigest: '',
      filesMark: 'mark of mon',
      files: content.files.map((file) => ({
        ...{ ...file, bytes: 0, sha256: '' },
        ...('archive' in file ? { archive: { ...file.archive, files: 0 } } : {}),
      })),
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
  expect(await claimed(outbox, far, 9)).toEqual([]);
  expect((await outbox.run(run))?.life.state).toEqual({ kind: 'recorded', runId: `run-${run}` });
});

test('a thinned run that a result file proved keeps the keys before it from being given away, whatever lies between', async () => {
  const outbox = await opened();
  const proof = (counter: number) => ({ runId: `run-${String(counter)}`, firstPath: 'day', counter });
  for (const counter of [7, 4, 8])
    await outbox.enqueue(newRun({ path: `day.${String(counter)}`, believed: proof(counter) }), chance);
  expect(await outbox.thinRuns(far, 50)).toBe(3);
  const { run } = await outbox.enqueue(newRun({ path: 'day' }), chance);
  expect((await outbox.run(run))?.key).toMatchObject({ firstPath: 'day', counter: 9 });
});

test('a result that is lost is written back again, and what that tells is let go in its turn', async () => {
  const outbox = await opened();
  const run = await recorded(outbox, wordyRun('monday'));
  await outbox.thinRuns(far, 50);
  await outbox.apply(run, { kind: 'resultLost' }, chance);
  await taken(outbox, run, road.recorded.slice(-1));
  expect(await outbox.run(run)).toMatchObject({
    ...{ isThinned: true, outputSame: null, life: { state: { kind: 'recorded', runId: `run-${run}` } } },
  });
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

/** An outbox in memory: what is asked of it is the same, and there is no thread in between. */
function inMemory(): { readonly db: Db; readonly operations: Operations } {
  const db = new Database(':memory:');
  for (const sql of migrations) db.exec(sql);
  const operations = outboxOperations(db);
  operations.freezeHost('solver-7', now);
  return { db, operations };
}

/** Takes the claim one step further along the road. */
function stepped(operations: Operations, run: number, outputSame: boolean | null): void {
  const claim = operations.claimRun(platform, run, far);
  if (claim === null) return;
  const steps = road.recorded.map((happening) =>
    happening.kind === 'made' ? { ...happening, runId: `run-${run}` } : happening,
  );
  const states = ['queued', 'uploaded', 'intended', 'tracked', 'final'];
  const step = steps[states.indexOf(claim.life.state.kind)];
  if (step === undefined) operations.release(claim, now);
  else operations.conclude(claim, concluded(claim, step), false, now, outputSame);
}

const paths = ['monday', 'weeks/tuesday', 'a folder whose name is as long as those of real planners are'];
const happenings: readonly Happening[] = [
  { kind: 'resultLost' },
  { kind: 'vanished' },
  { kind: 'newerContent' },
  { kind: 'skip' },
  { kind: 'retry' },
];
const change = fc.record({
  what: fc.constantFrom(
    'enqueue',
    'enqueue',
    'step',
    'step',
    'step',
    'step',
    'step',
    'tell',
    'move',
    'swap',
    'warn',
    'archive',
  ),
  path: fc.constantFrom(...paths),
  pick: fc.nat(1_000),
  outputSame: fc.constantFrom(null, true, false),
  thins: fc.boolean(),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** One thing that happens. @returns what the outbox answers */
function made(
  operations: Operations,
  { what, path, pick, outputSame }: Change,
  directory = newDirectory(),
): unknown {
  const run = 1 + (pick % 4);
  const found = operations.run(run);
  switch (what) {
    case 'enqueue': {
      const again = pick % 5 === 0;
      const proof = {
        runId: `run-${String(run)}`,
        firstPath: paths[pick % 3] ?? '',
        counter: 1 + (pick % 5),
      };
      const believed = pick % 7 === 0 ? { believed: proof } : {};
      return operations.enqueue(
        newRun({ path, text: String(pick % 2), directory, again, ...believed }),
        chance,
      );
    }
    case 'step':
      if (outputSame === false) operations.addWarnings(run, [outputDiffers]);
      stepped(operations, run, outputSame);
      return null;
    case 'tell':
      return [operations.apply(run, happenings[pick % happenings.length] ?? { kind: 'skip' }, chance)].length;
    case 'move':
    case 'swap': {
      if (found === null) return null;
      // The folder has what it had, whatever the outbox has let go of it.
      const text = ['0', '1'].find((one) => newRun({ text: one }).key.generation === found.key.generation);
      const same = newRun({ path, directory: found.directory, text: text ?? '' });
      if (what === 'move') return operations.enqueue({ ...same, movedFrom: run }, chance);
      return operations.enqueue(
        { ...same, path: found.path, directory, movedAway: [{ run, path: `${path}-away` }] },
        chance,
      );
    }
    case 'warn':
      operations.addWarnings(run, [outputDiffers]);
      return null;
    case 'archive':
      operations.beginArchiving(run, `/srv/done/${found?.path ?? ''}`, now);
      operations.archived(run, 'plans', found?.path ?? '', `/srv/done/${found?.path ?? ''}`, now);
      return null;
  }
}

/** Everything by which it can be told what was sent, and what is said of it in sums. */
function seenOf(operations: Operations): unknown {
  const query = { states: [], dropRoot: null, sinceMs: null, beforeRun: null, limit: 3 };
  const runs = operations.list({ ...query, limit: 100 }) as Claim[];
  const listed = runs.map(({ fingerprint, key, life }) => ({
    ...{ fingerprint, host: 'solver-7', generation: key.generation, createdAtMs: now },
    runId: life.state.kind === 'recorded' ? life.state.runId : 'of nobody',
  }));
  return {
    runs: runs.map(
      ({ run, key, fingerprint, path, directory, life, sinceMs, createdAtMs, fence, archivedTo }) => ({
        ...{ run, key, fingerprint, path, directory, sinceMs, createdAtMs, fence, archivedTo },
        ...{ state: life.state, everUnknown: life.everUnknown, plainest: life.plainest },
      }),
    ),
    ofRoot: operations.list({ ...query, dropRoot: 'plans' }).map(({ run }) => run),
    ofOtherRoot: operations.list({ ...query, dropRoot: 'other' }),
    ofState: operations.list({ ...query, states: ['recorded'] }).map(({ run }) => run),
    pages: operations.list({ ...query, beforeRun: 4 }).map(({ run }) => run),
    atPaths: paths.map((path) => operations.runsAtPath('plans', path, 9).map(({ run }) => run)),
    ofInodes: runs.map(({ key, directory }) =>
      operations.runsOfInode(directory.ino, key.generation).map(({ run }) => run),
    ),
    oldest: operations.oldestRun(),
    counts: operations.counts(),
    days: operations.days(0, 99_999, null),
    recognised: operations.recognise('solver-7', listed),
    archivable: operations.archiveCandidates('plans', '', far, 9),
  };
}

test('whatever happens, an outbox that thins its runs answers as one that keeps them', () => {
  const thinned = { rows: 0, back: 0 };
  fc.assert(
    fc.property(fc.array(change, { minLength: 20, maxLength: 50, size: 'max' }), (changes) => {
      const [keeping, thinning] = [inMemory(), inMemory()];
      const rows = (): number => Number(thinning.db.prepare('select count(*) from thin_run').pluck().get());
      for (const one of changes) {
        const directory = newDirectory();
        const before = rows();
        const answers = [keeping, thinning].map(({ operations }) =>
          outcomeOf(() => made(operations, one, directory)),
        );
        if (rows() < before) thinned.back += 1;
        expect(answers[1]).toEqual(answers[0]);
        if (one.thins) thinning.operations.thinRuns(far, 50);
        thinned.rows = Math.max(thinned.rows, rows());
        expect(seenOf(thinning.operations)).toEqual(seenOf(keeping.operations));
      }
      expect(thinning.db.pragma('foreign_key_check')).toEqual([]);
      for (const { db } of [keeping, thinning]) db.close();
    }),
    { numRuns: 12, seed: 20_261_128, endOnFailure: true },
  );
  // A property that never thinned would prove nothing.
  expect(thinned.rows).toBeGreaterThan(2);
  expect(thinned.back).toBeGreaterThan(5);
});

function outcomeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}

test('a thinned run takes 250 bytes at most, with all by which it is found', () => {
  const { db, operations } = inMemory();
  const runs = 1_500;
  const record = db.prepare(
    `update run set state = json_object('kind', 'recorded', 'runId', @runId), run_id = @runId,
      since_ms = @now + 4321 where run = @run`,
  );
  db.exec('begin');
  for (let n = 0; n < runs; n += 1) {
    const path = `2026-11-28/replanning-of-the-northern-depots-${String(n).padStart(6, '0')}`;
    const { run } = operations.enqueue(wordyRun(path), chance);
    record.run({ run, now, runId: `devint-${'abcd'.repeat(2)}${String(n).padStart(4, '0')}` });
  }
  db.exec('commit');
  while (operations.thinRuns(far, 500) > 0);
  const bytes = Number(
    db
      .prepare("select sum(pgsize) from dbstat where name glob 'thin*' or name glob '*thin_common*'")
      .pluck()
      .get(),
  );
  console.info(`a thinned run takes ${(bytes / runs).toFixed(1)} bytes`);
  expect(bytes / runs).toBeLessThan(250);
  expect(operations.counts().states).toEqual({ recorded: runs });
  db.close();
});

test.each([
  { name: 'an inode that SQLite cannot hold as a number', ino: '18446744073709551615', birthNs: '0' },
  { name: 'one as long as the largest that it can', ino: '9999999999999999999', birthNs: '1' },
  { name: 'the largest number that it can', ino: '9223372036854775807', birthNs: '1764288000123456789' },
])('$name stays what it was to the last digit', async ({ ino, birthNs }) => {
  const outbox = await opened();
  const directory = { dev: '65024', ino, birthNs };
  const run = await recorded(outbox, { ...wordyRun('monday'), directory });
  await outbox.thinRuns(far, 50);
  expect((await outbox.run(run))?.directory).toEqual(directory);
});

test('names that a glob has found are each run’s own, and others are kept once', async () => {
  const stateDir = temporaryFolder();
  const outbox = await opened(stateDir);
  const runs: number[] = [];
  for (const day of ['monday', 'tuesday', 'friday']) {
    const wanted = wordyRun(day);
    const files = wanted.content.files.map((file) =>
      file.role === 'logs' ? { ...file, name: `${day}.log` } : file,
    );
    runs.push(await recorded(outbox, { ...wanted, content: { ...wanted.content, files } }));
  }
  await outbox.thinRuns(far, 50);
  for (const [index, day] of ['monday', 'tuesday', 'friday'].entries()) {
    const found = await outbox.run(runs[index] ?? 0);
    expect(found?.content.files.map(({ name }) => name)).toEqual(['model.mps', 'solution.sol', `${day}.log`]);
  }
  await outbox.close();
  const db = new Database(join(stateDir, 'outbox.db'), { readonly: true });
  expect(db.prepare('select count(*) from thin_common').pluck().get()).toBe(1);
  db.close();
});

test('a byte that a disk has changed in a thinned run is noticed', () => {
  const { db, operations } = inMemory();
  const { run } = operations.enqueue(wordyRun('monday'), chance);
  for (let step = 0; step < 5; step += 1) stepped(operations, run, true);
  operations.thinRuns(far, 50);
  expect(operations.run(run)?.outputSame).toBe(true);
  db.exec("update thin_run set first_path = 'mondax'");
  expect(() => operations.run(run)).toThrow('the key of run #1 is not that of its mark');
  db.close();
});

test('kills while runs are thinned leave each of them once', async () => {
  for (let kill = 0; kill < 2; kill += 1) {
    const stateDir = join(temporaryFolder(), 'state');
    mkdirSync(stateDir, { mode: 0o700 });
    const runs = 200;
    const child = childWith(
      stateDir,
      `for (let n = 0; n < ${runs}; n += 1) {
        const { run } = await outbox.enqueue({ ...wanted, path: 'run-' + n, believed: { runId: 'run-' + n, firstPath: 'run-' + n, counter: 1 } }, chance);
      }
      say('thinning');
      while ((await outbox.thinRuns(chance.nowMs + 1, 5)) > 0);
      say('done');
      setInterval(() => {}, 1000);`,
    );
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said.includes('thinning')) break;
    }
    await sleep(kill * 15);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const outbox = await opened(stateDir);
    const query = { states: [], dropRoot: null, sinceMs: null, beforeRun: null, limit: 1_000 };
    const found = await outbox.list(query);
    expect(found.map(({ run }) => run)).toEqual(Array.from({ length: runs }, (_, n) => runs - n));
    expect((await outbox.counts()).states).toEqual({ recorded: runs });
    await outbox.close();
  }
});

test('runs that an earlier version thinned where they stood become compact, and folders keep theirs', async () => {
  const stateDir = temporaryFolder();
  const before = migrations.findIndex((sql) => sql.includes('create table thin_run'));
  const first = await openOutbox(stateDir);
  await first.freezeHost('solver-7', now);
  const wanted = wordyRun('monday');
  const run = await recorded(first, wanted);
  const kept = await first.folders('plans', ['monday']);
  await first.close();
  const db = new Database(join(stateDir, 'outbox.db'));
  const old = new Database(join(stateDir, 'old.db'));
  for (const sql of migrations.slice(0, before)) old.exec(sql);
  for (const table of ['outbox', 'run', 'folder']) {
    const columns = (
      old.prepare(`select name from pragma_table_info(@table)`).pluck().all({ table }) as string[]
    ).join(', ');
    const rows = db.prepare(`select ${columns} from ${table}`).raw().all() as unknown[][];
    for (const row of rows)
      old.prepare(`insert into ${table} (${columns}) values (${row.map(() => '?').join(', ')})`).run(row);
  }
  old.exec(`update run set thinned = 1, settings = '{"instance":"devint","name":"weekly"}',
    content = json_object('filesMark', 'mark', 'meta', json_object('status', 'failed'))`);
  old.pragma(`user_version = ${before}`);
  for (const one of [db, old]) one.close();
  const [state, place] = [join(temporaryFolder(), 'state'), join(stateDir, 'old.db')];
  mkdirSync(state, { mode: 0o700 });
  copyFileSync(place, join(state, 'outbox.db'));
  const outbox = await opened(state);
  expect(await outbox.folders('plans', ['monday'])).toEqual(kept);
  expect(await outbox.thinRuns(far, 50)).toBe(1);
  expect(await outbox.run(run)).toMatchObject({
    ...{ run, isThinned: true, settings: { instance: 'devint', name: 'weekly' } },
    content: { filesMark: 'mark', meta: { status: 'failed' } },
  });
  expect(await outbox.enqueue(wanted, later(1))).toEqual({ run, kind: 'known' });
  expect((await outbox.counts()).states).toEqual({ recorded: 1 });
});
