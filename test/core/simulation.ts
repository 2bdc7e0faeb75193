/** What simulations of many hosts have in common. */

/** mulberry32: chance that is small, and the same on every machine. @returns numbers in [0, 1) */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The most in any second, wherever it begins. */
export function busiestSecond(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let most = 0;
  for (let end = 0, start = 0; end < sorted.length; end += 1) {
    while ((sorted[end] ?? 0) - (sorted[start] ?? 0) >= 1_000) start += 1;
    most = Math.max(most, end - start + 1);
  }
  return most;
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
export const jain = (taken: readonly number[]): number =>
  sum(taken) ** 2 / (taken.length * sum(taken.map((count) => count ** 2)));
