/**
 * Lists that cannot be read. What keeps one from being read is at first taken for trouble of the platform, or of its app:
 * all of that waits, and the end of it is found by asking for something else. A list that fails once more after that fails
 * alone. It waits by itself then, ever longer, and with it only what cannot do without it.
 */
import type { Failure, Reach } from '../core/failure.ts';
import type { Gate } from './gate.ts';
import type { DeliveryParts } from './parts.ts';
import type { Pauses } from './pauses.ts';

export class ListFailures {
  readonly #parts: Pick<DeliveryParts, 'clock'>;
  readonly #gate: Gate;
  readonly #pauses: Pauses;
  /** Why an app's list could not be read the last time. */
  readonly #failed = new Map<string, Failure>();

  constructor(parts: Pick<DeliveryParts, 'clock'>, gate: Gate, pauses: Pauses) {
    this.#parts = parts;
    this.#gate = gate;
    this.#pauses = pauses;
  }

  /** @param pausing failures of such a reach are at first taken for more than trouble of this list */
  note(app: string, failure: Failure, pausing: readonly Reach[]): void {
    const { clock } = this.#parts;
    const isFirst = !this.#failed.has(app);
    this.#failed.set(app, failure);
    if (isFirst && pausing.includes(failure.reach)) this.#pauses.noteFailure(failure, app, aboutList(app));
    // What fails during a pause says no more than the pause does.
    else if (!this.#pauses.isPaused(app))
      this.#gate.blame(aboutList(app), failure, clock.monotonicMs(), clock.random());
  }

  /** The list was read to its end, or as far as somebody had to. */
  worked(app: string): void {
    this.#failed.delete(app);
    this.#pauses.worked(app, aboutList(app));
  }

  /** Nobody waits for it any more. */
  forget(app: string): void {
    this.#failed.delete(app);
    this.#gate.forget(aboutList(app));
  }

  /** Whether it is not its turn to be read again. */
  isWaiting(app: string): boolean {
    return this.#gate.isWaiting(aboutList(app), this.#parts.clock.monotonicMs());
  }

  /** Apps whose list alone cannot be read, and why. */
  unreadable(): { readonly app: string; readonly failure: Failure }[] {
    return [...this.#failed]
      .filter(([app]) => this.#gate.isBlamed(aboutList(app)))
      .map(([app, failure]) => ({ app, failure }));
  }
}

const aboutList = (app: string): string => `list of ${app}`;
