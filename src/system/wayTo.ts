/**
 * The way from a drop root to a run folder in it. Whoever may write in a date folder's parent can put a link into its
 * place at any moment, and what lies behind a link is not in the drop root: so each name on the way has to be that of a
 * directory itself. The root may be a link, because that is whoever configured it.
 */
import { lstatSync, type BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A system error as the system has it for a name that leads through something that is no directory. */
export class NoDirectory extends Error {
  readonly code = 'ENOTDIR';

  constructor(path: string) {
    super(`${path} lies behind a link, or behind what is no directory`);
  }
}

/**
 * @param path of a folder in the root, or of the root
 * @returns the names from the root to the folder; null: it does not lie in it, or the root is the whole file system,
 * which holds the folders of no drop root
 */
export function namesBelow(root: string, path: string): string[] | null {
  if (path === root) return [];
  return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length + 1).split('/') : null;
}

/**
 * Whether the directories on the way are no links. Good enough for a look: a moment later it may be otherwise, but who
 * reads or writes goes the way step by step (`OpenFolder.openIn`). Costs nothing where a folder lies directly in its root.
 * @throws system errors, other than that something is not there
 */
export function isReached(root: string, path: string): boolean {
  return parentsOf(root, path).every((parent) => isDirectory(parent));
}

/** Likewise of one folder after the other: of those that lie side by side it is asked once. */
export function reachedSideBySide(root: string): (path: string) => boolean {
  let last: { readonly parent: string; readonly isReached: boolean } | null = null;
  return (path) => {
    const parent = dirname(path);
    if (last?.parent !== parent) last = { parent, isReached: isReached(root, path) };
    return last.isReached;
  };
}

/** Likewise, and the folder is a directory itself. */
export function isDirectoryIn(root: string, path: string): boolean {
  return isReached(root, path) && isDirectory(path);
}

/**
 * What is at a path in the root itself. @returns null: nothing is, or the way there leads through a link
 * @throws system errors, other than that something is not there
 */
export async function statsIn(root: string, path: string): Promise<BigIntStats | null> {
  for (const parent of parentsOf(root, path))
    if ((await statsOrNull(parent))?.isDirectory() !== true) return null;
  return await statsOrNull(path);
}

/** The directories between the root and the folder, outermost first. */
function parentsOf(root: string, path: string): string[] {
  const names = namesBelow(root, path) ?? [];
  return names.slice(1).map((_, index) => `${root}/${names.slice(0, index + 1).join('/')}`);
}

function isDirectory(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function statsOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whether an error says that nothing is there. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
