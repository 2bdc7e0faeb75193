/** When the story of a run that has ended is let go, and what is left of its folder's content then. */
import {
  unsaidMeta,
  type ArchiveFacts,
  type ArtefactFile,
  type FolderContent,
  type Meta,
} from './content.ts';

/** Between two rounds at the most, in ms. */
const restMsMax = 60_000;
const restMsMin = 1_000;

/** A clock that is wrong when a machine starts is put right within minutes, and what was let go by it is gone for good. */
const stoodMsMax = 10 * 60_000;
/** What a clock is put right by little by little, in ms, is no setting of it. */
const slewMsMax = 5_000;

/** Since when the machine's clock has not been set, as far as this process has seen. */
export interface StandingClock {
  /** How far the wall clock is ahead of the one that nobody sets, in ms. */
  readonly aheadMs: number;
  /** On the clock that nobody sets. */
  readonly sinceMs: number;
}

/** @param before null: it was not looked at yet */
export function standingClock(before: StandingClock | null, nowMs: number, steadyMs: number): StandingClock {
  const aheadMs = nowMs - steadyMs;
  const stands = before !== null && Math.abs(aheadMs - before.aheadMs) <= slewMsMax;
  return stands ? before : { aheadMs, sinceMs: steadyMs };
}

/** Whether stories are let go by this clock: not before it has stood for a while, or for as long as they are kept. */
export function isClockBelieved(
  { sinceMs }: StandingClock,
  keepMs: number | null,
  steadyMs: number,
): boolean {
  return steadyMs - sinceMs >= Math.min(keepMs ?? Infinity, stoodMsMax);
}

/** So much of a digest in base64 tells one folder's files from another's. */
const filesMarkChars = 11;

/**
 * Runs that ended at this moment or before are thinned, wall clock in ms; null: none is.
 * @param keepMs null: stories are kept for ever
 */
export function thinnedBefore(keepMs: number | null, nowMs: number): number | null {
  return keepMs === null ? null : nowMs - keepMs;
}

/** How long to rest between two rounds: nobody minds a story that is kept somewhat longer. */
export function thinningRestMs(keepMs: number | null): number {
  return keepMs === null ? restMsMax : Math.min(restMsMax, Math.max(restMsMin, keepMs));
}

/** What a result that is written back again says of a file. Its size and digest are let go. */
export type ThinFile = Pick<ArtefactFile, 'role' | 'name' | 'type'> & {
  readonly archive?: Pick<ArchiveFacts, 'base' | 'place'>;
};

/** By this its folder is told again: moved or copied, and which of its files were its content. */
export type ThinContent = Pick<FolderContent, 'filesMark' | 'mapping'> & {
  /** Absent in rows of a time when they were let go as well. */
  readonly files?: readonly ThinFile[];
  readonly meta: Pick<Meta, 'status'>;
};

export function thinContent({ filesMark, mapping, files, meta }: FolderContent): ThinContent {
  return {
    filesMark: filesMark.slice(0, filesMarkChars),
    ...(mapping === undefined ? {} : { mapping }),
    files: files.map(({ role, name, type, archive }) => ({
      ...{ role, name, type },
      ...(archive === undefined ? {} : { archive: { base: archive.base, place: archive.place } }),
    })),
    meta: { status: meta.status },
  };
}

/** With nothing where something was. */
export function contentOfThin({ files = [], ...thin }: ThinContent, generation: string): FolderContent {
  return {
    ...thin,
    generation,
    asideDigest: '',
    files: files.map(({ archive, ...file }) => ({
      ...file,
      ...{ bytes: 0, sha256: '', object: null },
      ...(archive === undefined ? {} : { archive: { ...archive, files: 0 } }),
    })),
    meta: { ...unsaidMeta, ...thin.meta },
    warnings: [],
  };
}

/** Whether these are the very files that a run was made of. Of a thinned one the beginning of their mark is left. */
export function isMarkOf(
  run: Pick<FolderContent, 'filesMark'>,
  found: Pick<FolderContent, 'filesMark'>,
): boolean {
  return run.filesMark !== '' && found.filesMark.startsWith(run.filesMark);
}
