/**
 * Two-stage shutdown. The first TERM or INT: take nothing new, finish what is under way. The second: go.
 *
 * Ctrl-C under npm arrives twice, once from the terminal and once passed on by npm; both within a moment are one.
 */

const sameKeyPressMs = 500;

export interface Shutdown {
  readonly stop: AbortSignal;
  dispose(): void;
}

/**
 * @param onFirst told the signal's name once
 * @param onDeadline called when what is under way has not ended `deadlineMs` after the first signal
 */
export function watchSignals(
  deadlineMs: number,
  monotonicMs: () => number,
  onFirst: (signal: string) => void,
  onDeadline: () => void,
): Shutdown {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  let deadline: NodeJS.Timeout | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAtMs === null) {
      firstAtMs = monotonicMs();
      deadline = setTimeout(onDeadline, deadlineMs);
      onFirst(signal);
      controller.abort();
    } else if (monotonicMs() - firstAtMs >= sameKeyPressMs) process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    stop: controller.signal,
    dispose() {
      clearTimeout(deadline);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
