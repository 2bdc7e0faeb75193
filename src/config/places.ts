/**
 * Directories that must not lie in one another: a drop root inside another would make one folder two runs; a state
 * directory inside a drop root would be taken for a run folder. Paths alone do not tell: symlinks, bind mounts and
 * spelling give one directory several, so what exists is compared by device and inode as well.
 */
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, basename, resolve, sep } from 'node:path';

export interface Place {
  readonly realPath: string;
  /** Device and inode of the directory and all those around it, innermost first; `null` where it does not exist yet. */
  readonly identities: readonly (string | null)[];
}

export type Relation = 'same' | 'inside' | 'around' | 'apart';

/** How `one` lies to `other`: inside it, around it, the same, or apart. */
export function relation(one: Place, other: Place): Relation {
  const [own] = one.identities;
  const [others] = other.identities;
  if (one.realPath === other.realPath || (own != null && own === others)) return 'same';
  if (liesInside(one, other)) return 'inside';
  if (liesInside(other, one)) return 'around';
  return 'apart';
}

/**
 * Which of the places are not apart: for each the earlier ones that it is, lies in or has in it. Of very many, the first
 * are told. Each asks by name for what it lies in: with each compared to each, thousands would take minutes.
 */
export function overlapsAmong(places: readonly Place[]): number[][] {
  const earlierOf = places.map(() => new Set<number>());
  const byName = new Map<string, number[]>();
  for (const [index, { realPath, identities }] of places.entries()) {
    for (const name of [pathName(realPath), ...identities.slice(0, 1).flatMap(identityName)]) {
      const named = byName.get(name);
      if (named === undefined) byName.set(name, [index]);
      else named.push(index);
    }
  }
  for (const [index, { realPath, identities }] of places.entries()) {
    for (const name of [...pathsAround(realPath).map(pathName), ...identities.flatMap(identityName)]) {
      for (const other of byName.get(name) ?? []) {
        const earlier = earlierOf[Math.max(index, other)];
        if (other !== index && earlier !== undefined && earlier.size < overlapsMax)
          earlier.add(Math.min(index, other));
      }
    }
  }
  return earlierOf.map((earlier) => [...earlier].sort((one, other) => one - other));
}

const overlapsMax = 20;

const pathName = (path: string): string => `path ${path}`;
const identityName = (identity: string | null): string[] =>
  identity === null ? [] : [`directory ${identity}`];

/** A path and all those above it. */
function pathsAround(path: string): string[] {
  const paths = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) paths.push(dirname(at));
  return paths;
}

function liesInside(inner: Place, outer: Place): boolean {
  const [outermost] = outer.identities;
  const prefix = outer.realPath.endsWith(sep) ? outer.realPath : outer.realPath + sep;
  return inner.realPath.startsWith(prefix) || (outermost != null && inner.identities.includes(outermost));
}

export function placeOf(path: string): Place {
  const realPath = realPathOf(path, 0);
  const identities: (string | null)[] = [];
  for (let at = realPath; ; at = dirname(at)) {
    identities.push(identityOf(at));
    if (at === dirname(at)) return { realPath, identities };
  }
}

/** The real path, also of what does not exist yet: of the part of it that does, with the rest put behind. */
function realPathOf(path: string, links: number): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    if (parent === path || links > 40) return path;
    const target = linkTarget(path);
    if (target !== undefined) return realPathOf(resolve(parent, target), links + 1);
    return join(realPathOf(parent, links), basename(path));
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
