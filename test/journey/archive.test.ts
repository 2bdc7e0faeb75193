/** `after: archive` and `result: DIRECTORY`: what happens to a drop root when all is done, and what never does. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { StatusView } from '../../src/http/operations.ts';
import { plan, problemIn, resultIn } from './folders.ts';
import { freeze, isUnfreezable, mountFreezable, said, thaw } from './mounts.ts';
import { test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const isOneFileSystem = said('archiving between file systems', noOtherFileSystem());

/** Why there is no second file system here; null: there is one, in memory. */
function noOtherFileSystem(): string | null {
  const memory = statSync('/dev/shm', { throwIfNoEntry: false });
  if (memory === undefined) return 'there is no /dev/shm';
  return memory.dev === statSync(tmpdir()).dev ? '/dev/shm is none of its own' : null;
}

function archiveOf(scene: Scene, name = 'done'): string {
  const archive = join(scene.dir, name);
  mkdirSync(archive);
  return archive;
}

async function statusOf(scene: Scene): Promise<StatusView> {
  return JSON.parse((await scene.command('status', '--json')).stdout) as StatusView;
}

function pathsIn(top: string): string[] {
  return (readdirSync(top, { recursive: true }) as string[]).sort();
}

/** Names, modes, times and contents: whatever anybody could have done to a tree. */
function digestOf(top: string): string {
  const hash = createHash('sha256');
  for (const path of pathsIn(top)) {
    const { mode, mtimeMs, ctimeMs, size } = lstatSync(join(top, path));
    hash.update(JSON.stringify([path, mode, mtimeMs, ctimeMs, size]));
    if (lstatSync(join(top, path)).isFile()) hash.update(readFileSync(join(top, path)));
  }
  const { mtimeMs, ctimeMs } = lstatSync(top);
  return hash.update(JSON.stringify([mtimeMs, ctimeMs])).digest('hex');
}

test('a recorded folder goes to the archive with its result, and `show` says where it is', async ({
  scene,
}) => {
  const archive = archiveOf(scene);
  scene.configure({}, { after: { archive: './done', grace: '0ms' } });
  const daemon = await scene.daemon();
  scene.drop('monday', { ...plan('monday'), 'notes.txt': 'not mapped' });
  const target = join(archive, 'monday');
  await until('the folder to be archived', () => existsSync(target) && !existsSync(scene.folder('monday')));
  expect(readdirSync(target).sort()).toEqual([
    'input.json',
    'meta.json',
    'nextmv-result.json',
    'notes.txt',
    'output.json',
  ]);
  const view = await until('it to be written down', async () => {
    const [run] = await daemon.list();
    return run?.archived_to === undefined ? null : run;
  });
  expect(view).toMatchObject({ state: 'recorded', archived_to: target, warnings: [] });
  const shown = await scene.command('show', scene.folder('monday'));
  expect(shown.stdout).toContain(target);
  expect(resultIn(target)?.id).toBe(view.run_id);
  expect((await statusOf(scene)).drop_roots[0]?.archive).toEqual({ path: archive, problem: null });
});

test('a second folder of the same name gets its run’s number in the archive, and the first stays as it is', async ({
  scene,
}) => {
  const archive = archiveOf(scene);
  scene.configure({}, { after: { archive: './done', grace: '0ms' } });
  await scene.daemon();
  scene.drop('nightly', plan('first'));
  await until('the first to be archived', () => existsSync(join(archive, 'nightly/nextmv-result.json')));
  const first = digestOf(join(archive, 'nightly'));
  scene.drop('nightly', plan('second'));
  const second = await until('the second to be archived', () => {
    const name = readdirSync(archive).find((entry) => entry.startsWith('nightly.run-'));
    return name !== undefined && !existsSync(scene.folder('nightly')) ? join(archive, name) : null;
  });
  expect(second.endsWith('nightly.run-2')).toBe(true);
  expect(JSON.parse(readFileSync(join(second, 'input.json'), 'utf8'))).toEqual({ sample: 'second' });
  expect(digestOf(join(archive, 'nightly'))).toBe(first);
  expect(await scene.platformRuns()).toHaveLength(2);
});

