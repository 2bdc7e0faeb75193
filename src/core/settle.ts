/**
 * When is a run folder complete? A solver that nobody will rewrite writes it file by file, in any order, with pauses.
 * The rule: what is required is there and parses, and nothing that is mapped has moved for the quiet time.
 */

/** Why a folder is not complete yet, in the words that `status` and `show` use. */
export interface Settling {
  readonly kind: 'settling';
  readonly reason: string;
}

export interface SettlePolicy {
  readonly quietMs: number;
  readonly deadlineMs: number;
}

/** What is known of a folder between two looks, on a monotonic clock. */
export interface Watched {
  /** Since when its signature has been what it is, in ms. */
  readonly unchangedSinceMs: number;
}

/** What one look at the names and stats of a folder's mapped files shows. */
export interface Sighting {
  /** The required files that are not there, as a user would name them ("output.json"). */
  readonly missing: readonly string[];
  /** The name of the configured marker when it is not there. */
  readonly missingMarker: string | null;
  /** Why the folder cannot be looked into; null when it can. */
  readonly unreadable: string | null;
  /** The mapped file that changed last, to tell what is being waited for. */
  readonly lastChanged: string | null;
}

export type Verdict = Settling | { readonly kind: 'quiet' };

/** @param nowMs monotonic clock in ms */
export function settleVerdict(
  watched: Watched,
  seen: Sighting,
  nowMs: number,
  policy: SettlePolicy,
): Verdict {
  const unmovedMs = Math.max(0, nowMs - watched.unchangedSinceMs);
  if (seen.unreadable !== null) return { kind: 'settling', reason: seen.unreadable };
  const [first, ...others] = seen.missing;
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.join(', ')}`;
    return { kind: 'settling', reason: `waiting for ${first}${more}` };
  }
  if (seen.missingMarker !== null)
    return { kind: 'settling', reason: `waiting for the marker ${seen.missingMarker}` };
  if (unmovedMs < policy.quietMs) {
    // How long ago is told where it is shown: it would be wrong a moment after it was written down.
    return {
      kind: 'settling',
      reason: `${seen.lastChanged ?? 'the folder'} changed and has to be quiet for a while`,
    };
  }
  return { kind: 'quiet' };
}

/** Overdue: still settling, and nothing has changed for the deadline. A slow solver that writes is no alarm. */
export function isOverdue(unchangedMs: number, policy: SettlePolicy): boolean {
  return unchangedMs >= policy.deadlineMs;
}
