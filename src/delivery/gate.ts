/**
 * Whom a failure reaches. What concerns the platform pauses everything, what concerns an app pauses that app, at no
 * run's expense; a probe finds the end of it, and the waits grow until something really works again.
 */
import { backoffMs, type BackoffPolicy } from '../core/backoff.ts';
import { rateLimited, type Failure } from '../core/failure.ts';

/** Its times are on the clock that nobody sets, in ms. */
export interface Pause {
  readonly failure: Failure;
  readonly sinceMs: number;
  readonly untilMs: number;
}

const platform = Symbol('platform');

export class Gate {
  readonly #policy: BackoffPolicy;
  readonly #pauses = new Map<string | typeof platform, Pause>();
  /** Failures in a row, kept when a probe succeeds: only a step that worked is proof. */
  readonly #tries = new Map<string | typeof platform, number>();

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  /** Takes a failure in. One that concerns only its run changes nothing. @returns whether this is a new pause */
  note(failure: Failure, app: string, nowMs: number, random: number): boolean {
    // One too many is the budget's affair.
    if (failure.class === rateLimited || (failure.reach !== 'platform' && failure.reach !== 'app'))
      return false;
    const reach = failure.reach === 'platform' ? platform : app;
    const earlier = this.#pauses.get(reach);
    // Runs that were under way when the pause began fail with it; they do not make it longer.
    if (earlier !== undefined && earlier.untilMs > nowMs) {
      // But a longer wish of the server is obeyed whenever it comes.
      const wishMs = failure.retryAfterMs ?? 0;
      if (nowMs + wishMs > earlier.untilMs)
        this.#pauses.set(reach, { ...earlier, untilMs: nowMs + backoffMs(1, this.#policy, random, wishMs) });
      return false;
    }
    this.#pause(reach, failure, nowMs, random);
    return earlier === undefined;
  }

  /**
   * The probe that was to end a pause did not get through: it goes on, whatever the probe met, one too many included.
   * @param app null: the platform's pause
   */
  goesOn(app: string | null, failure: Failure, nowMs: number, random: number): void {
    this.#pause(app ?? platform, failure, nowMs, random);
  }

  #pause(reach: string | typeof platform, failure: Failure, nowMs: number, random: number): void {
    const tries = (this.#tries.get(reach) ?? 0) + 1;
    this.#tries.set(reach, tries);
    const untilMs = nowMs + backoffMs(tries, this.#policy, random, failure.retryAfterMs);
    const sinceMs = this.#pauses.get(reach)?.sinceMs ?? nowMs;
    this.#pauses.set(reach, { failure, sinceMs, untilMs });
  }

  /** Something worked for this app: the next pause begins with short waits again. A pause itself ends at its time. */
  worked(app: string): void {
    this.#tries.delete(platform);
    this.#tries.delete(app);
  }

  /** The probe got through: runs may be tried again. */
  open(app: string | null): void {
    this.#pauses.delete(app ?? platform);
  }

  platformPause(): Pause | null {
    return this.#pauses.get(platform) ?? null;
  }

  appPauses(): { readonly app: string; readonly pause: Pause }[] {
    return [...this.#pauses].flatMap(([app, pause]) => (typeof app === 'string' ? [{ app, pause }] : []));
  }
}
