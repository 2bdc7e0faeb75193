/** A complete folder becomes a run: who it is, what it is called, and whether it was here before under another path. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isHistory } from '../core/backfill.ts';
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import type { Failure } from '../core/failure.ts';
import { identityVersion, outsideRootName } from '../core/identity.ts';
import { isLeftUnsent } from '../core/makingWay.ts';
import { maybeMoved } from '../core/movedOrCopied.ts';
import { resultFileName } from '../core/ownFiles.ts';
import { isSameDirectory, kinshipOf } from '../core/sameDirectory.ts';
import { sentByAnother } from '../core/sentByOtherHost.ts';
import { isMarkOf } from '../core/thinning.ts';
import type { Enqueued, NewRun, RootStart, Run, RunSettings } from '../outbox/nouns.ts';
import { newestWriteMs, type FolderSight } from '../reading/sight.ts';
import { isoTime } from '../system/clock.ts';
import { appOf, targetOf, type ReadPlace } from './appOf.ts';
import type { IntakeParts } from './parts.ts';
import { provenBy, type ProvenRun } from './resultFile.ts';
import type { DropRoot } from './rules.ts';
import { directoryAt, Whereabouts } from './whereabouts.ts';

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
  /** Whether the file system keeps birth times, as far as this directory shows it. */
  readonly isBirthKnown: boolean;
  readonly signature: string;
  /** Since when it has lain there as it is, by the monotonic clock, in ms. */
  readonly restsSinceMs: number;
  /** When anything in it last changed, by the file system's clock, in ms. */
  readonly newestChangeMs: number;
  /** When a mapped file last changed, likewise. */
  readonly newestFileChangeMs: number;
  /** When its solver last wrote a mapped file, as the files say, in ms. */
  readonly newestWriteMs: number;
  /** It lay there before its root was first watched. */
  readonly isHistory: boolean;
  readonly content: FolderContent;
  /** Files of this program itself that lie in it. */
  readonly ownFiles: readonly string[];
}

/** @param start when the root was first watched; null: it is not, or not yet */
export function completeFolder(
  path: string,
  sight: FolderSight,
  content: FolderContent,
  restsSinceMs: number,
  start: RootStart | null,
): CompleteFolder {
  const { directory, isBirthKnown, signature, ownFiles, newestChangeMs, newestFileChangeMs } = sight;
  return {
    path,
    directory,
    isBirthKnown,
    signature,
    restsSinceMs,
    ownFiles,
    newestChangeMs,
    newestFileChangeMs,
    newestWriteMs: newestWriteMs(sight),
    isHistory: isHistory(newestChangeMs, start?.firstStartMs ?? null),
    content,
  };
}

/** What has lain there for longer when it is found is history: runs that are fresh go before it. */
export const freshMs = 10 * 60_000;

export async function enqueueFolder(
  folder: CompleteFolder,
  root: DropRoot,
  parts: IntakeParts,
  wishes: Wishes = {},
): Promise<Enqueued> {
  const { outbox, clock, policy, platformId, host, log } = parts;
  const nowMs = clock.nowMs();
  const { app, isAsked } = await appOf(folder, root, parts, wishes.app);
  const { generation } = folder.content;
  const key = { version: identityVersion, platform: platformId, app, host, dropRoot: root.name, generation };
  await parts.passHostGuard();
  const isProvable = wishes.again !== true && mayHold(resultFileName, folder, root);
  const proven = isProvable ? await provenRun(folder, root, app, parts) : null;
  const earlier = await earlierPlaces(folder, root, key, parts);
  const wanted: NewRun = {
    key,
    path: folder.path,
    directory: folder.directory,
    signature: folder.signature,
    content: folder.content,
    settings: { ...settingsOf(folder, root, host, wishes, nowMs), ...(isAsked ? { isAppAsked: true } : {}) },
    movedFrom: earlier.movedFrom,
    movedAway: earlier.movedAway,
    doubt: wishes.again === true ? null : doubtOf(proven, earlier, host),
    again: wishes.again === true,
    isBacklog: folder.isHistory || nowMs - folder.newestChangeMs > freshMs,
    newestFileChangeMs: folder.newestFileChangeMs,
    newestWriteMs: folder.newestWriteMs,
    believed: proven?.host === host ? proven : null,
    target: targetOf(root, parts),
  };
  const enqueued = await outbox.enqueue(wanted, { nowMs, random: clock.random(), policy });
  // One folder under two names would be two when it changes.
  if (earlier.otherName !== null) await outbox.forgetFolder(root.name, earlier.otherName);
  if (enqueued.distrust !== undefined)
    log.error(
      { root: root.name, folder: folder.path },
      `${enqueued.distrust}: was the outbox lost or rolled back? Nothing is sent before it was looked for on the platform`,
    );
  return enqueued;
}

/** Whether a file of our own may lie where the folder's results go: a mirrored directory was not looked into. */
export function mayHold(
  name: string,
  { ownFiles }: Pick<CompleteFolder, 'ownFiles'>,
  { resultsDir }: Pick<DropRoot, 'resultsDir'>,
): boolean {
  return resultsDir !== null || ownFiles.includes(name);
}

/**
 * Whether the folder's result file proves that this host has sent this very content to this platform and app.
 * @throws HostChanged
 */
