/**
 * One drop root under watch. The scan is the truth: it lists the root, looks at what is new or open, and has recorded
 * folders compared. Events and times only make a look come sooner.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Enqueued, Folder, RootStart } from '../outbox/nouns.ts';
import { fileSystemAt } from '../system/fileSystem.ts';
import { mayTakeResult } from '../system/resultDirectory.ts';
import { Waking } from '../system/waking.ts';
import { Audit, smallRootMax } from './audit.ts';
import type { Auditor } from './auditor.ts';
import { targetOf } from './appOf.ts';
import { announce, warnOfClock } from './firstStart.ts';
import { FolderLooks } from './folderLooks.ts';
import { chokidarEntriesMax, Hints, parentWatchesMax, type HintsKind } from './hints.ts';
import { runFolderOf } from './levels.ts';
import { Listing, oneAhead } from './listing.ts';
import type { MissedEvents } from './missedEvents.ts';
import type { IntakeParts } from './parts.ts';
import { RootDirectory, type RootPlace } from './rootDirectory.ts';
import { rulesOf, type DropRoot, type RootRules } from './rules.ts';

/** Rows asked of the outbox at once. */
const pageOfRows = 500;
/** Up to so many open folders are looked at one by one at each scan; of more, the audit's thread says which have moved. */
const openOneByOneMax = 64;
/** Open folders compared in one order to the audit's thread. */
const pageOfOpen = 512;
/** Scans that events ask for follow each other at this distance at the least, in ms. */
const hintedScanMs = 200;

