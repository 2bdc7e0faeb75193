/** The names under which this program writes into a run folder. */

export const resultFileName = 'nextmv-result.json';
export const problemFileName = 'nextmv-problem.json';
/** An output that came back different from what was sent is kept under this name, with its ending. */
export const outputFileStem = 'nextmv-output';
export const temporarySuffix = '.runtrackd-tmp';

/** Our own files and their temporaries are no content of a run folder, whatever the globs say. */
export function isOwnFile(name: string): boolean {
  return (
    name === resultFileName ||
    name === problemFileName ||
    name.startsWith(outputFileStem) ||
    name.endsWith(temporarySuffix)
  );
}
