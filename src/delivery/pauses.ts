/** What steps say of the platform, its apps and its storage: who pauses for it, and what is told of that. */
import type { Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import type { Claim } from '../outbox/nouns.ts';
import type { Gate } from './gate.ts';
import type { DeliveryParts } from './parts.ts';
import type { StorageBreaker } from './storageBreaker.ts';

export class Pauses {
  readonly #parts: Pick<DeliveryParts, 'clock' | 'log'>;
  readonly #gate: Gate;
  readonly #storage: StorageBreaker;
  readonly #onChange: () => void;
  readonly #cut: AbortSignal;

  /**
   * @param onChange delivery has to know when a pause begins or ends: it is the one that probes
   * @param cut aborted when what is under way is cut off, which says nothing of the platform
   */
  constructor(
    parts: Pick<DeliveryParts, 'clock' | 'log'>,
    gate: Gate,
    storage: StorageBreaker,
    onChange: () => void,
    cut: AbortSignal,
  ) {
    this.#parts = parts;
    this.#gate = gate;
    this.#storage = storage;
    this.#onChange = onChange;
    this.#cut = cut;
  }

  isPaused(app: string): boolean {
    return this.#gate.platformPause() !== null || this.#gate.appPauses().some((paused) => paused.app === app);
  }

  /** Takes in what a step has met. @returns the same, with the wait that storage asks for */
  note(happening: Happening, { run, key: { app } }: Claim): Happening {
    const { clock, log } = this.#parts;
    if (!('failure' in happening) || happening.failure === null) {
      if (provesPlatform(happening)) this.#gate.worked(app);
      if (happening.kind === 'uploadsLanded' && this.#storage.worked(run)) {
        log.info('the platform’s storage takes uploads again');
        this.#onChange();
      }
      return happening;
    }
    const { failure } = happening;
    if (failure.reach !== 'storage') {
      this.noteFailure(failure, app);
      return happening;
    }
    const { isNewPause, waitMs } = this.#storage.failed(run, failure, clock.monotonicMs(), clock.random());
    if (isNewPause && !this.#cut.aborted) {
      log.error(
        { class: failure.class, status: failure.status },
        `uploads pause: ${failure.text}. ${failure.hint} What is uploaded already goes on.`,
      );
    }
    return { ...happening, failure: { ...failure, retryAfterMs: waitMs } };
  }

  noteFailure(failure: Failure, app: string): void {
    const { clock, log } = this.#parts;
    if (this.#cut.aborted || !this.#gate.note(failure, app, clock.monotonicMs(), clock.random())) return;
    this.#onChange();
    const whom = failure.reach === 'platform' ? 'delivery pauses' : `delivery to app "${app}" pauses`;
    log.error({ class: failure.class, status: failure.status }, `${whom}: ${failure.text}. ${failure.hint}`);
  }
}

/** What a request to the platform has brought about; the rest of a run's steps say nothing of the platform. */
function provesPlatform({ kind }: Happening): boolean {
  return ['uploadsLanded', 'made', 'notFinal', 'final'].includes(kind);
}
