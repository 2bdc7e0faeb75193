/**
 * The directory that an archive is: the one that it was, or most likely the place of one that is not mounted. What is moved
 * there then fills the disk below, and is covered as soon as the archive is mounted again.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isSameMark } from '../core/keptMark.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { DirectoryMount } from '../reading/folderJobs.ts';
import { errorCode } from '../system/files.ts';

/** What the outbox keeps of it, as text. */
interface Kept {
  readonly mark: string;
  /** Missing where an earlier version kept it. */
  readonly mountedAt?: string;
  /** Of what was in it, by paths in it: one of them is enough to know it again. */
  readonly paths: readonly string[];
}

/** So many are kept, the newest first: people clear an archive too. */
const pathsMax = 20;

export class ArchiveDirectory {
  readonly #path: string;
  readonly #key: string;
  readonly #outbox: Outbox;
  /** As the outbox has it: nobody else writes it. null: not asked for yet, or it has nothing. */
  #known: Kept | null = null;
  #isDoubted = false;
  #isAsked = false;

  /** @param root the drop root's name */
  constructor(root: string, path: string, outbox: Outbox) {
    this.#path = path;
    // Kept where the marks of drop roots are; none of those has such a name.
    this.#key = `archive of ${root}: ${path}`;
    this.#outbox = outbox;
  }

  /** A person says that it is meant so, whatever is there at the next look. Who was told of no doubt says nothing of it. */
  believe(): void {
    this.#isAsked = this.#isDoubted;
  }

  /**
   * @param now which directory it is now; one of which nothing is known is believed
   * @returns why it cannot be filled, as what is said of the archive; null: it can
   */
  async look(now: DirectoryMount): Promise<string | null> {
    const isAsked = this.#isAsked;
    const kept = await this.#kept();
    if (kept === null) {
      await this.#keep({ ...now, paths: await this.#namesNow() });
    } else if (isSame(kept, now)) {
      if (kept.mark !== now.mark || kept.mountedAt !== now.mountedAt) await this.#keep({ ...kept, ...now });
    } else if (isAsked) {
      await this.#keep({ ...now, paths: await this.#namesNow() });
    } else if (isBelow(kept, now)) {
      this.#isDoubted = true;
      return `is not on the file system any more that was mounted at ${kept.mountedAt}: is it mounted?`;
    } else if (kept.paths.length === 0 || (await this.#holdsOneOf(kept.paths))) {
      await this.#keep({ ...kept, ...now });
    } else {
      this.#isDoubted = true;
      return 'is another directory than before, and nothing of what was last in it is there: is it mounted?';
    }
    this.#isAsked = false;
    this.#isDoubted = false;
    return null;
  }

  /** Whether it is still the directory that the last look found it to be. */
  isAsSeen(mark: string): boolean {
    return this.#known !== null && isSameMark(this.#known.mark, mark);
  }

  /** @param targets what was moved to it since the last look, oldest first */
  async note(targets: readonly string[]): Promise<void> {
    if (targets.length === 0) return;
    const kept = await this.#kept();
    if (kept === null) return;
    const moved = targets.map((target) => relative(this.#path, target)).reverse();
    await this.#keep({ ...kept, paths: [...moved, ...kept.paths].slice(0, pathsMax) });
  }

  async #kept(): Promise<Kept | null> {
    if (this.#known !== null) return this.#known;
    const { mark } = await this.#outbox.rootPlace(this.#key);
    this.#known = mark === null ? null : (JSON.parse(mark) as Kept);
    return this.#known;
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#outbox.saveRootMark(this.#key, JSON.stringify(kept));
    this.#known = kept;
  }

  async #holdsOneOf(paths: readonly string[]): Promise<boolean> {
    for (const path of paths) {
      const isThere = await lstat(join(this.#path, path)).then(
        () => true,
        () => false,
      );
      if (isThere) return true;
    }
    return false;
  }

  /** What is in it, as far as it can be listed: it may be one that can be entered and filled alone. */
  async #namesNow(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of await opendir(this.#path)) {
        // Every new disk has these.
        if (!name.startsWith('.') && name !== 'lost+found') names.push(name);
        if (names.length >= pathsMax) break;
      }
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
    return names;
  }
}

/** Devices get other numbers when the machine starts again, and shares at each mount. */
function isSame(kept: Kept, now: DirectoryMount): boolean {
  if (isSameMark(kept.mark, now.mark)) return true;
  const [, ino, birth] = kept.mark.split(' ');
  const [, inoNow, birthNow] = now.mark.split(' ');
  if (ino !== inoNow) return false;
  // The same inode, made at the same nanosecond, is on one disk only. Where births are not known, the place has to do.
  return birth === undefined ? kept.mountedAt === now.mountedAt : birth === birthNow;
}

/** Whether it lies on the file system on which there was a mount: what is empty there, or has been filled so before, says nothing. */
function isBelow(kept: Kept, now: DirectoryMount): kept is Kept & { readonly mountedAt: string } {
  const { mountedAt } = kept;
  if (mountedAt === undefined || mountedAt === now.mountedAt) return false;
  return relative(now.mountedAt, mountedAt).split(sep)[0] !== '..';
}
