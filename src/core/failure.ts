/**
 * A failure is what went wrong, said twice: a class for scripts and a sentence for a person, with what to do next.
 * Its reach says whom it concerns: a refused run concerns that run, a refused key concerns everybody.
 */

export type Reach = 'run' | 'app' | 'platform';

export interface Failure {
  /** Kebab-case, stable: scripts and dashboards hang on it. */
  readonly class: string;
  /** One sentence: what happened, to what. No secret, no signed URL. */
  readonly text: string;
  /** What a person can do about it. */
  readonly hint: string;
  readonly reach: Reach;
  /** The HTTP status that said so, if one did. */
  readonly status?: number;
  /** The server's wish for how long to wait, in ms: a floor, never shortened. */
  readonly retryAfterMs?: number;
}

/** The part of a failure that is kept with a run and shown. */
export interface Reason {
  readonly class: string;
  readonly text: string;
}

export function reasonOf(failure: Failure): Reason {
  return { class: failure.class, text: failure.text };
}

/** An error that somebody named: it concerns a run, an app or the platform, and is not a bug. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.text, options);
    this.name = 'FailureError';
    this.failure = failure;
  }
}
