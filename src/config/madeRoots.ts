/** With the embedded stand-in everything is local, so a newcomer need not make the folders either. */
import { makeDirectories } from '../system/directories.ts';
import { parseConfigText, readConfigFile } from './document.ts';
import { type ConfigProblem, describePath, type KeyPath } from './problems.ts';
import type { Config } from './settings.ts';

/**
 * Makes the drop roots that are not there.
 * @param make makes one; left to whoever has to tell what it hangs on
 * @returns what is wrong with those that cannot be made
 */
export function makeRoots(config: Config, make: (path: string) => void = makeDirectories): ConfigProblem[] {
  if (config.platform.kind !== 'stand-in') return [];
  return config.dropRoots.flatMap(({ path }, index): ConfigProblem[] => {
    try {
      make(path);
      return [];
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      if (code === undefined) throw error;
      const what = `cannot be made (${code}): make the directory for the daemon's user, or correct the path`;
      return [problemAt(config.file, ['drop_roots', index, 'path'], what)];
    }
  });
}

/** The file was right a moment ago; if it has changed since, the nearest place is told. */
function problemAt(file: string, path: KeyPath, what: string): ConfigProblem {
  const read = readConfigFile(file);
  const place =
    'text' in read ? parseConfigText(read.text).locate(path, false) : { line: null, column: null };
  return { file, ...place, where: describePath(path), what };
}
