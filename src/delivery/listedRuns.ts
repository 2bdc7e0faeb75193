/** The platform's list of an app's runs, page by page to its end, as far as it could be about ours. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import { carriedBy } from '../core/description.ts';
import { mayBeOfOneAlone, rateLimited, RuntrackdError, type Failure } from '../core/failure.ts';
import type { ListedRun } from '../outbox/listingOperations.ts';
import type { RunPage } from '../platform/wire.ts';
import type { ListReader, PacedPlatform, PageRead } from './pacedPlatform.ts';
import type { DeliveryParts } from './parts.ts';

/** 50 runs a page: a list of more than five million runs is not read, and proves nothing. */
const pagesMax = 100_000;
/** A page that fails is asked for so often: of hundreds one fails now and then, and all that were read before would be lost. */
const triesOfPageMax = 5;
/** But not for longer than this, in ms: a platform that is silent is no page that fails, and the loop has to be seen to move. */
const patienceMs = 60_000;

export interface ListingParts extends Pick<DeliveryParts, 'clock' | 'policy'> {
  readonly platform: Pick<PacedPlatform, 'listRuns'>;
}

/** @throws RuntrackdError when a page cannot be read, and when the pages come to no end: such a list proves nothing */
export async function* pagesOfRuns(
  app: string,
  reader: ListReader,
  parts: ListingParts,
  signal: AbortSignal,
): AsyncGenerator<ListedRun[]> {
  const tokens = new Set<string>();
  for (let token: string | null = null; ;) {
    const page: RunPage = await pageOf(app, token, { reader, depth: tokens.size + 1 }, parts, signal);
    yield page.runs.map(listed);
    const next = page.next_page_token ?? '';
    if (next === '') return;
    if (tokens.has(next) || tokens.size + 1 >= pagesMax) {
      throw new RuntrackdError({
        class: 'list-loops',
        text: `the platform’s list of runs of "${app}" does not end`,
        hint: 'Nothing can be proved by it; report it to the platform’s support.',
        reach: 'app',
      });
    }
    tokens.add(next);
    token = next;
  }
}

/** The first page fails at once: then there is nothing to be lost, and whoever asks has more to say about the wait. */
async function pageOf(
  app: string,
  token: string | null,
  read: PageRead,
  { platform, policy, clock }: ListingParts,
  signal: AbortSignal,
): Promise<RunPage> {
  const beganMs = clock.monotonicMs();
  for (let tries = 1; ; tries += 1) {
    try {
      return await platform.listRuns(app, token, read, signal);
    } catch (error) {
      const isLast = token === null || tries >= triesOfPageMax;
      if (isLast || !(error instanceof RuntrackdError) || !isPassing(error.failure)) throw error;
      const waitMs = backoffMs(tries, policy.backoff, clock.random(), error.failure.retryAfterMs);
      if (clock.monotonicMs() + waitMs - beganMs > patienceMs) throw error;
      await sleep(waitMs, undefined, { signal });
    }
  }
}

/** Creation times are rounded, and several machines write them: so much disorder is none, in ms. */
export const clockMarginMs = 60_000;
/** Runs that are made while a list is read push others from pages that were read onto the next ones. */
const pagesBefore = 4;

/** In which order a list comes, which no platform promises. */
export class ListOrder {
  #hasRisen = false;
  #highestMs = -Infinity;
  #lowestMs = Infinity;
  readonly #before: ReadonlySet<string>[] = [];

  /** @param runs of the next page */
  read(runs: readonly ListedRun[]): void {
    for (const { runId, createdAtMs } of runs) {
      if (this.#before.some((ids) => ids.has(runId))) continue;
      // Where no time is given the order is not known either.
      const isUnknown = createdAtMs === Number.MAX_SAFE_INTEGER;
      if (createdAtMs > this.#lowestMs + clockMarginMs || isUnknown) this.#hasRisen = true;
      this.#lowestMs = Math.min(this.#lowestMs, createdAtMs);
      this.#highestMs = Math.max(this.#highestMs, createdAtMs);
    }
    this.#before.unshift(new Set(runs.map(({ runId }) => runId)));
    this.#before.length = Math.min(this.#before.length, pagesBefore);
  }

  /** So far; false where all are of one minute, which may be any order. */
  isNewestFirst(): boolean {
    return !this.#hasRisen && this.#highestMs - this.#lowestMs > clockMarginMs;
  }

  /** In a list that is newest first, nothing that is still to come is newer than this, in ms. */
  restNewestMs(): number {
    return this.#lowestMs + clockMarginMs;
  }
}

/** What may be over at the next try. */
function isPassing(failure: Failure): boolean {
  return mayBeOfOneAlone(failure) || failure.class === rateLimited;
}

/** Only what could be ours: an external run that carries a fingerprint; the rest is kept by its id alone. */
function listed(run: RunPage['runs'][number]): ListedRun {
  const createdAtMs = Date.parse(run.created_at ?? '');
  const isExternal = run.run_type?.type === 'external';
  const carried = isExternal ? carriedBy(run.description ?? '') : null;
  return {
    runId: run.id,
    // Without a time it might be as new as can be, so it counts as made since every intent.
    createdAtMs: Number.isFinite(createdAtMs) ? createdAtMs : Number.MAX_SAFE_INTEGER,
    fingerprint: carried?.fingerprint ?? null,
    generation: carried?.generation ?? null,
    host: carried?.host ?? null,
  };
}
