/** Folders that are not finished with: each is looked at again when it can have become complete, whatever else goes on. */
import { expect } from 'vitest';
import type { Run } from '../../src/outbox/nouns.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

/** More than are looked at one by one at a scan. */
const many = 100;
/** Longer than any of these takes, and far shorter than the deadline. */
const patienceMs = 30_000;

function dropMany(root: Root): string[] {
  return Array.from({ length: many }, (_, n) => root.drop(`run-${String(n)}`));
}

test('folders that have become quiet while an answer about them was awaited are looked at again', async ({
  root,
}) => {
  const quietMs = 50;
  const folders = dropMany(root);
  const unasked = new Set<number>();
  const slow = {
    ...root.outbox,
    run: async (run: number): Promise<Run | null> => {
      const askedMs = performance.now();
      if (unasked.delete(run))
        await until('the quiet time to pass', () => performance.now() - askedMs > quietMs);
      return await root.outbox.run(run);
    },
  };
  root.start({ settle: { quietMs, deadlineMs: 3_600_000 } }, false, { outbox: slow });
  await until('all to be runs', async () => (await root.count('queued')) === many, patienceMs);
  for (let run = 1; run <= many; run += 1) unasked.add(run);
  for (const folder of folders) writeFiles(folder, plan(`${folder} again`));
  await until('all to be seen', () => unasked.size === 0, patienceMs);
  await until(
    'all to be new runs',
    async () => (await root.outbox.counts()).states.superseded === many,
    patienceMs,
  );
  expect((await root.outbox.counts()).states).toEqual({ queued: many, superseded: many });
});
