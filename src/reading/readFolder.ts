/**
 * Reads a run folder that has been quiet: digests every file, checks that JSON is JSON, and understands meta.json.
 * Each file is stat-ed on the open descriptor before and after, so what is reported was there as one whole.
 */
import { createHash } from 'node:crypto';
import { contentRoles, generationOf, type ContentFile, type ContentRole } from '../core/identity.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import type { ArtefactFile, FolderContent, Meta } from '../core/content.ts';
import { notYet, readArtefact, readWhole, rejected, Verdict } from './artefact.ts';
import { JsonProblem, JsonScanner } from './jsonScan.ts';
import { contentTypeOf, type FileNames } from './mapping.ts';
import { metaBytesMax, parseMeta, type ParsedMeta } from './meta.ts';
import type { FolderSight, SeenFile } from './sight.ts';

export interface ReadingRules {
  readonly names: FileNames;
  /** The app that is tracked to; null: whichever meta.json names. */
  readonly app: string | null;
  readonly allowAppIds: readonly string[];
  readonly jsonDepthMax: number;
}

export type ReadFolder =
  | { readonly kind: 'complete'; readonly content: FolderContent }
  /** Waiting may mend it. */
  | { readonly kind: 'notYet'; readonly reason: string }
  /** Waiting cannot mend it. */
  | { readonly kind: 'rejected'; readonly text: string; readonly hint: string };

/** @param sight a look at the folder in which nothing is missing and nothing is refused */
export async function readFolder(path: string, sight: FolderSight, rules: ReadingRules): Promise<ReadFolder> {
  let folder: OpenFolder | undefined;
  try {
    folder = await OpenFolder.open(path);
    return { kind: 'complete', content: await readContent(folder, sight, rules) };
  } catch (error) {
    if (error instanceof Verdict) return error.verdict;
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP' || errorCode(error) === 'ENOTDIR') {
      return { kind: 'notYet', reason: 'the folder changed while it was read' };
    }
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM') {
      return { kind: 'notYet', reason: 'this user may not read it; give the daemon’s user read access' };
    }
    throw error;
  } finally {
    await folder?.close();
  }
}

async function readContent(
  folder: OpenFolder,
  sight: FolderSight,
  rules: ReadingRules,
): Promise<FolderContent> {
  const metaFile = sight.files.find((file) => file.role === 'meta');
  if (metaFile === undefined) throw notYet(`waiting for ${rules.names.meta}`);
  const { meta, warnings, digest } = await readMeta(folder, metaFile);
  const mayName = (app: string): boolean =>
    rules.app === null || app === rules.app || rules.allowAppIds.includes(app);
  if (meta.appId !== null && !mayName(meta.appId)) {
    throw rejected(
      `${metaFile.name}: app_id "${meta.appId}" is not allowed for this drop root`,
      'Add it to allow_app_id of the drop root, or take it out of the file.',
    );
  }
  const aside = createHash('sha256').update(digest);
  const files: ArtefactFile[] = [];
  for (const seen of sight.files) {
    if (seen.role === 'meta') continue;
    const role = seen.role;
    const type = role === 'logs' ? 'text' : contentTypeOf(seen.name);
    const file = await readArtefact(folder, { ...seen, role }, type, rules.jsonDepthMax);
    files.push(file);
    if (file.role === 'logs') aside.update(file.sha256);
  }
  if (meta.status === 'succeeded' && !files.some((file) => file.role === 'output')) {
    throw notYet(`waiting for ${rules.names.output.join(' or ')}`);
  }
  const logFile = files.find((file) => file.role === 'logs');
  return {
    generation: generationOf({ files: contentFiles(files), status: meta.status, appId: meta.appId }),
    asideDigest: aside.digest('hex'),
    files,
    filesMark: createHash('sha256')
      .update(sight.files.map(({ name, mark }) => `${name} ${mark.ino} ${mark.mtimeNs}`).join('\n'))
      .digest('base64url'),
    meta,
    warnings:
      meta.logs !== null && logFile !== undefined
        ? [...warnings, `${metaFile.name}: logs was left out, because ${logFile.name} is there`]
        : warnings,
  };
}

function contentFiles(files: readonly ArtefactFile[]): ContentFile[] {
  return files.flatMap(({ role, name, bytes, sha256 }) =>
    isContentRole(role) ? [{ role, path: name, bytes, sha256 }] : [],
  );
}

function isContentRole(role: string): role is ContentRole {
  return (contentRoles as readonly string[]).includes(role);
}

async function readMeta(
  folder: OpenFolder,
  seen: SeenFile,
): Promise<{ meta: Meta; warnings: readonly string[]; digest: string }> {
  if (seen.mark.bytes > metaBytesMax) {
    throw rejected(
      `${seen.name} has ${seen.mark.bytes} bytes, more than ${metaBytesMax}`,
      'Keep logs and data out of it; they have files of their own.',
    );
  }
  const bytes: Buffer[] = [];
  await readWhole(folder, seen, (chunk) => bytes.push(chunk));
  const whole = Buffer.concat(bytes);
  const parsed = parseBytes(whole, seen.name);
  if (!parsed.ok) {
    throw rejected(
      parsed.problems.join('; '),
      `Correct ${seen.name}; the folder is looked at again by itself when it changes.`,
    );
  }
  return { ...parsed, digest: createHash('sha256').update(whole).digest('hex') };
}

function parseBytes(bytes: Buffer, name: string): ParsedMeta {
  try {
    // The scanner names the line, and bounds the nesting, before anything is built.
    const scanner = new JsonScanner(100);
    scanner.push(bytes);
    scanner.end();
  } catch (error) {
    if (error instanceof JsonProblem) throw notYet(`${name} does not parse yet: ${error.message}`);
    throw error;
  }
  return parseMeta(JSON.parse(bytes.toString('utf8')) as unknown, name);
}
