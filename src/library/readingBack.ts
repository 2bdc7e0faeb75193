/**
 * Reading a run back (contract: reading back). The result is asked for right away, since a tracked run is final at once
 * nearly always; documents that are large or not JSON are asked for by URL.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntrackdError } from '../core/failure.ts';
import type { ReadAnswer, RunDocument } from '../platform/client.ts';
import { inlineOutputBytesMax } from '../platform/wire.ts';
import {
  errorLogOf,
  informationOf,
  type RunContent,
  type RunInformation,
  type RunResult,
} from './answers.ts';
import { contentOfText, memoryBytesMaxByDefault, receiveContent, type ContentPlace } from './contents.ts';
import { checkPolling, defaultPolling, given, pollingDelayMs, type PollingOptions } from './polling.ts';
import type { Place, SignalOption } from './recording.ts';

/** Where documents of a run go that are read back. */
export interface ContentOptions extends SignalOption {
  /** Where documents are put; without it they are held in memory. */
  readonly directory?: string;
  /** What memory may hold of one document, in bytes. Default 256 MiB. */
  readonly memoryBytesMax?: number;
}

/** The same, and how long to wait for a run that is not final. */
export interface ResultOptions extends ContentOptions {
  readonly polling?: PollingOptions;
}

export const never: AbortSignal = new AbortController().signal;

export async function readMetadata(
  place: Place,
  runId: string,
  signal: AbortSignal,
): Promise<RunInformation> {
  const { client, app } = place;
  return information(place, await client.ask((platform) => platform.runMetadata(app, runId, signal), signal));
}

/** @throws RuntrackdError (not-final) */
export async function readResult(place: Place, runId: string, options: ContentOptions): Promise<RunResult> {
  const answer = await resultAnswer(place, runId, false, options.signal ?? never);
  const result = await resultOf(place, answer, options);
  if (result !== null) return result;
  throw new RuntrackdError({
    class: 'not-final',
    text: `run ${runId} is ${answer.value.metadata.status_v2}: there is no result yet`,
    hint: 'Ask again later, or use runResultWithPolling.',
    reach: 'run',
  });
}

/** @param isByUrl whether it is known beforehand that the output has to be asked for by URL */
export async function readFinalResult(
  place: Place,
  runId: string,
  isByUrl: boolean,
  options: ResultOptions,
): Promise<RunResult> {
  const { signal = never, polling = {} } = options;
  const { clock } = place.client;
  await sleep((given(polling).initialDelay ?? defaultPolling.initialDelay) * 1_000, undefined, { signal });
  const beganMs = clock.monotonicMs();
  for (let asked = 0; ; asked += 1) {
    checkPolling(runId, asked, clock.monotonicMs() - beganMs, polling);
    const mayBeFinal = asked === 0 || (await readMetadata(place, runId, signal)).isFinal;
    if (mayBeFinal) {
      const answer = await resultAnswer(place, runId, isByUrl, signal);
      const result = await resultOf(place, answer, options);
      if (result !== null) return result;
    }
    await sleep(pollingDelayMs(asked + 1, polling, clock.random()), undefined, { signal });
  }
}

/** The input or the output alone. */
export async function readDocument(
  place: Place,
  runId: string,
  role: RunDocument,
  options: ContentOptions,
): Promise<RunContent> {
  const { signal = never } = options;
  const { metadata } = await readMetadata(place, runId, signal);
  const [format, bytes] =
    role === 'input'
      ? [metadata.inputFormat, metadata.inputBytes]
      : [metadata.outputFormat, metadata.outputBytes];
  if ((format ?? 'json') !== 'json' || bytes === null || bytes > inlineOutputBytesMax)
    return await received(place, runId, role, format ?? 'json', bytes, options, null);
  const { client, app } = place;
  const text = await client.ask((platform) => platform.runDocument(app, runId, role, signal), signal);
  return await contentOfText(text, role, placeOf(options));
}

/** The content of one asset: JSON. */
export async function readAsset(
  { client, app }: Place,
  runId: string,
  assetId: string,
  { signal = never, memoryBytesMax }: ContentOptions,
): Promise<unknown> {
  return await client.ask(async (platform) => {
    const url = await platform.runAssetUrl(app, runId, assetId, signal);
    const where = placeOf({ memoryBytesMax });
    const chunks = await platform.download(url, where.memoryBytesMax, signal);
    return (await receiveContent(chunks, 'json', 'output', where)).data;
  }, signal);
}

