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
import type { PacedPlatform } from './pacedPlatform.ts';
import type { DeliveryParts } from './parts.ts';

type ProofParts = Omit<ListingParts, 'platform'> &
  Pick<DeliveryParts, 'platformId' | 'log' | 'host' | 'progress'> & {
    readonly platform: Pick<PacedPlatform, 'listRuns' | 'platformTimeMs'>;
    readonly outbox: Pick<Outbox, 'proof' | 'noteProof' | 'recognise' | 'beginDistrust'>;
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
  const proof = await outbox.proof(platformId, app);
  const strangers = new Strangers();
  const past = new KnownPast(proof?.newestMs ?? -Infinity);
  for await (const runs of pagesOfRuns(app, 'proof', parts, signal)) {
    // Of thousands of pages each is something that got done.
    parts.progress.delivery();
    const recognised = await outbox.recognise(host, runs);
    for (const stranger of recognised.strangers) strangers.meet(stranger);
    past.read(runs, recognised.newestOwnMs, parts.platform.platformTimeMs());
    if (proof !== null && past.isReached()) break;
  }
  const noteProof = (): Promise<void> =>
    outbox.noteProof(platformId, app, past.newestListedMs(), clock.nowMs());
  const { first, count, fingerprints } = strangers;
  if (first === null) {
    await noteProof();
    return true;
  }
  const reason = `the platform has ${String(count)} run(s) of host "${host}" in app "${app}" that this outbox does not know, such as ${first}`;
  const chance = { nowMs: clock.nowMs(), random: clock.random(), policy: parts.policy };
  const isBehind = await outbox.beginDistrust(reason, strangers.evidenceMs(), chance, fingerprints);
  // Only now: a process that dies before has proven nothing.
  await noteProof();
  if (isBehind) {
    log.error(
      { app },
      `${reason}: was the outbox lost or rolled back? Nothing is sent before it was looked for. If another daemon runs under this name, give each its own \`host\``,
    );
    return false;
  }
  return true;
}

/** Runs of ours that nobody here knows. Of a lost outbox that may be all that it ever sent, so of each little is kept. */
class Strangers {
  /** Its run id. */
  first: string | null = null;
  count = 0;
  readonly fingerprints: string[] = [];
  #newestMs = -Infinity;
  #isAnyTakenForUnsent = false;

  meet({ runId, fingerprint, createdAtMs, isTakenForUnsent }: Stranger): void {
    this.first ??= runId;
    this.count += 1;
    if (fingerprint !== null) this.fingerprints.push(fingerprint);
    this.#newestMs = Math.max(this.#newestMs, createdAtMs);
    this.#isAnyTakenForUnsent ||= isTakenForUnsent;
  }

  /**
   * When the newest was made, in ms; null: they count as made just now. Without times they might be; and what an earlier
   * distrust covers is not taken for unsent any more.
   */
  evidenceMs(): number | null {
    const isAsNewAsCanBe = this.#isAnyTakenForUnsent || this.#newestMs === Number.MAX_SAFE_INTEGER;
    return isAsNewAsCanBe ? null : this.#newestMs;
  }
}

/**
 * A list that is read from its newest run on: does it get to what an outbox has to know? What a copy does not know was
 * made after the newest run whose id it has, and after what the list showed when it was last proven.
 */
class KnownPast {
  readonly #order = new ListOrder();
  /** `-Infinity`: nothing tells. */
  #knownMs: number;
  #newestMs: number | null = null;

  /** @param provenMs when the newest run was made that the last proof was shown; `-Infinity`: nothing tells */
  constructor(provenMs: number) {
    this.#knownMs = provenMs;
  }

  /**
   * @param runs of the next page
   * @param newestOwnMs when the newest of them was made whose id the outbox has; null: none is
   * @param platformMs the platform's time: what it says was made later was made when its clock was wrong
   */
  read(runs: readonly ListedRun[], newestOwnMs: number | null, platformMs: number): void {
    this.#order.read(runs);
    const newestMs = Math.min(platformMs, Math.max(...runs.map(({ createdAtMs }) => createdAtMs)));
    if (runs.length > 0) this.#newestMs ??= newestMs;
    this.#knownMs = Math.min(platformMs, Math.max(this.#knownMs, newestOwnMs ?? -Infinity));
  }

  /** Whether all that is behind it is older; never of a list in another order. */
  isReached(): boolean {
    return this.#order.restNewestMs() < this.#knownMs - overtakenMsMax && this.#order.isNewestFirst();
  }

  /** @returns null where the order does not tell */
  newestListedMs(): number | null {
    return this.#order.isNewestFirst() ? this.#newestMs : null;
  }
}
