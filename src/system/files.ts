/**
 * The only way in which this program opens files of a run folder, and writes files for others to read.
 *
 * A run folder is another user's input: nothing is opened through a link, a pipe never holds us, and what is written
 * appears whole or not at all.
 */
import { constants, type BigIntStats } from 'node:fs';
import { chmod, chown, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { temporarySuffix } from '../core/ownFiles.ts';
import { namesBelow } from './wayTo.ts';

/** Large files are read in pieces of this size: four times fewer turns than Node's default, at the same memory. */
export const readChunkBytes = 256 * 1024;

/** A file or directory held open. */
export interface HeldFile {
  readonly fd: number;
  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  writeFile(content: string | Uint8Array): Promise<void>;
  chown(uid: number, gid: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How the system is asked: with the loop free meanwhile, or by a thread that has nothing else to do (`blockingFiles.ts`). */
export interface FileCalls {
  open(path: string, flags: number, mode?: number): Promise<HeldFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

const freeing: FileCalls = { open, rename, unlink };

const isLinux = process.platform === 'linux';

/** A directory itself, to be listed and for what lies in it. */
const openingFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Linux has it on every processor that Node runs on, and Node has no name for it: no right to list is needed. */
const pathOnly = 0o10_000_000;
/** A directory itself, only to go on from. */
const passingFlags = isLinux ? pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW : openingFlags;

/** A run folder held open: files are opened below this very directory, even if its name is given to another meanwhile. */
export class OpenFolder {
  readonly #directory: HeldFile;
  readonly #calls: FileCalls;
  /** As it was opened; another directory may have that name by now. */
  readonly path: string;

  private constructor(directory: HeldFile, path: string, calls: FileCalls) {
    this.#directory = directory;
    this.#calls = calls;
    this.path = path;
  }

  /** @throws ENOENT, ENOTDIR, or ELOOP for a link in the last name */
  static async open(path: string, calls: FileCalls = freeing): Promise<OpenFolder> {
    return new OpenFolder(await calls.open(path, openingFlags), path, calls);
  }

  /**
   * Likewise, and through no link on the way from the drop root either: each directory is opened below the one before it,
   * so that nobody can put a link into the way while it is gone.
   * @param root may be a link itself
   * @param path of a folder in the root, or of the root; what lies elsewhere, or is held open already, is opened as it is
   */
  static async openIn(root: string, path: string, calls: FileCalls = freeing): Promise<OpenFolder> {
    const names = namesBelow(root, path) ?? [];
    const last = names.pop();
    // With the dot, a root that is a link is followed.
    if (last === undefined) return await OpenFolder.open(path === root ? `${root}/.` : path, calls);
    let parent: HeldFile | null = null;
    let at = root;
    try {
      for (const name of names) {
        const next: HeldFile = await calls.open(`${at}/${name}`, passingFlags);
        await parent?.close();
        parent = next;
        at = isLinux ? below(next) : `${at}/${name}`;
      }
      return new OpenFolder(await calls.open(`${at}/${last}`, openingFlags), path, calls);
    } finally {
      await parent?.close();
    }
  }

  /** For reading; never follows a link in the last name, never waits for a pipe's other end. */
  async openFile(name: string): Promise<HeldFile> {
    // O_NONBLOCK: opening a FIFO without a writer would otherwise hold a thread for ever.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return await this.#calls.open(this.pathOf(name), flags);
  }

  /** As `writeWhole`, into this very directory. */
  async writeWhole(name: string, content: Content, mode: number, group: number | null): Promise<void> {
    await replaceBy(this.pathOf(name), content, mode, group, this.#calls);
    await syncAsFarAsPossible(this.#directory);
  }

  /** A file that is not there is as good as removed. */
  async remove(name: string): Promise<void> {
    await removeIfThere(this.pathOf(name), this.#calls);
  }

  /** A path of a name in this very directory, good while it is open. */
  pathOf(name: string): string {
    return join(this.#below(), name);
  }

  /** A path of this very directory that another thread may open, good while it is open here. */
  pathOfItself(): string {
    // Without the dot it would be a link, and none is followed.
    return `${this.#below()}/.`;
  }

  #below(): string {
    return isLinux ? below(this.#directory) : this.path;
  }

  async stats(): Promise<{
    readonly mode: number;
    readonly uid: bigint;
    readonly gid: number;
    readonly ino: string;
  }> {
    const { mode, uid, gid, ino } = await this.#directory.stat({ bigint: true });
    return { mode: Number(mode), uid, gid: Number(gid), ino: String(ino) };
  }

  async close(): Promise<void> {
    await this.#directory.close();
  }
}

/** Where what lies in a held directory is found, whatever has its name by now. */
function below({ fd }: Pick<HeldFile, 'fd'>): string {
  return `/proc/self/fd/${String(fd)}`;
}

/**
 * What tells whether a file has moved: whatever a writer does shows in one of these. Not which device it lies on: a file is
 * opened below a directory that is held open, so another device would have to be mounted over it in between, and hold a
 * file of the same inode number that was changed in the same nanosecond. And devices are numbered anew when they are
 * mounted, so that after a restart of the machine nothing recorded would look as it did.
 */
export interface FileMark {
  readonly bytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

interface BigStats {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

export function markOf(stats: BigStats): FileMark {
  return { bytes: Number(stats.size), mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, ino: stats.ino };
}

export function sameMark(a: FileMark, b: FileMark): boolean {
  return a.bytes === b.bytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

/**
 * Writes a file so that it is there whole or not at all, also when the power goes: temporary name, sync, rename, sync
 * of the directory. A temporary left behind by a crash is replaced.
 *
 * @param mode of the new file, e.g. 0o644
 * @param group id that the file gets where that is permitted; null: the process's own
 */
export async function writeWhole(
  path: string,
  content: Content,
  mode: number,
  group: number | null,
): Promise<void> {
  await replaceBy(path, content, mode, group, freeing);
  await syncDirectory(dirname(path));
}

type Content = string | AsyncIterable<string | Uint8Array>;

async function replaceBy(
  path: string,
  content: Content,
  mode: number,
  group: number | null,
  calls: FileCalls,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}${temporarySuffix}`);
  const file = await openNew(temporary, calls);
  try {
    try {
      if (typeof content === 'string') await file.writeFile(content);
      else for await (const piece of content) await file.writeFile(piece);
      // Not our group to give: the file then has the process's own, which is no reason to withhold the result.
      if (group !== null) await file.chown(-1, group).catch(() => undefined);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await calls.rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary, calls);
    throw error;
  }
}

/** A file that was not there: what a crash left under its name is removed first. */
async function openNew(path: string, calls: FileCalls): Promise<HeldFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return await calls.open(path, flags, 0o600);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    await calls.unlink(path);
    return await calls.open(path, flags, 0o600);
  }
}

/** Gives a directory to a group, where that is permitted, and sets its mode. @param group null: as it is */
export async function chownTo(path: string, group: number | null, mode: number): Promise<void> {
  if (group !== null) await chown(path, -1, group).catch(() => undefined);
  await chmod(path, mode);
}

export async function syncDirectory(path: string): Promise<void> {
  // With a slash at the end, because the path may be a link to a directory that is held open.
  const directory = await open(`${path}/`, constants.O_RDONLY);
  try {
    await syncAsFarAsPossible(directory);
  } finally {
    await directory.close();
  }
}

/** How file systems say that they know no sync of a directory; some network shares and FUSE do. */
const knowsNoSync = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** What was renamed in it is there all the same: where its directory cannot be synced, nothing is left to be done. */
async function syncAsFarAsPossible(directory: Pick<HeldFile, 'sync'>): Promise<void> {
  await directory.sync().catch((error: unknown) => {
    if (!knowsNoSync.has(errorCode(error) ?? '')) throw error;
  });
}

/** The code of a system error ("ENOENT"), or undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Whether the machine itself said no. Its code does not tell: of some errors that file systems answer with Node knows no
 * name (EHOSTDOWN, EREMOTEIO), or no code ("Unknown system error -117").
 */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

async function removeIfThere(path: string, calls: FileCalls): Promise<void> {
  await calls.unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
}
