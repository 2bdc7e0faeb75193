/**
 * Where the result and the problem of a run folder lie: in the folder itself, or in a directory that mirrors its drop
 * root. A mirrored directory is made when something is written there, open to whom the run folder is open to.
 */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chownTo, errorCode, OpenFolder } from './files.ts';

export interface RootPlaces {
  /** The drop root, absolute. */
  readonly path: string;
  /** What mirrors it, absolute; null: results lie in the run folders. */
  readonly resultsDir: string | null;
}

/** Where the run folder is as closed as this, or not there, nobody but the daemon's own user and group gets in. */
const modeWithoutFolder = 0o750;

/** @param folder relative to the drop root */
export function resultDirOf({ path, resultsDir }: RootPlaces, folder: string): string {
  return join(resultsDir ?? path, folder);
}

/** Whether a result may be written there, as far as rights tell it: what else is in the way shows when it is tried. */
export async function mayTakeResult({ path, resultsDir }: RootPlaces, folder: string): Promise<boolean> {
  try {
    // What is missing in a mirror is made.
    await access(resultsDir ?? join(path, folder), constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** Opens the directory as it is, through no link on the way. @throws system errors */
export async function openResultDirIfThere(places: RootPlaces, folder: string): Promise<OpenFolder> {
  return await OpenFolder.openIn(places.resultsDir ?? places.path, resultDirOf(places, folder));
}

/**
 * Opens the directory, and makes it where it mirrors. The top of the mirror is never made: what is missing there may
 * not be mounted.
 * @throws system errors
 */
export async function openResultDir(places: RootPlaces, folder: string): Promise<OpenFolder> {
  const { path, resultsDir } = places;
  try {
    return await openResultDirIfThere(places, folder);
  } catch (error) {
    if (resultsDir === null || errorCode(error) !== 'ENOENT') throw error;
  }
  let directory = await OpenFolder.openIn(resultsDir, resultsDir);
  let source = path;
  for (const name of folder.split('/')) {
    source = join(source, name);
    const parent = directory;
    directory = await makeLike(parent, name, path, source).finally(() => parent.close());
  }
  return directory;
}

/** @returns the directory, open */
async function makeLike(parent: OpenFolder, name: string, root: string, source: string): Promise<OpenFolder> {
  const path = parent.pathOf(name);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return await OpenFolder.open(path);
    throw error;
  }
  const { mode, gid } = await modeOf(root, source);
  const made = await OpenFolder.open(path);
  try {
    await chownTo(made.pathOf('.'), gid, mode);
    return made;
  } catch (error) {
    await made.close();
    throw error;
  }
}

async function modeOf(
  root: string,
  path: string,
): Promise<{ readonly mode: number; readonly gid: number | null }> {
  try {
    const folder = await OpenFolder.openIn(root, path);
    try {
      const { mode, gid } = await folder.stats();
      // Its owner here is the daemon, who has to be able to write.
      return { mode: (mode & 0o777) | 0o700, gid };
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { mode: modeWithoutFolder, gid: null };
  }
}
