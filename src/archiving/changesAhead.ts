/**
 * Change times that lie ahead of the clock: the machine's clock was ahead, or that of a file server is. When such a change
 * was made nobody can tell, so it counts as made when it was first seen. Until the clock gets there may take years.
 */
import type { Clock } from '../system/clock.ts';

/** Each takes some hundred bytes. Those that there is no room for have their turn when these are archived. */
const seenMax = 100_000;

interface Seen {
  readonly changeMs: number;
  /** On the clock that nobody sets. */
  readonly sinceMs: number;
}

export class ChangesAhead {
  readonly #clock: Clock;
  readonly #seen = new Map<number, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param run whose folder was looked at
   * @param changeMs when that last changed, as its file system says
   * @returns for how long nothing has changed in it, in ms
   */
  restedMs(run: number, changeMs: number): number {
    const agoMs = this.#clock.nowMs() - changeMs;
    if (agoMs >= 0) {
      this.forget(run);
      return agoMs;
    }
    const steadyMs = this.#clock.monotonicMs();
    const seen = this.#seen.get(run);
    if (seen?.changeMs === changeMs) return steadyMs - seen.sinceMs;
    if (seen !== undefined || this.#seen.size < seenMax) this.#seen.set(run, { changeMs, sinceMs: steadyMs });
    return 0;
  }

  /** It is not there any more. */
  forget(run: number): void {
    this.#seen.delete(run);
  }
}
