/**
 * The name of a drop root is part of the key of all that comes from it: under another one, each of its folders would be
 * another run, and be sent again. So a directory keeps the name under which anything of it is known.
 */
import type { KeptPlace, OtherName } from '../outbox/nouns.ts';
import type { DirectoryPlace } from '../reading/folderJobs.ts';
import { errorCode } from '../system/files.ts';
import { countIn, sampledMax } from './holding.ts';
import { isSameMark, keptOf, withoutBirth } from '../core/keptMark.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

export interface Misnamed {
  readonly text: string;
  readonly hint: string;
}

type Asked = Pick<IntakeParts, 'outbox' | 'folders' | 'clock'>;

/**
 * @param place where the root lies now
 * @param kept where it lay when it was last looked at
 * @returns null: nothing is known of the directory under any other name
 */
export async function misnamed(
  { name }: Pick<DropRoot, 'name'>,
  place: DirectoryPlace,
  kept: KeptPlace,
  parts: Asked,
): Promise<Misnamed | null> {
  const { mark, realPath } = place;
  const isOwnPath = kept.realPath === realPath;
  if (isOwnPath && isSameMark(markIn(kept), mark)) return null;
  for (const other of await othersKnown(name, place, parts)) {
    const known = countOf(other.folders, 'folder') ?? countOf(other.runs, 'run');
    if (known === null) continue;
    const isOthers =
      other.realPath === realPath
        ? isSameMark(markIn(other), mark) ||
          (await holdsMoreOf(other.name, isOwnPath ? name : null, place, parts))
        : // A device and an inode are given to others when a directory is gone; mounted at two places, it is there by both paths.
          !isOwnPath && (await markOrNull(other.realPath, parts.folders)) === mark;
    if (!isOthers) continue;
    return {
      text: `was drop root "${other.name}" until now, with ${known} on record: under the name "${name}" all of them would be sent again`,
      hint: `Name it "${other.name}" again; if they are to be sent anew, move the directory to another path`,
    };
  }
  return null;
}

type Named = Pick<DropRoot, 'name' | 'path'>;

/** Likewise of a root that nobody looks at just now. One that cannot be looked at has another trouble. */
export async function misnamedNow(root: Named, parts: Asked): Promise<Misnamed | null> {
  return (await lookNow(root, parts))?.wrong ?? null;
}

/** Likewise of one that a folder is to be tracked in: from then on the directory is known by this name. */
export async function misnamedOrKept(root: Named, parts: Asked): Promise<Misnamed | null> {
  const looked = await lookNow(root, parts);
  if (looked?.wrong === null) await parts.outbox.keepRootPlace(root.name, looked.place);
  return looked?.wrong ?? null;
}

async function lookNow(
  { name, path }: Named,
  parts: Asked,
): Promise<{ readonly place: DirectoryPlace; readonly wrong: Misnamed | null } | null> {
  try {
    const place = await parts.folders.place(path);
    return { place, wrong: await misnamed({ name }, place, await parts.outbox.rootPlace(name), parts) };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || code.startsWith('SQLITE')) throw error;
    return null;
  }
}

/** Those too that an earlier version has kept the mark of. */
async function othersKnown(
  name: string,
  { mark, realPath }: DirectoryPlace,
  { outbox }: Asked,
): Promise<OtherName[]> {
  const found = await outbox.otherNames(name, mark, realPath);
  const plain = withoutBirth(mark);
  if (plain === mark) return found;
  const names = new Set(found.map((other) => other.name));
  const older = await outbox.otherNames(name, plain, realPath);
  return [...found, ...older.filter((other) => !names.has(other.name))];
}

function markIn({ mark }: KeptPlace | OtherName): string | null {
  return mark === null ? null : keptOf(mark).mark;
}

/**
 * Another directory than the one that was at this path: it is that root's when its folders are in it, as in one that was
 * mounted again. An empty one is not, and neither is one that was made anew.
 * @param name whose the path is as well, null: nobody's. Names of folders are often alike, so the one with more of them counts
 */
async function holdsMoreOf(
  other: string,
  name: string | null,
  { realPath }: DirectoryPlace,
  { outbox, clock }: Asked,
): Promise<boolean> {
  const held = async (root: string): Promise<number> =>
    await countIn(realPath, await outbox.sampleOfFolders(root, clock.nowMs(), sampledMax));
  const others = await held(other);
  return others > 0 && (name === null || others > (await held(name)));
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
