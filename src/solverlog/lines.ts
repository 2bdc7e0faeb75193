/**
 * Bytes into lines, without holding more than a chunk and the beginning of one line.
 *
 * A line is handed over as a place in the chunk: most lines say nothing new, and making a string of each would take longer
 * than looking at it. Bytes are taken for Latin-1 while they are looked at, since every solver's own words are ASCII;
 * text that is shown to people is decoded when it is picked out (`readableText`).
 */
import { TextDecoder } from 'node:util';

/** What follows in a longer line is left out: no solver writes one, and a file without line ends must not fill memory. */
export const lineBytesMax = 64 * 1024;

/**
 * @param bytes hold the line only until the end of the chunk
 * @param number of the line, counted from 1
 * @param isCut the log ends without a line end
 */
export type OnLine = (bytes: Uint8Array, from: number, to: number, number: number, isCut: boolean) => void;

const lineFeed = 10;
const carriageReturn = 13;

export class LineReader {
  readonly #onLine: OnLine;
  readonly #ends = new LineEnds();
  /** The beginning of a line whose end has not come yet. */
  readonly #begun = new Uint8Array(lineBytesMax);
  #begunBytes = 0;
  #number = 1;
  #decoder: TextDecoder | null = null;
  #isFirst = true;

  readonly #onChunkEnd: () => void;

  /** @param onChunkEnd comes before the bytes of the lines so far are given up */
  constructor(onLine: OnLine, onChunkEnd: () => void) {
    this.#onLine = onLine;
    this.#onChunkEnd = onChunkEnd;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = this.#decoded(chunk);
    const { length } = bytes;
    this.#ends.look(bytes);
    let from = 0;
    for (let at = this.#ends.next(0); at < length; at = this.#ends.next(at + 1)) {
      const code = bytes[at] ?? 0;
      // Programs that draw a bar end a line with a carriage return only: what stands between two of these is a line too.
      if (code !== lineFeed && code !== carriageReturn) continue;
      if (this.#begunBytes > 0) {
        this.#keep(bytes, from, at);
        this.#endBegun(false);
      } else if (at > from) this.#onLine(bytes, from, Math.min(at, from + lineBytesMax), this.#number, false);
      if (code === lineFeed) this.#number += 1;
      from = at + 1;
    }
    this.#onChunkEnd();
    this.#keep(bytes, from, length);
  }

  /** What came after the last line end is a line too. */
  end(): void {
    if (this.#begunBytes > 0) this.#endBegun(true);
  }

  #endBegun(isCut: boolean): void {
    this.#onLine(this.#begun, 0, this.#begunBytes, this.#number, isCut);
    this.#onChunkEnd();
    this.#begunBytes = 0;
  }

  /** Keeps the beginning of a line, as far as there is room. */
  #keep(bytes: Uint8Array, from: number, to: number): void {
    const room = Math.min(to - from, lineBytesMax - this.#begunBytes);
    this.#begun.set(bytes.subarray(from, from + room), this.#begunBytes);
    this.#begunBytes += room;
  }

  /** What a Windows shell writes when output is redirected becomes UTF-8; a byte order mark is no text. */
  #decoded(chunk: Uint8Array): Uint8Array {
    if (this.#isFirst) {
      this.#isFirst = false;
      const [first, second, third] = chunk;
      if (first === 0xff && second === 0xfe) this.#decoder = new TextDecoder('utf-16le');
      else if (first === 0xfe && second === 0xff) this.#decoder = new TextDecoder('utf-16be');
      else if (first === 0xef && second === 0xbb && third === 0xbf) return chunk.subarray(3);
    }
    return this.#decoder === null
      ? chunk
      : Buffer.from(this.#decoder.decode(chunk, { stream: true }), 'utf8');
  }
}

/** Bytes in a word. */
const wordBytes = 4;

/**
 * Finds what may end a line: a byte up to a carriage return. The one look at every byte of a log, so it takes four at a
 * time: one of them is that small if and only if taking 14 from it borrows from a high bit that was not there.
 */
class LineEnds {
  #bytes: Uint8Array = new Uint8Array();
  #words: Int32Array = new Int32Array();
  /** Where the first word begins: a piece of a buffer may begin anywhere. */
  #offset = 0;

  look(bytes: Uint8Array): void {
    const offset = Math.min(bytes.length, -bytes.byteOffset & (wordBytes - 1));
    const count = Math.floor((bytes.length - offset) / wordBytes);
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer, count === 0 ? 0 : bytes.byteOffset + offset, count);
    this.#offset = offset;
  }

  /** @returns where it stands at or after `from`; the length of the bytes where there is none */
  next(from: number): number {
    const bytes = this.#bytes;
    const words = this.#words;
    const offset = this.#offset;
    const { length } = bytes;
    let at = from;
    while (at < length && ((at - offset) & (wordBytes - 1)) !== 0) {
      if ((bytes[at] ?? 0) <= carriageReturn) return at;
      at += 1;
    }
    const count = words.length;
    for (let word = (at - offset) >> 2; word < count; word += 1) {
      const four = words[word] ?? 0;
      if (((four - 0x0e0e0e0e) & ~four & 0x80808080) !== 0) break;
      at += wordBytes;
    }
    while (at < length && (bytes[at] ?? 0) > carriageReturn) at += 1;
    return at;
  }
}

/** Text that was picked out of a line, for people: decoded, and nothing of the chunk is held. */
export function readableText(picked: string): string {
  return Buffer.from(picked, 'latin1').toString('utf8').replaceAll('\0', '');
}
