/**
 * The content of a run folder as the outbox keeps it: facts about files, and what meta.json said. Enough to upload the
 * folder later, to tell whether it is still the same, and to name what was sent.
 */
import type { Role } from './run.ts';

export type ContentType = 'json' | 'text';

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
}

/** The directory itself: what stays the same when it is moved. */
export interface DirectoryIdentity {
  readonly dev: string;
  readonly ino: string;
  /** Birth time in ns. Where the file system does not keep one it is the time of the last change, or 0. */
  readonly birthNs: string;
}

export interface ArtefactFile {
  readonly role: Role;
  readonly name: string;
  readonly type: ContentType;
  readonly bytes: number;
  /** SHA-256 of the bytes, lower-case hex. */
  readonly sha256: string;
  /** For a JSON object: where members can be added, and which of those that matter are there already. */
  readonly object: {
    readonly closeOffset: number;
    readonly isEmpty: boolean;
    readonly keys: readonly string[];
    /** Where the value begins of an object's one member; null when it has not exactly one. */
    readonly onlyValueOffset: number | null;
  } | null;
}

export interface FolderContent {
  readonly generation: string;
  /** SHA-256 over the log and meta.json: a change of these makes no generation, but has to be sent if there is time. */
  readonly asideDigest: string;
  readonly files: readonly ArtefactFile[];
  /** Inodes and times of the files: tells a moved folder from a copy where the directory's birth time is not known. */
  readonly filesMark: string;
  readonly meta: Meta;
  readonly warnings: readonly string[];
}

export function fileOf(content: Pick<FolderContent, 'files'>, role: Role): ArtefactFile | undefined {
  return content.files.find((file) => file.role === role);
}
