/**
 * One look at a run folder from outside: which files are there and what their stats say. Nothing is opened, so a look
 * is cheap enough to be taken at every scan, and nothing in the folder can hold it up.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { DirectoryIdentity } from '../core/content.ts';
import type { Sighting } from '../core/settle.ts';
import { errorCode, markOf, type FileMark } from '../system/files.ts';
import { mapFiles, type FileNames, type MappedFile } from './mapping.ts';

export interface SeenFile extends MappedFile {
  readonly mark: FileMark;
}

export interface FolderSight {
  readonly directory: DirectoryIdentity;
  /** A birth time that differs from the last change was kept by the file system; else it may be made up. */
  readonly isBirthKnown: boolean;
  readonly files: readonly SeenFile[];
  /** When the directory or a mapped file last changed, by the file system's clock, in ms. */
  readonly newestChangeMs: number;
  /** When a mapped file last changed, likewise: the directory changes with our own result file. */
  readonly newestFileChangeMs: number;
  /** Changes whenever a mapped file appears, goes, or moves. */
  readonly signature: string;
  readonly sighting: Sighting;
  /** What waiting cannot mend, once the folder is quiet. */
  readonly refusal: { readonly text: string; readonly hint: string } | null;
}

export interface SightRules {
  readonly names: FileNames;
  readonly marker: string | null;
  readonly fileBytesMax: number;
  readonly isIgnored: (name: string) => boolean;
}

/** More entries than this at the top level are no run folder; listing them all would hold up its neighbours. */
const entriesMax = 10_000;

/** @returns null when the folder is not there (any more) or is no directory */
export async function sightFolder(path: string, rules: SightRules): Promise<FolderSight | null> {
  try {
    return await lookInto(path, rules);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') return await closedFolder(path, code);
    throw error;
  }
}

/** A folder that this user may not look into: it waits, and is shown, until somebody opens it. */
async function closedFolder(path: string, code: string): Promise<FolderSight | null> {
  const stats = await lstat(path, { bigint: true }).catch(absent);
  if (stats === null) return null;
  const reason = `this user may not look into it (${code}); give the daemon’s user read and search access`;
  return {
    directory: directoryOf(stats),
    isBirthKnown: false,
    files: [],
    newestChangeMs: Number(stats.ctimeNs / 1_000_000n),
    newestFileChangeMs: 0,
    signature: signatureOf([], reason, String(stats.ctimeNs)),
    sighting: { missing: [], missingMarker: null, unreadable: reason, lastChanged: null },
    refusal: null,
  };
}

async function lookInto(path: string, rules: SightRules): Promise<FolderSight | null> {
  const names: string[] = [];
  const directories = new Set<string>();
  let tooMany = false;
  let directory: DirectoryIdentity;
  let isBirthKnown: boolean;
  let directoryChangeNs: bigint;
  let newestFileNs = 0n;
  try {
    const stats = await lstat(path, { bigint: true });
    if (!stats.isDirectory()) return null;
    directory = directoryOf(stats);
    directoryChangeNs = stats.ctimeNs;
    isBirthKnown = stats.birthtimeNs !== 0n && stats.birthtimeNs !== stats.ctimeNs;
    for await (const entry of await opendir(path, { bufferSize: 256 })) {
      if (names.length >= entriesMax) {
        tooMany = true;
        break;
      }
      names.push(entry.name);
      if (entry.isDirectory()) directories.add(entry.name);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
  const mapping = mapFiles(names, rules.names, (name) => directories.has(name), rules.isIgnored);
  const files: SeenFile[] = [];
  let refusal: FolderSight['refusal'] = mapping.conflict === null ? null : refuse(mapping.conflict);
  if (tooMany) refusal ??= refuse(`it has more than ${String(entriesMax)} entries at its top level`);
  for (const file of mapping.files) {
    const stats = await lstat(join(path, file.name), { bigint: true }).catch(absent);
    if (stats === null) continue;
    if (!stats.isFile())
      refusal ??= refuse(`${file.name} is ${kindOf(stats)}, and only a regular file is tracked`);
    // A second name for the file may lie where its owner wants nothing of it sent.
    else if (stats.nlink > 1n)
      refusal ??= refuse(`${file.name} has hard links, so it may be another user’s file`);
    else if (stats.size > BigInt(rules.fileBytesMax)) {
      refusal ??= refuse(
        `${file.name} has ${String(stats.size)} bytes, more than limits.file_bytes (${String(rules.fileBytesMax)})`,
      );
    }
    files.push({ ...file, mark: markOf(stats) });
    if (stats.ctimeNs > newestFileNs) newestFileNs = stats.ctimeNs;
  }
  return {
    directory,
    isBirthKnown,
    files,
    newestChangeMs: Number(
      (newestFileNs > directoryChangeNs ? newestFileNs : directoryChangeNs) / 1_000_000n,
    ),
    newestFileChangeMs: Number(newestFileNs / 1_000_000n),
    signature: signatureOf(files, mapping.conflict ?? (tooMany ? 'too many' : ''), refusal?.text ?? ''),
    sighting: {
      missing: missingOf(files, rules.names),
      missingMarker: rules.marker !== null && !names.includes(rules.marker) ? rules.marker : null,
      unreadable: null,
      lastChanged: lastChangedOf(files),
    },
    refusal,
  };
}

/** @param stats of a directory, with `bigint` */
export function directoryOf(stats: { dev: bigint; ino: bigint; birthtimeNs: bigint }): DirectoryIdentity {
  return { dev: String(stats.dev), ino: String(stats.ino), birthNs: String(stats.birthtimeNs) };
}

function absent(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null;
  throw error;
}

function refuse(text: string): { text: string; hint: string } {
  return {
    text,
    hint: 'Mend the folder; changed content is looked at again by itself. Or `runtrackd skip` it.',
  };
}

/** The output is missing only for a run that succeeded; whether it did stands in meta.json, which is read later. */
function missingOf(files: readonly MappedFile[], names: FileNames): string[] {
  const has = (role: string): boolean => files.some((file) => file.role === role);
  return [...(has('input') ? [] : [names.input.join(' or ')]), ...(has('meta') ? [] : [names.meta])];
}

function lastChangedOf(files: readonly SeenFile[]): string | null {
  let last: SeenFile | undefined;
  for (const file of files) {
    if (last === undefined || file.mark.ctimeNs > last.mark.ctimeNs) last = file;
  }
  return last?.name ?? null;
}

function kindOf(stats: {
  isSymbolicLink(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function signatureOf(files: readonly SeenFile[], ...more: string[]): string {
  const hash = createHash('sha256');
  for (const { role, name, mark } of files) {
    hash.update(
      JSON.stringify([role, name, mark.bytes, String(mark.mtimeNs), String(mark.ctimeNs), String(mark.ino)]),
    );
  }
  hash.update(JSON.stringify(more));
  return hash.digest('base64url');
}
