/** Waiting for a run to be final, with the words and the arithmetic of the official SDK, in seconds. */
import { RuntrackdError } from '../core/failure.ts';
import { badInput } from './badInput.ts';

/** All durations are seconds. */
export interface PollingOptions {
  /** Before the first question. Default 0: a tracked run is final at once nearly always. */
  readonly initialDelay?: number;
  /** The constant part of each wait. Default 0.1. */
  readonly delay?: number;
  /** The part that doubles with each wait. Default 0.9. */
  readonly backoff?: number;
  /** No wait is longer, before jitter. Default 20. */
  readonly maxDelay?: number;
  /** Up to this much is added to each wait by chance. Default 1. */
  readonly jitter?: number;
  /** How long to go on in all; negative: without end. Default 300. */
  readonly maxDuration?: number;
  /** How many questions to ask; negative: any number. Default 100. */
  readonly maxTries?: number;
  /** Asked before each question; true ends the waiting. */
  readonly stop?: () => boolean;
  /** Asked before each wait for its length, in place of delay, backoff, maxDelay and jitter. */
  readonly sleepDuration?: () => number;
}

/** What counts where a polling option is left out, in seconds. */
export const defaultPolling = {
  initialDelay: 0,
  delay: 0.1,
  backoff: 0.9,
  maxDelay: 20,
  jitter: 1,
  maxDuration: 300,
  maxTries: 100,
} as const satisfies PollingOptions;

/**
 * The wait after the n-th question that found the run not final (n from 1), in ms.
 * @param random a number in [0, 1)
 * @throws RuntrackdError (bad-input) where the caller's own function gives no such number
 */
export function pollingDelayMs(n: number, options: PollingOptions, random: number): number {
  const own = options.sleepDuration?.();
  if (own !== undefined) {
    if (!isWait(own))
      throw badInput(
        'polling.sleepDuration gave what is no number of seconds',
        `Give seconds, from 0 to ${String(secondsMax)}. The run is on the platform: ask for its result with its id.`,
      );
    return 1_000 * own;
  }
  const { delay, backoff, maxDelay, jitter } = { ...defaultPolling, ...given(options) };
  return 1_000 * (Math.min(maxDelay, delay + backoff * 2 ** Math.min(n, 40)) + random * jitter);
}

/**
 * How long to wait for the next question, in ms: never beyond the end of it all, at which it is asked once more.
 * @param asked questions so far, elapsedMs since the first one, random a number in [0, 1)
 * @throws RuntrackdError saying which limit was reached; nothing changes on the platform by it
 */
export function pollingWaitMs(
  runId: string,
  asked: number,
  elapsedMs: number,
  options: PollingOptions,
  random: number,
): number {
  const { maxDuration, maxTries } = { ...defaultPolling, ...given(options) };
  if (maxTries >= 0 && asked >= maxTries)
    throw ended('polling-tries', runId, `it was asked for ${String(asked)} times`, asked);
  if (asked === 0) return 0;
  const leftMs = maxDuration < 0 ? Infinity : maxDuration * 1_000 - elapsedMs;
  if (leftMs <= 0) throw ended('polling-timeout', runId, `${String(maxDuration)} s have passed`, asked);
  // A timer that fires early by a fraction of a millisecond would make a question more.
  return Math.min(pollingDelayMs(asked, options, random), Math.ceil(leftMs));
}

/** @throws RuntrackdError where the caller's own function wants no more questions */
export function checkStop(runId: string, asked: number, { stop }: PollingOptions): void {
  if (stop?.() === true) throw ended('polling-stopped', runId, 'stop said so', asked);
}

/** A timer cannot wait longer than 24 days, and fires at once instead. */
const secondsMax = 1_000_000;

/** @throws RuntrackdError (bad-input): before a run is recorded that nobody could wait for */
export function checkPollingOptions(options: PollingOptions): void {
  const wishes = given(options);
  for (const name of ['initialDelay', 'delay', 'backoff', 'maxDelay', 'jitter'] as const) {
    const seconds = wishes[name];
    if (seconds !== undefined && !isWait(seconds))
      throw badInput(
        `polling.${name} is not what it has to be`,
        `Give seconds, from 0 to ${String(secondsMax)}.`,
      );
  }
  for (const name of ['maxDuration', 'maxTries'] as const) {
    const limit = wishes[name];
    if (limit !== undefined && (typeof limit !== 'number' || Number.isNaN(limit)))
      throw badInput(`polling.${name} is no number`, 'A negative one is no limit.');
  }
  if (wishes.stop !== undefined && typeof wishes.stop !== 'function')
    throw badInput(
      'polling.stop is no function',
      'It is asked before each question, and true ends the waiting.',
    );
  if (wishes.sleepDuration !== undefined && typeof wishes.sleepDuration !== 'function')
    throw badInput('polling.sleepDuration is no function', 'It is asked before each wait, for its seconds.');
}

function isWait(seconds: unknown): boolean {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= secondsMax;
}

/** Undefined values do not hide the defaults. */
export function given(options: PollingOptions): PollingOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function ended(reason: string, runId: string, why: string, asked: number): RuntrackdError {
  return new RuntrackdError({
    class: reason,
    text: `run ${runId} is not final yet, and ${why} (asked ${String(asked)} times)`,
    hint: 'The run is on the platform: ask for its result later, with this id.',
    reach: 'run',
  });
}
