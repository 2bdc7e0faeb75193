/**
 * Moves a run folder, over file systems too, without ever writing over anything and without a moment in which it is
 * nowhere. On one file system that is one rename. Between two it is copied beside its new place first, appears there
 * whole, and only then is the old one taken away: under a name of ours, so that a writer who comes meanwhile is noticed,
 * and only when all that is in it is in the copy. Each step can be repeated after a crash.
 */
import { hash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, mkdir, opendir, readlink, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { temporarySuffix } from '../core/ownFiles.ts';
import { errorCode, markOf, sameMark, syncDirectory } from '../system/files.ts';
import {
  clearAway,
  copyFolder,
  isSameFile,
  NoRoom,
  NotCopied,
  removeFolder,
  type CopiedMarks,
} from './heldFolder.ts';

/** No file system that a run folder lies on takes longer names. */
export const nameBytesMax = 255;

/** Of a move that nothing cuts off. */
const never = new AbortController().signal;

export type Moved =
  | { readonly kind: 'moved' }
  /** This folder cannot be moved as it is, and others can. */
  | { readonly kind: 'refused'; readonly text: string }
  /** Where it goes there is no room for it, and nothing is wrong with the folder. */
  | { readonly kind: 'full'; readonly text: string }
  /** It was cut off: `finishMove` goes on. */
  | { readonly kind: 'begun' }
  /** What is left of it was set aside, and its copy is not where it went: only with that can `finishMove` go on. */
  | { readonly kind: 'parted'; readonly text: string };

/**
 * @param source absolute path of the folder, on the file system of `dirname(target)` or on another; best below a
 * directory that is held open, so that it is the same all the while
 * @param target absolute path that nothing has; its parent is there
 * @param beat told as long as something moves
 * @param cut whoever waits has no time left: what is copied or removed by then stays as it is
 * @throws system errors: the folder is then where it was, or `finishMove` goes on
 */
export async function moveFolder(
  source: string,
  target: string,
  beat: () => void,
  cut: AbortSignal = never,
): Promise<Moved> {
  try {
    // Fails where anything has that name; renaming over it then replaces our own empty directory and nothing else.
    await mkdir(target, { mode: 0o700 });
  } catch (error) {
    return fullOrThrow(error);
  }
  try {
    await rename(source, target);
  } catch (error) {
    await rmdir(target);
    if (errorCode(error) !== 'EXDEV') return fullOrThrow(error);
    return await unlessCut(cut, beat, async (going) => await moveByCopy(source, target, going));
  }
  await syncDirectory(dirname(target));
  await syncDirectory(dirname(source));
  return { kind: 'moved' };
}

/**
 * What became of a move that was begun and whose end nobody wrote down.
 * @param source null: what it lay in is not there any more
 * @param beat told as long as something is compared or removed
 * @param cut as for `moveFolder`
 * @returns null: nothing has been moved, and it can begin anew
 */
export async function finishMove(
  source: string | null,
  target: string,
  beat: () => void = () => undefined,
  cut: AbortSignal = never,
): Promise<Moved | null> {
  return await unlessCut(cut, beat, async (going) => await goOn(source, target, going));
}

/** @param work ends with the next beat that it gives when there is no time left, whatever it is at */
async function unlessCut<T>(
  cut: AbortSignal,
  beat: () => void,
  work: (going: () => void) => Promise<T>,
): Promise<T | Moved> {
  try {
    return await work(() => {
      cut.throwIfAborted();
      beat();
    });
  } catch (error) {
    if (cut.aborted && error === cut.reason) return { kind: 'begun' };
    throw error;
  }
}

async function goOn(source: string | null, target: string, beat: () => void): Promise<Moved | null> {
  await clearAway(besideOf(target), beat);
  const aside = source === null ? null : besideOf(source);
  const isAside = aside !== null && (await isThere(aside));
  if (!(await isThere(target))) {
    if (!isAside) return null;
    return {
      kind: 'parted',
      text: `what is left of it lies beside its place as ${basename(aside)}, and its copy ${target} is not there`,
    };
  }
  // What was copied is not known any more: only the bytes tell.
  const isCopied = sameContent(target, beat);
  if (source !== null && isAside) return await removeSource(source, target, isCopied, false, beat);
  // Made a moment before the end came, to be renamed over. Where the folder is gone as well, it has not come here.
  if (await isEmpty(target)) {
    await rmdir(target);
    return null;
  }
  if (source === null || !(await isThere(source))) return { kind: 'moved' };
  // What is no copy of it may be anybody's, and is left alone.
  if ((await differenceTo(source, target, isCopied, beat)) !== null) return null;
  return await removeSource(source, target, isCopied, false, beat);
}

/**
 * @param error of what was to be made where a folder goes, before anything of it was moved
 * @throws it again, unless it says that there is no room: for a name alone there may be none either
 */
export function fullOrThrow(error: unknown): Moved {
  const code = errorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
  return { kind: 'full', text: `nothing more can be written there (${code})` };
}

async function moveByCopy(source: string, target: string, beat: () => void): Promise<Moved> {
  const copy = besideOf(target);
  await clearAway(copy, beat);
  // Else the old folder could not be taken away in the end, and the next try would copy all of it again.
  await access(dirname(source), constants.W_OK | constants.X_OK);
  let isCopied: IsCopied;
  try {
    const copied = await copyFolder(source, copy, beat);
    isCopied = unmoved(copied.marks);
    const differing = await differenceTo(source, copy, isCopied, beat);
    if (differing !== null) {
      await clearAway(copy, beat);
      return { kind: 'refused', text: `${differing} changed while it was copied` };
    }
    await mkdir(target, { mode: 0o700 });
    // Only now: what has to be cleared away before is best in nobody else's hands.
    await copied.giveAway();
    await rename(copy, target);
  } catch (error) {
    // Where it was cut off there is no time for this either.
    await clearAway(copy, beat);
    if (error instanceof NotCopied) return { kind: 'refused', text: error.message };
    if (error instanceof NoRoom) return { kind: 'full', text: error.message };
    // Something in it is another thing than it was when it was listed.
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(errorCode(error) ?? '') && (await isThere(source)))
      return { kind: 'refused', text: 'something in it changed while it was copied' };
    return fullOrThrow(error);
  }
  await syncDirectory(dirname(target));
  return await removeSource(source, target, isCopied, true, beat);
}

