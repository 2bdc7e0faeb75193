/** The artefacts of a run on their way to storage, side by side; what comes back are ids that are young enough to be used. */
import { RuntrackdError } from '../core/failure.ts';
import { defaultPolicy } from '../core/policy.ts';
import type { Role } from '../core/run.ts';
import type { PlatformClient } from '../platform/client.ts';
import type { Clock } from '../system/clock.ts';
import { named, type PreparedBody } from './preparedRun.ts';
import { retrying, type RetryPolicy } from './retrying.ts';

export interface Uploading {
  readonly platform: PlatformClient;
  readonly app: string;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
}

/** What has been uploaded, and when its id was given out, by either clock. */
export interface Landed {
  readonly role: Role;
  readonly uploadId: string;
  readonly askedAtMs: number;
  readonly askedAtMonotonicMs: number;
}

/** A dead address is answered by a fresh one, but not for ever. */
const freshTicketsMax = 4;
/** One round for what became too old while a larger artefact went up, one more for luck. */
const roundsMax = 3;

/**
 * @param landed what has been uploaded before; what is uploaded now is added
 * @returns the upload id of each artefact, all of them safe to be named now
 */
export async function uploadAll(
  bodies: readonly PreparedBody[],
  uploading: Uploading,
  landed: Map<Role, Landed>,
): Promise<Partial<Record<Role, string>>> {
  for (let round = 0; round <= roundsMax; round += 1) {
    const due = bodies.filter(({ role }) => !isYoung(landed.get(role), uploading.clock));
    if (due.length === 0)
      return Object.fromEntries([...landed].map(([role, { uploadId }]) => [role, uploadId]));
    if (round === roundsMax) break;
    for (const done of await allOrFirstError(due, uploading)) landed.set(done.role, done);
  }
  const bytes = bodies.reduce((sum, body) => sum + body.bytes, 0);
  throw new RuntrackdError({
    class: 'link-too-slow',
    text: `the link is too slow for the upload URLs’ lifetime: ${String(bytes)} bytes took longer than ${String(defaultPolicy.uploadAgeMsMax / 60_000)} minutes`,
    hint: 'Track it over a faster link, or leave out what the run does not need: nothing was recorded.',
    reach: 'run',
  });
}

/**
 * By both clocks: the one that can be set may have been set back, and the other one stands still while the machine sleeps.
 * Where the first says that the id is not even given out yet, nothing tells for how long the machine has slept.
 */
function isYoung(landed: Landed | undefined, clock: Clock): boolean {
  if (landed === undefined) return false;
  const ageMs = clock.nowMs() - landed.askedAtMs;
  const awakeMs = clock.monotonicMs() - landed.askedAtMonotonicMs;
  return ageMs >= 0 && Math.max(ageMs, awakeMs) <= defaultPolicy.uploadAgeMsMax;
}

/** The first error ends the others, so that nothing is still read when the caller hears of it. */
async function allOrFirstError(bodies: readonly PreparedBody[], uploading: Uploading): Promise<Landed[]> {
  const failure = new AbortController();
  const signal = AbortSignal.any([uploading.signal, failure.signal]);
  const settled = await Promise.allSettled(
    bodies.map(async (body) => {
      try {
        return await uploadOne(body, { ...uploading, signal });
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  uploading.signal.throwIfAborted();
  if (failure.signal.aborted) throw named(failure.signal.reason);
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function uploadOne(body: PreparedBody, uploading: Uploading): Promise<Landed> {
  const { platform, app, clock, retry, signal } = uploading;
  for (let tickets = 1; ; tickets += 1) {
    const askForOne = async () => {
      const askedAtMonotonicMs = clock.monotonicMs();
      return { ...(await platform.createUpload(app, signal)), askedAtMonotonicMs };
    };
    const ticket = await retrying(askForOne, retry, clock, signal);
    try {
      await retrying(
        async () => await platform.putUpload(ticket, body.read(), body.bytes, signal),
        retry,
        clock,
        signal,
      );
      const { uploadId, askedAtMs, askedAtMonotonicMs } = ticket;
      return { role: body.role, uploadId, askedAtMs, askedAtMonotonicMs };
    } catch (error) {
      const isDead = error instanceof RuntrackdError && error.reason === 'upload-url-dead';
      if (!isDead || tickets >= freshTicketsMax) throw error;
    }
  }
}
