/** Chance that can be had again: the same seed gives the same numbers. */

/** @param {number} seed @returns a generator of numbers in [0, 1) and what is made of them (mulberry32) */
export function chanceOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    /** A whole number from `least` to `most`. */
    whole: (least, most) => least + Math.floor(next() * (most - least + 1)),
    one: (values) => values[Math.floor(next() * values.length)],
    shuffled: (values) => {
      const all = [...values];
      for (let at = all.length - 1; at > 0; at -= 1) {
        const other = Math.floor(next() * (at + 1));
        [all[at], all[other]] = [all[other], all[at]];
      }
      return all;
    },
  };
}
