/**
 * One look at a run folder from outside: which files are there and what their stats say. Nothing is opened, so a look
 * is cheap enough to be taken at every scan, and nothing in the folder can hold it up.
 *
 * What is made of names and stats stands here and touches nothing: it asks for them one by one. `sightFolder.ts` has the
 * two ways of finding the answers.
 */
import type { BigIntStats } from 'node:fs';
import { createHash, hash } from 'node:crypto';
import prettyBytes from 'pretty-bytes';
import { leftOutOfArchives, type DirectoryIdentity, type FilesMapping } from '../core/content.ts';
import { mayBeAnothers } from '../core/hardLinks.ts';
import { compareUtf8 } from '../core/identity.ts';
import { isOwnFile } from '../core/ownFiles.ts';
import type { Sighting } from '../core/settle.ts';
import { errorCode, markOf, type FileMark } from '../system/files.ts';
import { archiveLimits } from './archiveLimits.ts';
import { mapFiles, type Entry, type MappedArchive, type MappedFile, type Mapping } from './mapping.ts';
import { shown } from './shown.ts';

export interface SeenFile extends MappedFile {
  readonly mark: FileMark;
}

/** Input or output that is an archive, as far as it can be told from outside. */
export interface SeenArchive extends MappedArchive {
  readonly files: number;
  readonly bytes: number;
  /** SHA-256 over the names, sizes, times and inodes of everything in it. */
  readonly digest: string;
  /** SHA-256 over its files alone, as `memberMark` has each: what is read has to be these very files. */
  readonly filesDigest: string;
  /** The same over what a move leaves as it is: names, inodes and times of change of content. */
  readonly mark: string;
  /** When a file in it was last written, in ms. */
  readonly writtenMs: number;
}

export interface FolderSight {
  readonly directory: DirectoryIdentity;
  /** A birth time that differs from the last change was kept by the file system; else it may be made up. */
  readonly isBirthKnown: boolean;
  readonly files: readonly SeenFile[];
  readonly archives: readonly SeenArchive[];
  /** What the output still waits for: only a run that succeeded has to have one, and meta.json says that later. */
  readonly missingOutput: readonly string[];
  /** Files of this program itself that lie in it: a result, a problem. */
  readonly ownFiles: readonly string[];
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
  readonly names: FilesMapping;
  /** What has to be there before the folder is complete, if anything. */
  readonly marker: string | null;
  /** Whether a folder may be complete without a meta.json. */
  readonly isMetaOptional: boolean;
  readonly fileBytesMax: number;
  /** Entries at the top level, and of each archive. */
  readonly folderFilesMax: number;
  /** Asked of names at the top level; that of a directory ends in `/`. */
  readonly isIgnored: (name: string) => boolean;
}

/** What a look has to know next. */
export type Question =
  /** What is at this path itself: links are not followed. Null: nothing is. */
  | { readonly kind: 'stats'; readonly path: string }
  /**
   * What stands in this directory; of more than `max` entries it is enough to have one more. Null: it is not there.
   * directoryBytes: how large the directory itself is, as its stats say
   */
  | {
      readonly kind: 'entries';
      readonly path: string;
      readonly max: number;
      readonly directoryBytes: bigint;
    };

/** An answer to a question, or a throw: the system error that came instead. */
export type Answer = BigIntStats | null | readonly Entry[];

type Entries = readonly Entry[] | null;

export type Look = Generator<Question, FolderSight | null, Answer>;

/** @returns null when the folder is not there (any more) or is no directory */
export function* look(path: string, rules: SightRules): Look {
  try {
    return yield* lookInto(path, rules);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') return yield* closedFolder(path, code);
    throw error;
  }
}

/** A folder that this user may not look into: it waits, and is shown, until somebody opens it. */
function* closedFolder(path: string, code: string): Look {
  const stats = (yield { kind: 'stats', path }) as BigIntStats | null;
  if (stats === null) return null;
  const reason = `this user may not look into it (${code}); give the daemon’s user read and search access`;
  return {
    directory: directoryOf(stats),
    isBirthKnown: false,
    files: [],
    archives: [],
    missingOutput: [],
    ownFiles: [],
    newestChangeMs: Number(stats.ctimeNs / 1_000_000n),
    newestFileChangeMs: 0,
    // Not its time: what is closed may be a directory in it, and we write into the folder ourselves that it is overdue.
    signature: signatureOf([], reason, String(stats.uid), String(stats.gid), String(stats.mode)),
    sighting: { missing: [], missingMarker: null, unreadable: reason, lastChanged: null },
    refusal: null,
  };
}

