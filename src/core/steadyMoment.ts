/**
 * How much time has passed is not told by a clock that may be set. A moment on the clock that nobody sets, in ms, means
 * something only within the process that read it.
 */
export interface SteadyMoment {
  readonly process: string;
  readonly ms: number;
}

/** @returns ms; null where these moments are of two processes, or the earlier one is not known */
export function passedSince(earlier: SteadyMoment | undefined, later: SteadyMoment): number | null {
  return earlier?.process === later.process ? later.ms - earlier.ms : null;
}
