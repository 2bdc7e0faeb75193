/** uploaded → intended → tracked: the one request that makes a run, sent once per durable intent. */
import type { Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import { advance } from '../core/lifecycle.ts';
import { missingRoot } from '../core/missingRoot.ts';
import { handOf, type Claim } from '../outbox/nouns.ts';
import { createRequest } from './createRequest.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { isYoung } from './upload.ts';

/**
 * So long an intent may take to be written down, in ms. A slot is for the moment in which it is given: those of many runs
 * that a full or locked disk holds up would all be used at once when it ends.
 */
const intentMsMax = 2_000;

/** Why a run is sent once more by the hand that had just tried: it does not stand in line anew. */
export type SentAgain =
  /** Its request was refused as one too many, so that nothing was made. */
  | 'oneTooMany'
  /** Its slot was too old when its intent was on disk, and no byte was sent. */
  | 'slotTooOld';

/**
 * @param waiting ends the wait for a slot of the budget, in which nothing is under way yet
 * @param again null: for the first time
 * @returns the outcome of the request, to be concluded from `intended`; or that the ids, or the slot, were too old for one.
 *   null: the claim is not the newest any more, and nothing was sent
 */
export async function send(
  claim: Claim,
  parts: DeliveryParts,
  signal: AbortSignal,
  waiting: AbortSignal,
  again: SentAgain | null,
): Promise<{ readonly claim: Claim; readonly outcome: Outcome } | null> {
  const { outbox, platform, clock, policy, passPoint, placesOfRoot } = parts;
  const { state } = claim.life;
  if (state.kind !== 'uploaded') throw new Error('only an uploaded run is sent');
  // First the slot, then the intent: what is intended is sent at once.
  const slot = await platform.slotForRun(waiting, again !== null);
  // Where results and problems would lie is not known any more; nothing is sent that could not be told of.
  if (placesOfRoot(claim.key.dropRoot) === null) {
    slot.unused();
    const failure = missingRoot(claim.key.dropRoot);
    return { claim, outcome: { happening: { kind: 'rootRemoved', failure } } };
  }
  const nowMs = clock.nowMs();
  const areYoung = (atMs: number): boolean =>
    state.uploads.every((done) => isYoung(done, atMs, policy.uploadAgeMsMax));
  if (!areYoung(nowMs)) {
    slot.unused();
    return { claim, outcome: { happening: { kind: 'uploadsTooOld' } } };
  }
  const beganMs = clock.monotonicMs();
  const intent = { kind: 'intended', platformTimeMs: platform.platformTimeMs() } as const;
  const conclusion = advance(claim.life, intent, nowMs, clock.random(), policy);
  // On disk before the first byte leaves: after a crash this row says that a run may have been made.
  if ((await outbox.conclude(handOf(claim), conclusion, true, nowMs)) !== true) {
    slot.unused();
    return null;
  }
  passPoint('intended');
  const intended = { ...claim, life: conclusion.life };
  // The disk may have been full for minutes, or the machine asleep, which the clock that nobody sets does not tell. A refusal
  // for dead ids would cost the run its error, name and description.
  if (!areYoung(clock.nowMs())) {
    slot.unused();
    return { claim: intended, outcome: { happening: { kind: 'uploadsTooOld' } } };
  }
  // Only once in a row: on a disk that is always as slow nothing would ever be sent.
  if (clock.monotonicMs() - beganMs > intentMsMax && again !== 'slotTooOld') {
    slot.unused();
    return { claim: intended, outcome: { happening: { kind: 'slotTooOld' } } };
  }
  const answered = platform.createRun(
    slot,
    claim.key.app,
    claim.settings.instance,
    createRequest(intended, state.uploads),
    signal,
  );
  passPoint('postSent');
  const created = await answered;
  passPoint('postAnswered');
  const happening = created.kind === 'unclear' ? unclearNow(created.failure, parts) : created;
  return { claim: intended, outcome: { happening } };
}

/** The request has ended, and what came of it is not known. */
export function unclearNow(
  failure: Failure,
  { clock, process }: Pick<DeliveryParts, 'clock' | 'process'>,
): Happening {
  const ended = { process, ms: clock.monotonicMs() };
  return { kind: 'unclear', failure, endedAtMs: clock.nowMs(), ended };
}
