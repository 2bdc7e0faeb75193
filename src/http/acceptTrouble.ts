/** What becomes of a server that cannot take a connection: it goes on, and says so. */
import type { Server } from 'node:http';
import { machineClock } from '../system/clock.ts';
import { errorCode } from '../system/files.ts';

/** A machine that is out of descriptors or of memory refuses each connection alike. */
const saidEveryMs = 60_000;

/**
 * Of a server that listens. Whoever could not come in tries again; nothing that is open is harmed, and without this the
 * process would end of it.
 * @param where what cannot be reached, in words
 */
export function outliveAcceptTrouble(server: Server, where: string, warn: (text: string) => void): void {
  let saidMs = -Infinity;
  server.on('error', (error) => {
    const nowMs = machineClock.monotonicMs();
    if (nowMs - saidMs < saidEveryMs) return;
    saidMs = nowMs;
    warn(
      `${where} could not take a connection (${errorCode(error) ?? error.message}); it goes on. If it is said again, look at how many files this machine and this process may have open`,
    );
  });
}
