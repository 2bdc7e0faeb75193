/** Directories that have to be there before anything can be written into them. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './files.ts';

/**
 * Makes a directory, and those above it that are missing; one that is there already stays as it is. Node's own way
 * (`recursive`) tries without end, and holds its thread, where nothing can be made and the system says "no such file":
 * below `/proc`, or where an automounter knows of no such share.
 *
 * @param mode of those that are made, less what the umask takes
 * @returns whether it had to be made
 * @throws system errors
 */
export function makeDirectories(path: string, mode = 0o777): boolean {
  try {
    return makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
    makeDirectories(parent, mode);
    return makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    // What the system says of a directory that is there differs: it may be read-only, or nobody's to make.
    if (errorCode(error) !== 'ENOENT' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
      return false;
    throw error;
  }
}
