/**
 * The digest of a JSON document's tokens, whatever its size: two documents that say the same in other words have the same
 * one. White space, the ways to escape a character and the ways to write a number (1.0, 1e0) do not count; the order of
 * keys does, because finding out that only the order differs would mean holding the document.
 */
import { createHash } from 'node:crypto';

const quote = 0x22;
const backslash = 0x5c;
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

/** Takes bytes of valid JSON in, in pieces of any size. */
export class JsonDigest {
  readonly #hash = createHash('sha256');
  readonly #out = Buffer.allocUnsafe(outBytes);
  #outAt = 0;
  #state: 'between' | 'string' | 'escape' | 'unicode' | 'number' = 'between';
  #number = '';
  /** Digits of a `\u` escape so far. */
  #digits = '';
  /** The first half of a character that is escaped as two. */
  #highHalf = 0;

  push(chunk: Uint8Array): void {
    for (const byte of chunk) this.#take(byte);
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

  #take(byte: number): void {
    switch (this.#state) {
      case 'between':
        this.#between(byte);
        return;
      case 'number':
        if (isOfNumber(byte)) {
          this.#number += String.fromCharCode(byte);
          if (this.#number.length > numberCharsMax) this.#endNumber();
          return;
        }
        this.#endNumber();
        this.#between(byte);
        return;
      case 'string':
        if (byte === backslash) this.#state = 'escape';
        else {
          this.#endHalf();
          this.#put(byte);
          if (byte === quote) this.#state = 'between';
        }
        return;
      case 'escape':
        if (byte === 0x75) {
          this.#state = 'unicode';
          this.#digits = '';
          return;
        }
        this.#state = 'string';
        this.#endHalf();
        this.#character(shortEscapes.get(byte) ?? byte);
        return;
      case 'unicode':
        this.#digits += String.fromCharCode(byte);
        if (this.#digits.length < 4) return;
        this.#state = 'string';
        this.#half(Number.parseInt(this.#digits, 16));
        return;
    }
  }

  #between(byte: number): void {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.#state = 'number';
      this.#number = String.fromCharCode(byte);
      return;
    }
    if (byte === quote) this.#state = 'string';
    this.#put(byte);
  }

  #endNumber(): void {
    if (this.#number === '') return;
    for (const char of sameNumber(this.#number)) this.#put(char.charCodeAt(0));
    this.#number = '';
    this.#state = 'between';
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
    // What has to be escaped in a string is, always in the same way, so that the end of a string stays its end.
    if (point < 0x20 || point === quote || point === backslash || (point >= 0xd800 && point <= 0xdfff))
      this.#escaped(point);
    else for (const byte of Buffer.from(String.fromCodePoint(point))) this.#put(byte);
  }

  #escaped(point: number): void {
    this.#put(backslash);
    for (const byte of Buffer.from(point.toString(16).padStart(4, '0'))) this.#put(byte);
  }
}

function isOfNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    (byte | 0x20) === 0x65
  );
}

/** Whole numbers keep every digit, because many readers do; the others are what a double makes of them. */
function sameNumber(text: string): string {
  if (/^-?\d+$/.test(text)) return text === '-0' ? '0' : text;
  const value = Number(text);
  if (!Number.isFinite(value)) return text;
  return Number.isSafeInteger(value) ? String(value + 0) : String(value);
}
