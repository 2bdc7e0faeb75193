/**
 * The paths of the run folders in a drop root, page by page. Of a directory that is being listed its names are held, as one
 * text for each page; their paths are made a page at a time. What has not changed since it was last listed is passed over, by
 * the times of the directories that run folders lie in.
 */
import { join } from 'node:path';
import { hasRested, namesIn, type DirectoryNames, type DirectoryTimes } from '../reading/directoryNames.ts';
import { mapFiles } from '../reading/mapping.ts';
import { shown } from '../reading/shown.ts';
import { errorCode } from '../system/files.ts';
import { asFiles, isContent, isRunItself, itself } from './levels.ts';
import { leadsAway, linkHint } from './links.ts';
import type { IntakeParts } from './parts.ts';
import type { RootRules } from './rules.ts';

/** Paths in a page: one question to the outbox each. */
export const pageOfPaths = 1_024;
/** Date folders that are remembered, to be passed over while they do not change; more are listed each time. */
const rememberedMax = 20_000;

/** Folders that cannot be named, listed or reached: how many, and one of them. */
interface Odd {
  readonly count: number;
  readonly example: string;
}

const none: Odd = { count: 0, example: '' };

/** What a directory has in it that a person should know of. */
interface Oddities {
  /** Names that are not UTF-8. */
  readonly names: Odd;
  /** Symbolic links in the place of run folders, or of folders that they lie in. */
  readonly links: Odd;
  /** It cannot be listed itself: the example has why. */
  readonly closed: Odd;
  /** It is the root, and a run lies in it itself. */
  readonly isRun: boolean;
}

/** Links that lead away, in a directory that looked like this when they were followed. */
interface Followed {
  readonly times: DirectoryTimes;
  readonly away: readonly string[];
}

const nothingOdd: Oddities = { names: none, links: none, closed: none, isRun: false };

type ListingParts = Pick<IntakeParts, 'clock' | 'folders' | 'outbox' | 'log'>;

export class Listing {
  readonly #rules: RootRules;
  readonly #parts: ListingParts;
  readonly #unchanged = new Map<string, DirectoryTimes>();
  readonly #odd = new Map<string, Oddities>();
  /** Those of them that this pass has not come to: they are not there any more once it is over. */
  readonly #notReached = new Set<string>();
  /** Date folders that could once not be listed, as long as this process lives: they are few. */
  readonly #wereClosed = new Set<string>();
  /** What came of the links in directories above the last level, as of this pass and the one before it. */
  #followed = new Map<string, Followed>();
  #followedBefore: ReadonlyMap<string, Followed> = this.#followed;
  /** Date folders that changed last, newest first. */
  #newest: { readonly path: string; readonly mtimeNs: bigint }[] = [];
  #entries = 0;
  /** What the log was told, by what it is about, as long as it lasts. */
  readonly #said = new Map<string, string>();

  constructor(rules: RootRules, parts: ListingParts) {
    this.#rules = rules;
    this.#parts = parts;
  }

  /** How many entries of any kind the root itself had when it was last listed. */
  get rootEntries(): number {
    return this.#entries;
  }

