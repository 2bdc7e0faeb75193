/**
 * Reads a run folder that has been quiet: digests every file, checks that JSON is JSON, and understands meta.json.
 * Each file is stat-ed on the open descriptor before and after, so what is reported was there as one whole.
 */
import { createHash } from 'node:crypto';
import {
  contentRoles,
  generationPiecewise,
  membersPiecewise,
  type ContentFile,
  type ContentRole,
} from '../core/identity.ts';
import { runFactsOf, type RunFacts } from '../core/runFacts.ts';
import { LogReader } from '../solverlog/logReader.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import {
  unsaidMeta,
  type ArtefactFile,
  type FilesMapping,
  type FolderContent,
  type Meta,
} from '../core/content.ts';
import { readMember, readMembers } from './archive.ts';
import { archiveLimits } from './archiveLimits.ts';
import type { Beat } from './beat.ts';
import {
  changedMeanwhile,
  namesTwice,
  notYet,
  readArtefact,
  readWhole,
  rejected,
  Verdict,
} from './artefact.ts';
import { inTurns } from './inTurns.ts';
import { inferMeta, logTailBytesMax, type SaidMeta } from './inferredMeta.ts';
import { JsonProblem, JsonScanner } from './jsonScan.ts';
import { contentTypeOf, defaultFileNames } from './mapping.ts';
import { metaBytesMax, parseMeta, type ParsedMeta } from './meta.ts';
import { shown } from './shown.ts';
import { memberMark, writtenMs, type FolderSight, type SeenArchive, type SeenFile } from './sight.ts';

export interface ReadingRules {
  readonly names: FilesMapping;
  readonly fileBytesMax: number;
  /** Files of an archive, at most. */
  readonly folderFilesMax: number;
  /** The app that is tracked to; null: whichever meta.json names. */
  readonly app: string | null;
  readonly allowAppIds: readonly string[];
  readonly jsonDepthMax: number;
  /** Whether a folder is complete without a meta.json: what it does not say is inferred. */
  readonly isMetaOptional: boolean;
  readonly beat?: Beat;
  /** What a model without an optimum makes of a run whose status is inferred. */
  readonly infeasible: 'succeeded' | 'failed';
}

export type ReadFolder =
  | { readonly kind: 'complete'; readonly content: FolderContent }
  /** Waiting may mend it. */
  | {
      readonly kind: 'notYet';
      readonly reason: string;
      /** Nothing in the folder moves when it is mended: the disk, access that is granted elsewhere, or what is back as it was. */
      readonly isMendedUnseen?: true;
      /** Why the system does not let it be read. */
      readonly code?: 'EACCES' | 'EPERM' | 'EIO';
    }
  /** Waiting cannot mend it. */
  | { readonly kind: 'rejected'; readonly text: string; readonly hint: string };

/**
 * @param sight a look at the folder in which nothing is missing and nothing is refused
 * @param open how the folder is opened; default: with the loop free meanwhile, and as if it lay in no drop root
 * @throws the signal's reason; what the folder is like is the answer
 */
export async function readFolder(
  path: string,
  sight: FolderSight,
  rules: ReadingRules,
  signal?: AbortSignal,
  open: (path: string) => Promise<OpenFolder> = (at) => OpenFolder.open(at),
): Promise<ReadFolder> {
  let folder: OpenFolder | undefined;
  try {
    folder = await open(path);
    return { kind: 'complete', content: await readContent(folder, sight, rules, signal) };
  } catch (error) {
    if (error instanceof Verdict) return error.verdict;
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP' || errorCode(error) === 'ENOTDIR') {
      return changedMeanwhile('the folder').verdict;
    }
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      return unreadable(code, 'this user may not read it; give the daemon’s user read access');
    }
    if (code === 'EIO') return unreadable(code, 'the disk fails when it is read (EIO); look at the disk');
    throw error;
  } finally {
    await folder?.close();
  }
}

function unreadable(code: 'EACCES' | 'EPERM' | 'EIO', reason: string): ReadFolder {
  return { kind: 'notYet', reason, isMendedUnseen: true, code };
}

