/**
 * The two ways of looking at a run folder: one that leaves the loop to others meanwhile, and one for a thread that has
 * nothing else to do. What is made of what they find is the same (`sight.ts`).
 */
import { lstatSync, opendirSync, readdirSync, statfsSync, type BigIntStats, type Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { errorCode } from '../system/files.ts';
import type { Beat } from './beat.ts';
import type { Entry } from './mapping.ts';
import { look, type Answer, type FolderSight, type Question, type SightRules } from './sight.ts';

/** Entries that are fetched from the system at once. */
const bufferSize = 256;
/** A directory of this size has a few thousand names at most, and is listed in one go: that costs half. */
const smallDirectoryBytesMax = 64 * 1024;
/**
 * File systems that say in bytes how large a directory is: numbers of statfs(2). ZFS says how many names are in it, FUSE
 * whatever it likes, and a server of a share what its own file system says.
 */
const sizingTypes = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0xf2f52010, // F2FS
]);
/** By device: it is asked once. Devices of file systems that come and go are not many. */
const sizing = new Map<bigint, boolean>();
const sizingMax = 1_000;

/** @returns null when the folder is not there (any more) or is no directory */
export async function sightFolder(path: string, rules: SightRules): Promise<FolderSight | null> {
  const looking = look(path, rules);
  let step = looking.next();
  while (step.done !== true) {
    try {
      step = looking.next(await answer(step.value));
    } catch (error) {
      step = looking.throw(error);
    }
  }
  return step.value;
}

/**
 * Likewise, holding up whoever calls: for a thread of its own.
 * @param onStats told of each path that was asked about what its stats say; null: nothing is there
 * @param beat told of each answer: ten thousand files on a slow disk take a minute, in which nothing else is heard of it
 */
export function sightFolderSync(
  path: string,
  rules: SightRules,
  onStats?: (path: string, stats: BigIntStats | null) => void,
  beat: Beat = () => undefined,
): FolderSight | null {
  const looking = look(path, rules);
  let step = looking.next();
  // A directory is asked what it is before it is listed.
  let device: bigint | null = null;
  while (step.done !== true) {
    try {
      const found = answerSync(step.value, device, beat);
      beat();
      if (step.value.kind === 'stats') {
        const stats = found as BigIntStats | null;
        device = stats?.dev ?? null;
        onStats?.(step.value.path, stats);
      }
      step = looking.next(found);
    } catch (error) {
      step = looking.throw(error);
    }
  }
  return step.value;
}

async function answer(question: Question): Promise<Answer> {
  try {
    return await found(question);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function found(question: Question): Promise<Answer> {
  if (question.kind === 'stats') return await lstat(question.path, { bigint: true });
  const entries: Entry[] = [];
  for await (const entry of await opendir(question.path, { bufferSize })) {
    entries.push(entryOf(entry));
    if (entries.length > question.max) break;
  }
  return entries;
}

function answerSync(question: Question, device: bigint | null, beat: Beat): Answer {
  try {
    if (question.kind === 'stats') return lstatSync(question.path, { bigint: true });
    return entriesSync(question.path, question.max, question.directoryBytes, device, beat);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/**
 * @param max of more than so many one more is enough, but all may be returned of a directory that is small
 * @param device on which it lies; null: it is not known
 * @param beat told of each entry
 * @throws system errors
 */
export function entriesSync(
  path: string,
  max: number,
  directoryBytes: bigint,
  device: bigint | null,
  beat: Beat = () => undefined,
): Entry[] {
  const isSmall = directoryBytes > 0n && directoryBytes <= smallDirectoryBytesMax;
  if (isSmall && device !== null && tellsSize(path, device))
    return readdirSync(path, { withFileTypes: true }).map(entryOf);
  const entries: Entry[] = [];
  const directory = opendirSync(path, { bufferSize });
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      entries.push(entryOf(entry));
      if (entries.length > max) break;
      beat();
    }
  } finally {
    directory.closeSync();
  }
  return entries;
}

/** Whether the size that a directory has tells how many names may be in it. */
function tellsSize(path: string, device: bigint): boolean {
  const known = sizing.get(device);
  if (known !== undefined) return known;
  if (sizing.size >= sizingMax) sizing.clear();
  const tells = sizingTypes.has(statfsSync(path).type >>> 0);
  sizing.set(device, tells);
  return tells;
}

function isAbsent(error: unknown): boolean {
  return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
}

export function entryOf(entry: Dirent): Entry {
  return { name: entry.name, kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other' };
}
