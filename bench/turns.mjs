/** How long others had to wait for the event loop, as far as the work that is measured is the reason. */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers';

/**
 * The longest turn of the loop, in ms that the main thread had the processor: by the clock it would be what the machine did
 * meanwhile, and of the whole process what V8's other threads compile beside it.
 * @returns ends it, and gives the longest
 */
export function watchTurns() {
  let longestNs = 0;
  let isOver = false;
  let before = mainThreadNs();
  const turn = () => {
    longestNs = Math.max(longestNs, mainThreadNs() - before);
    before = mainThreadNs();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longestNs / 1e6;
  };
}

const mainThreadNs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
