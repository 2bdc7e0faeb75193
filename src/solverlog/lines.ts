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
    let from = 0;
    for (let at = 0; at < length; at += 1) {
      // The one loop over every byte: nothing above a carriage return is of interest.
      let code = bytes[at] ?? 0;
      while (code > carriageReturn && at + 1 < length) {
        at += 1;
        code = bytes[at] ?? 0;
      }
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

/** Text that was picked out of a line, for people: decoded, and nothing of the chunk is held. */
export function readableText(picked: string): string {
  return Buffer.from(picked, 'latin1').toString('utf8').replaceAll('\0', '');
}
