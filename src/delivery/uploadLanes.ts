/**
 * How many artefacts are on their way at once, of all runs together. They share one link: where it is slow, all of them
 * may take longer than upload URLs live, though each by itself would not. So there are fewer at once when one of them did,
 * and one more again after each such while that went well.
 */
import PQueue from 'p-queue';
import { linkTooSlow, RuntrackdError, type Failure } from '../core/failure.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';

/** Each takes the machine while it is packed, and room on the disk until it is sent. */
const archivesAtOnceMax = 4;

export class UploadLanes {
  readonly #all: PQueue;
  readonly #archives: PQueue;
  readonly #widenEveryMs: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: Log;
  #uploadsAtOnce: number;
  /** When there were last fewer of them, or one more, on the clock that nobody sets. */
  #changedAtMs = -Infinity;

  /** @param widenEveryMs so long nothing has to have been too slow, in ms, before there is one more at once */
  constructor(
    uploadsAtOnce: number,
    widenEveryMs: number,
    { clock, log }: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Log },
  ) {
    this.#uploadsAtOnce = uploadsAtOnce;
    this.#widenEveryMs = widenEveryMs;
    this.#clock = clock;
    this.#log = log;
    this.#all = new PQueue({ concurrency: uploadsAtOnce });
    this.#archives = new PQueue({ concurrency: Math.min(archivesAtOnceMax, uploadsAtOnce) });
  }

  /** Another number counts from now on; what is on its way already goes on. */
  limitTo(uploadsAtOnce: number): void {
    if (uploadsAtOnce === this.#uploadsAtOnce) return;
    this.#uploadsAtOnce = uploadsAtOnce;
    this.#all.concurrency = uploadsAtOnce;
    this.#archives.concurrency = Math.min(archivesAtOnceMax, uploadsAtOnce);
  }

  /**
   * Uploads something when it is its turn. Whoever waits to pack an archive holds up nobody who has nothing to pack.
   * @throws RuntrackdError where the link was too slow, of reach `link` unless this upload had it to itself
   */
  async add<T>(isArchive: boolean, upload: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const inLane = (): Promise<T> => this.#all.add(() => this.#minded(upload), { signal });
    return await (isArchive ? this.#archives.add(inLane, { signal }) : inLane());
  }

  async #minded<T>(upload: () => Promise<T>): Promise<T> {
    this.#widen();
    const beganMs = this.#clock.monotonicMs();
    const isAlone = this.#all.concurrency === 1 && this.#all.pending === 1;
    try {
      return await upload();
    } catch (error) {
      if (!(error instanceof RuntrackdError) || error.reason !== linkTooSlow) throw error;
      this.#narrow(beganMs);
      throw isAlone ? error : new RuntrackdError(ofSharedLink(error.failure));
    }
  }

  /** What was on its way together is too slow together, and says it once. */
  #narrow(beganMs: number): void {
    if (beganMs < this.#changedAtMs) return;
    this.#changedAtMs = this.#clock.monotonicMs();
    if (this.#all.concurrency === 1) return;
    this.#all.concurrency = Math.ceil(this.#all.concurrency / 2);
    const { concurrency } = this.#all;
    this.#log.warn(
      { uploadsAtOnce: concurrency },
      `the link is too slow for what was uploaded at once: at most ${String(concurrency)} from now on, and one more again for each ${String(Math.round(this.#widenEveryMs / 60_000))} minutes that go well`,
    );
  }

  #widen(): void {
    const steps = Math.floor((this.#clock.monotonicMs() - this.#changedAtMs) / this.#widenEveryMs);
    if (steps < 1 || this.#all.concurrency >= this.#uploadsAtOnce) return;
    // First, because what waits begins while the other is set.
    this.#changedAtMs = this.#clock.monotonicMs();
    this.#all.concurrency = Math.min(this.#uploadsAtOnce, this.#all.concurrency + steps);
  }
}

function ofSharedLink(failure: Failure): Failure {
  return {
    ...failure,
    text: `${failure.text}; others shared the link`,
    hint: 'Nothing to do: it is uploaded again beside fewer others.',
    reach: 'link',
  };
}
