/**
 * unknown → tracked or queued: the platform's own list says whether a run was made. One listing, read to its end,
 * serves all unknown runs of the app; it also finds out whether the platform shows fingerprints at all.
 */
import { alsoThere, olderOf } from '../core/foundTwice.ts';
import type { AbsenceProof, Happening } from '../core/happening.ts';
import { wayMadeBy } from '../core/makingWay.ts';
import type { SteadyMoment } from '../core/steadyMoment.ts';
import type { Claim, Run } from '../outbox/nouns.ts';
import type { FoundRun } from '../outbox/listingOperations.ts';
import { EarlierListings, type EarlierListing } from './earlierListings.ts';
import { clockMarginMs, ListOrder, pagesOfRuns } from './listedRuns.ts';
import type { DeliveryParts } from './parts.ts';
import { tellFolder } from './tellFolder.ts';

/** Unknown runs are settled in pages of this many: those of one share what is asked of the outbox, and its syncs. */
const settledAtOnce = 100;
/** What a listing showed is forgotten in steps of this many: others ask the outbox in between. */
const forgottenAtOnce = 1_000;

/**
 * Lists the app's runs once and settles what it can.
 * @returns how many runs were found or sent on; a listing that fails throws a RuntrackdError after settling what it found
 */
export async function reconcileApp(app: string, parts: DeliveryParts, signal: AbortSignal): Promise<number> {
  // A process that is killed in the middle of one leaves it, and may be killed each time.
  await forgetListings(app, parts, signal);
  try {
    return await settleByList(app, parts, signal);
  } finally {
    // One that failed proves nothing, and would stay for good: lists that fail are read again and again.
    await forgetListings(app, parts, signal);
  }
}

/** All but those that unknown runs refer to. Nothing is lost where it is cut off: the next listing begins with it. */
async function forgetListings(
  app: string,
  { outbox, platformId, progress }: DeliveryParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && (await outbox.forgetListings(platformId, app, forgottenAtOnce)))
    progress.reconcile();
}

async function settleByList(app: string, parts: DeliveryParts, signal: AbortSignal): Promise<number> {
  const { outbox, platformId, clock, process } = parts;
  const startedAtMs = clock.nowMs();
  const began = { startedAtMs, steady: { process, ms: clock.monotonicMs() } };
  const listing = await outbox.beginListing(platformId, app, startedAtMs);
  const oldest = new Map<number, FoundRun>();
  const order = new ListOrder();
  let settled = 0;
  let isPartOfList = true;
  try {
    for await (const runs of pagesOfRuns(app, 'reconcile', parts, signal)) {
      order.read(runs);
      const found = await outbox.addPage(listing, platformId, app, runs, clock.nowMs());
      for (const candidate of found) await noteFound(oldest, candidate, parts);
      parts.progress.reconcile();
    }
    isPartOfList = false;
  } finally {
    // What was found is found, whether or not the list could be read to its end.
    const found = [...oldest.values()];
    for (let from = 0; from < found.length; from += settledAtOnce) {
      const page = found.slice(from, from + settledAtOnce);
      settled += await settlePage(page, ({ runId }) => ({ kind: 'found', runId, isPartOfList }), parts);
    }
  }
  const show = await outbox.fingerprintsShow(platformId, app);
  const showsOurs = await outbox.showsOurs(listing);
  const readMs = clock.nowMs();
  const earlier = new EarlierListings(listing, outbox, () => parts.progress.reconcile());
  const missed = { listing, ...began, showsOurs, fingerprintsShow: show };
  for (let after: Claim | null = null; ;) {
    // Where the clock is set back meanwhile, what is looked for again later would come up again and again.
    const dueMs = Math.min(readMs, clock.nowMs());
    const page: readonly Claim[] = await outbox.unknownDue(platformId, app, dueMs, after, settledAtOnce);
    await earlier.read(page.map((run) => earlierOf(run, order)).filter((question) => question !== null));
    settled += await settlePage(
      page,
      (run) => {
        const question = earlierOf(run, order);
        return absentHappening(run, question === null || earlier.isKept(question), missed, parts);
      },
      parts,
    );
    const last = page.at(-1);
    if (last === undefined) break;
    after = last;
  }
  return settled;
}

