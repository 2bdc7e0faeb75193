/** The end of a pause is found by asking something harmless: a `GET`, never a run's `POST`. */
import { mayBeOfOneAlone, rateLimited, RuntrackdError, type Failure } from '../core/failure.ts';
import type { DeliveryParts } from './parts.ts';
import { aboutApp, type Gate, type Pause } from './gate.ts';
import type { Pauses } from './pauses.ts';

/** A pause that was shorter kept nobody long enough to come back together. */
const recoveringAfterMs = 60_000;
/** Where one app is answered with an error of the server, or not at all, others tell whether it is about that app alone. */
const appsAskedMax = 3;

interface FailedApp {
  readonly app: string;
  readonly failure: Failure;
}

export class Probing {
  readonly #parts: Pick<DeliveryParts, 'outbox' | 'platform' | 'platformId' | 'clock' | 'log'>;
  readonly #gate: Gate;
  readonly #pauses: Pauses;
  readonly #cut: AbortSignal;

  /** @param cut aborted when what is under way is to be cut off */
  constructor(
    parts: Pick<DeliveryParts, 'outbox' | 'platform' | 'platformId' | 'clock' | 'log'>,
    gate: Gate,
    pauses: Pauses,
    cut: AbortSignal,
  ) {
    this.#parts = parts;
    this.#gate = gate;
    this.#pauses = pauses;
    this.#cut = cut;
  }

  /** Ends pauses whose time is up, if the question gets through. @returns whether the platform may be used */
  async endPauses(): Promise<boolean> {
    const nowMs = this.#parts.clock.monotonicMs();
    const pause = this.#gate.platformPause();
    // First the platform: while it is away, no app can be asked for either.
    if (pause !== null && !(await this.#endPlatformPause(pause, nowMs))) return false;
    for (const { app, pause: ofApp } of this.#gate.appPauses()) {
      if (ofApp.untilMs <= nowMs && !(await this.#endAppPause(app))) return false;
    }
    return true;
  }

  async #endPlatformPause(pause: Pause, nowMs: number): Promise<boolean> {
    const { platform, log, clock } = this.#parts;
    if (pause.untilMs > nowMs) return false;
    const answered = await this.#askApps();
    if (answered === 'cutOff') return false;
    const { failed, trouble } = answered;
    if (trouble !== null) {
      this.#gate.goesOn(null, trouble, clock.monotonicMs(), clock.random());
      return false;
    }
    // What an app is answered concerns the app: the platform is well.
    for (const { app, failure } of failed)
      this.#pauses.noteFailure({ ...failure, reach: 'app' }, app, aboutApp(app));
    this.#gate.open(null, clock.monotonicMs(), clock.random());
    // Whoever else was kept waiting comes back at the same moment.
    if (nowMs - pause.sinceMs >= recoveringAfterMs) platform.budget.recover();
    log.info({ endpoint: platform.endpoint.origin }, 'the platform answers again');
    return true;
  }

  /** @returns whether the platform may be used, whatever becomes of the app */
  async #endAppPause(app: string): Promise<boolean> {
    const { log, clock } = this.#parts;
    const failure = await this.#ask(app);
    if (failure === 'cutOff') return false;
    if (failure === null) {
      this.#gate.open(app, clock.monotonicMs(), clock.random());
      log.info({ app }, `app "${app}" answers again`);
    } else if (
      failure.reach === 'platform' &&
      failure.class !== rateLimited &&
      // Unless it turned out before that it is this app alone.
      this.#pauses.noteFailure(failure, app, aboutApp(app)) === 0
    ) {
      return false;
    } else this.#gate.goesOn(app, failure, clock.monotonicMs(), clock.random());
    return true;
  }

  /** @returns the apps that were refused, and what is wrong with the platform; null: nothing is */
  async #askApps(): Promise<
    { readonly failed: readonly FailedApp[]; readonly trouble: Failure | null } | 'cutOff'
  > {
    const { outbox, platformId } = this.#parts;
    const failed: FailedApp[] = [];
    for (const app of await outbox.appsToAsk(platformId, appsAskedMax)) {
      const failure = await this.#ask(app);
      if (failure === 'cutOff') return failure;
      if (failure === null) return { failed, trouble: null };
      failed.push({ app, failure });
      if (failure.reach !== 'platform') return { failed, trouble: null };
      if (!mayBeOfOneAlone(failure)) return { failed, trouble: failure };
    }
    return { failed, trouble: failed.at(-1)?.failure ?? null };
  }

  /** @returns what went wrong; null when all is well */
  async #ask(app: string): Promise<Failure | 'cutOff' | null> {
    try {
      await this.#parts.platform.application(app, this.#cut);
      return null;
    } catch (error) {
      if (this.#cut.aborted) return 'cutOff';
      if (!(error instanceof RuntrackdError)) throw error;
      return error.failure;
    }
  }
}
