/** The loops of the daemon side by side: the first that ends stops the others, all are awaited, none fails in silence. */
import { OutboxUnusable } from '../outbox/outbox.ts';
import type { Log } from '../system/log.ts';

export type Loops = Record<string, (stop: AbortSignal) => Promise<void>>;

/** @throws what the first failing loop threw, once all have ended */
export async function runTogether(loops: Loops, stop: AbortSignal, log: Log): Promise<void> {
  const ending = new AbortController();
  const signal = AbortSignal.any([stop, ending.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    Object.entries(loops).map(async ([name, loop]) => {
      try {
        await loop(signal);
        if (!signal.aborted) throw new Error(`the loop "${name}" ended by itself`);
      } catch (error) {
        // An outbox that cannot be used is no bug, and was said when it was found.
        if (!(error instanceof OutboxUnusable)) {
          log.fatal(
            { err: error, loop: name },
            `the loop "${name}" failed: this is a bug, and the daemon stops`,
          );
        }
        failures.push(error);
      } finally {
        ending.abort();
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
