/**
 * One look at one folder, and what it means: settling with a reason, a run, rejected, or vanished. What is being
 * written is left alone; what is quiet is read once, and read again only when it has moved.
 */
import { join } from 'node:path';
import type { DirectoryIdentity } from '../core/content.ts';
import { problemFileName } from '../core/ownFiles.ts';
import { isLive, mayHaveBeenMade } from '../core/run.ts';
import { isOverdue, settleVerdict } from '../core/settle.ts';
import type { Enqueued, Folder, RootStart } from '../outbox/nouns.ts';
import type { ReadFolder } from '../reading/readFolder.ts';
import { directoryOf, type FolderSight } from '../reading/sight.ts';
import { readAsRecorded, rulesAsRecorded } from './earlierMapping.ts';
import { isoTime } from '../system/clock.ts';
import { clearProblem, putProblem } from '../system/problemFile.ts';
import { statsIn } from '../system/wayTo.ts';
import { targetOf } from './appOf.ts';
import { completeFolder, enqueueFolder, mayHold, type CompleteFolder } from './enqueue.ts';
import { isContent, levelOf, tooHigh, tooLow } from './levels.ts';
import { isLeftOut, leaveOut, staysLeftOut } from './leaveOut.ts';
import type { IntakeParts } from './parts.ts';
import { resultIdIn } from './resultFile.ts';
import type { RootRules } from './rules.ts';

/** A folder that is not finished with: what is remembered between looks. A few hundred bytes each, and few of them. */
export interface OpenFolderMemory {
  signature: string;
  /** Whether its marker was missing at the last look: that is not in the signature. */
  isMarkerMissing: boolean;
  /** Monotonic, in ms. After a restart the quiet time starts again. */
  unchangedSinceMs: number;
  /** How long it had been unchanged when this process first saw it, in ms: the deadline outlives a restart. */
  readonly unchangedBeforeMs: number;
  /** What reading found when the signature was this one: not read again until it moves. */
  lastRead: {
    readonly signature: string;
    readonly verdict: Exclude<ReadFolder, { kind: 'complete' }>;
  } | null;
  /** What it waits for may be mended without a trace in the folder: it is looked at at every scan. */
  isMendedUnseen: boolean;
}

export type Looked =
  /** Nothing to remember: it is a run, or a person's matter, or not there. */
  | {
      readonly kind: 'done';
      readonly enqueued: Enqueued | null;
      /** Absent where it is not left out as history. */
      readonly leftOut?: 'complete' | 'incomplete';
    }
  /** Look again after this, in ms; null: when something moves. */
  | {
      readonly kind: 'open';
      readonly memory: OpenFolderMemory;
      readonly againInMs: number | null;
      /** All files that are required: it only has to be quiet, or to be readable. */
      readonly isAllThere: boolean;
    };

/** A folder that was sent more often has its newest runs looked at. */
const runsOfFolderMax = 1_000;

const done: Looked = { kind: 'done', enqueued: null };

/**
 * @param known what the outbox has of this folder
 * @param memory of the last look, if the folder was open then
 * @param start how the root was first watched; null where that is not known, and for what has come since in any case
 * @param hasVanished asked of a folder that was not found: its root may be away, or be another one
 */
