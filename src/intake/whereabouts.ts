/**
 * Where in a drop root a directory lies by now, by its identity. One search answers for all folders that rest by then: when
 * a whole root was moved to another disk each of its folders asks for the directory that it was before.
 */
import type { Dir } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryIdentity } from '../core/content.ts';
import { isSameDirectory } from '../core/sameDirectory.ts';
import { directoryOf } from '../reading/sight.ts';
import type { Clock } from '../system/clock.ts';
import { errorCode } from '../system/files.ts';
import { isAbsent, statsIn } from '../system/wayTo.ts';
import type { DropRoot } from './rules.ts';

/** What was found is kept for as long as somebody may come back with the next question, in ms: it is some 10 MB of a large root. */
const keptMs = 60_000;

interface Found {
  /** Monotonic, in ms. */
  readonly beganMs: number;
  /** Paths of all directories that are in the place of run folders. */
  readonly paths: ReadonlyMap<string, string>;
}

export class Whereabouts {
  readonly #root: Pick<DropRoot, 'path' | 'depth'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #found: Promise<Found> | null = null;

  constructor(root: Pick<DropRoot, 'path' | 'depth'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#root = root;
    this.#clock = clock;
  }

  /**
   * @param sinceMs when the directory had left its place already, by the monotonic clock: what was found later is good
   * @returns null when it is nowhere in the root, or its identity does not tell. @throws system errors
   */
  async find(directory: DirectoryIdentity, sinceMs: number): Promise<string | null> {
    if (directory.birthNs === '0') return null;
    const path = (await this.#foundSince(sinceMs)).paths.get(keyOf(directory));
    if (path === undefined || (await isAt(this.#root.path, path, directory))) return path ?? null;
    // It has moved on meanwhile.
    return (await this.#foundSince(this.#clock.monotonicMs())).paths.get(keyOf(directory)) ?? null;
  }

  async #foundSince(sinceMs: number): Promise<Found> {
    for (;;) {
      const search = this.#found;
      const found = await search;
      if (found !== null && found.beganMs >= sinceMs) return found;
      // Somebody else who waited for it as well may have begun the next one.
      if (this.#found === search) this.#begin();
    }
  }

  #begin(): void {
    const search = this.#search();
    this.#found = search;
    const forget = (): void => {
      if (this.#found === search) this.#found = null;
    };
    // Of one that fails whoever waits for it hears.
    search.then(() => setTimeout(forget, keptMs).unref(), forget);
  }

  async #search(): Promise<Found> {
    const beganMs = this.#clock.monotonicMs();
    const paths = new Map<string, string>();
    for await (const path of this.#below('', 1)) {
      const directory = await directoryAt(this.#root.path, path);
      if (directory !== null && directory !== 'closed') paths.set(keyOf(directory), path);
    }
    return { beganMs, paths };
  }

  async *#below(parent: string, level: number): AsyncGenerator<string> {
    const { path: rootPath, depth } = this.#root;
    const directory = await opened(join(rootPath, parent), level > 1);
    if (directory === null) return;
    for await (const entry of directory) {
      const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
      if (!entry.isDirectory()) continue;
      if (level < depth) yield* this.#below(path, level + 1);
      else yield path;
    }
  }
}

async function isAt(root: string, path: string, directory: DirectoryIdentity): Promise<boolean> {
  const found = await directoryAt(root, path);
  return found !== null && found !== 'closed' && isSameDirectory(found, directory);
}

function keyOf({ ino, birthNs }: DirectoryIdentity): string {
  return `${ino} ${birthNs}`;
}

/**
 * @param path relative to the root; what lies behind a link is not in it
 * @returns null when nothing is there; closed: a directory on the way there, below the root, may be passed through by
 * others alone, and nobody knows. @throws system errors
 */
export async function directoryAt(root: string, path: string): Promise<DirectoryIdentity | null | 'closed'> {
  try {
    const stats = await statsIn(root, join(root, path));
    return stats === null ? null : directoryOf(stats);
  } catch (error) {
    // Of what lies in the root itself this says that the root is closed.
    if (path.includes('/') && isClosed(error)) return 'closed';
    throw error;
  }
}

function isClosed(error: unknown): boolean {
  return errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM';
}

/** @param mayBeClosed what nobody may list holds no folder that could be tracked there; null is returned for it */
async function opened(path: string, mayBeClosed: boolean): Promise<Dir | null> {
  try {
    return await opendir(path, { bufferSize: 1024 });
  } catch (error) {
    if (mayBeClosed && (isClosed(error) || isAbsent(error))) return null;
    throw error;
  }
}
