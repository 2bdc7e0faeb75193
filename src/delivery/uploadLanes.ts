/**
 * How many artefacts are on their way at once, of all runs together. They share one link: where it is slow, all of them
 * may take longer than upload URLs live, though each by itself would not. So there are fewer large ones at once when one of
 * them did, and one more again after each such while that went well. Small ones are no load, and wait behind none of those.
 */
import PQueue from 'p-queue';
import { linkTooSlow, RuntrackdError, type Failure } from '../core/failure.ts';
import type { Role } from '../core/run.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';

/** Each takes the machine while it is packed, and room on the disk until it is sent. */
const archivesAtOnceMax = 4;
/** Whatever is smaller goes up in a minute where the link carries anything at all. */
const largeBytesMin = 4 * 1024 * 1024;
/**
 * Fewer at once helps after five failures at most, from 32 to one. Whatever was too slow more often, with other things
 * beside it each time, is so by itself: nobody waits for a link that is never its own.
 */
const sharedFailuresMax = 10;
/** Artefacts whose failures are remembered; the oldest are forgotten. */
const artefactsMax = 1_000;

/** What is to be uploaded. */
export interface Artefact {
  readonly run: number;
  readonly role: Role;
  /** null: an archive, which is still to be packed. */
  readonly bytes: number | null;
}

export class UploadLanes {
  readonly #all: PQueue;
  readonly #large: PQueue;
  readonly #archives: PQueue;
  readonly #widenEveryMs: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: Log;
  #uploadsAtOnce: number;
  /** When there were last fewer of them, or one more, on the clock that nobody sets. */
  #changedAtMs = -Infinity;
  /** How often artefacts were too slow beside others since they last landed. */
  readonly #sharedFailures = new Map<string, number>();

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
    this.#large = new PQueue({ concurrency: uploadsAtOnce });
    this.#archives = new PQueue({ concurrency: Math.min(archivesAtOnceMax, uploadsAtOnce) });
  }

  /** Another number counts from now on; what is on its way already goes on. */
  limitTo(uploadsAtOnce: number): void {
    if (uploadsAtOnce === this.#uploadsAtOnce) return;
    this.#uploadsAtOnce = uploadsAtOnce;
    this.#all.concurrency = uploadsAtOnce;
    this.#large.concurrency = uploadsAtOnce;
    this.#archives.concurrency = Math.min(archivesAtOnceMax, uploadsAtOnce);
  }

  /**
   * Uploads something when it is its turn. Whoever waits to pack an archive holds up nobody who has nothing to pack.
   * @throws RuntrackdError where the link was too slow: of reach `link` where others shared it, and may be to blame
   */
  async add<T>(artefact: Artefact, upload: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const inLane = (): Promise<T> => this.#all.add(() => this.#minded(artefact, upload), { signal });
    if (artefact.bytes !== null && artefact.bytes < largeBytesMin) return await inLane();
    const inTurn = (): Promise<T> => this.#large.add(inLane, { signal });
    return await (artefact.bytes === null ? this.#archives.add(inTurn, { signal }) : inTurn());
  }

  async #minded<T>({ run, role }: Artefact, upload: () => Promise<T>): Promise<T> {
    this.#widen();
    const beganMs = this.#clock.monotonicMs();
    const isAlone = this.#large.concurrency === 1 && this.#all.pending === 1;
    const about = `${String(run)} ${role}`;
    try {
      const landed = await upload();
      this.#sharedFailures.delete(about);
      return landed;
    } catch (error) {
      if (!(error instanceof RuntrackdError) || error.reason !== linkTooSlow) throw error;
      this.#narrow(beganMs);
      throw isAlone || this.#failedShared(about) > sharedFailuresMax
        ? error
        : new RuntrackdError(ofSharedLink(error.failure));
    }
  }

  /** @returns how often, with this time */
  #failedShared(about: string): number {
    const times = (this.#sharedFailures.get(about) ?? 0) + 1;
    this.#sharedFailures.delete(about);
    this.#sharedFailures.set(about, times);
    const [oldest] = this.#sharedFailures.keys();
    if (this.#sharedFailures.size > artefactsMax && oldest !== undefined) this.#sharedFailures.delete(oldest);
    return times;
  }

  /** What was on its way together is too slow together, and says it once. */
  #narrow(beganMs: number): void {
    if (beganMs < this.#changedAtMs) return;
    this.#changedAtMs = this.#clock.monotonicMs();
    if (this.#large.concurrency === 1) return;
    this.#large.concurrency = Math.ceil(this.#large.concurrency / 2);
    const { concurrency } = this.#large;
    this.#log.warn(
      { uploadsAtOnce: concurrency },
      `the link is too slow for what was uploaded at once: at most ${String(concurrency)} large artefacts from now on, and one more again for each ${String(Math.round(this.#widenEveryMs / 60_000))} minutes that go well`,
    );
  }

  #widen(): void {
    const steps = Math.floor((this.#clock.monotonicMs() - this.#changedAtMs) / this.#widenEveryMs);
    if (steps < 1 || this.#large.concurrency >= this.#uploadsAtOnce) return;
    // First, because what waits begins while the other is set.
    this.#changedAtMs = this.#clock.monotonicMs();
    this.#large.concurrency = Math.min(this.#uploadsAtOnce, this.#large.concurrency + steps);
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