export async function lookAt(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  memory: OpenFolderMemory | undefined,
  start: RootStart | null,
  parts: IntakeParts,
  hasVanished: () => Promise<boolean>,
): Promise<Looked> {
  const { clock, folders } = parts;
  const folderPath = join(rules.root.path, path);
  // An event in it, or an earlier time with other rules, may have made it a folder that is waited for.
  if ((known?.run ?? null) === null && (rules.isIgnoredFolder(path) || (await isContent(path, rules))))
    return await forget(path, rules, known, parts);
  if (levelOf(path) !== rules.root.depth && !(await isFollowed(known, parts.outbox)))
    return await elsewhere(path, rules, known, parts, hasVanished);
  const sight = await folders.look(rules.root.path, folderPath, rules);
  if (sight === null) {
    if (known !== undefined && (await hasVanished())) await vanished(known, parts);
    return done;
  }
  if (isSettled(known, targetOf(rules.root, parts)) && known.signature === sight.signature) return done;
  if (await staysLeftOut(path, rules, known, sight, parts)) return done;
  if (await isStillTooLow(path, rules, known, sight)) return done;
  const nowMs = clock.monotonicMs();
  const recorded = await rulesAsRecorded(known, rules, parts.outbox);
  if (recorded !== null && known !== undefined) {
    const rested = isStill(memory, sight, nowMs, rules) ? memory : undefined;
    const asBefore = await lookAsRecorded(path, rules, recorded, known, parts, start, rested);
    if (asBefore !== null) return asBefore;
  }
  // Somebody has just said that it is complete.
  const hasMarkerCome = memory?.isMarkerMissing === true && sight.sighting.missingMarker === null;
  const open = remembered(memory, known, sight, nowMs, clock.nowMs());
  const isQuiet = nowMs - open.unchangedSinceMs >= rules.root.settle.quietMs;
  if (isQuiet && !hasMarkerCome && (await isLeftOut(path, rules, known, sight, start, parts))) {
    await leaveOut(path, rules, known, sight, parts);
    const isIncomplete =
      sight.files.length + sight.archives.length === 0 || sight.sighting.missing.length > 0;
    return { kind: 'done', enqueued: null, leftOut: isIncomplete ? 'incomplete' : 'complete' };
  }
  if (isQuiet && sight.files.length + sight.archives.length === 0 && sight.sighting.unreadable === null) {
    const misplaced = await tooLow(path, rules);
    if (misplaced !== null)
      return await rejectAtWrongLevel(path, rules, known, sight.directory, misplaced, parts);
  }
  const verdict = settleVerdict(open, sight.sighting, nowMs, rules.root.settle);
  if (verdict.kind === 'settling' && sight.refusal === null) {
    return await settling(path, rules, known, open, sight, verdict.reason, nowMs, parts);
  }
  if (!isQuiet) {
    return await settling(
      path,
      rules,
      known,
      open,
      sight,
      'it changed and has to be quiet for a while',
      nowMs,
      parts,
    );
  }
  if (sight.refusal !== null) return await reject(path, rules, known, sight, sight.refusal, parts);
  const { read, after } =
    open.lastRead?.signature === sight.signature
      ? { read: open.lastRead.verdict, after: sight }
      : await folders.read(rules.root.path, folderPath, sight, rules);
  switch (read.kind) {
    case 'notYet':
      // What is mended without a trace in the folder is tried at every scan.
      open.isMendedUnseen = read.isMendedUnseen === true;
      if (!open.isMendedUnseen) open.lastRead = { signature: sight.signature, verdict: read };
      return await settling(path, rules, known, open, sight, read.reason, nowMs, parts);
    case 'rejected':
      return await reject(path, rules, known, sight, read, parts);
    case 'complete': {
      if (after?.signature !== sight.signature) {
        // It may be back by now, and look as it did.
        open.isMendedUnseen = true;
        return await settling(
          path,
          rules,
          known,
          open,
          after ?? sight,
          'it changed while it was read',
          nowMs,
          parts,
        );
      }
      return await take(
        completeFolder(path, sight, read.content, open.unchangedSinceMs, start),
        rules,
        known,
        parts,
      );
    }
  }
}

/**
 * The folder by the rules of its run.
 * @param rested what is remembered of it once it has been quiet; undefined: it has not
 * @returns null when it holds something else by now, or still moves
 */
async function lookAsRecorded(
  path: string,
  rules: RootRules,
  recorded: RootRules,
  known: Folder,
  parts: IntakeParts,
  start: RootStart | null,
  rested: OpenFolderMemory | undefined,
): Promise<Looked | null> {
  const folderPath = join(rules.root.path, path);
  if (isSettled(known, targetOf(rules.root, parts))) {
    const before = await parts.folders.look(rules.root.path, folderPath, recorded);
    if (before?.signature === known.signature) return done;
  }
  if (rested === undefined) return null;
  const found = await readAsRecorded(folderPath, known, recorded, parts);
  if (found === null) return null;
  const { sight, content } = found;
  return await take(
    completeFolder(path, sight, content, rested.unchangedSinceMs, start),
    rules,
    known,
    parts,
  );
}

