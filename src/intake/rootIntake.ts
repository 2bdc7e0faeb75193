/**
 * One drop root under watch. The scan is the truth: it lists the root, looks at what is new or open, and has recorded
 * folders compared. Events and times only make a look come sooner.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Enqueued, Folder, RootStart } from '../outbox/nouns.ts';
import { errorCode } from '../system/files.ts';
import { fileSystemAt } from '../system/fileSystem.ts';
import { Waking } from '../system/waking.ts';
import { Agenda } from './agenda.ts';
import { Audit, smallRootMax } from './audit.ts';
import type { Auditor } from './auditor.ts';
import { targetOf } from './enqueue.ts';
import { announce, warnOfClock } from './firstStart.ts';
import { FailedLooks } from './failedLooks.ts';
import { chokidarEntriesMax, Hints, parentWatchesMax, type HintsKind } from './hints.ts';
import { runFolderOf } from './levels.ts';
import { Listing, oneAhead } from './listing.ts';
import { LeftOut } from './leaveOut.ts';
import { lookAt, type OpenFolderMemory } from './look.ts';
import type { MissedEvents } from './missedEvents.ts';
import type { IntakeParts } from './parts.ts';
import { RootDirectory, type RootPlace } from './rootDirectory.ts';
import { rulesOf, type DropRoot, type RootRules } from './rules.ts';

/** Folders looked at side by side: each waits for the outbox five times, and what waits together is asked together. */
const looksAtOnce = 64;
/** Rows asked of the outbox at once. */
const pageOfRows = 500;
/** Up to so many open folders are looked at one by one at each scan; of more, the audit's thread says which have moved. */
const openOneByOneMax = 64;
/** Open folders compared in one order to the audit's thread. */
const pageOfOpen = 512;
/** So many folders may be waiting for their quiet time before the listing goes on: what is remembered of each adds up. */
const quietAtOnceMax = 10_000;
/** After a look at an open folder its next event is answered after this at the earliest, in ms; the longer open, the later. */
const swarmMsMin = 50;
const swarmMsMax = 1_000;
/** Scans that events ask for follow each other at this distance at the least, in ms. */
const hintedScanMs = 200;

export interface ScanReport {
  readonly folders: number;
  readonly looked: number;
  /** Runs that the scan has made, when a person asked for it. */
  readonly enqueued: readonly Enqueued[];
}

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

/** What all drop roots share. */
export interface IntakeShared {
  readonly auditor: Auditor;
  /** Null for a command that looks once and needs no events. */
  readonly missed: MissedEvents | null;
}

export class RootIntake {
  readonly rules: RootRules;
  readonly #parts: IntakeParts;
  readonly #hints: Hints | null;
  readonly #listing: Listing;
  readonly #directory: RootDirectory;
  readonly #audit: Audit;
  readonly #auditor: Auditor;
  readonly #onProgress: () => void;
  readonly #leaveDoubt: (() => void) | undefined;
  readonly #open = new Map<string, OpenFolder>();
  readonly #agenda = new Agenda();
  readonly #looks = new PQueue({ concurrency: looksAtOnce });
  readonly #looking = new Map<string, Promise<Enqueued | null>>();
  /** Folders that moved while they were looked at. */
  readonly #movedMeanwhile = new Set<string>();
  readonly #failed: FailedLooks;
  readonly #leftOut: LeftOut;
  readonly #scans = new PQueue({ concurrency: 1 });
  readonly #waking = new Waking();
  readonly #found = { byScan: 0, byEvent: 0 };
  #start: RootStart | null = null;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #waitingForQuiet = 0;
  #mustList = true;
  /** This process has looked at all that lay in the directory that the root is now: what it does not know has come since. */
  #isListed = false;
  #isHinted = false;
  /** The distrust, by its time, since which this process has scanned the whole root once. */
  #scannedSince: number | null = null;
  #lastScanMs: number | null = null;
  /** When a small root was last gone through, by the monotonic clock. */
  #auditedMs = -Infinity;
  #isStopped = false;
  #bug: Error | null = null;

