/** The directories of a configuration must be directories, and must not lie in one another. */
import { type Stats, statSync } from 'node:fs';
import type { PartlyGoodFile } from './partlyGood.ts';
import { overlapsAmong, type Place, relation } from './places.ts';
import { describePath, type Finding, type KeyPath } from './problems.ts';
import { inFolder, keySchemas } from './schema.ts';

interface Directory {
  readonly path: KeyPath;
  readonly place: Place;
}

export function checkDirectories(file: PartlyGoodFile, placeOf: (path: string) => Place): Finding[] {
  const stateDir = ['state_dir'];
  const standInData = ['platform', 'stand_in', 'data'];
  const paths = [stateDir, standInData, ...file.roots().flatMap((root) => pathsOfRoot(file, root))];
  const directories = paths.flatMap((path): Directory[] => {
    const directory = file.directory(path);
    return directory === undefined ? [] : [{ path, place: placeOf(directory) }];
  });
  const earlierOf = overlapsAmong(directories.map(({ place }) => place));
  const overlaps = directories.flatMap((later, index) =>
    (earlierOf[index] ?? [])
      .flatMap((at) => directories[at] ?? [])
      .flatMap((earlier): Finding[] => {
        const is = relation(later.place, earlier.place);
        if (is === 'apart' || (is === 'inside' && later.path === standInData && earlier.path === stateDir))
          return [];
        const how = { same: 'is the same directory as', inside: 'lies inside', around: 'has in it' }[is];
        return [{ path: later.path, what: `${how} ${describePath(earlier.path)}: they have to be apart` }];
      }),
  );
  return [...overlaps, ...directories.flatMap(checkIsDirectory)];
}

function pathsOfRoot(file: PartlyGoodFile, root: KeyPath): KeyPath[] {
  const result = [...root, 'result'];
  const isApart = file.read(result, keySchemas.result) !== inFolder;
  return [[...root, 'path'], ...(isApart ? [result] : []), [...root, 'after', 'archive']];
}

function checkIsDirectory({ path, place }: Directory): Finding[] {
  const stats = place.identities[0] == null ? undefined : statsOf(place.realPath);
  return stats === undefined || stats.isDirectory() ? [] : [{ path, what: 'is not a directory' }];
}

/** It was there a moment ago; what has gone since, or may not be looked at any more, is no mistake of the file. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
