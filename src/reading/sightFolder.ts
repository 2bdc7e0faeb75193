/**
 * The two ways of looking at a run folder: one that leaves the loop to others meanwhile, and one for a thread that has
 * nothing else to do. What is made of what they find is the same (`sight.ts`).
 */
import { lstatSync, opendirSync, readdirSync, type BigIntStats, type Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { errorCode } from '../system/files.ts';
import type { Entry } from './mapping.ts';
import { look, type Answer, type FolderSight, type Question, type SightRules } from './sight.ts';

/** Entries that are fetched from the system at once. */
const bufferSize = 256;
/** A directory of this size has a few thousand names at most, and is listed in one go: that costs half. */
const smallDirectoryBytesMax = 64 * 1024;

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
 */
export function sightFolderSync(
  path: string,
  rules: SightRules,
  onStats?: (path: string, stats: BigIntStats | null) => void,
): FolderSight | null {
  const looking = look(path, rules);
  let step = looking.next();
  while (step.done !== true) {
    try {
      const found = answerSync(step.value);
      if (step.value.kind === 'stats') onStats?.(step.value.path, found as BigIntStats | null);
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

function answerSync(question: Question): Answer {
  try {
    return foundSync(question);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function foundSync(question: Question): Answer {
  if (question.kind === 'stats') return lstatSync(question.path, { bigint: true });
  const { directoryBytes } = question;
  // Some file systems do not say how large it is.
  if (directoryBytes > 0n && directoryBytes <= smallDirectoryBytesMax)
    return readdirSync(question.path, { withFileTypes: true }).map(entryOf);
  const entries: Entry[] = [];
  const directory = opendirSync(question.path, { bufferSize });
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      entries.push(entryOf(entry));
      if (entries.length > question.max) break;
    }
  } finally {
    directory.closeSync();
  }
  return entries;
}

function isAbsent(error: unknown): boolean {
  return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
}

export function entryOf(entry: Dirent): Entry {
  return { name: entry.name, kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other' };
}
