/** Did the platform give back what it was given? Small documents are compared as values, everything else as bytes. */
import { createHash, type Hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { fileOf } from '../core/content.ts';
import type { Claim } from '../outbox/nouns.ts';
import type { RunAnswer } from '../platform/wire.ts';
import { artefactBodies, readBody, SourceChanged, type ArtefactBody } from '../reading/bodies.ts';
import { errorCode, type OpenFolder } from '../system/files.ts';
import { inlineBytesMax } from './poll.ts';

export interface Verified {
  /** null: there was nothing to compare, or it could not be compared. */
  readonly isSame: boolean | null;
  readonly warning: string | null;
}

const nothing: Verified = { isSame: null, warning: null };
const different: Verified = { isSame: false, warning: 'the output came back different from what was sent' };

/** @param folder the run folder; null when it is not there any more */
export async function verifyInline(
  claim: Claim,
  answer: RunAnswer,
  folder: OpenFolder | null,
): Promise<Verified> {
  const body = outputBody(claim);
  if (body === undefined || folder === null || body.bytes > inlineBytesMax) return nothing;
  const sent = await sentText(folder, body);
  if (sent === null) return cannotCompare;
  if (claim.content.meta.status === 'failed') {
    const stdout = member(answer['error_log'], 'stdout');
    if (typeof stdout !== 'string') return nothing;
    if (stdout === sent) return { isSame: true, warning: null };
    return isDeepStrictEqual(value(stdout), value(sent)) ? { isSame: true, warning: null } : different;
  }
  if (!('output' in answer)) return nothing;
  return isDeepStrictEqual(answer['output'], value(sent)) ? { isSame: true, warning: null } : different;
}

/**
 * Compares a stream with what was sent. White space between JSON's tokens is left out of account: it means nothing.
 * @param returned the bytes that the platform gave; read to their end
 */
export async function verifyStream(
  claim: Claim,
  returned: AsyncIterable<Uint8Array>,
  folder: OpenFolder,
): Promise<Verified> {
  const isJson = fileOf(claim.content, 'output')?.type === 'json';
  const body = outputBody(claim);
  if (body === undefined) return nothing;
  const back = digestOf(returned, isJson);
  const sent = digestOf(readBody(folder, body), isJson);
  const [theirs, ours] = await Promise.allSettled([back, sent]);
  if (theirs.status === 'rejected') throw theirs.reason;
  if (ours.status === 'rejected') {
    if (isSourceTrouble(ours.reason)) return cannotCompare;
    throw ours.reason;
  }
  if (theirs.value.digest === ours.value.digest) return { isSame: true, warning: null };
  if (theirs.value.isGzip && !ours.value.isGzip) {
    return { isSame: null, warning: 'the output came back as an archive and was not compared' };
  }
  return different;
}

const cannotCompare: Verified = {
  isSame: null,
  warning: 'the returned output was not compared, because the folder’s output has changed since it was sent',
};

function outputBody(claim: Claim): ArtefactBody | undefined {
  return artefactBodies(claim.content, '').find(({ role }) => role === 'output');
}

async function sentText(folder: OpenFolder, body: ArtefactBody): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of readBody(folder, body)) chunks.push(chunk);
  } catch (error) {
    if (isSourceTrouble(error)) return null;
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isSourceTrouble(error: unknown): boolean {
  return error instanceof SourceChanged || errorCode(error) !== undefined;
}

async function digestOf(
  bytes: AsyncIterable<Uint8Array>,
  isJson: boolean,
): Promise<{ readonly digest: string; readonly isGzip: boolean }> {
  const hash = createHash('sha256');
  const compact = new Compactor(hash);
  let start: readonly number[] = [];
  for await (const chunk of bytes) {
    if (start.length < 2) start = [...start, ...chunk.subarray(0, 2)].slice(0, 2);
    if (isJson) compact.push(chunk);
    else hash.update(chunk);
  }
  return { digest: hash.digest('hex'), isGzip: start[0] === 0x1f && start[1] === 0x8b };
}

/** Passes JSON on without the white space between its tokens. */
class Compactor {
  readonly #hash: Hash;
  #inString = false;
  #isEscaped = false;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  push(chunk: Uint8Array): void {
    let kept = 0;
    const out = Buffer.allocUnsafe(chunk.length);
    for (const byte of chunk) {
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === 0x5c) this.#isEscaped = true;
        else if (byte === 0x22) this.#inString = false;
      } else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      else if (byte === 0x22) this.#inString = true;
      out[kept] = byte;
      kept += 1;
    }
    this.#hash.update(out.subarray(0, kept));
  }
}

function value(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function member(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}
