/** What can be done with single runs: claim them, conclude the claim, tell them of something, read them. */
import type { Conclusion, Happening } from '../core/happening.ts';
import type { StateKind } from '../core/run.ts';
import {
  deliveryLines,
  type Claim,
  type DeliveryLine,
  type HistoryEntry,
  type Run,
  type Standing,
  type SentDocument,
} from './nouns.ts';
import type { Statements } from './prepare.ts';
import { lifeColumns } from './rows.ts';
import type { Chance, RunRows } from './runRows.ts';

export function runOperations(sql: Statements, { runs, runByNumber, tell, seized, applyTo }: RunRows) {
  return {
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
        return inHand > 0 ? [] : runs(sql.claimSuspect.all({ platform, nowMs, pausedApps: paused }));
      }
      const claims: Claim[] = [];
      for (const line of lines) {
        const room = limit - claims.length;
        if (room <= 0) break;
        claims.push(
          ...runs(sql.claimDue.all({ platform, nowMs, limit: room, line, mark: 1, pausedApps: paused })),
        );
      }
      return claims;
    },

    /** This very run, if it is due: for `track` without a daemon, which leaves other runs alone. */
    claimRun(platform: string, run: number, nowMs: number): Claim | null {
      return runs(sql.claimRun.all({ platform, run, nowMs }))[0] ?? null;
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
      // In the same change as the intent itself: a copy from before it has the smaller number.
      if (life.state.kind === 'intended') sql.countIntent.run();
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

    /** What the upload of a claimed run's output was, where it is not the file itself; null: it is. */
    noteSent({ run, fence }: Pick<Claim, 'run' | 'fence'>, sent: SentDocument | null): void {
      sql.noteSent.run({ run, fence, sent: sent === null ? null : JSON.stringify(sent) });
    },

    addWarnings(run: number, warnings: readonly string[]): void {
      const found = runByNumber(run);
      if (found === null) return;
      const all = [...new Set([...found.warnings, ...warnings])];
      if (all.length > found.warnings.length)
        sql.setWarnings.run({ run, warnings: JSON.stringify(all.slice(0, 50)) });
    },

    /** Which runs are in a state, of which drop root, and why where they are parked: in pages by their number. */
    standingOf: (kind: StateKind, after: number, limit: number): Standing[] =>
      sql.standingOfKind.all({ kind, after, limit }) as Standing[],

    run: (run: number): Run | null => runByNumber(run),
    history: (run: number): HistoryEntry[] => sql.history.all({ run }) as HistoryEntry[],
    runsAtPath: (dropRoot: string, path: string, limit: number): Run[] =>
      runs(sql.runsAtPath.all({ dropRoot, path, limit })),
    /** Runs with this very content whose directory had this inode, wherever it lay. */
    runsOfInode: (inode: string, generation: string): Run[] =>
      runs(sql.sameDirectory.all({ inode, generation })),
  };
}
