/**
 * Did the platform give back what it was given? Small documents are compared as values, archives file by file,
 * everything else as bytes.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { fileOf, type ArtefactFile } from '../core/content.ts';
import { nothingCameBack, outputDiffers } from '../core/outputDiffers.ts';
import type { Claim, SentDocument } from '../outbox/nouns.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { beating, type Beat } from '../reading/beat.ts';
import { readBody, SourceChanged, type ArtefactBody } from '../reading/bodies.ts';
import { isSmall } from '../reading/smallBody.ts';
import { isSameArchive } from '../reading/returnedArchive.ts';
import { errorCode, type OpenFolder } from '../system/files.ts';
import { exactValue } from './exactValue.ts';
import { JsonDigest } from './jsonDigest.ts';
import { inlineBytesMax } from './poll.ts';
import { isAltered, outputBody } from './sentBodies.ts';

export interface Verified {
  /** null: there was nothing to compare, or it could not be compared. */
  readonly isSame: boolean | null;
  readonly warning: string | null;
}

const nothing: Verified = { isSame: null, warning: null };
const same: Verified = { isSame: true, warning: null };
const different: Verified = { isSame: false, warning: outputDiffers };
const missing: Verified = { isSame: false, warning: nothingCameBack };

/**
 * Compares what the answer itself holds.
 * @param folder the run folder; null when it is not there any more
 * @param hold reads a small body of the folder as a whole
 */
export async function verifyInline(
  claim: Claim,
  answer: ReadAnswer,
  folder: OpenFolder | null,
  hold: (body: ArtefactBody) => Promise<Uint8Array | undefined>,
  beat: Beat,
): Promise<Verified> {
  const output = fileOf(claim.content, 'output');
  if (output === undefined) return nothing;
  const body = outputBody(claim);
  const back = returned(answer, body === undefined);
  if (back === 'not due') return nothing;
  if (back === null) return isEmpty(output, body) ? nothing : missing;
  if (body === undefined || folder === null) return nothing;
  if (body.bytes > inlineBytesMax) {
    if (back.text === null) return tooLargeToCompare;
    const bytes = Buffer.from(back.text);
    return await verifyStream(claim, () => Promise.resolve(once(bytes)), folder, beat);
  }
  const sent = await sentText(folder, body, hold);
  if (sent === null) return cannotCompare;
  if (back.text === sent) return same;
  const added = isAsRecorded(sent, claim.sent) ? [] : addable(claim);
  const theirs = back.text === null ? member(exactValue(answer.text), 'output') : exactValue(back.text);
  return isDeepStrictEqual(without(theirs, added), without(exactValue(sent), added)) ? same : different;
}

interface Returned {
  /** The output as a text of its own; null: it is a member of the answer. */
  readonly text: string | null;
}

/**
 * Where an output that was sent lies in the answer: a failed run has the text of its output in its error log.
 * @returns null: nothing came back. 'not due': none is due in such an answer
 */
function returned({ value, isMetadata }: ReadAnswer, isArchive: boolean): Returned | 'not due' | null {
  const status = value.metadata.status_v2;
  if (isMetadata === true || status === 'canceled') return 'not due';
  if (status !== 'failed') return (value['output'] ?? null) === null ? null : { text: null };
  // An archive has no text.
  if (isArchive) return 'not due';
  const stdout = member(value['error_log'], 'stdout');
  return typeof stdout === 'string' ? { text: stdout } : null;
}

/** Whether it says nothing: the official SDK does not send such an output, so one that does not come back proves nothing. */
function isEmpty({ object }: ArtefactFile, body: ArtefactBody | undefined): boolean {
  return body !== undefined && (body.bytes === 0 || (object?.isEmpty === true && !isAltered(body)));
}

/** Whether the document, made once more, is the one that was uploaded; where that was the file itself it is. */
function isAsRecorded(text: string, recorded: SentDocument | null): boolean {
  return recorded === null || createHash('sha256').update(text).digest('hex') === recorded.sha256;
}

/**
 * Members that are not the solver's own. Where an earlier version of this program has added them from the log in other
 * words, they cannot be made again as they were, and the rest is compared.
 */
