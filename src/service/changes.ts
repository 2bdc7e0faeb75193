/** Tells whoever waits that some run has changed. */
export class Changes {
  count = 0;
  hasEnded = false;
  readonly #waiting = new Set<() => void>();

  tell(): void {
    this.count += 1;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  /** Nothing changes any more: whoever waits goes on, and nobody waits again. */
  end(): void {
    this.hasEnded = true;
    this.tell();
  }

  /**
   * @param seen the count before the caller looked: a later change ends the wait at once
   * @param msMax ms to wait at most
   */
  async next(seen: number, msMax: number): Promise<void> {
    if (this.count !== seen || this.hasEnded) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, msMax);
      this.#waiting.add(go);
    });
  }
}
