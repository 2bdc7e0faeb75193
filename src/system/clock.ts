/** The machine's time and chance: the only place that asks for them. */

export interface Clock {
  /** Wall clock, ms since 1970: for what is shown and for what must outlive a restart. */
  nowMs(): number;
  /** Ms on a clock that nobody can set: for waits and quiet times. */
  monotonicMs(): number;
  /** A number in [0, 1). */
  random(): number;
}

export const machineClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
};

/** CLOCK_MONOTONIC in microseconds, as systemd counts it. */
export function monotonicUs(): bigint {
  return process.hrtime.bigint() / 1_000n;
}

/** ISO 8601 in UTC, as all times are shown to programs. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
