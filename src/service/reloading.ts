/**
 * The configuration in force, and how another one takes its place while the daemon runs: either all of the new one is
 * right and counts, or the old one stays. One reload at a time; those that are asked for meanwhile are one more.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config, DropRootConfig } from '../config/config.ts';
import type { RereadConfig } from '../config/rereading.ts';
import type { ConfigurationView, ReloadedView } from '../http/operations.ts';
import type { Log } from '../system/log.ts';
import type { DropRoots } from './dropRoots.ts';
import type { RootRuns } from './rootRuns.ts';

export interface ReloadingParts {
  readonly config: Config;
  /** Reads the file again, until `stop` is aborted. */
  readonly reread: (inForce: Config, stop: AbortSignal) => Promise<RereadConfig>;
  readonly dropRoots: DropRoots;
  readonly rootRuns: RootRuns;
  readonly log: Log;
  /** Told when a reading begins, whatever comes of it. */
  readonly onBegin: () => void;
  /** Everything but the drop roots counts from now on. */
  readonly apply: (config: Config) => void;
  /** Told around each reload. */
  readonly announced: <T>(work: () => Promise<T>) => Promise<T>;
}

export class Reloading {
  readonly #parts: ReloadingParts;
  #config: Config;
  /** What is wrong with the file; none: nothing was when it was last read. */
  #problems: readonly string[] = [];
  #waitingKeys: readonly string[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadedView> | null = null;
  readonly #ending = new AbortController();

  constructor(parts: ReloadingParts) {
    this.#parts = parts;
    this.#config = parts.config;
  }

  /** What is in force. */
  get config(): Config {
    return this.#config;
  }

  view(): ConfigurationView {
    return { file: this.#config.file, problems: this.#problems, waiting: this.#waitingKeys };
  }

  async reload(): Promise<ReloadedView> {
    if (this.#next !== null) return await this.#next;
    const reload = this.#running.then(() => {
      this.#next = null;
      return this.#parts.announced(() => this.#reload());
    });
    this.#next = reload;
    this.#running = reload.catch(() => undefined);
    return await reload;
  }

  /** The daemon ends: a reading that is under way is given up, what has begun to count is seen through, and no other begins. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #reload(): Promise<ReloadedView> {
    const { log, reread, apply, onBegin } = this.#parts;
    const { file } = this.#config;
    const { signal } = this.#ending;
    if (!signal.aborted) onBegin();
    const read = signal.aborted ? null : await reread(this.#config, signal);
    // It would count for nobody, and what it counts for is closed by and by.
    if (read === null || signal.aborted)
      return { ...nothing, ok: false, file, problems: [`${file} is not read again: the daemon is ending`] };
    if (!read.ok) {
      this.#problems = read.problems;
      log.error(
        { file, problems: this.#problems },
        `the configuration on disk is wrong, and the earlier one stays in force: ${this.#problems.join('; ')}`,
      );
      return { ...nothing, ok: false, file, problems: this.#problems };
    }
    this.#problems = [];
    this.#waitingKeys = read.waiting;
    this.#config = read.config;
    apply(read.config);
    const roots = await this.#changeRoots(read.config.dropRoots);
    for (const key of this.#waitingKeys) log.warn({ file }, key);
    const { changed } = read;
    log.info(
      { file, changed, ...roots },
      changed.length === 0
        ? `${file} was read again: nothing that counts at once has changed`
        : `${file} was read again, and counts: ${changed.join(', ')}`,
    );
    return { ok: true, file, waiting: this.#waitingKeys, changed, ...roots };
  }

  async #changeRoots(
    wanted: readonly DropRootConfig[],
  ): Promise<Pick<ReloadedView, 'problems' | 'added' | 'removed' | 'parked' | 'revived'>> {
    const { dropRoots, rootRuns } = this.#parts;
    const before = new Map(dropRoots.configs.map((root) => [root.name, root]));
    const names = new Set(wanted.map(({ name }) => name));
    const removed = [...before.keys()].filter((name) => !names.has(name));
    const added = wanted.filter(({ name }) => !before.has(name));
    const changed = wanted.filter((root) => {
      const earlier = before.get(root.name);
      return earlier !== undefined && !isDeepStrictEqual(earlier, root);
    });
    // Each waits for what is under way in its root, and one that hangs for its deadline: side by side.
    await Promise.all([
      ...removed.map((name) => dropRoots.remove(name)),
      ...changed.map((root) => dropRoots.replace(root)),
    ]);
    for (const root of added) {
      dropRoots.add(root);
      // With very many the loop is let go on between them.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const addedNames = added.map(({ name }) => name);
    return {
      problems: await dropRoots.misnamed(new Set([...added, ...changed].map(({ name }) => name))),
      added: addedNames,
      removed,
      parked: await rootRuns.park(new Set(removed)),
      revived: await rootRuns.revive(new Set(addedNames)),
    };
  }
}

const nothing = { waiting: [], changed: [], added: [], removed: [], parked: 0, revived: 0 } as const;