async function readContent(
  folder: OpenFolder,
  sight: FolderSight,
  rules: ReadingRules,
  signal: AbortSignal | undefined,
): Promise<FolderContent> {
  const metaFile = sight.files.find((file) => file.role === 'meta');
  if (metaFile === undefined && !rules.isMetaOptional) throw notYet(`waiting for ${rules.names.meta}`);
  const { said, warnings, digest } =
    metaFile === undefined ? noMeta : await readMeta(folder, metaFile, rules.isMetaOptional);
  const goOn = (): void => {
    signal?.throwIfAborted();
    rules.beat?.();
  };
  const log = await readLog(folder, sight, said.logs, goOn);
  const meta = await wholeMeta(folder, sight, said, log, rules);
  const mayName = (app: string): boolean =>
    rules.app === null || app === rules.app || rules.allowAppIds.includes(app);
  if (meta.appId !== null && !mayName(meta.appId)) {
    throw rejected(
      `${rules.names.meta}: app_id "${meta.appId}" is not allowed for this drop root`,
      'Add it to allow_app_id of the drop root, or take it out of the file.',
    );
  }
  const aside = createHash('sha256').update(digest);
  const files: ArtefactFile[] = [];
  const odd: string[] = [];
  for (const seen of sight.files) {
    if (seen.role === 'meta') continue;
    const role = seen.role;
    const type = contentTypeOf(seen.name);
    const file =
      role === 'logs' && log.file !== null
        ? log.file
        : await readArtefact(folder, { ...seen, role }, type, rules.jsonDepthMax, goOn, (text) =>
            odd.push(text),
          );
    files.push(file);
    if (file.role === 'logs') aside.update(file.sha256);
  }
  if (meta.status === 'succeeded' && sight.missingOutput.length > 0) {
    throw notYet(`waiting for ${sight.missingOutput.join(' and ')}`);
  }
  const members: ContentFile[] = [];
  for (const seen of sight.archives) {
    const found = await readArchive(folder, seen, rules, goOn);
    files.push(await artefactOf(seen, found));
    for (const member of found) members.push(member);
  }
  const { file: logFile, facts } = log;
  const isPartial = sight.missingOutput.length > 0 && files.some(({ role }) => role === 'output');
  return {
    generation: await inTurns(
      generationPiecewise({
        files: [...contentFiles(files), ...members],
        status: said.status,
        appId: meta.appId,
      }),
    ),
    asideDigest: aside.digest('hex'),
    files,
    mapping: rules.names,
    filesMark: filesMarkOf(sight),
    meta,
    ...(facts === undefined ? {} : { facts }),
    warnings: [
      ...warnings,
      ...odd,
      ...(meta.logs !== null && logFile !== null
        ? [`${rules.names.meta}: logs was left out, because ${shown(logFile.name)} is there`]
        : []),
      ...(logFile === null && meta.logs === null && rules.names.log !== defaultFileNames.log
        ? [`no log was sent: nothing matches ${rules.names.log} (files.log)`]
        : []),
      ...(isPartial
        ? [`the output of the failed run has not all of its files: no ${sight.missingOutput.join(', no ')}`]
        : []),
    ],
  };
}

interface ReadLog {
  /** null: there is no such file. */
  readonly file: ArtefactFile | null;
  /** What the solver says in it. */
  readonly facts: RunFacts | undefined;
}

/** The log comes first: what is not said of the run may follow from it. It is understood in the pass that digests it. */
async function readLog(
  folder: OpenFolder,
  sight: FolderSight,
  said: string | null,
  goOn: () => void,
): Promise<ReadLog> {
  const seen = sight.files.find(({ role }) => role === 'logs');
  if (seen === undefined && said === null) return { file: null, facts: undefined };
  const reader = new LogReader();
  let file: ArtefactFile | null = null;
  if (seen === undefined) reader.push(Buffer.from(said ?? ''));
  else
    file = await readArtefact(folder, { ...seen, role: 'logs' }, 'text', 0, goOn, undefined, (chunk) =>
      reader.push(chunk),
    );
  return { file, facts: runFactsOf(reader.end()) ?? undefined };
}

function filesMarkOf({ files, archives }: FolderSight): string {
  const marks = [
    ...files.map(({ name, mark }) => `${name} ${mark.ino} ${mark.mtimeNs}`),
    ...archives.map(({ name, mark }) => `${name} ${mark}`),
  ];
  return createHash('sha256').update(marks.join('\n')).digest('base64url');
}

/** Every file of an archive, with its digest. */
async function readArchive(
  folder: OpenFolder,
  seen: SeenArchive,
  { fileBytesMax, folderFilesMax }: ReadingRules,
  goOn: Beat,
): Promise<ContentFile[]> {
  const limits = { ...archiveLimits, fileBytesMax, filesMax: folderFilesMax };
  const found: ContentFile[] = [];
  const marks = createHash('sha256');
  for await (const member of readMembers(folder, seen, limits)) {
    marks.update(memberMark(`${seen.base}${member.path}`, member.mark));
    const sha256 = await readMember(member, goOn);
    found.push({ role: seen.role, path: `${seen.base}${member.path}`, bytes: member.mark.bytes, sha256 });
  }
  // The files that were looked at, and no others: one that was put in their place may be somebody else's.
  if (marks.digest('base64url') !== seen.filesDigest) throw changedMeanwhile(seen.name);
  return found;
}

