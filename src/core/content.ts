/**
 * The content of a run folder as the outbox keeps it: facts about files, and what meta.json said. Enough to upload the
 * folder later, to tell whether it is still the same, and to name what was sent.
 */
import type { Role } from './run.ts';
import type { RunFacts } from './runFacts.ts';

/** One JSON document, one text, or an archive of files. */
export type ContentType = 'json' | 'text' | 'multi-file';

/**
 * What is looked for: the name of a file, a directory (`data/`), or a glob. One that ends in .json or .txt is one file
 * of that type; every other one, and every list, makes an archive of all that it matches.
 */
export type Wanted = string | readonly string[];

/** The official SDK leaves what is called like this out of archives, at any depth: its own archive of an earlier time. */
export const leftOutOfArchives = 'inputs.tar.gz';

/** What the solver calls its files. Of several wishes for the input (output) each is looked for, one may be there. */
export interface FileNames {
  readonly input: readonly Wanted[];
  readonly output: readonly Wanted[];
  /** A name or a glob. */
  readonly log: string;
  readonly meta: string;
}

/**
 * All that decides which files are content. A run keeps what was in force when it was made, so that a later
 * configuration does not make another content of the same files.
 */
export interface FilesMapping extends FileNames {
  /** Another file that has to be there; it is no content. */
  readonly marker: string | null;
  /** Rules as in .gitignore, for the top level. */
  readonly ignore: readonly string[];
}

/** What is ignored where nobody says otherwise: what is being written, and what is hidden. */
export const defaultIgnoreRules = ['*.tmp', '.*'];

/** What meta.json says of the run. */
export interface Meta {
  readonly status: 'succeeded' | 'failed';
  /** Whole ms; null when meta.json does not say. */
  readonly durationMs: number | null;
  readonly error: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly instanceId: string | null;
  /** As they are sent: texts as they are, everything else as JSON text. */
  readonly options: Readonly<Record<string, string>>;
  readonly batchExperimentId: string | null;
  readonly appId: string | null;
  readonly metrics: Readonly<Record<string, unknown>> | null;
  readonly logs: string | null;
  /** What was not said but inferred, each with its reason, in sentences; absent: nothing was. */
  readonly inferred?: readonly string[];
}

/** What a meta.json says that says nothing. */
export const unsaidMeta: Omit<Meta, 'status'> = {
  durationMs: null,
  error: null,
  name: null,
  description: null,
  instanceId: null,
  options: {},
  batchExperimentId: null,
  appId: null,
  metrics: null,
  logs: null,
};

/** The directory itself: what stays the same when it is moved. */
export interface DirectoryIdentity {
  readonly dev: string;
  readonly ino: string;
  /** Birth time in ns. Where the file system does not keep one it is the time of the last change, or 0. */
  readonly birthNs: string;
}

export interface ArtefactFile {
  readonly role: Role;
  /** Of an archive: what stands for its files, such as `input/` or `model.mps, *.prm`. */
  readonly name: string;
  readonly type: ContentType;
  /** Of an archive: of all its files together, as they lie in the folder. */
  readonly bytes: number;
  /** SHA-256 of the bytes, lower-case hex; of an archive: `membersDigest` of its files. */
  readonly sha256: string;
  /** For a JSON object: where members can be added, and which of those that matter are there already. */
  readonly object: {
    readonly closeOffset: number;
    readonly isEmpty: boolean;
    readonly keys: readonly string[];
    /** Where the value begins of an object's one member; null when it has not exactly one. */
    readonly onlyValueOffset: number | null;
  } | null;
  /** For an archive. Which files it has is not kept: there may be thousands, and their digest tells them. */
  readonly archive?: ArchiveFacts;
}

export interface ArchiveFacts {
  /** The directory whose files it has, with `/` at the end; '' for files of the run folder itself. */
  readonly base: string;
  /** What of the run folder holds it: a file's or a directory's name, or `.` for several. */
  readonly place: string;
  readonly files: number;
}

export interface FolderContent {
  readonly generation: string;
  /** SHA-256 over the log and meta.json: a change of these makes no generation, but has to be sent if there is time. */
  readonly asideDigest: string;
  readonly files: readonly ArtefactFile[];
  /** What made these files the content; absent in rows of a time when nothing but names could be given. */
  readonly mapping?: FilesMapping;
  /** Inodes and times of the files: tells a moved folder from a copy where the directory's birth time is not known. */
  readonly filesMark: string;
  readonly meta: Meta;
  /** What the solver's log says; absent: there is none, or it is of no solver that is known. */
  readonly facts?: RunFacts;
  readonly warnings: readonly string[];
}

export function fileOf(content: Pick<FolderContent, 'files'>, role: Role): ArtefactFile | undefined {
  return content.files.find((file) => file.role === role);
}
