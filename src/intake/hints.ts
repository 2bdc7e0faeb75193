/**
 * Events as hints: they make the next look come sooner, and nothing depends on them. One watch on the root, a few on the
 * date folders that changed last, one on each open folder up to a limit, none on finished ones.
 *
 * chokidar watches roots up to a measured size. It lists the whole root again at each arrival, so above that size a bare
 * watch takes over, which says which name changed. Open folders have bare watches in any case: chokidar would take one
 * for each file in them. On network file systems no event tells what other machines do, and scans work alone.
 */
import { watch as watchWithChokidar } from 'chokidar';
import { watch as watchBare } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errorCode } from '../system/files.ts';
import type { FileSystem } from '../system/fileSystem.ts';
import type { Log } from '../system/log.ts';
import type { MissedEvents } from './missedEvents.ts';

export type HintsKind = 'chokidar' | 'directory' | 'scan-only';

/**
 * Measured: chokidar goes through the whole root at each arrival, at 2,000 entries for 20 ms, at 10,000 for 170, at 100,000
 * for seconds. With arrivals a few times a second a run was tracked after 40 ms without it in roots of 240 entries, and
 * after 57 with it; of 100, 49 and 46; at 50 and less it makes no difference (medians on a busy machine).
 */
export const chokidarEntriesMax = 50;
/** Watches are shared by all processes of a user (fs.inotify.max_user_watches, 8,192 on old kernels). */
export const openWatchesMax = 1_000;
/** Date folders in which the next run folders are expected. */
export const parentWatchesMax = 16;
/** Where watches could not be had, they are tried for again after this, in ms. */
const retryAfterMs = 60_000;

export interface HintsParts {
  /** Absolute path of the drop root. */
  readonly root: string;
  readonly name: string;
  readonly log: Log;
  readonly missed: MissedEvents;
  /** Told the path of something below the root that moved, relative to it. */
  readonly onPath: (path: string) => void;
  /** Told that something moved, but not what. */
  readonly onUnknown: () => void;
}

interface Watching {
  close(): void | Promise<void>;
}

export class Hints {
  readonly #parts: HintsParts;
  readonly #watch: typeof watchBare;
  readonly #folders = new Map<string, Watching>();
  readonly #parents = new Map<string, Watching>();
  #root: Watching | null = null;
  #kind: HintsKind = 'scan-only';
  #degraded: { readonly code: string; readonly text: string; readonly sinceMs: number } | null = null;
  readonly #said = new Set<string>();

  /** @param watch how a bare watch is begun; default: by the kernel's events */
  constructor(parts: HintsParts, watch = watchBare) {
    this.#parts = parts;
    this.#watch = watch;
  }

  /** Why events are not to be counted on; null when all is well. */
  degraded(): string | null {
    return this.#degraded?.text ?? null;
  }

  kind(): HintsKind {
    return this.#kind;
  }

  /**
   * Begins anew, as it must when the root is another directory than before, or has grown.
   * @param entries how many there are in the root, as far as that was counted
   */
  async begin(fileSystem: FileSystem, entries: number, nowMs: number): Promise<void> {
    await this.stop();
    const { root, name, log } = this.#parts;
    this.#kind = fileSystem.isRemote ? 'scan-only' : entries > chokidarEntriesMax ? 'directory' : 'chokidar';
    this.#degraded = null;
    if (this.#kind === 'scan-only') {
      this.#say(() =>
        log.info(
          { root: name, fileSystem: fileSystem.name },
          `${root} lies on ${fileSystem.name}, where no event tells what other machines do: scans work alone`,
        ),
      );
      return;
    }
    this.#root = this.#kind === 'chokidar' ? this.#chokidar(nowMs) : this.#bare(root, '', nowMs);
    if (this.#root === null) this.#kind = 'scan-only';
  }

  /** Whether watches that could not be had should be tried for again. */
  wantsRetry(nowMs: number): boolean {
    return this.#degraded !== null && nowMs - this.#degraded.sinceMs >= retryAfterMs;
  }

