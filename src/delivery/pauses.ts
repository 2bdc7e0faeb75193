/** What steps say of the platform, its apps, its storage, and the place for results: who pauses for it, and what is told. */
import type { Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import type { Claim } from '../outbox/nouns.ts';
import type { Breaker } from './breaker.ts';
import type { Gate } from './gate.ts';
import type { DeliveryParts } from './parts.ts';
import { Refusals } from './refusals.ts';

export interface Breakers {
  readonly storage: Breaker;
  readonly results: Breaker;
}

export class Pauses {
  readonly #parts: Pick<DeliveryParts, 'clock' | 'log'>;
  readonly #gate: Gate;
  readonly #breakers: Breakers;
  readonly #refusals = new Refusals();
  readonly #onChange: () => void;
  readonly #cut: AbortSignal;

  /**
   * @param onChange delivery has to know when a pause begins or ends: it is the one that probes
   * @param cut aborted when what is under way is cut off, which says nothing of the platform
   */
  constructor(
    parts: Pick<DeliveryParts, 'clock' | 'log'>,
    gate: Gate,
    breakers: Breakers,
    onChange: () => void,
    cut: AbortSignal,
  ) {
    this.#parts = parts;
    this.#gate = gate;
    this.#breakers = breakers;
    this.#onChange = onChange;
    this.#cut = cut;
  }

  isPaused(app: string): boolean {
    return this.#gate.platformPause() !== null || this.#gate.appPauses().some((paused) => paused.app === app);
  }

  /** Takes in what a step has met. @returns what that means for its run, with the wait that storage or its like asks for */
  note(met: Happening, claim: Claim): Happening {
    const { run, key } = claim;
    const { app } = key;
    const happening = this.#refusals.note(met, claim);
    if (!('failure' in happening) || happening.failure === null) {
      this.#noteSuccess(happening, run, app);
      return happening;
    }
    const { failure } = happening;
    if (failure.reach !== 'storage' && failure.reach !== 'results') {
      const ownWaitMs = this.noteFailure(failure, app, aboutRun(run));
      return ownWaitMs === 0 ? happening : { ...happening, failure: { ...failure, retryAfterMs: ownWaitMs } };
    }
    const { clock, log } = this.#parts;
    const breaker = this.#breakers[failure.reach];
    // An output that storage does not give back is asked for whether or not uploads pause.
    const isHeld = claim.life.state.kind !== 'final';
    const { isNewPause, waitMs } = breaker.failed(run, failure, clock.monotonicMs(), clock.random(), isHeld);
    if (isNewPause && !this.#cut.aborted) {
      log.error(
        { class: failure.class, status: failure.status },
        failure.reach === 'storage'
          ? `uploads pause: ${failure.text}. ${failure.hint} What is uploaded already goes on.`
          : `results wait: ${failure.text}. ${failure.hint}`,
      );
    }
    return { ...happening, failure: { ...failure, retryAfterMs: waitMs } };
  }

  #noteSuccess(happening: Happening, run: number, app: string): void {
    const { log } = this.#parts;
    const { storage, results } = this.#breakers;
    if (happening.kind === 'made' || provesPlatform(happening)) this.worked(app, aboutRun(run));
    // An output that storage did not give has come from there now, where no upload may be waiting to find out.
    const isFetched = happening.kind === 'written' && storage.hasFailed(run);
    if ((happening.kind === 'uploadsLanded' || isFetched) && storage.worked(run)) {
      log.info('the platform’s storage works again');
      this.#onChange();
    }
    // Whose folder has taken it at once has not asked the state directory.
    if (happening.kind === 'written' && results.hasFailed(run) && results.worked(run))
      log.info('results that waited are written again');
  }

  /**
   * A question was answered. Where the app makes no runs, that says nothing of what does not work there.
   * @param about what was asked about, by a name that is the same each time
   */
  worked(app: string, about: string): void {
    if (this.#refusals.makesNone(app)) this.#gate.forget(about);
    else this.#gate.worked(app, about);
  }

  /**
   * @param about what was asked about, by a name that is the same each time
   * @returns how long that has to wait by itself, in ms
   */
  noteFailure(failure: Failure, app: string, about: string): number {
    const { clock, log } = this.#parts;
    if (this.#cut.aborted) return 0;
    const { newPause, waitMs } = this.#gate.note(failure, app, about, clock.monotonicMs(), clock.random());
    if (newPause !== null) {
      this.#onChange();
      const whom = newPause === 'platform' ? 'delivery pauses' : `delivery to app "${app}" pauses`;
      log.error(
        { class: failure.class, status: failure.status },
        `${whom}: ${failure.text}. ${failure.hint}`,
      );
    }
    return waitMs;
  }
}

const aboutRun = (run: number): string => `run ${String(run)}`;

/** What a request to the platform has brought about; the rest of a run's steps say nothing of the platform. */
function provesPlatform({ kind }: Happening): boolean {
  return ['uploadsLanded', 'notFinal', 'final'].includes(kind);
}
