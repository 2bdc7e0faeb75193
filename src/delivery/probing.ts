/** The end of a pause is found by asking something harmless: a `GET`, never a run's `POST`. */
import PQueue from 'p-queue';
import { keyRefused, mayBeOfOneApp, rateLimited, RuntrackdError, type Failure } from '../core/failure.ts';
import type { DeliveryParts } from './parts.ts';
import { aboutApp, type Gate, type Pause } from './gate.ts';
import type { Pauses } from './pauses.ts';

/** A pause that was shorter kept nobody long enough to come back together. */
const recoveringAfterMs = 60_000;
/** Where one app is answered with an error of the server, not at all, or not with this key, others tell whether it is about that app alone. */
const appsAskedMax = 3;
/** So many paused apps are asked at once, as they may all be slow to answer. */
const appsAtOnce = 8;

interface FailedApp {
  readonly app: string;
  readonly failure: Failure;
}

type ProbingParts = Pick<DeliveryParts, 'outbox' | 'platform' | 'platformId' | 'clock' | 'log' | 'progress'>;

export interface ProbingEars {
  /** It is known whether an app is well: its runs may be claimed, or its pause goes on. */
  readonly onChange: () => void;
  /** An error that nobody named. */
  readonly onBug: (error: unknown, app: string) => void;
}

export class Probing {
  readonly #parts: ProbingParts;
  readonly #gate: Gate;
  readonly #pauses: Pauses;
  readonly #ears: ProbingEars;
  readonly #signal: AbortSignal;
  readonly #places = new PQueue({ concurrency: appsAtOnce });
  /** Paused apps that are being asked, or are about to be. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Apps that were asked in vain since the platform's pause began: the next ones are asked then. */
  readonly #inVain = new Set<string>();

  /** @param signal aborted when delivery is to end: whether a pause is over concerns nobody then */
  constructor(parts: ProbingParts, gate: Gate, pauses: Pauses, ears: ProbingEars, signal: AbortSignal) {
    this.#parts = parts;
    this.#gate = gate;
    this.#pauses = pauses;
    this.#ears = ears;
    this.#signal = signal;
  }

  /**
   * Ends pauses whose time is up, if the question gets through. Only that of the platform is waited for, because nothing can
   * be claimed before: an app that is slow to answer holds up nobody else's runs.
   * @returns whether the platform may be used
   */
  async endPauses(): Promise<boolean> {
    const nowMs = this.#parts.clock.monotonicMs();
    const pause = this.#gate.platformPause();
    // First the platform: while it is away, no app can be asked for either.
    if (pause !== null && !(await this.#endPlatformPause(pause, nowMs))) return false;
    for (const { app, pause: ofApp } of this.#gate.appPauses()) {
      if (ofApp.untilMs > nowMs || this.isAsking(app)) continue;
      this.#underWay.set(
        app,
        this.#places.add(() => this.#probe(app)),
      );
    }
    return true;
  }

  /** Its answer is what ends its pause, and rings. */
  isAsking(app: string): boolean {
    return this.#underWay.has(app);
  }

  /** Ends when no app is being asked any more, which is soon after the signal. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #probe(app: string): Promise<void> {
    try {
      // The platform may have paused while this one stood in line.
      if (!this.#signal.aborted && this.#gate.platformPause() === null) await this.#endAppPause(app);
    } catch (error) {
      this.#ears.onBug(error, app);
    } finally {
      this.#parts.progress.delivery();
      this.#underWay.delete(app);
      this.#ears.onChange();
    }
  }

  async #endPlatformPause(pause: Pause, nowMs: number): Promise<boolean> {
    const { platform, log, clock } = this.#parts;
    if (pause.untilMs > nowMs) return false;
    const answered = await this.#askApps();
    if (answered === 'cutOff') return false;
    const { failed, trouble } = answered;
    if (trouble !== null) {
      for (const { app } of failed) this.#inVain.add(app);
      this.#gate.goesOn(null, trouble, clock.monotonicMs(), clock.random());
      return false;
    }
    // What an app is answered concerns the app: the platform is well.
    for (const { app, failure } of failed)
      this.#pauses.noteFailure({ ...failure, reach: 'app' }, app, aboutApp(app));
    for (const app of this.#inVain) this.#gate.suspect(app);
    this.#inVain.clear();
    if (!this.#gate.open(null, nowMs, clock.monotonicMs(), clock.random())) return false;
    // Whoever else was kept waiting comes back at the same moment.
    if (nowMs - pause.sinceMs >= recoveringAfterMs) platform.budget.recover();
    log.info({ endpoint: platform.endpoint.origin }, 'the platform answers again');
    return true;
  }

  async #endAppPause(app: string): Promise<void> {
    const { log, clock, outbox, platformId } = this.#parts;
    const askedAtMs = clock.monotonicMs();
    // A name that was misspelt would be asked for, and shown as paused, for ever.
    const isAwaited = await outbox.isAwaited(platformId, app);
    const failure = isAwaited ? await this.#ask(app) : null;
    if (failure === 'cutOff') return;
    if (failure === null) {
      const isOver = this.#gate.open(app, askedAtMs, clock.monotonicMs(), clock.random());
      if (isOver && isAwaited) log.info({ app }, `app "${app}" answers again`);
    } else if (
      failure.reach !== 'platform' ||
      failure.class === rateLimited ||
      // Another app was asked with the same key, and is well.
      (failure.class === keyRefused && this.#pausedBy(app) === keyRefused) ||
      // It turned out before that it is this app alone.
      this.#pauses.noteFailure(failure, app, aboutApp(app)) > 0
    )
      this.#gate.goesOn(app, failure, clock.monotonicMs(), clock.random());
  }

  #pausedBy(app: string): string | null {
    return this.#gate.appPauses().find((paused) => paused.app === app)?.pause.failure.class ?? null;
  }

  /** Some that were not asked since the pause began: a key that is good for one app of ten must not keep that one waiting. */
  async #appsToAsk(): Promise<readonly string[]> {
    const { outbox, platformId } = this.#parts;
    const apps = await outbox.appsToAsk(platformId, this.#inVain.size + appsAskedMax);
    const others = apps.filter((app) => !this.#inVain.has(app)).slice(0, appsAskedMax);
    if (others.length > 0) return others;
    this.#inVain.clear();
    return apps.slice(0, appsAskedMax);
  }

  /** @returns the apps that were refused, and what is wrong with the platform; null: nothing is */
  async #askApps(): Promise<
    { readonly failed: readonly FailedApp[]; readonly trouble: Failure | null } | 'cutOff'
  > {
    const failed: FailedApp[] = [];
    for (const app of await this.#appsToAsk()) {
      const failure = await this.#ask(app);
      if (failure === 'cutOff') return failure;
      if (failure === null) return { failed, trouble: null };
      failed.push({ app, failure });
      if (failure.reach !== 'platform') return { failed, trouble: null };
      if (!mayBeOfOneApp(failure)) return { failed, trouble: failure };
    }
    return { failed, trouble: failed.at(-1)?.failure ?? null };
  }

  /** @returns what went wrong; null when all is well */
  async #ask(app: string): Promise<Failure | 'cutOff' | null> {
    try {
      await this.#parts.platform.application(app, this.#signal);
      return null;
    } catch (error) {
      if (this.#signal.aborted) return 'cutOff';
      if (!(error instanceof RuntrackdError)) throw error;
      return error.failure;
    }
  }
}