/** The platform's answer about a run, with its output inline or as a URL, whichever the output asks for. */
async function resultAnswer(
  { client, app }: Place,
  runId: string,
  isByUrl: boolean,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const ask = (byUrl: boolean) =>
    client.ask((platform) => platform.runResult(app, runId, byUrl, signal), signal);
  if (isByUrl) return await ask(true);
  try {
    const answer = await ask(false);
    const { status_v2: status, format } = answer.value.metadata;
    const isInline = status !== 'succeeded' || (format?.output?.type ?? 'json') === 'json';
    return isInline ? answer : await ask(true);
  } catch (error) {
    const asksForUrl =
      error instanceof RuntrackdError && (error.status === 400 || error.reason === 'answer-too-large');
    if (!asksForUrl) throw error;
    return await ask(true);
  }
}

/** @returns null while the run is not final */
async function resultOf(
  place: Place,
  answer: ReadAnswer,
  options: ContentOptions,
): Promise<RunResult | null> {
  const info = information(place, answer);
  if (!info.isFinal) return null;
  const { raw, id, metadata } = info;
  const errorLog = errorLogOf(raw);
  const output = raw['output'];
  if (metadata.status !== 'succeeded' || output === undefined || output === null)
    return { ...info, output: null, errorLog };
  const format = metadata.outputFormat ?? 'json';
  const url = signedUrlOf(output, format, metadata.outputBytes);
  if (url === null) {
    return { ...info, output: await inlineOutput(place, id, output, options), errorLog };
  }
  const content = await received(place, id, 'output', format, metadata.outputBytes, options, url);
  // A signed URL is a secret, and dead in a quarter of an hour.
  return { ...info, raw: withoutOutput(raw), output: content, errorLog };
}

/** A file gets the document as it came, to the last digit; memory has it already. */
async function inlineOutput(
  { client, app }: Place,
  runId: string,
  output: unknown,
  options: ContentOptions,
): Promise<RunContent> {
  const { directory, signal = never } = options;
  if (directory === undefined) return { format: 'json', data: output, files: null, path: null, leftOut: [] };
  const text = await client.ask((platform) => platform.runDocument(app, runId, 'output', signal), signal);
  return await contentOfText(text, 'output', placeOf(options));
}

/** @param atHand a URL that an answer named just now; where it is dead a fresh one is asked for */
async function received(
  { client, app }: Place,
  runId: string,
  role: RunDocument,
  format: string,
  bytes: number | null,
  options: ContentOptions,
  atHand: unknown,
): Promise<RunContent> {
  const { signal = never } = options;
  let url = atHand;
  return await client.ask(async (platform) => {
    const current = url ?? (await platform.runDocumentUrl(app, runId, role, signal));
    url = null;
    const place = placeOf(options);
    const chunks = await platform.download(current, bytes ?? place.memoryBytesMax, signal);
    return await receiveContent(chunks, format, role, place);
  }, signal);
}

function information({ client, app }: Place, answer: ReadAnswer): RunInformation {
  return informationOf(answer, (runId) => client.runUrl(app, runId));
}

function placeOf({
  directory,
  memoryBytesMax,
}: {
  readonly directory?: string | undefined;
  readonly memoryBytesMax?: number | undefined;
}): ContentPlace {
  return { directory: directory ?? null, memoryBytesMax: memoryBytesMax ?? memoryBytesMaxByDefault };
}

/** `{"url": …}` in the place of an output that was asked for by URL; a small JSON output may look like that by itself. */
function signedUrlOf(output: unknown, format: string, bytes: number | null): unknown {
  if (typeof output !== 'object' || output === null || !('url' in output) || Object.keys(output).length !== 1)
    return null;
  const isInline = format === 'json' && bytes !== null && bytes <= inlineOutputBytesMax;
  return isInline ? null : output;
}

function withoutOutput(raw: RunResult['raw']): RunResult['raw'] {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => name !== 'output'));
}
