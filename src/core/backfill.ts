/** What becomes of history: of the run folders that lay in a drop root before it was first watched. */

export type Backfill =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  /** What its solver last wrote before that moment, wall clock in ms, is left out. */
  | { readonly kind: 'since'; readonly sinceMs: number };

/**
 * Whether a folder is history. It goes by change times, which the kernel sets and nobody can set back: a folder that was
 * renamed in or written to after the first start is not.
 * @param newestChangeMs when the directory or a mapped file last changed, in ms
 * @param firstStartMs when the root was first watched; null: nothing counts as history
 */
export function isHistory(newestChangeMs: number, firstStartMs: number | null): boolean {
  return firstStartMs !== null && newestChangeMs < firstStartMs;
}

/** @param newestWriteMs when its solver last wrote a mapped file, in ms */
export function leavesOut(backfill: Backfill, newestWriteMs: number): boolean {
  switch (backfill.kind) {
    case 'all':
      return false;
    case 'none':
      return true;
    case 'since':
      return newestWriteMs < backfill.sinceMs;
  }
}

/** As a user would write it. */
export function backfillText(backfill: Backfill): string {
  if (backfill.kind !== 'since') return backfill.kind;
  return `since ${new Date(backfill.sinceMs).toISOString().replace('T00:00:00.000Z', '')}`;
}
