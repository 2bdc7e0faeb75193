/**
 * Is this JSON, and whole? Asked of files of any size, so nothing of the document is kept but the nesting and the names
 * of a few top-level keys. The grammar is RFC 8259's: no NaN, no comments, no byte order mark, nothing after the end.
 *
 * JSON.parse would hold the event loop (0.8 s for 100 MB) and all of the document; parsers that build values are both
 * slower and larger than this needs.
 */
import { isLiteral, isNumber, isNumberByte, literalEnd, numberCharsMax, numberEnd } from './jsonTokens.ts';

export class JsonProblem extends Error {
  /** What to do about it, where more of the file cannot mend it; else null. */
  readonly lastingHint: string | null;

  constructor(line: number, what: string, lastingHint: string | null = null) {
    super(`line ${String(line)}: ${what}`);
    this.name = 'JsonProblem';
    this.lastingHint = lastingHint;
  }
}

export interface JsonShape {
  readonly topLevel: 'object' | 'array' | 'string' | 'number' | 'literal';
  /** Which of the wanted names the top-level object has. */
  readonly keys: ReadonlySet<string>;
  /** Offset of the top-level closing bracket, in bytes; 0 when the document is neither object nor array. */
  readonly closeOffset: number;
  readonly isEmpty: boolean;
  /** Where the value of the one member begins, in bytes; null when the object has not exactly one. */
  readonly onlyValueOffset: number | null;
  /** The first line on which a name stands twice in one object; null: none was seen. */
  readonly repeatedAtLine: number | null;
}

/** A longer name, escapes and all, is none that anybody looks for. */
const keyBytesMax = 64;

/**
 * Names that are remembered of an object, to tell that one stands twice: each new one is compared with these, and an
 * object with thousands is a table, whose names are the solver's data.
 */
const namesOfObjectMax = 64;
/** Names that are remembered of all open objects. */
const namesMax = 8_192;

/** What the scanner is in the middle of, or waits for. */
const awaiting = {
  value: 0,
  firstKeyOrClose: 1,
  key: 2,
  colon: 3,
  firstValueOrClose: 4,
  commaOrClose: 5,
  done: 6,
  string: 7,
  escape: 8,
  hex: 9,
  number: 10,
  literal: 11,
} as const;

const quote = 0x22;
const backslash = 0x5c;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
/** 1 for each byte at which a text ends, or needs a closer look. */
const endsText = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === quote || byte === backslash || byte < 0x20 ? 1 : 0,
);
const escapes = new Set(Buffer.from('"\\/bfnrt'));

export class JsonScanner {
  readonly #depthMax: number;
  readonly #wanted: readonly string[];
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** One byte a level: 1 in an object, 0 in an array. */
  readonly #nesting: Uint8Array;
  #depth = 0;
  #state: number = awaiting.value;
  #line = 1;
  #offset = 0;
  #inKey = false;
  #hexLeft = 0;
  #token = '';
  #keyBytes: number[] | null = null;
  #topLevel: JsonShape['topLevel'] | null = null;
  readonly #keys = new Set<string>();
  #members = 0;
  #firstValueOffset = 0;
  #closeOffset = 0;
  /** Two hashes of each name of the open objects: one name in 2^64 is taken for another. */
  readonly #names = [new Uint32Array(namesMax), new Uint32Array(namesMax)] as const;
  #namesCount = 0;
  /** How many names were remembered when a level was opened. */
  readonly #namesBefore: Uint32Array;
  #hash = 0;
  #otherHash = 0;
  #repeatedAtLine: number | null = null;

  /**
   * @param depthMax deepest nesting that is accepted
   * @param wanted names to look for at the top: the others are not kept
   */
  constructor(depthMax: number, wanted: readonly string[] = []) {
    this.#depthMax = depthMax;
    this.#wanted = wanted;
    this.#nesting = new Uint8Array(depthMax + 1);
    this.#namesBefore = new Uint32Array(depthMax + 1);
  }

