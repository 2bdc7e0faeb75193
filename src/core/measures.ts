/**
 * What is counted while the work is done. Whoever does the work says what happened, and knows nothing of who counts, or of
 * the names under which it is shown.
 */
import type { RunState } from './run.ts';

/** What is asked of the platform and its storage. */
export const requestClasses = ['upload', 'put', 'create', 'result', 'list', 'probe', 'download'] as const;
export type RequestClass = (typeof requestClasses)[number];

/** A run whose new state is on disk. */
export interface Concluded {
  readonly from: RunState['kind'];
  readonly to: RunState;
  readonly app: string;
  /** Since its folder was complete, in ms. */
  readonly sinceCompleteMs: number;
}

export interface Measures {
  /** @param status of the answer; null: none came */
  requestEnded(what: RequestClass, status: number | null): void;
  bytesSent(bytes: number): void;
  bytesReceived(bytes: number): void;
  /** A step did not succeed: it is tried again, or the run is set aside. @param state that the run was in */
  stepFailed(state: RunState['kind']): void;
  concluded(run: Concluded): void;
}

/** For whoever does the work without anybody who looks. */
export const noMeasures: Measures = {
  requestEnded: () => undefined,
  bytesSent: () => undefined,
  bytesReceived: () => undefined,
  stepFailed: () => undefined,
  concluded: () => undefined,
};