function isStill(
  memory: OpenFolderMemory | undefined,
  { signature }: FolderSight,
  nowMs: number,
  { root }: RootRules,
): boolean {
  return memory?.signature === signature && nowMs - memory.unchangedSinceMs >= root.settle.quietMs;
}

/**
 * Whether a folder became a run while run folders lay at its level, and is looked at like others: until its run is sent,
 * which waits for its folder to be complete again, and until it is known what became of the folder.
 */
async function isFollowed(known: Folder | undefined, outbox: IntakeParts['outbox']): Promise<boolean> {
  if (known === undefined || known.run === null || known.reason.class === wrongLevel) return false;
  if (known.state === 'settling' || known.state === 'overdue') return true;
  return await isStillToBeSent(known, outbox);
}

/** Whether a run of the folder is: its row names one of those that a person may have had made of it. */
async function isStillToBeSent(
  { dropRoot, path }: Pick<Folder, 'dropRoot' | 'path'>,
  outbox: IntakeParts['outbox'],
): Promise<boolean> {
  const runs = await outbox.runsAtPath(dropRoot, path, runsOfFolderMax);
  return runs.some(({ life: { state } }) => {
    const held = state.kind === 'parked' ? state.from : state;
    return isLive(held) && !mayHaveBeenMade(held);
  });
}

/** A folder at another level than run folders lie at: shown while it looks like one, else nothing. */
async function elsewhere(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  parts: IntakeParts,
  hasVanished: () => Promise<boolean>,
): Promise<Looked> {
  const { root } = rules;
  const stats = await statsIn(root.path, join(root.path, path));
  if (stats?.isDirectory() !== true) {
    if (known !== undefined && (await hasVanished())) await vanished(known, parts);
    return done;
  }
  // It was recorded while run folders lay at its level, and stays what it is.
  if (known !== undefined && known.reason.class !== wrongLevel && known.run !== null) return done;
  const misplaced = levelOf(path) < root.depth ? await tooHigh(path, rules) : null;
  if (misplaced !== null)
    return await rejectAtWrongLevel(path, rules, known, directoryOf(stats), misplaced, parts);
  return await forget(path, rules, known, parts);
}

/** It is no run folder, and nothing that was said of it stays. */
async function forget(
  path: string,
  { root }: RootRules,
  known: Folder | undefined,
  { outbox }: IntakeParts,
): Promise<Looked> {
  if (known === undefined) return done;
  await clearProblem(root, path);
  await outbox.forgetFolder(root.name, path);
  return done;
}

const wrongLevel = 'wrong-level';

/** Whether that was said before, and nothing has changed: each audit asks. */
async function isStillTooLow(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  sight: FolderSight,
): Promise<boolean> {
  if (known?.state !== 'rejected' || known.reason.class !== wrongLevel) return false;
  if (sight.files.length + sight.archives.length > 0 || sight.sighting.unreadable !== null) return false;
  return (await tooLow(path, rules)) === known.reason.text;
}

async function rejectAtWrongLevel(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  directory: DirectoryIdentity,
  text: string,
  parts: IntakeParts,
): Promise<Looked> {
  const isSaid = known?.state === 'rejected' && known.reason.text === text;
  // No folder ever looks like this signature, so that each audit finds out whether it was mended.
  const seen = { directory, signature: wrongLevel };
  const hint = 'Move the run folders to their level, or set depth of the drop root. Or `runtrackd skip` it.';
  if (!isSaid && known?.state !== 'skipped')
    await reject(path, rules, known, seen, { class: wrongLevel, text, hint }, parts);
  return done;
}

/** Nothing is to be done about it until it moves. */
function isSettled(known: Folder | undefined, target: string): known is Folder {
  return known?.target === target && ['known', 'rejected', 'skipped'].includes(known.state);
}

function remembered(
  memory: OpenFolderMemory | undefined,
  known: Folder | undefined,
  { signature, sighting }: FolderSight,
  nowMs: number,
  wallMs: number,
): OpenFolderMemory {
  const isMarkerMissing = sighting.missingMarker !== null;
  if (memory?.signature === signature) {
    memory.isMarkerMissing = isMarkerMissing;
    return memory;
  }
  const isSame = memory === undefined && known?.signature === signature;
  const unchangedBeforeMs = isSame ? Math.max(0, wallMs - known.changedAtMs) : 0;
  return {
    signature,
    isMarkerMissing,
    unchangedSinceMs: nowMs,
    unchangedBeforeMs,
    lastRead: null,
    isMendedUnseen: false,
  };
}

