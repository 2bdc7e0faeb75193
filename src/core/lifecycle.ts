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
 *   intended   no byte sent, slot too old     uploaded
 *              no byte sent, ids too old      queued, without ids
 *              an id came back                tracked
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
import { afterAbsence, lookAgainMs } from './absence.ts';
import { backoffMs } from './backoff.ts';
import { distrusted, revived, revivedFrom, settledLife, unclearLife } from './doubt.ts';
import { rateLimited, type Failure } from './failure.ts';
import { park, to, type Conclusion, type Happening, type RunLife } from './happening.ts';
import { rootNotConfigured } from './missingRoot.ts';
import { movedOrCopied } from './movedOrCopied.ts';
import type { LifecyclePolicy } from './policy.ts';
import { isLive, type RunState } from './run.ts';
import { runIdTaken } from './runIdTaken.ts';
import { sentByOtherHost } from './sentByOtherHost.ts';
import { passedSince } from './steadyMoment.ts';

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
  const again = (failure: Failure, next: RunState = state): Conclusion => {
    // What concerns everybody is at nobody's expense: no tries are spent, nothing is parked.
    const tries = failure.reach === 'run' ? life.tries + 1 : life.tries;
    if (failure.reach === 'run' && tries >= policy.runTriesMax && isLive(next))
      return park(life, next, failure);
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
      if (happening.failure === null)
        return to(life, { kind: 'uploaded', uploads }, 'every artefact is uploaded', nowMs);
      // Some landed before one failed: they are noted, and only the rest is tried again.
      return again(happening.failure, { kind: 'queued', uploads });
    }
    case 'uploadsTooOld':
      // From an intent only where its request has surely not begun.
      expect(state, 'uploaded', 'intended');
      return to(
        life,
        // Those that are young still are not made anew: a large one would let the others age once more.
        { kind: 'queued', uploads: state.uploads },
        'the upload ids had become too old to be used: uploading again',
        nowMs,
      );
    case 'sourceChanged':
      expect(state, 'queued', 'uploaded');
      return to(life, { kind: 'queued', uploads: [] }, happening.failure.text, null);
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
    case 'slotTooOld':
      expect(state, 'intended');
      return to(
        life,
        { kind: 'uploaded', uploads: state.uploads },
        'the outbox took long to write the intent down: nothing was sent, and it waits for its turn once more',
        nowMs,
      );
    case 'made':
      expect(state, 'intended');
      return to(settledLife(life), trackedAs(happening.runId), `tracked as ${happening.runId}`, nowMs);
    case 'nothingMade':
      expect(state, 'intended');
      return again(happening.failure, { kind: 'uploaded', uploads: state.uploads });
    case 'refused': {
      expect(state, 'intended');
      const queued = { kind: 'queued', uploads: [] } as const;
      if (life.plainest) return park(life, queued, happening.failure);
      const plainer = to(
        life,
        queued,
        `${happening.failure.text}; trying once more in the plainest form`,
        nowMs,
      );
      return { ...plainer, life: { ...plainer.life, plainest: true } };
    }
    case 'unclear':
      expect(state, 'intended');
      return to(
        unclearLife(life, nowMs),
        {
          kind: 'unknown',
          platformTimeMs: state.platformTimeMs,
          endedAtMs: happening.endedAtMs,
          ...(happening.ended === undefined ? {} : { ended: happening.ended }),
          absent: null,
          mayResend: false,
        },
        `${happening.failure.text}: whether a run was made is not known, so the platform's list is asked`,
        nowMs,
      );
    case 'found':
      expect(state, 'unknown');
      // Of two the older counts, and it may stand where the list was not read: that is waited for, but not for ever.
      if (happening.isPartOfList === true && nowMs - state.endedAtMs < policy.absentAfterMs)
        return { life, dueAtMs: Math.ceil(lookAgainMs(state, nowMs)), note: null };
      return to(
        settledLife(life),
        trackedAs(happening.runId),
        `found on the platform as ${happening.runId}`,
        nowMs,
      );
    case 'foundTaken':
      expect(state, 'unknown');
      return park(life, state, runIdTaken(happening.runId));
    case 'absent':
      expect(state, 'unknown');
      return afterAbsence(life, state, happening, nowMs, policy);
    case 'notFinal': {
      expect(state, 'tracked');
      return {
        life: {
          ...life,
          state: { kind: 'tracked', runId: state.runId, notFoundSinceMs: null, polls: state.polls + 1 },
          tries: 0,
        },
        dueAtMs: nowMs + pollWaitMs(state.polls, random, policy),
        note: null,
      };
    }
    case 'notFound': {
      expect(state, 'tracked', 'final');
      const { steady } = happening;
      // Whose answer is not at hand any more is asked for like one that never came.
      const asked = state.kind === 'tracked' ? state : trackedAs(state.runId);
      // Missing since another process looked: how long that is cannot be counted, so it is counted from now.
      const lastedMs = passedSince(asked.notFound, steady);
      const notFound = lastedMs === null ? steady : (asked.notFound ?? steady);
      const polls = asked.polls + 1;
      const next = { ...asked, notFoundSinceMs: asked.notFoundSinceMs ?? nowMs, notFound, polls };
      if (lastedMs !== null && lastedMs >= policy.absentAfterMs) return park(life, next, happening.failure);
      // Ever more rarely: runs that are gone would take every request from those that are not sent yet.
      const waitMs = pollWaitMs(asked.polls, random, policy);
      const untilGoneMs = Math.max(policy.pollMsMin, policy.absentAfterMs - (lastedMs ?? 0));
      return {
        life: { ...life, state: next },
        dueAtMs: Math.ceil(nowMs + Math.min(waitMs, untilGoneMs)),
        note: asked.notFoundSinceMs === null ? happening.failure.text : null,
      };
    }
    case 'final':
      expect(state, 'tracked');
      return to(
        life,
        { kind: 'final', runId: state.runId, status: happening.status },
        `the platform says ${happening.status}`,
        nowMs,
      );
    case 'written':
      expect(state, 'final');
      return to(life, { kind: 'recorded', runId: state.runId }, `the result is in ${happening.path}`, null);
    case 'failed':
      expect(state, 'queued', 'uploaded', 'unknown', 'tracked', 'final');
      // An unknown run is never parked by a list that fails: looking costs nothing, and parking would answer nothing.
      if (state.kind === 'unknown') return again({ ...happening.failure, reach: 'platform' });
      return again(happening.failure);
    case 'logOrMetaChanged':
    case 'newerContent':
    case 'otherTarget':
    case 'vanished':
    case 'returned':
      return followFolder(life, happening, nowMs);
    case 'resultLost':
      if (state.kind !== 'recorded') return { life, dueAtMs: isLive(state) ? nowMs : null, note: null };
      return to(
        life,
        { kind: 'final', runId: state.runId, status: 'recorded before' },
        'its result was not in its folder any more: writing it back again',
        nowMs,
      );
    case 'distrusted':
      return distrusted(life, nowMs);
    case 'crashedAlone':
      if (!isLive(state)) return { life, dueAtMs: null, note: null };
      return park(life, state, {
        class: 'crash',
        text: 'the daemon died several times while this run alone was in hand',
        hint: 'Look at the journal for the last error before each start; retry it when the cause is gone.',
        reach: 'run',
      });
    case 'rootRemoved':
      // What was sent is seen through to its end; what was not waits for its drop root.
      if (state.kind !== 'queued' && state.kind !== 'uploaded')
        return { life, dueAtMs: isLive(state) ? nowMs : null, note: null };
      return park(life, { kind: 'queued', uploads: [] }, happening.failure);
    case 'rootReturned':
      if (state.kind !== 'parked' || state.reason.class !== rootNotConfigured)
        return { life, dueAtMs: isLive(state) ? nowMs : null, note: null };
      return to(life, revived(state, nowMs), 'its drop root is in the configuration again', nowMs);
    case 'retry':
      if (state.kind !== 'parked' && state.kind !== 'skipped')
        return { life, dueAtMs: isLive(state) ? nowMs : null, note: 'a person asked for it again' };
      return to(settledLife(life), revived(state, nowMs), 'a person said: retry', nowMs);
    case 'skip': {
      const from = state.kind === 'parked' ? state.from : state;
      if (!isLive(from)) return { life, dueAtMs: null, note: null };
      return to(life, { kind: 'skipped', from }, 'a person said: skip', null);
    }
  }
}

