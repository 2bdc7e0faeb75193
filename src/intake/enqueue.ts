/** A complete folder becomes a run: who it is, what it is called, and whether it was here before under another path. */
import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import type { Failure } from '../core/failure.ts';
import { identityVersion } from '../core/identity.ts';
import type { Enqueued, NewRun, RunSettings } from '../outbox/nouns.ts';
import { errorCode } from '../system/files.ts';
import { isoTime } from '../system/clock.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

/** What a person may say of one folder; it goes before meta.json. */
export interface Wishes {
  readonly app?: string;
  readonly instance?: string;
  readonly name?: string;
  readonly again?: boolean;
}

export interface CompleteFolder {
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly signature: string;
  readonly content: FolderContent;
}

export async function enqueueFolder(
  folder: CompleteFolder,
  root: DropRoot,
  parts: IntakeParts,
  wishes: Wishes = {},
): Promise<Enqueued> {
  const { outbox, clock, policy, platformId, host } = parts;
  const nowMs = clock.nowMs();
  const chance = { nowMs, random: clock.random(), policy };
  const app = wishes.app ?? folder.content.meta.appId ?? root.app;
  const { generation } = folder.content;
  const earlier = await earlierPlace(folder, root, app, parts);
  const wanted: NewRun = {
    key: { version: identityVersion, platform: platformId, app, host, dropRoot: root.name, generation },
    path: folder.path,
    directory: folder.directory,
    signature: folder.signature,
    content: folder.content,
    settings: settingsOf(folder, root, host, wishes, nowMs),
    movedFrom: earlier?.kind === 'moved' ? earlier.run : null,
    again: wishes.again === true,
  };
  const enqueued = await outbox.enqueue(wanted, chance);
  if (enqueued.kind === 'new' && earlier?.kind === 'doubtful' && wishes.again !== true) {
    await outbox.apply(enqueued.run, { kind: 'doubted', failure: movedOrCopied(earlier.run) }, chance);
  }
  await outbox.saveFolder({
    dropRoot: root.name,
    path: folder.path,
    state: 'known',
    reason: { class: '', text: '' },
    hint: '',
    signature: folder.signature,
    directory: folder.directory,
    firstSeenMs: nowMs,
    changedAtMs: nowMs,
    sinceMs: nowMs,
    run: enqueued.run,
  });
  return enqueued;
}

function settingsOf(
  folder: CompleteFolder,
  root: DropRoot,
  host: string,
  wishes: Wishes,
  nowMs: number,
): RunSettings {
  const { meta } = folder.content;
  return {
    instance: wishes.instance ?? meta.instanceId ?? root.instance,
    name: wishes.name ?? meta.name ?? nameOf(folder.path, root, host, nowMs),
    description: meta.description ?? '',
    options: { ...root.options, ...meta.options },
    batchExperimentId: meta.batchExperimentId,
  };
}

function nameOf(path: string, root: DropRoot, host: string, nowMs: number): string {
  const values: Record<string, string> = {
    folder: basename(path),
    root: root.name,
    host,
    date: isoTime(nowMs).slice(0, 10),
  };
  return root.runName.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

type EarlierPlace = { readonly kind: 'moved' | 'doubtful'; readonly run: number };

/** The run that this very directory was at another path, which is now absent or another directory. */
async function earlierPlace(
  { path, directory, content }: CompleteFolder,
  root: DropRoot,
  app: string,
  { outbox, pathOfRoot, platformId }: IntakeParts,
): Promise<EarlierPlace | null> {
  for (const run of await outbox.runsOfDirectory(directory, content.generation)) {
    const { key } = run;
    if (key.app !== app || key.platform !== platformId) continue;
    if (key.dropRoot === root.name && run.path === path) return null;
    const rootPath = pathOfRoot(key.dropRoot);
    // A root that is not there, or is another mount, says nothing about what lies below it.
    if (rootPath === null || key.dropRoot !== root.name) continue;
    if (await isThere(join(rootPath, run.path), directory)) continue;
    const isSure = directory.birthNs !== '0' || run.content.filesMark === content.filesMark;
    return { kind: isSure ? 'moved' : 'doubtful', run: run.run };
  }
  return null;
}

async function isThere(path: string, directory: DirectoryIdentity): Promise<boolean> {
  try {
    const stats = await lstat(path, { bigint: true });
    return String(stats.ino) === directory.ino && String(stats.dev) === directory.dev;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

function movedOrCopied(run: number): Failure {
  return {
    class: 'moved-or-copied',
    text: `it may be the folder of run #${run}, moved, or a copy of it: this file system does not tell`,
    hint: 'If it is a copy, `runtrackd retry` sends it as a run of its own; if it was moved, `runtrackd skip` it.',
    reach: 'run',
  };
}
