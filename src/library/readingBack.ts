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
import { badInput } from './badInput.ts';
import type { SignalOption } from './calling.ts';
import type { Client } from './client.ts';
import { contentOfText, memoryBytesMaxByDefault, receiveContent, type ContentPlace } from './contents.ts';
import { isObject } from './jsonDocument.ts';
import {
  checkPollingOptions,
  checkStop,
  defaultPolling,
  given,
  pollingWaitMs,
  type PollingOptions,
} from './polling.ts';
import type { Place } from './recording.ts';

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

/** @throws RuntrackdError (bad-input), before anything is asked or recorded */
export function checkResultOptions({ directory, memoryBytesMax, polling = {} }: ResultOptions): void {
  if (directory !== undefined && (typeof directory !== 'string' || directory === ''))
    throw badInput('directory is no path', 'Give the path of a directory, or leave it out.');
  if (memoryBytesMax !== undefined && !(typeof memoryBytesMax === 'number' && memoryBytesMax >= 0))
    throw badInput('memoryBytesMax is no number of bytes', 'Give a number, 0 or more.');
  checkPollingOptions(polling);
}

/** The platform's answer, and whether an output in it was asked for as a URL. */
interface ResultAnswer {
  readonly answer: ReadAnswer;
  readonly isByUrl: boolean;
}

/** The first bytes of an archive, read as UTF-8: declared JSON, it may be answered inline, and is no archive any more. */
const gzipAsText = '\u001f\ufffd';

export async function readMetadata(
  place: Place,
  runId: string,
  signal: AbortSignal,
): Promise<RunInformation> {
  const { client, app } = place;
  return information(place, await client.ask((platform) => platform.runMetadata(app, runId, signal), signal));
}