test('nothing is archived before its grace time, while it changes, or without being recorded', async ({
  scene,
}) => {
  const archive = archiveOf(scene);
  scene.configure({}, { after: { archive: './done', grace: '2s' }, deadline: '300ms' });
  const daemon = await scene.daemon();
  scene.drop('rejected', { ...plan('rejected'), 'meta.json': { status: 'finished' } });
  scene.drop('incomplete', { 'input.json': {} });
  scene.drop('good', plan('good'));
  const { runtrackd } = await scene.result('good');
  await scene.state(daemon, 'good', 'recorded');
  // As long as somebody is at work on it, here on a file without a role, it stays.
  const touched: number[] = [];
  const untilMs = Date.now() + 4_000;
  while (Date.now() < untilMs) {
    writeFileSync(join(scene.folder('good'), `more-${touched.length}`), '');
    touched.push(Date.now());
    expect(existsSync(join(archive, 'good'))).toBe(false);
    await sleep(200);
  }
  await until('the good one to be archived', () => existsSync(join(archive, 'good/input.json')));
  expect(Date.now() - Date.parse(String(runtrackd['recorded_at']))).toBeGreaterThan(2_000);
  expect(Date.now() - (touched.at(-1) ?? 0)).toBeGreaterThan(1_900);
  expect(readdirSync(archive)).toEqual(['good']);
  expect(problemIn(scene.folder('rejected'))?.state).toBe('rejected');
  expect(problemIn(scene.folder('incomplete'))?.state).toBe('overdue');
});

test('folders that were recorded before archiving was configured are archived too', async ({ scene }) => {
  const archive = archiveOf(scene);
  const before = await scene.daemon();
  for (let n = 0; n < 5; n += 1) scene.drop(`run-${n}`, plan(`run-${n}`));
  for (let n = 0; n < 5; n += 1) await scene.state(before, `run-${n}`, 'recorded');
  await before.stop();
  scene.configure({}, { after: { archive: './done', grace: '0ms' } });
  await scene.daemon();
  await until('all to be archived', () => readdirSync(archive).length === 5);
  await until('the root to be empty', () => readdirSync(scene.root).length === 0);
});

test('a folder that was recorded by another `files`, `marker` and `ignore` is archived', async ({
  scene,
}) => {
  const archive = archiveOf(scene);
  const before = await scene.daemon();
  scene.drop('monday', { ...plan('monday'), 'run.log': 'a line', 'solver.log': 'another' });
  await scene.state(before, 'monday', 'recorded');
  await before.stop();
  const changed = { files: { log: 'solver.log' }, marker: 'DONE', ignore: ['*.log'] };
  scene.configure({}, { ...changed, after: { archive: './done', grace: '0ms' } });
  await scene.daemon();
  await until('it to be archived', () => existsSync(join(archive, 'monday', 'input.json')));
});

test('one folder that cannot be moved stays in sight, pass after pass, and keeps no other from the archive', async ({
  scene,
}) => {
  const archive = archiveOf(scene);
  // A file, where the folder that it lies in would have to be.
  writeFileSync(join(archive, 'day'), 'theirs');
  scene.configure({}, { depth: 2, after: { archive: './done', grace: '0ms' } });
  const daemon = await scene.daemon();
  scene.drop('day/run', plan('stays'));
  await scene.state(daemon, 'day/run', 'recorded');
  for (const later of ['next/first', 'next/second', 'next/third']) {
    // Each goes in a pass of its own, after the one that fails.
    scene.drop(later, plan(later));
    await until(`${later} to be archived`, () => existsSync(join(archive, later, 'input.json')));
  }
  const { problems } = await statusOf(scene);
  expect(problems).toEqual([expect.stringContaining('(EEXIST)') as string]);
  const told = daemon.log().map(({ msg }) => msg);
  expect(told.filter((msg) => msg.includes('could not be moved to the archive'))).toHaveLength(1);
  expect(told.some((msg) => msg.includes('takes folders again'))).toBe(false);
});

