/**
 * The loops of the daemon side by side, some of which come and go while it runs: the first that ends by itself stops the
 * others, all are awaited, none fails in silence.
 */
import { OutboxUnusable } from '../outbox/outbox.ts';
import type { Log } from '../system/log.ts';

export type Loop = (stop: AbortSignal) => Promise<void>;
export type Loops = Readonly<Record<string, Loop>>;

export class RunningLoops {
  readonly #log: Log;
  readonly #ending = new AbortController();
  readonly #stop: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  /** @param stop ends all of them */
  constructor(stop: AbortSignal, log: Log) {
    this.#log = log;
    this.#stop = AbortSignal.any([stop, this.#ending.signal]);
  }

  /** @returns ends this loop alone, and waits until it has ended */
  begin(name: string, loop: Loop): () => Promise<void> {
    const own = new AbortController();
    const running = this.#watched(name, loop, AbortSignal.any([this.#stop, own.signal]));
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return async () => {
      own.abort();
      await running;
    };
  }

  beginAll(loops: Loops): void {
    for (const [name, loop] of Object.entries(loops)) this.begin(name, loop);
  }

  /** Waits until all have ended, those too that begin meanwhile. @throws what the first failing loop threw */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #watched(name: string, loop: Loop, stop: AbortSignal): Promise<void> {
    try {
      await loop(stop);
      if (!stop.aborted) throw new Error(`the loop "${name}" ended by itself`);
    } catch (error) {
      // An outbox that cannot be used is no bug, and was said when it was found.
      if (!(error instanceof OutboxUnusable)) {
        this.#log.fatal(
          { err: error, loop: name },
          `the loop "${name}" failed: this is a bug, and the daemon stops`,
        );
      }
      this.#failures.push(error);
      this.#ending.abort();
    }
  }
}
