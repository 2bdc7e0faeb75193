/**
 * Asking again. A request whose repetition is harmless (every GET, asking for an upload URL, putting bytes) is repeated
 * when the network or the platform had trouble; a refusal is final at once. `POST /runs` does not come this way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import type { Clock } from '../system/clock.ts';

export interface RetryPolicy {
  /** Sends in all, the first one included. */
  readonly triesMax: number;
  /** No new try begins later than this after the first one began. */
  readonly durationMsMax: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

export const defaultRetry: RetryPolicy = {
  triesMax: 10,
  // About as long as the official SDK keeps trying.
  durationMsMax: 5 * 60_000,
  delayMsMin: 500,
  delayMsMax: 30_000,
};

/** A key that is refused, an app that is not there or a bad request stays so, however often it is asked. */
const worthAnotherTry = new Set([
  'unreachable',
  'platform-trouble',
  'rate-limited',
  'storage-trouble',
  'storage-unreachable',
  'unreadable-answer',
]);

/** @throws what the last try threw, or the signal's reason */
export async function retrying<T>(
  work: () => Promise<T>,
  policy: RetryPolicy,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  const beganMs = clock.monotonicMs();
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RuntrackdError) || !isWorthAnotherTry(error.failure)) throw error;
      const waitMs = backoffMs(tries, policy, clock.random(), error.failure.retryAfterMs);
      const isOver = clock.monotonicMs() + waitMs - beganMs > policy.durationMsMax;
      if (tries >= policy.triesMax || isOver) throw error;
      await sleep(waitMs, undefined, { signal });
    }
  }
}

export function isWorthAnotherTry(failure: Failure): boolean {
  return worthAnotherTry.has(failure.class);
}
