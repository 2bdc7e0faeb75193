/**
 * Whom a failure reaches. What concerns the platform pauses everything, what concerns an app pauses that app, at no
 * run's expense; a probe finds the end of it, and the waits grow until something really works again.
 *
 * An error of the server (5xx), or no answer, may be about one thing alone: a run that it stumbles over, an app's list.
 * It pauses everything once, and when the probe then finds the platform well, that one thing is to blame: the next time it waits by
 * itself, ever longer, and nobody with it. Where that is clear from the beginning, as it is for a list that is refused, it is
 * blamed at once. A second thing of the same app, with nothing of it that worked in between, is the app: a thousand runs that
 * are each met by errors would pause everybody a thousand times.
 */
import { backoffMs, type BackoffPolicy } from '../core/backoff.ts';
import { mayBeOfOneAlone, mayBeOfOneApp, rateLimited, type Failure } from '../core/failure.ts';

/** Its times are on the clock that nobody sets, in ms. */
export interface Pause {
  readonly failure: Failure;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface HowItBegan {
  /** What failed, and of which app, as `note` was told. */
  readonly about: string;
  readonly app: string;
  /** A probe did not get through since: it was not that one thing alone. */
  readonly isProbed: boolean;
  /** When the server last wished for a wait, in ms; -Infinity: it did not. */
  readonly wishedAtMs: number;
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
  /** Apps that met what the platform turned out to be well beside, and of which nothing has worked since. */
  readonly #troubled = new Set<string>();

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  /**
   * Takes a failure in. One that concerns only its run changes nothing.
   * @param about what was asked about, by a name that is the same each time
   * @returns whom a new pause reaches, and how long what was asked about has to wait by itself, in ms
   */
  note(
    failure: Failure,
    app: string,
    about: string,
    nowMs: number,
    random: number,
  ): { readonly newPause: 'platform' | 'app' | null; readonly waitMs: number } {
    const nobody = { newPause: null, waitMs: 0 };
    // One too many is the budget's affair.
    if (failure.class === rateLimited || (failure.reach !== 'platform' && failure.reach !== 'app'))
      return nobody;
    if (mayBeOfOneAlone(failure) && this.#blamed.has(about))
      return { ...nobody, waitMs: this.blame(about, failure, nowMs, random) };
    const isOfApp = failure.reach === 'app' || this.#isOfApp(failure, app, about);
    const reach = isOfApp ? app : platform;
    const earlier = this.#pauses.get(reach);
    // Runs that were under way when the pause began fail with it; they do not make it longer.
    if (earlier !== undefined && earlier.untilMs > nowMs) {
      // But a longer wish of the server is obeyed whenever it comes.
      const wishMs = failure.retryAfterMs ?? 0;
      if (nowMs + wishMs > earlier.untilMs)
        this.#pauses.set(reach, {
          ...earlier,
          untilMs: nowMs + backoffMs(1, this.#policy, random, wishMs),
          wishedAtMs: nowMs,
        });
      return nobody;
    }
    this.#pause(reach, failure, { about, app, isProbed: false }, nowMs, random);
    return { ...nobody, newPause: earlier !== undefined ? null : isOfApp ? 'app' : 'platform' };
  }

  /** A probe of the app itself is another matter: it is what tells that of the app from that of the platform. */
  #isOfApp(failure: Failure, app: string, about: string): boolean {
    return mayBeOfOneApp(failure) && this.#troubled.has(app) && about !== aboutApp(app);
  }

  /**
   * The probe that was to end a pause did not get through: it goes on, whatever the probe met, one too many included.
   * @param app null: the platform's pause
   */
  goesOn(app: string | null, failure: Failure, nowMs: number, random: number): void {
    const reach = app ?? platform;
    const { about = '', app: ofApp = '' } = this.#pauses.get(reach) ?? {};
    this.#pause(reach, failure, { about, app: ofApp, isProbed: true }, nowMs, random);
  }

  #pause(
    reach: string | typeof platform,
    failure: Failure,
    began: Omit<HowItBegan, 'wishedAtMs'>,
    nowMs: number,
    random: number,
  ): void {
    const tries = (this.#tries.get(reach) ?? 0) + 1;
    this.#tries.set(reach, tries);
    const earlier = this.#pauses.get(reach);
    const waitsUntilMs = nowMs + backoffMs(tries, this.#policy, random, failure.retryAfterMs);
    // A longer wish that came while the probe was under way outlasts what the probe met.
    const untilMs = Math.max(waitsUntilMs, earlier?.untilMs ?? 0);
    const wishedAtMs = (failure.retryAfterMs ?? 0) > 0 ? nowMs : (earlier?.wishedAtMs ?? -Infinity);
    this.#pauses.set(reach, { failure, sinceMs: earlier?.sinceMs ?? nowMs, untilMs, wishedAtMs, ...began });
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

  /** The app was answered with an error, and another one is well: the next error of a thing of it is the app's. */
  suspect(app: string): void {
    this.#troubled.add(app);
  }

  /** Nobody wants anything of it any more. */
  forget(about: string): void {
    this.#blamed.delete(about);
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
    this.#troubled.delete(app);
  }

  /**
   * The probe got through: runs may be tried again, unless the server has wished for a wait since the probe was asked.
   * @param askedAtMs when the probe was, in ms
   * @returns whether the pause is over
   */
  open(app: string | null, askedAtMs: number, nowMs: number, random: number): boolean {
    const pause = this.#pauses.get(app ?? platform);
    if (pause !== undefined && pause.wishedAtMs >= askedAtMs && pause.untilMs > nowMs) return false;
    this.#pauses.delete(app ?? platform);
    if (app !== null) this.#blamed.delete(aboutApp(app));
    if (app !== null || pause === undefined || pause.isProbed || !mayBeOfOneApp(pause.failure)) return true;
    this.#troubled.add(pause.app);
    if (mayBeOfOneAlone(pause.failure)) this.blame(pause.about, pause.failure, nowMs, random);
    return true;
  }

  platformPause(): Pause | null {
    return this.#pauses.get(platform) ?? null;
  }

  appPauses(): { readonly app: string; readonly pause: Pause }[] {
    return [...this.#pauses].flatMap(([app, pause]) => (typeof app === 'string' ? [{ app, pause }] : []));
  }
}
