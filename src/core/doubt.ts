/**
 * What is still believed of a run when its outbox is doubted, another process takes it over, it comes back after a long
 * time, or the clock was set. Where it may have been sent it is unknown, and the platform's list is asked.
 */
import type { Conclusion, RunLife } from './happening.ts';
import { mayHaveBeenMade, type LiveState, type RunState } from './run.ts';

type Unknown = Extract<RunState, { kind: 'unknown' }>;

/**
 * A row of an outbox that was lost, restored or rolled back may be behind the truth: its run may have been sent since.
 * So whatever says "not sent" becomes "not known", and passes the whole of "surely absent".
 */
export function distrusted(life: RunLife, nowMs: number): Conclusion {
  const { state } = life;
  const doubted = (from: LiveState): LiveState => {
    if (from.kind === 'tracked' || from.kind === 'final') return from;
    return { ...bornUnknown(nowMs), mayResend: from.kind === 'unknown' && from.mayResend };
  };
  const note = 'the outbox may have been behind: whether it was sent since is not known';
  switch (state.kind) {
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'unknown':
      return { life: { ...life, state: doubted(state), tries: 0, everUnknown: true }, dueAtMs: nowMs, note };
    case 'parked':
    case 'skipped':
      return {
        life: { ...life, state: { ...state, from: doubted(state.from) }, everUnknown: true },
        dueAtMs: null,
        note: null,
      };
    case 'superseded':
    case 'gone':
      return { life: { ...life, everUnknown: true }, dueAtMs: null, note: null };
    case 'tracked':
    case 'final':
      return { life, dueAtMs: nowMs, note: null };
    case 'recorded':
      return { life, dueAtMs: null, note: null };
  }
}

/** A run that may have been sent at any time before now. */
export function bornUnknown(nowMs: number): Unknown {
  return { kind: 'unknown', platformTimeMs: 0, endedAtMs: nowMs, absent: null, mayResend: false };
}

/** A run whose content came back after it had made way. */
export function revivedFrom(life: RunLife, nowMs: number): LiveState {
  // When it was sent is not known any more: every run that a listing shows counts as made since.
  return life.everUnknown ? bornUnknown(nowMs) : { kind: 'queued', uploads: [] };
}

/** `retry` goes back to the state the run was parked from; whoever was unknown looks again from the start. */
export function revived(
  { from }: Extract<RunState, { kind: 'parked' | 'skipped' }>,
  nowMs: number,
): LiveState {
  if (from.kind === 'unknown') return { ...from, endedAtMs: Math.min(from.endedAtMs, nowMs), absent: null };
  // An intent belongs to the claim that wrote it, and that has ended: what became of it is looked for.
  if (from.kind === 'intended') return leftUnknown(from, nowMs);
  // Ids that were noted before are likely dead by the time a person has answered.
  if (!mayHaveBeenMade(from)) return { kind: 'queued', uploads: [] };
  return from;
}

/** What a new owner of the outbox makes of a run that an earlier process left behind. */
export function takenOver(life: RunLife, nowMs: number): RunLife {
  if (life.state.kind === 'unknown' && life.state.endedAtMs > nowMs) {
    // The clock was set back meanwhile: the waits between two looks grow with the time since then, and would not.
    return { ...life, state: { ...life.state, endedAtMs: nowMs } };
  }
  if (life.state.kind !== 'intended') return life;
  return {
    ...unclearLife(life, nowMs),
    tries: 0,
    everUnknown: true,
    state: leftUnknown(life.state, nowMs),
  };
}

/** One more request whose answer does not tell whether a run was made: since when there are such is kept. */
export function unclearLife(life: RunLife, nowMs: number): RunLife {
  return { ...life, unclearSinceMs: Math.min(nowMs, life.unclearSinceMs ?? nowMs) };
}

/** A run was made, or a person has looked into it: such requests are counted anew. */
export function settledLife({ state, tries, plainest, everUnknown }: RunLife): RunLife {
  return { state, tries, plainest, everUnknown };
}

/**
 * The machine's clock was set while this process watched: moments that the run's next steps are counted from move with it.
 * How long to wait for the next look is counted from them, and never whether a run is surely absent or gone: so nothing is
 * wrong where a run was moved, and another was not yet.
 * @param byMs how far it was set, in ms; below 0: back
 * @param nowMs what it says now: nothing that has happened moves beyond it
 */
export function clockSet(life: RunLife, byMs: number, nowMs: number): RunLife {
  const { state } = life;
  // Only back, or ids that are dead would look young, and be refused: a clock that is ahead may have been set, and the
  // machine may as well have slept, in which ids grow old. One that only looks old costs an upload.
  if (byMs < 0 && (state.kind === 'queued' || state.kind === 'uploaded') && state.uploads.length > 0) {
    const uploads = state.uploads.map((done) => ({ ...done, askedAtMs: done.askedAtMs + byMs }));
    return { ...life, state: { ...state, uploads } };
  }
  if (state.kind === 'unknown')
    return { ...life, state: { ...state, endedAtMs: Math.min(state.endedAtMs + byMs, nowMs) } };
  if (state.kind === 'tracked' && state.notFoundSinceMs !== null)
    return { ...life, state: { ...state, notFoundSinceMs: state.notFoundSinceMs + byMs } };
  return life;
}

/** The old request may still sit in a socket buffer: absence is counted from now, not from the intent. */
function leftUnknown({ platformTimeMs }: Extract<RunState, { kind: 'intended' }>, nowMs: number): Unknown {
  return { kind: 'unknown', platformTimeMs, endedAtMs: nowMs, absent: null, mayResend: false };
}