function addable({ content }: Claim): readonly string[] {
  const own = fileOf(content, 'output')?.object?.keys ?? [];
  return ['metrics', 'statistics', 'assets'].filter((name) => !own.includes(name));
}

function without(document: unknown, names: readonly string[]): unknown {
  if (names.length === 0 || typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));
}

/**
 * Compares a stream with what was sent. What comes back byte for byte, as it nearly always does, has the digest of what was
 * uploaded, and the folder is not read; JSON that differs is fetched a second time and compared by what it says.
 * @param download gives the bytes that the platform has, from their beginning
 */
export async function verifyStream(
  claim: Claim,
  download: () => Promise<AsyncIterable<Uint8Array>>,
  folder: OpenFolder | null,
  beat: Beat,
): Promise<Verified> {
  const output = fileOf(claim.content, 'output');
  if (output === undefined) return nothing;
  // Its files are known by their digests, so the folder is not needed.
  if (output.archive !== undefined)
    return (await isSameArchive(beating(await download(), beat), output)) ? same : different;
  const body = outputBody(claim);
  // Nothing to compare with: then nothing is fetched, because what is not read would hold its connection.
  if (body === undefined || folder === null) return nothing;
  const theirs = await bytesDigest(beating(await download(), beat));
  // What was uploaded is what counts, also where it cannot be made again as it was.
  if (theirs.digest === sentDigest(claim, output, body)) return same;
  const ours = await orNull(bytesDigest(beating(readBody(folder, body), beat)));
  if (ours === null) return cannotCompare;
  if (claim.sent !== null && ours.digest !== claim.sent.sha256) return cannotCompare;
  if (theirs.digest === ours.digest) return same;
  if (theirs.isGzip && !ours.isGzip) {
    return { isSame: null, warning: 'the output came back as an archive and was not compared' };
  }
  if (output.type !== 'json') return different;
  const theirTokens = await tokensDigest(beating(await download(), beat));
  const ourTokens = await orNull(tokensDigest(beating(readBody(folder, body), beat)));
  if (ourTokens === null) return cannotCompare;
  return theirTokens === ourTokens ? same : different;
}

/** Of the bytes that were uploaded; null: an earlier version of this program did not note it. */
function sentDigest({ sent }: Claim, output: ArtefactFile, body: ArtefactBody): string | null {
  if (sent !== null) return sent.sha256;
  return isAltered(body) ? null : output.sha256;
}

interface Digested {
  readonly digest: string;
  readonly isGzip: boolean;
}

/** @returns null when the folder’s own file cannot be read as it was sent */
async function orNull<T>(digested: Promise<T>): Promise<T | null> {
  return await digested.catch((error: unknown) => {
    if (isSourceTrouble(error)) return null;
    throw error;
  });
}

const tooLargeToCompare: Verified = {
  isSame: null,
  warning: 'the returned output was not compared, because it is too large to come within the answer, and did',
};

const cannotCompare: Verified = {
  isSame: null,
  warning: 'the returned output was not compared, because the folder’s output has changed since it was sent',
};

/** @returns null when the folder’s own file cannot be read as it was sent */
async function sentText(
  folder: OpenFolder,
  body: ArtefactBody,
  hold: (body: ArtefactBody) => Promise<Uint8Array | undefined>,
): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  try {
    const whole = isSmall(body) ? await hold(body) : undefined;
    if (whole !== undefined) chunks.push(whole);
    else for await (const chunk of readBody(folder, body)) chunks.push(chunk);
  } catch (error) {
    if (isSourceTrouble(error)) return null;
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isSourceTrouble(error: unknown): boolean {
  return error instanceof SourceChanged || errorCode(error) !== undefined;
}

async function bytesDigest(bytes: AsyncIterable<Uint8Array>): Promise<Digested> {
  const hash = createHash('sha256');
  let start: readonly number[] = [];
  for await (const chunk of bytes) {
    if (start.length < 2) start = [...start, ...chunk.subarray(0, 2)].slice(0, 2);
    hash.update(chunk);
  }
  return { digest: hash.digest('hex'), isGzip: start[0] === 0x1f && start[1] === 0x8b };
}

async function tokensDigest(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const tokens = new JsonDigest();
  for await (const chunk of bytes) tokens.push(chunk);
  return tokens.digest();
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function member(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}
