/**
 * A JSON document as a value that is only compared with another one: it keeps what a double would lose. Numbers count as
 * they do in `JsonDigest`, so that small documents are compared by the rule of large ones, but for the order of their keys.
 */
import { randomUUID } from 'node:crypto';
import { sameNumber } from './jsonDigest.ts';

/** What a number begins with that no double holds: nobody can have written such a text into a document. */
const mark = randomUUID();
/** A text with its escapes, or a number. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
/** Sixteen digits and more of a whole number, a zero with a minus, an exponent of three digits: few documents have any. */
const mayBeBeyondDoubles = /[^\d.]\d{16}|-0(?!\d)|[eE]\+?\d{3}/;

/** @returns the text itself where it is no JSON */
export function exactValue(text: string): unknown {
  try {
    return JSON.parse(mayBeBeyondDoubles.test(text) ? text.replace(tokens, exact) : text);
  } catch {
    return text;
  }
}

function exact(token: string): string {
  if (token.startsWith('"')) return token;
  const number = sameNumber(token);
  return String(Number(number)) === number ? number : `"${mark}${number}"`;
}
