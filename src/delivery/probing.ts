/** The end of a pause is found by asking something harmless: a `GET`, never a run's `POST`. */
import { rateLimited, RuntrackdError, type Failure } from '../core/failure.ts';
import type { DeliveryParts } from './parts.ts';
import type { Gate, Pause } from './gate.ts';
import type { Pauses } from './pauses.ts';

/** A pause that was shorter kept nobody long enough to come back together. */
const recoveringAfterMs = 60_000;

export class Probing {
  readonly #parts: Pick<DeliveryParts, 'outbox' | 'platform' | 'clock' | 'log'>;
  readonly #gate: Gate;
  readonly #pauses: Pauses;
  readonly #cut: AbortSignal;

  /** @param cut aborted when what is under way is to be cut off */
  constructor(
    parts: Pick<DeliveryParts, 'outbox' | 'platform' | 'clock' | 'log'>,
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
    const app = await this.#anyApp();
    const failure = app === null ? null : await this.#ask(app);
    if (failure === 'cutOff') return false;
    if (failure?.reach === 'platform') {
      this.#gate.goesOn(null, failure, clock.monotonicMs(), clock.random());
      return false;
    }
    // That this app is refused concerns the app: the platform has answered.
    if (failure !== null && app !== null) this.#pauses.noteFailure(failure, app);
    this.#gate.open(null);
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
      this.#gate.open(app);
      log.info({ app }, `app "${app}" answers again`);
    } else if (failure.reach === 'platform' && failure.class !== rateLimited) {
      this.#pauses.noteFailure(failure, app);
      return false;
    } else this.#gate.goesOn(app, failure, clock.monotonicMs(), clock.random());
    return true;
  }

  async #anyApp(): Promise<string | null> {
    for (const kind of ['queued', 'uploaded', 'unknown', 'tracked', 'final'] as const) {
      const run = await this.#parts.outbox.oldestOf(kind);
      if (run !== null) return run.key.app;
    }
    return null;
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
