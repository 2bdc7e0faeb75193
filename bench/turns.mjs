/** How long others had to wait for the event loop, as far as the work that is measured is the reason. */
import { setImmediate } from 'node:timers';

/**
 * The longest turn of the loop, in ms of the processor: by the clock it would be what the machine did meanwhile.
 * @returns ends it, and gives the longest
 */
export function watchTurns() {
  let longestUs = 0;
  let isOver = false;
  let before = process.cpuUsage();
  const turn = () => {
    const { user, system } = process.cpuUsage(before);
    longestUs = Math.max(longestUs, user + system);
    before = process.cpuUsage();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longestUs / 1_000;
  };
}
