/**
 * The second loop: it reads the lists of those apps in which a run's outcome is unknown, or which never showed a
 * fingerprint of ours. Several side by side, because one of them may be of millions, or have no end.
 */
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { Waking } from '../system/waking.ts';
import type { Gate } from './gate.ts';
import type { DeliveryParts } from './parts.ts';
import type { Pauses } from './pauses.ts';
import { reconcileApp } from './reconcile.ts';

/** A platform that never showed a fingerprint of ours is asked again this often. */
const fingerprintsAskedEveryMs = 10 * 60_000;
/** With nothing due, it is looked again after this: the clock may have been set. */
const idleMsMax = 30_000;
/** So many lists are read at once; they share the slots that lists have. */
const listsAtOnce = 8;
/** So often it is looked whether a page waits for its slot, in ms: the platform may wish for long waits, and that is no loop that hangs. */
const lookedAtLineEveryMs = 30_000;

export class ReconcileLoop {
  readonly #parts: DeliveryParts;
  readonly #gate: Gate;
  readonly #pauses: Pauses;
  readonly #onSettled: () => void;
  /** Aborted when what is under way is to be cut off, or a bug has ended this loop. */
  readonly #cut: AbortSignal;
  readonly #broken = new AbortController();
  readonly #waking = new Waking();
  /** When an app's list was last read in vain for any fingerprint, in ms on the clock that nobody sets. */
  readonly #askedForFingerprints = new Map<string, number>();
  /** Why an app's list could not be read the last time. */
  readonly #failed = new Map<string, Failure>();
  /** Apps whose lists are being read. */
  readonly #underWay = new Map<string, Promise<void>>();
  #bug: Error | null = null;

  /**
   * @param onSettled runs were found or are to be sent again: delivery has something to do
   * @param cut aborted when what is under way is to be cut off
   */
  constructor(parts: DeliveryParts, gate: Gate, pauses: Pauses, onSettled: () => void, cut: AbortSignal) {
    this.#parts = parts;
    this.#gate = gate;
    this.#pauses = pauses;
    this.#onSettled = onSettled;
    this.#cut = AbortSignal.any([cut, this.#broken.signal]);
  }

  wake(): void {
    this.#waking.wake();
  }

  /** Apps whose list alone cannot be read, and why: the runs whose outcome is unknown wait for it, and nobody else does. */
  unreadable(): { readonly app: string; readonly failure: Failure }[] {
    return [...this.#failed]
      .filter(([app]) => this.#gate.isBlamed(aboutList(app)))
      .map(([app, failure]) => ({ app, failure }));
  }

  /**
   * Looks for the runs whose outcome is unknown, until `stop` is aborted, then finishes the lists that are being read.
   * @throws whatever nobody named: a bug, which ends the process
   */
  async run(stop: AbortSignal): Promise<void> {
    stop.addEventListener('abort', () => this.wake(), { once: true });
    try {
      await this.#rounds(stop);
    } catch (error) {
      this.#break(error);
    }
    await Promise.all(this.#underWay.values());
    if (this.#bug !== null) throw this.#bug;
  }

  async #rounds(stop: AbortSignal): Promise<void> {
    const { outbox, clock, platformId } = this.#parts;
    // A cut begins no list any more, but who cuts says when this loop is over.
    const isOver = (): boolean => stop.aborted || this.#broken.signal.aborted;
    while (!isOver()) {
      const seen = this.#waking.count;
      const nowMs = clock.nowMs();
      const unseen = (await outbox.unseenApps(platformId)).filter(
        (app) =>
          clock.monotonicMs() - (this.#askedForFingerprints.get(app) ?? -Infinity) >=
          fingerprintsAskedEveryMs,
      );
      const apps = new Set([...(await outbox.unknownApps(platformId, nowMs)), ...unseen]);
      for (const app of apps) {
        const isWaiting = this.#gate.isWaiting(aboutList(app), clock.monotonicMs());
        const isFree = this.#underWay.size < listsAtOnce && !this.#underWay.has(app);
        if (!stop.aborted && !this.#cut.aborted && isFree && !isWaiting && !this.#pauses.isPaused(app)) this.#begin(app);
      }
      // What is being read shows by its pages that it moves.
      if (this.#underWay.size === 0) this.#parts.progress.reconcile();
      const dueMs = (await outbox.nextDueMs(platformId, ['reconcile'])) ?? Infinity;
      // What is being read is due all the time.
      const waitMsMin = this.#underWay.size > 0 ? 1_000 : 250;
      const waitMs = Math.min(idleMsMax, Math.max(waitMsMin, dueMs - clock.nowMs()));
      if (!isOver()) await this.#waking.wait(seen, waitMs);
    }
  }

  /** A bug: other lists may have no end, and nobody waits for them. */
  #break(error: unknown): void {
    this.#bug ??= error instanceof Error ? error : new Error(String(error));
    this.#broken.abort();
  }

  #begin(app: string): void {
    const work = this.#reconcile(app)
      .catch((error: unknown) => this.#break(error))
      .finally(() => {
        this.#underWay.delete(app);
        this.wake();
      });
    this.#underWay.set(app, work);
  }

  async #reconcile(app: string): Promise<void> {
    const { clock, log, outbox, platform, platformId, progress } = this.#parts;
    this.#askedForFingerprints.set(app, clock.monotonicMs());
    const lookingAtLine = setInterval(() => {
      if (platform.budget.waitingIn('list') > 0) progress.reconcile();
    }, lookedAtLineEveryMs);
    try {
      const settled = await reconcileApp(app, this.#parts, this.#cut);
      this.#gate.worked(app, aboutList(app));
      this.#failed.delete(app);
      if (settled > 0) this.#onSettled();
      if (await outbox.fingerprintsShow(platformId, app)) this.#askedForFingerprints.delete(app);
    } catch (error) {
      if (error instanceof RuntrackdError) {
        this.#failed.set(app, error.failure);
        this.#noteFailure(error.failure, app);
        log.warn({ app }, `looking for runs of "${app}" failed: ${error.failure.text}`);
      } else if (!this.#cut.aborted) throw error;
    } finally {
      clearInterval(lookingAtLine);
    }
  }

  /** Whether the app is well is told by whatever else is asked of it: a list that is refused, or has no end, keeps nobody waiting. */
  #noteFailure(failure: Failure, app: string): void {
    const { clock } = this.#parts;
    if (failure.reach === 'platform') this.#pauses.noteFailure(failure, app, aboutList(app));
    else this.#gate.blame(aboutList(app), failure, clock.monotonicMs(), clock.random());
  }
}

const aboutList = (app: string): string => `list of ${app}`;
