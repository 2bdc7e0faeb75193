/** `nextmv-problem.json`, so that a script that waits for a result never waits for ever without a word. */
import { problemFileName } from '../core/ownFiles.ts';
import { type ProblemFile } from '../core/problem.ts';
import { errorCode, type OpenFolder } from './files.ts';
import { openResultDir, openResultDirIfThere, type RootPlaces } from './resultDirectory.ts';

/**
 * @param folder relative to the drop root
 * @returns null when it is written, or the code of the error why it is not taken
 */
export async function putProblem(
  places: RootPlaces,
  folder: string,
  problem: ProblemFile,
): Promise<string | null> {
  return await inDirectory(openResultDir(places, folder), async (directory) => {
    const { mode, gid } = await directory.stats();
    await directory.writeWhole(problemFileName, `${JSON.stringify(problem, null, 2)}\n`, mode & 0o666, gid);
  });
}

/** @returns null when there is none (any more), or the code of the error */
export async function clearProblem(places: RootPlaces, folder: string): Promise<string | null> {
  // Nothing is made for the sake of something that is to be removed.
  return await inDirectory(openResultDirIfThere(places, folder), (directory) =>
    directory.remove(problemFileName),
  );
}

async function inDirectory(
  opening: Promise<OpenFolder>,
  act: (directory: OpenFolder) => Promise<void>,
): Promise<string | null> {
  let directory: OpenFolder | undefined;
  try {
    directory = await opening;
    await act(directory);
    return null;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code;
  } finally {
    await directory?.close();
  }
}
