/**
 * The thread in which recorded folders are looked at again: by synchronous calls, which cost a fifth of the asynchronous
 * ones, and hold nobody up here. It says which folders look different; what that means is found out elsewhere.
 */
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { Recorded } from '../outbox/nouns.ts';
import { sightFolderSync } from '../reading/sightFolder.ts';
import { errorCode } from '../system/files.ts';
import { rulesOf, type DropRoot, type RootRules } from './rules.ts';

export interface AuditOrder {
  readonly id: number;
  readonly root: DropRoot;
  readonly recorded: readonly Recorded[];
}

export interface AuditReply {
  readonly id: number;
  /** Paths of folders that look different, or are not there, or cannot be looked at. */
  readonly differing: readonly string[];
}

const rulesByName = new Map<string, RootRules>();

function rulesFor(root: DropRoot): RootRules {
  const known = rulesByName.get(root.name);
  if (known !== undefined) return known;
  const rules = rulesOf(root);
  rulesByName.set(root.name, rules);
  return rules;
}

function differs(path: string, signature: string, { root, sight }: RootRules): boolean {
  try {
    return sightFolderSync(join(root.path, path), sight)?.signature !== signature;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return true;
  }
}

parentPort?.on('message', ({ id, root, recorded }: AuditOrder) => {
  const rules = rulesFor(root);
  const differing = recorded.filter(([path, signature]) => differs(path, signature, rules));
  parentPort?.postMessage({ id, differing: differing.map(([path]) => path) } satisfies AuditReply);
});