  /** @param onProgress called whenever something of a folder was read, a folder was looked at, or a scan ended */
  constructor(root: DropRoot, parts: IntakeParts, { auditor, missed }: IntakeShared, onProgress: () => void) {
    this.#onProgress = onProgress;
    this.rules = rulesOf(root, undefined, onProgress);
    this.#parts = parts;
    this.#auditor = auditor;
    this.#listing = new Listing(this.rules, parts);
    this.#directory = new RootDirectory(root, parts);
    this.#failed = new FailedLooks(root, parts.log);
    this.#leftOut = new LeftOut(root, parts.log);
    this.#audit = new Audit({
      ...parts,
      root,
      auditor,
      look: (path) => this.#look(path, 'scan'),
      isRootWell: () => this.#directory.trouble() === null,
    });
    this.#hints =
      missed === null
        ? null
        : new Hints({
            root: root.path,
            name: root.name,
            log: parts.log,
            missed,
            onPath: (path) => this.#hinted(path),
            onUnknown: () => this.rescan(),
          });
    this.#leaveDoubt = missed?.onDoubt(() => this.rescan());
  }

  /** What is wrong with the root; null when all is well. */
  trouble(): string | null {
    return (
      this.#directory.trouble() ??
      this.#parts.folders.trouble(this.rules.root.path) ??
      this.#listing.trouble() ??
      this.#failed.trouble() ??
      this.#hints?.degraded() ??
      null
    );
  }

  /** Why the root cannot be scanned at all; null when it can. */
  unscanned(): string | null {
    return this.#directory.trouble();
  }

  lastScanMs(): number | null {
    return this.#lastScanMs;
  }

  /** Where looks come from, beside scans. */
  hints(): HintsKind {
    return this.#hints?.kind() ?? 'scan-only';
  }

  /** How many folders this process has seen first in a scan, and how many because of an event. */
  found(): { readonly byScan: number; readonly byEvent: number } {
    return this.#found;
  }

  /** How many run folders lay in the root when it was first watched for its platform and app. */
  historyFound(): number {
    return this.#start?.historyFound ?? 0;
  }

  /** How many there are, for whoever is told how far a look at all of them is; 0 when the root cannot be listed. */
  async folderTotal(): Promise<number> {
    let total = 0;
    for await (const page of this.folderPages()) total += page.length;
    return total;
  }

  /** Pages of the paths that a scan would look at; none when the root cannot be listed. */
  async *folderPages(): AsyncGenerator<readonly string[]> {
    if (!(await this.#directory.isThere())) return;
    // Of its own, so that nothing is passed over at the next scan.
    const listing = new Listing(this.rules, this.#parts);
    try {
      yield* listing.pages(true);
    } catch (error) {
      this.#directory.fail(error);
    }
  }

  /** Looks at one folder now, as after a person's word. */
  async lookNow(path: string): Promise<void> {
    await this.#look(path, 'scan');
  }

  /** Events may be missing: everything is listed again, soon. */
  rescan(): void {
    this.#mustList = true;
    this.#scanSoon();
  }

  /** Scans until `stop` is aborted. @throws what nobody named: a bug */
  async run(stop: AbortSignal): Promise<void> {
    const onStop = (): void => {
      // What is queued is passed over, and what is being looked at ends.
      this.#isStopped = true;
      this.#waking.wake();
    };
    stop.addEventListener('abort', onStop, { once: true });
    const audited = this.#audit.run(stop).catch((error: unknown) => this.#noteBug(error));
    try {
      while (!stop.aborted) {
        const seen = this.#waking.count;
        await this.scan(false);
        this.#onProgress();
        if (this.#bug !== null) throw this.#bug;
        await this.#waking.wait(seen, this.rules.root.scanEveryMs);
        await this.#restAfterHint(stop);
      }
    } finally {
      await this.stop();
    }
    await audited;
    if (this.#bug !== null) throw this.#bug;
  }

  /** What events ask for comes in swarms, and one scan answers all of a swarm. */
  async #restAfterHint(stop: AbortSignal): Promise<void> {
    if (this.#isHinted && !stop.aborted)
      await sleep(hintedScanMs, undefined, { signal: stop }).catch(() => undefined);
    this.#isHinted = false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#leaveDoubt?.();
    clearTimeout(this.#timer);
    this.#agenda.clear();
    await this.#hints?.stop();
    await this.#looks.onIdle();
    this.#leftOut.say();
  }

  /**
   * Looks at the whole root once.
   * @param asked a person asks: every finished folder too, not just the next ones in turn, and a root that is another
   *   directory than before is believed to be meant so
   * @param onPart told how much of it is done, from 0 to 1
   */
  async scan(asked: boolean, onPart: ((part: number) => void) | null = null): Promise<ScanReport> {
    // A person's scan and the regular one would get into each other's way.
    return await this.#scans.add(async () => this.#scan(asked, await this.#advancing(onPart)));
  }

  /** @returns told how many more folders were listed, or compared with what was recorded: that is what a scan does */
  async #advancing(onPart: ((part: number) => void) | null): Promise<(folders: number) => void> {
    if (onPart === null) return () => undefined;
    const total = (await this.folderTotal()) + (await this.#parts.outbox.folderCount(this.rules.root.name));
    let done = 0;
    return (folders) => {
      done += folders;
      onPart(Math.min(1, done / Math.max(1, total)));
    };
  }

  async #scan(asked: boolean, advance: (folders: number) => void): Promise<ScanReport> {
    const { outbox, clock } = this.#parts;
    const startedMs = clock.nowMs();
    const tally = { folders: 0, looked: 0, enqueued: [] as Enqueued[], isAsked: asked, advance };
    const facts = await outbox.scanFacts(this.rules.root.name, smallRootMax);
    const { distrust } = facts;
    const place = await this.#directory.look(facts.mark, asked);
    if (place === null) return tally;
    const isWholeWanted = distrust !== null && distrust.sinceMs !== this.#scannedSince;
    const isWhole = asked || this.#mustList || place.isAnother || !place.isTrusted || isWholeWanted;
    try {
      if (place.isAnother) this.#isListed = false;
      await this.#beginWith(place, facts.start);
      this.#mustList = false;
      await this.#listNew(isWhole, tally);
      this.#isListed ||= isWhole && this.#listing.isOpen && !this.#isStopped;
    } catch (error) {
      this.#mustList = true;
      this.#directory.fail(error);
      return tally;
    }
    if (place.isTrusted) this.#directory.isWell();
    await this.#lookAtOpen(asked, tally);
    await this.#lookAtFailed(tally);
    if (facts.hasUnsettled) await this.#lookAtUnsettled(tally);
    if (isWhole) await this.#lookAtLeftOpen(tally);
    // Scans that events ask for may follow each other closely.
    const isAuditDue = clock.monotonicMs() - this.#auditedMs >= this.rules.root.scanEveryMs;
    if (place.isTrusted && (asked || isAuditDue)) {
      this.#auditedMs = clock.monotonicMs();
      const enqueued = await this.#audit.withScan(facts.recorded, asked, () => this.#isStopped, advance);
      if (asked) tally.enqueued.push(...enqueued);
    }
    this.#hints?.watchParents(this.#listing.newestParents(parentWatchesMax), clock.monotonicMs());
    this.#leftOut.say();
    this.#lastScanMs = clock.nowMs();
    if (place.isTrusted && isWhole && !this.#isStopped && isWholeWanted) {
      // Once for each time that the outbox was found to be behind: what comes later was not there before.
      await outbox.noteWholeScan(this.rules.root.name, startedMs);
      this.#scannedSince = distrust.sinceMs;
    }
    return tally;
  }

  /** What has to be known or under way before the root is listed. @throws the root's system error */
  async #beginWith({ mark, isAnother }: RootPlace, start: RootStart | null): Promise<void> {
    const { outbox, clock } = this.#parts;
    const { root } = this.rules;
    await this.#beginHints(isAnother);
    // What is history goes by when the root was first watched, also while another directory lies in its place.
    if (this.#start !== null) {
      // It was no first start after all when the outbox is not believed any more.
      this.#start = start;
      return;
    }
    const { isFirst, ...begun } = await outbox.beginRoot(
      root.name,
      mark,
      targetOf(root, this.#parts),
      clock.nowMs(),
    );
    this.#start = begun;
    if (!isFirst) {
      warnOfClock(root, begun.firstStartMs, this.#parts);
      return;
    }
    const historyFound = await this.#listing.count();
    await outbox.noteHistory(root.name, historyFound);
    this.#start = { ...begun, historyFound };
    announce(root, historyFound, this.#parts);
  }

  async #beginHints(isAnother: boolean): Promise<void> {
    const hints = this.#hints;
    if (hints === null || this.#isStopped) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const hasGrown = hints.kind() === 'chokidar' && this.#listing.rootEntries > chokidarEntriesMax;
    // Another directory than before: watches of the old one see nothing of this one.
    if (!isAnother && !hasGrown && !hints.wantsRetry(nowMs)) return;
    const { path } = this.rules.root;
    const entries = await this.#parts.folders.count(path, chokidarEntriesMax + 1);
    await hints.begin(await fileSystemAt(path), entries, nowMs);
    for (const [name, { isAllThere }] of this.#open) if (!isAllThere) hints.watchFolder(name, nowMs);
  }

  /** Lists, page by page, and looks at what is not known to the outbox. */
  async #listNew(isWhole: boolean, tally: Tally): Promise<void> {
    for await (const { listed, asked } of oneAhead(this.#pagesAsked(isWhole))) {
      const unfinished = await asked;
      if (this.#isStopped) return;
      const wanted = unfinished.filter((path) => !this.rules.isIgnoredFolder(path));
      tally.folders += listed - (unfinished.length - wanted.length);
      await this.#lookAtAll(
        wanted.filter((path) => !this.#open.has(path)),
        tally,
      );
      tally.advance(listed);
      await this.#roomForMore();
    }
  }

  /** Pages of the listing: how many are in it, and which of them the outbox does not know to be finished. */
  async *#pagesAsked(isWhole: boolean): AsyncGenerator<AskedPage, undefined> {
    const { root } = this.rules;
    const target = targetOf(root, this.#parts);
    // Times of directories on other machines are their clocks', and cached.
    const isRemote = this.#hints?.kind() === 'scan-only';
    for await (const page of this.#listing.unsifted(isWhole || isRemote)) {
      const asked = this.#parts.outbox.lookWanted(root.name, target, page);
      // It is heard of when its turn comes, unless nobody wants it any more.
      asked.catch(() => undefined);
      yield { listed: page.length, asked };
    }
  }

  async #roomForMore(): Promise<void> {
    while (this.#waitingForQuiet > quietAtOnceMax && !this.#isStopped) await sleep(swarmMsMin);
  }

  /** What is open is looked at whatever the root's times say: a file that lands in a folder does not change them. */
  async #lookAtOpen(asked: boolean, tally: Tally): Promise<void> {
    const paths = [...this.#open.keys()];
    if (asked || paths.length <= openOneByOneMax) {
      await this.#lookAtAll(paths, tally);
      return;
    }
    for (let at = 0; at < paths.length && !this.#isStopped; at += pageOfOpen) {
      const page = paths.slice(at, at + pageOfOpen).flatMap((path) => {
        const memory = this.#open.get(path)?.memory;
        if (memory === undefined) return [];
        const { signature, isMendedUnseen, isMarkerMissing } = memory;
        return [[path, isMendedUnseen ? '' : signature, isMarkerMissing] as const];
      });
      const moved = await this.#auditor.differing(this.rules.root, page);
      await this.#lookAtAll(moved ?? page.map(([path]) => path), tally);
    }
  }

  async #lookAtFailed(tally: Tally): Promise<void> {
    await this.#lookAtAll(this.#failed.paths(), tally);
  }

  /** What somebody asked a fresh look for. */
  async #lookAtUnsettled(tally: Tally): Promise<void> {
    const { outbox } = this.#parts;
    for (let after = ''; !this.#isStopped;) {
      const page = await outbox.unsettled(this.rules.root.name, after, pageOfRows);
      await this.#lookAtAll(page, tally);
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRows) return;
      after = last;
      await this.#roomForMore();
    }
  }

  /** What an earlier process left open may not be listed any more. */
  async #lookAtLeftOpen(tally: Tally): Promise<void> {
    const { outbox } = this.#parts;
    const { name } = this.rules.root;
    for (const state of ['settling', 'overdue'] as const) {
      for (let after: Folder | null = null; !this.#isStopped;) {
        const page: Folder[] = await outbox.openFolders(state, name, after, pageOfRows);
        await this.#lookAtAll(
          page.map(({ path }) => path).filter((path) => !this.#open.has(path)),
          tally,
        );
        const last = page.at(-1);
        if (last === undefined || page.length < pageOfRows) break;
        after = last;
      }
    }
  }

  async #lookAtAll(paths: readonly string[], tally: Tally): Promise<void> {
    tally.looked += paths.length;
    const looked = await Promise.all(paths.map((path) => this.#look(path, 'scan')));
    // Nobody else reads them, and there may be a hundred thousand.
    if (tally.isAsked) tally.enqueued.push(...looked.filter((found) => found !== null));
  }

  #noteBug(error: unknown): void {
    // Nobody awaits it, so the next scan's end tells of it.
    this.#bug ??= error instanceof Error ? error : new Error(String(error));
    this.#waking.wake();
  }

  #scanSoon(): void {
    this.#isHinted = true;
    this.#waking.wake();
  }

  /** Something moved at that path. */
  #hinted(path: string): void {
    if (this.#isStopped || this.rules.isIgnoredFolder(path)) return;
    const folder = runFolderOf(path, this.rules.root.depth);
    // A date folder: what lies in it is for a scan to find.
    if (folder === null) this.#scanSoon();
    else if (!this.rules.isIgnoredFolder(folder)) this.#lookSoon(folder);
  }

  /** The first event of a swarm is answered at once, those that follow after a while. */
  #lookSoon(path: string): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const open = this.#open.get(path);
    const swarmMs =
      open === undefined ? 0 : Math.min(swarmMsMax, swarmMsMin + (open.lookedMs - open.openedMs) / 10);
    this.#agenda.add(path, open === undefined ? nowMs : Math.max(nowMs, open.lookedMs + swarmMs));
    this.#pump();
  }

  /** Begins the looks that are due, as many as may run, and sleeps until the next one is. */
  #pump(): void {
    if (this.#isStopped) return;
    const nowMs = this.#parts.clock.monotonicMs();
    while (this.#looks.size + this.#looks.pending < looksAtOnce) {
      const path = this.#agenda.take(nowMs);
      if (path === null) break;
      if (this.#looking.has(path)) this.#movedMeanwhile.add(path);
      else this.#look(path, 'event').catch((error: unknown) => this.#noteBug(error));
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
  #look(path: string, source: Source): Promise<Enqueued | null> {
    const under = this.#looking.get(path);
    if (under !== undefined) return under;
    const look = this.#looks
      .add(() => this.#lookNow(path, source))
      .finally(() => {
        this.#looking.delete(path);
        this.#onProgress();
        if (this.#movedMeanwhile.delete(path)) this.#lookSoon(path);
        else this.#pump();
      });
    this.#looking.set(path, look);
    return look;
  }

  async #lookNow(path: string, source: Source): Promise<Enqueued | null> {
    const { outbox, clock } = this.#parts;
    const { root } = this.rules;
    if (this.#isStopped) return null;
    const before = this.#open.get(path);
    try {
      const [known] = await outbox.folders(root.name, [path]);
      const hasCome = before?.hasCome ?? (await this.#hasCome(path, known));
      const start = hasCome ? null : this.#start;
      const looked = await lookAt(path, this.rules, known, before?.memory, start, this.#parts, () =>
        this.#directory.hasLost(path),
      );
      this.#failed.delete(path);
      const isNew = known === undefined && before === undefined;
      if (isNew && (looked.kind === 'open' || looked.enqueued !== null)) {
        if (source === 'event') this.#found.byEvent += 1;
        else this.#found.byScan += 1;
      }
      if (looked.kind === 'done') {
        if (looked.leftOut !== undefined) this.#leftOut.add(path, looked.leftOut);
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
      if (isAllThere) this.#hints?.unwatchFolder(path);
      else this.#hints?.watchFolder(path, nowMs);
      if (againInMs !== null) this.#agenda.add(path, nowMs + againInMs);
      return null;
    } catch (error) {
      const code = errorCode(error);
      // A system error concerns this folder; anything that nobody named is a bug.
      if (code === undefined || code.startsWith('SQLITE')) throw error;
      this.#failed.add(path, code);
      return null;
    }
  }

  /**
   * Whether a folder that is not open was not there when the root was listed, and is not one of another directory in its
   * place; or was left out before it was complete, and is another one now.
   */
  async #hasCome(path: string, known: Folder | undefined): Promise<boolean> {
    if (known?.state === 'skipped') return known.signature !== '' && this.#leftOut.wasIncomplete(path);
    if (known !== undefined || !this.#isListed || this.#failed.has(path)) return false;
    return this.rules.root.backfill.kind === 'all' || (await this.#directory.isAsSeen());
  }

  #close(path: string): void {
    const open = this.#open.get(path);
    if (open === undefined) return;
    this.#open.delete(path);
    this.#agenda.delete(path);
    if (open.isWaitingForQuiet) this.#waitingForQuiet -= 1;
    this.#hints?.unwatchFolder(path);
  }
}

interface AskedPage {
  readonly listed: number;
  readonly asked: Promise<readonly string[]>;
}

interface Tally {
  folders: number;
  looked: number;
  readonly enqueued: Enqueued[];
  readonly isAsked: boolean;
  readonly advance: (folders: number) => void;
}
