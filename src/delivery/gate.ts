/**
 * Whom a failure reaches. What concerns the platform pauses everything, what concerns an app pauses that app, at no
 * run's expense; a probe finds the end of it, and the waits grow until something really works again.
 *
 * An error of the server (5xx), or no answer, may be about one thing alone: a run that it stumbles over, an app's list.
 * It pauses everything once, and when the probe then finds the platform well, that one thing is to blame: the next time it waits by
 * itself, ever longer, and nobody with it. Where that is clear from the beginning, as it is for a list that is refused, it is
 * blamed at once.
 */
import { backoffMs, type BackoffPolicy } from '../core/backoff.ts';
import { mayBeOfOneAlone, rateLimited, type Failure } from '../core/failure.ts';

/** Its times are on the clock that nobody sets, in ms. */
export interface Pause {
  readonly failure: Failure;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface HowItBegan {
  /** What failed, as `note` was told. */
  readonly about: string;
  /** A probe did not get through since: it was not that one thing alone. */
  readonly isProbed: boolean;
}

/** What is to blame alone: how often it failed in a row, and until when it waits, in ms. */
interface Blame {
  readonly tries: number;
  readonly untilMs: number;
}

/** What a probe asks about. */
export const aboutApp = (app: string): string => `app ${app}`;

const platform = Symbol('platform');
/** More at once are not one thing alone; the oldest are forgotten. */
const blamedMax = 1_000;

export class Gate {
  readonly #policy: BackoffPolicy;
  readonly #pauses = new Map<string | typeof platform, Pause & HowItBegan>();
  /** Failures in a row, kept when a probe succeeds: only a step that worked is proof. */
  readonly #tries = new Map<string | typeof platform, number>();
  readonly #blamed = new Map<string, Blame>();

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  /**
   * Takes a failure in. One that concerns only its run changes nothing.
   * @param about what was asked about, by a name that is the same each time
   * @returns whether this is a new pause, and how long what was asked about has to wait by itself, in ms
   */
  note(
    failure: Failure,
    app: string,
    about: string,
    nowMs: number,
    random: number,
  ): { readonly isNewPause: boolean; readonly waitMs: number } {
    const nobody = { isNewPause: false, waitMs: 0 };
    // One too many is the budget's affair.
    if (failure.class === rateLimited || (failure.reach !== 'platform' && failure.reach !== 'app'))
      return nobody;
    if (mayBeOfOneAlone(failure) && this.#blamed.has(about))
      return { isNewPause: false, waitMs: this.blame(about, failure, nowMs, random) };
    const reach = failure.reach === 'platform' ? platform : app;
    const earlier = this.#pauses.get(reach);
    // Runs that were under way when the pause began fail with it; they do not make it longer.
    if (earlier !== undefined && earlier.untilMs > nowMs) {
      // But a longer wish of the server is obeyed whenever it comes.
      const wishMs = failure.retryAfterMs ?? 0;
      if (nowMs + wishMs > earlier.untilMs)
        this.#pauses.set(reach, { ...earlier, untilMs: nowMs + backoffMs(1, this.#policy, random, wishMs) });
      return nobody;
    }
    this.#pause(reach, failure, { about, isProbed: false }, nowMs, random);
    return { ...nobody, isNewPause: earlier === undefined };
  }

  /**
   * The probe that was to end a pause did not get through: it goes on, whatever the probe met, one too many included.
   * @param app null: the platform's pause
   */
  goesOn(app: string | null, failure: Failure, nowMs: number, random: number): void {
    const reach = app ?? platform;
    const about = this.#pauses.get(reach)?.about ?? '';
    this.#pause(reach, failure, { about, isProbed: true }, nowMs, random);
  }

  #pause(
    reach: string | typeof platform,
    failure: Failure,
    began: HowItBegan,
    nowMs: number,
    random: number,
  ): void {
    const tries = (this.#tries.get(reach) ?? 0) + 1;
    this.#tries.set(reach, tries);
    const untilMs = nowMs + backoffMs(tries, this.#policy, random, failure.retryAfterMs);
    const sinceMs = this.#pauses.get(reach)?.sinceMs ?? nowMs;
    this.#pauses.set(reach, { failure, sinceMs, untilMs, ...began });
  }

  /**
   * This alone failed, and nobody else is to wait for it.
   * @param about by a name that is the same each time
   * @returns how long it waits, in ms
   */
  blame(about: string, failure: Failure, nowMs: number, random: number): number {
    const tries = (this.#blamed.get(about)?.tries ?? 0) + 1;
    const waitMs = backoffMs(tries, this.#policy, random, failure.retryAfterMs);
    this.#blamed.delete(about);
    this.#blamed.set(about, { tries, untilMs: nowMs + waitMs });
    const [oldest] = this.#blamed.keys();
    if (this.#blamed.size > blamedMax && oldest !== undefined) this.#blamed.delete(oldest);
    return waitMs;
  }

  /** Whether it is to blame alone: nothing has worked there since. */
  isBlamed(about: string): boolean {
    return this.#blamed.has(about);
  }

  /** Whether it is to blame alone, and has to wait. */
  isWaiting(about: string, nowMs: number): boolean {
    return (this.#blamed.get(about)?.untilMs ?? -Infinity) > nowMs;
  }

  /**
   * Something worked for this app: the next pause begins with short waits again. A pause itself ends at its time.
   * @param about what was asked about
   */
  worked(app: string, about: string): void {
    this.#tries.delete(platform);
    this.#tries.delete(app);
    this.#blamed.delete(about);
  }

  /** The probe got through: runs may be tried again. */
  open(app: string | null, nowMs: number, random: number): void {
    const pause = this.#pauses.get(app ?? platform);
    this.#pauses.delete(app ?? platform);
    if (app !== null) this.#blamed.delete(aboutApp(app));
    if (app !== null || pause === undefined || pause.isProbed || !mayBeOfOneAlone(pause.failure)) return;
    this.blame(pause.about, pause.failure, nowMs, random);
  }

  platformPause(): Pause | null {
    return this.#pauses.get(platform) ?? null;
  }

  appPauses(): { readonly app: string; readonly pause: Pause }[] {
    return [...this.#pauses].flatMap(([app, pause]) => (typeof app === 'string' ? [{ app, pause }] : []));
  }
}
