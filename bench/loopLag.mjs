/**
 * Preloaded into a program that is measured (`node --import`): how long its event loop was held at most. Written to
 * $BENCH_LAG_FILE on SIGUSR2, and begun anew.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const resolutionMs = 5;
const file = process.env.BENCH_LAG_FILE;

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  process.on('SIGUSR2', () => {
    writeFileSync(file, JSON.stringify({ longestMs: Math.max(0, delay.max / 1e6 - resolutionMs) }));
    delay.reset();
  });
}
