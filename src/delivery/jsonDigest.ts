/**
 * The digest of a JSON document's tokens, whatever its size: two documents that say the same in other words have the same
 * one. White space, the ways to escape a character and the ways to write a number (1.0, 1e0) do not count; the order of
 * keys does, because finding out that only the order differs would mean holding the document.
 */
import { createHash } from 'node:crypto';
import { isCharacter, isDigit, isNumberByte, runEnd } from '../reading/jsonGrammar.ts';

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
/** What `\b` and its like stand for. */
const shortEscapes = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);
/** No number that means anything is longer; one that is counts as it is written. */
const numberCharsMax = 400;
const outBytes = 64 * 1024;
/** So many are copied one by one sooner than by a call. */
const fewBytes = 32;

/** Takes bytes of valid JSON in, in pieces of any size. */
export class JsonDigest {
  readonly #hash = createHash('sha256');
  readonly #out = Buffer.allocUnsafe(outBytes);
  #outAt = 0;
  #state: 'between' | 'string' | 'escape' | 'unicode' | 'number' | 'longNumber' = 'between';
  #number = '';
  /** Digits of a `\u` escape so far. */
  #digits = '';
  /** The first half of a character that is escaped as two. */
  #highHalf = 0;

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < bytes.length;) at = this.#take(bytes, at);
  }

  /** @returns SHA-256 in hex; nothing may be pushed afterwards */
  digest(): string {
    this.#endNumber();
    this.#endHalf();
    this.#flush();
    return this.#hash.digest('hex');
  }

  #put(byte: number): void {
    if (this.#outAt === outBytes) this.#flush();
    this.#out[this.#outAt] = byte;
    this.#outAt += 1;
  }

  #flush(): void {
    this.#hash.update(this.#out.subarray(0, this.#outAt));
    this.#outAt = 0;
  }

  #putAll(bytes: Buffer, from: number, to: number): void {
    if (to - from > outBytes - this.#outAt) this.#flush();
    if (to - from > outBytes) this.#hash.update(bytes.subarray(from, to));
    else if (to - from > fewBytes) this.#outAt += bytes.copy(this.#out, this.#outAt, from, to);
    else for (let at = from; at < to; at += 1) this.#put(bytes[at] ?? 0);
  }

  /** @returns how far it came: to what is to be taken in another way, or to the end */
  #take(bytes: Buffer, from: number): number {
    const byte = bytes[from] ?? 0;
    switch (this.#state) {
      case 'between':
        return this.#between(bytes, from);
      case 'number':
      case 'longNumber': {
        const to = runEnd(bytes, from, isNumberByte);
        this.#putNumber(bytes, from, to);
        if (to < bytes.length) this.#endNumber();
        return to;
      }
      case 'string': {
        const to = runEnd(bytes, from, isCharacter);
        if (to > from) {
          this.#endHalf();
          this.#putAll(bytes, from, to);
          return to;
        }
        if (byte === backslash) this.#state = 'escape';
        else {
          this.#endHalf();
          this.#put(byte);
          if (byte === quote) this.#state = 'between';
        }
        return from + 1;
      }
      case 'escape':
        this.#escape(byte);
        return from + 1;
      case 'unicode':
        this.#digits += String.fromCharCode(byte);
        if (this.#digits.length === 4) {
          this.#state = 'string';
          this.#half(Number.parseInt(this.#digits, 16));
        }
        return from + 1;
    }
  }

  /** Up to the next number or text. */
  #between(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      if (byte === minus || isDigit[byte] === 1) {
        this.#state = 'number';
        return at;
      }
      this.#put(byte);
      if (byte === quote) {
        this.#state = 'string';
        return at + 1;
      }
    }
    return bytes.length;
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#state = 'unicode';
      this.#digits = '';
      return;
    }
    this.#state = 'string';
    this.#endHalf();
    this.#character(shortEscapes.get(byte) ?? byte);
  }

  #putNumber(bytes: Buffer, from: number, to: number): void {
    if (this.#number === '' && to < bytes.length && isPlain(bytes, from, to)) {
      this.#putAll(bytes, from, to);
      this.#state = 'between';
      return;
    }
    if (this.#state === 'number' && this.#number.length + to - from > numberCharsMax) {
      this.#putText(this.#number);
      this.#number = '';
      this.#state = 'longNumber';
    }
    if (this.#state === 'longNumber') this.#putAll(bytes, from, to);
    else this.#number += bytes.toString('latin1', from, to);
  }

  #endNumber(): void {
    if (this.#state === 'number') this.#putText(sameNumber(this.#number));
    if (this.#state === 'number' || this.#state === 'longNumber') this.#state = 'between';
    this.#number = '';
  }

  #putText(ascii: string): void {
    for (let at = 0; at < ascii.length; at += 1) this.#put(ascii.charCodeAt(at));
  }

  #half(unit: number): void {
    if (this.#highHalf !== 0 && unit >= 0xdc00 && unit <= 0xdfff) {
      const point = 0x1_0000 + (this.#highHalf - 0xd800) * 0x400 + (unit - 0xdc00);
      this.#highHalf = 0;
      this.#character(point);
      return;
    }
    this.#endHalf();
    if (unit >= 0xd800 && unit <= 0xdbff) this.#highHalf = unit;
    else this.#character(unit);
  }

  /** A half that stayed alone is no character; it counts as the number that it is. */
  #endHalf(): void {
    if (this.#highHalf === 0) return;
    const unit = this.#highHalf;
    this.#highHalf = 0;
    this.#escaped(unit);
  }

  #character(point: number): void {
    if (point >= 0x20 && point < 0x80 && point !== quote && point !== backslash) this.#put(point);
    // What has to be escaped in a string is, always in the same way, so that the end of a string stays its end.
    else if (point < 0x20 || point === quote || point === backslash || (point >= 0xd800 && point <= 0xdfff))
      this.#escaped(point);
    else for (const byte of Buffer.from(String.fromCodePoint(point))) this.#put(byte);
  }

  #escaped(point: number): void {
    this.#putText(`\\${point.toString(16).padStart(4, '0')}`);
  }
}

/** Whether it is a whole number, which counts as it is written, and has ended. */
function isPlain(bytes: Buffer, from: number, to: number): boolean {
  const isNegative = bytes[from] === minus;
  if (to - from > numberCharsMax || (isNegative && bytes[from + 1] === 0x30)) return false;
  return runEnd(bytes, isNegative ? from + 1 : from, isDigit) === to;
}

/** Whole numbers keep every digit, because many readers do; the others are what a double makes of them. */
export function sameNumber(text: string): string {
  if (/^-?\d+$/.test(text)) return text === '-0' ? '0' : text;
  const value = Number(text);
  if (!Number.isFinite(value)) return text;
  return Number.isSafeInteger(value) ? String(value + 0) : String(value);
}
