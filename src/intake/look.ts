/**
 * One look at one folder, and what it means: settling with a reason, a run, rejected, or vanished. What is being
 * written is left alone; what is quiet is read once, and read again only when it has moved.
 */
import { join } from 'node:path';
import { isOverdue, settleVerdict } from '../core/settle.ts';
import type { Enqueued, Folder } from '../outbox/nouns.ts';
import { readFolder, type ReadFolder } from '../reading/readFolder.ts';
import { sightFolder, type FolderSight } from '../reading/sight.ts';
import { isoTime } from '../system/clock.ts';
import { clearProblem, putProblem } from '../system/problemFile.ts';
import { enqueueFolder, targetOf, type CompleteFolder } from './enqueue.ts';
import type { IntakeParts } from './parts.ts';
import { resultIdIn } from './resultFile.ts';
import type { RootRules } from './rules.ts';

/** A folder that is not finished with: what is remembered between looks. A few hundred bytes each, and few of them. */
export interface OpenFolderMemory {
  signature: string;
  /** Monotonic, in ms. After a restart the quiet time starts again. */
  unchangedSinceMs: number;
  /** How long it had been unchanged when this process first saw it, in ms: the deadline outlives a restart. */
  readonly unchangedBeforeMs: number;
  /** What reading found when the signature was this one: not read again until it moves. */
  lastRead: {
    readonly signature: string;
    readonly verdict: Exclude<ReadFolder, { kind: 'complete' }>;
  } | null;
}

export type Looked =
  /** Nothing to remember: it is a run, or a person's matter, or not there. */
  | { readonly kind: 'done'; readonly enqueued: Enqueued | null }
  /** Look again after this, in ms; null: when something moves. */
  | { readonly kind: 'open'; readonly memory: OpenFolderMemory; readonly againInMs: number | null };

const done: Looked = { kind: 'done', enqueued: null };

/**
 * @param known what the outbox has of this folder
 * @param memory of the last look, if the folder was open then
 * @param isRootThere asked before a folder is believed to have vanished
 */
export async function lookAt(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  memory: OpenFolderMemory | undefined,
  parts: IntakeParts,
  isRootThere: () => Promise<boolean>,
): Promise<Looked> {
  const { clock } = parts;
  const folderPath = join(rules.root.path, path);
  const sight = await sightFolder(folderPath, rules.sight);
  if (sight === null) {
    if (known !== undefined && (await isRootThere())) await vanished(known, parts);
    return done;
  }
  if (isSettled(known, targetOf(rules.root, parts)) && known.signature === sight.signature) return done;
  const nowMs = clock.monotonicMs();
  const open = remembered(memory, known, sight.signature, nowMs, clock.nowMs());
  const verdict = settleVerdict(open, sight.sighting, nowMs, rules.root.settle);
  if (verdict.kind === 'settling' && sight.refusal === null) {
    return await settling(path, rules, known, open, sight, verdict.reason, parts);
  }
  if (nowMs - open.unchangedSinceMs < rules.root.settle.quietMs) {
    return await settling(
      path,
      rules,
      known,
      open,
      sight,
      'it changed and has to be quiet for a while',
      parts,
    );
  }
  if (sight.refusal !== null) return await reject(path, rules, known, sight, sight.refusal, parts);
  const read =
    open.lastRead?.signature === sight.signature
      ? open.lastRead.verdict
      : await readFolder(folderPath, sight, rules.reading);
  switch (read.kind) {
    case 'notYet':
      open.lastRead = { signature: sight.signature, verdict: read };
      return await settling(path, rules, known, open, sight, read.reason, parts);
    case 'rejected':
      return await reject(path, rules, known, sight, read, parts);
    case 'complete': {
      const after = await sightFolder(folderPath, rules.sight);
      if (after?.signature !== sight.signature) {
        return await settling(
          path,
          rules,
          known,
          open,
          after ?? sight,
          'it changed while it was read',
          parts,
        );
      }
      const { directory, isBirthKnown, signature, newestChangeMs, newestFileChangeMs } = sight;
      return await take(
        {
          path,
          directory,
          isBirthKnown,
          signature,
          newestChangeMs,
          newestFileChangeMs,
          content: read.content,
        },
        rules,
        known,
        parts,
      );
    }
  }
}

