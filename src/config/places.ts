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
