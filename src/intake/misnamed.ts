/**
 * The name of a drop root is part of the key of all that comes from it: under another one, each of its folders would be
 * another run, and be sent again. So a directory keeps the name under which anything of it is known.
 */
import type { KeptPlace } from '../outbox/nouns.ts';
import type { DirectoryPlace } from '../reading/folderJobs.ts';
import { errorCode } from '../system/files.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

export interface Misnamed {
  readonly text: string;
  readonly hint: string;
}

type Asked = Pick<IntakeParts, 'outbox' | 'folders'>;

/**
 * @param place where the root lies now
 * @param kept where it lay when it was last looked at
 * @returns null: nothing is known of the directory under any other name
 */
export async function misnamed(
  { name }: Pick<DropRoot, 'name'>,
  { mark, realPath }: DirectoryPlace,
  kept: KeptPlace,
  { outbox, folders }: Asked,
): Promise<Misnamed | null> {
  if (kept.realPath === realPath) return null;
  for (const other of await outbox.otherNames(name, mark, realPath)) {
    const known = countOf(other.folders, 'folder') ?? countOf(other.runs, 'run');
    if (known === null) continue;
    // A device and an inode are given to others when a directory is gone; mounted at two places, it is there by both paths.
    if (other.realPath !== realPath && (await markOrNull(other.realPath, folders)) !== mark) continue;
    return {
      text: `was drop root "${other.name}" until now, with ${known} on record: under the name "${name}" all of them would be sent again`,
      hint: `Name it "${other.name}" again; if they are to be sent anew, move the directory to another path`,
    };
  }
  return null;
}

/** Likewise of a root that nobody looks at just now. One that cannot be looked at has another trouble. */
export async function misnamedNow(
  root: Pick<DropRoot, 'name' | 'path'>,
  parts: Asked,
): Promise<Misnamed | null> {
  try {
    const place = await parts.folders.place(root.path);
    return await misnamed(root, place, await parts.outbox.rootPlace(root.name), parts);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || code.startsWith('SQLITE')) throw error;
    return null;
  }
}

function countOf(count: number, noun: string): string | null {
  return count === 0 ? null : `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

async function markOrNull(path: string, folders: IntakeParts['folders']): Promise<string | null> {
  try {
    return await folders.mark(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}