/** Nothing is to be done about it until it moves. */
function isSettled(known: Folder | undefined, target: string): known is Folder {
  return known?.target === target && ['known', 'rejected', 'skipped'].includes(known.state);
}

function remembered(
  memory: OpenFolderMemory | undefined,
  known: Folder | undefined,
  signature: string,
  nowMs: number,
  wallMs: number,
): OpenFolderMemory {
  if (memory === undefined) {
    const isSame = known?.signature === signature;
    const unchangedBeforeMs = isSame ? Math.max(0, wallMs - known.changedAtMs) : 0;
    return { signature, unchangedSinceMs: nowMs, unchangedBeforeMs, lastRead: null };
  }
  if (memory.signature === signature) return memory;
  return { signature, unchangedSinceMs: nowMs, unchangedBeforeMs: 0, lastRead: null };
}

async function settling(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  memory: OpenFolderMemory,
  sight: FolderSight,
  reason: string,
  parts: IntakeParts,
): Promise<Looked> {
  const { outbox, clock, log } = parts;
  const { settle, name } = rules.root;
  const unchangedMs = clock.monotonicMs() - memory.unchangedSinceMs;
  const state = isOverdue(unchangedMs + memory.unchangedBeforeMs, settle) ? 'overdue' : 'settling';
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
  const againInMs = Math.min(quietInMs > 0 ? quietInMs : Infinity, overdueInMs);
  return { kind: 'open', memory, againInMs: Number.isFinite(againInMs) ? Math.max(1, againInMs) : null };
}

async function reject(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  sight: FolderSight,
  { text, hint }: { readonly text: string; readonly hint: string },
  parts: IntakeParts,
): Promise<Looked> {
  const nowMs = parts.clock.nowMs();
  const folder: Folder = {
    dropRoot: rules.root.name,
    path,
    state: 'rejected',
    reason: { class: 'rejected', text },
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
  const refused = await putProblem(join(rules.root.path, path), {
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
  await mendTraces(run, join(rules.root.path, folder.path), parts);
  onEnqueued(run);
  return { kind: 'done', enqueued };
}

/**
 * What lies beside the content is to be that content's: no problem that is over, and its own result, also when the
 * folder was made again or came back to older content.
 */
async function mendTraces(number: number, folderPath: string, parts: IntakeParts): Promise<void> {
  const { outbox, clock, policy } = parts;
  const state = (await outbox.run(number))?.life.state;
  if (state?.kind !== 'parked') await clearProblem(folderPath);
  if (state?.kind !== 'recorded' || (await resultIdIn(folderPath)) === state.runId) return;
  await outbox.apply(
    number,
    { kind: 'resultLost' },
    { nowMs: clock.nowMs(), random: clock.random(), policy },
  );
}

/** The folder is not there any more, in a root that is. What was never sent is gone, and that is said loudly. */
async function vanished(known: Folder, { outbox, clock, log, policy }: IntakeParts): Promise<void> {
  const { dropRoot, path, run } = known;
  if (run !== null) {
    const chance = { nowMs: clock.nowMs(), random: clock.random(), policy };
    const now = await outbox.apply(run, { kind: 'vanished' }, chance);
    // A worker has it in hand; it will find the folder missing itself, and the next scan looks again.
    if (now === 'claimed') return;
    if (now?.life.state.kind === 'gone') {
      log.error(
        { root: dropRoot, folder: path, run },
        `${path} vanished before it was uploaded: run #${run} is gone`,
      );
    }
  } else log.warn({ root: dropRoot, folder: path }, `${path} vanished before it was complete`);
  await outbox.forgetFolder(dropRoot, path);
}
