/**
 * Recorded folders are looked at again, each at least once in `audit_every`: content may be rewritten, and folders
 * vanish, without an event. Small roots are gone through at every scan. Larger ones in small steps, evenly over the time,
 * so that nothing is noticed of it; a restart goes on where the last process was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Enqueued, Recorded, ScanFacts } from '../outbox/nouns.ts';
import type { Auditor } from './auditor.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

/** Up to so many folders are gone through at every scan: some 8 ms of the thread's time. */
export const smallRootMax = 256;
/** One order to the thread: some 15 ms of its time. */
const pageOfRecorded = 512;
/**
 * So many steps to a round, and none more often or more seldom than this, in ms. A thread that wakes up finds the processor's
 * caches cold, and its first hundred folders cost two to four times what others cost: a few large steps are cheaper.
 */
const stepsOfRound = 360;
const stepMsMin = 5_000;
const stepMsMax = 10_000;
/** No step is larger, however far behind: a burst would be noticed. */
const stepFoldersMax = 8_000;
/** The round is planned to be over a little earlier than it has to be. */
const margin = 0.9;
/** Where it is, is written down this often, in ms. */
const savedEveryMs = 60_000;

export interface AuditParts extends Pick<IntakeParts, 'outbox' | 'clock'> {
  readonly root: DropRoot;
  readonly auditor: Auditor;
  /** Looks at a folder, and does what follows. */
  readonly look: (path: string) => Promise<Enqueued | null>;
  /** Whether what is missing from the root can be believed to have vanished. */
  readonly isRootWell: () => boolean;
}

export class Audit {
  readonly #parts: AuditParts;
  /** Folders that were recorded when the round began; null: it begins. */
  #inRound: number | null = null;
  #after: string | null = null;
  #credit = 0;
  #lastStepMs: number;
  #savedMs: number;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    this.#lastStepMs = parts.clock.monotonicMs();
    this.#savedMs = this.#lastStepMs;
  }

  /**
   * With a scan: a small root is gone through wholly, and any root when a person asks.
   * @param recorded all of a small root's folders; null: it is a large one
   * @param onCompared told how many more folders were compared
   */
  async withScan(
    recorded: ScanFacts['recorded'],
    asked: boolean,
    isStopped: () => boolean,
    onCompared: (folders: number) => void,
  ): Promise<readonly Enqueued[]> {
    const { outbox, root } = this.#parts;
    if (recorded !== null) return (await this.#compare(recorded)) ?? [];
    const enqueued: Enqueued[] = [];
    for (let after = ''; asked && !isStopped();) {
      const page = await outbox.recorded(root.name, after, pageOfRecorded);
      enqueued.push(...((await this.#compare(page)) ?? []));
      onCompared(page.length);
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRecorded) break;
      [after] = last;
    }
    return enqueued;
  }

  /** Steps, until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      if (this.#parts.isRootWell()) await this.step(stop);
      await sleep(stepMsFor(this.#parts.root), undefined, { signal: stop, ref: false }).catch(
        () => undefined,
      );
    }
  }

  /** As many folders as are due since the last step. */
  async step(stop: AbortSignal): Promise<void> {
    const { outbox, clock, root } = this.#parts;
    const nowMs = clock.monotonicMs();
    const elapsedMs = nowMs - this.#lastStepMs;
    this.#lastStepMs = nowMs;
    this.#after ??= await outbox.auditedTo(root.name);
    this.#inRound ??= await outbox.folderCount(root.name);
    if (this.#inRound <= smallRootMax) {
      // The scan does it; it may have grown by the next step.
      this.#inRound = null;
      return;
    }
    this.#credit += (elapsedMs * this.#inRound) / (root.auditEveryMs * margin);
    this.#credit = Math.min(this.#credit, stepFoldersMax);
    while (this.#credit >= 1 && !stop.aborted) {
      const wanted = Math.min(pageOfRecorded, Math.floor(this.#credit));
      const page = await outbox.recorded(root.name, this.#after, wanted);
      if ((await this.#compare(page)) === null) return;
      this.#credit -= page.length;
      const last = page.at(-1);
      if (last !== undefined && page.length === wanted) [this.#after] = last;
      else {
        this.#after = '';
        this.#inRound = null;
        break;
      }
    }
    if (nowMs - this.#savedMs < savedEveryMs) return;
    this.#savedMs = nowMs;
    await outbox.saveAuditedTo(root.name, this.#after);
  }

  /** @returns the runs that came of it; null: the thread ended meanwhile, and the same is due again */
  async #compare(page: readonly Recorded[]): Promise<Enqueued[] | null> {
    const { auditor, root, look } = this.#parts;
    const differing = await auditor.differing(root, page);
    if (differing === null) return null;
    const enqueued: Enqueued[] = [];
    for (const path of differing) {
      const found = await look(path);
      if (found !== null) enqueued.push(found);
    }
    return enqueued;
  }
}

function stepMsFor({ auditEveryMs }: DropRoot): number {
  return Math.min(stepMsMax, Math.max(stepMsMin, auditEveryMs / stepsOfRound));
}
