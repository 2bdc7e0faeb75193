/** Errors of other parts that have an exit code of their own. */
import { RuntrackdError } from '../core/failure.ts';
import { ControlRefused } from '../http/controlRefused.ts';
import { HostChanged } from '../intake/hostChanged.ts';
import { BackupRefused } from '../outbox/backup.ts';
import { OutboxHeld, OutboxUnusable } from '../outbox/unusable.ts';
import { CannotStart } from '../standin/cannotStart.ts';
import { CommandFailure, exitCodes } from './exit.ts';

/** @returns the failure that says so with its exit code, or the error as it came */
export function asFailure(error: unknown): unknown {
  if (error instanceof OutboxHeld) return new CommandFailure(exitCodes.held, error.message);
  if (error instanceof OutboxUnusable)
    return new CommandFailure(
      error.kind === 'data' ? exitCodes.badData : exitCodes.outboxTrouble,
      error.message,
    );
  if (error instanceof BackupRefused) return new CommandFailure(exitCodes.failed, error.message);
  if (error instanceof ControlRefused) return new CommandFailure(exitCodes.config, error.message);
  if (error instanceof HostChanged) return new CommandFailure(exitCodes.config, error.message);
  if (error instanceof CannotStart)
    return new CommandFailure(
      error.reason === 'data is held' ? exitCodes.held : exitCodes.failed,
      `the embedded stand-in cannot start: ${error.message}`,
    );
  // How the platform is reached is settled at the start; the errors of a run come later, and end nothing.
  if (error instanceof RuntrackdError && ['bad-proxy', 'no-ca-file'].includes(error.reason))
    return new CommandFailure(exitCodes.config, `${error.message}. ${error.hint}`);
  return error;
}
