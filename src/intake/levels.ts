/** Run folders lie `depth` levels below their root. One that lies a level too high or too low is shown as such. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapFiles, type Entry, type MappedFile } from '../reading/mapping.ts';
import { errorCode } from '../system/files.ts';
import type { RootRules } from './rules.ts';

/** Entries of a directory that are looked through for files of a run. */
const entriesMax = 1_000;
/** Folders in a folder that are looked into. */
const innerFoldersMax = 20;

export function levelOf(path: string): number {
  return path.split('/').length;
}

/** The path of the run folder that something lies in, or is; null: it is above where they lie. */
export function runFolderOf(path: string, depth: number): string | null {
  const parts = path.split('/');
  return parts.length < depth ? null : parts.slice(0, depth).join('/');
}

function levels(count: number): string {
  return count === 1 ? 'one level' : `${String(count)} levels`;
}

/** @param path of a folder above the level of run folders. @returns what is wrong with it; null: it is no run folder */
export async function tooHigh(path: string, rules: RootRules): Promise<string | null> {
  const { root } = rules;
  const files = await mappedIn(join(root.path, path), rules);
  const isRun = files.some(({ role }) => role === 'input' || role === 'meta');
  if (!isRun) return null;
  return `lies ${levels(root.depth - levelOf(path))} too high: run folders of this root lie ${levels(root.depth)} below it`;
}

/**
 * @param path of a folder without any file of a run
 * @returns what is wrong with it: run folders lie in it; null: none do
 */
export async function tooLow(path: string, rules: RootRules): Promise<string | null> {
  const { root } = rules;
  const folder = join(root.path, path);
  const inner: string[] = [];
  for await (const entry of await opendir(folder, { bufferSize: 256 })) {
    if (entry.isDirectory() && !rules.isIgnoredFolder(`${path}/${entry.name}`)) inner.push(entry.name);
    if (inner.length >= innerFoldersMax) break;
  }
  for (const name of inner) {
    if (isRun(await mappedIn(join(folder, name), rules)))
      return `run folders lie in it, such as ${name}/, and that is one level too low: run folders of this root lie ${levels(root.depth)} below it`;
  }
  return null;
}

/**
 * Whether a directory is input or output of a run that lies too high, or lies in such a one. It is content then, and would
 * be sent with whatever was written into it.
 */
export async function isContent(path: string, rules: RootRules): Promise<boolean> {
  const names = path.split('/');
  for (const [level, name] of names.slice(0, rules.root.depth).entries()) {
    if (level === 0 || !isArchiveByName(name, rules)) continue;
    const above = names.slice(0, level).join('/');
    if ((await tooHigh(above, rules)) === null) continue;
    // A run folder of that name, beside an input that somebody left there, is one all the same.
    if (!isRun(await mappedIn(join(rules.root.path, above, name), rules))) return true;
  }
  return false;
}

function isArchiveByName(name: string, { sight }: RootRules): boolean {
  return mapFiles([{ name, kind: 'directory' }], sight.names, sight.isIgnored).archives.length > 0;
}

/** @param names of what lies in the root itself and is no directory. @returns whether that is a run, which is never looked at */
export function isRunItself(names: readonly string[], { sight }: RootRules): boolean {
  const { files, archives } = mapFiles(asFiles(names), sight.names, sight.isIgnored);
  return isRun([...files, ...archives]);
}

/** An input alone may be what a solver keeps in a folder of its own, or somebody for the next run. */
function isRun(mapped: readonly Pick<MappedFile, 'role'>[]): boolean {
  const roles = new Set(mapped.map(({ role }) => role));
  return roles.has('input') && (roles.has('meta') || roles.has('output'));
}

/** What is wrong with a root that is a run folder itself. */
export function itself({ root }: RootRules): string {
  return `the files of a run lie in the root itself, where nobody looks for them: run folders of this root lie ${levels(root.depth)} below it, so give \`path\` a directory above`;
}

/** Names as those of files: a directory among them would be another level. */
export function asFiles(names: readonly string[]): Entry[] {
  return names.map((name) => ({ name, kind: 'file' }));
}

async function mappedIn(
  directory: string,
  { sight }: RootRules,
): Promise<readonly Pick<MappedFile, 'role' | 'name'>[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(directory, { bufferSize: 256 })) {
      if (!entry.isDirectory()) names.push(entry.name);
      if (names.length >= entriesMax) break;
    }
  } catch (error) {
    // Whatever keeps it from being listed: it does not look like a run then.
    if (errorCode(error) === undefined) throw error;
    return [];
  }
  const { files, archives } = mapFiles(asFiles(names), sight.names, sight.isIgnored);
  return [...files, ...archives];
}
