/** Whether a name stands twice in one object, told from hashes: a document may have more names than fit into memory. */
import * as grammar from './jsonGrammar.ts';

/**
 * Names that are remembered of an object, to tell that one stands twice: an object with thousands is a table, whose names
 * are the solver's data.
 */
const namesOfObjectMax = 64;
/** Names that are remembered of all open objects. */
const namesMax = 8_192;
const backslash = 0x5c;
const { isCharacter } = grammar;

/** Two hashes of a name as it is written: one name in 2^64 is taken for another. */
export class NameHash {
  #one = 0;
  #other = 0;
  #hasEscape = false;

  static of(name: Uint8Array): NameHash {
    const hash = new NameHash();
    hash.begin();
    hash.putCharacters(name, 0);
    return hash;
  }

  get one(): number {
    return this.#one;
  }

  get other(): number {
    return this.#other;
  }

  get hasEscape(): boolean {
    return this.#hasEscape;
  }

  begin(): void {
    this.#hasEscape = false;
    this.#one = 0x811c9dc5 | 0;
    this.#other = 0x9747b28c | 0;
  }

  put(byte: number): void {
    if (byte === backslash) this.#hasEscape = true;
    this.#one = Math.imul(this.#one ^ byte, 0x01000193);
    this.#other = Math.imul(this.#other ^ byte, 0x5bd1e995) ^ (this.#other >>> 15);
  }

  /** @returns where the first byte is that is no character of a name */
  putCharacters(bytes: Uint8Array, from: number): number {
    const { length } = bytes;
    let one = this.#one;
    let other = this.#other;
    let at = from;
    for (; at < length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (isCharacter[byte] === 0) break;
      one = Math.imul(one ^ byte, 0x01000193);
      other = Math.imul(other ^ byte, 0x5bd1e995) ^ (other >>> 15);
    }
    this.#one = one;
    this.#other = other;
    return at;
  }
}

/** The names of the objects that are open. */
export class OpenNames {
  readonly #ones = new Int32Array(namesMax);
  readonly #others = new Int32Array(namesMax);
  #count = 0;
  /** Where those of the innermost object begin. */
  #from = 0;
  /** A bit for each of them, by its hash: most names are new, and are seen to be new by their bit. */
  #bits = 0;
  readonly #fromBefore: Uint32Array;
  readonly #bitsBefore: Int32Array;
  readonly #fullObject = new FullObject();

  constructor(depthMax: number) {
    this.#fromBefore = new Uint32Array(depthMax + 1);
    this.#bitsBefore = new Int32Array(depthMax + 1);
  }

  open(depth: number): void {
    this.#fromBefore[depth] = this.#from;
    this.#bitsBefore[depth] = this.#bits;
    this.#from = this.#count;
    this.#bits = 0;
  }

  close(depth: number): void {
    this.#fullObject.forget(this.#from);
    this.#count = this.#from;
    this.#from = this.#fromBefore[depth] ?? 0;
    this.#bits = this.#bitsBefore[depth] ?? 0;
  }

  /** Remembers a name of the innermost object. @returns whether it stood there before */
  isTwice({ one, other }: NameHash): boolean {
    const count = this.#count;
    const isFull = count - this.#from >= namesOfObjectMax;
    const bit = 1 << one;
    if ((this.#bits & bit) !== 0 && !(isFull && this.#fullObject.isNew(one, this.#ones, this.#from))) {
      for (let at = this.#from; at < count; at += 1)
        if (this.#ones[at] === one && this.#others[at] === other) return true;
    }
    if (isFull || count >= namesMax) return false;
    this.#ones[count] = one;
    this.#others[count] = other;
    this.#count = count + 1;
    this.#bits |= bit;
    return false;
  }
}

/** An object of which no more names are remembered may be a table of millions, and all bits are taken. */
class FullObject {
  readonly #isTaken = new Uint8Array(4_096);
  #from = -1;

  /** Whether none of the object's names has a hash that is anything like it. */
  isNew(hash: number, hashes: Int32Array, from: number): boolean {
    const isTaken = this.#isTaken;
    const placeOf = (one: number): number => one & (isTaken.length - 1);
    if (this.#from !== from) {
      this.#from = from;
      isTaken.fill(0);
      for (const one of hashes.subarray(from, from + namesOfObjectMax)) isTaken[placeOf(one)] = 1;
    }
    return isTaken[placeOf(hash)] === 0;
  }

  forget(from: number): void {
    if (this.#from === from) this.#from = -1;
  }
}