test('an archive that is not mounted stops nothing, is shown, and is taken up again', async ({ scene }) => {
  scene.configure({}, { after: { archive: './done', grace: '0ms' } });
  const daemon = await scene.daemon();
  scene.drop('monday', plan('monday'));
  await scene.state(daemon, 'monday', 'recorded');
  const problem = await until('the status to say so', async () => {
    const { problems, healthy } = await statusOf(scene);
    return problems.find((text) => text.includes('the archive') && !healthy);
  });
  expect(problem).toBe(`the archive ${join(scene.dir, 'done')} is not there: make it, or mount it`);
  expect(existsSync(join(scene.dir, 'done'))).toBe(false);
  const archive = archiveOf(scene);
  await until('it to be archived', () => existsSync(join(archive, 'monday')));
  await until('the status to be well', async () => (await statusOf(scene)).healthy);
});

test.skipIf(isOneFileSystem)(
  'a daemon that is killed again and again while it archives between file systems loses and doubles nothing',
  async ({ scene }) => {
    const memory = mkdtempSync('/dev/shm/rt-archive-');
    scene.undo.push(() => rmSync(memory, { recursive: true, force: true }));
    const names = Array.from({ length: 10 }, (_, n) => `run-${String(n).padStart(2, '0')}`);
    const before = await scene.daemon();
    for (const name of names) {
      scene.drop(name, plan(name));
      const more = join(scene.folder(name), 'more');
      mkdirSync(more);
      for (let n = 0; n < 200; n += 1) writeFileSync(join(more, String(n)), name.repeat(100));
    }
    for (const name of names) await scene.state(before, name, 'recorded');
    await before.stop();
    scene.configure({}, { after: { archive: memory, grace: '0ms' } });
    let kills = 0;
    const left = (): string[] => readdirSync(scene.root).filter((name) => !name.startsWith('.'));
    while (left().length > 0 && kills < 60) {
      const was = left().length;
      const daemon = scene.launch();
      // A moment after something was moved, which is in the middle of the next.
      await until('something to be moved', () => left().length < was || daemon.hasEnded);
      await daemon.kill();
      kills += 1;
    }
    const daemon = await scene.daemon();
    await until('all to be written down', async () =>
      (await daemon.list()).every(({ archived_to }) => archived_to !== undefined),
    );
    expect(kills).toBeGreaterThan(3);
    expect(readdirSync(scene.root)).toEqual([]);
    expect(readdirSync(memory).sort()).toEqual(names);
    for (const name of names) {
      expect(resultIn(join(memory, name))).not.toBeNull();
      expect(readdirSync(join(memory, name, 'more'))).toHaveLength(200);
      for (let n = 0; n < 200; n += 1)
        expect(readFileSync(join(memory, name, 'more', String(n)), 'utf8')).toBe(name.repeat(100));
    }
    expect(await scene.platformRuns()).toHaveLength(names.length);
  },
);

test.skipIf(isOneFileSystem)(
  'a daemon that is stopped while it copies a folder to another file system ends in time, and the next one archives it',
  async ({ scene }) => {
    const memory = mkdtempSync('/dev/shm/rt-archive-');
    scene.undo.push(() => rmSync(memory, { recursive: true, force: true }));
    // All of it is a hole, which takes no room, and half a minute to be read.
    const large = join(scene.drop('monday'), 'large');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 37);
    const config = { shutdown_deadline: '100ms' };
    scene.configure(config, { after: { archive: memory, grace: '0ms' } });
    const daemon = await scene.daemon();
    const copy = join(memory, '.monday.runtrackd-tmp');
    await until('the copy to be begun', () => existsSync(join(copy, 'large')));
    expect((await daemon.stop()).code).toBe(0);
    expect(readdirSync(memory)).toEqual(['.monday.runtrackd-tmp']);
    expect(existsSync(scene.folder('monday'))).toBe(true);

    truncateSync(large, 0);
    const next = await scene.daemon();
    await until('the folder to be archived', () => existsSync(join(memory, 'monday', 'large')));
    await until('the old one to be gone', () => readdirSync(scene.root).length === 0);
    expect(readdirSync(memory)).toEqual(['monday']);
    expect((await next.list()).flatMap(({ warnings }) => warnings)).toEqual([]);
  },
);

