/**
 * Preloaded into a program that is measured (`node --import`): how long its event loop was held at most, and with
 * $BENCH_LAG_LIST when and for how long each time. Written to $BENCH_LAG_FILE on SIGUSR2, and begun anew.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';
import { isMainThread } from 'node:worker_threads';

const resolutionMs = 5;
/** Shorter ones are told by nobody. */
const listedMsMin = 2;
const { BENCH_LAG_FILE: file, BENCH_LAG_LIST: isListed } = process.env;

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const stalls = isListed === undefined ? [] : listed();
  process.on('SIGUSR2', () => {
    const longestMs = Math.max(0, delay.max / 1e6 - resolutionMs);
    writeFileSync(file, JSON.stringify({ longestMs, stalls: stalls.splice(0) }));
    delay.reset();
  });
}

/** @returns a list that grows: the end of each, by the wall clock, and its ms */
function listed() {
  const stalls = [];
  let beforeMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    const ms = nowMs - beforeMs - resolutionMs;
    if (ms > listedMsMin) stalls.push([performance.timeOrigin + nowMs, ms]);
    beforeMs = nowMs;
  }, resolutionMs).unref();
  return stalls;
}