export interface ScanReport {
  readonly folders: number;
  readonly looked: number;
  /** Runs that the scan has made, when a person asked for it. */
  readonly enqueued: readonly Enqueued[];
}

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
  readonly #looks: FolderLooks;
  readonly #scans = new PQueue({ concurrency: 1 });
  readonly #waking = new Waking();
  #start: RootStart | null = null;
  #mustList = true;
  /**
   * This process has looked at all that could be listed in the directory that the root is now: what it does not know has come
   * since, unless it lies in a date folder that was closed.
   */
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
    this.#audit = new Audit({
      ...parts,
      root,
      auditor,
      look: (path) => this.#looks.look(path, 'scan'),
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
    this.#looks = new FolderLooks({
      rules: this.rules,
      intake: parts,
      directory: this.#directory,
      hints: this.#hints,
      start: () => this.#start,
      isListed: (path) => this.#isListed && !this.#listing.wasClosed(path),
      onLooked: onProgress,
      onBug: (error) => this.#noteBug(error),
    });
    this.#leaveDoubt = missed?.onDoubt(() => this.rescan());
  }

  /** What is wrong with the root; null when all is well. */
  trouble(): string | null {
    const unscanned = this.#directory.trouble();
    // What was found in it is of an earlier time then.
    if (unscanned !== null) return unscanned;
    const troubles = [
      this.#parts.folders.trouble(this.rules.root.path),
      this.#looks.failed.trouble(),
      this.#hints?.degraded() ?? null,
      // Last, because a name that cannot be listed stays for long, and what comes and goes is to be read first.
      this.#listing.trouble(),
    ].filter((trouble) => trouble !== null);
    return troubles.length === 0 ? null : troubles.join('; ');
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
    return this.#looks.found();
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

  /**
   * Pages of the paths that a preview has something to say of; none when the root cannot be listed.
   * @param onTrouble told in the end what cannot be listed, named or reached
   */
  async *folderPages(onTrouble?: (trouble: string | null) => void): AsyncGenerator<readonly string[]> {
    if (!(await this.#directory.isThere())) return;
    // Of its own, so that nothing is passed over at the next scan.
    const listing = new Listing(this.rules, this.#parts);
    try {
      yield* listing.everything();
      onTrouble?.(listing.trouble());
    } catch (error) {
      this.#directory.fail(error);
    }
  }

  /** Looks at one folder now, as after a person's word. */
  async lookNow(path: string): Promise<void> {
    await this.#looks.look(path, 'scan');
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
      this.#looks.halt();
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
    this.#looks.halt();
    await this.#hints?.stop();
    await this.#looks.stop();
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
    const facts = await outbox.scanFacts(this.rules.root.name, smallRootMax);
    const { distrust } = facts;
    const isWholeWanted = distrust !== null && distrust.sinceMs !== this.#scannedSince;
    const tally: Tally = {
      folders: 0,
      looked: 0,
      enqueued: [],
      isAsked: asked,
      mayLeave: !asked && !isWholeWanted && this.#isListed,
      advance,
    };
    const place = await this.#directory.look(facts.place, asked);
    if (place === null) return tally;
    const isWhole = asked || this.#mustList || place.isAnother || !place.isTrusted || isWholeWanted;
    const { leftOut } = this.#looks;
    const missing = leftOut.takeMissing();
    if (missing.length > 0) tally.mayLeave = false;
    try {
      if (place.isAnother) {
        this.#isListed = false;
        tally.mayLeave = false;
      }
      await this.#beginWith(place, facts.start);
      this.#mustList = false;
      await this.#listNew(isWhole, tally);
      this.#isListed ||= isWhole && !this.#isStopped;
    } catch (error) {
      this.#mustList = true;
      this.#directory.fail(error);
      return tally;
    }
    if (place.isTrusted) this.#directory.isWell();
    leftOut.giveUp(missing);
    await this.#lookAtAll(missing, tally);
    await this.#lookAtOpen(asked, tally);
    await this.#lookAtFailed(tally);
    const isMended = facts.hasAside && (await this.#unsettleAside(asked));
    if (facts.hasUnsettled || isMended) await this.#lookAtUnsettled(tally);
    if (isWhole) await this.#lookAtLeftOpen(tally);
    // Scans that events ask for may follow each other closely.
    const isAuditDue = clock.monotonicMs() - this.#auditedMs >= this.rules.root.scanEveryMs;
    if (place.isTrusted && (asked || isAuditDue)) {
      this.#auditedMs = clock.monotonicMs();
      const enqueued = await this.#audit.withScan(facts.recorded, asked, () => this.#isStopped, advance);
      if (asked) tally.enqueued.push(...enqueued);
    }
    this.#hints?.watchParents(this.#listing.newestParents(parentWatchesMax), clock.monotonicMs());
    leftOut.say();
    const endedMs = clock.nowMs();
    this.#lastScanMs = endedMs;
    // A folder that could not be looked at may be as old as the others, and only what was seen is known to be.
    const areAllOpen = this.#looks.failed.trouble() === null && !this.#listing.hasClosed();
    const hasSeenAll = place.isTrusted && isWhole && !this.#isStopped && areAllOpen;
    if (hasSeenAll && isWholeWanted) {
      // Once for each time that the outbox was found to be behind: what comes after the end of the scan was not there before.
      await outbox.noteWholeScan(this.rules.root.name, endedMs);
      this.#scannedSince = distrust.sinceMs;
    }
    return tally;
  }

  /** What has to be known or under way before the root is listed. @throws the root's system error */
  async #beginWith(place: RootPlace, start: RootStart | null): Promise<void> {
    const { outbox, clock } = this.#parts;
    const { root } = this.rules;
    await this.#beginHints(place.isAnother);
    // What is history goes by when the root was first watched, also while another directory lies in its place.
    if (this.#start !== null) {
      // It was no first start after all when the outbox is not believed any more.
      this.#start = start;
      return;
    }
    const { isFirst, ...begun } = await outbox.beginRoot(
      root.name,
      place,
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
    this.#looks.watchOpen(nowMs);
  }

  /** Lists, page by page, and looks at what is not known to the outbox. */
  async #listNew(isWhole: boolean, tally: Tally): Promise<void> {
    for await (const { listed, asked } of oneAhead(this.#pagesAsked(isWhole))) {
      const unfinished = await asked;
      if (this.#isStopped) return;
      const wanted = unfinished.filter((path) => !this.rules.isIgnoredFolder(path));
      tally.folders += listed - (unfinished.length - wanted.length);
      const closed = wanted.filter((path) => !this.#looks.isOpen(path));
      await this.#lookAtAll(closed, tally);
      tally.advance(listed);
      if (closed.length > 0) await this.#looks.roomForMore();
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

  /** What is open is looked at whatever the root's times say: a file that lands in a folder does not change them. */
  async #lookAtOpen(asked: boolean, tally: Tally): Promise<void> {
    const paths = this.#looks.openPaths();
    if (asked || paths.length <= openOneByOneMax) {
      await this.#lookAtAll(paths, tally);
      return;
    }
    for (let at = 0; at < paths.length && !this.#isStopped; at += pageOfOpen) {
      const page = this.#looks.asLastSeen(paths.slice(at, at + pageOfOpen));
      const moved = await this.#auditor.differing(this.rules.root, page);
      await this.#lookAtAll(moved ?? page.map(([path]) => path), tally);
    }
  }

  async #lookAtFailed(tally: Tally): Promise<void> {
    await this.#lookAtAll(this.#looks.failed.paths(), tally);
  }

  /**
   * Folders whose results lie aside, and that may take them by now. Each is tried once in the time of an audit, because every
   * try reads the folder and asks the platform; or when a person asks.
   * @returns whether there are any: a fresh look brings the results back
   */
  async #unsettleAside(asked: boolean): Promise<boolean> {
    const { outbox, clock } = this.#parts;
    const { root } = this.rules;
    const forMs = asked ? 1 : root.auditEveryMs;
    const nowMs = clock.nowMs();
    let isAny = false;
    for (let isMore = true; isMore && !this.#isStopped;) {
      const page = await outbox.takeAside(root.name, forMs, nowMs, pageOfRows);
      for (const path of page) {
        if (!(await mayTakeResult(root, path))) continue;
        await outbox.unsettleFolder(root.name, path, nowMs);
        isAny = true;
      }
      // Others have time until the next scan.
      isMore = asked && page.length >= pageOfRows;
    }
    return isAny;
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
      await this.#looks.roomForMore();
    }
  }

  /** What an earlier process left open may not be listed any more. */
  async #lookAtLeftOpen(tally: Tally): Promise<void> {
    const { outbox } = this.#parts;
    const { name } = this.rules.root;
    for (const state of ['settling', 'overdue'] as const) {
      for (let after: Folder | null = null; !this.#isStopped;) {
        const page: Folder[] = await outbox.openFolders(state, name, after, pageOfRows);
        const closed = page.map(({ path }) => path).filter((path) => !this.#looks.isOpen(path));
        await this.#lookAtAll(closed, tally);
        const last = page.at(-1);
        if (last === undefined || page.length < pageOfRows) break;
        after = last;
        if (closed.length > 0) await this.#looks.roomForMore();
      }
    }
  }

  /**
   * A scan that has to have looked at everything when it ends waits for each look: a person's, the first one of the
   * directory, and one that finds out what an outbox that is not believed has to know. Others leave behind what takes long,
   * because nothing else would tell of a folder that came meanwhile where there are no events.
   */
  async #lookAtAll(paths: readonly string[], tally: Tally): Promise<void> {
    tally.looked += paths.length;
    if (tally.mayLeave) {
      await this.#looks.lookOver(paths);
      return;
    }
    const looked = await Promise.all(paths.map((path) => this.#looks.look(path, 'scan')));
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
    else if (!this.rules.isIgnoredFolder(folder)) this.#looks.lookSoon(folder);
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
  /** Looks that take long may go on when the scan is over. */
  mayLeave: boolean;
  readonly advance: (folders: number) => void;
}
