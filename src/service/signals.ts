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

/** HUP, from the very start: by default it would end the process. One that comes early is heard when somebody listens. */
export class Hangups {
  #wasHeard = false;
  #listener: (() => void) | null = null;
  readonly #onHangup = (): void => {
    if (this.#listener === null) this.#wasHeard = true;
    else this.#listener();
  };

  constructor() {
    process.on('SIGHUP', this.#onHangup);
  }

  listen(listener: () => void): void {
    this.#listener = listener;
    if (this.#wasHeard) listener();
  }

  dispose(): void {
    process.off('SIGHUP', this.#onHangup);
  }
}

/**
 * @param deadlineMs asked when the first signal comes
 * @param onFirst told the signal's name once
 * @param onDeadline called when what is under way has not ended `deadlineMs` after the first signal
 */
export function watchSignals(
  deadlineMs: () => number,
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
      deadline = setTimeout(onDeadline, deadlineMs());
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
