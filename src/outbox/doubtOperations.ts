/**
 * What concerns the outbox as a whole, and what is still believed of its runs then: a new process takes it over, the
 * clock was set, or it may not remember what was sent.
 */
import { clockSet, takenOver } from '../core/doubt.ts';
import { allLines } from '../core/turns.ts';
import type { Claim } from './nouns.ts';
import type { Statements } from './prepare.ts';
import { lifeColumns } from './rows.ts';
import type { Chance, RunRows } from './runRows.ts';

/** A run whose crash happened this often with nothing else in hand is what crashes the daemon. */
const crashesMax = 3;
/**
 * So long the process has to have lived, in ms, before a run is taken in hand whose next death would park it: whatever ends
 * it at random, again and again, would meet the same run in the same step each time. On a slow machine that was killed
 * every few seconds one life in hundreds was longer than ten seconds, and its end happened to be the third of one run.
 */
const lifeBeforeLastMs = 60_000;

/** The states in which a row that is behind the truth could lead to a second run. */
const doubtfulKinds = ['queued', 'uploaded', 'unknown', 'parked', 'skipped', 'superseded', 'gone'] as const;

interface TrustRow {
  readonly distrustedAtMs: number | null;
  readonly reason: string | null;
}

interface WholeScanRow {
  readonly dropRoot: string;
  readonly atMs: number;
}

