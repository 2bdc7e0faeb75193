/**
 * Copying and removing a run folder. It is another user's, who may put a link into the place of anything at any moment:
 * so whatever is copied or removed is reached from the very directory that was listed, which is held open, and never
 * through a link. What a copy gets of mode, owner and times is that of the file that was opened.
 */
import { constants, type BigIntStats } from 'node:fs';
import {
  mkdir,
  open,
  opendir,
  readlink,
  rmdir,
  stat,
  symlink,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { OpenFolder, readChunkBytes } from '../system/files.ts';

/** Each level holds a directory open. No solver's folder is deeper. */
const levelsMax = 100;

/** Of something in the folder there is no copy. */
export class NotCopied extends Error {}

/**
 * @param copy a name that nothing has: it is made for its owner alone, and gets its mode when all is in it
 * @param beat told of every chunk: a large folder on a slow disk takes long
 * @throws NotCopied, or system errors: what is there of the copy is then to be removed
 */
export async function copyFolder(source: string, copy: string, beat: () => void, level = 0): Promise<void> {
  if (level > levelsMax)
    throw new NotCopied(`it has more than ${String(levelsMax)} levels of directories in it`);
  const folder = await OpenFolder.open(source);
  try {
    await mkdir(copy, { mode: 0o700 });
    for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
      beat();
      const [from, to] = [folder.pathOf(entry.name), join(copy, entry.name)];
      if (entry.isDirectory()) await copyFolder(from, to, beat, level + 1);
      // As the text that it is.
      else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
      else if (entry.isFile()) await copyFile(folder, entry.name, to, beat);
      else throw notRegular();
    }
    const directory = await open(copy, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await makeLike(directory, await stat(`${folder.pathOf('.')}/`, { bigint: true }));
    } finally {
      await directory.close();
    }
  } finally {
    await folder.close();
  }
}

async function copyFile(folder: OpenFolder, name: string, to: string, beat: () => void): Promise<void> {
  const from = await folder.openFile(name);
  try {
    const stats = await from.stat({ bigint: true });
    if (!stats.isFile()) throw notRegular();
    const size = Number(stats.size);
    const file = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(readChunkBytes, size)));
      // Never beyond the size it had: one that grows for ever is found to have changed.
      for (let at = 0; at < size;) {
        const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, size - at), at);
        if (bytesRead === 0) break;
        await file.writeFile(buffer.subarray(0, bytesRead));
        at += bytesRead;
        beat();
      }
      await makeLike(file, stats);
    } finally {
      await file.close();
    }
  } finally {
    await from.close();
  }
}

/** Its owners where that is permitted, and it lasts. */
async function makeLike(copy: FileHandle, like: BigIntStats): Promise<void> {
  // Before the mode, because another owner takes some of its bits away.
  await copy.chown(Number(like.uid), Number(like.gid)).catch(() => undefined);
  await copy.chmod(Number(like.mode) & 0o7777);
  // Not by Date, which knows no fractions of a millisecond.
  await copy.utimes(secondsOf(like.atimeNs), secondsOf(like.mtimeNs));
  await copy.sync();
}

function secondsOf(ns: bigint): number {
  return Number(ns) / 1e9;
}

/** Removes a folder with all that is in it. What comes into it meanwhile is an error, and stays. */
export async function removeFolder(path: string): Promise<void> {
  const folder = await OpenFolder.open(path);
  try {
    for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
      const inner = folder.pathOf(entry.name);
      if (entry.isDirectory()) await removeFolder(inner);
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
