/**
 * One drop root under watch. The scan is the truth: it lists the root, looks at what is new, open or due for an audit,
 * and notices what vanished. Events and timers only make a look come sooner.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { Enqueued } from '../outbox/nouns.ts';
import { errorCode } from '../system/files.ts';
import { Waking } from '../system/waking.ts';
import { Hints } from './hints.ts';
import { lookAt, type OpenFolderMemory } from './look.ts';
import type { IntakeParts } from './parts.ts';
import { rulesOf, type DropRoot, type RootRules } from './rules.ts';

/** Folders looked at side by side: enough to hide a slow disk, few enough to leave the machine to the solver. */
const looksAtOnce = 4;
/** Folders asked of the outbox at once. */
const pageOfFolders = 500;
/** So many finished folders are stat-ed again at each scan, in turn: small roots wholly every time. */
const auditedAtOnce = 1_000;
/** Events of one folder come in swarms; a look waits this long for the swarm to pass, in ms. */
const swarmMs = 50;

export interface ScanReport {
  readonly folders: number;
  readonly looked: number;
  readonly enqueued: readonly Enqueued[];
}

export class RootIntake {
  readonly rules: RootRules;
  readonly #parts: IntakeParts;
  readonly #hints: Hints;
  readonly #withHints: boolean;
  readonly #open = new Map<string, OpenFolderMemory>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #looks = new PQueue({ concurrency: looksAtOnce });
  readonly #looking = new Map<string, Promise<Enqueued | null>>();
  readonly #waking = new Waking();
  #auditAfter = '';
  #rootMark: string | null = null;
  #trouble: string | null = null;
  #unreadableNames: string | null = null;
  /** The distrust, by its time, since which this process has scanned the whole root once. */
  #scannedSince: number | null = null;
  #lastScanMs: number | null = null;
  #isStopped = false;
  #bug: Error | null = null;

  /** @param withHints whether events are wanted: a command that looks once needs none */
  constructor(root: DropRoot, parts: IntakeParts, withHints: boolean) {
    this.#withHints = withHints;
    this.rules = rulesOf(root);
    this.#parts = parts;
    this.#hints = new Hints(root.path, parts.log, (name) => this.#lookSoon(name, swarmMs));
  }

  /** What is wrong with the root; null when all is well. */
  trouble(): string | null {
    return this.#trouble ?? this.#unreadableNames ?? this.#hints.degraded();
  }

  /** Why the root cannot be scanned at all; null when it can. */
  unscanned(): string | null {
    return this.#trouble;
  }

  lastScanMs(): number | null {
    return this.#lastScanMs;
  }

  /** Where looks come from: events and scans, or scans alone. */
  hints(): 'chokidar' | 'scan-only' {
    return this.#hints.isOn() ? 'chokidar' : 'scan-only';
  }

  /** What is not finished with: settling or overdue, as far as this process has seen. */
  openCount(): number {
    return this.#open.size;
  }

