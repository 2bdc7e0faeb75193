/**
 * Room for what a thread makes and throws away at once, in MiB. V8 would let it grow to 48 a thread when a hundred
 * thousand names pass through, and give it back late or never; in little room it stays in the processor's caches, and
 * costs a run no more.
 */
export const threadMemory = { maxYoungGenerationSizeMb: 4 } as const;
