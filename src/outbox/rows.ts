/**
 * Rows of the outbox as nouns, and nouns as rows. What is read back is what was written, or the file is damaged: SQLite
 * does not notice a byte that a disk has changed within a value. A run's key answers for itself by its fingerprint.
 */
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import { fingerprintOf } from '../core/identity.ts';
import { runIdOf, type RunState } from '../core/run.ts';
import type { RunFacts } from '../core/runFacts.ts';
import type { RunLife } from '../core/happening.ts';
import { contentOfThin, type ThinContent } from '../core/thinning.ts';
import type { Claim, Folder, RunSettings, SentDocument } from './nouns.ts';
import { OutboxDamaged } from './unusable.ts';

export interface RunRow {
  run: number;
  fingerprint: string;
  version: number;
  platform: string;
  app: string;
  host: string;
  dropRoot: string;
  firstPath: string;
  generation: string;
  counter: number;
  path: string;
  directory: string;
  content: string;
  settings: string;
  state: string;
  kind: RunState['kind'];
  runId: string | null;
  sinceMs: number;
  tries: number;
  triesTotal: number;
  plainest: number;
  everUnknown: number;
  dueAtMs: number | null;
  claimed: number;
  fence: number;
  suspect: number;
  warnings: string;
  createdAtMs: number;
  distrusted: number;
  twin: string | null;
  archivedTo: string | null;
  facts: string | null;
  sent: string | null;
  thinned: number;
  outputSame: number | null;
  unclearSinceMs: number | null;
}

export function runOf(row: RunRow): Claim {
  const { version, platform, app, host, dropRoot, firstPath, generation, counter } = row;
  const key = { version, platform, app, host, dropRoot, firstPath, generation, counter };
  if (fingerprintOf(key) !== row.fingerprint)
    throw new OutboxDamaged(`the key of run #${String(row.run)} is not that of its fingerprint`);
  const content = contentOf(row);
  return {
    run: row.run,
    key,
    fingerprint: row.fingerprint,
    path: row.path,
    directory: directoryOf(row.directory),
    content,
    settings: settingsOf(row),
    life: lifeOf(row),
    sinceMs: row.sinceMs,
    dueAtMs: row.dueAtMs,
    triesTotal: row.triesTotal,
    isClaimed: row.claimed > 0,
    fence: row.fence,
    isSuspect: row.suspect === 1,
    warnings: parsed(row.warnings) as string[],
    createdAtMs: row.createdAtMs,
    twin: row.twin,
    archivedTo: row.archivedTo,
    sent: row.sent === null ? null : (parsed(row.sent) as SentDocument),
    outputSame: row.outputSame === null ? null : row.outputSame === 1,
    isThinned: row.thinned === 1 || content.asideDigest === '',
  };
}

/** The facts of the log have a column of their own: what is asked for by them need not read the rest. */
function contentOf({ content, facts, generation }: RunRow): FolderContent {
  const read = parsed(content) as FolderContent | ThinContent;
  if (!('generation' in read)) return contentOfThin(read, generation);
  return facts === null ? read : { ...read, facts: parsed(facts) as RunFacts };
}

export function contentColumns({ facts, ...content }: FolderContent): {
  readonly content: string;
  readonly facts: string | null;
} {
  return {
    content: JSON.stringify(content),
    facts: facts === undefined ? null : JSON.stringify(facts),
  };
}

/** Of a run that was thinned the instance and the name are left. */
function settingsOf({ settings }: RunRow): RunSettings {
  const read = parsed(settings) as Partial<RunSettings> & Pick<RunSettings, 'instance' | 'name'>;
  return { description: '', options: {}, batchExperimentId: null, ...read };
}

/** What a person has said of a run as a whole, which outlives whatever its folder says by now. */
export function saidOf({ isAppAsked, isAgain }: RunSettings): Pick<RunSettings, 'isAppAsked' | 'isAgain'> {
  return {
    ...(isAppAsked === true ? { isAppAsked } : {}),
    ...(isAgain === true ? { isAgain } : {}),
  };
}

function lifeOf(row: RunRow): RunLife {
  return {
    state: stateOf(row),
    tries: row.tries,
    plainest: row.plainest === 1,
    everUnknown: row.everUnknown === 1,
    ...(row.unclearSinceMs === null ? {} : { unclearSinceMs: row.unclearSinceMs }),
  };
}

export function lifeColumns(life: RunLife): Record<string, string | number | null> {
  return {
    state: JSON.stringify(life.state),
    kind: life.state.kind,
    runId: runIdOf(life.state),
    tries: life.tries,
    plainest: life.plainest ? 1 : 0,
    everUnknown: life.everUnknown ? 1 : 0,
    unclearSinceMs: life.unclearSinceMs ?? null,
  };
}

export interface FolderRow {
  dropRoot: string;
  path: string;
  state: Folder['state'];
  reasonClass: string;
  reason: string;
  hint: string;
  signature: string;
  directory: string;
  firstSeenMs: number;
  changedAtMs: number;
  sinceMs: number;
  run: number | null;
  target: string;
}

export function folderOf(row: FolderRow): Folder {
  const { reasonClass, reason, directory, ...same } = row;
  return {
    ...same,
    reason: { class: reasonClass, text: reason },
    directory: directoryOf(directory),
  };
}

export function folderColumns(folder: Folder): Record<string, string | number | null> {
  const { reason, directory, ...same } = folder;
  return { ...same, reasonClass: reason.class, reason: reason.text, directory: directoryText(directory) };
}

/** One spelling, because rows are looked up by it. */
export function directoryText({ dev, ino, birthNs }: DirectoryIdentity): string {
  return JSON.stringify([dev, ino, birthNs]);
}

export function directoryOf(text: string): DirectoryIdentity {
  const [dev, ino, birthNs] = parsed(text) as [string, string, string];
  return { dev, ino, birthNs };
}

/** Whatever else a flipped byte does to it, its kind is known and agrees with the column that claims go by. */
function stateOf({ run, state, kind }: RunRow): RunState {
  const read = parsed(state) as RunState;
  if (read.kind !== kind)
    throw new OutboxDamaged(`the state of run #${String(run)} is not the one that it is listed under`);
  return read;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OutboxDamaged('a value is not the JSON that was written');
  }
}
