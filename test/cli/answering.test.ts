/** `retry` and `skip`: a person's answer to what is parked or rejected. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { expect } from 'vitest';
import { plan, problemIn, writeFiles } from '../journey/folders.ts';
import { programFile } from '../journey/program.ts';
import { app, test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { json, openGallery, runKeys } from './gallery.ts';

const foldersOf = (runs: unknown): string[] =>
  (runs as { folder: string }[]).map(({ folder }) => folder).sort();

test.concurrent('a dry run says what it would be, and changes nothing', async ({ scene }) => {
  const { daemon, parked, rejected } = await openGallery(scene);
  const before = await daemon.list();
  const [retry, skip] = await Promise.all([
    scene.command('retry', '--all', '--dry-run', '--json'),
    scene.command('skip', '--all', '--dry-run', '--json'),
  ]);
  for (const finished of [retry, skip]) {
    expect(finished.code).toBe(0);
    const answered = json(finished);
    expect(Object.keys(answered).sort()).toEqual(['dry_run', 'left_alone', 'more', 'runs']);
    expect(answered).toMatchObject({ dry_run: true, left_alone: [] });
    expect(foldersOf(answered['runs'])).toEqual([parked, rejected].sort());
    for (const run of answered['runs'] as object[]) expect(Object.keys(run).sort()).toEqual(runKeys);
  }
  expect(await daemon.list()).toEqual(before);
  expect((await scene.command('retry', '--all', '--dry-run')).stdout).toContain(
    'Would retry, without --dry-run:',
  );
});

test.concurrent('--reason and --root choose among what waits', async ({ scene }) => {
  const { parked, rejected } = await openGallery(scene);
  const chosen = async (...args: string[]) =>
    foldersOf(json(await scene.command('skip', '--dry-run', '--json', ...args))['runs']);
  expect(await chosen('--reason', 'refused')).toEqual([parked]);
  expect(await chosen('--reason', 'rejected')).toEqual([rejected]);
  expect(await chosen('--reason', 'no-such-class')).toEqual([]);
  expect(await chosen('--root', 'runs')).toEqual([parked, rejected].sort());
  expect(await chosen('--root', 'more')).toEqual([]);
  expect(await chosen('--all', '--root', 'runs', '--reason', 'refused')).toEqual([parked]);
});

test.concurrent('retry sends on what was parked, and looks anew at what was rejected', async ({ scene }) => {
  const { parked, rejected } = await openGallery(scene);
  scene.calm();
  const retried = await scene.command('retry', '--all');
  expect(retried.code).toBe(0);
  expect(retried.stdout).toContain('2 go on:');
  await scene.result('refused');
  await until('the problem file to be taken away', () => problemIn(parked) === null);
  // Its content is as wrong as before, so it is rejected again, and says so again.
  const problem = await until('the problem file', () => problemIn(rejected));
  expect(problem).toMatchObject({ state: 'rejected' });
});

test.concurrent('skip ends what waits; new content and retry bring it back', async ({ scene }) => {
  const { daemon, parked, rejected } = await openGallery(scene);
  const skipped = await scene.command('skip', 'refused', rejected, '--json');
  expect(skipped.code).toBe(0);
  expect((json(skipped)['runs'] as { state: string }[]).map(({ state }) => state)).toEqual([
    'skipped',
    'skipped',
  ]);
  expect([problemIn(parked), problemIn(rejected)]).toEqual([null, null]);
  expect((await scene.command('status')).code).toBe(0);

  writeFiles(rejected, plan('mended'));
  await scene.result('bad');
  scene.calm();
  expect((await scene.command('retry', 'refused')).code).toBe(0);
  await scene.state(daemon, 'refused', 'recorded');
});

test.concurrent('what waits for no answer is left alone, and that is exit code 1', async ({ scene }) => {
  const { done, parked } = await openGallery(scene);
  const finished = await scene.command('retry', done);
  expect(finished.code).toBe(1);
  expect(finished.stderr).toContain(`${done} was left alone: it is recorded, which waits for no answer`);
  const mixed = await scene.command('skip', done, parked, '--json');
  expect(mixed.code).toBe(0);
  expect(foldersOf(json(mixed)['runs'])).toEqual([parked]);
  expect(json(mixed)['left_alone']).toMatchObject([{ run: { folder: done } }]);
});

test.concurrent(
  'skip takes a run that waits for its turn, when it is named; retry sends it after all',
  async ({ scene }) => {
    scene.faults.always({ app }, { kind: 'answer', status: 404 });
    const daemon = await scene.daemon();
    scene.drop('waiting');
    await scene.state(daemon, 'waiting', 'queued');
    await until('the app to pause', async () => (await daemon.status()).platform.apps.length === 1);
    expect(json(await scene.command('skip', '--all', '--json'))).toMatchObject({ runs: [] });
    expect((await scene.command('skip', 'waiting')).code).toBe(0);
    expect((await daemon.show('waiting')).state).toBe('skipped');
    await until('nothing to be paused', async () => (await daemon.status()).platform.apps.length === 0);
    scene.calm();
    expect((await scene.command('retry', 'waiting')).code).toBe(0);
    await scene.result('waiting');
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent('a name that is ambiguous or unknown changes nothing at all', async ({ scene }) => {
  const { daemon, parked } = await openGallery(scene);
  expect((await scene.command('skip', parked, 'done')).code).toBe(2);
  expect((await scene.command('skip', parked, 'nothing')).code).toBe(1);
  expect((await daemon.show(parked)).state).toBe('parked');
});

test.concurrent('a run that is named twice is answered once', async ({ scene }) => {
  const { parked } = await openGallery(scene);
  const finished = await scene.command('skip', parked, 'refused', '--json');
  expect(finished.code).toBe(0);
  expect(foldersOf(json(finished)['runs'])).toEqual([parked]);
});

test.concurrent('without a daemon an answer is kept until the next one runs', async ({ scene }) => {
  const { daemon, rejected } = await openGallery(scene);
  await daemon.stop();
  scene.calm();
  const retried = await scene.command('retry', 'refused');
  expect(retried).toMatchObject({ code: 0 });
  expect(retried.stdout).toContain('when the daemon runs');
  expect((await scene.command('skip', rejected)).code).toBe(0);
  expect(scene.count('create')).toBe(4);
  const next = await scene.daemon();
  await scene.result('refused');
  await scene.state(next, 'bad', 'skipped');
});

test.concurrent('many at once are asked about on a terminal, and only there', async ({ scene }) => {
  const { daemon } = await openGallery(scene);
  const waiting = async () =>
    (await daemon.list()).filter(({ state }) => state === 'parked' || state === 'rejected');
  const before = await waiting();
  const onTerminal = async (typed: string, ...more: string[]) => {
    const line = [process.execPath, programFile, 'skip', '--all', '-c', scene.configFile, ...more].join(' ');
    // script(1) gives it a terminal, and types what comes through the pipe.
    const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    if (typed !== '') await until('the question', () => shown.includes('[y/N]'));
    child.stdin.write(typed);
    const [code] = (await once(child, 'close')) as [number];
    return { shown, code };
  };
  const declined = await onTerminal('n\r');
  expect(declined.code).toBe(1);
  expect(declined.shown).toContain(`All ${String(before.length)} of them? [y/N]`);
  for (const { folder } of before) expect(declined.shown).toContain(basename(folder));
  expect(declined.shown).toContain('Nothing was changed.');
  expect(await waiting()).toEqual(before);
  // Ctrl-D and Ctrl-C.
  for (const key of ['\u0004', '\u0003']) {
    const { code, shown } = await onTerminal(key);
    expect(code).toBe(1);
    expect(shown).toContain('Nothing was changed.');
    expect(await waiting()).toEqual(before);
  }
  expect(await onTerminal('y\r')).toMatchObject({ code: 0 });
  expect(await waiting()).toEqual([]);
});
