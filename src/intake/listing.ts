/**
 * The paths of the run folders in a drop root, page by page: a listing of any length takes the memory of a page. What
 * has not changed since it was last listed is passed over, by the times of the directories that run folders lie in.
 */
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapFiles } from '../reading/mapping.ts';
import { errorCode } from '../system/files.ts';
import type { Clock } from '../system/clock.ts';
import { asFiles } from './levels.ts';
import type { RootRules } from './rules.ts';

/** Paths in a page: one question to the outbox each. */
export const pageOfPaths = 1_024;
/** Clocks of file systems are coarse, of FAT down to 2 s: a change in the same tick shows in no time. In ms. */
const tickMsMax = 2_000;
/** Loose files in a date folder that are looked through for those of a run. */
const looseNamesMax = 1_000;
/** Date folders that are remembered, to be passed over while they do not change; more are listed each time. */
const rememberedMax = 20_000;

interface Times {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Folders that cannot be listed or named: how many, and one of them. */
interface Odd {
  readonly count: number;
  readonly example: string;
}

export class Listing {
  readonly #rules: RootRules;
  readonly #clock: Clock;
  readonly #unchanged = new Map<string, Times>();
  readonly #odd = new Map<string, { readonly names: Odd | null; readonly closed: string | null }>();
  /** Date folders that changed last, newest first. */
  #newest: { readonly path: string; readonly mtimeNs: bigint }[] = [];
  #entries = 0;

  constructor(rules: RootRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** How many entries of any kind the root itself had when it was last listed. */
  get rootEntries(): number {
    return this.#entries;
  }

  /** Date folders in which new run folders are most likely, newest first. */
  newestParents(max: number): readonly string[] {
    return this.#newest.slice(0, max).map(({ path }) => path);
  }

  /** What cannot be listed or named; null: all can. */
  trouble(): string | null {
    let names: Odd = { count: 0, example: '' };
    let closed: string | null = null;
    for (const odd of this.#odd.values()) {
      if (odd.names !== null)
        names = { count: names.count + odd.names.count, example: names.example || odd.names.example };
      closed ??= odd.closed;
    }
    if (names.count > 0)
      return `${String(names.count)} folder name(s) are not UTF-8 and cannot be tracked, such as ${names.example}: rename them`;
    return closed;
  }

  /** Counts the entries of the root itself, no further than to `max`. @throws the root's system error */
  async countUpTo(max: number): Promise<number> {
    let count = 0;
    const directory = await opendir(this.#rules.root.path, { bufferSize: pageOfPaths });
    try {
      while (count < max && (await directory.read()) !== null) count += 1;
    } finally {
      await directory.close();
    }
    return count;
  }

  /** Counts the run folders. @throws the root's system error */
  async count(): Promise<number> {
    let count = 0;
    for await (const page of this.pages(true)) count += page.length;
    return count;
  }

  /**
   * @param isWhole also what has not changed since it was last listed
   * @returns pages of paths, relative to the root; at other levels as well, where something lies that looks like a run
   * @throws the root's system error
   */
  async *pages(isWhole: boolean): AsyncGenerator<string[], undefined> {
    let page: string[] = [];
    this.#newest = [];
    for await (const paths of this.#below('', 0, isWhole)) {
      // Where they come in pages they go on as they are; date folders have a few each, which are gathered.
      if (page.length + paths.length > pageOfPaths) {
        yield page;
        page = [];
      }
      if (page.length === 0) page = paths;
      else page.push(...paths);
    }
    if (page.length > 0) yield page;
  }

  /** @returns so many at once that each costs little, and a page of them at the most */
  async *#below(directory: string, level: number, isWhole: boolean): AsyncGenerator<string[]> {
    const { root, isIgnoredFolder } = this.#rules;
    const isParent = level === root.depth - 1;
    let paths: string[] = [];
    const files: string[] = [];
    const unreadable: string[] = [];
    let entries = 0;
    try {
      const times = await stat(join(root.path, directory), { bigint: true });
      if (isParent && level > 0) this.#noteNewest(directory, times.mtimeNs);
      const before = this.#unchanged.get(directory);
      if (isParent && !isWhole && isSame(before, times)) return;
      const listedMs = this.#clock.nowMs();
      for await (const entry of await opendir(join(root.path, directory), { bufferSize: pageOfPaths })) {
        entries += 1;
        const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
        // A name that is not UTF-8 arrives with this sign in it, and cannot be opened by it.
        if (entry.name.includes('\ufffd')) unreadable.push(entry.name);
        else if (entry.isDirectory()) {
          if (isIgnoredFolder(path)) continue;
          if (!isParent) yield* this.#below(path, level + 1, isWhole);
          else if (paths.push(path) === pageOfPaths) {
            yield paths;
            paths = [];
          }
        } else if (level > 0 && files.length < looseNamesMax) files.push(entry.name);
      }
      if (level === 0) this.#entries = entries;
      if (isParent) this.#remember(directory, times, listedMs);
      this.#note(directory, unreadable, null);
      if (level > 0 && this.#looksLikeRun(files)) paths.push(directory);
    } catch (error) {
      const code = errorCode(error);
      if (level === 0 || code === undefined || code.startsWith('SQLITE')) throw error;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        this.#note(
          directory,
          [],
          `${directory}/ cannot be listed (${code}), nor can what lies in it be tracked`,
        );
      }
    }
    if (paths.length > 0) yield paths;
  }

  /** Files of a run folder, as far as names tell: an input or the description. */
  #looksLikeRun(names: readonly string[]): boolean {
    const { names: wanted, isIgnored } = this.#rules.sight;
    const { files, archives } = mapFiles(asFiles(names), wanted, isIgnored);
    return [...files, ...archives].some(({ role }) => role === 'input' || role === 'meta');
  }

  #remember(directory: string, { mtimeNs, ctimeNs }: Times, listedMs: number): void {
    const isOldEnough = listedMs - Number(mtimeNs / 1_000_000n) >= tickMsMax;
    if (!isOldEnough || this.#unchanged.size >= rememberedMax) this.#unchanged.delete(directory);
    else this.#unchanged.set(directory, { mtimeNs, ctimeNs });
  }

  #note(directory: string, unreadable: readonly string[], closed: string | null): void {
    const [example] = unreadable;
    if (example === undefined && closed === null) this.#odd.delete(directory);
    else {
      const names = example === undefined ? null : { count: unreadable.length, example };
      this.#odd.set(directory, { names, closed });
    }
  }

  #noteNewest(path: string, mtimeNs: bigint): void {
    const place = this.#newest.findIndex((other) => other.mtimeNs < mtimeNs);
    if (place < 0) this.#newest.push({ path, mtimeNs });
    else this.#newest.splice(place, 0, { path, mtimeNs });
    if (this.#newest.length > newestMax) this.#newest.pop();
  }
}

/** The next page is listed while something is done with this one: what waits for another thread leaves this one free. */
export async function* oneAhead(pages: AsyncGenerator<string[], undefined>): AsyncGenerator<string[]> {
  const fetch = (): Promise<IteratorResult<string[], undefined>> => {
    const fetched = pages.next();
    // It is heard of when it is asked for.
    fetched.catch(() => undefined);
    return fetched;
  };
  let next = fetch();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = fetch();
      yield value;
    }
  } finally {
    // Whoever wants no more pages leaves one that is on its way, and its directory open.
    await next.catch(() => undefined);
    await pages.return(undefined);
  }
}

/** More are never asked for. */
const newestMax = 16;

function isSame(before: Times | undefined, now: Times): boolean {
  return before?.mtimeNs === now.mtimeNs && before.ctimeNs === now.ctimeNs;
}
