/** What lies beside the content of a folder is that content's: its result, its problem, and nobody else's. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { chmodSync, chownSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { problemFileName, resultFileName } from '../../src/core/ownFiles.ts';
import { plan, problemIn, resultIn, writeFiles } from './folders.ts';
import { test } from './scene.ts';
import { until } from './waiting.ts';

test.concurrent(
  'a new folder that gets the inodes of a removed one is a run of its own',
  async ({ scene }) => {
    // With all times kept, as cp -a from a template does, only the birth of the directory tells them apart.
    const template = scene.drop('.template', plan('again'));
    const copy = (name: string) => promisify(execFile)('cp', ['-a', template, scene.folder(name)]);
    const daemon = await scene.daemon();
    await copy('first');
    await scene.result('first');
    rmSync(scene.folder('first'), { recursive: true });
    await copy('second');
    const { id } = await scene.result('second');
    const views = await daemon.list();
    expect(views.find(({ folder }) => folder === scene.folder('second'))?.run_id).toBe(id);
    expect(scene.count('create')).toBe(2);
  },
);

test.concurrent(
  'a folder made again with the same content is no new run, and gets its result again',
  async ({ scene }) => {
    await scene.daemon();
    scene.drop('plan');
    const { id } = await scene.result('plan');
    const kept = join(scene.dir, 'kept');
    cpSync(scene.folder('plan'), kept, { recursive: true });
    rmSync(join(kept, resultFileName));
    rmSync(scene.folder('plan'), { recursive: true });
    cpSync(kept, scene.folder('plan'), { recursive: true });
    expect((await scene.result('plan')).id).toBe(id);
    expect(scene.count('create')).toBe(1);
  },
);

test.concurrent(
  'a folder that did not take its result gets it once it does, within the time of an audit',
  async ({ scene }) => {
    scene.configure({}, { audit_every: '1s' });
    const daemon = await scene.daemon();
    const folder = scene.drop('plan', {
      ...plan('plan'),
      // What is written first, under a name for the moment, finds no room.
      [`.${resultFileName}.runtrackd-tmp/full`]: '',
    });
    const asked = () => scene.count('run');
    await scene.state(daemon, 'plan', 'recorded');
    const first = asked();
    await until('it to be tried again', () => asked() > first);
    rmSync(join(folder, `.${resultFileName}.runtrackd-tmp`), { recursive: true });
    await scene.result('plan');
    expect(scene.count('create')).toBe(1);
  },
);

test.concurrent('content that comes back gets its own result back', async ({ scene }) => {
  await scene.daemon();
  const folder = scene.drop('plan');
  const first = await scene.result('plan');
  writeFiles(folder, { 'output.json': { solution: 'another' } });
  await until('the result of the newer content', () => resultIn(folder)?.id !== first.id);
  writeFiles(folder, plan('plan'));
  await until('the first result again', () => resultIn(folder)?.id === first.id);
  expect(scene.count('create')).toBe(2);
});

test.concurrent('a problem that is mended is not told of any longer', async ({ scene }) => {
  const daemon = await scene.daemon();
  const folder = scene.drop('plan');
  await scene.result('plan');
  writeFiles(folder, { 'meta.json': { staus: 'succeeded' } });
  const problem = await until('the problem file', () => problemIn(folder));
  expect(problem.reason.text).toContain('did you mean "status"?');
  writeFiles(folder, { 'meta.json': plan('plan')['meta.json'] ?? '' });
  await until('it to be taken away', () => !existsSync(join(folder, problemFileName)));
  expect((await daemon.status()).needs_person).toEqual([]);
});

test.concurrent('a run that is parked by what the list shows is told of in its folder', async ({ scene }) => {
  scene.configure({
    platform: { kind: 'stand-in', reconcile: { absent_after: '300ms', then: 'park' } },
  });
  const folder = scene.drop('plan');
  expect((await scene.launch({ environment: { RUNTRACKD_CRASH_AT: 'intended' } }).end()).signal).toBe(
    'SIGKILL',
  );
  await scene.daemon();
  const problem = await until('the problem file', () => problemIn(folder));
  expect(problem).toMatchObject({ state: 'parked', reason: { class: 'surely-absent' } });
});

const asNobody = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
];
/** As root every folder may be looked into, so the program runs as somebody else: where that can be done. */
const whyNotNobody =
  process.getuid?.() !== 0
    ? 'this user is not root and cannot give a folder to another'
    : spawnSync('setpriv', [...asNobody, process.execPath, 'dist/main.js', '--version']).status === 0
      ? null
      : 'another user cannot run the program from this directory, or setpriv is not there';
if (whyNotNobody !== null) console.warn(`SKIPPED: folders that may not be looked into: ${whyNotNobody}`);

const asNobodyTest = whyNotNobody === null ? test.concurrent : test.concurrent.skip;
asNobodyTest(
  'a folder that may not be looked into waits, is shown, and is tracked when it is opened',
  async ({ scene }) => {
    scene.configure({}, { deadline: '500ms' });
    const folder = scene.drop('closed');
    chmodSync(folder, 0o000);
    await promisify(execFile)('chown', ['-R', '65534:65534', scene.dir]);
    chownSync(folder, 0, 0);
    const run = async (...args: string[]) =>
      await promisify(execFile)('setpriv', [
        ...asNobody,
        process.execPath,
        'dist/main.js',
        ...args,
        '-c',
        scene.configFile,
      ]).then(
        ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
        (error: unknown) => error as { stdout: string; stderr: string; code: number },
      );
    expect((await run('scan', '--dry-run')).stdout).toContain('may not look into it (EACCES)');
    expect((await run('track', folder)).stderr).toContain('may not look into it (EACCES)');
    const once = await run('run', '--once', '--wait-max', '2s');
    expect(once.stderr).toContain('1 need a person');
    expect(once.code).toBe(3);
    chownSync(folder, 65_534, 65_534);
    chmodSync(folder, 0o755);
    expect((await run('run', '--once')).code).toBe(0);
    expect(resultIn(folder)).not.toBeNull();
  },
);

test.concurrent('commands need no key where a daemon has it', async ({ scene }) => {
  await scene.daemon();
  rmSync(scene.keyFile);
  expect((await scene.command('status')).code).toBe(0);
  expect((await scene.command('check-config')).code).toBe(78);
  writeFileSync(scene.keyFile, `${scene.apiKey}\n`);
});
