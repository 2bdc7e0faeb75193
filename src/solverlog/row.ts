/**
 * A row of a progress table, word by word from its end: solvers leave columns at the front of a row empty, those at its
 * end they rarely do. Nothing is copied.
 */
import { isBlank, isDigit, numberIn, textIn } from './numbers.ts';

/** Rows with more words are none. */
const wordsMax = 40;

export class Row {
  #bytes: Uint8Array = new Uint8Array();
  #from = 0;
  #to = 0;
  readonly #starts = new Int32Array(wordsMax);
  readonly #ends = new Int32Array(wordsMax);
  #found = 0;
  #at = 0;

  /** Looks at `bytes` from `from` to `to`; the words are found when they are asked for. */
  set(bytes: Uint8Array, from: number, to: number): this {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#found = 0;
    this.#at = to;
    return this;
  }

  /** Where the character stands at or after `column`, counted from 0; -1: nowhere. */
  find(char: string, column: number): number {
    const code = char.charCodeAt(0);
    for (let at = this.#from + column; at < this.#to; at += 1)
      if (this.#bytes[at] === code) return at - this.#from;
    return -1;
  }

  /** What stands between two columns. */
  textOf(from: number, to: number): string {
    return textIn(this.#bytes, this.#from + from, this.#from + to);
  }

  /** The number between two columns, with blanks around it or none. */
  numberOf(from: number, to: number): number {
    let [start, end] = [this.#from + from, this.#from + to];
    while (start < end && isBlank(this.#bytes[start] ?? 0)) start += 1;
    while (end > start && isBlank(this.#bytes[end - 1] ?? 0)) end -= 1;
    return numberIn(this.#bytes, start, end);
  }

  /** Whether there are at least so many words. */
  has(words: number): boolean {
    while (this.#found < words) if (!this.#findNext()) return false;
    return true;
  }

  /** Finds one more word before those that are known. */
  #findNext(): boolean {
    if (this.#found === wordsMax) return false;
    const bytes = this.#bytes;
    let end = this.#at;
    while (end > this.#from && isBlank(bytes[end - 1] ?? 0)) end -= 1;
    if (end === this.#from) return false;
    let start = end - 1;
    while (start > this.#from && !isBlank(bytes[start - 1] ?? 0)) start -= 1;
    this.#starts[this.#found] = start;
    this.#ends[this.#found] = end;
    this.#found += 1;
    this.#at = start;
    return true;
  }

  /** @param fromEnd 0 for the last word; @param unit a letter or sign that has to follow the number, e.g. `s` */
  number(fromEnd: number, unit = ''): number {
    if (!this.has(fromEnd + 1)) return NaN;
    const start = this.#starts[fromEnd] ?? 0;
    let end = this.#ends[fromEnd] ?? 0;
    if (unit !== '') {
      if (this.#bytes[end - 1] !== unit.charCodeAt(0)) return NaN;
      end -= 1;
    }
    return numberIn(this.#bytes, start, end);
  }

  /** Whether this is the word. */
  is(fromEnd: number, word: string): boolean {
    if (!this.has(fromEnd + 1)) return false;
    const start = this.#starts[fromEnd] ?? 0;
    if ((this.#ends[fromEnd] ?? 0) - start !== word.length) return false;
    for (let at = 0; at < word.length; at += 1)
      if (this.#bytes[start + at] !== word.charCodeAt(at)) return false;
    return true;
  }

  /** Whether the character is anywhere in the word. */
  contains(fromEnd: number, char: string): boolean {
    if (!this.has(fromEnd + 1)) return false;
    const code = char.charCodeAt(0);
    const end = this.#ends[fromEnd] ?? 0;
    for (let at = this.#starts[fromEnd] ?? 0; at < end; at += 1) if (this.#bytes[at] === code) return true;
    return false;
  }

  /** Whether these characters stand at `column`, counted from 0. */
  hasAt(column: number, chars: string): boolean {
    const from = this.#from + column;
    if (from + chars.length > this.#to) return false;
    for (let at = 0; at < chars.length; at += 1)
      if (this.#bytes[from + at] !== chars.charCodeAt(at)) return false;
    return true;
  }

  /** Whether the word ends in this character. */
  endsIn(fromEnd: number, char: string): boolean {
    if (!this.has(fromEnd + 1)) return false;
    return this.#bytes[(this.#ends[fromEnd] ?? 0) - 1] === char.charCodeAt(0);
  }

  /** Whether the word begins like a number. */
  isNumber(fromEnd: number): boolean {
    if (!this.has(fromEnd + 1)) return false;
    const start = this.#starts[fromEnd] ?? 0;
    const code = this.#bytes[start] ?? 0;
    return (
      isDigit(code) || ((code === 45 || code === 43 || code === 46) && isDigit(this.#bytes[start + 1] ?? 0))
    );
  }
}
