/** How a complete folder becomes a run, or turns out to be one already. One key, one row. */
import type { DirectoryIdentity } from '../core/content.ts';
import { bornUnknown } from '../core/doubt.ts';
import { reasonOf } from '../core/failure.ts';
import { fingerprintOf, outsideRootName, type Key } from '../core/identity.ts';
import { wayMadeBy } from '../core/makingWay.ts';
import { isLive, runIdOf, type RunState } from '../core/run.ts';
import { isSameDirectory, mayBeSameDirectory } from '../core/sameDirectory.ts';
import type { DoubtOperations } from './doubtOperations.ts';
import type { Claim, Enqueued, NewRun, Proof, RunSettings } from './nouns.ts';
import type { Statements } from './prepare.ts';
import { contentColumns, directoryText, saidOf, type FolderRow } from './rows.ts';
import type { Chance, RunRows } from './runRows.ts';
import { OutboxDamaged } from './unusable.ts';

/** The first whole scan of a root since the outbox is not believed. */
interface WholeScanRow {
  /** Null: it has not ended yet. */
  readonly endedMs: number | null;
  /** The newest run that there was then; null: an earlier version kept none. */
  readonly newestRun: number | null;
}

const noScan: WholeScanRow = { endedMs: null, newestRun: null };

/** Runs of one content at one path: as many as folders that were rotated to it, or that a person has had sent again. */
const sameContentMax = 1_000;

