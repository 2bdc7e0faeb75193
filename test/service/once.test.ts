/** When `run --once` ends by itself. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { OutboxTrouble } from '../../src/core/outboxTrouble.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { deliverOnce, type OnceParts } from '../../src/service/once.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';

const hour = 3_600_000;
const locked: OutboxTrouble = { text: 'another program has locked the outbox', hint: 'End it.' };

/** An outbox with one run that is on its way, until it is recorded. */
function scene() {
  let ms = 0;
  let state = 'queued';
  let [release, answering]: [() => void, Promise<void>] = [() => undefined, Promise.resolve()];
  const trouble = vi.fn((): OutboxTrouble | null => null);
  const counts = vi.fn(async () => {
    await answering;
    return { states: { [state]: 1 }, folders: [] };
  });
  const outbox = {
    trouble,
    counts,
    foreignDue: () => Promise.resolve([]),
    newestChangeMs: () => Promise.resolve(0),
  } as unknown as Outbox;
  const parts = {
    outbox,
    delivery: { inHand: () => 0, pagesRead: () => 0, pause: () => null, pausedApps: () => [] },
    dropRoots: { intakes: [], named: () => null },
    platformId: 'https://platform.test',
    clock: { ...machineClock, monotonicMs: () => ms },
    waitMsMax: hour,
    stop: new AbortController().signal,
    begin: (stop: AbortSignal) => ({
      ended: () => new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve())),
    }),
  } as unknown as OnceParts;
  /** Waits until it was asked so often once more. */
  const askedAgain = async (asked: typeof trouble | typeof counts, times = 2): Promise<void> => {
    const before = asked.mock.calls.length;
    await until('it to look again', () => asked.mock.calls.length >= before + times);
  };
  onTestFinished(() => release());
  return {
    parts,
    trouble,
    counts,
    askedAgain,
    pass: (passedMs: number) => void (ms += passedMs),
    record: () => void (state = 'recorded'),
    holdUp: () => {
      trouble.mockReturnValue(locked);
      answering = new Promise((resolve) => (release = resolve));
    },
    letGo: () => {
      trouble.mockReturnValue(null);
      release();
    },
  };
}

test('it ends when there was no progress for so long', async () => {
  const { parts, counts, askedAgain, pass } = scene();
  const outcome = deliverOnce(parts);
  await askedAgain(counts, 3);
  pass(hour);
  expect(await outcome).toMatchObject({ recorded: 0, undelivered: 1 });
});

test('what an outbox in trouble holds up is no lack of progress: it goes on when that is over', async () => {
  const { parts, trouble, counts, askedAgain, pass, record, holdUp, letGo } = scene();
  const outcome = deliverOnce(parts);
  await askedAgain(counts, 3);
  pass(hour - 1);
  holdUp();
  pass(hour - 1);
  await askedAgain(trouble);
  letGo();
  await askedAgain(counts, 3);
  record();
  expect(await outcome).toMatchObject({ recorded: 1, undelivered: 0 });
});
