/**
 * Is this JSON, and whole? Asked of files of any size, so nothing of the document is kept but the nesting and the names
 * of a few top-level keys. The grammar is RFC 8259's: no NaN, no comments, no byte order mark, nothing after the end.
 *
 * JSON.parse would hold the event loop (0.8 s for 100 MB) and all of the document; parsers that build values are both
 * slower and larger than this needs.
 */
import * as grammar from './jsonGrammar.ts';
import { NameHash, OpenNames } from './jsonNames.ts';
import { Utf8Pieces } from './utf8Pieces.ts';

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
/** Longer numbers are no solver's figures, and many readers have a limit, too. */
const numberBytesMax = 10_000;
/** Of a number or a word that is wrong, in characters. */
const shownMax = 40;

const [quote, lineFeed, openBrace, openBracket] = [0x22, 0x0a, 0x7b, 0x5b] as const;
// Constants of this module: those of another are read anew for every byte.
const { steps, marked, wrong, isCharacter, isDigit, firstName, laterName, firstValue, closed, colon, name } =
  grammar;
const { inDocument, inObject, inArray, runEnd } = grammar;
const [textInDocument, textInObject, textInArray] = [inDocument.text, inObject.text, inArray.text];
const [fractionInDocument, fractionInObject, fractionInArray] = [
  inDocument.fraction,
  inObject.fraction,
  inArray.fraction,
];
const [valueInDocument, valueInObject] = [inDocument.value, inObject.value];
const none = Buffer.alloc(0);

export class JsonScanner {
  readonly #depthMax: number;
  readonly #wanted: readonly string[];
  readonly #wantedHashes: readonly number[];
  readonly #utf8 = new Utf8Pieces();
  /** One byte a level: 1 in an object, 0 in an array. */
  readonly #nesting: Uint8Array;
  readonly #names: OpenNames;
  readonly #name = new NameHash();
  #depth = 0;
  #state = grammar.begin;
  #line = 1;
  /** Of the bytes that are being read, in the document. */
  #offset = 0;
  /** What came before these bytes of the number, word or top-level name that they go on with. */
  #begun: Buffer = none;
  /** Where the newest top-level name begins in these bytes. */
  #keyFrom = 0;
  #topLevel: JsonShape['topLevel'] | null = null;
  readonly #keys = new Set<string>();
  #members = 0;
  #isEmpty = true;
  #firstValueOffset = 0;
  #closeOffset = 0;
  #repeatedAtLine: number | null = null;

  /**
   * @param depthMax deepest nesting that is accepted
   * @param wanted names to look for at the top: the others are not kept
   */
  constructor(depthMax: number, wanted: readonly string[] = []) {
    this.#depthMax = depthMax;
    this.#wanted = wanted;
    this.#wantedHashes = wanted.map((key) => NameHash.of(Buffer.from(key)).one);
    this.#nesting = new Uint8Array(depthMax + 1);
    this.#names = new OpenNames(depthMax);
  }

