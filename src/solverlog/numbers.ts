/**
 * Numbers as solvers print them, read where they stand: nothing is copied for an ordinary one, because a long log is
 * mostly numbers.
 */

export const isDigit = (code: number): boolean => code >= 48 && code <= 57;
export const isBlank = (code: number): boolean => code === 32 || code === 9;

/** Powers of ten that are exact: with a mantissa below 2^53, one multiplication or division is correctly rounded. */
const powersOfTen = Array.from({ length: 23 }, (_, power) => 10 ** power);
const mantissaMax = 2 ** 53;

const [plus, minus, point] = [43, 45, 46];
const [smallE, largeE] = [101, 69];

/**
 * The number in `bytes` from `from` to `to`, with nothing around it.
 *
 * @returns NaN for anything that is no number, an infinity included
 */
export function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  const sign = bytes[at] ?? 0;
  if (sign === plus || sign === minus) at += 1;
  let mantissa = 0;
  let digits = 0;
  let decimals = -1;
  for (; at < to; at += 1) {
    const code = bytes[at] ?? 0;
    if (code >= 48 && code <= 57) {
      mantissa = mantissa * 10 + (code - 48);
      digits += 1;
      if (decimals >= 0) decimals += 1;
    } else if (code === point && decimals < 0) decimals = 0;
    else break;
  }
  let power = decimals > 0 ? -decimals : 0;
  if (at < to) {
    const exponent = exponentIn(bytes, at, to);
    if (Number.isNaN(exponent)) return numberOf(textIn(bytes, from, Math.min(to, from + numberCharsMax + 1)));
    power += exponent;
  }
  if (digits === 0) return NaN;
  if (mantissa >= mantissaMax || power < -22 || power > 22) return numberOf(textIn(bytes, from, to));
  const value = power < 0 ? mantissa / (powersOfTen[-power] ?? NaN) : mantissa * (powersOfTen[power] ?? NaN);
  return sign === minus ? -value : value;
}

/** The exponent that follows a mantissa: `e+04`. */
function exponentIn(bytes: Uint8Array, from: number, to: number): number {
  const letter = bytes[from];
  if (letter !== smallE && letter !== largeE) return NaN;
  let at = from + 1;
  const sign = bytes[at];
  if (sign === plus || sign === minus) at += 1;
  if (at >= to || to - at > 4) return NaN;
  let exponent = 0;
  for (; at < to; at += 1) {
    const code = bytes[at] ?? 0;
    if (code < 48 || code > 57) return NaN;
    exponent = exponent * 10 + (code - 48);
  }
  return sign === minus ? -exponent : exponent;
}

/** Longer words are no numbers. */
const numberCharsMax = 40;
const plainShape = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const commaShape = /^[+-]?(\d+),(\d+)([eE][+-]?\d+)?$/;

/**
 * The number that a word is.
 *
 * A comma is a decimal sign where it can be nothing else: `0,944`, `12,5`, `4,19e+04`; `1,234` could be either and is not
 * read. An apostrophe groups digits.
 *
 * @returns NaN for anything that is no number, an infinity included
 */
export function numberOf(word: string): number {
  if (word.length > numberCharsMax) return NaN;
  const text = word.includes("'") ? word.replaceAll("'", '') : word;
  if (plainShape.test(text)) return Number(text);
  const comma = commaShape.exec(text);
  if (comma === null) return NaN;
  const [, whole = '', decimals = '', exponent] = comma;
  const isAmbiguous =
    decimals.length === 3 && exponent === undefined && !/^0+$/.test(whole) && whole.length <= 3;
  return isAmbiguous ? NaN : Number(text.replace(',', '.'));
}

/** Bytes taken for Latin-1, one character each; see `lines.ts`. */
export function textIn(bytes: Uint8Array, from: number, to: number): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1', from, Math.max(from, to));
}
