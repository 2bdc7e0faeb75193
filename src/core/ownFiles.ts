/** The names under which this program writes into a run folder. */

export const resultFileName = 'nextmv-result.json';
export const problemFileName = 'nextmv-problem.json';
/** An output that came back different from what was sent is kept under this name, with its ending. */
export const outputFileStem = 'nextmv-output';
export const temporarySuffix = '.runtrackd-tmp';

/** In all its endings, one for each kind of output. */
const outputFileNames = ['.json', '.txt', '.tar.gz'].map((ending) => `${outputFileStem}${ending}`);

const ownNames: ReadonlySet<string> = new Set([resultFileName, problemFileName, ...outputFileNames]);

/** Our own files and their temporaries are no content of a run folder, whatever the globs say. */
export function isOwnFile(name: string): boolean {
  return ownNames.has(name) || isOwnTemporary(name);
}

/** What is on its way to its place: a file that is being written, or a folder that goes to the archive. */
export function isOwnTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith(temporarySuffix);
}
