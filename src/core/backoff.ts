/** How long to wait before the next try: exponential with full jitter, never less than the server asked for. */

export interface BackoffPolicy {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

/**
 * @param tries how often it failed in a row, from 1
 * @param random a number in [0, 1)
 * @param floorMs the server's `Retry-After`, in ms: jitter goes only upwards from it
 * @returns whole ms, as the outbox keeps them
 */
export function backoffMs(tries: number, policy: BackoffPolicy, random: number, floorMs = 0): number {
  // 2 ** 40 is far beyond any ceiling; without the cap a year of tries would be Infinity times zero.
  const ceilingMs = Math.min(
    policy.delayMsMax,
    policy.delayMsMin * 2 ** Math.min(40, Math.max(0, tries - 1)),
  );
  // As wide as the wish is long: everybody who was told the same would come back in the same second.
  if (floorMs > 0)
    return (
      Math.ceil(floorMs) + Math.floor(Math.min(policy.delayMsMax, Math.max(ceilingMs, floorMs)) * random)
    );
  // Half of the ceiling is kept, so that "a try at once" cannot happen by chance a few times in a row.
  return Math.floor(ceilingMs / 2 + (ceilingMs / 2) * random);
}