/** Two runs with one fingerprint: the oldest is kept, the other is told and never deleted by us. */
async function noteFound(
  oldest: Map<number, FoundRun>,
  candidate: FoundRun,
  parts: DeliveryParts,
): Promise<void> {
  const { kept, surplus } = olderOf(oldest.get(candidate.run), candidate);
  oldest.set(candidate.run, kept);
  if (surplus === null) return;
  await parts.outbox.addWarnings(candidate.run, [`${alsoThere(surplus.runId)} the older one was kept`]);
  parts.log.warn(
    { run: candidate.run, runId: surplus.runId },
    'two runs on the platform carry the same fingerprint',
  );
}

/**
 * A run that is deleted while the pages are read shifts those behind it to pages that were read already. In a list that is
 * newest first these can only be ours if it was made after the intent; in any other, any deletion may have hidden ours.
 * @returns null: no listing has missed the run before
 */
function earlierOf({ life: { state } }: Claim, order: ListOrder): EarlierListing | null {
  if (state.kind !== 'unknown') throw new Error('only an unknown run can be absent');
  if (state.absent === null) return null;
  // By so much the `Date` header may be wrong, and by so much a list that is newest first may be out of order.
  const sinceMs = order.isNewestFirst() ? state.platformTimeMs - 2 * clockMarginMs : 0;
  return { earlier: state.absent.listing, sinceMs };
}

/** A listing that did not show the runs, and what else it did or did not show. */
interface Missed {
  readonly listing: number;
  readonly startedAtMs: number;
  readonly steady: SteadyMoment;
  readonly showsOurs: boolean;
  readonly fingerprintsShow: boolean;
}

async function absentHappening(
  run: Claim,
  keepsEarlier: boolean,
  { listing, startedAtMs, steady, showsOurs, fingerprintsShow }: Missed,
  { outbox }: DeliveryParts,
): Promise<Happening> {
  const content = await contentNow(run, outbox);
  return {
    ...{ kind: 'absent', listing, startedAtMs, steady },
    proof: { keepsEarlier, fingerprintsShow, showsOurs, content, twin: run.twin },
  };
}

/** What lies in the run's folder by now; beside a run that was meant as well it is still what is to be sent. */
async function contentNow(run: Claim, outbox: DeliveryParts['outbox']): Promise<AbsenceProof['content']> {
  const [folder] = await outbox.folders(run.key.dropRoot, [run.path]);
  if (folder === undefined) return 'gone';
  if (folder.run === run.run) return 'there';
  const other = folder.run === null ? null : await outbox.run(folder.run);
  if (other === null) return 'newer';
  const kind = wayMadeBy(run, other);
  return kind === null ? 'there' : kind === 'newerContent' ? 'newer' : kind;
}

/** After a lost outbox there are tens of thousands, and each page of them is something that got done. @returns how many were settled */
async function settlePage<One extends { readonly run: number }>(
  page: readonly One[],
  happeningOf: (one: One) => Happening | Promise<Happening>,
  parts: DeliveryParts,
): Promise<number> {
  const settled = await Promise.all(
    page.map(async (one) => await settle(one.run, await happeningOf(one), parts)),
  );
  parts.progress.reconcile();
  return settled.filter(Boolean).length;
}

async function settle(run: number, happening: Happening, parts: DeliveryParts): Promise<boolean> {
  const { outbox, clock, policy, measures, onConcluded, log } = parts;
  const nowMs = clock.nowMs();
  const now: Run | 'claimed' | null = await outbox.apply(run, happening, {
    nowMs,
    random: clock.random(),
    policy,
  });
  if (now === null || now === 'claimed') return false;
  const { state } = now.life;
  // A person may have skipped it meanwhile, which settles nothing.
  if (state.kind === 'unknown' || state.kind === 'skipped') return false;
  const fields = { run, folder: now.path, state: state.kind };
  if (state.kind === 'parked') {
    log.error(fields, `${now.path} is set aside: ${state.reason.text}. ${state.hint}`);
    await tellFolder(now, parts);
  } else if (state.kind === 'gone')
    log.error(fields, `${now.path} vanished, and nothing was made of it: run #${run} is gone`);
  else log.info(fields, `the outcome is known now: ${state.kind}`);
  measures.concluded({
    from: 'unknown',
    to: state,
    app: now.key.app,
    sinceCompleteMs: nowMs - now.createdAtMs,
  });
  onConcluded(now);
  return true;
}