function trackedAs(runId: string): Extract<RunState, { kind: 'tracked' }> {
  return { kind: 'tracked', runId, notFoundSinceMs: null, polls: 0 };
}

/** How long until the platform is asked again for a run that it has. */
function pollWaitMs(polls: number, random: number, { pollMsMin, pollMsMax }: LifecyclePolicy): number {
  const waitMs = Math.min(pollMsMax, pollMsMin * 2 ** Math.min(20, polls));
  return Math.floor(waitMs * (0.75 + random / 4));
}

type FolderChange = Extract<
  Happening,
  { kind: 'logOrMetaChanged' | 'newerContent' | 'otherTarget' | 'vanished' | 'returned' }
>;

/** Whether its folder is to be a run of its own at all. */
const waitsForWord: ReadonlySet<string> = new Set([movedOrCopied, sentByOtherHost]);

/** A run before its intent follows its folder; from the intent on, the folder's changes are only told. */
function followFolder(life: RunLife, change: FolderChange, nowMs: number): Conclusion {
  const { state } = life;
  const held = state.kind === 'parked' ? state.from : state;
  const queued = { kind: 'queued', uploads: [] } as const;
  switch (held.kind) {
    case 'queued':
    case 'uploaded':
      switch (change.kind) {
        case 'logOrMetaChanged':
          // That the log grows is no answer to what a person was asked.
          if (state.kind === 'parked' && waitsForWord.has(state.reason.class))
            return { life, dueAtMs: null, note: null };
          return to(life, queued, 'its log or meta.json changed before it was sent: uploading again', nowMs);
        case 'newerContent':
          return to(
            life,
            { kind: 'superseded', from: queued },
            'newer content came before it was sent',
            null,
          );
        case 'otherTarget':
          return to(
            life,
            { kind: 'superseded', from: queued, by: 'otherTarget' },
            'its folder goes to another app or platform by now, and it was not sent yet',
            null,
          );
        case 'vanished':
          return to(life, { kind: 'gone', from: queued }, 'its folder vanished before it was sent', null);
        case 'returned':
          // Parked stays parked: the same content complete again is no answer to why it was parked.
          if (state.kind === 'parked') return { life, dueAtMs: null, note: null };
          return { life, dueAtMs: nowMs, note: null };
      }
      break;
    case 'superseded':
    case 'gone':
      if (change.kind !== 'returned' && change.kind !== 'logOrMetaChanged')
        return { life, dueAtMs: null, note: null };
      if (change.doubt != null) return park(life, revivedFrom(life, nowMs), change.doubt);
      return to(life, revivedFrom(life, nowMs), 'its content is complete at its path again', nowMs);
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

function expect<K extends RunState['kind']>(
  state: RunState,
  ...kinds: K[]
): asserts state is Extract<RunState, { kind: K }> {
  if (!(kinds as string[]).includes(state.kind)) {
    throw new Error(`a run that is ${state.kind} cannot do what only ${kinds.join(' or ')} can`);
  }
}
