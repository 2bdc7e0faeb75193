/** What can be done with runs, each within one transaction that whoever calls has opened. */
import { advance, bornUnknown, takenOver, type Conclusion, type Happening } from '../core/lifecycle.ts';
import { type LifecyclePolicy } from '../core/policy.ts';
import { reasonOf } from '../core/failure.ts';
import { fingerprintOf, outsideRootName } from '../core/identity.ts';
import { isLive, runIdOf, type RunState } from '../core/run.ts';
import {
  deliveryLines,
  type Claim,
  type DeliveryLine,
  type Enqueued,
  type HistoryEntry,
  type NewRun,
  type Run,
} from './nouns.ts';
import { directoryText, lifeColumns, runOf, type FolderRow, type RunRow } from './rows.ts';
import type { Statements } from './prepare.ts';

/** More would bury the story of the run; the oldest go first. */
const historyEntriesMax = 200;
/** A run whose crash happened this often with nothing else in hand is what crashes the daemon. */
const crashesMax = 3;

/** Rows are gone through in pages of this many. */
const pageOfRows = 500;
/** The states in which a row that is behind the truth could lead to a second run. */
const doubtfulKinds = ['queued', 'uploaded', 'unknown', 'parked', 'skipped', 'superseded', 'gone'] as const;

export interface Chance {
  readonly nowMs: number;
  readonly random: number;
  readonly policy: LifecyclePolicy;
}

interface TrustRow {
  readonly distrustedAtMs: number | null;
  readonly reason: string | null;
}