/** @throws RuntrackdError (not-final) */
export async function readResult(
  place: Place,
  runId: string,
  options: ContentOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  const given = await resultAnswer(place, runId, false, options, signal);
  const result = await resultOf(place, given, options, signal);
  if (result !== null) return result;
  throw new RuntrackdError({
    class: 'not-final',
    text: `run ${runId} is ${given.answer.value.metadata.status_v2}: there is no result yet`,
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
  signal: AbortSignal,
): Promise<RunResult> {
  const { polling = {} } = options;
  const { clock } = place.client;
  await sleep((given(polling).initialDelay ?? defaultPolling.initialDelay) * 1_000, undefined, { signal });
  const beganMs = clock.monotonicMs();
  for (let asked = 0; ; asked += 1) {
    const waitMs = pollingWaitMs(runId, asked, clock.monotonicMs() - beganMs, polling, clock.random());
    if (asked > 0) await sleep(waitMs, undefined, { signal });
    checkStop(runId, asked, polling);
    const mayBeFinal = asked === 0 || (await readMetadata(place, runId, signal)).isFinal;
    if (mayBeFinal) {
      const result = await resultOf(
        place,
        await resultAnswer(place, runId, isByUrl, options, signal),
        options,
        signal,
      );
      if (result !== null) return result;
    }
  }
}

/** The input or the output alone. */
export async function readDocument(
  place: Place,
  runId: string,
  role: RunDocument,
  options: ContentOptions,
  signal: AbortSignal,
): Promise<RunContent> {
  const { metadata } = await readMetadata(place, runId, signal);
  const [said, bytes] =
    role === 'input'
      ? [metadata.inputFormat, metadata.inputBytes]
      : [metadata.outputFormat, metadata.outputBytes];
  const format = said ?? 'json';
  if (format === 'json' && bytes !== null && bytes <= inlineOutputBytesMax) {
    const { client, app } = place;
    const text = await client
      .ask((platform) => platform.runDocument(app, runId, role, signal), signal)
      .catch(nullWhereUrlIsWanted);
    if (text !== null && !text.startsWith(gzipAsText))
      return await contentOfText(text, role, placeOf(options));
  }
  return await received(place, runId, { role, format, bytes, atHand: null }, options, signal);
}

/** The logs, which the platform gives only as a text inside its answer. */
export async function readLogs(
  { client, app }: Place,
  runId: string,
  { memoryBytesMax = memoryBytesMaxByDefault }: ContentOptions,
  signal: AbortSignal,
): Promise<string> {
  return await client.ask((platform) => platform.runLogs(app, runId, signal, memoryBytesMax), signal);
}

/** The content of one asset: JSON. */
export async function readAsset(
  { client, app }: Place,
  runId: string,
  assetId: string,
  { memoryBytesMax }: ContentOptions,
  signal: AbortSignal,
): Promise<unknown> {
  return await client.ask(async (platform) => {
    const url = await platform.runAssetUrl(app, runId, assetId, signal);
    const where = placeOf({ memoryBytesMax });
    const chunks = await platform.download(url, where.memoryBytesMax, signal);
    return (await receiveContent(chunks, 'json', 'asset', where)).data;
  }, signal);
}

/** The platform's answer about a run, with its output inline or as a URL, whichever the output asks for. */
async function resultAnswer(
  { client, app }: Place,
  runId: string,
  isByUrl: boolean,
  { memoryBytesMax = memoryBytesMaxByDefault }: ContentOptions,
  signal: AbortSignal,
): Promise<ResultAnswer> {
  const ask = async (byUrl: boolean): Promise<ResultAnswer> => ({
    // A failed run's output and log come inside the answer, whatever is asked for.
    answer: await client.ask(
      (platform) => platform.runResult(app, runId, byUrl, signal, memoryBytesMax),
      signal,
    ),
    isByUrl: byUrl,
  });
  if (isByUrl) return await ask(true);
  const inline = await ask(false).catch(nullWhereUrlIsWanted);
  if (inline === null) return await ask(true);
  const { status_v2: status, format } = inline.answer.value.metadata;
  const isInline = status !== 'succeeded' || (format?.output?.type ?? 'json') === 'json';
  return isInline ? inline : await ask(true);
}

/** The platform gives no document inline that is too large, or no JSON although it is declared so. */
function nullWhereUrlIsWanted(error: unknown): null {
  const isWanted =
    error instanceof RuntrackdError &&
    (error.status === 400 || error.status === 413 || error.reason === 'answer-too-large');
  if (isWanted) return null;
  throw error;
}

/** @returns null while the run is not final */
async function resultOf(
  place: Place,
  { answer, isByUrl }: ResultAnswer,
  options: ContentOptions,
  signal: AbortSignal,
): Promise<RunResult | null> {
  const info = information(place, answer);
  if (!info.isFinal) return null;
  const { raw, id, metadata } = info;
  const errorLog = errorLogOf(raw);
  const output = raw['output'];
  if (metadata.status !== 'succeeded' || output === undefined || output === null)
    return { ...info, output: null, errorLog };
  if (!isByUrl || !isUrl(output))
    return { ...info, output: await inlineOutput(place, id, output, options, signal), errorLog };
  const format = metadata.outputFormat ?? 'json';
  const wanted = { role: 'output', format, bytes: metadata.outputBytes, atHand: output } as const;
  const content = await received(place, id, wanted, options, signal);
  // A signed URL is a secret, and dead in a quarter of an hour.
  return { ...info, raw: withoutOutput(raw), output: content, errorLog };
}

/** A file gets the document as it came, to the last digit; memory has it already. */
async function inlineOutput(
  { client, app }: Place,
  runId: string,
  output: unknown,
  options: ContentOptions,
  signal: AbortSignal,
): Promise<RunContent> {
  if (options.directory === undefined)
    return { format: 'json', data: output, files: null, path: null, leftOut: [] };
  const text = await client.ask((platform) => platform.runDocument(app, runId, 'output', signal), signal);
  return await contentOfText(text, 'output', placeOf(options));
}

interface Wanted {
  readonly role: RunDocument;
  readonly format: string;
  readonly bytes: number | null;
  /** A URL that an answer named just now; where it is dead a fresh one is asked for. */
  readonly atHand: unknown;
}

async function received(
  { client, app }: Place,
  runId: string,
  { role, format, bytes, atHand }: Wanted,
  options: ContentOptions,
  signal: AbortSignal,
): Promise<RunContent> {
  const place = placeOf(options);
  const fetch = async (platform: Client['platform'], url: unknown) => {
    const chunks = await platform.download(url, bytes ?? place.memoryBytesMax, signal);
    return await receiveContent(chunks, format, role, place);
  };
  let first = atHand;
  return await client.ask(async (platform) => {
    const given = first;
    first = null;
    if (given !== null) {
      try {
        return await fetch(platform, given);
      } catch (error) {
        if (!(error instanceof RuntrackdError && error.reason === 'upload-url-dead')) throw error;
      }
    }
    return await fetch(platform, await platform.runDocumentUrl(app, runId, role, signal));
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

/** `{"url": …}` in the place of an output. */
function isUrl(output: unknown): boolean {
  return isObject(output) && typeof output['url'] === 'string';
}

function withoutOutput(raw: RunResult['raw']): RunResult['raw'] {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => name !== 'output'));
}
