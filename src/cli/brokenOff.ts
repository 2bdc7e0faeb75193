/** A command that a signal breaks off clears away what it has begun, and ends as by that signal all the same. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Until it is given up, a signal ends the process as `exit` does: whoever has begun something listens to that event.
 * @returns what gives it up
 */
export function exitOnSignals(): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    giveUp();
    // Last of all that listen: whoever started this sees which signal it was.
    process.once('exit', () => process.kill(process.pid, signal));
    process.exit();
  };
  const giveUp = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return giveUp;
}