export function runOperations(sql: Statements) {
  const rows = (found: unknown[]): Claim[] => (found as RunRow[]).map(runOf);
  const runByNumber = (run: number): Claim | null => {
    const row = sql.runByNumber.get({ run }) as RunRow | undefined;
    return row === undefined ? null : runOf(row);
  };

  const tell = (run: number, kind: RunState['kind'], note: string | null, nowMs: number): void => {
    if (note === null) return;
    sql.addHistory.run({ run, kind, note, nowMs });
    const count = Number(sql.historyCount.pluck().get({ run }));
    if (count > historyEntriesMax) sql.trimHistory.run({ run, surplus: count - historyEntriesMax });
  };

  /** Takes a run that has not been sent out of whatever hands it is in: their next conclusion does not count. */
  const seized = (run: Run): Run => {
    sql.seize.run({ run: run.run });
    return { ...run, isClaimed: false };
  };

  const applyTo = (run: Run, happening: Happening, { nowMs, random, policy }: Chance): Run => {
    const { life, dueAtMs, note } = advance(run.life, happening, nowMs, random, policy);
    sql.applyUnclaimed.run({ ...lifeColumns(life), run: run.run, dueAtMs, nowMs });
    tell(run.run, life.state.kind, note, nowMs);
    return { ...run, life, dueAtMs };
  };

  return {
    /**
     * Takes over what an earlier process left: an intent without an answer becomes `unknown`, claims end, and runs that
     * were in hand are suspects, which go one at a time.
     */
    takeOver(chance: Chance): { unknown: number; suspects: number } {
      const { nowMs } = chance;
      let unknown = 0;
      for (const run of rows(sql.leftIntended.all())) {
        const life = takenOver(run.life, nowMs);
        const columns = {
          ...lifeColumns(life),
          run: run.run,
          fence: run.fence,
          dueAtMs: nowMs,
          nowMs,
          keep: 1,
        };
        if (sql.conclude.run(columns).changes === 0) sql.applyUnclaimed.run({ ...columns });
        tell(
          run.run,
          'unknown',
          'the daemon stopped while the answer was awaited: asking the platform’s list',
          nowMs,
        );
        unknown += 1;
      }
      const left = rows(sql.leftInHand.all());
      sql.releaseLeft.run();
      for (const run of left) {
        if (Number(sql.crashedAlone.pluck().get({ run: run.run })) < crashesMax) continue;
        const found = runByNumber(run.run);
        if (found !== null) applyTo(found, { kind: 'crashedAlone' }, chance);
      }
      return { unknown, suspects: left.length };
    },

    /** Makes a run of a complete folder, or finds the one that it already is. One key, one row. */
    enqueue(wanted: NewRun, chance: Chance): Enqueued {
      const { nowMs } = chance;
      if (wanted.movedAway !== null) move(wanted.movedAway.run, wanted.movedAway.path, nowMs);
      const known = sql.sameContentAtPath.get({ ...wanted.key, path: wanted.path }) as RunRow | undefined;
      const moved = wanted.movedFrom === null ? null : runByNumber(wanted.movedFrom);
      let enqueued: Enqueued;
      if (!wanted.again && known !== undefined) enqueued = refresh(runOf(known), wanted, chance, 'known');
      else if (!wanted.again && moved !== null) {
        move(moved.run, wanted.path, nowMs);
        enqueued = refresh(moved, wanted, chance, 'moved');
      } else {
        const last = sql.newestCounter.pluck().get({ ...wanted.key, firstPath: wanted.path }) as
          number | null;
        enqueued = { run: insert(wanted, 1 + (last ?? 0), nowMs), kind: 'new' };
      }
      sql.refreshDirectory.run({ run: enqueued.run, directory: directoryText(wanted.directory) });
      // Older content of this folder that was never about to be sent makes way.
      const { dropRoot, generation } = wanted.key;
      const place = { dropRoot, generation, path: wanted.path, run: enqueued.run };
      for (const run of wanted.again ? [] : (sql.unsentAtPath.pluck().all(place) as number[])) {
        const older = runByNumber(run);
        if (older !== null) applyTo(seized(older), { kind: 'newerContent' }, chance);
      }
      remember(wanted, enqueued.run, nowMs);
      return enqueued;
    },

    /**
     * Up to `limit` runs that are due; a suspect comes alone. Runs of paused apps stay where they are.
     * @param lines which ones, and in which order
     */
    claimDue(
      platform: string,
      nowMs: number,
      limit: number,
      pausedApps: readonly string[],
      lines: readonly DeliveryLine[] = deliveryLines,
    ): Claim[] {
      const paused = JSON.stringify(pausedApps);
      const inHand = Number(sql.anyInHand.pluck().get() ?? 0);
      if (inHand === 2) return [];
      if (sql.anySuspectDue.get({ platform, nowMs, pausedApps: paused }) !== undefined) {
        return inHand > 0 ? [] : rows(sql.claimSuspect.all({ platform, nowMs, pausedApps: paused }));
      }
      const claims: Claim[] = [];
      for (const line of lines) {
        const room = limit - claims.length;
        if (room <= 0) break;
        claims.push(
          ...rows(sql.claimDue.all({ platform, nowMs, limit: room, line, mark: 1, pausedApps: paused })),
        );
      }
      return claims;
    },

    /** This very run, if it is due: for `track` without a daemon, which leaves other runs alone. */
    claimRun(platform: string, run: number, nowMs: number): Claim | null {
      return rows(sql.claimRun.all({ platform, run, nowMs }))[0] ?? null;
    },

    /** When the next run of these lines is due, wall clock in ms; null: none is. */
    nextDueMs(platform: string, lines: readonly (DeliveryLine | 'reconcile')[]): number | null {
      const dues = lines.flatMap((line) => {
        const dueMs = sql.nextDue.pluck().get({ platform, line }) as number | undefined;
        return dueMs === undefined ? [] : [dueMs];
      });
      return dues.length === 0 ? null : Math.min(...dues);
    },

    /** Runs on their way to platforms that are not the configured one: they wait for a person. */
    foreignDue(platform: string): { platform: string; count: number }[] {
      return sql.foreignDue.all({ platform }) as { platform: string; count: number }[];
    },

    /**
     * Writes down what became of a claimed run. With `keep` the claim goes on to the next step.
     * @returns false when the claim is not the newest: nothing was changed
     */
    conclude(
      claim: Pick<Claim, 'run' | 'fence'>,
      { life, dueAtMs, note }: Conclusion,
      keep: boolean,
      nowMs: number,
    ): boolean {
      const { run, fence } = claim;
      const columns = { ...lifeColumns(life), run, fence, dueAtMs, nowMs, keep: keep ? 1 : 0 };
      if (sql.conclude.run(columns).changes === 0) return false;
      tell(run, life.state.kind, note, nowMs);
      return true;
    },

    /** The source is not what was recorded: the run waits, and its folder is looked at afresh. */
    concludeChanged(claim: Claim, conclusion: Conclusion, nowMs: number): boolean {
      if (!this.conclude(claim, conclusion, false, nowMs)) return false;
      // By its run, because the folder may have been moved while the run was in hand.
      sql.unsettleFolderOf.run({ run: claim.run, nowMs });
      return true;
    },

    /** Ends a claim without an outcome, so that another process can go on from the same state. */
    release(claim: Pick<Claim, 'run' | 'fence'>, dueAtMs: number): void {
      sql.release.run({ run: claim.run, fence: claim.fence, dueAtMs });
    },

    /**
     * Something happened to a run from outside: its folder changed, a listing found it, a person spoke. A worker that
     * has it in hand and has not sent it loses it.
     * @returns the run as it is now; 'claimed' when a worker has sent it, null when there is no such run
     */
    apply(run: number, happening: Happening, chance: Chance): Run | 'claimed' | null {
      const found = runByNumber(run);
      if (found === null) return null;
      const isUnsent = found.life.state.kind === 'queued' || found.life.state.kind === 'uploaded';
      if (found.isClaimed && !isUnsent) return 'claimed';
      return applyTo(found.isClaimed ? seized(found) : found, happening, chance);
    },

    /** Since when the outbox is not believed about what was sent, wall clock in ms, and why; null: it is. */
    distrust(): { readonly sinceMs: number; readonly reason: string } | null {
      const row = sql.trust.get() as TrustRow | undefined;
      if (row === undefined || row.distrustedAtMs === null) return null;
      return { sinceMs: row.distrustedAtMs, reason: row.reason ?? '' };
    },

    /**
     * The outbox was lost, restored or rolled back: whatever is not tracked yet, and whatever the first whole scan
     * finds, is looked for on the platform before it is sent.
     * @param strangers fingerprints that showed it, wondered at from now on: in one change with what follows from them
     * @param evidenceMs when the thing was made that the outbox should know and does not; null: now
     * @returns false when that is from before an earlier distrust, which covers it
     */
    beginDistrust(
      reason: string,
      evidenceMs: number | null,
      chance: Chance,
      strangers: readonly string[] = [],
    ): boolean {
      const { nowMs } = chance;
      for (const fingerprint of strangers) sql.noteStranger.run({ fingerprint, nowMs });
      const earlier = this.distrust();
      if (earlier !== null && evidenceMs !== null && evidenceMs <= earlier.sinceMs) return false;
      sql.distrust.run({ nowMs, reason });
      sql.forgetWholeScans.run();
      for (const kind of doubtfulKinds) {
        for (let after = 0; ;) {
          const page = rows(sql.runsOfKindAfter.all({ kind, after, limit: pageOfRows }));
          for (const run of page) {
            applyTo(run.isClaimed ? seized(run) : run, { kind: 'distrusted' }, chance);
            sql.markDistrusted.run({ run: run.run });
          }
          const last = page.at(-1);
          if (last === undefined) break;
          after = last.run;
        }
      }
      return true;
    },

    /** From now on what is new in the root was not there before. */
    noteWholeScan(dropRoot: string, startedMs: number): void {
      sql.noteWholeScan.run({ dropRoot, startedMs });
    },

    addWarnings(run: number, warnings: readonly string[]): void {
      const found = runByNumber(run);
      if (found === null) return;
      const all = [...new Set([...found.warnings, ...warnings])];
      if (all.length > found.warnings.length)
        sql.setWarnings.run({ run, warnings: JSON.stringify(all.slice(0, 50)) });
    },

    run: (run: number): Run | null => runByNumber(run),
    history: (run: number): HistoryEntry[] => sql.history.all({ run }) as HistoryEntry[],
    runsAtPath: (dropRoot: string, path: string, limit: number): Run[] =>
      rows(sql.runsAtPath.all({ dropRoot, path, limit })),
    /** Runs with this very content whose directory had this inode, wherever it lay. */
    runsOfInode: (inode: string, generation: string): Run[] =>
      rows(sql.sameDirectory.all({ inode, generation })),
  };

  function insert(wanted: NewRun, counter: number, nowMs: number): number {
    const key = { ...wanted.key, firstPath: wanted.path, counter };
    const isDistrusted = mayHaveBeenSent(wanted);
    const { state, note } = bornState(wanted, isDistrusted, nowMs);
    const isDue = state.kind === 'queued' || state.kind === 'unknown';
    const run = sql.insertRun.pluck().get({
      ...key,
      fingerprint: fingerprintOf(key),
      path: wanted.path,
      directory: directoryText(wanted.directory),
      content: JSON.stringify(wanted.content),
      settings: JSON.stringify(wanted.settings),
      warnings: JSON.stringify(wanted.content.warnings),
      state: JSON.stringify(state),
      dueAtMs: isDue ? nowMs : null,
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
  function mayHaveBeenSent({ key, path, newestFileChangeMs }: NewRun): boolean {
    const distrustedAtMs = (sql.trust.get() as TrustRow | undefined)?.distrustedAtMs ?? null;
    if (distrustedAtMs === null) return false;
    if (newestFileChangeMs <= distrustedAtMs) return true;
    // What the first whole scan finds counts as old whatever its times say: they may have been set since.
    const { dropRoot } = key;
    if (dropRoot === outsideRootName) return false;
    const wholeScanMs = sql.wholeScan.pluck().get({ dropRoot }) as number | null | undefined;
    const seen = sql.folder.get({ dropRoot, path }) as FolderRow | undefined;
    return wholeScanMs == null || (seen !== undefined && seen.firstSeenMs <= wholeScanMs);
  }

  function bornState(
    { doubt, believed, key }: NewRun,
    isDistrusted: boolean,
    nowMs: number,
  ): { readonly state: RunState; readonly note: string | null } {
    const { platform, app } = key;
    const isFree =
      believed !== null && sql.runHolding.get({ platform, app, runId: believed.runId }) === undefined;
    if (isFree) {
      const { runId } = believed;
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

  function move(run: number, path: string, nowMs: number): void {
    const moved = runByNumber(run);
    if (moved === null) return;
    sql.moveRun.run({ run, path });
    tell(run, moved.life.state.kind, `its folder was moved from ${moved.path} to ${path}`, nowMs);
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

  /** The folder is complete again with content that has a row: only what was never sent takes the new log and meta. */
  function refresh(run: Claim, wanted: NewRun, chance: Chance, kind: 'known' | 'moved'): Enqueued {
    const { state } = run.life;
    const held = state.kind === 'parked' ? state.from : state;
    const isSame = run.content.asideDigest === wanted.content.asideDigest;
    const follows = ['queued', 'uploaded', 'superseded', 'gone'].includes(held.kind);
    if (!follows || (isSame && run.isClaimed)) return { run: run.run, kind };
    if (!isSame) {
      sql.refreshContent.run({
        run: run.run,
        content: JSON.stringify(wanted.content),
        settings: JSON.stringify(wanted.settings),
        warnings: JSON.stringify(wanted.content.warnings),
      });
    }
    applyTo(seized(run), { kind: isSame ? 'returned' : 'logOrMetaChanged' }, chance);
    if (kind === 'moved') return { run: run.run, kind };
    return { run: run.run, kind: isLive(state) ? (isSame ? 'known' : 'refreshed') : 'revived' };
  }
}
