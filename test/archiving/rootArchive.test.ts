/** What goes to the archive is the folder in the drop root, and nothing that a link in its place leads to. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RootArchive } from '../../src/archiving/rootArchive.ts';
import { rootForOutside, rulesOf } from '../../src/intake/rules.ts';
import type { ArchiveCandidate } from '../../src/outbox/nouns.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { sightFolder } from '../../src/reading/sightFolder.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';
import { dropFolder, plan } from '../journey/folders.ts';

const { sight } = rulesOf(rootForOutside('hare-app'));

interface Places {
  readonly dir: string;
  readonly root: string;
  readonly archive: string;
}

function places(): Places {
  const dir = mkdtempSync(join(tmpdir(), 'rt-archive-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [root, archive] = [join(dir, 'runs'), join(dir, 'done')];
  mkdirSync(root);
  mkdirSync(archive);
  return { dir, root, archive };
}

/** One folder that may be archived, as the outbox has it. @returns how many folders a pass moves */
async function archiving(
  { root, archive }: Places,
  path: string,
  begun?: string,
): Promise<() => Promise<number>> {
  const seen = await sightFolder(join(root, path), sight);
  if (seen === null) throw new Error('it is not there');
  const candidate = { run: 1, path, signature: seen.signature, directory: seen.directory };
  const outbox = {
    begunArchivings: () => (begun === undefined ? [] : [{ run: 1, path, target: begun }]),
    archiveCandidates: (): ArchiveCandidate[] => [candidate],
    runsAtPath: () => [],
    beginArchiving: () => undefined,
    forgetArchiving: () => undefined,
    archived: () => undefined,
  } as unknown as Outbox;
  const folders = new RunFolders(quietLog());
  onTestFinished(() => folders.close());
  const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + 60_000 };
  const rules = { name: 'runs', path: root, archive, graceMs: 0, sight };
  const parts = { outbox, folders, clock, log: quietLog() };
  return () => new RootArchive(rules, parts, () => undefined).pass(new AbortController().signal);
}

test('a folder in a date folder goes to the same place in the archive', async () => {
  const all = places();
  dropFolder(all.root, 'day/run', plan('a'));
  const pass = await archiving(all, 'day/run');
  expect(await pass()).toBe(1);
  expect(readdirSync(join(all.archive, 'day', 'run')).sort()).toEqual(Object.keys(plan('a')).sort());
  expect(readdirSync(join(all.root, 'day'))).toEqual([]);
});

test('a folder that was taken out of the root is not moved, though a link leads to it', async () => {
  const all = places();
  dropFolder(all.root, 'day/run', plan('a'));
  const pass = await archiving(all, 'day/run');
  renameSync(join(all.root, 'day'), join(all.dir, 'elsewhere'));
  symlinkSync(join(all.dir, 'elsewhere'), join(all.root, 'day'));
  expect(await pass()).toBe(0);
  expect(existsSync(join(all.dir, 'elsewhere', 'run', 'input.json'))).toBe(true);
  expect(readdirSync(all.archive)).toEqual([]);
});

test('what a move has left behind is not removed through a link either', async () => {
  const all = places();
  const target = join(all.archive, 'day', 'run');
  dropFolder(all.root, 'day/run', plan('a'));
  dropFolder(all.archive, 'day/run', plan('a'));
  const pass = await archiving(all, 'day/run', target);
  renameSync(join(all.root, 'day', 'run'), join(all.root, 'day', '.run.runtrackd-tmp'));
  renameSync(join(all.root, 'day'), join(all.dir, 'elsewhere'));
  symlinkSync(join(all.dir, 'elsewhere'), join(all.root, 'day'));
  await pass();
  expect(readdirSync(join(all.dir, 'elsewhere'))).toEqual(['.run.runtrackd-tmp']);
  expect(existsSync(target)).toBe(true);
});
