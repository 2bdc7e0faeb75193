/**
 * When events may have been lost without a word. The kernel keeps 16,384 of them for a process that does not come to
 * read them, throws the others away, and nobody tells (libuv drops the note of it). So two things are taken for a sign:
 * the event loop came late, or very many events arrived in one turn of it. Then every root is listed again.
 */
import type { Clock } from '../system/clock.ts';

/**
 * The loop's lateness is looked at this often, in ms. A shorter stop may pass unseen between two beats: if events were lost
 * in it, as many as the kernel keeps arrive at once afterwards. More often would be most of what an idle daemon costs.
 */
const beatMs = 5_000;
/** A loop that comes later than this may have let the queue run over, in ms. */
const lateMs = 1_000;
/** Half of what the kernel's queue holds (fs.inotify.max_queued_events) by default. */
const eventsInTurnMax = 8_192;

export class MissedEvents {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #beat: NodeJS.Timeout | undefined;
  #lastMs = 0;
  #inTurn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param listener told each time that events may have been lost
   * @returns ends that
   */
  onDoubt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#beat !== undefined) return;
    this.#lastMs = this.#clock.monotonicMs();
    this.#beat = setInterval(() => {
      const nowMs = this.#clock.monotonicMs();
      const isLate = nowMs - this.#lastMs > beatMs + lateMs;
      this.#lastMs = nowMs;
      if (isLate) this.#tell();
    }, beatMs);
    this.#beat.unref();
  }

  stop(): void {
    clearInterval(this.#beat);
    this.#beat = undefined;
  }

  /** One event arrived. All roots share one queue in the kernel. */
  count(): void {
    this.#inTurn += 1;
    if (this.#inTurn === 1) {
      // All that the kernel had is delivered before the turn ends.
      setImmediate(() => {
        const isMany = this.#inTurn >= eventsInTurnMax;
        this.#inTurn = 0;
        if (isMany) this.#tell();
      });
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
