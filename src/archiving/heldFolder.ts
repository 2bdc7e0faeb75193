/**
 * Copying and removing a run folder. It is another user's, who may put a link into the place of anything at any moment:
 * so whatever is copied or removed is reached from the very directory that was listed, which is held open, and never
 * through a link. What a copy gets of mode, owner and times is that of the file that was opened.
 */
import { constants, type BigIntStats } from 'node:fs';
import {
  access,
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  rmdir,
  stat,
  statfs,
  symlink,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { errorCode, markOf, OpenFolder, readChunkBytes, type FileMark } from '../system/files.ts';

/** Each level holds a directory open. No solver's folder is deeper. */
const levelsMax = 100;

/** `st_blocks` counts in these, whatever the file system's own are. */
const blockBytes = 512;
/** Holes are looked for in steps of this: what most file systems give a file at the least. */
const holeBytes = 4_096;
const zeros = Buffer.alloc(holeBytes);

/** By their paths in the folder, what told of each file and link when it was copied whether it moves. */
export type CopiedMarks = Map<string, FileMark>;

/** Of something in the folder there is no copy. */
export class NotCopied extends Error {}

/** The file system of the copy has less left than the folder takes: nothing is wrong with the folder. */
export class NoRoom extends Error {}

/** A copy that nobody else comes into yet. */
export interface Copied {
  /** What a later look has to find, or something was written meanwhile of which there is no copy. */
  readonly marks: CopiedMarks;
  /** Gives it the owner and the mode of the folder that it was made of: from then on it is in another's hands. */
  giveAway(): Promise<void>;
}

/**
 * @param copy a name that nothing has: it is made for this process alone, until it is given away
 * @param beat told of every chunk: a large folder on a slow disk takes long
 * @throws NotCopied, NoRoom, or system errors: what is there of the copy is then to be removed
 */
export async function copyFolder(source: string, copy: string, beat: () => void): Promise<Copied> {
  await checkRoom(dirname(copy), await checkInto(source, beat, 0));
  const marks: CopiedMarks = new Map();
  const stats = await copyInto(copy, source, '', marks, beat, 0);
  return { marks, giveAway: async () => await makeDirectoryLike(copy, stats) };
}

/**
 * Finds what would end the copy, or the removal after it, before the first byte is copied: what stays as it is is tried
 * at every pass, and then costs a listing each time, not a copy.
 * @returns how many bytes its files take on their disk
 * @throws NotCopied, or the system error that copying or removing would come to
 */
async function checkInto(source: string, beat: () => void, level: number): Promise<number> {
  if (level > levelsMax)
    throw new NotCopied(`it has more than ${String(levelsMax)} levels of directories in it`);
  const folder = await OpenFolder.open(source);
  try {
    let bytes = 0;
    let isEmpty = true;
    for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
      beat();
      // Each name in it is to be taken away in the end.
      if (isEmpty) await access(folder.pathOf('.'), constants.W_OK | constants.X_OK);
      isEmpty = false;
      // A name that is not UTF-8 arrives with this sign in it, and nothing can be opened by that.
      if (entry.name.includes('\uFFFD')) throw notUtf8();
      if (entry.isDirectory()) bytes += await checkInto(folder.pathOf(entry.name), beat, level + 1);
      else if (entry.isFile()) bytes += await takenBy(folder, entry.name);
      else if (!entry.isSymbolicLink()) throw notRegular();
    }
    return bytes;
  } finally {
    await folder.close();
  }
}

/** What a file takes on its disk. One with holes takes less than its size, and one that is still written to may take more. */
async function takenBy(folder: OpenFolder, name: string): Promise<number> {
  const file = await folder.openFile(name);
  try {
    const { blocks, size } = await file.stat({ bigint: true });
    return Math.min(Number(blocks) * blockBytes, Number(size) + holeBytes);
  } finally {
    await file.close();
  }
}

/**
 * What there is no room for would fill the disk at every pass, and be cleared away again.
 * @throws NoRoom
 */
async function checkRoom(directory: string, neededBytes: number): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(directory);
  // Some network file systems know no numbers, and say 0 for all of them.
  if (blocks === 0 || neededBytes <= bavail * bsize) return;
  throw new NoRoom(`it takes ${prettyBytes(neededBytes)}, and ${prettyBytes(bavail * bsize)} are left there`);
}

/**
 * @param path in the folder that is copied, which the marks are noted by
 * @returns what the directory is, which the copy of it is yet to be made like
 */
async function copyInto(
  copy: string,
  source: string,
  path: string,
  marks: CopiedMarks,
  beat: () => void,
  level: number,
): Promise<BigIntStats> {
  if (level > levelsMax)
    throw new NotCopied(`it has more than ${String(levelsMax)} levels of directories in it`);
  const folder = await OpenFolder.open(source);
  try {
    await mkdir(copy, { mode: 0o700 });
    for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
      beat();
      const [from, to] = [folder.pathOf(entry.name), join(copy, entry.name)];
      const inner = join(path, entry.name);
      if (entry.isDirectory())
        await makeDirectoryLike(to, await copyInto(to, from, inner, marks, beat, level + 1));
      else if (entry.isSymbolicLink()) {
        marks.set(inner, markOf(await lstat(from, { bigint: true })));
        // As the text that it is.
        await symlink(await readlink(from), to);
      } else if (entry.isFile()) marks.set(inner, await copyFile(folder, entry.name, to, beat));
      else throw notRegular();
    }
    return await stat(`${folder.pathOf('.')}/`, { bigint: true });
  } finally {
    await folder.close();
  }
}

