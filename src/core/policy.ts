/** The numbers that a run's life goes by, each with its reason. */
import type { BackoffPolicy } from './backoff.ts';

export interface LifecyclePolicy {
  readonly backoff: BackoffPolicy;
  /** A failure that concerns this run alone parks it after so many tries. */
  readonly runTriesMax: number;
  /** Longer than upload ids live: a request that arrives even later names dead ids. */
  readonly absentAfterMs: number;
  readonly then: 'send' | 'park';
  /** Ids older than this are not sent any more. */
  readonly uploadAgeMsMax: number;
  /** A run that is not final yet is asked for again after this, growing up to `pollMsMax`. */
  readonly pollMsMin: number;
  readonly pollMsMax: number;
}

export const defaultPolicy: LifecyclePolicy = {
  backoff: { delayMsMin: 1_000, delayMsMax: 5 * 60_000 },
  // Six tries take about half a minute at least: enough for a hiccup, too few to bother anybody with for an hour.
  runTriesMax: 6,
  absentAfterMs: 20 * 60_000,
  then: 'send',
  // The ids live for 15 minutes; three are left for the request itself.
  uploadAgeMsMax: 12 * 60_000,
  pollMsMin: 500,
  pollMsMax: 10 * 60_000,
};
