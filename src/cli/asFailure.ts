/** Errors of other parts that have an exit code of their own. */
import { ControlRefused } from '../http/controlRefused.ts';
import { HostChanged } from '../intake/hostChanged.ts';
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
  if (error instanceof ControlRefused) return new CommandFailure(exitCodes.config, error.message);
  if (error instanceof HostChanged) return new CommandFailure(exitCodes.config, error.message);
  if (error instanceof CannotStart)
    return new CommandFailure(
      error.reason === 'data is held' ? exitCodes.held : exitCodes.failed,
      `the embedded stand-in cannot start: ${error.message}`,
    );
  return error;
}