/** @param lookedMs when it was looked at, by the monotonic clock: for as long as then it had been quiet, and no longer */
async function settling(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  memory: OpenFolderMemory,
  sight: FolderSight,
  reason: string,
  lookedMs: number,
  parts: IntakeParts,
): Promise<Looked> {
  const { outbox, clock, log } = parts;
  const { settle, name } = rules.root;
  const unchangedMs = lookedMs - memory.unchangedSinceMs;
  const state = isOverdue(unchangedMs + memory.unchangedBeforeMs, settle) ? 'overdue' : 'settling';
  const { missing, missingMarker, unreadable } = sight.sighting;
  const lacking = [...missing, ...sight.missingOutput];
  const isPruned = state === 'overdue' && lacking.length > 0 && known !== undefined;
  if (isPruned && (await isRecorded(known, outbox)) && !(await isStillToBeSent(known, outbox)))
    return await leaveAsPruned(path, rules, known, sight, lacking, parts);
  const wallMs = clock.nowMs();
  const hasMoved = known?.signature !== sight.signature;
  if (hasMoved || known.state !== state || known.reason.text !== reason) {
    const hint =
      state === 'overdue'
        ? 'Look whether the solver still runs. The folder is tracked when it completes after all.'
        : 'Nothing to do: it is tracked when it is complete.';
    const folder: Folder = {
      dropRoot: name,
      path,
      state,
      reason: { class: 'not-complete', text: reason },
      hint,
      signature: sight.signature,
      directory: sight.directory,
      firstSeenMs: known?.firstSeenMs ?? wallMs,
      changedAtMs: hasMoved ? wallMs : known.changedAtMs,
      sinceMs: known?.state === state ? known.sinceMs : wallMs,
      // Until it is complete again, what it was stays known: the run on its way follows its folder.
      run: known?.run ?? null,
      target: targetOf(rules.root, parts),
    };
    await outbox.saveFolder(folder);
    if (state === 'overdue' && known?.state !== 'overdue') {
      log.warn({ root: name, folder: path }, `${path} is overdue: ${reason}`);
      await tell(folder, rules, parts);
    } else if (known === undefined) log.info({ root: name, folder: path }, `${path} appeared: ${reason}`);
    else log.debug({ root: name, folder: path }, `${path}: ${reason}`);
  }
  const quietInMs = settle.quietMs - unchangedMs;
  const overdueInMs =
    state === 'overdue' ? Infinity : settle.deadlineMs - unchangedMs - memory.unchangedBeforeMs;
  // What became quiet while this was written down is looked at again at once: nothing else would tell of it.
  const againInMs =
    Math.min(quietInMs > 0 ? quietInMs : Infinity, overdueInMs) - (clock.monotonicMs() - lookedMs);
  return {
    kind: 'open',
    memory,
    againInMs: Number.isFinite(againInMs) ? Math.max(1, againInMs) : null,
    // What was quiet and is not complete waits for a change of which nothing tells but an event.
    isAllThere: missing.length === 0 && missingMarker === null && unreadable === null && quietInMs > 0,
  };
}

async function isRecorded({ run }: Folder, outbox: IntakeParts['outbox']): Promise<boolean> {
  return run !== null && (await outbox.run(run))?.life.state.kind === 'recorded';
}

/** Somebody made room, or packed old files: nothing waits for what its run has long had, and no solver hangs. */
async function leaveAsPruned(
  path: string,
  rules: RootRules,
  known: Folder,
  { signature, directory }: FolderSight,
  lacking: readonly string[],
  parts: IntakeParts,
): Promise<Looked> {
  const { outbox, clock, log } = parts;
  const nowMs = clock.nowMs();
  if (known.state === 'overdue') await clearProblem(rules.root, path);
  const reason = { class: '', text: '' };
  const target = targetOf(rules.root, parts);
  await outbox.saveFolder({
    ...known,
    state: 'known',
    reason,
    hint: '',
    signature,
    directory,
    sinceMs: nowMs,
    target,
  });
  log.warn(
    { root: rules.root.name, folder: path, run: known.run },
    `${path} was recorded as run #${String(known.run)}, and lacks ${lacking.join(', ')} by now: it stays as it is`,
  );
  return done;
}

