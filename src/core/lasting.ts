/** What is still on its road long after anybody expects it to be: it asks for a person, and goes on all the same. */
import type { Reason } from './failure.ts';
import type { StateKind } from './run.ts';

/** The states that can last, and from when on they ask for a person, in ms. */
export const lastsTooLongMs = {
  // A list that lags for hours is none that anybody has seen.
  unknown: 24 * 3_600_000,
  // An external run is final when it is made.
  tracked: 3_600_000,
  // Its answer is there: to fetch what belongs to it, and to write it down, takes moments.
  final: 3_600_000,
} as const satisfies Partial<Record<StateKind, number>>;
/** Requests in a row whose answers did not tell whether a run was made ask for a person after this, in ms. */
export const unclearTooLongMs = 24 * 3_600_000;

export const lastingKinds = Object.keys(lastsTooLongMs) as readonly (keyof typeof lastsTooLongMs)[];

/**
 * @param sinceMs when it came into this state, wall clock
 * @param unclearSinceMs of the first of the requests in a row whose answers said nothing; null: there is none
 * @returns why it asks for a person and what he can do, null when it does not
 */
export function askOfLasting(
  state: { readonly kind: StateKind },
  sinceMs: number,
  unclearSinceMs: number | null,
  nowMs: number,
): { readonly reason: Reason; readonly hint: string } | null {
  switch (state.kind) {
    case 'unknown':
      if (nowMs - sinceMs < lastsTooLongMs.unknown) return askOfUnclear(unclearSinceMs, nowMs);
      return {
        reason: {
          class: 'unknown-for-long',
          text: 'for a day the platform’s list could not tell whether the run was made',
        },
        hint: 'It is looked for all the same. `runtrackd show` says what came of it so far; look for the run in the console. If its app is gone for good, say, `runtrackd skip` leaves it.',
      };
    case 'tracked':
      if (nowMs - sinceMs < lastsTooLongMs.tracked) return null;
      return {
        reason: {
          class: 'not-final',
          text: 'the platform has the run, and has not said for an hour that it is final',
        },
        hint: 'It is asked for all the same, ever more slowly. Look at the run in the console.',
      };
    case 'final':
      if (nowMs - sinceMs < lastsTooLongMs.final) return null;
      return {
        reason: {
          class: 'not-written-back',
          text: 'the platform has the result, and for an hour it could not be fetched and written back',
        },
        hint: 'It is tried all the same, ever more slowly. `runtrackd show` says what keeps it.',
      };
    case 'queued':
    case 'uploaded':
    case 'intended':
      return askOfUnclear(unclearSinceMs, nowMs);
    case 'recorded':
    case 'parked':
    case 'skipped':
    case 'superseded':
    case 'gone':
      return null;
  }
}

/** Each was surely not carried out, and the next one is sent; but nobody would hear of it. */
function askOfUnclear(sinceMs: number | null, nowMs: number): ReturnType<typeof askOfLasting> {
  if (sinceMs === null || nowMs - sinceMs < unclearTooLongMs) return null;
  return {
    reason: {
      class: 'unclear-for-long',
      text: 'for a day every request to make the run was answered with an error, and the platform’s list shows that none was made',
    },
    hint: 'It is sent again all the same. `runtrackd show` says what was answered; give that to whoever runs the platform. `runtrackd skip` leaves it.',
  };
}
