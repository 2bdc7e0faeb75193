/** Reading an answer's body: always to its end, never more than is bearable, and fit to be shown to a person. */
import type { Dispatcher } from 'undici';
import { FailureError } from '../core/failure.ts';
import { scrub } from '../system/log.ts';
import type { Secret } from '../system/secret.ts';
import { failureOfContent, type Asked } from './answers.ts';

/** Nothing that the API answers is larger: outputs above 1 MiB are asked for by URL. */
const answerBytesMax = 16 * 1024 * 1024;
/** So much of an answer's body is kept for a person; it is never parsed. */
const excerptBytesMax = 500;

/** Reads an answer to its end, because a connection is only free again when its answer is read. */
export async function textOf(body: Dispatcher.ResponseData['body'], asked: Asked): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) {
      body.destroy();
      throw new FailureError({
        ...failureOfContent(asked, `it is larger than ${String(answerBytesMax)} bytes`),
        class: 'answer-too-large',
        reach: 'run',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export async function excerptOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (text.length < excerptBytesMax) text += chunk.toString('utf8', 0, excerptBytesMax);
  }
  return excerptOfText(text);
}

/** A run of characters this long is an id, a signature or a key; none of them helps a person. */
const opaque = /[A-Za-z0-9+/=_%-]{32,}/g;

/** One line for a person, without anything that could be a signature or a key. */
export function excerptOfText(text: string, key?: Secret): string {
  const without = key === undefined ? text : text.replaceAll(key.reveal(), '[secret]');
  return scrub(without.slice(0, excerptBytesMax))
    .replaceAll(opaque, '…')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
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
