/** What can be done with single runs: claim them, conclude the claim, tell them of something, read them. */
import type { Aside, Conclusion, Happening } from '../core/happening.ts';
import { wayMadeBy } from '../core/makingWay.ts';
import { defaultPolicy } from '../core/policy.ts';
import type { StateKind } from '../core/run.ts';
import { takeInTurn, type DeliveryLine, type Room } from '../core/turns.ts';
import type {
  Claim,
  Folder,
  Hand,
  HistoryEntry,
  ResultPlace,
  Run,
  SentDocument,
  Standing,
  Turn,
} from './nouns.ts';
import type { Statements } from './prepare.ts';
import { folderColumns, lifeColumns, type FolderRow } from './rows.ts';
import { warningsMax, type Chance, type RunRows } from './runRows.ts';
import { codeOf } from './unusable.ts';

/** What may be claimed: of this platform, due by now, and not of these apps, as JSON lists. */
interface Due {
  readonly platform: string;
  readonly nowMs: number;
  readonly pausedApps: string;
  /** Of which only those that were sent are claimed. */
  readonly heldApps: string;
}

const nobodysTurn: Turn = { runs: [], begun: 0, isSuspectKept: false };

/** A run that was intended before, and of which nothing was made. */
function mayBeUnsent({ state }: Conclusion['life']): boolean {
  return state.kind === 'queued' || state.kind === 'uploaded' || state.kind === 'parked';
}

/** What a list says of a run that is looked for. */
function isSaidByList({ kind }: Happening): boolean {
  return kind === 'found' || kind === 'absent';
}

/** Nothing is known of the folder any more, and its run waits for it: the next scan says that it is gone, or what it is. */
function awaitedFolder(
  { run, key, path, directory, createdAtMs }: Run,
  reason: string,
  nowMs: number,
): Folder {
  return {
    dropRoot: key.dropRoot,
    path,
    state: 'settling',
    reason: { class: 'not-complete', text: reason },
    hint: 'Nothing to do: it is tracked when it is complete.',
    signature: '',
    directory,
    firstSeenMs: createdAtMs,
    changedAtMs: nowMs,
    sinceMs: nowMs,
    run,
    target: '',
  };
}

