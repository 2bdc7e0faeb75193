/** Stories that are let go are gone for good. */
import { expect, test } from 'vitest';
import { thinRuns } from '../../src/service/thinning.ts';

test.each([
  { what: 'a daemon lets none go before its clock has stood for a while', isBrief: false, asked: 0 },
  { what: 'a process that ends sooner lets some go each time', isBrief: true, asked: 1 },
])('$what', async ({ isBrief, asked }) => {
  const stop = new AbortController();
  let times = 0;
  await thinRuns(
    {
      outbox: { thinRuns: () => Promise.resolve((times += 1)) },
      clock: { nowMs: () => 1_800_000_000_000, monotonicMs: () => 0, random: () => 0 },
      keepMs: () => 30 * 86_400_000,
      progress: () => stop.abort(),
      isBrief,
    },
    stop.signal,
  );
  expect(times).toBe(asked);
});
