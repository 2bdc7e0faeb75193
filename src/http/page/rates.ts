/** How often may be asked: a bucket of turns that fills again by itself. */
import type { Clock } from '../../system/clock.ts';

export class Rate {
  readonly #atOnce: number;
  readonly #perSecond: number;
  readonly #clock: Clock;
  #turns: number;
  #atMs: number;

  constructor(atOnce: number, perSecond: number, clock: Clock) {
    [this.#atOnce, this.#perSecond, this.#clock] = [atOnce, perSecond, clock];
    this.#turns = atOnce;
    this.#atMs = clock.monotonicMs();
  }

  /** @returns ms to wait until there is a turn; 0: this was one */
  take(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#turns = Math.min(this.#atOnce, this.#turns + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
    if (this.#turns < 1) return Math.ceil(((1 - this.#turns) / this.#perSecond) * 1000);
    this.#turns -= 1;
    return 0;
  }
}
