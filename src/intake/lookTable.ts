/**
 * What is remembered of folders that were found to be as recorded, in arrays of numbers: 19 to 28 bytes a folder, because
 * there may be hundreds of thousands, and an object takes ten times as much.
 *
 * It is asked by a number made of the signature that the outbox has of a folder, and a digest that has to agree holds the
 * whole signature. So nothing is ever believed for another one, and two folders of one number only push each other out.
 */

/** Of 14 bytes each. */
const slotsMax = 1_500_000;
const slotsMin = 256;
/** Beyond that it takes long to find out that something is not there. */
const fullness = 0.75;
/** What was not met for so many rounds of the audit is another folder's by now, or nobody's. */
const roundsMax = 2;

interface Slots {
  /** 0: nothing is there. */
  readonly keys: Uint32Array;
  /** Two words each. */
  readonly digests: Uint32Array;
  readonly trails: Uint8Array;
  /** When it was last met. */
  readonly rounds: Uint8Array;
}

export class LookTable {
  readonly #slotsMax: number;
  #slots = emptySlots(slotsMin);
  #used = 0;
  #roomSoughtIn: number | null = null;

  /** @param max how many slots there are at the most */
  constructor(max = slotsMax) {
    this.#slotsMax = max;
  }

  /** How many folders are remembered. */
  get size(): number {
    return this.#used;
  }

  /** @returns the slot of a signature; null: there is none */
  find(signature: string): number | null {
    const slot = this.#slotOf(keyOf(signature));
    return this.#slots.keys[slot] === 0 ? null : slot;
  }

  /** The number under which `put` was told the trail. */
  trailAt(slot: number): number {
    return at(this.#slots.trails, slot);
  }

  hasDigest(slot: number, digest: Buffer): boolean {
    const { digests } = this.#slots;
    return digests[2 * slot] === digest.readUInt32LE(0) && digests[2 * slot + 1] === digest.readUInt32LE(4);
  }

  /** It is of use in this round. */
  meet(slot: number, round: number): void {
    this.#slots.rounds[slot] = round;
  }

  /** Where there is no room, nothing is remembered. @param trail a number below 256 */
  put(signature: string, digest: Buffer, trail: number, round: number): void {
    const key = keyOf(signature);
    let slot = this.#slotOf(key);
    if (this.#slots.keys[slot] === 0) {
      if (this.#isFull() && !this.#makeRoom(round)) return;
      slot = this.#slotOf(key);
      this.#used += 1;
    }
    const { keys, digests, trails } = this.#slots;
    keys[slot] = key;
    digests[2 * slot] = digest.readUInt32LE(0);
    digests[2 * slot + 1] = digest.readUInt32LE(4);
    trails[slot] = trail;
    this.meet(slot, round);
  }

  #isFull(): boolean {
    return this.#used + 1 > this.#slots.keys.length * fullness;
  }

  /** The slot that has the key, or the free one where it would stand. */
  #slotOf(key: number): number {
    const { keys } = this.#slots;
    let slot = key % keys.length;
    while (keys[slot] !== key && keys[slot] !== 0) slot = (slot + 1) % keys.length;
    return slot;
  }

  /** Lets go of what was not met for long, and grows by what is left. @returns whether there is room now */
  #makeRoom(round: number): boolean {
    const before = this.#slots;
    // It is gone through once a round where it may not grow any more.
    if (this.#roomSoughtIn === round && before.keys.length >= this.#slotsMax) return false;
    this.#roomSoughtIn = round;
    const isMet = (slot: number): boolean => ((round - at(before.rounds, slot)) & 0xff) < roundsMax;
    const kept = [...before.keys.keys()].filter((slot) => before.keys[slot] !== 0 && isMet(slot));
    this.#slots = emptySlots(Math.min(this.#slotsMax, Math.max(slotsMin, 2 * kept.length)));
    this.#used = kept.length;
    for (const from of kept) {
      const key = at(before.keys, from);
      const to = this.#slotOf(key);
      this.#slots.keys[to] = key;
      this.#slots.digests.set(before.digests.subarray(2 * from, 2 * from + 2), 2 * to);
      this.#slots.trails[to] = at(before.trails, from);
      this.#slots.rounds[to] = at(before.rounds, from);
    }
    return !this.#isFull();
  }
}

function emptySlots(count: number): Slots {
  return {
    keys: new Uint32Array(count),
    digests: new Uint32Array(2 * count),
    trails: new Uint8Array(count),
    rounds: new Uint8Array(count),
  };
}

/** A signature is a digest itself: a few of its signs are as good a number as any. Never 0. */
function keyOf(signature: string): number {
  let key = 0;
  for (let n = 0; n < 8; n += 1) key = Math.imul(key, 31) + signature.charCodeAt(n);
  return key >>> 0 || 1;
}

function at(array: Uint8Array | Uint32Array, index: number): number {
  return array[index] ?? 0;
}