export function runOperations(
  sql: Statements,
  { thin, runs, runByNumber, runsAtPath, runsOfInode, tell, seized, applyTo }: RunRows,
) {
  const claimOfLine = (due: Due, limit: number, line: DeliveryLine): Claim[] =>
    limit <= 0 ? [] : runs(sql.claimDue.all({ ...due, limit, line, mark: 1 }));

  /** New runs, of which whole backlogs may wait for an app that is left out: they are not gone through. */
  const claimBeside = (
    leftOut: ReadonlySet<string>,
    due: Due,
    limit: number,
    line: DeliveryLine,
  ): Claim[] => {
    const { platform, nowMs } = due;
    const apps = (sql.appsWithDue.pluck().all({ platform, line, nowMs }) as string[]).filter(
      (app) => !leftOut.has(app),
    );
    const found = apps.flatMap(
      (app) => sql.dueOfApp.all({ platform, line, app, nowMs, limit }) as { run: number; dueAtMs: number }[],
    );
    const first = found.sort((one, other) => one.dueAtMs - other.dueAtMs).slice(0, limit);
    return first.length === 0
      ? []
      : runs(sql.claimRuns.all({ runs: JSON.stringify(first.map(({ run }) => run)) }));
  };

  const isHeldByAnother = ({ run, key: { platform, app } }: Run, runId: string): boolean => {
    const holder = sql.runHolding.pluck().get({ platform, app, runId }) as number | undefined;
    return (holder ?? thin.holding(platform, app, runId)?.run ?? run) !== run;
  };

  /** Of a run that was made just now. Among the runs that are not thinned an index sees to it. */
  const isHeldByThinned = ({ run, fence }: Hand, { state }: Conclusion['life']): boolean => {
    if (state.kind !== 'tracked' || state.polls > 0 || !thin.hasAny()) return false;
    const found = runByNumber(run);
    if (found?.isClaimed !== true || found.fence !== fence) return false;
    return thin.holding(found.key.platform, found.key.app, state.runId) !== undefined;
  };

  /** A run under which the process died before: nothing is claimed beside it. @returns null: there is none */
  const suspectAlone = (due: Due): Turn | null => {
    const inHand = Number(sql.anyInHand.pluck().get() ?? 0);
    if (inHand === 2) return nobodysTurn;
    if (sql.anySuspectDue.get(due) === undefined) return null;
    if (inHand > 0) return { ...nobodysTurn, isSuspectKept: true };
    return { ...nobodysTurn, runs: runs(sql.claimSuspect.all(due)) };
  };

  /** What the folder of a run that was about to be sent has become meanwhile; null: nothing, or it was not. */
  const overtakenBy = (run: number): Claim | null => {
    const newer = sql.folderRunOfIntended.pluck().get({ run }) as number | undefined;
    return newer === undefined ? null : runByNumber(newer);
  };

  /** It could not make way while a request for it was under way, and that has made nothing. @returns null: it stays */
  const madeWay = (run: number, newer: Run, nowMs: number): Run | null => {
    const older = runByNumber(run);
    const kind = older === null ? null : wayMadeBy(older, newer);
    if (older === null || kind === null) return null;
    return applyTo(seized(older), { kind }, { nowMs, random: 0, policy: defaultPolicy });
  };

  return {
    /**
     * What is due and taken in hand next; a suspect comes alone. Runs of paused apps stay where they are.
     * @param begunBefore new runs that were taken so far
     * @param heldApps of which only those that were sent are taken
     */
    claimInTurn(
      platform: string,
      nowMs: number,
      room: Room,
      begunBefore: number,
      pausedApps: readonly string[],
      heldApps: readonly string[] = [],
    ): Turn {
      const apps = { pausedApps: JSON.stringify(pausedApps), heldApps: JSON.stringify(heldApps) };
      const due = { platform, nowMs, ...apps };
      const suspect = room.inHand > 0 ? suspectAlone(due) : nobodysTurn;
      if (suspect !== null) return suspect;
      const leftOut = new Set([...pausedApps, ...heldApps]);
      const taken = takeInTurn(room, begunBefore, (limit, line) =>
        // What is started is never more than there are slots, or waits for its time.
        leftOut.size === 0 || line === 'started'
          ? claimOfLine(due, limit, line)
          : claimBeside(leftOut, due, limit, line),
      );
      return { ...taken, isSuspectKept: false };
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
     * @param outputSame whether the output came back as it was sent; null: that was not asked, or nobody can tell
     * @returns false when the claim is not the newest, 'runIdTaken' when that run of the platform is another run's here:
     *   nothing was changed; or the run itself, which nobody has in hand any more, when it made way in the same change
     */
    conclude(
      { run, fence }: Hand,
      { life, dueAtMs, note }: Conclusion,
      keep: boolean,
      nowMs: number,
      outputSame: boolean | null = null,
    ): boolean | 'runIdTaken' | Run {
      const columns = {
        ...lifeColumns(life),
        ...{ run, fence, dueAtMs, nowMs, keep: keep ? 1 : 0 },
        outputSame: outputSame === null ? null : outputSame ? 1 : 0,
      };
      if (isHeldByThinned({ run, fence }, life)) return 'runIdTaken';
      const overtaking = mayBeUnsent(life) ? overtakenBy(run) : null;
      try {
        if (sql.conclude.run(columns).changes === 0) return false;
      } catch (error) {
        // The only other one that is unique, its key, is not changed here.
        if (codeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE') return 'runIdTaken';
        throw error;
      }
      // In the same change as the intent itself: a copy from before it has the smaller number.
      if (life.state.kind === 'intended') sql.countIntent.run();
      tell(run, life.state.kind, note, nowMs);
      return (overtaking && madeWay(run, overtaking, nowMs)) ?? true;
    },

    /**
     * The source is not what was recorded: the run waits, and its folder is looked at afresh, whatever run that is by now.
     * Where the run is not meant beside that one nobody would: newer content came while this one could not make way,
     * because it was about to be sent.
     */
    concludeChanged(hand: Hand, conclusion: Conclusion, nowMs: number): boolean {
      if (this.conclude(hand, conclusion, false, nowMs) !== true) return false;
      // By where its run is now, because the folder may have been moved while the run was in hand.
      const found = runByNumber(hand.run);
      if (found === null) return true;
      const { dropRoot } = found.key;
      const { path } = found;
      const there = sql.folder.get({ dropRoot, path }) as FolderRow | undefined;
      const other = there?.run == null ? null : runByNumber(there.run);
      const kind = other === null ? null : wayMadeBy(found, other);
      if (kind !== null) applyTo(found, { kind }, { nowMs, random: 0, policy: defaultPolicy });
      else if (there !== undefined) sql.unsettleFolder.run({ dropRoot, path, nowMs });
      else sql.saveFolder.run(folderColumns(awaitedFolder(found, conclusion.note ?? '', nowMs)));
      return true;
    },

    /**
     * The result is kept, and not beside its content. A folder that was away may be back, or somewhere else, and nothing
     * in it tells: it is looked at afresh, at once the first time. Where inodes do not last that would have no end, so the
     * next time it waits like one that did not take its result.
     */
    concludeAside(
      hand: Hand,
      conclusion: Conclusion,
      aside: Aside,
      nowMs: number,
      outputSame: boolean | null,
    ): boolean | 'runIdTaken' | Run {
      const concluded = this.conclude(hand, conclusion, false, nowMs, outputSame);
      if (concluded === true) sql.noteAside.run({ run: hand.run, away: aside === 'away' ? 1 : 0, nowMs });
      return concluded;
    },

    /**
     * Ends a claim without an outcome, so that another process can go on from the same state.
     * @param isUntried nothing was tried in it: it does not count
     */
    release({ run, fence }: Hand, dueAtMs: number, isUntried = false): void {
      sql.release.run({ run, fence, dueAtMs, untried: isUntried ? 1 : 0 });
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
      // A person has skipped it while the list was read: it stays so, and `retry` looks again.
      if (isSaidByList(happening) && found.life.state.kind === 'skipped') return found;
      const isTaken = happening.kind === 'found' && isHeldByAnother(found, happening.runId);
      const met = isTaken ? ({ kind: 'foundTaken', runId: happening.runId } as const) : happening;
      return applyTo(found.isClaimed ? seized(found) : found, met, chance);
    },

    /**
     * A person's word, which is believed only of what it was said of: the run may have been sent since.
     * @param states of which it has to be in one
     * @returns the run as it is then; null: it is in none of these, and is left as it is
     */
    answer(run: number, word: 'retry' | 'skip', states: readonly StateKind[], chance: Chance): Run | null {
      const found = runByNumber(run);
      if (found === null || !states.includes(found.life.state.kind)) return null;
      const now = this.apply(run, { kind: word }, chance);
      return now === 'claimed' ? null : now;
    },

    /** What the upload of a claimed run's output was, where it is not the file itself; null: it is. */
    noteSent({ run, fence }: Hand, sent: SentDocument | null): void {
      sql.noteSent.run({ run, fence, sent: sent === null ? null : JSON.stringify(sent) });
    },

    /** @returns null when the claim is not the newest any more */
    resultPlace({ run, fence }: Hand): ResultPlace | null {
      const found = runByNumber(run);
      if (found?.isClaimed !== true || found.fence !== fence) return null;
      const { path, directory, sent, key } = found;
      const there = sql.folder.get({ dropRoot: key.dropRoot, path }) as FolderRow | undefined;
      return { path, directory, sent, isTaken: there !== undefined && there.run !== run };
    },

    addWarnings(run: number, warnings: readonly string[]): void {
      const found = runByNumber(run);
      if (found === null) return;
      const all = [...new Set([...found.warnings, ...warnings])];
      if (all.length === found.warnings.length) return;
      thin.thicken(run);
      sql.setWarnings.run({ run, warnings: JSON.stringify(all.slice(0, warningsMax)) });
    },

    /** Which runs are in a state, of which drop root, and why where they are parked: in pages by their number. */
    standingOf: (kind: StateKind, after: number, limit: number): Standing[] =>
      sql.standingOfKind.all({ kind, after, limit }) as Standing[],

    run: (run: number): Run | null => runByNumber(run),
    history: (run: number): HistoryEntry[] => sql.history.all({ run }) as HistoryEntry[],
    runsAtPath: (dropRoot: string, path: string, limit: number): Run[] => runsAtPath(dropRoot, path, limit),
    /** Runs with this very content whose directory had this inode, wherever it lay. */
    runsOfInode: (inode: string, generation: string): Run[] => runsOfInode(inode, generation),
  };
}