/**
 * Takes the old folder away, if all that is in it is in the new one.
 * @param isOurCopy whether this process has made the target: else it is never removed
 */
async function removeSource(
  source: string,
  target: string,
  isCopied: IsCopied,
  isOurCopy: boolean,
  beat: () => void,
): Promise<Moved> {
  const aside = besideOf(source);
  if (!(await isThere(aside))) {
    await rename(source, aside).catch(async (error: unknown) => {
      if (isOurCopy) await takeBack(target, beat);
      throw error;
    });
    await syncDirectory(dirname(source));
  }
  const differing = await differenceTo(aside, target, isCopied, beat);
  if (differing !== null) {
    // Somebody wrote in the meantime: the folder stays, with what is new in it, and the copy goes.
    if (await isThere(source))
      return {
        kind: 'refused',
        text: `${differing} changed while it was moved, and lies beside it now, as ${basename(aside)}`,
      };
    await rename(aside, source);
    if (isOurCopy) await takeBack(target, beat);
    return { kind: 'refused', text: `${differing} changed while it was moved` };
  }
  await removeFolder(aside, beat);
  await syncDirectory(dirname(source));
  return { kind: 'moved' };
}

/** Removes our own copy, by a name of ours: half of it is not to be taken for a folder of the archive. */
async function takeBack(target: string, beat: () => void): Promise<void> {
  const copy = besideOf(target);
  await rename(target, copy);
  await clearAway(copy, beat);
}

/** Where something lies that is on its way: beside the place it belongs to, under a name of ours, which no scan looks at. */
function besideOf(path: string): string {
  const name = basename(path);
  const plain = ownName(name);
  // Always the same for a name: whoever comes after a crash has to find it.
  const isTooLong = Buffer.byteLength(plain) > nameBytesMax;
  return join(dirname(path), isTooLong ? ownName(hash('sha256', name)) : plain);
}

function ownName(middle: string): string {
  return `.${middle}${temporarySuffix}`;
}

/**
 * Whether of a file or a link there is a copy, as it is now.
 * @param path in the folder
 * @param stats of what is at that path now, and `at` where that is
 */
type IsCopied = (path: string, at: string, stats: BigIntStats) => boolean | Promise<boolean>;

/** Size and time of change alone say nothing: whoever writes can set that time, and only the kernel sets `ctime`. */
function unmoved(marks: CopiedMarks): IsCopied {
  return (path, _, stats) => {
    const mark = marks.get(path);
    return mark !== undefined && sameMark(mark, markOf(stats));
  };
}

function sameContent(copy: string, beat: () => void): IsCopied {
  return async (path, at, stats) => {
    const there = join(copy, path);
    return stats.isSymbolicLink()
      ? (await readlink(at)) === (await readlink(there))
      : await isSameFile(at, there, beat);
  };
}

/** @returns the path of something in `folder` that is not the same in `copy`; null: all of it is */
async function differenceTo(
  folder: string,
  copy: string,
  isCopied: IsCopied,
  beat: () => void,
): Promise<string | null> {
  for await (const path of pathsBelow(folder, '')) {
    beat();
    const at = join(folder, path);
    // By a name that is not UTF-8 nothing is found: it came after the copy, which was made of none.
    const one = await lstat(at, { bigint: true }).catch(() => null);
    const other = await lstat(join(copy, path), { bigint: true }).catch(() => null);
    if (one === null || other === null || kindOf(one) !== kindOf(other)) return path || basename(folder);
    if (one.isDirectory()) continue;
    if (one.size !== other.size || !(await isCopied(path, at, one))) return path;
  }
  return null;
}

function kindOf(stats: { readonly mode: bigint }): bigint {
  // The bits that say what it is: file, directory, link.
  return stats.mode & 0o170000n;
}

/** Everything below, the directory itself first, and never through a link. */
async function* pathsBelow(top: string, path: string): AsyncGenerator<string> {
  yield path;
  for await (const entry of await opendir(join(top, path), { bufferSize: 256 })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) yield* pathsBelow(top, inner);
    else yield inner;
  }
}

/** Whether it is a directory with nothing in it. One that is closed to us is a folder that came: ours are open to us. */
async function isEmpty(path: string): Promise<boolean> {
  try {
    for await (const entry of await opendir(path)) if (entry.name !== '') return false;
    return true;
  } catch (error) {
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}
