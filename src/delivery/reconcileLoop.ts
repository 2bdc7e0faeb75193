/**
 * The second loop: it reads the lists of those apps in which a run's outcome is unknown, or which never showed a
 * fingerprint of ours. Several side by side, because one of them may be of millions, or have no end.
 */
import { setMaxListeners } from 'node:events';
import { RuntrackdError } from '../core/failure.ts';
import { Waking } from '../system/waking.ts';
import type { ListFailures } from './listFailures.ts';
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
  readonly #lists: ListFailures;
  readonly #pauses: Pauses;
  readonly #onSettled: () => void;
  /** Aborted when what is under way is to be cut off. */
  readonly #cut: AbortSignal;
  readonly #broken = new AbortController();
  readonly #waking = new Waking();
  /** When an app's list was last read in vain for any fingerprint, in ms on the clock that nobody sets. */
  readonly #askedForFingerprints = new Map<string, number>();
  /** Apps whose lists are being read. */
  readonly #underWay = new Map<string, Promise<void>>();
  #bug: Error | null = null;

  /**
   * @param onSettled runs were found or are to be sent again: delivery has something to do
   * @param cut aborted when what is under way is to be cut off
   */
  constructor(
    parts: DeliveryParts,
    lists: ListFailures,
    pauses: Pauses,
    onSettled: () => void,
    cut: AbortSignal,
  ) {
    this.#parts = parts;
    this.#lists = lists;
    this.#pauses = pauses;
    this.#onSettled = onSettled;
    this.#cut = cut;
  }

  wake(): void {
    this.#waking.wake();
  }

  /**
   * Looks for the runs whose outcome is unknown, until `stop` is aborted. A long list is not read to its end then; what it
   * has shown of ours is kept.
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
    const signal = AbortSignal.any([stop, this.#cut, this.#broken.signal]);
    // Eight lists listen to it.
    setMaxListeners(0, signal);
    // A cut begins no list any more, but who cuts says when this loop is over.
    const isOver = (): boolean => stop.aborted || this.#broken.signal.aborted;
    while (!isOver()) {
      const seen = this.#waking.count;
      const nowMs = clock.nowMs();
      const unseenApps = await outbox.unseenApps(platformId);
      await this.#forgetUnawaited(unseenApps);
      const unseen = unseenApps.filter(
        (app) =>
          clock.monotonicMs() - (this.#askedForFingerprints.get(app) ?? -Infinity) >=
          fingerprintsAskedEveryMs,
      );
      const apps = new Set([...(await outbox.unknownApps(platformId, nowMs)), ...unseen]);
      for (const app of apps) {
        const isFree = this.#underWay.size < listsAtOnce && !this.#underWay.has(app);
        const mayBegin = isFree && !this.#lists.isWaiting(app) && !this.#pauses.isPaused(app);
        if (!signal.aborted && mayBegin) this.#begin(app, signal);
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

  /** What a person has skipped is not looked for: a list that cannot be read, of an app that was deleted, say, is no trouble then. */
  async #forgetUnawaited(unseen: readonly string[]): Promise<void> {
    const { outbox, platformId } = this.#parts;
    for (const { app } of this.#lists.unreadable())
      if (!unseen.includes(app) && !(await outbox.isAwaited(platformId, app))) this.#lists.forget(app);
  }

  /** A bug: other lists may have no end, and nobody waits for them. */
  #break(error: unknown): void {
    this.#bug ??= error instanceof Error ? error : new Error(String(error));
    this.#broken.abort();
  }

  #begin(app: string, signal: AbortSignal): void {
    const work = this.#reconcile(app, signal)
      .catch((error: unknown) => this.#break(error))
      .finally(() => {
        this.#underWay.delete(app);
        this.wake();
      });
    this.#underWay.set(app, work);
  }

  async #reconcile(app: string, signal: AbortSignal): Promise<void> {
    const { clock, log, outbox, platform, platformId, progress } = this.#parts;
    this.#askedForFingerprints.set(app, clock.monotonicMs());
    const lookingAtLine = setInterval(() => {
      if (platform.budget.waitingIn('list') > 0) progress.reconcile();
    }, lookedAtLineEveryMs);
    try {
      const settled = await reconcileApp(app, this.#parts, signal);
      this.#lists.worked(app);
      if (settled > 0) this.#onSettled();
      if (await outbox.fingerprintsShow(platformId, app)) this.#askedForFingerprints.delete(app);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RuntrackdError)) throw error;
      // Whether the app is well is told by whatever else is asked of it: a list that is refused, or has no end, keeps nobody waiting.
      this.#lists.note(app, error.failure, ['platform']);
      log.warn({ app }, `looking for runs of "${app}" failed: ${error.failure.text}`);
    } finally {
      clearInterval(lookingAtLine);
    }
  }
}