  /** Whether a folder lies in a date folder that could once not be listed: it may be older than the first look at it. */
  wasClosed(path: string): boolean {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      if (this.#wereClosed.has(path.slice(0, end))) return true;
    return false;
  }

  /** Whether a directory could not be listed, when it was last come to. */
  hasClosed(): boolean {
    return this.#oddities().closed.count > 0;
  }

  /** Date folders in which new run folders are most likely, newest first. */
  newestParents(max: number): readonly string[] {
    return this.#newest.slice(0, max).map(({ path }) => path);
  }

  /** What cannot be listed, named or reached; null: all can. */
  trouble(): string | null {
    const troubles = Object.values(this.#troubles()).filter((trouble) => trouble !== null);
    return troubles.length === 0 ? null : troubles.join('; ');
  }

  /** Each by what it is about, so that none hides another. */
  #troubles(): Readonly<Record<string, string | null>> {
    const { names, links, closed, isRun } = this.#oddities();
    return {
      names: unnamed(names),
      closed: unlisted(closed),
      run: isRun ? itself(this.#rules) : null,
      links: linked(links),
    };
  }

  /** Of all its directories. */
  #oddities(): Oddities {
    return [...this.#odd.values()].reduce(
      (all, odd) => ({
        names: sum(all.names, odd.names),
        links: sum(all.links, odd.links),
        closed: sum(all.closed, odd.closed),
        isRun: all.isRun || odd.isRun,
      }),
      nothingOdd,
    );
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
    for await (const page of this.unsifted(isWhole))
      yield page.filter((path) => !this.#rules.isIgnoredFolder(path));
  }

  /**
   * The same with ignored folders among them. The rules of `ignore` cost more than all else of a listing, and of folders that
   * the outbox knows to be finished nobody has to ask.
   */
  async *unsifted(isWhole: boolean): AsyncGenerator<string[], undefined> {
    yield* this.#gathered(isWhole, false);
    for (const [what, trouble] of Object.entries(this.#troubles())) this.#say(what, trouble);
  }

  /**
   * All that somebody may ask about, whether it changed or not: ignored folders of each level, links in the place of
   * folders, and the root itself (an empty path) where a run lies in it.
   * @throws the root's system error
   */
  async *everything(): AsyncGenerator<string[], undefined> {
    yield* this.#gathered(true, true);
  }

  async *#gathered(isWhole: boolean, isAskedAbout: boolean): AsyncGenerator<string[], undefined> {
    let page: string[] = [];
    this.#newest = [];
    this.#followedBefore = this.#followed;
    this.#followed = new Map();
    this.#notReached.clear();
    for (const directory of this.#odd.keys()) this.#notReached.add(directory);
    for await (const paths of this.#below('', 0, isWhole, isAskedAbout)) {
      // Where they come in pages they go on as they are; date folders have a few each, which are gathered.
      if (page.length + paths.length > pageOfPaths) {
        yield page;
        page = [];
      }
      if (page.length === 0) page = paths;
      else page.push(...paths);
    }
    for (const directory of this.#notReached) this.#odd.delete(directory);
    if (page.length > 0) yield page;
  }

  /** @returns so many at once that each costs little, and a page of them at the most */
  async *#below(
    directory: string,
    level: number,
    isWhole: boolean,
    isAskedAbout: boolean,
  ): AsyncGenerator<string[]> {
    const { root, isIgnoredFolder } = this.#rules;
    const { clock, folders } = this.#parts;
    const isParent = level === root.depth - 1;
    try {
      // What could not be listed is asked for again, also where its times are those of before: a disk may have hung.
      const isClosed = (this.#odd.get(directory)?.closed.count ?? 0) > 0;
      const before = isClosed ? null : (this.#unchanged.get(directory) ?? null);
      this.#notReached.delete(directory);
      const listedMs = clock.nowMs();
      const found = await folders.names(
        root.path,
        join(root.path, directory),
        isParent && !isWhole ? before : null,
      );
      const times = found?.times ?? before;
      if (isParent && level > 0 && times !== null) this.#noteNewest(directory, times.mtimeNs);
      if (found === null) return;
      const { entries, directories, files, unreadable } = found;
      if (level === 0) this.#entries = entries;
      if (isParent) this.#remember(directory, found.times, listedMs);
      const isTooHigh = level > 0 && this.#looksLikeRun(files);
      for (const block of directories) {
        const names = namesIn(block);
        const all = directory === '' ? names : names.map((name) => within(directory, name));
        const paths = isTooHigh ? await this.#withoutContent(all) : all;
        if (isParent) yield paths;
        else
          for (const path of paths) {
            if (!isIgnoredFolder(path)) yield* this.#below(path, level + 1, isWhole, isAskedAbout);
            else if (isAskedAbout) yield [path];
          }
      }
      // Behind the folders: where links lead may take long to be said.
      const away = await this.#away(directory, found, listedMs, isWhole);
      const isRun = level === 0 && isRunItself(files, this.#rules);
      this.#note(directory, {
        names: unreadable,
        links: { count: away.length, example: away[0] ?? '' },
        isRun,
      });
      if (isTooHigh) yield [directory];
      if (isAskedAbout) yield [...(isRun ? [directory] : []), ...away];
    } catch (error) {
      const code = errorCode(error);
      if (level === 0 || code === undefined || code.startsWith('SQLITE')) throw error;
      const isGone = code === 'ENOENT' || code === 'ENOTDIR';
      if (!isGone) this.#wereClosed.add(directory);
      this.#note(directory, {
        closed: isGone ? none : { count: 1, example: `${shown(directory)}/ (${code})` },
      });
    }
  }

  /**
   * Which of its links run folders may be missed behind. Each costs a call to where it leads, and maybe a question to the
   * outbox: those of a directory that is listed at every scan, changed or not, are not followed every few seconds.
   */
  async #away(
    directory: string,
    { links, times }: DirectoryNames,
    listedMs: number,
    isWhole: boolean,
  ): Promise<readonly string[]> {
    if (links.length === 0) return [];
    const before = isWhole ? undefined : this.#followedBefore.get(directory);
    const isSame = before?.times.mtimeNs === times.mtimeNs && before.times.ctimeNs === times.ctimeNs;
    const away = isSame ? before.away : await this.#leadingAway(directory, links);
    if (hasRested(times, listedMs) && this.#followed.size < rememberedMax)
      this.#followed.set(directory, { times, away });
    return away;
  }

  async #leadingAway(directory: string, links: readonly string[]): Promise<string[]> {
    const away: string[] = [];
    for (const name of links) {
      const path = within(directory, name);
      if (!this.#rules.isIgnoredFolder(path) && (await leadsAway(path, this.#rules, this.#parts)))
        away.push(path);
    }
    return away;
  }

  /** @param paths in a run folder that lies too high. @returns those that are no input or output of it */
  async #withoutContent(paths: readonly string[]): Promise<string[]> {
    const others: string[] = [];
    for (const path of paths) if (!(await isContent(path, this.#rules))) others.push(path);
    return others;
  }

  /** Files of a run folder, as far as names tell: an input or the description. */
  #looksLikeRun(names: readonly string[]): boolean {
    const { names: wanted, isIgnored } = this.#rules.sight;
    const { files, archives } = mapFiles(asFiles(names), wanted, isIgnored);
    return [...files, ...archives].some(({ role }) => role === 'input' || role === 'meta');
  }

  #remember(directory: string, times: DirectoryTimes, listedMs: number): void {
    if (!hasRested(times, listedMs) || this.#unchanged.size >= rememberedMax)
      this.#unchanged.delete(directory);
    else this.#unchanged.set(directory, times);
  }

  #note(directory: string, found: Partial<Oddities>): void {
    const odd = { ...nothingOdd, ...found };
    const { names, links, closed, isRun } = odd;
    if (names.count + links.count + closed.count === 0 && !isRun) this.#odd.delete(directory);
    else this.#odd.set(directory, odd);
  }

  /** Once, and again when there is more of it, or less. */
  #say(what: string, trouble: string | null): void {
    const { name, path } = this.#rules.root;
    if (trouble === null) this.#said.delete(what);
    else if (this.#said.get(what) !== trouble) {
      this.#said.set(what, trouble);
      this.#parts.log.warn({ root: name }, `drop root ${path}: ${trouble}`);
    }
  }

  #noteNewest(path: string, mtimeNs: bigint): void {
    const place = this.#newest.findIndex((other) => other.mtimeNs < mtimeNs);
    if (place < 0) this.#newest.push({ path, mtimeNs });
    else this.#newest.splice(place, 0, { path, mtimeNs });
    if (this.#newest.length > newestMax) this.#newest.pop();
  }
}

function within(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function sum(one: Odd, other: Odd): Odd {
  return { count: one.count + other.count, example: one.example || other.example };
}

function unnamed({ count, example }: Odd): string | null {
  return count === 0
    ? null
    : `${String(count)} folder name(s) are not UTF-8 and cannot be tracked, such as ${shown(example)}: rename them`;
}

function unlisted({ count, example }: Odd): string | null {
  return count === 0
    ? null
    : `${String(count)} folder(s) cannot be listed, nor can what lies in them be tracked, such as ${example}: let the daemon’s user read them, or look at the disk`;
}

function linked({ count, example }: Odd): string | null {
  return count === 0
    ? null
    : `${String(count)} symbolic link(s) to folders are not followed, such as ${shown(example)}: ${linkHint}`;
}

/** The next one is made while something is done with this one: what waits for another thread leaves this one free. */
export async function* oneAhead<T>(made: AsyncGenerator<T, undefined>): AsyncGenerator<T> {
  const fetch = (): Promise<IteratorResult<T, undefined>> => {
    const fetched = made.next();
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
    // Whoever wants no more leaves one that is on its way.
    await next.catch(() => undefined);
    await made.return(undefined);
  }
}

/** More are never asked for. */
const newestMax = 16;