async function artefactOf(
  { role, name, base, place }: SeenArchive,
  found: readonly ContentFile[],
): Promise<ArtefactFile> {
  return {
    role,
    name,
    type: 'multi-file',
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: await inTurns(membersPiecewise(found)),
    object: null,
    archive: { base, place, files: found.length },
  };
}

function contentFiles(files: readonly ArtefactFile[]): ContentFile[] {
  return files.flatMap(({ role, name, bytes, sha256, archive }) =>
    isContentRole(role) && archive === undefined ? [{ role, path: name, bytes, sha256 }] : [],
  );
}

function isContentRole(role: string): role is ContentRole {
  return (contentRoles as readonly string[]).includes(role);
}

interface ReadMeta {
  readonly said: SaidMeta;
  readonly warnings: readonly string[];
  readonly digest: string;
}

const noMeta: ReadMeta = { said: { ...unsaidMeta, status: null }, warnings: [], digest: '' };

/** What meta.json says, and where it is optional, what follows from the rest of the folder. */
async function wholeMeta(
  folder: OpenFolder,
  sight: FolderSight,
  said: SaidMeta,
  { facts }: ReadLog,
  { isMetaOptional, names, infeasible }: ReadingRules,
): Promise<Meta> {
  const { status } = said;
  if (status !== null && !isMetaOptional) return { ...said, status };
  const log = sight.files.find(({ role }) => role === 'logs');
  const isOutput = ({ role }: { readonly role: string }): boolean => role === 'output';
  const output =
    sight.missingOutput.length > 0
      ? undefined
      : (sight.files.find(isOutput) ?? sight.archives.find(isOutput));
  const evidence = {
    output: output === undefined ? null : shown(output.name),
    log: log === undefined ? null : shown(log.name),
    logTail: log === undefined ? '' : await tailOf(folder, log),
    facts,
    inputWrittenMs: Math.max(...writtenMs(sight, 'input')),
    resultWrittenMs: resultWrittenMs(sight),
  };
  const inferred = inferMeta(
    said,
    evidence,
    sight.missingOutput.join(' and ') || names.output.flat().join(' or '),
    infeasible,
  );
  if (inferred.kind === 'waiting') throw notYet(inferred.reason);
  return inferred.meta;
}

function resultWrittenMs(sight: FolderSight): number | null {
  const output = writtenMs(sight, 'output');
  const all = output.length > 0 ? output : writtenMs(sight, 'logs');
  return all.length === 0 ? null : Math.max(...all);
}

/** The end of a log; whether it held still is told when all of it is read. */
async function tailOf(folder: OpenFolder, { name, mark }: SeenFile): Promise<string> {
  const file = await folder.openFile(name);
  try {
    const bytes = Buffer.alloc(Math.min(logTailBytesMax, mark.bytes));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, mark.bytes - bytes.length);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readMeta(folder: OpenFolder, seen: SeenFile, isStatusOptional: boolean): Promise<ReadMeta> {
  if (seen.mark.bytes > metaBytesMax) {
    throw rejected(
      `${seen.name} has ${seen.mark.bytes} bytes, more than ${metaBytesMax}`,
      'Keep logs and data out of it; they have files of their own.',
    );
  }
  const bytes: Buffer[] = [];
  await readWhole(folder, seen, (chunk) => bytes.push(Buffer.from(chunk)));
  const whole = Buffer.concat(bytes);
  const parsed = parseBytes(whole, seen.name, isStatusOptional);
  if (!parsed.ok) throw toBeCorrected(parsed.problems.join('; '), seen.name);
  const { meta: said, warnings } = parsed;
  return { said, warnings, digest: createHash('sha256').update(whole).digest('hex') };
}

function parseBytes(bytes: Buffer, name: string, isStatusOptional: boolean): ParsedMeta {
  let odd: readonly string[];
  try {
    // The scanner names the line, and bounds the nesting, before anything is built.
    const scanner = new JsonScanner(100);
    scanner.push(bytes);
    odd = namesTwice(name, scanner.end());
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    // The hint that comes with it is for artefacts, which have limits that can be raised and may be sent as text.
    if (error.lastingHint !== null) throw toBeCorrected(`${name}: ${error.message}`, name);
    throw notYet(`${name} does not parse yet: ${error.message}`);
  }
  const parsed = parseMeta(JSON.parse(bytes.toString('utf8')) as unknown, name, isStatusOptional);
  return parsed.ok ? { ...parsed, warnings: [...odd, ...parsed.warnings] } : parsed;
}

function toBeCorrected(problems: string, name: string): Verdict {
  return rejected(problems, `Correct ${name}; the folder is looked at again by itself when it changes.`);
}
