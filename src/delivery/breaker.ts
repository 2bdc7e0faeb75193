/**
 * Something that fails by itself: who needs it waits then, and everybody else goes on. There are two. Without the
 * platform's storage nothing is uploaded; without the place for them in the state directory, results wait whose folders do
 * not take them. There is nothing harmless to ask of either, so the end of it is found by one run at a time that tries.
 *
 * One upload that fails says nothing of storage: a proxy may refuse this one file for ever. Only failures in a row, with
 * nothing that landed in between, do; and a run that fails again and again waits longer each time, so that it is not
 * always the one that tries.
 */
import { backoffMs, type BackoffPolicy } from '../core/backoff.ts';
import type { Failure } from '../core/failure.ts';
import type { Pause } from './gate.ts';

/** Runs whose failures are remembered; they are that many only where hundreds fail each in its own way. */
const runsMax = 1_000;

export class Breaker {
  readonly #policy: BackoffPolicy;
  readonly #failuresInARow: number;
  readonly #ofRun = new Map<number, number>();
  /** Of these, the ones that come back whether or not there is a pause. */
  readonly #unheld = new Set<number>();
  #inARow = 0;
  #pauses = 0;
  #pause: Pause | null = null;
  /** The run that tries whether the pause is over. */
  #trying: number | null = null;

  /** @param failuresInARow begin a pause */
  constructor(policy: BackoffPolicy, failuresInARow: number) {
    this.#policy = policy;
    this.#failuresInARow = failuresInARow;
  }

  /**
   * @param isHeld the run waits while there is a pause, until it is its turn to try
   * @returns whether a pause begins with it, and how long this run is to wait at least, in ms
   */
  failed(
    run: number,
    failure: Failure,
    nowMs: number,
    random: number,
    isHeld = true,
  ): { readonly isNewPause: boolean; readonly waitMs: number } {
    const ofRun = (this.#ofRun.get(run) ?? 0) + 1;
    this.#remember(run, ofRun);
    if (isHeld) this.#unheld.delete(run);
    else this.#unheld.add(run);
    // One that comes back whether or not there is a pause says no more by coming back.
    if (isHeld || ofRun === 1) this.#inARow += 1;
    const waitMs = backoffMs(ofRun, this.#policy, random, failure.retryAfterMs);
    const earlier = this.#pause;
    const isTrying = this.#trying === run;
    // What was under way when the pause began fails with it, and does not make it longer.
    if (this.#inARow < this.#failuresInARow || (earlier !== null && !isTrying))
      return { isNewPause: false, waitMs };
    this.#pauses += 1;
    this.#trying = null;
    const untilMs = nowMs + backoffMs(this.#pauses, this.#policy, random, failure.retryAfterMs);
    this.#pause = { failure, sinceMs: earlier?.sinceMs ?? nowMs, untilMs };
    return { isNewPause: earlier === null, waitMs };
  }

  /** It worked for this run. @returns whether a pause ended by it */
  worked(run: number): boolean {
    this.#drop(run);
    const isEnd = this.#pause !== null;
    this.end();
    return isEnd;
  }

  /** From now on it counts as well: it works, or nobody is left who could find out. */
  end(): void {
    this.#inARow = 0;
    this.#pauses = 0;
    this.#pause = null;
    this.#trying = null;
  }

  /** The run is not in hand any more; one that tried and neither failed nor worked leaves the place to the next. */
  leftHand(run: number): void {
    if (this.#trying === run) this.#trying = null;
  }

  pause(): Pause | null {
    return this.#pause;
  }

  /** The run needs it no more, whatever became of it. Without one that may try again nobody would end the pause. */
  forget(run: number): void {
    if (this.#drop(run) && this.#ofRun.size === 0) this.end();
  }

  hasFailed(run: number): boolean {
    return this.#ofRun.has(run);
  }

  /** How long a run that may not try now is to wait, in ms. */
  waitMs(run: number, nowMs: number, random: number): number {
    const pauseMs = Math.ceil(Math.max(0, (this.#pause?.untilMs ?? 0) - nowMs));
    return backoffMs(this.#ofRun.get(run) ?? 1, this.#policy, random, pauseMs);
  }

  /** How many runs may try it: all, none, or one. */
  room(nowMs: number): number {
    if (this.#pause === null) return Infinity;
    return this.#pause.untilMs <= nowMs && this.#trying === null ? 1 : 0;
  }

  /** Its time is up, and nobody tries it: unless there is one that was held, it has no end. */
  isUntried(nowMs: number): boolean {
    return this.#pause !== null && this.room(nowMs) > 0 && this.#unheld.size === 0;
  }

  /** A run tries it. */
  began(run: number): void {
    if (this.#pause !== null) this.#trying ??= run;
  }

  #remember(run: number, failures: number): void {
    this.#ofRun.delete(run);
    this.#ofRun.set(run, failures);
    const [oldest] = this.#ofRun.keys();
    if (this.#ofRun.size > runsMax && oldest !== undefined) this.#drop(oldest);
  }

  #drop(run: number): boolean {
    this.#unheld.delete(run);
    return this.#ofRun.delete(run);
  }
}