/** Each question is asked where its answer is used: to be passed on through generators costs as much as an answer. */
function* lookInto(path: string, rules: SightRules): Look {
  const { folderFilesMax } = rules;
  const folder = (yield { kind: 'stats', path }) as BigIntStats | null;
  if (folder?.isDirectory() !== true) return null;
  const { size: directoryBytes } = folder;
  const entries = (yield { kind: 'entries', path, max: folderFilesMax, directoryBytes }) as Entries;
  if (entries === null) return null;
  const tooMany = entries.length > folderFilesMax;
  const mapping = mappingOf(entries.slice(0, folderFilesMax), rules);
  const files: SeenFile[] = [];
  const vanished: MappedFile[] = [];
  const archives: SeenArchive[] = [];
  const newest = new Newest();
  let refusal: FolderSight['refusal'] = mapping.conflict === null ? null : refuse(mapping.conflict);
  if (tooMany) {
    refusal ??= refuse(
      `it has more than ${String(folderFilesMax)} entries at its top level (limits.folder_files)`,
    );
  }
  for (const { role, name } of mapping.files) {
    // By such a name nothing is found, so it would be waited for although it lies there.
    if (!isUtf8(name)) {
      refusal ??= refuse(noUtf8(name));
      continue;
    }
    const stats = (yield { kind: 'stats', path: `${path}/${name}` }) as BigIntStats | null;
    if (stats === null) {
      vanished.push({ role, name });
      continue;
    }
    refusal ??= refusalOf(name, stats, folder.uid, rules);
    // Spread out and added to, an object takes V8's slow way, here and where it is read.
    files.push({ role, name, mark: markOf(stats) });
    newest.see(name, stats.ctimeNs);
  }
  for (const archive of mapping.archives) {
    const walk = new Walk(path, folder.uid, rules, newest);
    yield* walk.all(archive.entries);
    refusal ??= walk.refusal;
    archives.push({ ...archive, ...walk.found() });
  }
  const seen = { vanished, archives, missing: mapping.missing };
  return {
    directory: directoryOf(folder),
    isBirthKnown: folder.birthtimeNs !== 0n && folder.birthtimeNs !== folder.ctimeNs,
    files,
    archives: archives.filter((archive) => archive.files > 0),
    missingOutput: missingOf('output', seen),
    ownFiles: entries.filter(({ name }) => isOwnFile(name)).map(({ name }) => name),
    newestChangeMs: Number((newest.ns > folder.ctimeNs ? newest.ns : folder.ctimeNs) / 1_000_000n),
    newestFileChangeMs: Number(newest.ns / 1_000_000n),
    signature: signatureOf(
      files,
      mapping.conflict ?? (tooMany ? 'too many' : ''),
      refusal?.text ?? '',
      ...archives.map(({ digest }) => digest),
    ),
    sighting: {
      missing: [
        ...missingOf('input', seen),
        ...(rules.isMetaOptional || files.some(({ role }) => role === 'meta') ? [] : [rules.names.meta]),
      ],
      missingMarker:
        rules.marker !== null && !entries.some(({ name }) => name === rules.marker) ? rules.marker : null,
      unreadable: null,
      lastChanged: newest.name === null ? null : shown(newest.name),
    },
    refusal,
  };
}

/** Longer paths, below a drop root of any length, are more than the system takes. */
const memberPathBytesMax = 2048;

/** Which file changed last, to tell what is being waited for. */
class Newest {
  ns = 0n;
  name: string | null = null;

  see(name: string, changedNs: bigint): void {
    if (changedNs <= this.ns) return;
    this.ns = changedNs;
    this.name = name;
  }
}

/** What lies in an archive, entry by entry: nothing of it is kept but a digest. */
class Walk {
  refusal: FolderSight['refusal'] = null;
  readonly #folder: string;
  readonly #folderUid: bigint;
  readonly #rules: SightRules;
  readonly #newest: Newest;
  readonly #digest = createHash('sha256');
  readonly #filesDigest = createHash('sha256');
  readonly #mark = createHash('sha256');
  #entries = 0;
  #files = 0;
  #bytes = 0;
  #writtenNs = 0n;

  constructor(folder: string, folderUid: bigint, rules: SightRules, newest: Newest) {
    this.#folder = folder;
    this.#folderUid = folderUid;
    this.#rules = rules;
    this.#newest = newest;
  }

