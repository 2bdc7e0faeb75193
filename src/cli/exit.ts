/** How a command ends: the exit codes that users' scripts hang on, and the error that carries one. */

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  needsPerson: 3,
  /** The outbox, or a backup of it, is not one that this version can use: starting again does not help. */
  badData: 65,
  unreachable: 69,
  /** The outbox cannot be read or written, or was found damaged: starting again may help. */
  outboxTrouble: 74,
  held: 75,
  config: 78,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the command with a sentence on stderr and this exit code. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}
