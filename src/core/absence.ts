/**
 * "Surely absent": when the platform's list may be believed that a request made nothing. The one place where a duplicate
 * could be born.
 */
import { park, to, type AbsenceProof, type Conclusion, type Happening, type RunLife } from './happening.ts';
import type { LifecyclePolicy } from './policy.ts';
import type { RunState } from './run.ts';
import { passedSince } from './steadyMoment.ts';

/** An unknown run is looked for at waits that double within these, in ms: each is a whole listing. */
const lookMsMin = 2_000;
const lookMsMax = 10 * 60_000;
/** A list that is bare of our runs for so long, in ms, will not show them again by itself: a person is asked. */
const bareMsMax = 24 * 3_600_000;

type Unknown = Extract<RunState, { kind: 'unknown' }>;

/**
 * Two complete listings without the fingerprint, both begun after the request's end, the second at least
 * `absentAfterMs` after the first; and a third that still shows all that the second had shown, because a run that
 * somebody deletes while a list is read moves all older ones up a place, and the one between two pages is seen on
 * neither.
 */
export function afterAbsence(
  life: RunLife,
  state: Unknown,
  seen: Extract<Happening, { kind: 'absent' }>,
  nowMs: number,
  policy: LifecyclePolicy,
): Conclusion {
  const againMs = lookAgainMs(state, nowMs);
  const wait = (absent: typeof state.absent, untilMs: number): Conclusion => ({
    life: { ...life, state: { ...state, absent } },
    dueAtMs: Math.ceil(Math.max(nowMs + policy.pollMsMin, Math.min(untilMs, againMs))),
    note: absent === null ? null : 'not in the platform’s list so far',
  });
  // No listing confirms itself: one that comes twice, with the clock set back in between, has said all that it can.
  if (state.absent?.listing === seen.listing) return wait(state.absent, Infinity);
  // A listing of this process has begun after every request of an earlier one.
  if ((passedSince(state.ended, seen.steady) ?? 0) < 0) return wait(state.absent, nowMs);
  if (isBare(state, seen.proof) && nowMs - state.endedAtMs < bareMsMax)
    return wait(state.absent, nowMs + policy.absentAfterMs / 4);
  const { listing, startedAtMs, steady } = seen;
  const first = { listing, startedAtMs, steady };
  const late = { ...first, isLate: true };
  if (state.absent === null) return wait(first, startedAtMs + policy.absentAfterMs);
  if (state.absent.isLate !== true) {
    // Counted from the first listing: only then was the platform known to be reachable again. And by the clock that
    // nobody sets, in this process: one that is set by a day must not make a request of just now an old one.
    const passedMs = passedSince(state.absent.steady, steady);
    if (passedMs === null) return wait(first, startedAtMs + policy.absentAfterMs);
    // The rest is counted from this listing's beginning: while it was read, or the machine slept, it may have passed.
    if (passedMs < policy.absentAfterMs)
      return wait(state.absent, startedAtMs + policy.absentAfterMs - passedMs);
    // A run that the first listing showed is missing now: pages shifted, so this listing starts the count afresh.
    if (!seen.proof.keepsEarlier) return wait(first, startedAtMs + policy.absentAfterMs);
    return wait(late, nowMs);
  }
  // Pages shifted while the late listing was read, or since: this one is as late, and the next has to keep it.
  if (!seen.proof.keepsEarlier) return wait(late, Infinity);
  return surelyAbsent(life, state, seen.proof, nowMs, policy);
}

/** When an unknown run is looked for again, wall clock in ms: a list that lags shows it a moment later, or never. */
export function lookAgainMs({ endedAtMs }: Unknown, nowMs: number): number {
  return nowMs + Math.min(lookMsMax, Math.max(lookMsMin, nowMs - endedAtMs));
}

/** A list that showed fingerprints of ours before and shows none now. Who was told so and says `retry` has looked himself. */
function isBare({ mayResend }: Unknown, { fingerprintsShow, showsOurs }: AbsenceProof): boolean {
  return fingerprintsShow && !showsOurs && !mayResend;
}

/** Nothing was made. Whether it is sent again depends on the folder, and on what the list's silence is worth. */
function surelyAbsent(
  life: RunLife,
  state: Unknown,
  proof: AbsenceProof,
  nowMs: number,
  policy: LifecyclePolicy,
): Conclusion {
  const queued = { kind: 'queued', uploads: [] } as const;
  if (isBare(state, proof)) {
    return park(
      life,
      { ...state, mayResend: true },
      {
        class: 'surely-absent',
        text: 'the platform does not list the run, and for a day it has listed none of the others that were made from here either',
        hint: 'Were the runs of this app removed, or the app made anew? If the run is not in the console, `runtrackd retry` looks once more and then sends it.',
        reach: 'run',
      },
    );
  }
  if (proof.content === 'gone')
    return to(life, { kind: 'gone', from: queued }, 'surely absent, and its folder is gone', null);
  if (proof.content === 'newer') {
    return to(
      life,
      { kind: 'superseded', from: queued },
      'surely absent, and its folder holds newer content',
      null,
    );
  }
  if (proof.content === 'otherTarget') {
    return to(
      life,
      { kind: 'superseded', from: queued, by: 'otherTarget' },
      'surely absent, and its folder goes to another app or platform by now',
      null,
    );
  }
  if (state.mayResend) return to(life, queued, 'surely absent: sending again, as a person said', nowMs);
  if (proof.twin !== null) {
    return park(
      life,
      { ...state, mayResend: true },
      {
        class: 'moved-while-lost',
        text: `run ${proof.twin} on the platform has this very content under another fingerprint: was the folder moved while the outbox was lost?`,
        hint: 'If that run is this folder’s, `runtrackd skip` it; if it is another folder’s, `runtrackd retry` looks once more and sends it.',
        reach: 'run',
      },
    );
  }
  if (policy.then === 'park' || !proof.fingerprintsShow) {
    return park(
      life,
      { ...state, mayResend: true },
      {
        class: 'surely-absent',
        text:
          policy.then === 'park'
            ? 'the platform does not list the run, and this configuration asks a person before sending again'
            : 'the platform does not list the run, but it was never seen to list a fingerprint of ours either',
        hint: 'Look for the run in the console; if it is not there, `runtrackd retry` looks once more and then sends it.',
        reach: 'run',
      },
    );
  }
  return to(life, queued, 'surely absent from the platform: sending again', nowMs);
}
