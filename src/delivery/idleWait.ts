/** How long delivery may sleep when there was nothing to claim. */

/** With nothing due, the clock is looked at again after this: it may have been set. */
export const idleMsMax = 30_000;
/** A run that is due and was not claimed waits for a suspect, or for its app. That is looked at again soon, not at once. */
const passedOverMs = 1_000;
/** Timers may fire a little early; waits shorter than this would spin. */
const idleMsMin = 10;

/** All in ms from now; Infinity for what is not to come, zero or less for what is due. */
export interface Awaited {
  readonly dueInMs: number;
  /** The platform's pause, during which nothing else counts; null without one. */
  readonly platformPauseEndsInMs: number | null;
  /** A pause of an app ends when delivery asks, so one whose time is up is a reason not to sleep; without those being asked. */
  readonly appPausesEndInMs: readonly number[];
  /** The pause of storage ends when a run tries: once its time is up, it is the next due run that counts. */
  readonly storagePauseEndsInMs: number;
  /** There are apps of which nothing is sent before their lists are tried again, each at its time. */
  readonly areListsAwaited: boolean;
}

/** Whether a moment is waited for that will come. Something due that is in nobody's hands is not waited for. */
export function isForTime(awaited: Awaited): boolean {
  const { dueInMs, platformPauseEndsInMs, appPausesEndInMs, storagePauseEndsInMs } = awaited;
  const pausesMs = [platformPauseEndsInMs ?? 0, ...appPausesEndInMs, storagePauseEndsInMs];
  return dueInMs > 0 || awaited.areListsAwaited || pausesMs.some((ms) => ms > 0 && ms < Infinity);
}

/** @returns ms, between `idleMsMin` and `idleMsMax` */
export function idleWaitMs(awaited: Awaited): number {
  const { dueInMs, platformPauseEndsInMs, appPausesEndInMs, storagePauseEndsInMs } = awaited;
  const soonestMs =
    platformPauseEndsInMs ??
    Math.min(
      dueInMs <= 0 ? passedOverMs : dueInMs,
      storagePauseEndsInMs <= 0 ? Infinity : storagePauseEndsInMs,
      ...appPausesEndInMs,
    );
  return Math.min(idleMsMax, Math.max(idleMsMin, soonestMs));
}
