/**
 * What happened to a run, and what that makes of it. Pure: time and chance are arguments, nothing here touches anything.
 *
 * The one rule that everything else serves: `POST /runs` is sent once per intent, the intent is durable before it, and
 * where its outcome is not known nobody sends again until the platform's own list says that nothing was made.
 *
 *   state      what can happen                what it makes
 *   queued     uploads landed                 uploaded
 *              source changed                 queued, waiting for its folder
 *   uploaded   ids too old                    queued, without ids
 *              intent written                 intended
 *   intended   an id came back                tracked
 *              certainly nothing made         uploaded
 *              refused                        queued in the plainest form; the second time parked, from queued
 *              anything else, or a new owner  unknown
 *   unknown    found in the list              tracked
 *              surely absent                  queued, or parked where `then: park` or the list proves nothing
 *   tracked    final                          final
 *              gone for long                  parked
 *   final      written back                   recorded
 *   recorded   its result is not beside it    final
 */
import { backoffMs } from './backoff.ts';
import { rateLimited, reasonOf, type Failure } from './failure.ts';
import type { LifecyclePolicy } from './policy.ts';
import { isLive, mayHaveBeenMade, type LiveState, type RunState, type Upload } from './run.ts';

/** A run's life so far: its state, and what has to outlive a change of state. */
export interface RunLife {
  readonly state: RunState;
  /** Failures in a row since the last progress. */
  readonly tries: number;
  /** Once refused: error, name and description go in their plainest form. The fingerprint stays. */
  readonly plainest: boolean;
  /** A request was once sent whose outcome never became known: a revival starts by looking. */
  readonly everUnknown: boolean;
}

/** What a step, the folder or a person reports. */
export type Happening =
  | { readonly kind: 'uploadsLanded'; readonly uploads: readonly Upload[]; readonly failure: Failure | null }
  | { readonly kind: 'uploadsTooOld' }
  | { readonly kind: 'sourceChanged'; readonly failure: Failure }
  | { readonly kind: 'intended'; readonly platformTimeMs: number }
  | { readonly kind: 'made'; readonly runId: string }
  | { readonly kind: 'nothingMade'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unclear'; readonly failure: Failure; readonly endedAtMs: number }
  | { readonly kind: 'found'; readonly runId: string }
  | {
      readonly kind: 'absent';
      readonly listing: number;
      readonly startedAtMs: number;
      readonly proof: AbsenceProof;
    }
  | { readonly kind: 'notFinal' }
  | { readonly kind: 'notFound'; readonly failure: Failure }
  | { readonly kind: 'final'; readonly status: string }
  | { readonly kind: 'written'; readonly path: string }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'logOrMetaChanged' }
  | { readonly kind: 'newerContent' }
  | { readonly kind: 'vanished' }
  | { readonly kind: 'returned' }
  /** Its result does not lie beside its content any more: it is fetched and written back again. */
  | { readonly kind: 'resultLost' }
  /** The outbox may not remember what it did: what it says of requests that were sent is not believed. */
  | { readonly kind: 'distrusted' }
  | { readonly kind: 'crashedAlone' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'skip' };

/** What a complete listing without the fingerprint is worth. */
export interface AbsenceProof {
  /** It still showed every run that the earlier one had seen since the intent: no page was shifted by a deletion. */
  readonly keepsEarlier: boolean;
  /** Some fingerprint of ours was seen in this app's list before: descriptions are neither cut nor left out. */
  readonly fingerprintsShow: boolean;
  /** This very listing showed one. A list that showed them before and is bare of them now is no whole list. */
  readonly showsOurs: boolean;
  /** Whether the content is still in the folder as it was: what is not there cannot be sent again. */
  readonly content: 'there' | 'newer' | 'gone';
  /** A run with this content under another fingerprint, made while the outbox was lost; null: none was seen. */
  readonly twin: string | null;
}

export interface Conclusion {
  readonly life: RunLife;
  /** Wall clock when the next step is due, in ms; null: not by itself (a person or the folder). */
  readonly dueAtMs: number | null;
  /** One sentence for the run's history; null: nothing worth telling. */
  readonly note: string | null;
}

/**
 * @param nowMs wall clock in ms
 * @param random a number in [0, 1)
 * @returns what the run is now; a happening that does not fit its state throws, because only a bug can cause it
 */