export function enqueueOperations(
  sql: Statements,
  { thin, runByNumber, byNumbers, runsOfInode, unsentAtPath, newestFirst, tell, seized, applyTo }: RunRows,
  doubt: Pick<DoubtOperations, 'distrust' | 'beginDistrust'>,
) {
  return {
    /** Makes a run of a complete folder, or finds the one that it already is. */
    enqueue(wanted: NewRun, chance: Chance): Enqueued {
      const { nowMs } = chance;
      for (const { run, path } of wanted.movedAway) move(run, path, nowMs);
      const known = contentAtPath(wanted);
      const moved = wanted.movedFrom === null ? null : runByNumber(wanted.movedFrom);
      const proof =
        wanted.believed !== null && isHeld(wanted.key, wanted.believed.runId) ? null : wanted.believed;
      let enqueued: Enqueued;
      // Its own run goes before another's that had this content at the path it has come to.
      if (!wanted.again && moved !== null && moved.path !== wanted.path) {
        move(moved.run, wanted.path, nowMs);
        enqueued = refresh(moved, wanted, chance, 'moved');
      } else if (!wanted.again && known !== null) enqueued = refresh(known, wanted, chance, 'known');
      else enqueued = { run: insert(wanted, proof, nowMs), kind: 'new' };
      const { directory } = (enqueued.kind === 'moved' ? moved : known) ?? wanted;
      if (!wanted.again) makeWay(wanted, enqueued.run, directory, chance);
      if (enqueued.kind !== 'new') refreshDirectory(enqueued.run, wanted);
      remember(wanted, enqueued.run, nowMs);
      if (proof === null || enqueued.kind !== 'new') return enqueued;
      // In one change with the row: a process that dies in between would have used the evidence up.
      const reason = `the result file of ${wanted.path} proves run ${proof.runId}, which this outbox does not know`;
      const isBehind = doubt.beginDistrust(reason, wanted.newestFileChangeMs, chance);
      return isBehind ? { ...enqueued, distrust: reason } : enqueued;
    },
  };

  /**
   * What else this folder was to be sent as, and was never about to be: it makes way, or is meant as well.
   * @param directory as the folder was when it was last looked at: folders come and go under one name, and inodes are used again
   */
  function makeWay(wanted: NewRun, run: number, directory: DirectoryIdentity, chance: Chance): void {
    const { path, key } = wanted;
    const { dropRoot, generation } = key;
    const unsent = unsentAtPath(dropRoot, path, run);
    const gone = byNumbers(
      sql.leftAtPath.pluck().all({ dropRoot, path, generation, inode: directory.ino, run }),
    );
    const left = gone.filter((one) => mayBeSameDirectory(one.directory, directory));
    const newer = unsent.length + left.length === 0 ? null : runByNumber(run);
    if (newer === null) return;
    for (const other of unsent) {
      const kind = wayMadeBy(other, newer);
      if (kind !== null) applyTo(seized(other), { kind }, chance);
    }
    for (const other of [...unsent, ...left].filter((one) => wayMadeBy(one, newer) === null)) {
      // The folder's row names the other run, so that nobody else tells this one. Its name and its instance may be what a
      // person has said of it.
      const { description, options, batchExperimentId } = wanted.settings;
      follow(other, wanted, { ...other.settings, description, options, batchExperimentId }, chance);
      if (mayBeSameDirectory(other.directory, directory)) refreshDirectory(other.run, wanted);
    }
  }

  /** Of several that came to lie at one path the one whose directory it is, else the newest. */
  function contentAtPath({ key, path, directory }: NewRun): Claim | null {
    const limit = sameContentMax;
    const thick = sql.sameContentAtPath.all({ ...key, path, limit });
    const found = newestFirst(thick, thin.ofContentAtPath(key, path), limit);
    return found.find((run) => isSameDirectory(run.directory, directory)) ?? found[0] ?? null;
  }

  function newestOfKey({
    key,
    path,
  }: NewRun): { readonly counter: number; readonly path: string } | undefined {
    const last = sql.newestOfKey.get({ ...key, firstPath: path }) as
      { readonly counter: number; readonly path: string } | undefined;
    return thin.newestOfKey(key, path, last?.counter ?? 0) ?? last;
  }

  /** Of a thinned run only where it is another one: each look at its folder would thicken it otherwise. */
  function refreshDirectory(run: number, wanted: NewRun): void {
    const directory = directoryText(wanted.directory);
    if (thin.byNumber(run)?.directory === directory) return;
    thin.thicken(run);
    sql.refreshDirectory.run({ run, directory });
  }

  /** Whether a row has that run of the platform already: one run is one row's. */
  function isHeld({ platform, app }: NewRun['key'], runId: string): boolean {
    return (
      sql.runHolding.get({ platform, app, runId }) !== undefined ||
      thin.holding(platform, app, runId) !== undefined
    );
  }

  /** What is proven has its key, unless that is another row's: the next folder at its first path must not get it. */
  function keyOf(wanted: NewRun, proof: Proof | null): Key {
    if (proof !== null) {
      const proven = { ...wanted.key, firstPath: proof.firstPath, counter: proof.counter };
      const fingerprint = fingerprintOf(proven);
      const isFree =
        sql.ownFingerprint.get({ fingerprint }) === undefined &&
        thin.byFingerprint(fingerprint) === undefined;
      if (isFree) return proven;
    }
    const last = newestOfKey(wanted);
    // It lies at this path and was not found by it: going on would make a second run of what was sent.
    if (!wanted.again && last?.path === wanted.path)
      throw new OutboxDamaged(`the index of paths does not know the run of ${wanted.path}`);
    return { ...wanted.key, firstPath: wanted.path, counter: 1 + (last?.counter ?? 0) };
  }

  function insert(wanted: NewRun, proof: Proof | null, nowMs: number): number {
    const key = keyOf(wanted, proof);
    const fingerprint = fingerprintOf(key);
    const isDistrusted = mayHaveBeenSent(wanted, fingerprint);
    const { state, note } = bornState(wanted, proof, isDistrusted, nowMs);
    const isDue = state.kind === 'queued' || state.kind === 'unknown';
    const run = sql.insertRun.pluck().get({
      ...key,
      fingerprint,
      path: wanted.path,
      directory: directoryText(wanted.directory),
      ...contentColumns(wanted.content),
      settings: JSON.stringify({ ...wanted.settings, ...(wanted.again ? { isAgain: true } : {}) }),
      warnings: JSON.stringify(wanted.content.warnings),
      state: JSON.stringify(state),
      // History goes by its age: what was due first goes first.
      dueAtMs: isDue ? (wanted.isBacklog ? Math.min(nowMs, wanted.newestWriteMs) : nowMs) : null,
      backlog: wanted.isBacklog ? 1 : 0,
      runId: runIdOf(state),
      distrusted: isDistrusted ? 1 : 0,
      nowMs,
    }) as number;
    tell(run, 'queued', `its folder ${wanted.path} is complete`, nowMs);
    if (note !== null) tell(run, state.kind, note, nowMs);
    return run;
  }

  /** Content from before the outbox was lost may have been sent by the outbox that was lost. */
  function mayHaveBeenSent({ key, path, newestFileChangeMs }: NewRun, fingerprint: string): boolean {
    const distrustedAtMs = doubt.distrust()?.sinceMs ?? null;
    if (distrustedAtMs === null) return false;
    if (newestFileChangeMs <= distrustedAtMs) return true;
    // A list has shown this very run, whatever else of that is forgotten.
    if (sql.isStranger.get({ fingerprint }) !== undefined) return true;
    // What the first whole scan finds counts as old whatever its times say: they may have been set since.
    const { dropRoot } = key;
    if (dropRoot === outsideRootName) return false;
    const { endedMs, newestRun } = (sql.wholeScan.get({ dropRoot }) as WholeScanRow | undefined) ?? noScan;
    if (endedMs === null) return true;
    const seen = sql.folder.get({ dropRoot, path }) as FolderRow | undefined;
    if (seen === undefined || seen.firstSeenMs > endedMs) return false;
    // What the folder held then is a run that was made since: this came later.
    return seen.run === null || newestRun === null || seen.run <= newestRun;
  }

  function bornState(
    { doubt }: NewRun,
    proof: Proof | null,
    isDistrusted: boolean,
    nowMs: number,
  ): { readonly state: RunState; readonly note: string | null } {
    if (proof !== null) {
      const { runId } = proof;
      return {
        state: { kind: 'recorded', runId },
        note: `its result file proves that it is run ${runId} already`,
      };
    }
    const live = isDistrusted ? bornUnknown(nowMs) : ({ kind: 'queued', uploads: [] } as const);
    if (doubt !== null) {
      const { hint } = doubt;
      return { state: { kind: 'parked', from: live, reason: reasonOf(doubt), hint }, note: doubt.text };
    }
    if (!isDistrusted) return { state: live, note: null };
    return {
      state: live,
      note: 'the outbox was lost before: whether it was sent then is asked of the platform’s list',
    };
  }

  /** A person may have had the folder tracked more than once: all that it is goes along. */
  function move(run: number, path: string, nowMs: number): void {
    const moved = runByNumber(run);
    if (moved === null) return;
    const { key, directory } = moved;
    const beside = runsOfInode(directory.ino, key.generation).filter(
      (other) =>
        other.run !== run &&
        other.path === moved.path &&
        other.key.dropRoot === key.dropRoot &&
        mayBeSameDirectory(other.directory, directory),
    );
    for (const one of [moved, ...beside]) {
      thin.thicken(one.run);
      sql.moveRun.run({ run: one.run, path });
      tell(one.run, one.life.state.kind, `its folder was moved from ${moved.path} to ${path}`, nowMs);
    }
  }

  function remember({ key, path, signature, directory, target }: NewRun, run: number, nowMs: number): void {
    sql.saveFolder.run({
      dropRoot: key.dropRoot,
      path,
      state: 'known',
      reasonClass: '',
      reason: '',
      hint: '',
      signature,
      directory: directoryText(directory),
      firstSeenMs: nowMs,
      changedAtMs: nowMs,
      sinceMs: nowMs,
      run,
      target,
    });
  }

  /** The folder is complete again with content that has a row. */
  function refresh(run: Claim, wanted: NewRun, chance: Chance, kind: 'known' | 'moved'): Enqueued {
    const { state } = run.life;
    const held = state.kind === 'parked' ? state.from : state;
    if (!['queued', 'uploaded', 'superseded', 'gone'].includes(held.kind)) return { run: run.run, kind };
    // That a person has named its app by now outlives the look: the next one must not send it to the app of its root.
    const isSame = follow(run, wanted, { ...wanted.settings, ...saidOf(run.settings) }, chance);
    if (kind === 'moved') return { run: run.run, kind };
    return { run: run.run, kind: isLive(state) ? (isSame ? 'known' : 'refreshed') : 'revived' };
  }

  /** What was never sent takes the new log and meta. @returns whether they are the same */
  function follow(run: Claim, wanted: NewRun, settings: RunSettings, chance: Chance): boolean {
    const isSame = run.content.asideDigest === wanted.content.asideDigest;
    const isNamedNow = settings.isAppAsked === true && run.settings.isAppAsked !== true;
    if (!isSame || isNamedNow) {
      sql.refreshContent.run({
        run: run.run,
        ...contentColumns(wanted.content),
        settings: JSON.stringify(settings),
        warnings: JSON.stringify(wanted.content.warnings),
      });
    }
    if (isSame && run.isClaimed) return isSame;
    applyTo(seized(run), { kind: isSame ? 'returned' : 'logOrMetaChanged', doubt: wanted.doubt }, chance);
    return isSame;
  }
}