  found(): Omit<SeenArchive, keyof MappedArchive> {
    return {
      files: this.#files,
      bytes: this.#bytes,
      digest: this.#digest.digest('base64url'),
      filesDigest: this.#filesDigest.digest('base64url'),
      mark: this.#mark.digest('base64url'),
      writtenMs: Number(this.#writtenNs / 1_000_000n),
    };
  }

  /** @param entries of the run folder that the archive has, in its order */
  *all(entries: readonly Entry[]): Generator<Question, void, Answer> {
    this.#count('', entries.length);
    for (const entry of entries) yield* this.#visit('', entry, 0);
  }

  /** Counted when they are listed: so many names are held at most, however they are nested. */
  #count(path: string, entries: number): void {
    this.#entries += entries;
    const { folderFilesMax } = this.#rules;
    if (this.#entries > folderFilesMax)
      this.#refuseTooMuch(path, `${String(folderFilesMax)} entries (limits.folder_files)`);
  }

  /** @param prefix of its path in the folder, with `/` at the end */
  *#visit(prefix: string, { name }: Entry, depth: number): Generator<Question, void, Answer> {
    // What is refused is not looked at any further: there may be no end of it.
    if (this.refusal !== null || name === leftOutOfArchives) return;
    const path = `${prefix}${name}`;
    if (!isUtf8(name)) {
      this.refusal = refuse(noUtf8(path));
      return;
    }
    if (Buffer.byteLength(path) > memberPathBytesMax) {
      const bytes = String(memberPathBytesMax);
      this.refusal = refuse(`${shown(path.slice(0, 80))}… is a path of more than ${bytes} bytes`);
      return;
    }
    const stats = (yield { kind: 'stats', path: `${this.#folder}/${path}` }) as BigIntStats | null;
    if (stats === null) return;
    if (stats.isDirectory()) yield* this.#directory(path, stats, depth);
    else this.#file(path, stats);
  }

  *#directory(path: string, stats: BigIntStats, depth: number): Generator<Question, void, Answer> {
    this.#newest.see(`${path}/`, stats.ctimeNs);
    this.#digest.update(JSON.stringify([path, String(stats.ino)]));
    if (depth >= archiveLimits.depthMax) {
      this.#refuseTooMuch(path, `${String(archiveLimits.depthMax)} levels`);
      return;
    }
    const left = this.#rules.folderFilesMax - this.#entries;
    const entries =
      ((yield {
        kind: 'entries',
        path: `${this.#folder}/${path}`,
        max: left,
        directoryBytes: stats.size,
      }) as Entries) ?? [];
    this.#count(path, entries.length);
    for (const entry of entries.toSorted(byName)) yield* this.#visit(`${path}/`, entry, depth + 1);
  }

  #file(path: string, stats: BigIntStats): void {
    this.#newest.see(path, stats.ctimeNs);
    const mark = markOf(stats);
    const { bytes, mtimeNs, ino } = mark;
    this.#digest.update(memberMark(path, mark));
    this.#filesDigest.update(memberMark(path, mark));
    this.#mark.update(JSON.stringify([path, String(mtimeNs), String(ino)]));
    this.#files += 1;
    this.#bytes += bytes;
    if (mtimeNs > this.#writtenNs) this.#writtenNs = mtimeNs;
    this.refusal = refusalOf(path, stats, this.#folderUid, this.#rules);
    if (this.#bytes > archiveLimits.unpackedBytesMax) {
      const most = prettyBytes(archiveLimits.unpackedBytesMax, { binary: true });
      this.refusal ??= refuse(`${this.#holderOf(path)} holds more than the ${most} that the platform takes`);
    }
  }

  #refuseTooMuch(path: string, what: string): void {
    const [top = ''] = path.split('/');
    this.refusal ??= refuse(`${top === '' ? 'the archive' : `${shown(top)}/`} holds more than ${what}`);
  }

  /** Whoever reads of it looks there. Of several files that lie in the run folder itself, none is at fault alone. */
  #holderOf(path: string): string {
    const [top = '', ...below] = path.split('/');
    if (below.length > 0) return `${shown(top)}/`;
    return this.#files === 1 ? shown(top) : 'the archive';
  }
}

/** A name that is not UTF-8 arrives with this sign in it. */
const isUtf8 = (name: string): boolean => !name.includes('\uFFFD');

const noUtf8 = (path: string): string =>
  `${shown(path)} has a name that is not UTF-8, which the platform does not take`;

/** @param path in the run folder */
export function memberMark(path: string, { bytes, mtimeNs, ctimeNs, ino }: FileMark): string {
  return JSON.stringify([path, bytes, String(mtimeNs), String(ctimeNs), String(ino)]);
}

