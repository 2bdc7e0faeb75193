/**
 * Looks at the folders of one drop root, one at a time each: which are open, when each is due again, and what was found.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Enqueued, Folder, RootStart } from '../outbox/nouns.ts';
import { errorCode } from '../system/files.ts';
import { Agenda } from './agenda.ts';
import type { Compared } from './comparison.ts';
import { FailedLooks } from './failedLooks.ts';
import type { Hints } from './hints.ts';
import { LeftOut } from './leaveOut.ts';
import { lookAt, type OpenFolderMemory } from './look.ts';
import type { IntakeParts } from './parts.ts';
import type { RootDirectory } from './rootDirectory.ts';
import type { RootRules } from './rules.ts';

/** Folders looked at side by side: each waits for the outbox five times, and what waits together is asked together. */
const looksAtOnce = 64;
/** So many folders may be waiting for their quiet time before the listing goes on: what is remembered of each adds up. */
const quietAtOnceMax = 10_000;
/** Those that become quiet are looked at once more, and recorded, within so many ms after their quiet time. */
const recordedWithinMs = 5_000;
/** So long a scan waits for the looks that it begins, in ms: one that reads something large goes on beside what comes next. */
const scanPatienceMs = 500;
/** So many may go on so, or wait for one that does. */
const looksLeftMax = 1_000;
/** After a look at an open folder its next event is answered after this at the earliest, in ms; the longer open, the later. */
const swarmMsMin = 50;
const swarmMsMax = 1_000;

interface OpenFolder {
  readonly memory: OpenFolderMemory;
  readonly openedMs: number;
  readonly lookedMs: number;
  readonly isWaitingForQuiet: boolean;
  /** All files that are required. */
  readonly isAllThere: boolean;
  /** This process saw it come, or change: whatever clocks say, it is no history. */
  readonly hasCome: boolean;
}

type Source = 'event' | 'scan';

export interface FolderLooksParts {
  readonly rules: RootRules;
  readonly intake: IntakeParts;
  readonly directory: Pick<RootDirectory, 'hasLost' | 'isAsSeen' | 'isMisnamed'>;
  /** Null where there are no events. */
  readonly hints: Hints | null;
  /** How the root was first watched; null where that is not known. */
  readonly start: () => RootStart | null;
  /** Whether all that lay where a folder lies was looked at: what is not known has come since. */
  readonly isListed: (path: string) => boolean;
  /** Told whenever a folder was looked at. */
  readonly onLooked: () => void;
  /** Told what a look that nobody waits for has thrown. */
  readonly onBug: (error: unknown) => void;
}

export class FolderLooks {
  readonly failed: FailedLooks;
  readonly leftOut: LeftOut;
  readonly #parts: FolderLooksParts;
  readonly #quietMax: number;
  readonly #open = new Map<string, OpenFolder>();
  readonly #agenda = new Agenda();
  readonly #looks = new PQueue({ concurrency: looksAtOnce });
  readonly #looking = new Map<string, Promise<Enqueued | null>>();
  /** Folders that moved while they were looked at. */
  readonly #movedMeanwhile = new Set<string>();
  readonly #found = { byScan: 0, byEvent: 0 };
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #waitingForQuiet = 0;
  #isStopped = false;

  /** @param quietMax how many may be waiting for their quiet time; fewer in tests */
  constructor(parts: FolderLooksParts, quietMax = quietAtOnceMax) {
    const { rules, intake } = parts;
    this.#parts = parts;
    this.#quietMax = quietMax;
    this.failed = new FailedLooks(rules.root, intake.log);
    this.leftOut = new LeftOut(rules.root, intake.log);
  }

  /** How many folders were seen first in a scan, and how many because of an event. */
  found(): { readonly byScan: number; readonly byEvent: number } {
    return this.#found;
  }

  isOpen(path: string): boolean {
    return this.#open.has(path);
  }

