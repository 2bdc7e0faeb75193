/**
 * One call of the library. It has a signal of its own, because many calls may share the caller's and Node warns of the
 * eleventh that listens to one. However deep an abort is noticed, and whatever is made of it there, the caller gets the
 * reason that was given.
 */
import { RuntrackdError } from '../core/failure.ts';
import { forPrograms } from './hints.ts';

/** Every call can be ended from outside. */
export interface SignalOption {
  /**
   * Ends the call, which then throws the signal's reason; but `outcome-unknown` where the one request that makes a run
   * is on its way already, because that is the more important thing to know.
   */
  readonly signal?: AbortSignal | undefined;
}

/** @throws the signal's reason once it is aborted */
export async function called<T>(
  { signal: given }: SignalOption,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = ownSignal(given);
  signal.throwIfAborted();
  try {
    return await work(signal);
  } catch (error) {
    throw forPrograms(reasonOver(error, signal));
  }
}

export function ownSignal(given: AbortSignal | undefined): AbortSignal {
  return given === undefined ? new AbortController().signal : AbortSignal.any([given]);
}

/** What is to be thrown in the place of an error once the signal is aborted. */
export function reasonOver(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted) return error;
  return error instanceof RuntrackdError && error.reason === 'outcome-unknown' ? error : signal.reason;
}
