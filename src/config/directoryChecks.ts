/** The directories of a configuration must be directories, and must not lie in one another. */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sharedControlDir } from '../core/controlSocket.ts';
import type { PartlyGoodFile } from './partlyGood.ts';
import { overlapsAmong, type Place, type Relation, relation } from './places.ts';
import { describePath, type Finding, type KeyPath } from './problems.ts';
import { inFolder, keySchemas } from './schema.ts';

interface Directory {
  readonly path: KeyPath;
  readonly place: Place;
}

export function checkDirectories(file: PartlyGoodFile, placeOf: (path: string) => Place): Finding[] {
  const stateDir = ['state_dir'];
  const standInData = ['platform', 'stand_in', 'data'];
  const ofRoots = file.roots().flatMap((root) => pathsOfRoot(file, root));
  const placed = (path: KeyPath, directory: string | undefined): Directory[] =>
    directory === undefined ? [] : [{ path, place: placeOf(directory) }];
  const ofOthers = ofRoots.flatMap((path) => placed(path, file.directory(path)));
  const directories = [
    ...[stateDir, standInData].flatMap((path) => placed(path, file.directory(path))),
    ...ofOthers,
  ];
  const earlierOf = overlapsAmong(directories.map(({ place }) => place));
  const overlaps = directories.flatMap((later, index) =>
    (earlierOf[index] ?? [])
      .flatMap((at) => directories[at] ?? [])
      .flatMap((earlier): Finding[] => {
        const is = relation(later.place, earlier.place);
        if (is === 'inside' && later.path === standInData && earlier.path === stateDir) return [];
        return notApart(later, earlier, is);
      }),
  );
  const control = placed(['control', 'directory'], controlDirectory(file));
  const page = placed(['http', 'listen'], pageDirectory(file));
  return [
    ...overlaps,
    ...[...directories, ...control].flatMap(checkIsDirectory),
    // It is given to a group, and closed to everybody else.
    ...control.flatMap((own) =>
      directories.flatMap((other) => notApart(own, other, relation(own.place, other.place))),
    ),
    // What is there is looked at, moved or taken for a result; a directory around them takes the socket as any other file.
    ...page.flatMap((own) =>
      ofOthers.flatMap((other) => {
        const is = relation(own.place, other.place);
        if (is !== 'same' && is !== 'inside') return [];
        const what = `the socket would lie in ${describePath(other.path)}: name a path outside of it, for example in state_dir`;
        return [{ path: own.path, what }];
      }),
    ),
  ];
}

function notApart({ path }: Directory, other: Directory, is: Relation): Finding[] {
  if (is === 'apart') return [];
  const how = { same: 'is the same directory as', inside: 'lies inside', around: 'has in it' }[is];
  return [{ path, what: `${how} ${describePath(other.path)}: they have to be apart` }];
}

/** Without a group the socket lies in the state directory, whatever stands there. */
function controlDirectory(file: PartlyGoodFile): string | undefined {
  if (file.read(['control', 'group'], keySchemas.group) == null) return undefined;
  const path = ['control', 'directory'];
  return file.raw(path) === undefined ? sharedControlDir : file.directory(path);
}

function pageDirectory(file: PartlyGoodFile): string | undefined {
  const listen = file.read(['http', 'listen'], keySchemas.listen);
  return listen?.kind === 'unix' ? dirname(file.resolved(listen.path)) : undefined;
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
