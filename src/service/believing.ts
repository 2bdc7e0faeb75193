/** Whether the outbox knows what it did: asked once at each start, before anything is looked at or sent. */
import { sharedControlDir } from '../core/controlSocket.ts';
import { defaultPolicy } from '../core/policy.ts';
import { countPlace, readCount } from '../outbox/intentCount.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';

export interface Believing {
  readonly stateDir: string;
  readonly platformId: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Distrusts an outbox that was damaged, lost, restored or rolled back, and keeps the count of its intents from now on.
 * What a copy cannot show of itself, the platform's list and the result files show later (`delivery/trust.ts`).
 */
export async function believeOrDistrust(outbox: Outbox, around: Believing): Promise<void> {
  const { log } = around;
  if (outbox.note !== null) {
    const { reason } = outbox.note;
    await distrust(outbox, reason, around);
    outbox.forgetNote();
    log.error(
      `${reason}. What only the outbox knew may be lost: skips, retries, histories, warnings. The rest is found out again from the folders and the platform, and nothing is sent before it was looked for there`,
    );
  }
  const runtimeDir = runtimeDirOf(around.environment);
  const place = runtimeDir === null ? null : countPlace(runtimeDir, around.stateDir, around.platformId);
  if (place === null) return;
  const counted = readCount(place);
  const intents = await outbox.intents();
  if (counted !== null && counted > intents) {
    const reason = `the outbox was rolled back or lost: it knows of ${String(intents)} requests for a run, and there were ${String(counted)}`;
    await distrust(outbox, reason, around);
    log.error({ file: place.file }, `${reason}. Nothing is sent before it was looked for on the platform`);
  }
  // Only now: a process that dies before has not distrusted yet, and the next one has to find the same.
  outbox.keepCount(place);
}

async function distrust(outbox: Outbox, reason: string, { clock }: Believing): Promise<void> {
  const chance = { nowMs: clock.nowMs(), random: clock.random(), policy: defaultPolicy };
  await outbox.beginDistrust(reason, null, chance);
}

/**
 * A directory that does not outlive the machine's run: systemd's for the service (which has to be kept over a restart of
 * the service: RuntimeDirectoryPreserve), else the session's. /tmp would be no good place: it may be on disk, is shared
 * with other users, and is tidied up by age.
 */
export function runtimeDirOf(environment: NodeJS.ProcessEnv): string | null {
  const ofService = (environment['RUNTIME_DIRECTORY'] ?? '').split(':').filter((path) => path !== '');
  // Of several, in whatever order, the one that the unit has for it: those of the sockets come and go with the configuration.
  const own = ofService.find((path) => path === sharedControlDir) ?? ofService[0];
  if (own !== undefined) return own;
  const ofSession = environment['XDG_RUNTIME_DIR'] ?? '';
  if (ofSession !== '') return ofSession;
  const user = process.getuid?.();
  return user === undefined ? null : `/run/user/${String(user)}`;
}
