/** Is it UTF-8? Asked of text that comes in pieces, of which each may end within a character. */
import { isUtf8 } from 'node:buffer';

const none = Buffer.alloc(0);
const lineFeed = 0x0a;

export class Utf8Pieces {
  /** A character whose end has not come. */
  #begun: Buffer = none;

  /** @returns null when the next bytes go on as UTF-8, or how many lines of them end before the first that does not */
  push(bytes: Uint8Array): number | null {
    const before = this.#begun;
    return this.#goesOn(bytes) ? null : wholeLines(Buffer.concat([before, bytes]));
  }

  /** Whether no character was left without its end. */
  isWhole(): boolean {
    return this.#begun.length === 0;
  }

  #goesOn(bytes: Uint8Array): boolean {
    let from = 0;
    const [first] = this.#begun;
    if (first !== undefined) {
      from = bytesOf(first) - this.#begun.length;
      const joined = Buffer.concat([this.#begun, bytes.subarray(0, from)]);
      this.#begun = bytesOf(first) > joined.length ? joined : none;
      if (!(this.#begun === joined ? mayGoOn(joined) : isUtf8(joined))) return false;
    }
    if (from >= bytes.length) return true;
    const end = Math.max(from, wholeEnd(bytes));
    if (end < bytes.length) this.#begun = Buffer.from(bytes.subarray(end));
    return isUtf8(bytes.subarray(from, end)) && (end === bytes.length || mayGoOn(this.#begun));
  }
}

/** How long a character is, by its first byte. */
function bytesOf(first: number): number {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** @returns where the last character begins when its end is missing, or the end */
function wholeEnd(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let at = length - 1; at >= Math.max(0, length - 3); at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0xc0) return at + bytesOf(byte) > length ? at : length;
    if (byte < 0x80) return length;
  }
  return length;
}

/** Whether there are bytes that make a character of it. What may follow is always a range, to one end of all or the other. */
function mayGoOn(begun: Buffer): boolean {
  const due = bytesOf(begun[0] ?? 0) - begun.length;
  return [0x80, 0xbf].some((byte) => isUtf8(Buffer.concat([begun, Buffer.alloc(due, byte)])));
}

function wholeLines(text: Buffer): number {
  let lines = 0;
  let from = 0;
  for (;;) {
    const end = text.indexOf(lineFeed, from);
    if (end < 0 || !isUtf8(text.subarray(from, end))) return lines;
    lines += 1;
    from = end + 1;
  }
}
