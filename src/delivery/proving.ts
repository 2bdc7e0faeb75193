/**
 * For which apps the outbox is known to know what it did, since this process began. It is found out in nobody's hands: a run
 * that waited for a long list would hold a place, and one under which the process has died before would hold all of them.
 */
import PQueue from 'p-queue';
import { failureOfError } from './namedErrors.ts';
import type { ListFailures } from './listFailures.ts';
import type { DeliveryParts } from './parts.ts';
import type { Pauses } from './pauses.ts';
import { proveOutbox } from './trust.ts';

/** So many lists are read for it at once. */
const listsAtOnce = 8;

export interface ProvingEars {
  /** An app is proven, or is to be tried again: its runs may be claimed. */
  readonly onChange: () => void;
  /** Nobody can believe the outbox: what was about to be sent is unknown now. */
  readonly onDistrust: () => void;
  /** An error that nobody named. */
  readonly onBug: (error: unknown, app: string) => void;
}

export class Proving {
  readonly #parts: DeliveryParts;
  readonly #lists: ListFailures;
  readonly #pauses: Pauses;
  readonly #ears: ProvingEars;
  readonly #signal: AbortSignal;
  readonly #places = new PQueue({ concurrency: listsAtOnce });
  readonly #proven = new Set<string>();
  /** Apps whose lists are being read, or are about to be. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Apps whose lists could not be read the last time. */
  readonly #failed = new Set<string>();

  /** @param signal aborted when delivery is to end: a long list is not read to its end by a process that is about to stop */
  constructor(
    parts: DeliveryParts,
    lists: ListFailures,
    pauses: Pauses,
    ears: ProvingEars,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#lists = lists;
    this.#pauses = pauses;
    this.#ears = ears;
    this.#signal = signal;
  }

  /** @returns false when it is not known yet: it is being found out then, and no run of the app is sent */
  isProven(app: string): boolean {
    if (this.#proven.has(app)) return true;
    if (!this.#underWay.has(app) && !this.#isWaiting(app) && !this.#pauses.isPaused(app))
      this.#underWay.set(
        app,
        this.#places.add(() => this.#prove(app)),
      );
    return false;
  }

  /** Apps whose new runs stay where they are for the time being. */
  held(): string[] {
    return [...this.#underWay.keys(), ...this.awaited()];
  }

  /** Those of them whose lists could not be read, and are tried again at their time. */
  awaited(): string[] {
    return [...this.#failed].filter((app) => this.#isWaiting(app));
  }

  /** Ends when no list is being read any more, which is soon after the signal. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Apps of which nothing new is sent because their lists alone cannot be read. */
  failed(): string[] {
    return [...this.#failed];
  }

  /** It failed, and is not tried again yet. */
  #isWaiting(app: string): boolean {
    return this.#failed.has(app) && (this.#lists.isWaiting(app) || this.#pauses.isPaused(app));
  }

  async #prove(app: string): Promise<void> {
    const { log } = this.#parts;
    try {
      if (this.#signal.aborted) return;
      const isBelieved = await proveOutbox(app, this.#parts, this.#signal);
      this.#proven.add(app);
      this.#failed.delete(app);
      this.#lists.worked(app);
      if (!isBelieved) this.#ears.onDistrust();
    } catch (error) {
      if (this.#signal.aborted) return;
      const failure = failureOfError(error);
      if (failure === null) {
        this.#ears.onBug(error, app);
        return;
      }
      this.#failed.add(app);
      this.#lists.note(app, failure, ['platform', 'app']);
      log.warn({ app }, `what "${app}" has runs of could not be read, so none is sent yet: ${failure.text}`);
    } finally {
      // Read or not, it was tried.
      this.#parts.progress.delivery();
      this.#underWay.delete(app);
      this.#ears.onChange();
    }
  }
}
