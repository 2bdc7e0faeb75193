/** Runs and folders as they are shown: the outbox's nouns in the shapes that scripts hang on. Pure. */
import { join } from 'node:path';
import { askOfLasting } from '../core/lasting.ts';
import { isLive, runIdOf } from '../core/run.ts';
import { figuresOf } from '../core/runFacts.ts';
import type { RunStory, RunView } from '../http/operations.ts';
import type { Folder, HistoryEntry, Run } from '../outbox/nouns.ts';
import { enrichedWith } from '../reading/bodies.ts';
import { isoTime } from '../system/clock.ts';
import type { RootPlaces } from '../system/resultDirectory.ts';

export interface ViewContext {
  readonly placesOfRoot: (dropRoot: string) => RootPlaces | null;
  readonly appOfRoot: (dropRoot: string) => string;
  /** How long a folder may settle without moving, in ms; null: there is no such root. */
  readonly deadlineMsOfRoot: (dropRoot: string) => number | null;
  readonly consoleUrl: (app: string, runId: string) => string | null;
}

export function viewOfRun(run: Run, { placesOfRoot, consoleUrl }: ViewContext): RunView {
  const { key, life } = run;
  const runId = runIdOf(life.state);
  const isParked = life.state.kind === 'parked';
  return {
    run: run.run,
    folder: join(placesOfRoot(key.dropRoot)?.path ?? key.dropRoot, run.path),
    drop_root: key.dropRoot,
    generation: `sha256:${key.generation}`,
    state: life.state.kind,
    since: isoTime(run.sinceMs),
    app: key.app,
    instance: run.settings.instance,
    fingerprint: run.fingerprint,
    run_id: runId,
    console_url: runId === null ? null : consoleUrl(key.app, runId),
    tries: run.triesTotal,
    due_at: run.dueAtMs === null ? null : isoTime(run.dueAtMs),
    reason: isParked ? life.state.reason : null,
    hint: isParked ? life.state.hint : null,
    warnings: run.warnings,
    facts: run.content.facts === undefined ? null : figuresOf(run.content.facts),
    ...(run.archivedTo === null ? {} : { archived_to: run.archivedTo }),
  };
}

export function viewOfFolder(folder: Folder, { placesOfRoot, appOfRoot }: ViewContext): RunView {
  if (folder.state === 'known') throw new Error('a known folder is shown as its run');
  return {
    run: null,
    folder: join(placesOfRoot(folder.dropRoot)?.path ?? folder.dropRoot, folder.path),
    drop_root: folder.dropRoot,
    generation: null,
    state: folder.state,
    since: isoTime(folder.sinceMs),
    app: appOfRoot(folder.dropRoot),
    instance: null,
    fingerprint: null,
    run_id: null,
    console_url: null,
    tries: 0,
    due_at: null,
    reason: folder.reason,
    hint: folder.hint,
    warnings: [],
    facts: null,
  };
}

export function storyOfRun(
  run: Run,
  history: readonly HistoryEntry[],
  sameFolder: readonly number[],
  nowMs: number,
  context: ViewContext,
): RunStory {
  return {
    ...viewOfRun(run, context),
    ...askOfLasting(run.life.state, run.sinceMs, run.life.unclearSinceMs ?? null, nowMs),
    facts: run.content.facts ?? null,
    history: history.map(({ atMs, state, note }) => ({ at: isoTime(atMs), state, note })),
    artefacts: artefactsOf(run),
    enriched: enrichedWith(run.content, run.settings.enrich ?? []),
    output_sent: run.sent,
    inferred: run.content.meta.inferred ?? [],
    thinned: run.isThinned,
    next: nextOfRun(run, nowMs),
    overdue_at: null,
    same_folder: sameFolder,
  };
}

/** Of a thinned run their names are left, which are no artefacts without what was in them. */
function artefactsOf({ content }: Run): RunStory['artefacts'] {
  return content.files
    .filter(({ sha256 }) => sha256 !== '')
    .map(({ role, name, type, bytes, sha256, archive }) => ({
      ...{ role, name, type, bytes, sha256 },
      files: archive?.files ?? 1,
    }));
}

export function storyOfFolder(folder: Folder, sameFolder: readonly number[], context: ViewContext): RunStory {
  const overdueAt = overdueAtOf(folder, context);
  return {
    ...viewOfFolder(folder, context),
    facts: null,
    history: [
      { at: isoTime(folder.firstSeenMs), state: 'settling', note: 'first seen' },
      { at: isoTime(folder.changedAtMs), state: folder.state, note: 'last change' },
      { at: isoTime(folder.sinceMs), state: folder.state, note: folder.reason.text },
    ],
    artefacts: [],
    enriched: [],
    output_sent: null,
    inferred: [],
    thinned: false,
    next: nextOfFolder(folder, overdueAt),
    overdue_at: overdueAt,
    same_folder: sameFolder,
  };
}

function overdueAtOf({ state, dropRoot, changedAtMs }: Folder, context: ViewContext): string | null {
  const deadlineMs = state === 'settling' ? context.deadlineMsOfRoot(dropRoot) : null;
  return deadlineMs === null ? null : isoTime(changedAtMs + deadlineMs);
}

function nextOfFolder(folder: Folder, overdueAt: string | null): string {
  switch (folder.state) {
    case 'settling':
    case 'overdue': {
      const otherwise = overdueAt === null ? '' : `; it is overdue if nothing moves in it until ${overdueAt}`;
      return `It is tracked as soon as it is complete and quiet${otherwise}.`;
    }
    case 'rejected':
      return 'Nothing, until its content changes or a person says retry or skip.';
    case 'skipped':
      return 'Nothing, until its content changes or a person says retry.';
    case 'known':
      return 'See its run.';
  }
}

function nextOfRun({ life: { state }, dueAtMs, isClaimed, archivedTo }: Run, nowMs: number): string {
  if (archivedTo !== null) return `Nothing: it is done, and its folder is archived in ${archivedTo}.`;
  const step = stepInWords(state.kind);
  if (!isLive(state)) return step;
  if (isClaimed) return `Under way now: ${step}`;
  if (dueAtMs === null) return 'It waits for its folder to be complete again.';
  const inS = Math.ceil((dueAtMs - nowMs) / 1000);
  return inS <= 0 ? `Due now: ${step}` : `In ${inS} s: ${step}`;
}

function stepInWords(kind: Run['life']['state']['kind']): string {
  switch (kind) {
    case 'queued':
      return 'its files are uploaded.';
    case 'uploaded':
      return 'the platform is asked to make the run.';
    case 'intended':
    case 'unknown':
      return 'the platform’s list is searched for its fingerprint.';
    case 'tracked':
      return 'the platform is asked for the result.';
    case 'final':
      return 'the result is written back.';
    case 'recorded':
      return 'Nothing: it is done.';
    case 'parked':
      return 'Nothing, until a person says retry or skip.';
    case 'skipped':
      return 'Nothing, until a person says retry.';
    case 'superseded':
      return 'Nothing: its folder is another run by now, of newer content or for another app.';
    case 'gone':
      return 'Nothing: its folder vanished. It goes on if the folder comes back.';
  }
}