  /** Reads the next bytes. @throws JsonProblem naming the line */
  push(bytes: Uint8Array): void {
    try {
      this.#utf8.decode(bytes, { stream: true });
    } catch {
      throw new JsonProblem(this.#line, 'is not UTF-8 text');
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === awaiting.string) at = this.#skipString(bytes, at);
      if (at >= bytes.length) break;
      const byte = bytes[at] ?? 0;
      if (this.#state === awaiting.string && byte === quote) {
        this.#endString();
        at += 1;
        continue;
      }
      if (this.#state === awaiting.value || this.#state === awaiting.firstValueOrClose) {
        const end = byte >= 0x61 ? literalEnd(bytes, at) : numberEnd(bytes, at);
        if (end > at) {
          this.#startValue(byte, this.#offset + at);
          this.#endValue();
          at = end;
          continue;
        }
      }
      if (byte === 0x0a) this.#line += 1;
      // A number ends at the first byte that is none of its own; that byte is then looked at again.
      if (this.#state === awaiting.number && isNumberByte[byte] === 0) {
        if (byte === 0x49 && this.#token === '-') throw this.#noNumber();
        this.#endNumber();
      }
      if (this.#state === awaiting.literal && !(byte >= 0x61 && byte <= 0x7a)) this.#endLiteral();
      this.#take(byte, this.#offset + at);
      at += 1;
    }
    this.#offset += bytes.length;
  }

  /** @throws JsonProblem when the document is cut short */
  end(): JsonShape {
    if (this.#state === awaiting.number) this.#endNumber();
    if (this.#state === awaiting.literal) this.#endLiteral();
    try {
      this.#utf8.decode();
    } catch {
      throw new JsonProblem(this.#line, 'is not UTF-8 text');
    }
    if (this.#state !== awaiting.done || this.#topLevel === null) {
      throw new JsonProblem(this.#line, this.#topLevel === null ? 'is empty' : 'ends too early');
    }
    return {
      topLevel: this.#topLevel,
      keys: this.#keys,
      closeOffset: this.#closeOffset,
      isEmpty: this.#members === 0,
      onlyValueOffset: this.#topLevel === 'object' && this.#members === 1 ? this.#firstValueOffset : null,
      repeatedAtLine: this.#repeatedAtLine,
    };
  }

  /** The bulk of most documents: everything up to the next quote, escape or control character. */
  #skipString(bytes: Uint8Array, from: number): number {
    const { length } = bytes;
    let at = from;
    while (at < length && endsText[bytes[at] ?? 0] === 0) at += 1;
    if (this.#inKey) {
      this.#hashName(bytes, from, at);
      if (this.#keyBytes !== null) this.#keepKey(bytes.subarray(from, at));
    }
    return at;
  }

  #hashName(bytes: Uint8Array, from: number, to: number): void {
    let [hash, other] = [this.#hash, this.#otherHash];
    for (let at = from; at < to; at += 1) {
      const byte = bytes[at] ?? 0;
      hash = Math.imul(hash ^ byte, 0x01000193);
      other = Math.imul(other ^ byte, 0x5bd1e995) ^ (other >>> 15);
    }
    this.#hash = hash;
    this.#otherHash = other;
  }

  /** Whether the name that just ended stood in this object before. */
  #noteName(): void {
    const [hashes, others] = this.#names;
    const [hash, other] = [this.#hash >>> 0, this.#otherHash >>> 0];
    const before = this.#namesBefore[this.#depth] ?? 0;
    for (let at = before; at < this.#namesCount; at += 1) {
      if (hashes[at] !== hash || others[at] !== other) continue;
      this.#repeatedAtLine ??= this.#line;
      return;
    }
    if (this.#namesCount - before >= namesOfObjectMax || this.#namesCount >= namesMax) return;
    hashes[this.#namesCount] = hash;
    others[this.#namesCount] = other;
    this.#namesCount += 1;
  }

  #keepKey(bytes: Uint8Array): void {
    if (this.#keyBytes === null) return;
    if (this.#keyBytes.length + bytes.length > keyBytesMax) this.#keyBytes = null;
    else this.#keyBytes.push(...bytes);
  }

  #keepOne(byte: number): void {
    const bytes = Uint8Array.of(byte);
    this.#hashName(bytes, 0, 1);
    this.#keepKey(bytes);
  }

  #take(byte: number, offset: number): void {
    switch (this.#state) {
      case awaiting.string:
        if (byte !== backslash) throw this.#unexpected(byte, 'a control character in a text');
        this.#state = awaiting.escape;
        if (this.#inKey) this.#keepOne(byte);
        return;
      case awaiting.escape:
        if (this.#inKey) this.#keepOne(byte);
        if (byte === 0x75) {
          this.#hexLeft = 4;
          this.#state = awaiting.hex;
        } else if (escapes.has(byte)) this.#state = awaiting.string;
        else throw this.#unexpected(byte, 'an unknown escape');
        return;
      case awaiting.hex: {
        const isHex =
          (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
        if (!isHex) throw this.#unexpected(byte, 'four hex digits were due');
        if (this.#inKey) this.#keepOne(byte);
        this.#hexLeft -= 1;
        if (this.#hexLeft === 0) this.#state = awaiting.string;
        return;
      }
      case awaiting.number:
      case awaiting.literal:
        this.#token += String.fromCharCode(byte);
        if (this.#token.length > numberCharsMax)
          throw new JsonProblem(this.#line, 'a number is far too long');
        return;
      default:
        if (!isSpace(byte)) this.#takeStructure(byte, offset);
    }
  }

  #takeStructure(byte: number, offset: number): void {
    switch (this.#state) {
      case awaiting.firstValueOrClose:
        if (byte === 0x5d) this.#close(offset);
        else this.#startValue(byte, offset);
        return;
      case awaiting.value:
        this.#startValue(byte, offset);
        return;
      case awaiting.firstKeyOrClose:
        if (byte === 0x7d) {
          this.#close(offset);
          return;
        }
        this.#startKey(byte);
        return;
      case awaiting.key:
        this.#startKey(byte);
        return;
      case awaiting.colon:
        if (byte !== 0x3a) throw this.#unexpected(byte, 'a colon was due');
        this.#state = awaiting.value;
        return;
      case awaiting.commaOrClose: {
        const inObject = this.#nesting[this.#depth] === 1;
        if (byte === 0x2c) this.#state = inObject ? awaiting.key : awaiting.value;
        else if (byte === (inObject ? 0x7d : 0x5d)) this.#close(offset);
        else throw this.#unexpected(byte, inObject ? 'a comma or } was due' : 'a comma or ] was due');
        return;
      }
      default:
        throw this.#unexpected(byte, 'nothing may follow the end');
    }
  }

  #startKey(byte: number): void {
    if (byte !== quote) throw this.#unexpected(byte, 'a name in quotes was due');
    this.#inKey = true;
    this.#hash = 0x811c9dc5;
    this.#otherHash = 0x9747b28c;
    this.#keyBytes = this.#depth === 1 ? [] : null;
    if (this.#depth === 1) this.#members += 1;
    this.#state = awaiting.string;
  }

  #startValue(byte: number, offset: number): void {
    const isInObject = this.#nesting[this.#depth] === 1;
    if (this.#depth === 1 && !isInObject) this.#members += 1;
    if (this.#depth === 1 && isInObject && this.#members === 1) this.#firstValueOffset = offset;
    if (byte === 0x7b || byte === 0x5b) {
      this.#topLevel ??= byte === 0x7b ? 'object' : 'array';
      this.#depth += 1;
      if (this.#depth > this.#depthMax) {
        throw new JsonProblem(
          this.#line,
          `is nested deeper than ${String(this.#depthMax)} levels`,
          'Raise limits.json_depth if it is meant to be so, then retry it.',
        );
      }
      this.#nesting[this.#depth] = byte === 0x7b ? 1 : 0;
      this.#namesBefore[this.#depth] = this.#namesCount;
      this.#state = byte === 0x7b ? awaiting.firstKeyOrClose : awaiting.firstValueOrClose;
    } else if (byte === quote) {
      this.#topLevel ??= 'string';
      this.#inKey = false;
      this.#state = awaiting.string;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.#topLevel ??= 'number';
      this.#token = String.fromCharCode(byte);
      this.#state = awaiting.number;
    } else if (byte >= 0x61 && byte <= 0x7a) {
      this.#topLevel ??= 'literal';
      this.#token = String.fromCharCode(byte);
      this.#state = awaiting.literal;
    } else if (byte === 0x4e || byte === 0x49) throw this.#noNumber();
    else if (byte === 0xef && offset === 0) {
      throw new JsonProblem(
        this.#line,
        'begins with a byte order mark',
        'Write it as UTF-8 without the mark.',
      );
    } else throw this.#unexpected(byte, 'a value was due');
  }

  #endString(): void {
    if (!this.#inKey) {
      this.#endValue();
      return;
    }
    this.#inKey = false;
    this.#state = awaiting.colon;
    this.#noteName();
    if (this.#keyBytes === null) return;
    const name: unknown = JSON.parse(`"${Buffer.from(this.#keyBytes).toString('utf8')}"`);
    if (typeof name === 'string' && this.#wanted.includes(name)) this.#keys.add(name);
    this.#keyBytes = null;
  }

  #noNumber(): JsonProblem {
    return new JsonProblem(
      this.#line,
      'NaN and Infinity are not JSON',
      'Write null or a number in its place, or have the file sent as text: under a name that ends in .txt.',
    );
  }

  #endNumber(): void {
    if (!isNumber(this.#token))
      throw new JsonProblem(this.#line, `"${this.#token.slice(0, 40)}" is no number`);
    this.#endValue();
  }

  #endLiteral(): void {
    if (!isLiteral(this.#token)) {
      throw new JsonProblem(this.#line, `"${this.#token.slice(0, 40)}" is no value`);
    }
    this.#endValue();
  }

  #endValue(): void {
    this.#token = '';
    this.#state = this.#depth === 0 ? awaiting.done : awaiting.commaOrClose;
  }

  #close(offset: number): void {
    this.#namesCount = this.#namesBefore[this.#depth] ?? 0;
    this.#depth -= 1;
    if (this.#depth === 0) this.#closeOffset = offset;
    this.#endValue();
  }

  #unexpected(byte: number, what: string): JsonProblem {
    const shown =
      byte > 0x20 && byte < 0x7f
        ? `"${String.fromCharCode(byte)}"`
        : `byte 0x${byte.toString(16).padStart(2, '0')}`;
    return new JsonProblem(this.#line, `${what}, found ${shown}`);
  }
}
