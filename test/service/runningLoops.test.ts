/** The loops of the daemon side by side: the first to end by itself stops the others, and none fails in silence. */
import { once } from 'node:events';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Log } from '../../src/system/log.ts';
import { RunningLoops, type Loops } from '../../src/service/runningLoops.ts';

function listening() {
  const lines: { level: string; msg: string; loop?: string }[] = [];
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) },
  );
  return { log, lines };
}

async function runTogether(loops: Loops, stop: AbortSignal, log: Log): Promise<void> {
  const running = new RunningLoops(stop, log);
  running.beginAll(loops);
  await running.ended();
}

const untilStopped = async (stop: AbortSignal): Promise<void> => {
  if (!stop.aborted) await once(stop, 'abort');
};

test('loops that run until they are stopped end in peace', async () => {
  const { log, lines } = listening();
  const stop = new AbortController();
  const running = runTogether({ one: untilStopped, two: untilStopped }, stop.signal, log);
  stop.abort();
  await running;
  expect(lines).toEqual([]);
});

test('a loop that throws stops the others, is logged by its name, and its error comes out when all have ended', async () => {
  const { log, lines } = listening();
  let hasFinished = false;
  const slow = async (stop: AbortSignal): Promise<void> => {
    await untilStopped(stop);
    await new Promise((resolve) => setImmediate(resolve));
    hasFinished = true;
  };
  const failing = () => Promise.reject(new Error('a bug'));
  await expect(runTogether({ slow, failing }, new AbortController().signal, log)).rejects.toThrow('a bug');
  expect(hasFinished).toBe(true);
  expect(lines).toMatchObject([{ level: 'fatal', loop: 'failing' }]);
  expect(lines[0]?.msg).toContain('"failing" failed');
});

test('a loop that ends by itself is a bug too', async () => {
  const { log, lines } = listening();
  const running = runTogether(
    { untilStopped, done: () => Promise.resolve() },
    new AbortController().signal,
    log,
  );
  await expect(running).rejects.toThrow('the loop "done" ended by itself');
  expect(lines).toMatchObject([{ level: 'fatal', loop: 'done' }]);
});

test('a loop that fails while all are being stopped is told all the same', async () => {
  const { log, lines } = listening();
  const stop = new AbortController();
  const lastWords = async (signal: AbortSignal): Promise<void> => {
    await untilStopped(signal);
    throw new Error('at the very end');
  };
  const running = runTogether({ untilStopped, lastWords }, stop.signal, log);
  stop.abort();
  await expect(running).rejects.toThrow('at the very end');
  expect(lines).toMatchObject([{ level: 'fatal', loop: 'lastWords' }]);
});

test('a loop that is ended alone leaves the others running, and one that begins later runs beside them', async () => {
  const { log, lines } = listening();
  const stop = new AbortController();
  const running = new RunningLoops(stop.signal, log);
  const ended: string[] = [];
  const noting =
    (name: string) =>
    async (signal: AbortSignal): Promise<void> => {
      await untilStopped(signal);
      ended.push(name);
    };
  const endFirst = running.begin('first', noting('first'));
  running.begin('second', noting('second'));
  const all = running.ended();
  await endFirst();
  expect(ended).toEqual(['first']);
  running.begin('third', noting('third'));
  stop.abort();
  await all;
  expect(ended.toSorted()).toEqual(['first', 'second', 'third']);
  expect(lines).toEqual([]);
});
