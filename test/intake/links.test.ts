/** Symbolic links where run folders should lie: they are not followed, and a person is told. */
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Listing } from '../../src/intake/listing.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import { machineClock } from '../../src/system/clock.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { test as sceneTest } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

/** A whole run folder beside the root. @returns its path */
function outsideOf(root: Pick<Root, 'dir'>, name: string): string {
  const folder = join(root.dir, 'outside', name);
  mkdirSync(folder, { recursive: true });
  writeFiles(folder, plan(name));
  return folder;
}

const hint =
  'move the folder into the root, give `path` the directory that it lies in, or name the link in `ignore`';
const told = (name: string, count = 1): string =>
  `${count} symbolic link(s) to folders are not followed, such as ${name}: ${hint}`;

test('a link to a folder is trouble as long as it is there, is said once, and is neither followed nor written to', async ({
  root,
}) => {
  const folder = outsideOf(root, 'run-42');
  symlinkSync(folder, join(root.path, 'linked'));
  const { intake } = root.start();
  await until('it to be told', () => intake.trouble() === told('linked'));
  // The root changes, so it is listed again.
  root.drop('plan');
  await until('the other one to be a run', async () => (await root.count('queued')) === 1);
  await until('another listing', async () => (await intake.scan(true)).folders === 1);
  const warned = root.said.filter(({ level }) => level === 'warn').map(({ text }) => text);
  expect(warned).toEqual([`drop root ${root.path}: ${told('linked')}`]);
  expect(readdirSync(folder).sort()).toEqual(Object.keys(plan('')).sort());
  expect(await root.outbox.folders('runs', ['linked'])).toEqual([]);
  // It is moved in.
  rmSync(join(root.path, 'linked'));
  renameSync(folder, join(root.path, 'linked'));
  await until('it to be a run', async () => (await root.count('queued')) === 2);
  expect(intake.trouble()).toBeNull();
});

test('links by which no run folder is missed are nothing', async ({ root }) => {
  root.drop('plan');
  symlinkSync('plan', join(root.path, 'latest'));
  symlinkSync('.', join(root.path, 'loop'));
  symlinkSync('not-there', join(root.path, 'dangling'));
  symlinkSync('itself', join(root.path, 'itself'));
  writeFileSync(join(root.dir, 'file'), '');
  symlinkSync(join(root.dir, 'file'), join(root.path, 'file'));
  symlinkSync(outsideOf(root, 'run-42'), join(root.path, 'linked.tmp'));
  const intake = root.intake();
  expect(await intake.scan(true)).toMatchObject({ folders: 1 });
  expect(intake.trouble()).toBeNull();
});

test('a link to a folder of the root that is ignored there leads away', async ({ root }) => {
  root.drop('.store');
  symlinkSync('.store', join(root.path, 'plan'));
  const intake = root.intake();
  await intake.scan(true);
  expect(intake.trouble()).toBe(told('plan'));
});

test('a run that was moved away, with a link left in its place, is not missed', async ({ root }) => {
  const folder = root.drop('plan');
  const { intake } = root.start();
  await until('the run', async () => (await root.count('queued')) === 1);
  mkdirSync(join(root.dir, 'outside'));
  renameSync(folder, join(root.dir, 'outside/plan'));
  symlinkSync(join(root.dir, 'outside/plan'), folder);
  await until('it to be gone', async () => (await root.count('gone')) === 1);
  await intake.scan(true);
  expect(intake.trouble()).toBeNull();
});

test('in date folders too they are told, and counted together', async ({ root }) => {
  root.drop('2026-01-01/plan');
  root.drop('2026-01-02/plan');
  for (const day of ['2026-01-01', '2026-01-02'])
    symlinkSync(outsideOf(root, day), join(root.path, day, 'linked'));
  const intake = root.intake({ depth: 2 });
  await intake.scan(true);
  expect(intake.trouble()).toBe(told('2026-01-01/linked', 2));
  rmSync(join(root.path, '2026-01-02'), { recursive: true });
  await intake.scan(true);
  expect(intake.trouble()).toBe(told('2026-01-01/linked'));
});

