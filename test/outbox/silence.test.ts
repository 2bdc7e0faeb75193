/** What is told of a thread that does not say a word: by whoever asks for it, and in the log. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { answeredMsMax, waitingFor, type OutboxTrouble } from '../../src/core/outboxTrouble.ts';
import { GroupQueue } from '../../src/outbox/groupQueue.ts';
import type { ThreadMessage } from '../../src/outbox/thread.ts';

/** A queue whose thread says what the test wants; `told` is what the log is told of trouble. */
function scene() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const thread = Object.assign(new EventEmitter(), { postMessage: () => undefined });
  const told: (string | null)[] = [];
  const queue = new GroupQueue(thread as unknown as Worker, {
    onTrouble: (trouble: OutboxTrouble | null) => told.push(trouble?.text ?? null),
    onFailure: () => undefined,
  });
  const say = (message: ThreadMessage): boolean => thread.emit('message', message);
  const open = (): boolean => say({ kind: 'open', note: null });
  const reply = (id: number): boolean =>
    say({ kind: 'replies', replies: [{ id, ok: true, value: null }], isUnsynced: false });
  return { queue, told, say, open, reply };
}

const silence = expect.stringMatching(/has not answered for \d+ s/) as unknown;

test('opening that takes long is told once, and that it is over', async () => {
  const { queue, told, open } = scene();
  vi.advanceTimersByTime(answeredMsMax * 10);
  expect(told).toEqual([silence]);
  open();
  await queue.opened;
  expect(told).toEqual([silence, null]);
  vi.advanceTimersByTime(answeredMsMax * 10);
  expect(queue.trouble()).toBeNull();
  expect(told).toHaveLength(2);
});

test('a change that takes long likewise, unless it gets on or is in trouble that has a name', () => {
  const { queue, told, say, open, reply } = scene();
  open();
  const locked = waitingFor('SQLITE_BUSY');
  const ask = (): void => {
    void queue.ask('run', [1]);
    vi.advanceTimersByTime(0);
  };

  ask();
  vi.advanceTimersByTime(answeredMsMax * 10);
  reply(1);
  expect(told.splice(0)).toEqual([silence, null]);

  ask();
  for (let n = 0; n < 10; n += 1) {
    vi.advanceTimersByTime(answeredMsMax - 1);
    say({ kind: 'gettingOn' });
  }
  reply(2);
  expect(told.splice(0)).toEqual([]);

  ask();
  say({ kind: 'trouble', trouble: locked });
  vi.advanceTimersByTime(answeredMsMax * 10);
  say({ kind: 'trouble', trouble: null });
  reply(3);
  expect(told.splice(0)).toEqual([locked?.text, null]);
});

test('nothing is told any more of one that could not be opened', async () => {
  const { queue, told, say } = scene();
  say({ kind: 'failedToOpen', error: { name: 'Error', message: 'no' } });
  await expect(queue.opened).rejects.toThrow('no');
  vi.advanceTimersByTime(answeredMsMax * 10);
  expect(told).toEqual([]);
});
