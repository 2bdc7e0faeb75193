/**
 * The nouns of a run, and the states of its life.
 *
 *   queued ──uploads──▶ uploaded ──intent──▶ intended ──POST──▶ tracked ──final?──▶ final ──write──▶ recorded
 *      ▲                   │ ▲                  │                  ▲
 *      └──ids too old──────┘ └─nothing was made─┤                  │ found
 *      ▲                                        └──no answer──▶ unknown
 *      └────────────────── surely absent ──────────────────────────┘
 *
 * Beside the road: parked, skipped, superseded, gone. `rejected`, `settling` and `overdue` are said of a folder that
 * has not become a run.
 *
 * A state names a fact that is durably true, never an activity: a crash cannot make it a lie. What is under way is a
 * claim on the row, and a claim ends when it is concluded or when a new process owns the outbox.
 */
import type { SteadyMoment } from './steadyMoment.ts';
import type { Reason } from './failure.ts';

/** What is uploaded, one by one. The order is that of the uploads. */
export const roles = ['input', 'output', 'logs', 'metrics', 'statistics', 'assets'] as const;
export type Role = (typeof roles)[number];

/** One upload that landed: the platform holds these bytes under this id for a quarter of an hour. */
export interface Upload {
  readonly role: Role;
  readonly uploadId: string;
  /** Wall clock when the id was asked for, in ms. */
  readonly askedAtMs: number;
}

/** A listing of the app's runs, read to its end, that did not show the fingerprint. */
export interface AbsentListing {
  /** Its number in the outbox, under which the ids it showed are kept. */
  readonly listing: number;
  /** Wall clock when it began, in ms. */
  readonly startedAtMs: number;
  /** The same on a clock that nobody sets: how much time has passed is not told by one that may be set. */
  readonly steady?: SteadyMoment;
  /** It began so late that whatever the request did was in it, if only no page shifted: the next listing tells. */
  readonly isLate?: boolean;
}

export type RunState =
  | { readonly kind: 'queued'; readonly uploads: readonly Upload[] }
  | { readonly kind: 'uploaded'; readonly uploads: readonly Upload[] }
  | { readonly kind: 'intended'; readonly uploads: readonly Upload[]; readonly platformTimeMs: number }
  | {
      readonly kind: 'unknown';
      /** The intent's time as the platform's clock shows it, in ms. */
      readonly platformTimeMs: number;
      /** When the request ended, for whoever is told, in ms. */
      readonly endedAtMs: number;
      /** The same, to be counted from; absent: in an earlier process, or nobody knows. */
      readonly ended?: SteadyMoment;
      readonly absent: AbsentListing | null;
      /** A person may send again what was parked as surely absent, if it still is. */
      readonly mayResend: boolean;
    }
  | {
      readonly kind: 'tracked';
      readonly runId: string;
      readonly notFoundSinceMs: number | null;
      /** The same, to be counted from. */
      readonly notFound?: SteadyMoment;
      readonly polls: number;
    }
  | { readonly kind: 'final'; readonly runId: string; readonly status: string }
  | { readonly kind: 'recorded'; readonly runId: string }
  | { readonly kind: 'parked'; readonly from: LiveState; readonly reason: Reason; readonly hint: string }
  | { readonly kind: 'skipped'; readonly from: LiveState }
  | {
      readonly kind: 'superseded';
      readonly from: LiveState;
      /** Absent: newer content, or in rows of a time when that was not kept. */
      readonly by?: 'otherTarget';
    }
  | { readonly kind: 'gone'; readonly from: LiveState };

export type StateKind = RunState['kind'];

/** The states on the road. */
export type LiveState = Extract<
  RunState,
  { kind: 'queued' | 'uploaded' | 'intended' | 'unknown' | 'tracked' | 'final' }
>;

/** Everything a run or a folder can be said to be, in the order of the journey. */
export const shownStates = [
  'settling',
  'overdue',
  'rejected',
  'queued',
  'uploaded',
  'intended',
  'unknown',
  'tracked',
  'final',
  'recorded',
  'parked',
  'skipped',
  'superseded',
  'gone',
] as const;
export type ShownState = (typeof shownStates)[number];

export function isShownState(text: string): text is ShownState {
  return (shownStates as readonly string[]).includes(text);
}

/** The states that wait for a person. */
export const needsPerson: readonly ShownState[] = ['parked', 'rejected', 'overdue'];

/** What delivery does next with a run in this state. */
export type Step = 'upload' | 'send' | 'reconcile' | 'poll' | 'writeBack';

export function nextStep(state: LiveState): Step {
  switch (state.kind) {
    case 'queued':
      return 'upload';
    case 'uploaded':
      return 'send';
    // Nobody claims an intended run: the claim that wrote the intent sends, and a new owner makes it unknown.
    case 'intended':
    case 'unknown':
      return 'reconcile';
    case 'tracked':
      return 'poll';
    case 'final':
      return 'writeBack';
  }
}

export function isLive(state: RunState): state is LiveState {
  switch (state.kind) {
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'unknown':
    case 'tracked':
    case 'final':
      return true;
    case 'recorded':
    case 'parked':
    case 'skipped':
    case 'superseded':
    case 'gone':
      return false;
  }
}

/** Whether a request that could have made a run was ever sent and not settled by an answer. */
export function mayHaveBeenMade(state: LiveState): boolean {
  switch (state.kind) {
    case 'queued':
    case 'uploaded':
      return false;
    case 'intended':
    case 'unknown':
    case 'tracked':
    case 'final':
      return true;
  }
}

/** The run's id on the platform, once there is one. */
export function runIdOf(state: RunState): string | null {
  switch (state.kind) {
    case 'tracked':
    case 'final':
    case 'recorded':
      return state.runId;
    case 'parked':
    case 'skipped':
    case 'superseded':
    case 'gone':
      return runIdOf(state.from);
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'unknown':
      return null;
  }
}
