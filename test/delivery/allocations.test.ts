/** What delivery allocates for a run, as V8 samples it: bytes and not times, so that it says the same on any machine. */
import { Session } from 'node:inspector/promises';
import { expect } from 'vitest';
import { until } from '../journey/waiting.ts';
import { test, type Bench } from './bench.ts';

const runsAtOnce = 64;
/** Before it, functions are not compiled yet and allocate more. */
const warmUpRounds = 3;
const roundsBetween = 6;
/** One sample in so many bytes: thousands of them in a round. */
const samplingBytes = 8_192;
/** Of the thread in which the event loop is, without what holds bodies: that is not of the heap. Some 300 were seen. */
const runKiBMax = 450;

test('what a run allocates is bounded, and does not grow with the runs before it', async ({ bench }) => {
  bench.start();
  let rounds = 0;
  const round = (): Promise<number> => allocatedKiB(bench, (rounds += 1));
  for (let n = 0; n < warmUpRounds; n += 1) await round();
  const first = await round();
  for (let n = 0; n < roundsBetween; n += 1) await round();
  const later = await round();
  expect(first).toBeLessThan(runKiBMax);
  expect(later).toBeLessThan(1.25 * first);
});

/** @returns the KiB that were allocated on the way from a folder to its result, a run */
async function allocatedKiB(bench: Bench, round: number): Promise<number> {
  let asked = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'run' && phase === 'received') asked += 1;
  };
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: samplingBytes,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  const runs = [];
  for (let n = 0; n < runsAtOnce; n += 1) runs.push(bench.track(`run-${String(round)}-${String(n)}`));
  const numbers = await Promise.all(runs);
  await until('the runs to be through', () => asked >= runsAtOnce && bench.delivery.inHand() === 0);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  for (const run of numbers) await bench.reaches(run, 'recorded');
  return bytesOfOurs(profile.head) / 1_024 / runsAtOnce;
}

interface Allocating {
  readonly callFrame: { readonly url: string };
  readonly selfSize: number;
  readonly children: readonly Allocating[];
}

const built = new URL('../../dist/', import.meta.url).href;

/** What our functions allocate and whatever they call, the library for HTTP included; the stand-in is another program. */
function bytesOfOurs({ callFrame: { url }, selfSize, children }: Allocating, isOurs = false): number {
  const ofOurs = url.startsWith(built) ? !url.startsWith(`${built}standin/`) : isOurs && !isApart(url);
  return children.reduce((sum, child) => sum + bytesOfOurs(child, ofOurs), ofOurs ? selfSize : 0);
}

/** The bench begins a log of its own for each run. */
function isApart(url: string): boolean {
  return url.includes('/test/') || url.includes('/node_modules/pino');
}
