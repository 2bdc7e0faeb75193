/**
 * What root makes in a directory of another user would be closed to that user. So whoever works there as root gives to the
 * directory's owner what is root's.
 *
 * That owner may put anything into the way meanwhile. Directories are held open while their contents are given away, no
 * link is followed, and a file that has another name elsewhere is left alone: it may be one of root's own.
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './files.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Told of what lies below the directory by all the names on the way to it, the first one first. */
export type OwnPath = (names: readonly string[]) => boolean;

/** Deeper than anything that this program makes. */
const depthMax = 8;

/**
 * Gives away what is root's, of what this program makes in a directory and below it. Does nothing unless this process is
 * root's and the directory is not.
 * @param isOurs whether this program makes something of that name there: somebody may keep other things in it
 */
export function giveToOwner(directory: string, isOurs: OwnPath): void {
  // The paths below lead through directories that are held open, and only Linux has such paths.
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return;
  skippingTrouble(() => {
    const { uid, gid } = statSync(directory);
    if (uid !== 0) giveContents(`${directory}/.`, [], { uid, gid }, isOurs);
  });
}

/** Whose what this process makes for the directory's owner is to be, wherever it makes it. */
export function ownerFor(directory: string): number {
  const user = process.getuid?.() ?? 0;
  return user === 0 && process.platform === 'linux' ? statSync(directory).uid : user;
}

function giveContents(directory: string, names: readonly string[], owner: Owner, isOurs: OwnPath): void {
  const held = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const below = `/proc/self/fd/${String(held)}`;
    for (const name of readdirSync(below)) {
      const found = [...names, name];
      if (isOurs(found)) skippingTrouble(() => give(join(below, name), found, owner, isOurs));
    }
    // Last: while it is root's, nobody else changes what is in it.
    if (fstatSync(held).uid === 0) fchownSync(held, owner.uid, owner.gid);
  } finally {
    closeSync(held);
  }
}

function give(path: string, names: readonly string[], owner: Owner, isOurs: OwnPath): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) {
    if (names.length <= depthMax) giveContents(path, names, owner, isOurs);
  } else if (stats.uid === 0 && stats.nlink === 1) lchownSync(path, owner.uid, owner.gid);
}

/** What is gone meanwhile need not be given, and what this root may not give (a container's, say) stays as it is. */
function skippingTrouble(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
