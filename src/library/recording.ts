/**
 * Making the run: uploads, the one request, and what is known when its answer does not come (contract: retrying without
 * making a duplicate). `POST /runs` is repeated only while it is certain that nothing was made.
 */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import type { Role } from '../core/run.ts';
import { runRequest, type RunWords } from '../platform/runRequest.ts';
import { cutUtf8 } from '../core/description.ts';
import type { Created } from '../platform/client.ts';
import { descriptionBytesMax, type CreateRunRequest } from '../platform/wire.ts';
import { badInput } from './badInput.ts';
import type { SignalOption } from './calling.ts';
import type { Client } from './client.ts';
import { checkConfiguration, type RunConfiguration } from './configuration.ts';
import { carriersOn, fingerprintFor, type Carrier, type Fingerprint } from './fingerprint.ts';
import { isObject, jsonText } from './jsonDocument.ts';
import { listPages } from './listPages.ts';
import type { PreparedRun } from './preparedRun.ts';
import { isWorthAnotherTry, retrying } from './retrying.ts';
import { uploadAll, type Landed } from './uploads.ts';

export type { SignalOption } from './calling.ts';

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

/** Calls that make a run with a fingerprint, by client: the list knows nothing of a run that is only being made. */
const underWay = new WeakMap<Client, Map<string, Promise<string>>>();

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
  const { platform, clock, retry } = client;
  const landed = new Map<Role, Landed>();
  // Built again for every try, since upload ids grow old while the platform asks to wait.
  const bodyNow = async (): Promise<CreateRunRequest> =>
    runRequest({
      ...words,
      uploadIds: await uploadAll(prepared.bodies, { platform, app, clock, retry, signal }, landed),
      formats: prepared.formats,
      plainest: false,
      description:
        mark === null
          ? words.description && cutUtf8(words.description, descriptionBytesMax)
          : mark.description(words.description ?? ''),
    });
  const make = () => makeRun(place, bodyNow, instanceId ?? null, mark, signal);
  if (mark === null) return await make();
  return await inTurn(
    client,
    mark.text,
    signal,
    async () => (await lookFor(mark, place, signal)) ?? (await make()),
  );
}

/** Takes over what another call of this process has made of the same fingerprint, and waits for it if need be. */
async function inTurn(
  client: Client,
  fingerprint: string,
  signal: AbortSignal,
  make: () => Promise<string>,
): Promise<string> {
  const calls = underWay.get(client) ?? new Map<string, Promise<string>>();
  underWay.set(client, calls);
  for (let other = calls.get(fingerprint); other !== undefined; other = calls.get(fingerprint)) {
    const runId = await outcomeOf(other, signal);
    if (runId !== null) return runId;
  }
  const own = make();
  calls.set(fingerprint, own);
  try {
    return await own;
  } finally {
    calls.delete(fingerprint);
  }
}

/**
 * @returns null when the other call failed and certainly made nothing; then it is this one's turn
 * @throws RuntrackdError (outcome-unknown) when nobody knows whether the other call has made it: to send it now is what the
 *   fingerprint is there to avoid
 */
async function outcomeOf(other: Promise<string>, signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  const settled = other.then(
    (runId) => runId,
    (error: unknown) => {
      if (error instanceof RuntrackdError && error.reason === 'outcome-unknown') throw error;
      return null;
    },
  );
  const over = new AbortController();
  const aborted = once(signal, 'abort', { signal: over.signal }).then(() => null);
  aborted.catch(() => undefined);
  try {
    return await Promise.race([settled, aborted]);
  } finally {
    over.abort();
    signal.throwIfAborted();
  }
}

/**
 * Everything that can be known to be wrong with the options of a call before anything is sent.
 * @throws RuntrackdError (bad-input)
 */
export function checkTrackOptions(options: Omit<TrackRunOptions, 'signal'>): void {
  checkFingerprint(options.fingerprint);
  checkConfiguration(options.configuration);
  for (const name of ['instanceId', 'batchExperimentId'] as const) {
    const id = options[name];
    if (id !== undefined && (typeof id !== 'string' || id === ''))
      throw badInput(`${name} is not the text of an id`, 'Give the id, or leave it out.');
  }
  if (options.options !== undefined && !isObject(options.options))
    throw badInput('options is no object', 'Give names and values: { duration: 30 }.');
}

/** The platform takes texts only: texts as they are, the rest as JSON text. @throws RuntrackdError (bad-input) */
export function optionTexts(options: TrackRunOptions['options'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : jsonText(value, `options.${name}`)]),
  );
}

function checkFingerprint(fingerprint: string | undefined): void {
  if (fingerprint === undefined) return;
  if (typeof fingerprint === 'string' && fingerprint !== '' && fingerprint.length <= fingerprintCharsMax)
    return;
  throw badInput(
    'fingerprint is not what it has to be',
    `Give a text of 1 to ${String(fingerprintCharsMax)} characters that no other run has.`,
  );
}

type Sent = Created | { readonly kind: 'notUploaded'; readonly error: unknown };

async function makeRun(
  place: Place,
  bodyNow: () => Promise<CreateRunRequest>,
  instance: string | null,
  mark: Fingerprint | null,
  signal: AbortSignal,
): Promise<string> {
  const { platform, clock, retry } = place.client;
  const sendOnce = async (): Promise<Sent> => {
    let body: CreateRunRequest;
    try {
      body = await bodyNow();
    } catch (error) {
      // Uploads have been patient already.
      return { kind: 'notUploaded', error };
    }
    signal.throwIfAborted();
    const answer = await platform.createRun(place.app, instance, body, signal);
    if (answer.kind === 'nothingMade' && isWorthAnotherTry(answer.failure))
      throw new RuntrackdError(answer.failure);
    return answer;
  };
  const created = await retrying(sendOnce, retry, clock, signal);
  if (created.kind === 'made') return created.runId;
  if (created.kind === 'notUploaded') throw created.error;
  if (created.kind !== 'unclear') throw new RuntrackdError(created.failure);
  let trouble: unknown;
  if (mark !== null && !signal.aborted) {
    try {
      const found = await lookAgain(mark, place, signal);
      if (found !== null) return found;
    } catch (error) {
      // That the list cannot be had says nothing of the run.
      trouble = error;
    }
  }
  throw unknownOutcome(created.failure, mark !== null, trouble);
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
  let oldest: Carrier | undefined;
  for await (const page of listPages(place, signal)) {
    for (const carrier of carriersOn(page, mark)) {
      if (oldest === undefined || isOlder(carrier, oldest)) oldest = carrier;
    }
  }
  return oldest?.runId ?? null;
}

/** Times are whole seconds: of two runs of one second everybody has to take the same, whatever the order of the list. */
function isOlder(a: Carrier, b: Carrier): boolean {
  return a.createdAt === b.createdAt ? a.runId < b.runId : a.createdAt < b.createdAt;
}

function unknownOutcome(failure: Failure, hasFingerprint: boolean, trouble: unknown): RuntrackdError {
  const couldNotLook =
    trouble instanceof Error ? `, and the list could not be looked at: ${trouble.message}` : '';
  return new RuntrackdError({
    ...failure,
    class: 'outcome-unknown',
    text: `whether the run was recorded is not known: ${failure.text}${couldNotLook}`,
    hint: hasFingerprint
      ? 'Track it again with the same fingerprint, twenty minutes from now: it is looked for first, and the old request can take effect no more.'
      : 'Look for it in the console before you track it again; with a fingerprint, trackRun looks by itself.',
    reach: 'run',
  });
}
