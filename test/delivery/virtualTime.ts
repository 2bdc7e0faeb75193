/** Hours in no time, for what works with nothing but a clock and timers. */

/** A clock that goes from one timer to the next as soon as nothing else is left to be done. */
export class VirtualTime {
  nowMs = 0;
  readonly #timers = new Map<object, { readonly atMs: number; readonly then: () => void }>();

  readonly setTimeout = (then: () => void, ms: number): object => {
    const timer = {};
    this.#timers.set(timer, { atMs: this.nowMs + ms, then });
    return timer;
  };

  readonly clearTimeout = (timer: object): void => void this.#timers.delete(timer);

  async reach(ms: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      let next = { timer: {}, atMs: ms, then: (): void => undefined };
      for (const [timer, { atMs, then }] of this.#timers) if (atMs < next.atMs) next = { timer, atMs, then };
      this.nowMs = next.atMs;
      if (!this.#timers.delete(next.timer)) return;
      next.then();
    }
  }
}
