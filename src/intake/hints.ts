/**
 * Events as hints: they make the next look come sooner, and nothing depends on them. One watch on the root, one on each
 * open folder, none on finished ones.
 */
import { watch, type FSWatcher } from 'chokidar';
import { basename, dirname, relative, sep } from 'node:path';
import type { Log } from '../system/log.ts';
import { errorCode } from '../system/files.ts';

export class Hints {
  readonly #root: string;
  readonly #log: Log;
  readonly #onHint: (name: string) => void;
  readonly #folders = new Map<string, FSWatcher>();
  #watcher: FSWatcher | null = null;
  #degraded: string | null = null;

  /** @param onHint told the name of a folder of the root that something moved in */
  constructor(root: string, log: Log, onHint: (name: string) => void) {
    this.#root = root;
    this.#log = log;
    this.#onHint = onHint;
  }

  /** Why events are not to be counted on; null when all is well. */
  degraded(): string | null {
    return this.#degraded;
  }

  isOn(): boolean {
    return this.#watcher !== null && this.#degraded === null;
  }

  /** Begins anew, as it must when the root is another directory than before. */
  async start(): Promise<void> {
    await this.stop();
    this.#degraded = null;
    this.#watcher = this.#watch(this.#root);
  }

  async stop(): Promise<void> {
    const watchers = [this.#watcher, ...this.#folders.values()];
    this.#watcher = null;
    this.#folders.clear();
    await Promise.all(watchers.map(async (watcher) => await watcher?.close()));
  }

  /** A watcher of its own, because chokidar keeps every path that was ever unwatched, and tests against all of them. */
  watchFolder(path: string): void {
    if (this.#watcher === null || this.#folders.has(path)) return;
    this.#folders.set(path, this.#watch(path));
  }

  async unwatchFolder(path: string): Promise<void> {
    const watcher = this.#folders.get(path);
    this.#folders.delete(path);
    await watcher?.close();
  }

  #watch(path: string): FSWatcher {
    return watch(path, { depth: 0, followSymlinks: false, ignoreInitial: true, atomic: false })
      .on('all', (_event, moved) => this.#hint(moved))
      .on('error', (error) => this.#fail(error));
  }

  #hint(path: string): void {
    const below = relative(this.#root, path);
    const [name] = below.split(sep);
    if (name !== undefined && name !== '' && name !== '..') this.#onHint(name);
  }

  /** Out of watches is said once, with the knob; scans go on. */
  #fail(error: unknown): void {
    if (this.#degraded !== null) return;
    const code = errorCode(error) ?? 'unknown';
    const knob =
      code === 'ENOSPC'
        ? 'raise fs.inotify.max_user_watches'
        : code === 'EMFILE'
          ? 'raise fs.inotify.max_user_instances or the limit of open files'
          : 'nothing is lost';
    this.#degraded = `${code}: ${knob}`;
    this.#log.warn(
      { root: basename(this.#root), below: dirname(this.#root), code },
      `events of ${this.#root} are incomplete (${code}): scans go on, ${knob}`,
    );
  }
}
