/**
 * The only way in which this program opens files of a run folder, and writes files for others to read.
 *
 * A run folder is another user's input: nothing is opened through a link, a pipe never holds us, and what is written
 * appears whole or not at all.
 */
import { constants } from 'node:fs';
import { chmod, chown, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { temporarySuffix } from '../core/ownFiles.ts';

/** Large files are read in pieces of this size: four times fewer turns than Node's default, at the same memory. */
export const readChunkBytes = 256 * 1024;

/** Opens a file for reading; never follows a link in the last name, never waits for a pipe's other end. */
async function openForReading(path: string): Promise<FileHandle> {
  // O_NONBLOCK: opening a FIFO without a writer would otherwise hold a thread of the pool for ever.
  return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** A run folder held open: files are opened below this very directory, even if its name is given to another meanwhile. */
export class OpenFolder {
  readonly #directory: FileHandle;
  /** As it was opened; another directory may have that name by now. */
  readonly path: string;

  private constructor(directory: FileHandle, path: string) {
    this.#directory = directory;
    this.path = path;
  }

  /** @throws ENOENT, ENOTDIR, or ELOOP for a link in the last name */
  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(
      await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW),
      path,
    );
  }

  async openFile(name: string): Promise<FileHandle> {
    return await openForReading(this.pathOf(name));
  }

  /** A path of a name in this very directory, good while it is open. */
  pathOf(name: string): string {
    const below = process.platform === 'linux' ? `/proc/self/fd/${String(this.#directory.fd)}` : this.path;
    return join(below, name);
  }

  async stats(): Promise<{ readonly mode: number; readonly gid: number; readonly ino: string }> {
    const { mode, gid, ino } = await this.#directory.stat({ bigint: true });
    return { mode: Number(mode), gid: Number(gid), ino: String(ino) };
  }

  async close(): Promise<void> {
    await this.#directory.close();
  }
}

/** What tells whether a file has moved: whatever a writer does shows in one of these. */
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
  content: string | AsyncIterable<string | Uint8Array>,
  mode: number,
  group: number | null,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}${temporarySuffix}`);
  await rm(temporary, { force: true });
  const file = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
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
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
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
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The code of a system error ("ENOENT"), or undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export async function removeIfThere(path: string): Promise<void> {
  await rm(path, { force: true });
}
