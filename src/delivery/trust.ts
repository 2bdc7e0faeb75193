/**
 * Does the outbox know what it did? Before an app is sent its first run, its whole list is read once for runs under our
 * host's name that nobody here knows; after each later start the newest page is. Such a run shows that the outbox was
 * lost, or rolled back, and that what it takes for new may have been sent.
 */
import type { ListedRun } from '../outbox/listingOperations.ts';
import { pagesOfRuns } from './listedRuns.ts';
import type { DeliveryParts } from './parts.ts';

/**
 * @returns false when the outbox is not to be believed: what was about to be sent is looked for first
 * @throws RuntrackdError when the list cannot be read
 */
export async function proveOutbox(app: string, parts: DeliveryParts, signal: AbortSignal): Promise<boolean> {
  const { outbox, platformId, clock, log, host } = parts;
  const wasProven = await outbox.isProven(platformId, app);
  const strangers: ListedRun[] = [];
  let newestMs = -Infinity;
  for await (const runs of pagesOfRuns(app, parts, signal)) {
    for (const stranger of await outbox.newStrangers(host, runs)) {
      strangers.push(stranger);
      newestMs = Math.max(newestMs, stranger.createdAtMs);
    }
    if (wasProven) break;
  }
  const [first] = strangers;
  if (first === undefined) {
    await outbox.noteProven(platformId, app, clock.nowMs());
    return true;
  }
  const reason = `the platform has ${String(strangers.length)} run(s) of host "${host}" in app "${app}" that this outbox does not know, such as ${first.runId}`;
  const chance = { nowMs: clock.nowMs(), random: clock.random(), policy: parts.policy };
  // Without times they might be as new as can be.
  const evidenceMs = newestMs === Number.MAX_SAFE_INTEGER ? null : newestMs;
  const fingerprints = strangers.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]));
  const isBehind = await outbox.beginDistrust(reason, evidenceMs, chance, fingerprints);
  // Only now: a process that dies before has proven nothing.
  await outbox.noteProven(platformId, app, clock.nowMs());
  if (isBehind) {
    log.error(
      { app },
      `${reason}: was the outbox lost or rolled back? Nothing is sent before it was looked for. If another daemon runs under this name, give each its own \`host\``,
    );
    return false;
  }
  return true;
}
