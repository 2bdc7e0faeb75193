/** One status for all who look: asked for now and then, and by one at a time. */
import { expect, test } from 'vitest';
import type { StatusView } from '../../src/http/operations.ts';
import { SharedStatus } from '../../src/http/sharedStatus.ts';

interface Waiting {
  readonly resolve: (status: StatusView) => void;
  readonly reject: (error: Error) => void;
}

function begun() {
  let nowMs = 0;
  const waiting: Waiting[] = [];
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, random: () => 0.5 };
  const ask = (): Promise<StatusView> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
  const status = new SharedStatus(ask, clock);
  return { status, waiting, pass: (ms: number) => void (nowMs += ms) };
}

const named = (host: string): StatusView => ({ host }) as StatusView;

test('while an answer is waited for nobody asks again, however long it takes', async () => {
  const { status, waiting, pass } = begun();
  const first = status.get();
  pass(60_000);
  const second = status.get();
  expect(waiting).toHaveLength(1);
  waiting[0]?.resolve(named('one'));
  expect([await first, await second]).toEqual([named('one'), named('one')]);
  const third = status.get();
  expect(waiting).toHaveLength(2);
  waiting[1]?.resolve(named('two'));
  expect(await third).toEqual(named('two'));
});

test('an answer is good for a second, and none at all for nobody', async () => {
  const { status, waiting, pass } = begun();
  const failed = status.get();
  waiting[0]?.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  const first = status.get();
  waiting[1]?.resolve(named('one'));
  await first;
  pass(999);
  await status.get();
  expect(waiting).toHaveLength(2);
  pass(1);
  void status.get();
  expect(waiting).toHaveLength(3);
});
