/**
 * How the rows of runs are found and changed; what every operation on runs shares. Each change tells the run's story.
 * Thinned runs are found like the others.
 */
import type { Happening } from '../core/happening.ts';
import { advance } from '../core/lifecycle.ts';
import type { LifecyclePolicy } from '../core/policy.ts';
import type { RunState } from '../core/run.ts';
import type { Claim, Run } from './nouns.ts';
import type { Statements } from './prepare.ts';
import { lifeColumns, runOf, type RunRow } from './rows.ts';
import { thinRuns } from './thinRuns.ts';

/** More would bury the story of the run; the oldest go first. */
const historyEntriesMax = 200;
/** Of a run: more would bury what it is. */
export const warningsMax = 50;
/** Of the same content in directories of the same inode, which are few. */
const sameDirectoryMax = 20;
/** Rows are gone through in pages of this many. */
const pageOfRows = 500;

/** Time, chance and the rules: what a decision about a run needs besides the run. */
export interface Chance {
  readonly nowMs: number;
  readonly random: number;
  readonly policy: LifecyclePolicy;
}

/** @param gettingOn told after each page of rows that all have to be gone through */
export function runRows(sql: Statements, gettingOn: () => void) {
  const thin = thinRuns(sql);
  const runs = (found: unknown[]): Claim[] => (found as RunRow[]).map(runOf);
  const runByNumber = (run: number): Claim | null => {
    const row = (sql.runByNumber.get({ run }) as RunRow | undefined) ?? thin.byNumber(run);
    return row === undefined ? null : runOf(row);
  };
  /** Two lists of which each has the newest first, as one. */
  const newestFirst = (some: unknown[], others: readonly RunRow[], limit: number): Claim[] =>
    runs([...(some as RunRow[]), ...others].sort((one, other) => other.run - one.run).slice(0, limit));
  const runsAtPath = (dropRoot: string, path: string, limit: number): Claim[] =>
    newestFirst(sql.runsAtPath.all({ dropRoot, path, limit }), thin.atPath(dropRoot, path, limit), limit);

  const runsOfInode = (inode: string, generation: string): Claim[] =>
    newestFirst(
      sql.sameDirectory.all({ inode, generation, limit: sameDirectoryMax }),
      thin.ofDirectory(inode, generation, sameDirectoryMax),
      sameDirectoryMax,
    );
  const byNumbers = (found: unknown[]): Claim[] =>
    (found as number[]).map(runByNumber).filter((run) => run !== null);
  /** Those that follow their folder, also while they are parked. @param beside another one; 0: none */
  const unsentAtPath = (dropRoot: string, path: string, beside: number): Claim[] =>
    byNumbers(sql.unsentAtPath.pluck().all({ dropRoot, path, run: beside }));

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
    if (run.isThinned && life === run.life && note === null) return run;
    thin.thicken(run.run);
    // That its request was surely not carried out says nothing of what took the process down.
    const isSuspect = happening.kind === 'absent' ? 1 : 0;
    sql.applyUnclaimed.run({ ...lifeColumns(life), run: run.run, dueAtMs, nowMs, isSuspect });
    tell(run.run, life.state.kind, note, nowMs);
    return { ...run, life, dueAtMs };
  };

  const eachOf = (
    pageAfter: (after: number, limit: number) => unknown[],
    work: (run: Claim) => void,
  ): void => {
    for (let after = 0; ;) {
      const page = runs(pageAfter(after, pageOfRows));
      for (const run of page) work(run);
      gettingOn();
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRows) return;
      after = last.run;
    }
  };
  const eachOfKind = (kind: RunState['kind'], work: (run: Claim) => void): void =>
    eachOf((after, limit) => sql.runsOfKindAfter.all({ kind, after, limit }), work);
  /** Of a long backlog hardly any has begun. */
  const eachQueuedWithUploads = (work: (run: Claim) => void): void =>
    eachOf((after, limit) => sql.queuedWithUploads.all({ after, limit }), work);
  /** Hardly any: whose request ended later than it is. */
  const eachUnknownAhead = (nowMs: number, work: (run: Claim) => void): void =>
    eachOf((after, limit) => sql.unknownAhead.all({ nowMs, after, limit }), work);
  /**
   * Runs that ended later than it is have ended now, as far as anybody can tell: else they could be archived, or thinned,
   * only when the clock has got there.
   */
  const pullEnded = (nowMs: number, limit: number): number => sql.pullEnded.run({ nowMs, limit }).changes;
  /** Hardly any, unless the clock was ahead for long. */
  const pullAllEnded = (nowMs: number): void => {
    while (pullEnded(nowMs, pageOfRows) === pageOfRows) gettingOn();
  };

  return {
    ...{ thin, runs, runByNumber, byNumbers, runsAtPath, runsOfInode, unsentAtPath, newestFirst },
    ...{ tell, seized, applyTo },
    ...{ eachOfKind, eachQueuedWithUploads, eachUnknownAhead, pullEnded, pullAllEnded },
  };
}

export type RunRows = ReturnType<typeof runRows>;
