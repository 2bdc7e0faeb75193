/** Reads the configuration again beside a running daemon, whose loop goes on meanwhile. */
import { Worker } from 'node:worker_threads';
import type { RereadConfig } from './rereading.ts';
import type { RereadMessage, RereadOrder } from './rereadThread.ts';
import type { Config } from './settings.ts';

/** A directory that has not answered for so long, in ms, is passed over: it may be on a server that is away. */
const lookMsMax = 5_000;
/** On a crowded machine a thread may take its time to begin, or for what it does between looks, in ms. */
const betweenMsMax = 60_000;
/** So many directories are waited for in one reading; then only those that have answered before are looked at. */
const roundsMax = 4;

/** @param stop the daemon ends: what comes of the reading counts for nothing */
export type Rereader = (inForce: Config, stop: AbortSignal) => Promise<RereadConfig>;

export interface SilenceListener {
  /** Told of a directory that does not answer. */
  readonly onSilent: (path: string) => void;
  /** Told that so many do not that the others are not looked at any more. */
  readonly onManySilent: () => void;
}

export function rereaderFor(
  environment: NodeJS.ProcessEnv,
  machineName: string,
  { onSilent, onManySilent }: SilenceListener,
): Rereader {
  // A thread that hangs on one cannot be ended: there is one for each of them at most.
  const silent = new Set<string>();
  return async (inForce, stop) => {
    const failed = (what: string): RereadConfig => ({ ok: false, problems: [`${inForce.file}: ${what}`] });
    const answering = new Set<string>();
    // One that answers late is not waited for a second time.
    const passedOver = new Set<string>();
    for (let round = 1; round <= roundsMax; round += 1) {
      const isLast = round === roundsMax;
      if (isLast) onManySilent();
      const order = {
        inForce,
        environment: { ...environment },
        machineName,
        silent: [...silent, ...passedOver],
        answering: isLast ? [...answering] : null,
      };
      const outcome = await readInThread(order, stop, (path) => answering.add(path));
      if (outcome.kind === 'read') return outcome.reread;
      if (outcome.kind !== 'silent') return failed(outcome.why);
      const { path } = outcome;
      silent.add(path);
      passedOver.add(path);
      answering.delete(path);
      outcome.worker.once('exit', () => silent.delete(path));
      onSilent(path);
    }
    return failed(
      'could not be read again: too many of the directories that it names do not answer. Look at the mounts (findmnt), then have it read again (runtrackd reload)',
    );
  };
}

type Outcome =
  | { readonly kind: 'read'; readonly reread: RereadConfig }
  | { readonly kind: 'silent'; readonly path: string; readonly worker: Worker }
  | { readonly kind: 'given up'; readonly why: string };

const stopped: Outcome = { kind: 'given up', why: 'was not read again: the daemon is ending' };
const late: Outcome = {
  kind: 'given up',
  why: `could not be read again within ${betweenMsMax / 1000} s: this machine is very busy, or the disk that it lies on does not answer. Have it read again later (runtrackd reload)`,
};

async function readInThread(
  workerData: RereadOrder,
  stop: AbortSignal,
  onLooked: (path: string) => void,
): Promise<Outcome> {
  if (stop.aborted) return stopped;
  const worker = new Worker(new URL('./rereadThread.js', import.meta.url), { workerData, execArgv: [] });
  let timer: NodeJS.Timeout | undefined;
  let onStop = (): void => undefined;
  let isRead = false;
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      let waits = 0;
      const waitFor = (ms: number, otherwise: Outcome): void => {
        clearTimeout(timer);
        const wait = (waits += 1);
        // What this thread has not heard, because it was busy itself, is heard before anybody is blamed.
        const onTime = (): void => void setImmediate(() => wait === waits && resolve(otherwise));
        timer = setTimeout(onTime, ms);
      };
      waitFor(betweenMsMax, late);
      worker.on('message', (message: RereadMessage) => {
        if (message.kind === 'read') resolve(message);
        else if (message.kind === 'looking')
          waitFor(lookMsMax, { kind: 'silent', path: message.path, worker });
        else {
          onLooked(message.path);
          waitFor(betweenMsMax, late);
        }
      });
      worker.once('error', reject);
      onStop = () => resolve(stopped);
      stop.addEventListener('abort', onStop, { once: true });
    });
    isRead = outcome.kind === 'read';
    return outcome;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
    worker.removeAllListeners('message');
    // What it hangs on may answer later: nobody waits for the rest.
    if (!isRead) void worker.terminate();
    // One that hangs must not keep the process.
    worker.unref();
  }
}