/** The order in which an archive has them. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareUtf8(a.name, b.name);
}

/** Why a file in a role is not tracked, as its stats say; null: it may be. */
function refusalOf(
  name: string,
  stats: BigIntStats,
  folderUid: bigint,
  { fileBytesMax }: SightRules,
): FolderSight['refusal'] {
  if (!stats.isFile())
    return refuse(`${shown(name)} is ${kindOf(stats)}, and only a regular file is tracked`);
  if (mayBeAnothers(stats, folderUid)) {
    return refuse(
      `${shown(name)} has hard links, belongs to another user than the folder, and not everybody may read it: ` +
        'it may be a file that the folder’s owner could not read',
    );
  }
  if (stats.size > BigInt(fileBytesMax)) {
    return refuse(
      `${shown(name)} has ${String(stats.size)} bytes, more than limits.file_bytes (${String(fileBytesMax)})`,
    );
  }
  return null;
}

/** When files were last written, in ms. @param role of those that are meant; default: all */
export function writtenMs(
  { files, archives }: Pick<FolderSight, 'files' | 'archives'>,
  role: string | null = null,
): number[] {
  const isMeant = (seen: { readonly role: string }): boolean => role === null || seen.role === role;
  return [
    ...files.filter(isMeant).map(({ mark }) => Number(mark.mtimeNs / 1_000_000n)),
    ...archives.filter(isMeant).map((archive) => archive.writtenMs),
  ];
}

/** When the solver last wrote a mapped file, as the files say; for none, when the directory last changed. In ms. */
export function newestWriteMs(sight: FolderSight): number {
  const written = writtenMs(sight);
  return written.length === 0 ? sight.newestChangeMs : Math.max(...written);
}

/** @param stats of a directory, with `bigint` */
export function directoryOf(stats: { dev: bigint; ino: bigint; birthtimeNs: bigint }): DirectoryIdentity {
  return { dev: String(stats.dev), ino: String(stats.ino), birthNs: String(stats.birthtimeNs) };
}

function refuse(text: string): { text: string; hint: string } {
  return {
    text,
    hint: 'Mend the folder; changed content is looked at again by itself. Or `runtrackd skip` it.',
  };
}

/** What a role still waits for: what no name fits, or a file in a directory that is there and empty. */
function missingOf(
  role: 'input' | 'output',
  seen: Pick<Mapping, 'missing'> & {
    readonly archives: readonly SeenArchive[];
    /** Listed a moment ago, and not there any more. */
    readonly vanished: readonly MappedFile[];
  },
): string[] {
  const empty = seen.archives.filter((archive) => archive.role === role && archive.files === 0);
  return [
    ...seen.vanished.filter((file) => file.role === role).map(({ name }) => shown(name)),
    ...empty.map(({ name }) => `a file in ${shown(name)}`),
    ...seen.missing[role],
  ];
}

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/** Folders with more entries have names of their own, mostly. */
const rememberedEntriesMax = 32;
/** Of one drop root: solvers leave the same few sets of names, in every folder. */
const rememberedMappingsMax = 64;
const rememberedMappings = new WeakMap<SightRules, Map<string, Mapping>>();

/** What the names mean was mostly found out at another folder already: asking globs and rules costs as much as the stats. */
function mappingOf(entries: readonly Entry[], rules: SightRules): Mapping {
  const { names, isIgnored } = rules;
  if (entries.length > rememberedEntriesMax) return mapFiles(entries, names, isIgnored);
  let remembered = rememberedMappings.get(rules);
  if (remembered === undefined) rememberedMappings.set(rules, (remembered = new Map<string, Mapping>()));
  // No name has this sign in it.
  const key = entries.map(({ name, kind }) => `${name}/${kind}`).join('/');
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const mapping = mapFiles(entries, names, isIgnored);
  if (remembered.size >= rememberedMappingsMax) remembered.clear();
  remembered.set(key, mapping);
  return mapping;
}

function signatureOf(files: readonly SeenFile[], ...more: string[]): string {
  const marks = files.map(
    ({ role, name, mark: { bytes, mtimeNs, ctimeNs, ino } }) =>
      // As JSON has it, in a third of the time.
      `["${role}",${JSON.stringify(name)},${bytes},"${mtimeNs}","${ctimeNs}","${ino}"]`,
  );
  return hash('sha256', `${marks.join('')}${JSON.stringify(more)}`, 'base64url');
}