test.skipIf(isUnfreezable)(
  'a reload while a folder is copied to another file system: the copy goes on, whatever has changed, and nothing wrong is said',
  { timeout: 240_000 },
  async ({ scene }) => {
    const done = join(scene.dir, 'done');
    scene.undo.push(mountFreezable(done));
    const more = join(scene.drop('large'), 'more');
    mkdirSync(more);
    for (let n = 0; n < 2_000; n += 1) writeFileSync(join(more, String(n)), 'x'.repeat(5_000));
    const after = (grace: string) => ({ after: { archive: './done', grace } });
    scene.configure({}, after('1s'));
    const daemon = await scene.daemon();
    const target = join(done, 'large');
    const copy = join(done, '.large.runtrackd-tmp');
    await until('the copy to be begun', () => existsSync(copy));
    freeze(done);
    try {
      expect(existsSync(target)).toBe(false);
      // What has nothing to do with the archive leaves it alone, and nobody waits for it.
      scene.configure({}, { quiet: '120ms', ...after('1s') });
      expect((await scene.command('reload', '--json')).code).toBe(0);
      expect(daemon.log().filter(({ level }) => level === 'warn')).toEqual([]);
      scene.configure({}, { quiet: '120ms', ...after('0ms') });
      expect((await scene.command('reload', '--json')).code).toBe(0);
      const waits = await daemon.logged(/on its way to the archive/);
      expect(waits.msg).toBe(
        `large is still on its way to the archive ${done}: nobody waits for it, and what has changed for this archive counts when that has ended`,
      );
      // Nobody takes it for a loop that hangs, and it is said what the archive of now waits for.
      const { loops, problems } = await daemon.status();
      expect(loops.map(({ name }) => name)).not.toContain('archive runs');
      expect(problems).toContainEqual(
        expect.stringContaining(
          `large is still on its way to the archive ${done}: nothing is archived until that has ended`,
        ),
      );
    } finally {
      // Whatever came of it: not even a kill ends a process that waits for a frozen disk.
      thaw(done);
    }
    await until('the folder to be archived', () => existsSync(target) && !existsSync(scene.folder('large')));
    // By the rules of now: the next one waits for no grace time.
    scene.drop('next');
    await until('the next one to be archived', () => existsSync(join(done, 'next')));
    expect(readdirSync(join(target, 'more'))).toHaveLength(2_000);
    expect(readdirSync(done).sort()).toEqual(['large', 'lost+found', 'next']);
    const views = await until('it to be written down', async () => {
      const runs = await daemon.list();
      return runs.every(({ archived_to }) => archived_to !== undefined) ? runs : null;
    });
    expect(views.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(
      daemon.log().filter(({ msg }) => /does not answer|not archived|could not be moved/.test(msg)),
    ).toEqual([]);
  },
);

test('with a results directory nothing at all is written into the drop root', async ({ scene }) => {
  const results = archiveOf(scene, 'results');
  scene.configure({}, { result: './results', deadline: '300ms' });
  scene.drop('good', plan('good'));
  scene.drop('text', { 'input.txt': 'i', 'output.txt': 'a text', 'meta.json': { status: 'succeeded' } });
  scene.drop('rejected', { ...plan('rejected'), 'meta.json': { status: 'finished' } });
  scene.drop('incomplete', { 'input.json': {} });
  chmodSync(scene.folder('good'), 0o750);
  const before = digestOf(scene.root);
  await scene.daemon();
  const result = await until('the result', () => resultIn(join(results, 'good')));
  await until('the text’s result', () => resultIn(join(results, 'text')));
  expect(result.runtrackd).toMatchObject({ first_path: 'good', output_verified: true });
  expect(await until('the problem', () => problemIn(join(results, 'rejected')))).toMatchObject({
    state: 'rejected',
  });
  expect(await until('the delay', () => problemIn(join(results, 'incomplete')))).toMatchObject({
    state: 'overdue',
  });
  // Whoever may read the run folder may read its result, and nobody else.
  expect(statSync(join(results, 'good')).mode & 0o777).toBe(0o750);
  expect(statSync(join(results, 'good/nextmv-result.json')).mode & 0o777).toBe(0o640);
  expect(digestOf(scene.root)).toBe(before);
});

test('without one, results and problems are all that is written into run folders: whatever else is there stays as it is', async ({
  scene,
}) => {
  scene.configure({}, { deadline: '300ms' });
  const good = scene.drop('good', { ...plan('good'), 'run.log': 'log', 'notes.txt': 'not mapped' });
  scene.drop('several', {
    'input/a.csv': '1',
    'input/sub/b.csv': '2',
    'output.txt': 'a text',
    'meta.json': { status: 'succeeded' },
  });
  scene.drop('rejected', { ...plan('rejected'), 'meta.json': { status: 'finished' } });
  scene.drop('incomplete', { 'input.json': {} });
  symlinkSync('/etc/hostname', join(good, 'link'));
  chmodSync(join(good, 'input.json'), 0o440);
  utimesSync(join(good, 'output.json'), 1_000_000_000, 1_000_000_000);
  chmodSync(good, 0o750);
  const paths = pathsIn(scene.root);
  // A directory's times change with the names in it, a file's with nothing but what is done to the file.
  const stateOf = (path: string): unknown => {
    const stats = lstatSync(join(scene.root, path));
    if (stats.isDirectory()) return [path, stats.mode, stats.ino];
    const { mode, ino, uid, gid, nlink, size, mtimeMs, ctimeMs } = stats;
    const bytes = stats.isFile() ? readFileSync(join(scene.root, path), 'base64') : '';
    return [path, mode, ino, uid, gid, nlink, size, mtimeMs, ctimeMs, bytes];
  };
  const before = paths.map(stateOf);
  const daemon = await scene.daemon();
  for (const name of ['good', 'several']) await scene.state(daemon, name, 'recorded');
  for (const name of ['rejected', 'incomplete'])
    await until(`the problem of ${name}`, () => problemIn(scene.folder(name)));
  await daemon.stop();
  expect(paths.map(stateOf)).toEqual(before);
  expect(pathsIn(scene.root).filter((path) => !paths.includes(path))).toEqual([
    'good/nextmv-result.json',
    'incomplete/nextmv-problem.json',
    'rejected/nextmv-problem.json',
    'several/nextmv-result.json',
  ]);
});

test('a problem in the results directory goes when the folder is mended, and the result is believed by a new outbox', async ({
  scene,
}) => {
  const results = archiveOf(scene, 'results');
  scene.configure({}, { result: './results' });
  const daemon = await scene.daemon();
  scene.drop('plan', { ...plan('plan'), 'meta.json': { status: 'finished' } });
  await until('the problem', () => problemIn(join(results, 'plan')));
  writeFileSync(join(scene.folder('plan'), 'meta.json'), JSON.stringify({ status: 'succeeded' }));
  const { id } = await until('the result', () => resultIn(join(results, 'plan')));
  expect(problemIn(join(results, 'plan'))).toBeNull();
  await scene.state(daemon, 'plan', 'recorded');
  await daemon.stop();
  rmSync(scene.stateDir, { recursive: true });
  const again = await scene.daemon();
  const view = await scene.state(again, 'plan', 'recorded');
  expect(view.run_id).toBe(id);
  expect(scene.count('create')).toBe(1);
});

test('a results directory that is not there: the result is kept in the state directory, and that is said', async ({
  scene,
}) => {
  scene.configure({}, { result: './results' });
  const daemon = await scene.daemon();
  scene.drop('plan', plan('plan'));
  const view = await scene.state(daemon, 'plan', 'recorded');
  expect(view.warnings.join()).toContain(
    `the results directory ${join(scene.dir, 'results')} cannot be written (ENOENT), so the result was kept in ${scene.stateDir}`,
  );
  expect(existsSync(join(scene.dir, 'results'))).toBe(false);
});
