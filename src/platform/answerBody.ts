/** Reading an answer's body: always to its end, never more than is bearable, and fit to be shown to a person. */
import { constants } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { RuntrackdError } from '../core/failure.ts';
import { scrub } from '../core/scrub.ts';
import type { Secret } from '../system/secret.ts';
import type { Asked } from './answers.ts';

/** Nothing that is asked for in passing is larger: outputs above 1 MiB are asked for by URL. */
const answerBytesMax = 16 * 1024 * 1024;
/** So much of an answer's body is kept for a person; nothing is read in it but storage's name for its trouble. */
const excerptBytesMax = 500;
const excerptReadMax = 32 * 1024;

/** Reads an answer to its end, because a connection is only free again when its answer is read. */
export async function textOf(body: Dispatcher.ResponseData['body'], asked: Asked): Promise<string> {
  const bytesMax = bytesMaxOf(asked);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      body.destroy();
      throw new RuntrackdError({
        class: 'answer-too-large',
        text: `the platform’s answer is larger than ${String(bytesMax)} bytes (${asked.what})`,
        hint: 'Look at the run in the console.',
        reach: 'run',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A text cannot be longer than the engine allows. */
export function bytesMaxOf({ bytesMax = answerBytesMax }: Asked): number {
  return Math.min(bytesMax, constants.MAX_STRING_LENGTH);
}

/** What is longer is not read to its end, which may never come: that costs its connection. */
export async function excerptOf(body: Dispatcher.ResponseData['body'], key: Secret | null): Promise<string> {
  let text = '';
  for await (const chunk of body as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8', 0, excerptReadMax);
    // More than is shown, so that a key in it is not cut in two before it is looked for.
    if (text.length >= excerptReadMax) break;
  }
  return excerptOfText(text, key);
}

/** A run of characters this long is an id, a signature or a key; none of them helps a person. */
const opaque = /[A-Za-z0-9+/=_%-]{32,}/g;

/** One line for a person, without anything that could be a signature or a key. */
export function excerptOfText(text: string, key: Secret | null): string {
  let without = text;
  for (const form of formsOf(key)) without = without.replaceAll(form, '[secret]');
  return scrub(without.slice(0, excerptBytesMax))
    .replaceAll(opaque, '…')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
}

/** What is shorter is no secret, and taking it out of a sentence would make nonsense of it. */
const keyCharsMin = 4;

/** A key as it is, and as it would stand in an address, in HTML or in JSON. */
function formsOf(key: Secret | null): string[] {
  if (key === null) return [];
  const value = key.reveal();
  if (value.length < keyCharsMin) return [];
  const inHtml = value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return [value, encodeURIComponent(value), encodeURI(value), inHtml, JSON.stringify(value).slice(1, -1)];
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What went wrong on the wire, without the address it was about: that may be signed. */
export function whatHappened(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown trouble';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return code === error.message ? code : scrub(`${error.message} (${code})`);
}
