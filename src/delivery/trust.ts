/**
 * Does the outbox know what it did? Before an app is sent its first run, its whole list is read once for runs under our
 * host's name that nobody here knows; after each later start its newest ones are. Such a run shows that the outbox was
 * lost, or rolled back, and that what it takes for new may have been sent.
 *
 * After a later start it is read as far back as a copy of the outbox could be behind, because other hosts may have filled
 * pages since. A count of intents that is the outbox's own (`intentCount.ts`) spares nothing of that: a daemon that was
 * started without its runtime directory has counted elsewhere what it sent.
 */
import type { ListedRun, Stranger } from '../outbox/listingOperations.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { ListOrder, pagesOfRuns, type ListingParts } from './listedRuns.ts';
import type { DeliveryParts } from './parts.ts';

type ProofParts = ListingParts &
  Pick<DeliveryParts, 'platformId' | 'log' | 'host' | 'progress'> & {
    readonly outbox: Pick<Outbox, 'isProven' | 'noteProven' | 'newStrangers' | 'beginDistrust'>;
  };

/**
 * What a copy of the outbox does not know was made after all that it knows; but requests overtake each other, and one may
 * be carried out long after it was sent. By the platform's clock alone.
 */
const overtakenMsMax = 15 * 60_000;

/**
 * @returns false when the outbox is not to be believed: what was about to be sent is looked for first
 * @throws RuntrackdError when the list cannot be read
 */
export async function proveOutbox(app: string, parts: ProofParts, signal: AbortSignal): Promise<boolean> {
  const { outbox, platformId, clock, log, host } = parts;
  const wasProven = await outbox.isProven(platformId, app);
  const strangers: Stranger[] = [];
  let newestMs = -Infinity;
  const known = new KnownPast(host);
  for await (const runs of pagesOfRuns(app, parts, signal)) {
    // Of thousands of pages each is something that got done.
    parts.progress.delivery();
    const strange = await outbox.newStrangers(host, runs);
    for (const stranger of strange) {
      strangers.push(stranger);
      newestMs = Math.max(newestMs, stranger.createdAtMs);
    }
    if (wasProven && known.reaches(runs, strange)) break;
  }
  const [first] = strangers;
  if (first === undefined) {
    await outbox.noteProven(platformId, app, clock.nowMs());
    return true;
  }
  const reason = `the platform has ${String(strangers.length)} run(s) of host "${host}" in app "${app}" that this outbox does not know, such as ${first.runId}`;
  const chance = { nowMs: clock.nowMs(), random: clock.random(), policy: parts.policy };
  // Without times they might be as new as can be; and what an earlier distrust covers is not taken for unsent any more.
  const isUncovered = strangers.some(({ isTakenForUnsent }) => isTakenForUnsent);
  const evidenceMs = isUncovered || newestMs === Number.MAX_SAFE_INTEGER ? null : newestMs;
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

/** A list that is read from its newest run on: does it get to what an outbox that knows any of it has to know? */
class KnownPast {
  readonly #host: string;
  readonly #order = new ListOrder();
  /** When the newest run of ours was made that this outbox knows. */
  #knownMs: number | null = null;

  constructor(host: string) {
    this.#host = host;
  }

  /**
   * @param runs of the next page
   * @param strangers among them
   * @returns whether all that is behind it is older than what the outbox knows; never of a list in another order
   */
  reaches(runs: readonly ListedRun[], strangers: readonly ListedRun[]): boolean {
    const strange = new Set(strangers.map(({ runId }) => runId));
    this.#order.read(runs);
    for (const { runId, createdAtMs, fingerprint, host } of runs) {
      if (fingerprint !== null && host === this.#host && !strange.has(runId)) this.#knownMs ??= createdAtMs;
    }
    const isPast = this.#knownMs !== null && this.#order.lastMs < this.#knownMs - overtakenMsMax;
    return isPast && this.#order.isNewestFirst();
  }
}
