/** What is still on its road long after anybody expects it to be: it asks for a person, and goes on all the same. */
import type { Reason } from './failure.ts';
import type { StateKind } from './run.ts';

/** The states that can last, and from when on they ask for a person, in ms. */
export const lastsTooLongMs = {
  // A list that lags for hours is none that anybody has seen.
  unknown: 24 * 3_600_000,
  // An external run is final when it is made.
  tracked: 3_600_000,
} as const satisfies Partial<Record<StateKind, number>>;
export const lastingKinds = Object.keys(lastsTooLongMs) as readonly (keyof typeof lastsTooLongMs)[];

/** @returns why it asks for a person and what he can do, null when it does not */
export function askOfLasting(
  state: { readonly kind: StateKind },
  sinceMs: number,
  nowMs: number,
): { readonly reason: Reason; readonly hint: string } | null {
  switch (state.kind) {
    case 'unknown':
      if (nowMs - sinceMs < lastsTooLongMs.unknown) return null;
      return {
        reason: {
          class: 'unknown-for-long',
          text: 'for a day the platform’s list could not tell whether the run was made',
        },
        hint: 'It is looked for all the same. `runtrackd show` says what came of it so far; look for the run in the console.',
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
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'final':
    case 'recorded':
    case 'parked':
    case 'skipped':
    case 'superseded':
    case 'gone':
      return null;
  }
}