test('a link in the place of a date folder is told likewise, and what is found by its own name as well is not', async ({
  root,
}) => {
  root.drop('2026-01-01/plan');
  outsideOf(root, '2026-01-02/plan');
  symlinkSync(join(root.dir, 'outside/2026-01-02'), join(root.path, '2026-01-02'));
  symlinkSync('2026-01-01', join(root.path, 'latest'));
  const intake = root.intake({ depth: 2 });
  expect(await intake.scan(true)).toMatchObject({ folders: 1 });
  expect(intake.trouble()).toBe(told('2026-01-02'));
  rmSync(join(root.path, '2026-01-02'));
  await intake.scan(true);
  expect(intake.trouble()).toBeNull();
});

test('links beside date folders are followed again only when their directory changed, or somebody asks', async ({
  root,
}) => {
  root.drop('2026-01-01/plan');
  symlinkSync('2026-01-01', join(root.path, 'latest'));
  symlinkSync(outsideOf(root, 'one'), join(root.path, 'one'));
  let followed = 0;
  const folders = root.foldersBut({
    follow: async (...asked) => {
      followed += 1;
      return await root.folders.follow(...asked);
    },
  });
  // What lies there has lain there for long.
  const clock = { ...machineClock, nowMs: () => Date.now() + aheadMs };
  let aheadMs = 60_000;
  const listing = new Listing(rulesOf(root.dropRoot({ depth: 2 })), root.parts({ folders, clock }));
  const list = async (isWhole: boolean): Promise<number> => {
    const before = followed;
    const pages = listing.unsifted(isWhole);
    while ((await pages.next()).done !== true);
    return followed - before;
  };
  expect(await list(false)).toBe(2);
  expect(await list(false)).toBe(0);
  expect(await list(false)).toBe(0);
  expect(listing.trouble()).toBe(told('one'));
  expect(await list(true)).toBe(2);
  expect(await list(false)).toBe(0);
  symlinkSync(outsideOf(root, 'two'), join(root.path, 'two'));
  // By a clock to which it has only just changed: it may change again and look the same.
  aheadMs = -60_000;
  expect(await list(false)).toBe(3);
  expect(await list(false)).toBe(3);
  expect(listing.trouble()).toContain('2 symbolic link(s)');
  // Nothing is said of them twice, and the second one is said.
  const warned = root.said.filter(({ level }) => level === 'warn').map(({ text }) => text);
  expect(warned.map((text) => /\d+ symbolic/.exec(text)?.[0])).toEqual(['1 symbolic', '2 symbolic']);
});

sceneTest('status says it as a problem of the root, and a dry run in its table', async ({ scene }) => {
  const folder = outsideOf(scene, 'run-42');
  symlinkSync(folder, scene.folder('linked'));
  const dry = await scene.command('scan', '--dry-run', '--json');
  const row = {
    folder: scene.folder('linked'),
    drop_root: 'runs',
    verdict: 'rejected',
    reason: `it is a symbolic link, and links are not followed: ${hint}`,
    run: null,
  };
  expect(JSON.parse(dry.stdout)).toMatchObject({
    folders: [row],
    drop_roots: [{ folders: 1, problem: told('linked') }],
  });
  const daemon = await scene.daemon();
  const problem = await until('the problem', async () => (await daemon.status()).problems[0]);
  expect(problem).toBe(`drop root ${scene.root}: ${told('linked')}`);
  expect(readdirSync(folder).sort()).toEqual(Object.keys(plan('')).sort());
});

sceneTest('a dry run says it of a link in the place of a date folder', async ({ scene }) => {
  scene.configure({ drop_roots: [scene.dropRoot({ depth: 2 })] });
  scene.drop('2026-01-01/plan');
  outsideOf(scene, '2026-01-02/plan');
  symlinkSync(join(scene.dir, 'outside/2026-01-02'), scene.folder('2026-01-02'));
  symlinkSync('2026-01-01', scene.folder('latest'));
  const dry = await scene.command('scan', '--dry-run', '--json');
  const { folders } = JSON.parse(dry.stdout) as { folders: { folder: string }[] };
  expect(folders.sort((one, other) => one.folder.localeCompare(other.folder))).toMatchObject([
    { folder: scene.folder('2026-01-01/plan'), verdict: 'would-be-tracked' },
    {
      folder: scene.folder('2026-01-02'),
      verdict: 'rejected',
      reason: `it is a symbolic link, and links are not followed: ${hint}`,
    },
  ]);
});