export function advance(
  life: RunLife,
  happening: Happening,
  nowMs: number,
  random: number,
  policy: LifecyclePolicy,
): Conclusion {
  const { state } = life;
  const to = (next: RunState, note: string, dueAtMs: number | null = nowMs): Conclusion => ({
    life: { ...life, state: next, tries: 0, everUnknown: life.everUnknown || next.kind === 'unknown' },
    dueAtMs,
    note,
  });
  const park = (from: LiveState, failure: Failure): Conclusion =>
    to({ kind: 'parked', from, reason: reasonOf(failure), hint: failure.hint }, failure.text, null);
  const again = (failure: Failure, next: RunState = state): Conclusion => {
    // What concerns everybody is at nobody's expense: no tries are spent, nothing is parked.
    const tries = failure.reach === 'run' ? life.tries + 1 : life.tries;
    if (failure.reach === 'run' && tries >= policy.runTriesMax && isLive(next)) return park(next, failure);
    // The budget's pace is the only wait of a request that was one too many.
    if (failure.class === rateLimited)
      return { life: { ...life, state: next, tries }, dueAtMs: nowMs, note: failure.text };
    return {
      life: { ...life, state: next, tries },
      dueAtMs: nowMs + backoffMs(Math.max(1, tries), policy.backoff, random, failure.retryAfterMs),
      note: failure.text,
    };
  };

  switch (happening.kind) {
    case 'uploadsLanded': {
      expect(state, 'queued');
      const { uploads } = happening;
      if (happening.failure === null) return to({ kind: 'uploaded', uploads }, 'every artefact is uploaded');
      // Some landed before one failed: they are noted, and only the rest is tried again.
      return again(happening.failure, { kind: 'queued', uploads });
    }
    case 'uploadsTooOld':
      expect(state, 'uploaded');
      return to(
        { kind: 'queued', uploads: [] },
        'the upload ids had become too old to be used: uploading again',
      );
    case 'sourceChanged':
      expect(state, 'queued', 'uploaded');
      return to({ kind: 'queued', uploads: [] }, happening.failure.text, null);
    case 'intended':
      expect(state, 'uploaded');
      return {
        life: {
          ...life,
          state: { kind: 'intended', uploads: state.uploads, platformTimeMs: happening.platformTimeMs },
        },
        dueAtMs: nowMs,
        note: 'about to ask the platform to make the run',
      };
    case 'made':
      expect(state, 'intended');
      return to(
        { kind: 'tracked', runId: happening.runId, notFoundSinceMs: null, polls: 0 },
        `tracked as ${happening.runId}`,
      );
    case 'nothingMade':
      expect(state, 'intended');
      return again(happening.failure, { kind: 'uploaded', uploads: state.uploads });
    case 'refused': {
      expect(state, 'intended');
      const queued = { kind: 'queued', uploads: [] } as const;
      if (life.plainest) return park(queued, happening.failure);
      const plainer = to(queued, `${happening.failure.text}; trying once more in the plainest form`);
      return { ...plainer, life: { ...plainer.life, plainest: true } };
    }
    case 'unclear':
      expect(state, 'intended');
      return to(
        {
          kind: 'unknown',
          platformTimeMs: state.platformTimeMs,
          endedAtMs: happening.endedAtMs,
          absent: null,
          mayResend: false,
        },
        `${happening.failure.text}: whether a run was made is not known, so the platform's list is asked`,
      );
    case 'found':
      expect(state, 'unknown');
      return to(
        { kind: 'tracked', runId: happening.runId, notFoundSinceMs: null, polls: 0 },
        `found on the platform as ${happening.runId}`,
      );
    case 'absent':
      expect(state, 'unknown');
      return afterAbsence(life, state, happening, nowMs, policy, to, park);
    case 'notFinal': {
      expect(state, 'tracked');
      const waitMs = Math.min(policy.pollMsMax, policy.pollMsMin * 2 ** Math.min(20, state.polls));
      return {
        life: { ...life, state: { ...state, notFoundSinceMs: null, polls: state.polls + 1 }, tries: 0 },
        dueAtMs: nowMs + Math.floor(waitMs * (0.75 + random / 4)),
        note: null,
      };
    }
    case 'notFound': {
      expect(state, 'tracked');
      const sinceMs = state.notFoundSinceMs ?? nowMs;
      const next = { ...state, notFoundSinceMs: sinceMs };
      if (nowMs - sinceMs >= policy.absentAfterMs) return park(next, happening.failure);
      return again({ ...happening.failure, reach: 'app' }, next);
    }
    case 'final':
      expect(state, 'tracked');
      return to(
        { kind: 'final', runId: state.runId, status: happening.status },
        `the platform says ${happening.status}`,
      );
    case 'written':
      expect(state, 'final');
      return to({ kind: 'recorded', runId: state.runId }, `the result is in ${happening.path}`, null);
    case 'failed':
      expect(state, 'queued', 'uploaded', 'unknown', 'tracked', 'final');
      // An unknown run is never parked by a list that fails: looking costs nothing, and parking would answer nothing.
      if (state.kind === 'unknown') return again({ ...happening.failure, reach: 'platform' });
      return again(happening.failure);
    case 'logOrMetaChanged':
    case 'newerContent':
    case 'vanished':
    case 'returned':
      return followFolder(life, happening.kind, to, nowMs);
    case 'resultLost':
      if (state.kind !== 'recorded') return { life, dueAtMs: isLive(state) ? nowMs : null, note: null };
      return to(
        { kind: 'final', runId: state.runId, status: 'recorded before' },
        'its result was not in its folder any more: writing it back again',
      );
    case 'distrusted':
      return distrusted(life, nowMs);
    case 'crashedAlone':
      if (!isLive(state)) return { life, dueAtMs: null, note: null };
      return park(state, {
        class: 'crash',
        text: 'the daemon died several times while this run alone was in hand',
        hint: 'Look at the journal for the last error before each start; retry it when the cause is gone.',
        reach: 'run',
      });
    case 'retry':
      if (state.kind !== 'parked' && state.kind !== 'skipped')
        return { life, dueAtMs: isLive(state) ? nowMs : null, note: 'a person asked for it again' };
      return to(revived(state), 'a person said: retry');
    case 'skip': {
      const from = state.kind === 'parked' ? state.from : state;
      if (!isLive(from)) return { life, dueAtMs: null, note: null };
      return to({ kind: 'skipped', from }, 'a person said: skip', null);
    }
  }
}

