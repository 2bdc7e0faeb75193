/** Reads the configuration again beside a running daemon, whose loop goes on meanwhile. */
import { Worker } from 'node:worker_threads';
import type { RereadConfig } from './rereading.ts';
import type { RereadMessage, RereadOrder } from './rereadThread.ts';
import type { Config } from './settings.ts';

/** A directory that has not answered for so long, in ms, is passed over: it may be on a server that is away. */
const lookMsMax = 5_000;
/** On a crowded machine a thread may take its time to begin, in ms. */
const beginMsMax = 60_000;

export type Rereader = (inForce: Config) => Promise<RereadConfig>;

/** @param onSilent told of a directory that does not answer */
export function rereaderFor(
  environment: NodeJS.ProcessEnv,
  machineName: string,
  onSilent: (path: string) => void,
): Rereader {
  // A thread that hangs on one cannot be ended: there is one for each of them at most.
  const silent = new Set<string>();
  return async (inForce) => {
    for (;;) {
      const order = { inForce, environment: { ...environment }, machineName, silent: [...silent] };
      const outcome = await readInThread(order);
      if (outcome.kind === 'read') return outcome.reread;
      const { path } = outcome;
      silent.add(path);
      outcome.worker.once('exit', () => silent.delete(path));
      onSilent(path);
    }
  };
}

type Outcome =
  | { readonly kind: 'read'; readonly reread: RereadConfig }
  | { readonly kind: 'silent'; readonly path: string; readonly worker: Worker };

async function readInThread(workerData: RereadOrder): Promise<Outcome> {
  const worker = new Worker(new URL('./rereadThread.js', import.meta.url), { workerData, execArgv: [] });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      const waitFor = (ms: number, then: () => void): void => {
        clearTimeout(timer);
        timer = setTimeout(then, ms);
      };
      waitFor(beginMsMax, () => reject(new Error('the configuration could not be read in time')));
      worker.on('message', (message: RereadMessage) => {
        if (message.kind === 'read') resolve(message);
        else waitFor(lookMsMax, () => resolve({ kind: 'silent', path: message.path, worker }));
      });
      worker.once('error', reject);
    });
  } finally {
    clearTimeout(timer);
    // One that hangs must not keep the process.
    worker.unref();
  }
}
