/**
 * The thread in which a configuration is read again: 300 drop roots take a while, and one on a file system that does not
 * answer takes for ever. It says what it is about to look at, so that whoever waits knows what it hangs on, and when it
 * has looked: what it does in between is nobody's fault.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { makeDirectories } from '../system/directories.ts';
import { askingOnce } from './groups.ts';
import { makeRoots } from './madeRoots.ts';
import { passwordFileProblem } from './passwordFile.ts';
import { placeOf } from './places.ts';
import { describeProblem } from './problems.ts';
import { rereadConfig, type RereadConfig } from './rereading.ts';
import type { Config } from './settings.ts';

export interface RereadOrder {
  readonly inForce: Config;
  readonly environment: NodeJS.ProcessEnv;
  readonly machineName: string;
  /** What does not answer: not looked at. */
  readonly silent: readonly string[];
  /** Only these are looked at; null: all others. */
  readonly answering: readonly string[] | null;
}

export type RereadMessage =
  | { readonly kind: 'looking' | 'looked'; readonly path: string }
  | { readonly kind: 'read'; readonly reread: RereadConfig };

const { inForce, environment, machineName, silent, answering } = workerData as RereadOrder;
const isSilent = new Set(silent);
const isAnswering = answering === null ? null : new Set(answering);
const tell = (message: RereadMessage): void => parentPort?.postMessage(message);

function looking<T>(path: string, look: (path: string) => T, instead: T): T {
  if (isSilent.has(path) || isAnswering?.has(path) === false) return instead;
  tell({ kind: 'looking', path });
  try {
    return look(path);
  } finally {
    tell({ kind: 'looked', path });
  }
}

function rereadAndMade(): RereadConfig {
  const { group } = inForce.control;
  const reread = rereadConfig(inForce, {
    environment,
    machineName,
    needsKey: true,
    // Its number counts until the next start, whatever is said of it now.
    groupOf: askingOnce(group === null ? [] : [group]),
    // One that is not looked at by its path alone: what else it is cannot be found out.
    placeOf: (path) => looking(path, placeOf, { realPath: path, identities: [] }),
    passwordFileProblem: (path) => looking(path, passwordFileProblem, undefined),
  });
  if (!reread.ok) return reread;
  const problems = makeRoots(reread.config, (path) => looking(path, makeDirectories, undefined));
  return problems.length === 0 ? reread : { ok: false, problems: problems.map(describeProblem) };
}

tell({ kind: 'read', reread: rereadAndMade() });
