/**
 * What is done in a drop root or a small run folder in one go, by calls that hold up whoever makes them: for a thread of
 * its own (`folderThread.ts`). A run costs four such jobs instead of a hundred calls that each go through Node's pool of threads
 * and come back through the loop.
 */
import { realpathSync, statfsSync, statSync, type BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { blocking } from '../system/blockingFiles.ts';
import { machineClock } from '../system/clock.ts';
import { isRemoteType } from '../system/fileSystem.ts';
import { OpenFolder } from '../system/files.ts';
import { isDirectoryIn, isReached, namesBelow, NoDirectory } from '../system/wayTo.ts';
import { seldom, type Beat } from './beat.ts';
import type { ArtefactBody } from './bodies.ts';
import { countEntries, directoryNames, type DirectoryNames, type DirectoryTimes } from './directoryNames.ts';
import { readFolder, type ReadFolder, type ReadingRules } from './readFolder.ts';
import type { FolderSight, SightRules } from './sight.ts';
import { sightFolderSync } from './sightFolder.ts';
import { readSmall } from './smallBody.ts';

export interface FolderRules {
  readonly sight: SightRules;
  readonly reading: ReadingRules;
}

export interface SettledRead {
  readonly read: ReadFolder;
  /** The folder after it was read. */
  readonly after: FolderSight | null;
}

/** Where a directory lies. */
export interface DirectoryPlace {
  /** Which directory it is: device, inode, and when it was made, as far as that is known. */
  readonly mark: string;
  /** Without links. */
  readonly realPath: string;
}

/** On which file system a directory lies. */
export interface DirectoryMount {
  readonly mark: string;
  /** Where that file system begins, without links: it tells a mount from the directory below it, whatever their numbers are. */
  readonly mountedAt: string;
}

/** A text that belongs into a run folder. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
  readonly gid: number;
  /** Another file, which is over when this one is there. */
  readonly replaces: string;
}

/**
 * A folder is named by its path and that of its drop root: through a link between the two it is not there.
 *
 * Each is given, behind its arguments, a beat: to be told by whatever takes long that it gets on.
 */
export const folderJobs = {
  /**
   * Which directory it is: device, inode and birth, because devices are numbered anew, and the directory that a disk begins
   * with has the same inode on each. @throws system errors
   */
  mark: (path: string): Promise<string> => {
    // A file in its place is no other directory.
    const at = `${path}/.`;
    const stats = statSync(at, { bigint: true });
    const birth = isBirthKept(at, stats) ? ` ${stats.birthtimeNs}` : '';
    return Promise.resolve(`${stats.dev} ${stats.ino}${birth}`);
  },

  /** Likewise, and by which path it is reached through no link. @throws system errors */
  place: async (path: string): Promise<DirectoryPlace> => {
    const realPath = realpathSync.native(`${path}/.`);
    return { mark: await folderJobs.mark(realPath), realPath };
  },

  /** Likewise, and where the file system begins that it lies on. @throws system errors */
  mount: async (path: string): Promise<DirectoryMount> => {
    const { mark, realPath } = await folderJobs.place(path);
    const { dev } = statSync(realPath);
    let mountedAt = realPath;
    while (mountedAt !== dirname(mountedAt) && statSync(dirname(mountedAt)).dev === dev)
      mountedAt = dirname(mountedAt);
    return { mark, mountedAt };
  },

  /** What is in a drop root, or in a date folder. @returns null: the same as before. @throws system errors */
  names: async (
    root: string,
    path: string,
    before: DirectoryTimes | null,
    beat: Beat,
  ): Promise<DirectoryNames | null> => {
    if (path !== root && !isDirectoryIn(root, path)) throw new NoDirectory(path);
    return await directoryNames(path, before, beat);
  },

  /** Where a symbolic link leads. @returns null: out of the root. @throws system errors, also where that is no directory */
  follow: (root: string, link: string): Promise<string | null> => {
    const names = namesBelow(realpathSync.native(root), realpathSync.native(`${link}/.`));
    return Promise.resolve(names?.join('/') ?? null);
  },

  /** @throws system errors */
  count: (path: string, max: number): Promise<number> => Promise.resolve(countEntries(path, max)),

  look: ({ sight }: FolderRules, root: string, path: string, beat: Beat): Promise<FolderSight | null> =>
    Promise.resolve(sightIn(root, path, sight, beat)),

  read: async (
    rules: FolderRules,
    root: string,
    path: string,
    sight: FolderSight,
    beat: Beat,
  ): Promise<SettledRead> => {
    const read = await readFolder(path, sight, rules.reading, undefined, (at) => opened(root, at));
    return { read, after: read.kind === 'complete' ? sightIn(root, path, rules.sight, beat) : sight };
  },

  /** @throws SourceChanged, or the system error of a folder that cannot be opened */
  hold: async (
    root: string,
    path: string,
    bodies: readonly ArtefactBody[],
  ): Promise<readonly Uint8Array[]> => {
    const folder = await opened(root, path);
    try {
      const held: Uint8Array[] = [];
      for (const body of bodies) held.push(await readSmall(folder, body));
      return held;
    } finally {
      await folder.close();
    }
  },

  /** @throws system errors */
  put: async (root: string, path: string, { name, text, mode, gid, replaces }: TextFile): Promise<void> => {
    const folder = await opened(root, path);
    try {
      await folder.writeWhole(name, text, mode, gid);
      await folder.remove(replaces);
    } finally {
      await folder.close();
    }
  },
};

export type FolderJobs = typeof folderJobs;

/**
 * Whether the birth of a directory is kept, and not made up: where a system knows none, it gives 0, or the time of the last
 * change, and servers make up one out of other times. Made up, it would make another directory of the same one.
 */
function isBirthKept(path: string, { birthtimeNs, ctimeNs }: BigIntStats): boolean {
  return birthtimeNs !== 0n && birthtimeNs !== ctimeNs && !isRemoteType(statfsSync(path).type >>> 0);
}

function sightIn(root: string, path: string, rules: SightRules, beat: Beat): FolderSight | null {
  return isReached(root, path) ? sightFolderSync(path, rules, undefined, seldom(beat, machineClock)) : null;
}

async function opened(root: string, path: string): Promise<OpenFolder> {
  return await OpenFolder.openIn(root, path, blocking);
}