async function reject(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  sight: Pick<FolderSight, 'signature' | 'directory'>,
  why: { readonly class?: string; readonly text: string; readonly hint: string },
  parts: IntakeParts,
): Promise<Looked> {
  const { text, hint } = why;
  const nowMs = parts.clock.nowMs();
  const folder: Folder = {
    dropRoot: rules.root.name,
    path,
    state: 'rejected',
    reason: { class: why.class ?? 'rejected', text },
    hint,
    signature: sight.signature,
    directory: sight.directory,
    firstSeenMs: known?.firstSeenMs ?? nowMs,
    changedAtMs: nowMs,
    sinceMs: nowMs,
    run: known?.run ?? null,
    target: targetOf(rules.root, parts),
  };
  await parts.outbox.saveFolder(folder);
  parts.log.error({ root: folder.dropRoot, folder: path }, `${path} is rejected: ${text}. ${hint}`);
  await tell(folder, rules, parts);
  return done;
}

/** A folder that does not take the word is no reason to stop: `status` has it as well. */
async function tell(folder: Folder, rules: RootRules, { log }: IntakeParts): Promise<void> {
  if (folder.state === 'known') return;
  const { state, reason, hint, sinceMs, run, path } = folder;
  const refused = await putProblem(rules.root, path, {
    state,
    reason,
    hint,
    since: isoTime(sinceMs),
    run,
  });
  if (refused !== null) log.debug({ folder: path }, `nextmv-problem.json was not written: ${refused}`);
}

async function take(
  folder: CompleteFolder,
  rules: RootRules,
  known: Folder | undefined,
  parts: IntakeParts,
): Promise<Looked> {
  const { log, onEnqueued } = parts;
  const enqueued = await enqueueFolder(folder, rules.root, parts);
  const { run, kind } = enqueued;
  const fields = { root: rules.root.name, folder: folder.path, run };
  if (kind === 'new') log.info(fields, `${folder.path} is complete: run #${run}`);
  else log.debug(fields, `${folder.path} is complete, and it is run #${run} (${kind})`);
  await mendTraces(enqueued, folder, rules, parts);
  onEnqueued(run);
  return { kind: 'done', enqueued };
}

/**
 * What lies beside the content is to be that content's: no problem that is over, and its own result, also when the
 * folder was made again or came back to older content.
 */
export async function mendTraces(
  { run: number, kind }: Enqueued,
  folder: CompleteFolder,
  { root }: RootRules,
  parts: IntakeParts,
): Promise<void> {
  const { outbox, clock, policy } = parts;
  const { path } = folder;
  const hasProblem = mayHold(problemFileName, folder, root);
  // A new run has no result yet that could be missing.
  if (kind === 'new' && !hasProblem) return;
  const state = (await outbox.run(number))?.life.state;
  if (state?.kind !== 'parked' && hasProblem) await clearProblem(root, path);
  if (state?.kind !== 'recorded' || (await resultIdIn(root, path)) === state.runId) return;
  await outbox.apply(
    number,
    { kind: 'resultLost' },
    { nowMs: clock.nowMs(), random: clock.random(), policy },
  );
}

/** The folder is not there any more, in a root that is. What was never sent is gone, and that is said loudly. */
async function vanished(known: Folder, { outbox, clock, log, policy }: IntakeParts): Promise<void> {
  const { dropRoot, path } = known;
  const chance = { nowMs: clock.nowMs(), random: clock.random(), policy };
  const gone = await outbox.folderVanished(dropRoot, path, chance);
  for (const run of gone) {
    log.error(
      { root: dropRoot, folder: path, run },
      `${path} vanished before it was uploaded: run #${run} is gone`,
    );
  }
  const isNoRun = known.run === null && gone.length === 0;
  if (isNoRun && known.state !== 'skipped' && known.reason.class !== wrongLevel)
    log.warn({ root: dropRoot, folder: path }, `${path} vanished before it was complete`);
}
