/** Rows of the outbox as nouns, and nouns as rows. What is read back is what was written: no checks, only shapes. */
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import { runIdOf, type RunState } from '../core/run.ts';
import type { RunLife } from '../core/lifecycle.ts';
import type { Claim, Folder, RunSettings } from './nouns.ts';

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
}

export function runOf(row: RunRow): Claim {
  const { version, platform, app, host, dropRoot, firstPath, generation, counter } = row;
  return {
    run: row.run,
    key: { version, platform, app, host, dropRoot, firstPath, generation, counter },
    fingerprint: row.fingerprint,
    path: row.path,
    directory: directoryOf(row.directory),
    content: JSON.parse(row.content) as FolderContent,
    settings: JSON.parse(row.settings) as RunSettings,
    life: lifeOf(row),
    sinceMs: row.sinceMs,
    dueAtMs: row.dueAtMs,
    triesTotal: row.triesTotal,
    isClaimed: row.claimed > 0,
    fence: row.fence,
    warnings: JSON.parse(row.warnings) as string[],
    createdAtMs: row.createdAtMs,
    twin: row.twin,
  };
}

function lifeOf(row: RunRow): RunLife {
  return {
    state: JSON.parse(row.state) as RunState,
    tries: row.tries,
    plainest: row.plainest === 1,
    everUnknown: row.everUnknown === 1,
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

function directoryOf(text: string): DirectoryIdentity {
  const [dev, ino, birthNs] = JSON.parse(text) as [string, string, string];
  return { dev, ino, birthNs };
}