export async function provesItself(folder: ReadPlace, root: DropRoot, parts: IntakeParts): Promise<boolean> {
  await parts.passHostGuard();
  const { app } = await appOf(folder, root, parts);
  return (await provenRun(folder, root, app, parts))?.host === parts.host;
}

/** The run that the folder's result file proves it to be, of whichever host; null: none. */
async function provenRun(
  folder: ReadPlace,
  root: DropRoot,
  app: string,
  { platformId }: IntakeParts,
): Promise<ProvenRun | null> {
  return await provenBy(root, { ...folder, platform: platformId, app, dropRoot: root.name });
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
    ...(root.enrich.length === 0 ? {} : { enrich: root.enrich }),
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

interface EarlierPlaces {
  /** The run that this very directory was at another path, where it is not any more. */
  readonly movedFrom: number | null;
  /** The path by which `movedFrom` is still found: its name differs in nothing that the file system minds. */
  readonly otherName: string | null;
  /** The runs of this path and content whose own directories now lie elsewhere in the root. */
  readonly movedAway: NewRun['movedAway'];
  /** Like `movedFrom`, where the file system cannot tell a move from a copy. */
  readonly doubtful: number | null;
}

/** Directories come and go under the same names (log rotation), so it is the directory that counts, not its name. */
async function earlierPlaces(
  folder: CompleteFolder,
  root: DropRoot,
  key: NewRun['key'],
  { outbox, clock }: IntakeParts,
): Promise<EarlierPlaces> {
  const { path, directory, content } = folder;
  const isOurs = (run: Run): boolean =>
    run.key.app === key.app && run.key.platform === key.platform && run.key.dropRoot === root.name;
  const [atPath, ofInode] = await Promise.all([
    outbox.runsAtPath(root.name, path, 1_000),
    outbox.runsOfInode(directory.ino, content.generation),
  ]);
  const here = atPath.filter((run) => isOurs(run) && run.key.generation === key.generation);
  const nothing: EarlierPlaces = { movedFrom: null, otherName: null, movedAway: [], doubtful: null };
  const movedAway = (): Promise<NewRun['movedAway']> => placesElsewhere(here, folder, root, clock);
  if (here.some((run) => isSameDirectory(run.directory, directory))) return nothing;
  // Whether it is another one's folder may have been asked, and not answered before it was left.
  const isLeft = here.every((run) => isLeftUnsent(run.life.state));
  for (const run of ofInode) {
    if (!isOurs(run) || run.path === path) continue;
    const isItself = isSameDirectory(run.directory, directory);
    // What comes to a path that had this content is what was there, unless it is surely the folder of another run.
    if (!isLeft && !isItself) continue;
    const found = await directoryAt(root.path, run.path);
    const atOldPath = found === 'closed' ? null : found;
    const kinship = kinshipOf({
      before: run.directory,
      atOldPath,
      now: directory,
      areBirthsKept: folder.isBirthKnown || (await keepsBirths(dirname(join(root.path, path)), directory)),
      isUnmoved: isMarkOf(run.content, content),
    });
    // What is the very directory cannot lie at a closed place as well; of one that only looks like it a person has to say.
    const isTold = found !== 'closed' || isItself;
    // Two runs of one content at one path would be told apart by nothing: where there is one already, a person has to say.
    if (kinship === 'moved' && isTold && (isItself || here.length === 0)) {
      const isFound = atOldPath !== null && isSameDirectory(atOldPath, directory);
      // What was here before goes where its own folder is by now, and not along with this one.
      const otherName = isFound ? run.path : null;
      return { ...nothing, movedFrom: run.run, otherName, movedAway: await movedAway() };
    }
    if (kinship !== 'another') return { ...nothing, doubtful: run.run };
  }
  return { ...nothing, movedAway: await movedAway() };
}

/** Where the directories of runs of a folder's path lie by now, of those that lie elsewhere in the root. */
async function placesElsewhere(
  runs: readonly Run[],
  { path, restsSinceMs }: CompleteFolder,
  root: DropRoot,
  clock: IntakeParts['clock'],
): Promise<NewRun['movedAway']> {
  if (root.name === outsideRootName) return [];
  const places: { readonly run: number; readonly path: string }[] = [];
  for (const { run, directory } of runs) {
    const elsewhere = await whereaboutsIn(root, clock).find(directory, restsSinceMs);
    if (elsewhere !== null && elsewhere !== path) places.push({ run, path: elsewhere });
  }
  return places;
}

/**
 * Whether the file system of a directory keeps birth times, as its parent shows it: the parent has changed since it was
 * made. A directory that was made in one tick has the birth that would be made up for it.
 */
async function keepsBirths(parent: string, { dev }: DirectoryIdentity): Promise<boolean> {
  const stats = await stat(parent, { bigint: true });
  return String(stats.dev) === dev && stats.birthtimeNs !== 0n && stats.birthtimeNs !== stats.ctimeNs;
}

const whereabouts = new WeakMap<DropRoot, Whereabouts>();

function whereaboutsIn(root: DropRoot, clock: IntakeParts['clock']): Whereabouts {
  const known = whereabouts.get(root) ?? new Whereabouts(root, clock);
  whereabouts.set(root, known);
  return known;
}

/** What a person has to say before the folder is sent; null: nothing. */
function doubtOf(proven: ProvenRun | null, { doubtful }: EarlierPlaces, host: string): Failure | null {
  if (proven !== null && proven.host !== host) return sentByAnother(proven);
  return doubtful === null ? null : maybeMoved(doubtful);
}
