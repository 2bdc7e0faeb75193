/**
 * A result file that proves something: whatever in it makes up the run's key has to hash to its fingerprint, its
 * generation has to be that of the folder, and the folder has to be the one that it was written into. Then this very
 * content is that run already, whatever the outbox has forgotten.
 *
 * Nothing of that is secret, so the file has to be of the user who writes such files: with one of his own making another
 * user could hold up every run, and have history sent that was left out. Where a file's owner says nothing, on a share
 * that makes all users one, or after the daemon was given another user, the platform's list shows the same.
 */
import type { BigIntStats } from 'node:fs';
import { z } from 'zod';
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import { fingerprintOf } from '../core/identity.ts';
import { resultFileName } from '../core/ownFiles.ts';
import type { Proof } from '../outbox/nouns.ts';
import { errorCode, type OpenFolder } from '../system/files.ts';
import { openResultDirIfThere, type RootPlaces } from '../system/resultDirectory.ts';

/** A larger one holds a large log; its run is found in the platform's list instead. */
const resultBytesMax = 4 * 1024 * 1024;

const resultFile = z.looseObject({
  id: z.string().min(1).max(256),
  runtrackd: z.looseObject({
    fingerprint: z.string(),
    version: z.number(),
    platform: z.string(),
    app: z.string(),
    host: z.string(),
    drop_root: z.string(),
    first_path: z.string(),
    generation: z.string(),
    counter: z.number().int(),
    directory: z.looseObject({ ino: z.string(), birth_ns: z.string() }),
  }),
});

export interface ProvenRun extends Proof {
  readonly host: string;
}

/** The run of a result file that lies where it was written, whatever its folder holds by now. */
export interface ToldRun extends ProvenRun {
  readonly app: string;
  readonly generation: string;
}

/** What a folder has to be for its result file to be believed. */
export interface ProvenPlace {
  readonly platform: string;
  readonly app: string;
  readonly dropRoot: string;
  /** Relative to the drop root. */
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly content: Pick<FolderContent, 'generation'>;
}

/** @returns null where there is no result file, or none that proves anything */
export async function provenBy(root: RootPlaces, place: ProvenPlace): Promise<ProvenRun | null> {
  const told = await toldBy(root, place);
  if (told === null) return null;
  const { app, generation, ...proven } = told;
  return generation === place.content.generation && app === place.app ? proven : null;
}

/** @returns null where there is no result file, or none of this platform and place */
export async function toldBy(
  root: RootPlaces,
  place: Omit<ProvenPlace, 'app' | 'content'>,
): Promise<ToldRun | null> {
  const text = await readResult(root, place.path, isOwn);
  const read = resultFile.safeParse(text === null ? null : parsed(text));
  if (!read.success) return null;
  const { id, runtrackd: own } = read.data;
  const key = {
    version: own.version,
    platform: own.platform,
    app: own.app,
    host: own.host,
    dropRoot: own.drop_root,
    firstPath: own.first_path,
    generation: own.generation.replace(/^sha256:/, ''),
    counter: own.counter,
  };
  const { directory } = place;
  const isSameDirectory =
    own.directory.ino === directory.ino &&
    own.directory.birth_ns === directory.birthNs &&
    directory.birthNs !== '0';
  const isOfPlace =
    fingerprintOf(key) === own.fingerprint &&
    key.platform === place.platform &&
    key.dropRoot === place.dropRoot &&
    (isSameDirectory || key.firstPath === place.path);
  const { host, app, generation, firstPath, counter } = key;
  return isOfPlace ? { runId: id, host, app, generation, firstPath, counter } : null;
}

/**
 * The id of the run whose result lies where the folder's belongs; null where none does, or none that can be read.
 * @param path of the folder, relative to the root
 */
export async function resultIdIn(root: RootPlaces, path: string): Promise<string | null> {
  const text = await readResult(root, path);
  const read = z.looseObject({ id: z.string() }).safeParse(text === null ? null : parsed(text));
  return read.success ? read.data.id : null;
}

const isOwn = ({ uid }: BigIntStats): boolean => uid === BigInt(process.geteuid?.() ?? -1);

async function readResult(
  root: RootPlaces,
  path: string,
  isBelieved: (stats: BigIntStats) => boolean = () => true,
): Promise<string | null> {
  let folder: OpenFolder | undefined;
  try {
    folder = await openResultDirIfThere(root, path);
    const file = await folder.openFile(resultFileName);
    try {
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile() || stats.size > BigInt(resultBytesMax) || !isBelieved(stats)) return null;
      const bytes = Buffer.alloc(Number(stats.size));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return bytes.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    // Whatever keeps it from being read: it proves nothing then.
    if (errorCode(error) === undefined) throw error;
    return null;
  } finally {
    await folder?.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
