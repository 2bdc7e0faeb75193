/** Runs that ended while the clock was ahead are at rest from when it is right again, and not from when it gets there. */
import { expect, test } from 'vitest';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { chance, later, newRun, now, opened } from './runs.ts';

const dayMs = 86_400_000;
/** More than are pulled in one change while the daemon runs. */
const ahead = 120;

/** How the clock is put right: while the process watches, or while none runs. */
const ways = [
  { when: 'under the daemon', set: (outbox: Outbox) => outbox.clockSet(-dayMs, now + 1_000) },
  { when: 'before it starts again', set: (outbox: Outbox) => outbox.takeOver(later(1_000)) },
];

test.each(ways)('a clock that was a day ahead and is put right $when', async ({ set }) => {
  const outbox = await opened();
  const recorded = async (path: string, at: typeof chance): Promise<void> => {
    await outbox.enqueue(newRun({ path, believed: { runId: `run-${path}` } }), at);
  };
  await recorded('before', chance);
  for (let n = 0; n < ahead; n += 1) await recorded(`ahead-${String(n)}`, later(dayMs));
  const atRest = async (ms: number): Promise<number> =>
    (await outbox.archiveCandidates('plans', '', now + ms, 1_000)).length;
  expect(await atRest(dayMs - 1)).toBe(1);
  await set(outbox);
  // Since then, and no earlier than that: nobody knows since when they really are.
  expect(await atRest(999)).toBe(1);
  expect(await atRest(1_000)).toBe(ahead + 1);
  expect(await outbox.thinRuns(now + 1_000, 1_000)).toBe(ahead + 1);
});
