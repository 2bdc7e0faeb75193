/**
 * Making the run: uploads, the one request, and what is known when its answer does not come (contract: retrying without
 * making a duplicate). `POST /runs` is repeated only while it is certain that nothing was made.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { runRequest, type RunWords } from '../platform/runRequest.ts';
import type { CreateRunRequest } from '../platform/wire.ts';
import { badInput } from './badInput.ts';
import type { Client } from './client.ts';
import type { RunConfiguration } from './configuration.ts';
import { carriersOn, fingerprintFor, type Fingerprint } from './fingerprint.ts';
import { listPages } from './listPages.ts';
import type { PreparedRun } from './preparedRun.ts';
import { isWorthAnotherTry, retrying } from './retrying.ts';
import { uploadAll } from './uploads.ts';

/** Every call can be ended from outside. */
export interface SignalOption {
  /** Ends the call; what it throws then is the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a run is recorded. */
export interface TrackRunOptions extends SignalOption {
  /** Default: the app's default instance. */
  readonly instanceId?: string;
  readonly configuration?: RunConfiguration;
  readonly batchExperimentId?: string;
  /** Shown with the run; what is no text is sent as JSON text. */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * The caller's own name for this run: with it the platform's list is looked through before anything is sent, and the
   * run that carries it is taken instead of making another. See the limits in docs/library.md.
   */
  readonly fingerprint?: string;
}

/** The app that a run is recorded in. */
export interface Place {
  readonly client: Client;
  readonly app: string;
}

/** After an answer that did not come, the list is looked at so often for what became of the run. */
const looksMax = 5;
const lookAgainMsMax = 2_000;
const fingerprintCharsMax = 1_024;

/** @returns the run's id */
export async function recordRun(
  place: Place,
  prepared: PreparedRun,
  words: Omit<RunWords, 'uploadIds' | 'formats' | 'plainest'>,
  { fingerprint, instanceId }: Pick<TrackRunOptions, 'fingerprint' | 'instanceId'>,
  signal: AbortSignal,
): Promise<string> {
  const { client, app } = place;
  const mark =
    fingerprint === undefined ? null : fingerprintFor(fingerprint, client.endpoint, app, hostname());
  const made = mark === null ? null : await lookFor(mark, place, signal);
  if (made !== null) return made;
  const { platform, clock, retry } = client;
  const uploadIds = await uploadAll(prepared.bodies, { platform, app, clock, retry, signal });
  const body = runRequest({
    ...words,
    uploadIds,
    formats: prepared.formats,
    plainest: false,
    description: mark === null ? words.description : mark.description(words.description ?? ''),
  });
  return await makeRun(place, body, instanceId ?? null, mark, signal);
}

export function checkFingerprint(fingerprint: string | undefined): void {
  if (fingerprint === undefined) return;
  if (typeof fingerprint === 'string' && fingerprint !== '' && fingerprint.length <= fingerprintCharsMax)
    return;
  throw badInput(
    'fingerprint is not what it has to be',
    `Give a text of 1 to ${String(fingerprintCharsMax)} characters that no other run has.`,
  );
}

async function makeRun(
  place: Place,
  body: CreateRunRequest,
  instance: string | null,
  mark: Fingerprint | null,
  signal: AbortSignal,
): Promise<string> {
  const { platform, clock, retry } = place.client;
  const sendOnce = async () => {
    const answer = await platform.createRun(place.app, instance, body, signal);
    if (answer.kind === 'nothingMade' && isWorthAnotherTry(answer.failure))
      throw new RuntrackdError(answer.failure);
    return answer;
  };
  const created = await retrying(sendOnce, retry, clock, signal);
  if (created.kind === 'made') return created.runId;
  if (created.kind !== 'unclear') throw new RuntrackdError(created.failure);
  if (mark !== null && !signal.aborted) {
    const found = await lookAgain(mark, place, signal);
    if (found !== null) return found;
  }
  throw unknownOutcome(created.failure, mark !== null);
}

/** The list may lag behind; but how far is not known, so not finding the run proves nothing. */
async function lookAgain(mark: Fingerprint, place: Place, signal: AbortSignal): Promise<string | null> {
  const waitMs = Math.min(lookAgainMsMax, place.client.retry.delayMsMin * 4);
  for (let looks = 1; ; looks += 1) {
    const found = await lookFor(mark, place, signal);
    if (found !== null || looks >= looksMax) return found;
    await sleep(waitMs, undefined, { signal });
  }
}

/** The id of the run that carries it, the oldest of several; null when the whole list shows none. */
async function lookFor(mark: Fingerprint, place: Place, signal: AbortSignal): Promise<string | null> {
  let oldest: { runId: string; createdAt: string } | undefined;
  for await (const page of listPages(place, signal)) {
    for (const carrier of carriersOn(page, mark)) {
      if (oldest === undefined || carrier.createdAt < oldest.createdAt) oldest = carrier;
    }
  }
  return oldest?.runId ?? null;
}

function unknownOutcome(failure: Failure, hasFingerprint: boolean): RuntrackdError {
  return new RuntrackdError({
    ...failure,
    class: 'outcome-unknown',
    text: `whether the run was recorded is not known: ${failure.text}`,
    hint: hasFingerprint
      ? 'Track it again with the same fingerprint, twenty minutes from now: it is looked for first, and the old request can take effect no more.'
      : 'Look for it in the console before you track it again; with a fingerprint, trackRun looks by itself.',
    reach: 'run',
  });
}
