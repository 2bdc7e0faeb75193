/**
 * What is told to the service manager (systemd's notification protocol): ready, alive, going. From the main process
 * itself, so that the unit can refuse everybody else (`NotifyAccess=main`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createSocket } from 'unix-dgram';

export interface ServiceManager {
  /** Whether anybody listens. */
  readonly isThere: boolean;
  /** It wants a sign of life at least this often, in ms; null: it does not. */
  readonly watchdogMs: number | null;
  /** Sends assignments such as `{ READY: '1', STATUS: '3 delivering' }`. Never throws: a deaf manager stops no run. */
  tell(message: Readonly<Record<string, string>>): Promise<void>;
}

const nobody: ServiceManager = { isThere: false, watchdogMs: null, tell: () => Promise.resolve() };

/**
 * @param environment with NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID where a service manager has started the process
 * @param onTrouble told once why nothing can be sent
 */
export function serviceManagerOf(
  environment: NodeJS.ProcessEnv,
  pid: number,
  onTrouble: (why: string) => void,
): ServiceManager {
  const address = environment['NOTIFY_SOCKET'];
  if (address === undefined || address === '') return nobody;
  if (!address.startsWith('/')) {
    onTrouble(`NOTIFY_SOCKET is ${address}, and only a path can be reached`);
    return nobody;
  }
  let isTold = false;
  const trouble = (error: Error): void => {
    if (!isTold) onTrouble(`the service manager cannot be told anything: ${error.message}`);
    isTold = true;
  };
  return {
    isThere: true,
    watchdogMs: watchdogMsOf(environment, pid),
    tell: async (message) => {
      const text = Object.entries(message)
        // One assignment a line: a line break in a value would begin another one.
        .map(([name, value]) => `${name}=${value.replaceAll(/[\r\n]+/g, ' ')}`)
        .join('\n');
      await send(address, Buffer.from(text), trouble);
    },
  };
}

function watchdogMsOf(environment: NodeJS.ProcessEnv, pid: number): number | null {
  const usec = Number(environment['WATCHDOG_USEC']);
  const isForUs = environment['WATCHDOG_PID'] === undefined || Number(environment['WATCHDOG_PID']) === pid;
  return isForUs && Number.isFinite(usec) && usec > 0 ? usec / 1_000 : null;
}

/** Its queue takes ten messages; a manager that is busy empties it in a moment. */
const queueFull = -11;
const triesMax = 40;
const againMs = 50;

async function send(path: string, bytes: Buffer, onTrouble: (error: Error) => void): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const error = await sendOnce(path, bytes);
    if (error === null) return;
    if (!('errno' in error && error.errno === queueFull) || tries >= triesMax) {
      onTrouble(error);
      return;
    }
    await sleep(againMs);
  }
}

/** A socket for each message: there is one every few seconds, and none is left open. */
async function sendOnce(path: string, bytes: Buffer): Promise<Error | null> {
  return await new Promise((resolve) => {
    const socket = createSocket('unix_dgram');
    const end = (error: unknown): void => {
      socket.close();
      resolve(error instanceof Error ? error : null);
    };
    socket.once('error', end);
    try {
      socket.send(bytes, 0, bytes.length, path, end);
    } catch (error) {
      end(error);
    }
  });
}
