/** When the story of a run that has ended is let go, and what is left of its folder's content then. */
import { unsaidMeta, type FolderContent, type Meta } from './content.ts';

/** Between two rounds at the most, in ms. */
const restMsMax = 60_000;
const restMsMin = 1_000;

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

/** By this its folder is told again: moved or copied, and which of its files were its content. */
export type ThinContent = Pick<FolderContent, 'filesMark' | 'mapping'> & {
  readonly meta: Pick<Meta, 'status'>;
};

export function thinContent({ filesMark, mapping, meta }: FolderContent): ThinContent {
  return { filesMark, ...(mapping === undefined ? {} : { mapping }), meta: { status: meta.status } };
}

/** With nothing where something was. */
export function contentOfThin(thin: ThinContent, generation: string): FolderContent {
  return {
    ...thin,
    generation,
    asideDigest: '',
    files: [],
    meta: { ...unsaidMeta, ...thin.meta },
    warnings: [],
  };
}
