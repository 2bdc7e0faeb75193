/** One status for all who look at it: however many they are, the outbox is asked once in a while and never twice at once. */
import type { Clock } from '../system/clock.ts';
import type { StatusView } from './operations.ts';

/** Nobody sees the difference, and a stranger who asks all the time costs nothing more than one who asks once. */
const freshMs = 1_000;

export class SharedStatus {
  readonly #ask: () => Promise<StatusView>;
  readonly #clock: Clock;
  #askedMs = -Infinity;
  #isAsked = false;
  #status: Promise<StatusView> | null = null;

  constructor(ask: () => Promise<StatusView>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  async get(): Promise<StatusView> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#status === null || (!this.#isAsked && nowMs - this.#askedMs >= freshMs)) {
      this.#askedMs = nowMs;
      this.#status = this.#asked();
    }
    return await this.#status;
  }

  async #asked(): Promise<StatusView> {
    this.#isAsked = true;
    try {
      return await this.#ask();
    } catch (error) {
      this.#status = null;
      throw error;
    } finally {
      this.#isAsked = false;
    }
  }
}
