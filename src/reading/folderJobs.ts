/**
 * What is done in a drop root or a small run folder in one go, by calls that hold up whoever makes them: for a thread of
 * its own (`folderThread.ts`). A run costs four such jobs instead of a hundred calls that each go through Node's pool of threads
 * and come back through the loop.
 */
import { statSync } from 'node:fs';
import { blocking } from '../system/blockingFiles.ts';
import { OpenFolder } from '../system/files.ts';
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

/** A text that belongs into a run folder. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
  readonly gid: number;
  /** Another file, which is over when this one is there. */
  readonly replaces: string;
}

/** Each is given, behind its arguments, a beat: to be told by whatever takes long that it gets on. */
export const folderJobs = {
  /** Which directory it is: device and inode. @throws system errors */
  mark: (path: string): Promise<string> => {
    // A file in its place is no other directory.
    const { ino, dev } = statSync(`${path}/.`, { bigint: true });
    return Promise.resolve(`${dev} ${ino}`);
  },

  /** What is in a drop root, or in a date folder. @returns null: the same as before. @throws system errors */
  names: async (
    path: string,
    before: DirectoryTimes | null,
    beat: () => void,
  ): Promise<DirectoryNames | null> => await directoryNames(path, before, beat),

  /** @throws system errors */
  count: (path: string, max: number): Promise<number> => Promise.resolve(countEntries(path, max)),

  look: ({ sight }: FolderRules, path: string): Promise<FolderSight | null> =>
    Promise.resolve(sightFolderSync(path, sight)),

  read: async (rules: FolderRules, path: string, sight: FolderSight): Promise<SettledRead> => {
    const read = await readFolder(path, sight, rules.reading, undefined, blocking);
    return { read, after: read.kind === 'complete' ? sightFolderSync(path, rules.sight) : sight };
  },

  /** @throws SourceChanged, or the system error of a folder that cannot be opened */
  hold: async (path: string, bodies: readonly ArtefactBody[]): Promise<readonly Uint8Array[]> => {
    const folder = await OpenFolder.open(path, blocking);
    try {
      const held: Uint8Array[] = [];
      for (const body of bodies) held.push(await readSmall(folder, body));
      return held;
    } finally {
      await folder.close();
    }
  },

  /** @throws system errors */
  put: async (path: string, { name, text, mode, gid, replaces }: TextFile): Promise<void> => {
    const folder = await OpenFolder.open(path, blocking);
    try {
      await folder.writeWhole(name, text, mode, gid);
      await folder.remove(replaces);
    } finally {
      await folder.close();
    }
  },
};

export type FolderJobs = typeof folderJobs;
