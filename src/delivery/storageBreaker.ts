/**
 * Storage fails by itself: uploads wait then, and everything that needs none of it goes on. There is nothing harmless to
 * ask storage for, so the end of it is found by one run at a time that tries.
 *
 * One upload that fails says nothing of storage: a proxy may refuse this one file for ever. Only failures in a row, with
 * nothing that landed in between, do; and a run that fails again and again waits longer each time, so that it is not
 * always the one that tries.
 */
import { backoffMs, type BackoffPolicy } from '../core/backoff.ts';
import type { Failure } from '../core/failure.ts';
import type { Pause } from './gate.ts';

/** Fewer may be chance, or one file that cannot be sent. */
const failuresInARow = 3;
/** Runs whose failures are remembered; they are that many only where hundreds fail each in its own way. */
const runsMax = 1_000;

export class StorageBreaker {
  readonly #policy: BackoffPolicy;
  readonly #ofRun = new Map<number, number>();
  #inARow = 0;
  #pauses = 0;
  #pause: Pause | null = null;
  /** The run that tries whether the pause is over. */
  #trying: number | null = null;

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  /** @returns whether uploads pause from now on, and how long this run is to wait at least, in ms */
  failed(
    run: number,
    failure: Failure,
    nowMs: number,
    random: number,
  ): { readonly isNewPause: boolean; readonly waitMs: number } {
    const ofRun = (this.#ofRun.get(run) ?? 0) + 1;
    this.#remember(run, ofRun);
    this.#inARow += 1;
    const waitMs = backoffMs(ofRun, this.#policy, random, failure.retryAfterMs);
    const earlier = this.#pause;
    const isTrying = this.#trying === run;
    // What was under way when the pause began fails with it, and does not make it longer.
    if (this.#inARow < failuresInARow || (earlier !== null && !isTrying))
      return { isNewPause: false, waitMs };
    this.#pauses += 1;
    this.#trying = null;
    const untilMs = nowMs + backoffMs(this.#pauses, this.#policy, random, failure.retryAfterMs);
    this.#pause = { failure, sinceMs: earlier?.sinceMs ?? nowMs, untilMs };
    return { isNewPause: earlier === null, waitMs };
  }

  /** Everything of this run landed. @returns whether a pause ended by it */
  worked(run: number): boolean {
    this.#ofRun.delete(run);
    const isEnd = this.#pause !== null;
    this.#inARow = 0;
    this.#pauses = 0;
    this.#pause = null;
    this.#trying = null;
    return isEnd;
  }

  /** The run is not in hand any more; one that tried and neither failed nor worked leaves the place to the next. */
  leftHand(run: number): void {
    if (this.#trying === run) this.#trying = null;
  }

  pause(): Pause | null {
    return this.#pause;
  }

  /** How many runs may begin to upload: all, none, or the one that tries. */
  room(nowMs: number): number {
    if (this.#pause === null) return Infinity;
    return this.#pause.untilMs <= nowMs && this.#trying === null ? 1 : 0;
  }

  /** A run begins to upload. */
  began(run: number): void {
    if (this.#pause !== null) this.#trying ??= run;
  }

  #remember(run: number, failures: number): void {
    this.#ofRun.delete(run);
    this.#ofRun.set(run, failures);
    const [oldest] = this.#ofRun.keys();
    if (this.#ofRun.size > runsMax && oldest !== undefined) this.#ofRun.delete(oldest);
  }
}