export function doubtOperations(
  sql: Statements,
  {
    runs,
    runByNumber,
    tell,
    seized,
    applyTo,
    eachOfKind,
    eachQueuedWithUploads,
    eachUnknownAhead,
    pullEnded,
    pullAllEnded,
  }: RunRows,
) {
  /**
   * Distrust that lies ahead of the clock would cover whatever happens until then: no run in a list would show that the
   * outbox is behind once more, and every folder would count as one from before.
   */
  const moveDistrust = (byMs: number, nowMs: number): void => {
    sql.moveDistrust.run({ byMs, nowMs });
    for (const { dropRoot, atMs } of sql.wholeScans.all() as WholeScanRow[]) {
      // Set ahead it stays where it is: what was seen before it was, and what comes now comes after it.
      const toMs = Math.min(atMs + Math.min(byMs, 0), nowMs);
      if (toMs === atMs) continue;
      // What that scan had seen goes on being what it had seen.
      sql.pullFirstSeen.run({ dropRoot, atMs, toMs });
      sql.pullWholeScan.run({ dropRoot, toMs });
    }
  };

  return {
    /**
     * Takes over what an earlier process left: an intent without an answer becomes `unknown`, claims end, and runs that
     * were in hand are suspects, which go one at a time.
     */
    takeOver(chance: Chance): { unknown: number; suspects: number } {
      const { nowMs } = chance;
      const left = runs(sql.leftInHand.all());
      // While each is still where it died.
      sql.releaseLeft.run();
      let unknown = 0;
      for (const run of runs(sql.leftIntended.all())) {
        const columns = lifeColumns(takenOver(run.life, nowMs));
        sql.applyUnclaimed.run({ ...columns, run: run.run, dueAtMs: nowMs, nowMs, isSuspect: 1 });
        tell(
          run.run,
          'unknown',
          'the daemon stopped while the answer was awaited: asking the platform’s list',
          nowMs,
        );
        unknown += 1;
      }
      eachUnknownAhead(nowMs, (run) =>
        sql.setState.run({ run: run.run, state: lifeColumns(takenOver(run.life, nowMs))['state'] }),
      );
      // Times in the far future were written by a clock that was wrong, or are some server's wish of long ago.
      moveDistrust(0, nowMs);
      pullAllEnded(nowMs);
      for (const line of allLines)
        sql.capDue.run({ line, latestMs: nowMs + chance.policy.backoff.delayMsMax });
      sql.restLastSuspects.run({ dueAtMs: nowMs + lifeBeforeLastMs, crashes: crashesMax - 1 });
      for (const run of left) {
        if (Number(sql.crashedAlone.pluck().get({ run: run.run })) < crashesMax) continue;
        const found = runByNumber(run.run);
        if (found !== null) applyTo(found, { kind: 'crashedAlone' }, chance);
      }
      return { unknown, suspects: left.length };
    },

    /**
     * The machine's clock was set while the daemon ran: what is counted from moments on it moves along, distrust too. Here
     * is what has to be so before anything else is done; of the rest there may be a hundred thousand (`clockSetFor`).
     * @param byMs how far it was set, in ms; below 0: back
     */
    clockSet(byMs: number, nowMs: number): void {
      moveDistrust(byMs, nowMs);
      // Set ahead, ids look older than they are and runs are due sooner, which harms nobody; set back, ids would look
      // young, and runs would wait for as long.
      if (byMs >= 0) return;
      const move = (run: Claim): void => {
        const life = clockSet(run.life, byMs, nowMs);
        if (life !== run.life) sql.setState.run({ run: run.run, state: lifeColumns(life)['state'] });
      };
      eachOfKind('uploaded', move);
      eachQueuedWithUploads(move);
      for (const line of allLines) if (line !== 'reconcile') sql.pullDue.run({ line, byMs, nowMs });
    },

    /**
     * Likewise for a page of the runs that are looked for or asked for: others have their turn between two pages. A process
     * that ends before the last of them makes nothing wrong: the next one goes by its own clock.
     * @returns after which run the next page begins; null: this was the last one
     */
    clockSetFor(
      kind: 'unknown' | 'tracked',
      byMs: number,
      nowMs: number,
      after: number,
      limit: number,
    ): number | null {
      const page = runs(sql.runsOfKindAfter.all({ kind, after, limit }));
      for (const { run, life, dueAtMs, isClaimed } of page) {
        const moved = clockSet(life, byMs, nowMs);
        const isPulled = kind === 'unknown' && byMs < 0 && !isClaimed && dueAtMs !== null && dueAtMs > nowMs;
        if (moved === life && !isPulled) continue;
        const { state } = lifeColumns(moved);
        sql.setStateAndDue.run({ run, state, dueAtMs: isPulled ? dueAtMs + byMs : dueAtMs });
      }
      return page.length < limit ? null : (page.at(-1)?.run ?? null);
    },

    /** Likewise for some of the runs that have ended. @returns how many there were, at most `limit` */
    pullEnded,

    /** Since when the outbox is not believed about what was sent, wall clock in ms, and why; null: it is. */
    distrust(): { readonly sinceMs: number; readonly reason: string } | null {
      const row = sql.trust.get() as TrustRow | undefined;
      if (row === undefined || row.distrustedAtMs === null) return null;
      return { sinceMs: row.distrustedAtMs, reason: row.reason ?? '' };
    },

    /** Makes durable what was changed without it. */
    settle(): void {
      sql.stir.run();
      sql.calm.run();
    },

    /** How many requests that make a run were ever about to leave, as far as this outbox knows. */
    intents: (): number => Number(sql.intents.pluck().get() ?? 0),

    /** How many runs are looked for only because the outbox is not believed. */
    proving: (): number => Number(sql.countProving.pluck().get()),

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
      sql.forgetFirstStarts.run();
      sql.unsettleLeftOut.run();
      for (const kind of doubtfulKinds) {
        eachOfKind(kind, (run) => {
          applyTo(run.isClaimed ? seized(run) : run, { kind: 'distrusted' }, chance);
          sql.markDistrusted.run({ run: run.run });
        });
      }
      return true;
    },

    /**
     * From now on what is new in the root was not there before. All that has a row by then was seen by that scan at the
     * latest, whatever the clock said when it was.
     */
    noteWholeScan(dropRoot: string, endedMs: number): void {
      if (sql.noteWholeScan.run({ dropRoot, endedMs }).changes === 0) return;
      sql.pullFirstSeen.run({ dropRoot, atMs: Number.MAX_SAFE_INTEGER, toMs: endedMs });
    },
  };
}

export type DoubtOperations = ReturnType<typeof doubtOperations>;