  /** Reads the next bytes. @throws JsonProblem naming the line */
  push(bytes: Uint8Array): void {
    const linesBefore = this.#utf8.push(bytes);
    if (linesBefore !== null) throw new JsonProblem(this.#line + linesBefore, 'is not UTF-8 text');
    this.#checkNumber(bytes, 0);
    for (let at = 0; at < bytes.length;) {
      at = this.#take(bytes, at, Math.min(at + numberBytesMax, bytes.length));
      // So every number that is too long is in the middle of it once.
      this.#checkNumber(bytes, at);
    }
    this.#keepBegun(bytes);
    this.#offset += bytes.length;
  }

  /** @throws JsonProblem when the document is cut short */
  end(): JsonShape {
    if (grammar.isWordWrong(this.#state)) throw this.#wrongWord(this.#state, none, 0);
    if (!this.#utf8.isWhole()) throw new JsonProblem(this.#line, 'is not UTF-8 text');
    if (!grammar.isOver(this.#state) || this.#topLevel === null) {
      throw new JsonProblem(this.#line, this.#topLevel === null ? 'is empty' : 'ends too early');
    }
    return {
      topLevel: this.#topLevel,
      keys: this.#keys,
      closeOffset: this.#closeOffset,
      isEmpty: this.#isEmpty,
      onlyValueOffset: this.#topLevel === 'object' && this.#members === 1 ? this.#firstValueOffset : null,
      repeatedAtLine: this.#repeatedAtLine,
    };
  }

  /** Every byte of a document goes through here. @returns where it stopped: at `to`, or after it, at the end of a text */
  #take(bytes: Uint8Array, from: number, to: number): number {
    let state = this.#state;
    let at = from;
    while (at < to) {
      const byte = bytes[at] ?? 0;
      const next = steps[state + byte] ?? wrong;
      at += 1;
      if (next < marked) {
        state = next;
        continue;
      }
      const before = state;
      state = next - marked;
      if (byte === lineFeed) {
        this.#line += 1;
        if (state !== wrong) continue;
      }
      switch (state) {
        case name:
          if (before === firstName || before === laterName) this.#beginName(at);
          else this.#name.put(byte);
          at = this.#name.putCharacters(bytes, at);
          break;
        case colon:
          state = this.#endName(bytes, at - 1);
          break;
        case textInObject:
        case textInArray:
        case textInDocument:
          at = runEnd(bytes, at, isCharacter);
          break;
        case fractionInObject:
        case fractionInArray:
        case fractionInDocument:
          at = runEnd(bytes, at, isDigit);
          break;
        case closed:
          state = this.#close(before, at - 1);
          break;
        case firstName:
        case firstValue:
          this.#open(byte);
          break;
        // The value's first byte was looked at before the value, and is looked at again.
        case valueInDocument:
          at -= 1;
          this.#noteKind(byte, at);
          break;
        case valueInObject:
          at -= 1;
          this.#firstValueOffset = this.#offset + at;
          break;
        case wrong:
          throw this.#problem(before, bytes, at - 1);
        default:
          // An escape in a name.
          this.#name.put(byte);
      }
    }
    this.#state = state;
    return at;
  }

  #open(byte: number): void {
    this.#depth += 1;
    if (this.#depth > this.#depthMax) {
      throw new JsonProblem(
        this.#line,
        `is nested deeper than ${String(this.#depthMax)} levels`,
        'Raise limits.json_depth if it is meant to be so, then retry it.',
      );
    }
    this.#nesting[this.#depth] = byte === openBrace ? 1 : 0;
    this.#names.open(this.#depth);
  }

  /** @returns the state in which what is around the container goes on */
  #close(before: number, at: number): number {
    this.#names.close(this.#depth);
    this.#depth -= 1;
    if (this.#depth > 0) return this.#nesting[this.#depth] === 1 ? inObject.after : inArray.after;
    this.#closeOffset = this.#offset + at;
    this.#isEmpty = before === firstName || before === firstValue;
    return inDocument.after;
  }

  #beginName(from: number): void {
    this.#name.begin();
    if (this.#depth > 1) return;
    this.#members += 1;
    this.#keyFrom = from;
  }

  /** @returns the state that waits for the colon */
  #endName(bytes: Uint8Array, to: number): number {
    if (this.#names.isTwice(this.#name)) this.#repeatedAtLine ??= this.#line;
    if (this.#depth > 1) return colon;
    if (this.#name.hasEscape || this.#wantedHashes.includes(this.#name.one))
      this.#noteKey(this.#fromBegin(bytes, this.#keyFrom, to));
    return this.#members === 1 ? grammar.notedColon : colon;
  }

  #noteKey(written: Buffer): void {
    if (written.length > keyBytesMax) return;
    const key: unknown = JSON.parse(`"${written.toString()}"`);
    if (typeof key === 'string' && this.#wanted.includes(key)) this.#keys.add(key);
  }

  #noteKind(byte: number, at: number): void {
    if (byte === 0xef && this.#offset + at === 0) {
      throw new JsonProblem(
        this.#line,
        'begins with a byte order mark',
        'Write it as UTF-8 without the mark.',
      );
    }
    if (byte === openBrace) this.#topLevel = 'object';
    else if (byte === openBracket) this.#topLevel = 'array';
    else if (byte === quote) this.#topLevel = 'string';
    else this.#topLevel = grammar.isLetter[byte] === 1 ? 'literal' : 'number';
  }

  /** Of a number that goes on or ends at `at`, with all that is there of it. */
  #checkNumber(bytes: Uint8Array, at: number): void {
    if (grammar.stateAt(this.#state).within !== 'number') return;
    const from = wordBegin(bytes, at, 'number');
    const to = runEnd(bytes, at, grammar.isNumberByte);
    if ((from === 0 ? this.#begun.length : 0) + to - from > numberBytesMax)
      throw new JsonProblem(this.#line, 'a number is far too long');
  }

  /** Keeps of the bytes, which are about to go, what may be asked for when the rest of it has come. */
  #keepBegun(bytes: Uint8Array): void {
    const { within } = grammar.stateAt(this.#state);
    if (within === null || (within === 'name' && this.#depth > 1)) {
      this.#begun = none;
      return;
    }
    const from = within === 'name' ? this.#keyFrom : wordBegin(bytes, bytes.length, within);
    const most = within === 'name' ? keyBytesMax + 1 : numberBytesMax;
    const to = Math.min(bytes.length, from + most);
    this.#begun = this.#fromBegin(bytes, from, to).subarray(0, most);
    this.#keyFrom = 0;
  }

  /** Of a number, a word or a top-level name: what begins at the first of the bytes may have begun before them. */
  #fromBegin(bytes: Uint8Array, from: number, to: number): Buffer {
    return Buffer.concat([from === 0 ? this.#begun : none, bytes.subarray(from, to)]);
  }

  #problem(before: number, bytes: Uint8Array, at: number): JsonProblem {
    const byte = bytes[at] ?? 0;
    if (grammar.isWordWrong(before)) return this.#wrongWord(before, bytes, at);
    const { due } = grammar.stateAt(before);
    if (due === grammar.due.value && (byte === 0x4e || byte === 0x49)) return this.#noNumber();
    const shown =
      byte > 0x20 && byte < 0x7f
        ? `"${String.fromCharCode(byte)}"`
        : `byte 0x${byte.toString(16).padStart(2, '0')}`;
    return new JsonProblem(this.#line, `${due}, found ${shown}`);
  }

  /** A number or a word that is none, and ends at `to`. */
  #wrongWord(state: number, bytes: Uint8Array, to: number): JsonProblem {
    const { due, within } = grammar.stateAt(state);
    const from = wordBegin(bytes, to, within);
    const word = this.#fromBegin(bytes, from, to).toString();
    if (word === '-' && bytes[to] === 0x49) return this.#noNumber();
    return new JsonProblem(this.#line, `"${word.slice(0, shownMax)}" ${due}`);
  }

  #noNumber(): JsonProblem {
    return new JsonProblem(
      this.#line,
      'NaN and Infinity are not JSON',
      'Write null or a number in its place, or have the file sent as text: under a name that ends in .txt.',
    );
  }
}

/** @returns where the number or the word begins that ends at `to` or goes on there */
function wordBegin(bytes: Uint8Array, to: number, within: grammar.State['within']): number {
  const isOfWord = within === 'number' ? grammar.isNumberByte : grammar.isLetter;
  let from = to;
  while (from > 0 && isOfWord[bytes[from - 1] ?? 0] === 1) from -= 1;
  return from;
}
