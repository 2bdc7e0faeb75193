/**
 * Reads a run folder that has been quiet: digests every file, checks that JSON is JSON, and understands meta.json.
 * Each file is stat-ed on the open descriptor before and after, so what is reported was there as one whole.
 */
import { createHash } from 'node:crypto';
import { contentRoles, generationOf, type ContentFile, type ContentRole } from '../core/identity.ts';
import { errorCode, markOf, OpenFolder, readChunkBytes, sameMark } from '../system/files.ts';
import type { ArtefactFile, FolderContent, Meta } from '../core/content.ts';
import { JsonProblem, JsonScanner, type JsonShape } from './jsonScan.ts';
import { contentTypeOf, type FileNames } from './mapping.ts';
import { metaBytesMax, parseMeta, type ParsedMeta } from './meta.ts';
import type { FolderSight, SeenFile } from './sight.ts';

export interface ReadingRules {
  readonly names: FileNames;
  readonly app: string;
  readonly allowAppIds: readonly string[];
  readonly jsonDepthMax: number;
}

export type ReadFolder =
  | { readonly kind: 'complete'; readonly content: FolderContent }
  /** Waiting may mend it. */
  | { readonly kind: 'notYet'; readonly reason: string }
  /** Waiting cannot mend it. */
  | { readonly kind: 'rejected'; readonly text: string; readonly hint: string };

/** Thrown inside this file only: a verdict that ends the reading. */
class Verdict extends Error {
  readonly verdict: Exclude<ReadFolder, { kind: 'complete' }>;

  constructor(verdict: Exclude<ReadFolder, { kind: 'complete' }>) {
    super(verdict.kind);
    this.verdict = verdict;
  }
}

const notYet = (reason: string): Verdict => new Verdict({ kind: 'notYet', reason });
const rejected = (text: string, hint: string): Verdict => new Verdict({ kind: 'rejected', text, hint });

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
  if (meta.appId !== null && meta.appId !== rules.app && !rules.allowAppIds.includes(meta.appId)) {
    throw rejected(
      `${metaFile.name}: app_id "${meta.appId}" is not allowed for this drop root`,
      'Add it to allow_app_id of the drop root, or take it out of the file.',
    );
  }
  const aside = createHash('sha256').update(digest);
  const files: ArtefactFile[] = [];
  for (const seen of sight.files) {
    if (seen.role === 'meta') continue;
    const file = await readArtefact(folder, { ...seen, role: seen.role }, rules);
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

/** Members of an output document that may also lie beside it as files. */
const memberNames = ['metrics', 'statistics', 'assets'];

type RoleFile = SeenFile & { readonly role: ArtefactFile['role'] };

async function readArtefact(folder: OpenFolder, seen: RoleFile, rules: ReadingRules): Promise<ArtefactFile> {
  const type = seen.role === 'logs' ? 'text' : contentTypeOf(seen.name);
  const hash = createHash('sha256');
  const scanner = type === 'json' ? new JsonScanner(rules.jsonDepthMax, memberNames) : null;
  const bytes = await readWhole(folder, seen, (chunk) => {
    hash.update(chunk);
    if (scanner !== null) scanning(seen.name, () => scanner.push(chunk));
  });
  const shape = scanner === null ? null : scanning(seen.name, () => scanner.end());
  if (shape !== null) checkShape(seen, shape);
  return {
    role: seen.role,
    name: seen.name,
    type,
    bytes,
    sha256: hash.digest('hex'),
    object:
      shape?.topLevel === 'object'
        ? {
            closeOffset: shape.closeOffset,
            isEmpty: shape.isEmpty,
            onlyValueOffset: shape.onlyValueOffset,
            keys: [...shape.keys],
          }
        : null,
  };
}

function scanning<T>(name: string, scan: () => T): T {
  try {
    return scan();
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    if (error.lasts) {
      throw rejected(
        `${name}: ${error.message}`,
        'Raise limits.json_depth if it is meant to be so, then retry it.',
      );
    }
    throw notYet(`${name} does not parse yet: ${error.message}`);
  }
}

function checkShape(seen: RoleFile, { topLevel }: JsonShape): void {
  if (topLevel === 'object' || (seen.role === 'assets' && topLevel === 'array')) return;
  throw rejected(
    `${seen.name} must be a JSON object at its top, and it is ${topLevel === 'array' ? 'an array' : `a ${topLevel}`}`,
    'Put it into an object, for example {"data": …}.',
  );
}

/** Reads a regular file from its beginning to its end. @returns its bytes; a file that moves meanwhile is not complete */
async function readWhole(folder: OpenFolder, seen: SeenFile, use: (chunk: Buffer) => void): Promise<number> {
  const file = await folder.openFile(seen.name);
  try {
    const before = markOf(await file.stat({ bigint: true }));
    if (!sameMark(before, seen.mark)) throw notYet(`${seen.name} changed while it was read`);
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(readChunkBytes, before.bytes)));
    let total = 0;
    // Never beyond the size it had: a file that grows for ever ends here, and is found to have changed.
    while (total < before.bytes) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, total);
      if (bytesRead === 0) break;
      use(Buffer.from(buffer.subarray(0, bytesRead)));
      total += bytesRead;
    }
    const after = markOf(await file.stat({ bigint: true }));
    if (total !== before.bytes || !sameMark(before, after))
      throw notYet(`${seen.name} changed while it was read`);
    return total;
  } finally {
    await file.close();
  }
}
