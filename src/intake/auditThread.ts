/**
 * The thread in which recorded folders are looked at again: by synchronous calls, which cost a fifth of the asynchronous
 * ones, and hold nobody up here. It says which folders look different; what that means is found out elsewhere.
 */
import { parentPort } from 'node:worker_threads';
import { seldom } from '../reading/beat.ts';
import { machineClock } from '../system/clock.ts';
import { Comparison, type Compared } from './comparison.ts';
import type { DropRoot } from './rules.ts';

export interface AuditOrder {
  readonly id: number;
  readonly root: DropRoot;
  readonly compared: readonly Compared[];
}

export type AuditReply =
  /** It is not done yet, and gets on. */
  | { readonly id: number; readonly isUnderWay: true }
  /** Paths of folders that look different, or are not there, or cannot be looked at. */
  | { readonly id: number; readonly differing: readonly string[] };

const comparisons = new Map<string, { readonly rules: string; readonly comparison: Comparison }>();

/** A root that was given other rules meanwhile has nothing to do with what it was. */
function comparisonOf(root: DropRoot): Comparison {
  const rules = JSON.stringify(root);
  const known = comparisons.get(root.name);
  if (known?.rules === rules) return known.comparison;
  const comparison = new Comparison(root, machineClock);
  comparisons.set(root.name, { rules, comparison });
  return comparison;
}

parentPort?.on('message', ({ id, root, compared }: AuditOrder) => {
  const beat = seldom(
    () => parentPort?.postMessage({ id, isUnderWay: true } satisfies AuditReply),
    machineClock,
  );
  const differing = comparisonOf(root).differing(compared, beat);
  parentPort?.postMessage({ id, differing } satisfies AuditReply);
});
