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

  /** Why the root is not being scanned; null when it is. */
  trouble(): string | null {
    return this.#trouble ?? this.#hints.degraded();
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
    stop.addEventListener('abort', () => this.#waking.wake(), { once: true });
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
   * @param audit every finished folder too, not just the next ones in turn
   */
  async scan(audit: boolean): Promise<ScanReport> {
    const names = await this.#list();
    if (names === null) return { folders: 0, looked: 0, enqueued: [] };
    const { outbox, clock } = this.#parts;
    const { name: dropRoot } = this.rules.root;
    const looks: Promise<Enqueued | null>[] = [];
    // Paths only: there may be a hundred thousand of them.
    const finished: string[] = [];
    for (let after = ''; ;) {
      const page = await outbox.foldersOfRoot(dropRoot, after, pageOfFolders);
      for (const folder of page) {
        const isListed = names.delete(folder.path);
        // Not listed: the look finds out whether it vanished, and tells.
        if (!isListed || folder.state === 'settling' || folder.state === 'overdue')
          looks.push(this.#look(folder.path));
        else finished.push(folder.path);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfFolders) break;
      after = last.path;
    }
    for (const path of audit ? finished : this.#nextToAudit(finished)) looks.push(this.#look(path));
    for (const name of names) looks.push(this.#look(name));
    const enqueued = (await Promise.all(looks)).filter((found) => found !== null);
    this.#lastScanMs = clock.nowMs();
    return { folders: finished.length + names.size + this.#open.size, looked: looks.length, enqueued };
  }

  /** The names of the folders in the root; null when it cannot be listed, which is said once. */
  async #list(): Promise<Set<string> | null> {
    const { root, isIgnoredFolder } = this.rules;
    try {
      const { ino, dev } = await lstat(`${root.path}/`, { bigint: true });
      const mark = `${dev} ${ino}`;
      const names = new Set<string>();
      for await (const entry of await opendir(root.path, { bufferSize: 1024 })) {
        if (entry.isDirectory() && !isIgnoredFolder(entry.name)) names.add(entry.name);
      }
      if (this.#trouble !== null)
        this.#parts.log.info({ root: root.name }, `drop root ${root.path} is there again`);
      this.#trouble = null;
      if (this.#withHints && this.#rootMark !== mark && !this.#isStopped) {
        this.#rootMark = mark;
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
    try {
      const [known] = await outbox.folders(root.name, [name]);
      const looked = await lookAt(name, this.rules, known, this.#open.get(name), this.#parts);
      if (looked.kind === 'open') {
        this.#open.set(name, looked.memory);
        if (!wasOpen) this.#hints.watchFolder(join(root.path, name));
        if (looked.againInMs !== null && !this.#timers.has(name)) this.#lookSoon(name, looked.againInMs);
        return null;
      }
      this.#open.delete(name);
      if (wasOpen) this.#hints.unwatchFolder(join(root.path, name));
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
