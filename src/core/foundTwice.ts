/**
 * Two runs on the platform under one fingerprint: no request of ours makes such, but a platform that carries one out
 * twice, or a person who copies a description. The oldest is the run, and of each other a person is told.
 */
export interface Found {
  readonly runId: string;
  /** As the platform says; one without a time counts as younger than any other. */
  readonly createdAtMs: number;
}

/**
 * @param known the one that was kept so far; undefined: this is the first
 * @returns surplus: the one to tell of; null when there is none, also where a page shows the same run again
 */
export function olderOf<Run extends Found>(
  known: Run | undefined,
  candidate: Run,
): { readonly kept: Run; readonly surplus: Run | null } {
  if (known === undefined) return { kept: candidate, surplus: null };
  if (known.runId === candidate.runId) return { kept: known, surplus: null };
  // Of two that are equally old it is the same one in whatever order the list shows them.
  const isOlder =
    candidate.createdAtMs < known.createdAtMs ||
    (candidate.createdAtMs === known.createdAtMs && candidate.runId < known.runId);
  return isOlder ? { kept: candidate, surplus: known } : { kept: known, surplus: candidate };
}

/** What a person is told of each other run begins with this. */
export function alsoThere(runId: string): string {
  return `the platform also has it as ${runId};`;
}
