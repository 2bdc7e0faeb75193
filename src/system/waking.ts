/** A loop's bell: it sleeps until somebody rings or its time is up, and a ring before it lies down counts too. */
export class Waking {
  count = 0;
  #ring: (() => void) | null = null;

  wake(): void {
    this.count += 1;
    this.#ring?.();
  }

  /**
   * @param seen the count that the caller read before it looked for work: a later ring ends the wait at once
   * @param msMax ms to sleep at most
   */
  async wait(seen: number, msMax: number): Promise<void> {
    if (this.count !== seen) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, msMax);
      this.#ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#ring = null;
  }
}
