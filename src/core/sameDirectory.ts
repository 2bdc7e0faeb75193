/** Whether a directory is one that was seen before. Names tell little: directories come and go under the same ones. */
import type { DirectoryIdentity } from './content.ts';

/** Device numbers change at a reboot; inode and birth time together do not. */
export function isSameDirectory(a: DirectoryIdentity, b: DirectoryIdentity): boolean {
  return a.ino === b.ino && a.birthNs === b.birthNs && a.birthNs !== '0';
}

/** Likewise, and as far as one can tell where birth times are not kept. */
export function mayBeSameDirectory(a: DirectoryIdentity, b: DirectoryIdentity): boolean {
  return a.ino === b.ino && a.birthNs === b.birthNs;
}

/** A folder that has the content of a run, and the inode that the run's directory had at another path. */
export interface Relative {
  /** The directory that the run's was. */
  readonly before: DirectoryIdentity;
  /** What is at the run's path by now; null: nothing. */
  readonly atOldPath: DirectoryIdentity | null;
  readonly now: DirectoryIdentity;
  /** Whether the file system keeps birth times: where it does not, what it says may be made up. */
  readonly areBirthsKept: boolean;
  /** Whether files, times and all are the run's, as a move leaves them. */
  readonly isUnmoved: boolean;
}

/** Moved: the run's own folder. Another: one of its own. Untold: a person has to say. */
export function kinshipOf(relative: Relative): 'moved' | 'another' | 'untold' {
  const { before, atOldPath, now, areBirthsKept, isUnmoved } = relative;
  // Where names are the same whatever their case, the old one leads to the very directory that has a new one.
  const isOldNameOfIt = atOldPath?.dev === now.dev && isSameDirectory(atOldPath, now);
  if (atOldPath !== null && isSameDirectory(atOldPath, before) && !isOldNameOfIt) return 'another';
  if (isSameDirectory(before, now)) return 'moved';
  // Inodes are used again: where birth times are kept, one that differs is another directory, whatever is in it.
  if (areBirthsKept) return 'another';
  return isUnmoved ? 'moved' : 'untold';
}
