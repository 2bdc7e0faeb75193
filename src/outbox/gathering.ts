/** Which of the changes that are asked for leave at once, and which wait a moment for others to share their sync. */
import { isDurable, type Asked } from './durability.ts';

/** From so many runs under way on, others are about to ask: with fewer, a change would wait for nobody. */
const crowdMin = 8;
/** Changes of this share of the runs are worth a sync, and not fewer. */
const shareOfCrowd = 1 / 8;
const togetherMin = 4;
/** No change waits longer than this, in ms: little beside what a run takes when many are under way. */
export const heldMsMax = 25;

/** Whoever asks one of these goes on when it is answered, and what is asked meanwhile for the same claim stays behind it. */
const patient: readonly string[] = ['conclude', 'enqueue'];

/**
 * @param crowd how many runs are under way
 * @param heldMs for how long one of them has been waiting
 * @returns held: to be asked again; both in their order
 */
export function parted<Request extends Asked>(
  requests: readonly Request[],
  crowd: number,
  heldMs: number,
): { readonly leaving: readonly Request[]; readonly held: readonly Request[] } {
  const durable = requests.filter(isDurable);
  const mayWait =
    crowd >= crowdMin &&
    heldMs < heldMsMax &&
    durable.length < Math.max(togetherMin, crowd * shareOfCrowd) &&
    durable.every(({ name }) => patient.includes(name));
  if (!mayWait) return { leaving: requests, held: [] };
  // A release that overtook its claim's conclusion would end the claim before it, and the conclusion be dropped.
  const inHeldHands = new Set(durable.map(runInHand));
  const isHeld = (request: Request): boolean => {
    const run = runInHand(request);
    return isDurable(request) || (run !== null && inHeldHands.has(run));
  };
  return {
    leaving: requests.filter((request) => !isHeld(request)),
    held: requests.filter((request) => isHeld(request)),
  };
}

/** Whose claim the change is about; null: it names none. */
function runInHand({ args: [hand] }: Asked): number | null {
  const isHand = typeof hand === 'object' && hand !== null && 'fence' in hand && 'run' in hand;
  return isHand && typeof hand.run === 'number' ? hand.run : null;
}
