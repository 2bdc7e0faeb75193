/** The directories that a folder lies in, in the archive. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { errorCode } from '../system/files.ts';

/**
 * Makes what is missing between the archive and the target, and never the archive itself: one that is away by now would
 * come to lie on the disk below it.
 * @throws system errors
 */
export async function makeParents(archive: string, target: string): Promise<void> {
  let at = archive;
  for (const name of relative(archive, dirname(target)).split(sep)) {
    if (name === '') continue;
    at = join(at, name);
    try {
      await mkdir(at);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || !(await stat(at)).isDirectory()) throw error;
    }
  }
}