async function makeDirectoryLike(copy: string, like: BigIntStats): Promise<void> {
  const directory = await open(copy, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await makeLike(directory, like);
  } finally {
    await directory.close();
  }
}

/** @returns what told of the file before it was read whether it moves */
async function copyFile(folder: OpenFolder, name: string, to: string, beat: () => void): Promise<FileMark> {
  const from = await folder.openFile(name);
  try {
    const stats = await from.stat({ bigint: true });
    if (!stats.isFile()) throw notRegular();
    const size = Number(stats.size);
    const hasHoles = Number(stats.blocks) * blockBytes < size;
    const file = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(readChunkBytes, size)));
      // Never beyond the size it had: one that grows for ever is found to have changed.
      let at = 0;
      while (at < size) {
        const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, size - at), at);
        if (bytesRead === 0) break;
        const piece = buffer.subarray(0, bytesRead);
        if (hasHoles) await writeAround(file, piece, at);
        else await writeAt(file, piece, at);
        at += bytesRead;
        beat();
      }
      // A hole at the end is made by nothing that was written.
      if (hasHoles) await file.truncate(at);
      await makeLike(file, stats);
    } finally {
      await file.close();
    }
    return markOf(stats);
  } finally {
    await from.close();
  }
}

/** What is nothing but zeros is left out: of a file with holes the copy would otherwise take a thousand times what that takes. */
async function writeAround(file: FileHandle, piece: Buffer, at: number): Promise<void> {
  const isHole = (from: number): boolean => {
    const part = piece.subarray(from, from + holeBytes);
    return part.equals(zeros.subarray(0, part.length));
  };
  for (let from = 0; from < piece.length;) {
    if (isHole(from)) {
      from += holeBytes;
      continue;
    }
    let to = from + holeBytes;
    while (to < piece.length && !isHole(to)) to += holeBytes;
    await writeAt(file, piece.subarray(from, to), at + from);
    from = to;
  }
}

async function writeAt(file: FileHandle, piece: Buffer, at: number): Promise<void> {
  for (let from = 0; from < piece.length;) {
    const { bytesWritten } = await file.write(piece, from, piece.length - from, at + from);
    from += bytesWritten;
  }
}

/** Whether two files hold the same bytes. @param beat told of every chunk. @throws system errors, of a link too */
export async function isSameFile(path: string, other: string, beat: () => void): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const [one, two] = [await open(path, flags), await open(other, flags)];
  try {
    const [ours, theirs] = [Buffer.allocUnsafe(readChunkBytes), Buffer.allocUnsafe(readChunkBytes)];
    for (let at = 0; ;) {
      const { bytesRead } = await one.read(ours, 0, ours.length, at);
      const found = await two.read(theirs, 0, Math.max(1, bytesRead), at);
      if (found.bytesRead !== bytesRead) return false;
      if (bytesRead === 0) return true;
      if (!ours.subarray(0, bytesRead).equals(theirs.subarray(0, bytesRead))) return false;
      at += bytesRead;
      beat();
    }
  } finally {
    await one.close();
    await two.close();
  }
}

/**
 * Who may read, write and execute it, and the sticky bit. Not setuid and setgid: where the owner cannot be kept, a program
 * would run with the rights of this process for whoever starts it; and a unit with `RestrictSUIDSGID` may not set them.
 */
const copiedModeBits = 0o1777;

/** Its owners where that is permitted, and it lasts. */
async function makeLike(copy: FileHandle, like: BigIntStats): Promise<void> {
  await copy.chown(Number(like.uid), Number(like.gid)).catch(() => undefined);
  await copy.chmod(Number(like.mode) & copiedModeBits);
  // Not by Date, which knows no fractions of a millisecond.
  await copy.utimes(secondsOf(like.atimeNs), secondsOf(like.mtimeNs));
  await copy.sync();
}

function secondsOf(ns: bigint): number {
  return Number(ns) / 1e9;
}

/**
 * Removes what is left of a copy, if there is any. It may be in another's hands by now: Node's own `rm` goes by paths, and
 * would empty what a link leads to that is put into the place of a directory at the right moment.
 * @param beat told of everything that is removed
 */
export async function clearAway(path: string, beat: () => void): Promise<void> {
  let isDirectory: boolean;
  try {
    isDirectory = (await lstat(path)).isDirectory();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if (isDirectory) await removeFolder(path, beat);
  else await unlink(path);
}

/** Removes a folder with all that is in it. What comes into it meanwhile is an error, and stays. */
export async function removeFolder(path: string, beat: () => void): Promise<void> {
  const folder = await OpenFolder.open(path);
  try {
    for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
      beat();
      const inner = folder.pathOf(entry.name);
      if (entry.isDirectory()) await removeFolder(inner, beat);
      else await unlink(inner);
    }
  } finally {
    await folder.close();
  }
  await rmdir(path);
}

function notRegular(): NotCopied {
  return new NotCopied(
    'it has a pipe, a socket or a device in it, which cannot be copied to another file system',
  );
}

function notUtf8(): NotCopied {
  return new NotCopied(
    'a name in it is not UTF-8, by which nothing can be copied to another file system: rename the file or directory',
  );
}
