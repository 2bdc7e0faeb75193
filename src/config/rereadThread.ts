/**
 * The thread in which a configuration is read again: 300 drop roots take a while, and one on a file system that does not
 * answer takes for ever. It says what it is about to look at, so that whoever waits knows what it hangs on.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { askingOnce } from './groups.ts';
import { placeOf } from './places.ts';
import { rereadConfig, type RereadConfig } from './rereading.ts';
import type { Config } from './settings.ts';

export interface RereadOrder {
  readonly inForce: Config;
  readonly environment: NodeJS.ProcessEnv;
  readonly machineName: string;
  /** Directories that do not answer: not looked at. */
  readonly silent: readonly string[];
}

export type RereadMessage =
  | { readonly kind: 'looking'; readonly path: string }
  | { readonly kind: 'read'; readonly reread: RereadConfig };

const { inForce, environment, machineName, silent } = workerData as RereadOrder;
const tell = (message: RereadMessage): void => parentPort?.postMessage(message);
const reread = rereadConfig(inForce, {
  environment,
  machineName,
  needsKey: true,
  groupOf: askingOnce(),
  placeOf: (path) => {
    // By its path alone: what else it is cannot be found out.
    if (silent.includes(path)) return { realPath: path, identities: [] };
    tell({ kind: 'looking', path });
    return placeOf(path);
  },
});
tell({ kind: 'read', reread });
