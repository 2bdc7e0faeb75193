/**
 * Where the result and the problem of a run folder lie: in the folder itself, or in a directory that mirrors its drop
 * root. A mirrored directory is made when something is written there, open to whom the run folder is open to.
 */
import { mkdir } from 'node:fs/promises';
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

/**
 * Opens the directory, and makes it where it mirrors. The top of the mirror is never made: what is missing there may
 * not be mounted.
 * @throws system errors
 */
export async function openResultDir(places: RootPlaces, folder: string): Promise<OpenFolder> {
  const { path, resultsDir } = places;
  if (resultsDir === null) return await OpenFolder.open(join(path, folder));
  const directory = join(resultsDir, folder);
  try {
    return await OpenFolder.open(directory);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  let at = resultsDir;
  let source = path;
  for (const name of folder.split('/')) {
    [at, source] = [join(at, name), join(source, name)];
    await makeLike(at, source);
  }
  return await OpenFolder.open(directory);
}

async function makeLike(path: string, source: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    throw error;
  }
  const { mode, gid } = await modeOf(source);
  const made = await OpenFolder.open(path);
  try {
    await chownTo(made.pathOf('.'), gid, mode);
  } finally {
    await made.close();
  }
}

async function modeOf(path: string): Promise<{ readonly mode: number; readonly gid: number | null }> {
  try {
    const folder = await OpenFolder.open(path);
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