  openPaths(): string[] {
    return [...this.#open.keys()];
  }

  /** Those of the folders that are still open, as a comparison wants them. */
  asLastSeen(paths: readonly string[]): Compared[] {
    return paths.flatMap((path) => {
      const memory = this.#open.get(path)?.memory;
      if (memory === undefined) return [];
      const { signature, isMendedUnseen, isMarkerMissing } = memory;
      return [[path, isMendedUnseen ? '' : signature, isMarkerMissing] as const];
    });
  }

  /** Watches what is open and not all there, as after watches began anew. */
  watchOpen(nowMs: number): void {
    for (const [path, { isAllThere }] of this.#open)
      if (!isAllThere) this.#parts.hints?.watchFolder(path, nowMs);
  }

  /**
   * Waits while so many folders wait for their quiet time, or are looked at, that no more should be opened: until all that
   * are quiet by now would be done, and no longer. Those that move on and on must not keep the scan for ever; what is
   * remembered grows by a page in that time.
   */
  async roomForMore(): Promise<void> {
    const { rules, intake } = this.#parts;
    const untilMs = intake.clock.monotonicMs() + rules.root.settle.quietMs + recordedWithinMs;
    await this.#fewUnderWay();
    while (this.#waitingForQuiet > this.#quietMax && !this.#isStopped) {
      if (intake.clock.monotonicMs() >= untilMs) return;
      await sleep(swarmMsMin);
    }
  }

  /** Each look ends by itself. */
  async #fewUnderWay(): Promise<void> {
    while (this.#looking.size > looksLeftMax && !this.#isStopped) await sleep(swarmMsMin);
  }

  /**
   * Looks at folders for a scan that has others to find: waits until most of it is done, and no longer. What is thrown later
   * is told.
   */
  async lookOver(paths: readonly string[]): Promise<void> {
    const over = new AbortController();
    const looked = Promise.all(paths.map((path) => this.look(path, 'scan'))).finally(() => over.abort());
    looked.catch((error: unknown) => this.#parts.onBug(error));
    const patience = sleep(scanPatienceMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([looked, patience]);
    await this.#fewUnderWay();
  }

  /** No look begins any more. */
  halt(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#agenda.clear();
  }

  /** Ends when the looks under way have. */
  async stop(): Promise<void> {
    this.halt();
    await this.#looks.onIdle();
    this.leftOut.say();
  }

  /** The first event of a swarm is answered at once, those that follow after a while. */
  lookSoon(path: string): void {
    const nowMs = this.#parts.intake.clock.monotonicMs();
    const open = this.#open.get(path);
    const swarmMs =
      open === undefined ? 0 : Math.min(swarmMsMax, swarmMsMin + (open.lookedMs - open.openedMs) / 10);
    this.#agenda.add(path, open === undefined ? nowMs : Math.max(nowMs, open.lookedMs + swarmMs));
    this.#pump();
  }

  /** Begins the looks that are due, as many as may run, and sleeps until the next one is. */
  #pump(): void {
    if (this.#isStopped) return;
    const nowMs = this.#parts.intake.clock.monotonicMs();
    while (this.#looks.size + this.#looks.pending < looksAtOnce) {
      const path = this.#agenda.take(nowMs);
      if (path === null) break;
      if (this.#looking.has(path)) this.#movedMeanwhile.add(path);
      else this.look(path, 'event').catch((error: unknown) => this.#parts.onBug(error));
    }
    const nextMs = this.#agenda.nextMs();
    if (nextMs === null || (nextMs >= this.#timerMs && this.#timerMs > nowMs)) return;
    // Otherwise the end of a look pumps again.
    if (nextMs <= nowMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = nextMs;
    this.#timer = setTimeout(
      () => {
        this.#timerMs = Infinity;
        this.#pump();
      },
      Math.min(Math.ceil(nextMs - nowMs), 0x7fffffff),
    );
  }

  /** One look at a time per folder: a second wish joins the first. */
  look(path: string, source: Source): Promise<Enqueued | null> {
    const under = this.#looking.get(path);
    if (under !== undefined) return under;
    const look = this.#looks
      .add(() => this.#lookNow(path, source))
      .finally(() => {
        this.#looking.delete(path);
        this.#parts.onLooked();
        if (this.#movedMeanwhile.delete(path)) this.lookSoon(path);
        else this.#pump();
      });
    this.#looking.set(path, look);
    return look;
  }

  async #lookNow(path: string, source: Source): Promise<Enqueued | null> {
    const { rules, intake, directory, hints } = this.#parts;
    const { outbox, clock } = intake;
    const { root } = rules;
    if (this.#isStopped || directory.isMisnamed()) return null;
    const before = this.#open.get(path);
    try {
      const [known] = await outbox.folders(root.name, [path]);
      const hasCome = before?.hasCome ?? (await this.#hasCome(path, known));
      const start = hasCome ? null : this.#parts.start();
      const hasVanished = async (): Promise<boolean> =>
        (await directory.hasLost(path)) && (known === undefined || this.leftOut.hasVanished(known));
      const looked = await lookAt(path, rules, known, before?.memory, start, intake, hasVanished);
      this.failed.delete(path);
      const isNew = known === undefined && before === undefined;
      if (isNew && (looked.kind === 'open' || looked.enqueued !== null)) {
        if (source === 'event') this.#found.byEvent += 1;
        else this.#found.byScan += 1;
      }
      if (looked.kind === 'done') {
        if (looked.leftOut !== undefined) this.leftOut.add(path, looked.leftOut);
        this.#close(path);
        return looked.enqueued;
      }
      const nowMs = clock.monotonicMs();
      const { againInMs, memory, isAllThere } = looked;
      const isWaitingForQuiet = againInMs !== null && againInMs <= root.settle.quietMs;
      this.#waitingForQuiet += Number(isWaitingForQuiet) - Number(before?.isWaitingForQuiet ?? false);
      this.#open.set(path, {
        memory,
        openedMs: before?.openedMs ?? nowMs,
        lookedMs: nowMs,
        isWaitingForQuiet,
        isAllThere,
        hasCome: hasCome || (before !== undefined && before.memory.signature !== memory.signature),
      });
      // What is all there only has to be quiet for a while, and is looked at then.
      if (isAllThere) hints?.unwatchFolder(path);
      else hints?.watchFolder(path, nowMs);
      if (againInMs !== null) this.#agenda.add(path, nowMs + againInMs);
      return null;
    } catch (error) {
      const code = errorCode(error);
      // A system error concerns this folder; anything that nobody named is a bug.
      if (code === undefined || code.startsWith('SQLITE')) throw error;
      this.failed.add(path, code);
      return null;
    }
  }

  /**
   * Whether a folder that is not open was not there when the root was listed, and is not one of another directory in its
   * place; or was left out before it was complete, and is another one now.
   */
  async #hasCome(path: string, known: Folder | undefined): Promise<boolean> {
    if (known?.state === 'skipped') return known.signature !== '' && this.leftOut.wasIncomplete(path);
    if (known !== undefined || !this.#parts.isListed(path) || this.failed.has(path)) return false;
    const { rules, directory } = this.#parts;
    return rules.root.backfill.kind === 'all' || (await directory.isAsSeen());
  }

  #close(path: string): void {
    const open = this.#open.get(path);
    if (open === undefined) return;
    this.#open.delete(path);
    this.#agenda.delete(path);
    if (open.isWaitingForQuiet) this.#waitingForQuiet -= 1;
    this.#parts.hints?.unwatchFolder(path);
  }
}
