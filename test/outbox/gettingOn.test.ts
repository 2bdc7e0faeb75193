/** A change of very many rows takes longer than anyone waits for a disk, and is no disk that is stuck. */
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { answeredMsMax } from '../../src/core/outboxTrouble.ts';
import { GroupQueue } from '../../src/outbox/groupQueue.ts';
import type { OperationName } from '../../src/outbox/operations.ts';
import type { ThreadMessage } from '../../src/outbox/thread.ts';
import { machineClock } from '../../src/system/clock.ts';
import { chance, later, newRun, now, temporaryFolder } from './runs.ts';

test.each([
  { what: 'distrust of a restored outbox', name: 'beginDistrust', args: ['a reason', null, later(1)] },
  // By its clock the requests of all of them have not ended yet.
  { what: 'taking an outbox over', name: 'takeOver', args: [later(-1)] },
] as const)('$what is not given up while it gets on, and its silence counts', async ({ name, args }) => {
  const thread = new Worker(new URL('../../dist/outbox/thread.js', import.meta.url), {
    workerData: { stateDir: temporaryFolder(), mayReplace: false },
  });
  const queue = new GroupQueue(thread, { onTrouble: () => undefined, onFailure: () => undefined });
  onTestFinished(() => queue.close());
  await queue.opened;
  const ask = async (asked: OperationName, values: readonly unknown[]) => await queue.ask(asked, values);
  await ask('freezeHost', ['solver-7', now]);
  await Promise.all(
    Array.from({ length: 1_001 }, (_, n) => ask('enqueue', [newRun({ path: `run-${n}` }), chance])),
  );
  // The other has to do with those that are looked for.
  if (name !== 'beginDistrust') await ask('beginDistrust', ['a reason', null, chance]);

  let ms = 0;
  vi.spyOn(machineClock, 'monotonicMs').mockImplementation(() => ms);
  onTestFinished(() => void vi.restoreAllMocks());
  const seen: { readonly afterWord: unknown; readonly afterSilence: unknown }[] = [];
  thread.on('message', ({ kind }: ThreadMessage) => {
    if (kind !== 'gettingOn') return;
    const afterWord = queue.trouble();
    ms += answeredMsMax;
    seen.push({ afterWord, afterSilence: queue.trouble()?.text });
  });
  await ask(name, args);
  expect(seen.length).toBeGreaterThan(1);
  for (const { afterWord, afterSilence } of seen) {
    expect(afterWord).toBeNull();
    expect(afterSilence).toContain('has not answered for 10 s');
  }
  expect(queue.trouble()).toBeNull();
});
