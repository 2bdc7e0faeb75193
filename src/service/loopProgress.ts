/**
 * When each loop last got something done. A loop that hangs throws nothing and logs nothing; that it has not moved is the
 * only thing that shows. Measured by the clock that nobody sets and that stands still while the machine is suspended.
 */
import type { Clock } from '../system/clock.ts';

/** Longer than any single wait of a loop that is well: a request's patience is one minute, a storage's grows with its bytes, which count. */
const stalledAfterMs = 5 * 60_000;

export interface LoopView {
  readonly name: string;
  /** Wall clock in ms. */
  readonly lastMs: number;
  /** How long ago that was, in ms. */
  readonly agoMs: number;
  readonly isStalled: boolean;
}

interface Beat {
  readonly stalledAfterMs: number;
  wallMs: number;
  monotonicMs: number;
}

export class LoopProgress {
  readonly #clock: Clock;
  readonly #loops = new Map<string, Beat>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param waitMsMax how long this loop may rest between two rounds, in ms
   * @returns to be called whenever the loop got something done, or found that there was nothing to do
   */
  loop(name: string, waitMsMax = 0): () => void {
    const beat = { stalledAfterMs: stalledAfterMs + 2 * waitMsMax, wallMs: 0, monotonicMs: 0 };
    const note = (): void => {
      beat.wallMs = this.#clock.nowMs();
      beat.monotonicMs = this.#clock.monotonicMs();
    };
    note();
    this.#loops.set(name, beat);
    return note;
  }

  /** It has ended, as it should. */
  forget(name: string): void {
    this.#loops.delete(name);
  }

  all(): LoopView[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#loops].map(([name, { wallMs, monotonicMs, stalledAfterMs: most }]) => ({
      name,
      lastMs: wallMs,
      agoMs: nowMs - monotonicMs,
      isStalled: nowMs - monotonicMs > most,
    }));
  }
}