  async stop(): Promise<void> {
    const all = [this.#root, ...this.#folders.values(), ...this.#parents.values()];
    this.#root = null;
    this.#folders.clear();
    this.#parents.clear();
    await Promise.all(all.map(async (watching) => await watching?.close()));
  }

  /** @param path of an open folder, relative to the root. Above the limit scans alone look at it. */
  watchFolder(path: string, nowMs: number): void {
    if (this.#root === null || this.#folders.has(path) || this.#folders.size >= openWatchesMax) return;
    const watching = this.#bare(join(this.#parts.root, path), path, nowMs);
    if (watching !== null) this.#folders.set(path, watching);
  }

  unwatchFolder(path: string): void {
    const watching = this.#folders.get(path);
    this.#folders.delete(path);
    void watching?.close();
  }

  /** @param paths of the date folders that changed last, relative to the root, newest first */
  watchParents(paths: readonly string[], nowMs: number): void {
    if (this.#root === null) return;
    const wanted = new Set(paths.slice(0, parentWatchesMax));
    for (const [path, watching] of this.#parents) {
      if (wanted.has(path)) continue;
      this.#parents.delete(path);
      void watching.close();
    }
    for (const path of wanted) {
      if (this.#parents.has(path)) continue;
      const watching = this.#bare(join(this.#parts.root, path), path, nowMs);
      if (watching !== null) this.#parents.set(path, watching);
    }
  }

  #chokidar(nowMs: number): Watching {
    const { root, missed, onPath, onUnknown } = this.#parts;
    return (
      watchWithChokidar(root, {
        depth: 0,
        followSymlinks: false,
        ignoreInitial: true,
        atomic: false,
        // Loose files in the root would take a watch each.
        ignored: (_path, stats) => stats !== undefined && !stats.isDirectory(),
      })
        .on('all', (_event, moved) => {
          missed.count();
          const below = relative(root, moved);
          if (below !== '' && !below.startsWith('..')) onPath(below.split(sep).join('/'));
        })
        // What came while it began is for the scan to find.
        .on('ready', () => onUnknown())
        .on('error', (error) => {
          this.#fail(error, nowMs);
          if (this.#degraded !== null) this.#giveUpRoot();
        })
    );
  }

  /** @returns null where there is no watch to be had */
  #bare(directory: string, path: string, nowMs: number): Watching | null {
    const { missed, onPath, onUnknown } = this.#parts;
    const isFolder = path !== '';
    const fail = (error: unknown): void => {
      // Whoever may write into the root can close a folder to us. The look at it says so, and the others keep their events.
      if (isFolder && isClosed(error)) return;
      this.#fail(error, nowMs);
    };
    try {
      const watcher = this.#watch(directory, (_event, name) => {
        missed.count();
        if (name === null) onUnknown();
        else onPath(isFolder ? `${path}/${name}` : name);
      });
      watcher.on('error', fail);
      return watcher;
    } catch (error) {
      fail(error);
      return null;
    }
  }

  /** Without the watch on the root, scans work alone. */
  #giveUpRoot(): void {
    const root = this.#root;
    this.#root = null;
    this.#kind = 'scan-only';
    void root?.close();
  }

  /** Out of watches is said once, with the knob; scans go on. */
  #fail(error: unknown, nowMs: number): void {
    const code = errorCode(error);
    if (code === undefined) throw error;
    // It went away before it could be watched, which the next look will find.
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    // What somebody can raise is said whatever else went wrong before.
    const wasWorse = this.#degraded !== null && (isOfLimit(this.#degraded.code) || !isOfLimit(code));
    if (wasWorse) return;
    this.#degraded = { code, text: `${code}: events are incomplete, scans go on`, sinceMs: nowMs };
    void this.#explain(code, nowMs);
  }

  async #explain(code: string, sinceMs: number): Promise<void> {
    const { root, name, log } = this.#parts;
    const knob = knobs[code];
    const value =
      knob === undefined
        ? null
        : await readFile(`/proc/sys/${knob.replaceAll('.', '/')}`, 'utf8').catch(() => null);
    const more = code === 'EMFILE' ? ', or the limit of open files (ulimit -n)' : '';
    const what =
      knob === undefined
        ? 'nothing is lost'
        : `raise ${knob}, which is ${value?.trim() ?? 'not readable'} and shared by all processes of this user${more}`;
    const text = `events of ${root} are incomplete (${code}): scans go on; ${what}`;
    if (this.#degraded?.code === code) this.#degraded = { code, text, sinceMs };
    this.#say(() => log.warn({ root: name, code }, text), code);
  }

  /** Once, however often it is tried again. */
  #say(log: () => void, what = 'remote'): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    log();
  }
}

const knobs: Readonly<Record<string, string>> = {
  ENOSPC: 'fs.inotify.max_user_watches',
  EMFILE: 'fs.inotify.max_user_instances',
};

const isOfLimit = (code: string): boolean => Object.hasOwn(knobs, code);

function isClosed(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EACCES' || code === 'EPERM';
}
