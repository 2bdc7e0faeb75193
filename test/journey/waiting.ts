/** Waiting for a condition, never for a time: a slow machine makes a test slow, not wrong. */
import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMs = 20;
/** Longer than anything here takes on a busy machine; a condition that is not met by then is a failure. */
const waitMsMax = 90_000;

export type Truth<T> = Exclude<T, null | undefined | false | '' | 0>;

/**
 * Looks until there is something to see.
 * @param what the condition in words, for whoever reads the failure
 * @returns the first thing seen that is not false, null or undefined
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  msMax = waitMsMax,
): Promise<Truth<T>> {
  const giveUpMs = performance.now() + msMax;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen as Truth<T>;
    if (performance.now() >= giveUpMs) throw new Error(`waited ${msMax} ms in vain: ${what}`);
    await sleep(lookEveryMs);
  }
}