  /** The names that a scan would look at; none when the root cannot be listed. */
  async folderNames(): Promise<Iterable<string>> {
    return (await this.#list()) ?? [];
  }

  /** Looks at one folder now, as after a person's word. */
  async lookNow(name: string): Promise<void> {
    await this.#look(name);
  }

  /** Scans until `stop` is aborted. @throws what nobody named: a bug */
  async run(stop: AbortSignal): Promise<void> {
    const onStop = (): void => {
      // What is queued is passed over, and what is being looked at ends.
      this.#isStopped = true;
      this.#waking.wake();
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      while (!stop.aborted) {
        const seen = this.#waking.count;
        await this.scan(false);
        if (this.#bug !== null) throw this.#bug;
        await this.#waking.wait(seen, this.rules.root.scanEveryMs);
      }
    } finally {
      await this.stop();
    }
    if (this.#bug !== null) throw this.#bug;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await this.#hints.stop();
    await this.#looks.onIdle();
  }

  /**
   * Looks at the whole root once.
   * @param asked a person asks: every finished folder too, not just the next ones in turn, and a root that is another
   *   directory than before is believed to be meant so
   */
  async scan(asked: boolean): Promise<ScanReport> {
    const names = await this.#list();
    if (names === null) return { folders: 0, looked: 0, enqueued: [] };
    const { outbox, clock } = this.#parts;
    const startedMs = clock.nowMs();
    const isTrusted = await this.#isTheSameRoot(names, asked);
    const { name: dropRoot } = this.rules.root;
    const looks: Promise<Enqueued | null>[] = [];
    // Paths only: there may be a hundred thousand of them.
    const finished: string[] = [];
    for (let after = ''; !this.#isStopped;) {
      const page = await outbox.foldersOfRoot(dropRoot, after, pageOfFolders);
      for (const folder of page) {
        const isListed = names.delete(folder.path);
        if (!isListed && !isTrusted) continue;
        // Not listed: the look finds out whether it vanished, and tells.
        const isOpen = folder.state === 'settling' || folder.state === 'overdue';
        if (!isListed || isOpen) looks.push(this.#look(folder.path));
        else finished.push(folder.path);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfFolders) break;
      after = last.path;
    }
    for (const path of asked ? finished : this.#nextToAudit(finished)) looks.push(this.#look(path));
    for (const name of names) looks.push(this.#look(name));
    const enqueued = (await Promise.all(looks)).filter((found) => found !== null);
    this.#lastScanMs = clock.nowMs();
    if (isTrusted && !this.#isStopped) await this.#noteWholeScan(startedMs);
    return { folders: finished.length + names.size + this.#open.size, looked: looks.length, enqueued };
  }

  /** Once for each time that the outbox was found to be behind: what comes later was not there before. */
  async #noteWholeScan(startedMs: number): Promise<void> {
    const { outbox } = this.#parts;
    const distrust = await outbox.distrust();
    if (distrust === null || distrust.sinceMs === this.#scannedSince) return;
    await outbox.noteWholeScan(this.rules.root.name, startedMs);
    this.#scannedSince = distrust.sinceMs;
  }

  /** The names of the folders in the root; null when it cannot be listed, which is said once. */
  async #list(): Promise<Set<string> | null> {
    const { root, isIgnoredFolder } = this.rules;
    try {
      const mark = await this.#markNow();
      const names = new Set<string>();
      const unreadable: string[] = [];
      for await (const entry of await opendir(root.path, { bufferSize: 1024 })) {
        // A name that is not UTF-8 arrives with this sign in it, and cannot be opened by it.
        if (entry.name.includes('\ufffd')) unreadable.push(entry.name);
        else if (entry.isDirectory() && !isIgnoredFolder(entry.name)) names.add(entry.name);
      }
      this.#noteUnreadable(unreadable);
      const isAnother = this.#rootMark !== mark;
      this.#rootMark = mark;
      if (this.#withHints && isAnother && !this.#isStopped) {
        // Another directory than before: watches of the old one see nothing of this one.
        await this.#hints.start();
        for (const name of this.#open.keys()) this.#hints.watchFolder(join(root.path, name));
      }
      return names;
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      const trouble = code === 'ENOENT' ? 'is not there' : `cannot be listed (${code})`;
      if (this.#trouble !== trouble) {
        this.#parts.log.error(
          { root: root.name, code },
          `drop root ${root.path} ${trouble}; looking again every scan`,
        );
      }
      this.#trouble = trouble;
      return null;
    }
  }

  /**
   * Whether what is listed can be believed to be the whole drop root. One that is another directory than before and holds
   * few of the folders that are known is more likely not mounted than emptied: then what is new in it is tracked, and
   * nothing has vanished.
   */
  async #isTheSameRoot(names: ReadonlySet<string>, asked: boolean): Promise<boolean> {
    const { outbox, log } = this.#parts;
    const { root } = this.rules;
    const before = await outbox.rootMark(root.name);
    const now = this.#rootMark;
    if (now === null) return true;
    if (before !== now) {
      const known = await outbox.foldersOfRoot(root.name, '', pageOfFolders);
      const isEmptied = known.filter(({ path }) => names.has(path)).length < known.length / 2;
      if (isEmptied && before !== null && !asked) {
        const trouble =
          'is another directory than before, and little of what was known is in it: is it mounted? ' +
          `If it was emptied on purpose, say \`runtrackd scan ${root.name}\``;
        if (this.#trouble !== trouble) log.error({ root: root.name }, `drop root ${root.path} ${trouble}`);
        this.#trouble = trouble;
        return false;
      }
      await outbox.saveRootMark(root.name, now);
    }
    if (this.#trouble !== null) log.info({ root: root.name }, `drop root ${root.path} is there again`);
    this.#trouble = null;
    return true;
  }

  /** Which directory the root is: device and inode. */
  async #markNow(): Promise<string> {
    const { ino, dev } = await lstat(`${this.rules.root.path}/`, { bigint: true });
    return `${dev} ${ino}`;
  }

  /** Whether the root is the directory that was scanned last: if not, what is missing has not vanished. */
  async #isStillThere(): Promise<boolean> {
    return this.#trouble === null && (await this.#markNow().catch(() => null)) === this.#rootMark;
  }

  /** Folders whose names are not UTF-8 are said once for each set of them, and shown as long as they are there. */
  #noteUnreadable(names: readonly string[]): void {
    const { root } = this.rules;
    const trouble =
      names.length === 0
        ? null
        : `${names.length} folder name(s) are not UTF-8 and cannot be tracked, such as ${String(names[0])}: rename them`;
    if (trouble !== null && trouble !== this.#unreadableNames)
      this.#parts.log.error({ root: root.name }, trouble);
    this.#unreadableNames = trouble;
  }

  #nextToAudit(finished: readonly string[]): readonly string[] {
    if (finished.length <= auditedAtOnce) return finished;
    const rest = finished.filter((path) => path > this.#auditAfter).slice(0, auditedAtOnce);
    this.#auditAfter = rest.length < auditedAtOnce ? '' : (rest.at(-1) ?? '');
    return rest;
  }

  #lookSoon(name: string, delayMs: number): void {
    if (this.#isStopped || this.rules.isIgnoredFolder(name)) return;
    clearTimeout(this.#timers.get(name));
    const timer = setTimeout(
      () => {
        this.#timers.delete(name);
        this.#look(name).catch((error: unknown) => {
          // Nobody awaits a look that a timer began, so the next scan's end tells of it.
          this.#bug ??= error instanceof Error ? error : new Error(String(error));
          this.#waking.wake();
        });
      },
      Math.min(delayMs, 0x7fffffff),
    );
    this.#timers.set(name, timer);
  }

  /** One look at a time per folder: a second wish joins the first. */
  #look(name: string): Promise<Enqueued | null> {
    const under = this.#looking.get(name);
    if (under !== undefined) return under;
    const look = this.#looks.add(() => this.#lookNow(name)).finally(() => this.#looking.delete(name));
    this.#looking.set(name, look);
    return look;
  }

  async #lookNow(name: string): Promise<Enqueued | null> {
    const { outbox, log } = this.#parts;
    const { root } = this.rules;
    const wasOpen = this.#open.has(name);
    if (this.#isStopped) return null;
    try {
      const [known] = await outbox.folders(root.name, [name]);
      const looked = await lookAt(name, this.rules, known, this.#open.get(name), this.#parts, () =>
        this.#isStillThere(),
      );
      if (looked.kind === 'open') {
        this.#open.set(name, looked.memory);
        if (!wasOpen) this.#hints.watchFolder(join(root.path, name));
        if (looked.againInMs !== null && !this.#timers.has(name)) this.#lookSoon(name, looked.againInMs);
        return null;
      }
      this.#open.delete(name);
      if (wasOpen) await this.#hints.unwatchFolder(join(root.path, name));
      return looked.enqueued;
    } catch (error) {
      const code = errorCode(error);
      // A system error concerns this folder; anything that nobody named is a bug.
      if (code === undefined || code.startsWith('SQLITE')) throw error;
      log.error(
        { root: root.name, folder: name, code },
        `${name} cannot be looked at (${code}); trying again at every scan`,
      );
      return null;
    }
  }
}
