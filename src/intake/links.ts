/**
 * Symbolic links in the place of run folders, or of the date folders that they lie in. What lies behind a link is not in the
 * drop root, so none is followed; and a run folder that is only linked to its place would never be heard of if nobody were told.
 */
import { join } from 'node:path';
import { errorCode } from '../system/files.ts';
import type { IntakeParts } from './parts.ts';
import type { RootRules } from './rules.ts';

/** It leads to a file, to nothing, or to itself: no run folder is missed. */
const leadsNowhere: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** What a person can do about them. */
export const linkHint =
  'move the folder into the root, give `path` the directory that it lies in, or name the link in `ignore`';

/**
 * Whether a run folder may be missed because of a link: what is found by another name in the same root (`latest`) is not,
 * nor is what was tracked here before it was moved away and linked.
 *
 * @param path relative to the root; a directory leads to itself
 */
export async function leadsAway(
  path: string,
  { root, isIgnoredFolder }: RootRules,
  { folders, outbox }: Pick<IntakeParts, 'folders' | 'outbox'>,
): Promise<boolean> {
  try {
    const below = await folders.follow(root.path, join(root.path, path));
    if (below === '' || (below !== null && !isIgnoredFolder(below))) return false;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || code.startsWith('SQLITE')) throw error;
    // Where it leads cannot be said (no access, a share that is away): it may well be a folder.
    if (leadsNowhere.has(code)) return false;
  }
  return (await outbox.runsAtPath(root.name, path, 1)).length === 0;
}
