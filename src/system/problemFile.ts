/** `nextmv-problem.json`, so that a script that waits in a run folder never waits for ever without a word. */
import { problemFileName } from '../core/ownFiles.ts';
import { type ProblemFile } from '../core/problem.ts';
import { errorCode, OpenFolder, removeIfThere, writeWhole } from './files.ts';

/** @returns null when it is written, or the code of the error why the folder does not take it */
export async function putProblem(folderPath: string, problem: ProblemFile): Promise<string | null> {
  return await inFolder(folderPath, async (folder) => {
    const { mode, gid } = await folder.stats();
    await writeWhole(
      folder.pathOf(problemFileName),
      `${JSON.stringify(problem, null, 2)}\n`,
      mode & 0o666,
      gid,
    );
  });
}

/** @returns null when there is none (any more), or the code of the error */
export async function clearProblem(folderPath: string): Promise<string | null> {
  return await inFolder(folderPath, (folder) => removeIfThere(folder.pathOf(problemFileName)));
}

async function inFolder(path: string, act: (folder: OpenFolder) => Promise<void>): Promise<string | null> {
  let folder: OpenFolder | undefined;
  try {
    folder = await OpenFolder.open(path);
    await act(folder);
    return null;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code;
  } finally {
    await folder?.close();
  }
}