/** An unknown run is looked for at waits that double within these, in ms: each is a whole listing. */
const lookMsMin = 2_000;
const lookMsMax = 10 * 60_000;

type To = (next: RunState, note: string, dueAtMs?: number | null) => Conclusion;

/**
 * The one place where a duplicate could be born. Two complete listings without the fingerprint, both begun after the
 * request's end, the second at least `absentAfterMs` after the first and still showing what that one had seen.
 */
function afterAbsence(
  life: RunLife,
  state: Extract<RunState, { kind: 'unknown' }>,
  seen: Extract<Happening, { kind: 'absent' }>,
  nowMs: number,
  policy: LifecyclePolicy,
  to: To,
  park: (from: LiveState, failure: Failure) => Conclusion,
): Conclusion {
  // A list that lags shows the run a moment later: looked at again soon, then less and less often.
  const soonMs = Math.min(lookMsMax, Math.max(lookMsMin, nowMs - state.endedAtMs));
  const wait = (absent: typeof state.absent, untilMs: number): Conclusion => ({
    life: { ...life, state: { ...state, absent } },
    dueAtMs: Math.max(nowMs + policy.pollMsMin, Math.min(untilMs, nowMs + soonMs)),
    note: absent === null ? null : 'not in the platform’s list so far',
  });
  if (seen.startedAtMs < state.endedAtMs) return wait(state.absent, nowMs);
  if (seen.proof.fingerprintsShow && !seen.proof.showsOurs) {
    return wait(state.absent, nowMs + policy.absentAfterMs / 4);
  }
  if (state.absent === null) {
    const first = { listing: seen.listing, startedAtMs: seen.startedAtMs };
    return wait(first, seen.startedAtMs + policy.absentAfterMs);
  }
  // Counted from the first listing: only then was the platform known to be reachable again.
  const lookAgainAtMs = state.absent.startedAtMs + policy.absentAfterMs;
  if (seen.startedAtMs < lookAgainAtMs) return wait(state.absent, lookAgainAtMs);
  // A run that the first listing showed is missing now: pages shifted, so this listing starts the count afresh.
  if (!seen.proof.keepsEarlier) {
    const first = { listing: seen.listing, startedAtMs: seen.startedAtMs };
    return wait(first, seen.startedAtMs + policy.absentAfterMs);
  }
  const queued = { kind: 'queued', uploads: [] } as const;
  if (seen.proof.content === 'gone')
    return to({ kind: 'gone', from: queued }, 'surely absent, and its folder is gone', null);
  if (seen.proof.content === 'newer') {
    return to(
      { kind: 'superseded', from: queued },
      'surely absent, and its folder holds newer content',
      null,
    );
  }
  if (state.mayResend) return to(queued, 'surely absent: sending again, as a person said');
  if (seen.proof.twin !== null) {
    return park(
      { ...state, mayResend: true },
      {
        class: 'moved-while-lost',
        text: `run ${seen.proof.twin} on the platform has this very content under another fingerprint: was the folder moved while the outbox was lost?`,
        hint: 'If that run is this folder’s, `runtrackd skip` it; if it is another folder’s, `runtrackd retry` looks once more and sends it.',
        reach: 'run',
      },
    );
  }
  if (policy.then === 'park' || !seen.proof.fingerprintsShow) {
    return park(
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
  return to(queued, 'surely absent from the platform: sending again');
}

/** A run before its intent follows its folder; from the intent on, the folder's changes are only told. */
function followFolder(
  life: RunLife,
  change: 'logOrMetaChanged' | 'newerContent' | 'vanished' | 'returned',
  to: To,
  nowMs: number,
): Conclusion {
  const { state } = life;
  const held = state.kind === 'parked' ? state.from : state;
  const queued = { kind: 'queued', uploads: [] } as const;
  switch (held.kind) {
    case 'queued':
    case 'uploaded':
      switch (change) {
        case 'logOrMetaChanged':
          return to(queued, 'its log or meta.json changed before it was sent: uploading again');
        case 'newerContent':
          return to({ kind: 'superseded', from: queued }, 'newer content came before it was sent', null);
        case 'vanished':
          return to({ kind: 'gone', from: queued }, 'its folder vanished before it was sent', null);
        case 'returned':
          // Parked stays parked: the same content complete again is no answer to why it was parked.
          if (state.kind === 'parked') return { life, dueAtMs: null, note: null };
          return { life, dueAtMs: nowMs, note: null };
      }
      break;
    case 'superseded':
    case 'gone':
      if (change !== 'returned' && change !== 'logOrMetaChanged') return { life, dueAtMs: null, note: null };
      return to(revivedFrom(life, nowMs), 'its content is complete at its path again');
    case 'intended':
    case 'unknown':
    case 'tracked':
    case 'final':
    case 'recorded':
    case 'skipped':
      break;
  }
  return { life, dueAtMs: isLive(state) ? nowMs : null, note: null };
}

/**
 * A row of an outbox that was lost, restored or rolled back may be behind the truth: its run may have been sent since.
 * So whatever says "not sent" becomes "not known", and passes the whole of "surely absent".
 */
function distrusted(life: RunLife, nowMs: number): Conclusion {
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
export function bornUnknown(nowMs: number): Extract<RunState, { kind: 'unknown' }> {
  return { kind: 'unknown', platformTimeMs: 0, endedAtMs: nowMs, absent: null, mayResend: false };
}

function revivedFrom(life: RunLife, nowMs: number): LiveState {
  if (!life.everUnknown) return { kind: 'queued', uploads: [] };
  return { kind: 'unknown', platformTimeMs: nowMs, endedAtMs: nowMs, absent: null, mayResend: false };
}

/** `retry` goes back to the state the run was parked from; whoever was unknown looks again from the start. */
function revived(state: Extract<RunState, { kind: 'parked' | 'skipped' }>): LiveState {
  const { from } = state;
  if (from.kind === 'unknown') return { ...from, absent: null };
  // Ids that were noted before are likely dead by the time a person has answered.
  if (!mayHaveBeenMade(from)) return { kind: 'queued', uploads: [] };
  return from;
}

/** What a new owner of the outbox makes of a run that an earlier process left behind. */
export function takenOver(life: RunLife, nowMs: number): RunLife {
  if (life.state.kind !== 'intended') return life;
  const { platformTimeMs } = life.state;
  return {
    ...life,
    tries: 0,
    everUnknown: true,
    // The old request may still sit in a socket buffer: absence is counted from this process's start.
    state: { kind: 'unknown', platformTimeMs, endedAtMs: nowMs, absent: null, mayResend: false },
  };
}

function expect<K extends RunState['kind']>(
  state: RunState,
  ...kinds: K[]
): asserts state is Extract<RunState, { kind: K }> {
  if (!(kinds as string[]).includes(state.kind)) {
    throw new Error(`a run that is ${state.kind} cannot do what only ${kinds.join(' or ')} can`);
  }
}
