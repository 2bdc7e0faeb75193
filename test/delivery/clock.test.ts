/** The machine's clock is set by a day, forwards or back: nothing is sent twice by it, and nothing waits for it. */
import { describe, expect, vi } from 'vitest';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

const dayMs = 24 * 60 * minuteMs;
const jumps = [
  { name: 'forwards', byMs: dayMs },
  { name: 'back', byMs: -dayMs },
];

test('a clock that is set back while a listing is concluded does not make that confirm itself', async ({
  bench,
}) => {
  bench.start();
  const run = await bench.trackLost();
  const unknownDue = bench.outbox.unknownDue.bind(bench.outbox);
  let asked = 0;
  vi.spyOn(bench.outbox, 'unknownDue').mockImplementation(async (...question) => {
    asked += 1;
    if (asked === 1) bench.setClock(-60 * minuteMs);
    return await unknownDue(...question);
  });
  let [listings, beforeSending, askedByFirst] = [0, 0, 0];
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'received' && listings === 1 && askedByFirst === 0) askedByFirst = asked;
    if (kind === 'list' && phase === 'done') listings += 1;
    if (kind === 'create' && phase === 'received') beforeSending = listings;
  };
  // It was due for so long that it still is by the clock that was set.
  bench.letPass(180 * minuteMs);
  await until('it to be recorded', async () => {
    const { kind } = (await bench.run(run)).life.state;
    // Not during an upload, which would be too slow for its URL.
    if (kind === 'unknown' && asked > 0) bench.letPass(minuteMs);
    return kind === 'recorded';
  });
  // The late one, and the one that confirms it.
  expect(beforeSending).toBeGreaterThanOrEqual(2);
  // The run, and that there is no other: it does not come up once more, again and again.
  expect(askedByFirst).toBe(2);
  expect(bench.creates).toBe(3);
  expect(await bench.copiesOf(run)).toBe(1);
});

describe.for(jumps)('a clock that is set $name by a day', ({ byMs }) => {
  test('while runs are on their way harms none of them', async ({ bench }) => {
    bench.start();
    let asked = 0;
    bench.onRequest = ({ phase }) => {
      if (phase !== 'received') return;
      asked += 1;
      // In the middle of uploads, of requests that make runs, of everything.
      if (asked % 25 === 0 && asked <= 50) bench.setClock(byMs);
    };
    const runs = await Promise.all(Array.from({ length: 12 }, (_, n) => bench.track(`run-${n}`)));
    for (const run of runs) expect((await bench.reaches(run, 'recorded')).life.tries).toBe(0);
    expect(asked).toBeGreaterThan(50);
    expect(bench.creates).toBe(runs.length);
  });

  test('makes no lost request an old one', async ({ bench }) => {
    bench.start();
    const run = await bench.trackLost();
    let listings = 0;
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'list' && phase === 'done') listings += 1;
    };
    bench.setClock(byMs);
    // Listings after the jump: by the clock that was set, one of them is a day late.
    for (let looks = 1; looks <= 3; looks += 1) {
      bench.letPass(6 * minuteMs);
      // One that is under way just now has begun before the time passed.
      await until('another listing', async () => {
        if (listings >= looks) return true;
        await bench.retry(run);
        return false;
      });
    }
    expect((await bench.run(run)).life.state.kind).toBe('unknown');
    expect(bench.creates).toBe(2);
    // A listing that was under way has begun before; so time goes on until one has not.
    await until('it to be recorded', async () => {
      const { kind } = (await bench.run(run)).life.state;
      // Not during an upload, which would be too slow for its URL.
      if (kind === 'unknown') bench.letPass(minuteMs);
      return kind === 'recorded';
    });
    expect(bench.creates).toBe(3);
    expect(await bench.copiesOf(run)).toBe(1);
  });

  test('together with that of a stand-in on the same machine loses no run that was made before', async ({
    bench,
  }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    // While the clock is as it was the list cannot be had.
    bench.standIn.faults.always({ kind: 'list' }, { kind: 'answer', status: 503 });
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    const run = await bench.track('answer lost');
    await bench.reaches(run, 'unknown');
    bench.setMachineClock(byMs);
    bench.calm();
    let minutes = 0;
    await until('it to be recorded', async () => {
      const { kind } = (await bench.run(run)).life.state;
      if (kind === 'unknown') {
        minutes += 1;
        bench.letPass(minuteMs);
      }
      return kind === 'recorded';
    });
    // Not only when the clock has caught up.
    expect(minutes).toBeLessThan(600);
    expect(bench.creates).toBe(2);
    expect(await bench.copiesOf(run)).toBe(1);
  });

  test('keeps no run waiting for longer than it had to', async ({ bench }) => {
    bench.start();
    bench.standIn.faults.finalAfterMs = 2 * minuteMs;
    const run = await bench.track('plan');
    await until('it to wait', async () => {
      const { dueAtMs, life } = await bench.run(run);
      return life.state.kind === 'tracked' && (dueAtMs ?? 0) > bench.clock.nowMs();
    });
    bench.setClock(byMs);
    await until('it to be recorded', async () => {
      bench.letPass(minuteMs);
      return (await bench.run(run)).life.state.kind === 'recorded';
    });
    expect(Math.abs((await bench.run(run)).sinceMs - bench.clock.nowMs())).toBeLessThan(60 * minuteMs);
  });

  test('ends no pause late', async ({ bench }) => {
    bench.start();
    bench.standIn.faults.always({}, { kind: 'answer', status: 503 });
    const run = await bench.track('plan');
    await until('delivery to pause', () => bench.delivery.gate.platformPause() !== null);
    bench.setClock(byMs);
    bench.calm();
    await bench.reaches(run, 'recorded');
    expect(bench.creates).toBe(1);
  });
});

/** Ids that are dead are refused, and the run would go on in its plainest form. */
async function expectSentWithYoungIds(bench: Bench, run: number): Promise<void> {
  const sent = bench.creates;
  bench.calm();
  await until('it to be recorded', async () => {
    bench.letPass(300);
    return (await bench.run(run)).life.state.kind === 'recorded';
  });
  expect((await bench.run(run)).life.plainest).toBe(false);
  expect(bench.creates).toBe(sent + 1);
}

test('a deleted run is not taken for gone for long because the clock was set', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.finalAfterMs = 10 * minuteMs;
  const run = await bench.track('plan');
  await bench.reaches(run, 'tracked');
  bench.standIn.faults.always({ kind: 'run' }, { kind: 'answer', status: 404 });
  bench.letPass(minuteMs);
  await until('it to be missed', async () => {
    const { state } = (await bench.run(run)).life;
    return state.kind === 'tracked' && state.notFoundSinceMs !== null;
  });
  bench.setClock(dayMs);
  const { triesTotal } = await bench.run(run);
  await until('it to be missed again', async () => {
    // The app pauses in between, and half a minute is far from the twenty that a run has to be missed for.
    bench.letPass(1_000);
    return (await bench.run(run)).triesTotal > triesTotal + 2;
  });
  expect((await bench.run(run)).life.state.kind).toBe('tracked');
  bench.calm();
  bench.letPass(10 * minuteMs);
  await bench.reaches(run, 'recorded');
});

test('a clock that is set back by minutes makes no upload id young again', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  for (const kind of ['create', 'application'] as const)
    bench.standIn.faults.always({ kind }, { kind: 'answer', status: 401 });
  const run = await bench.track('aged');
  await bench.reaches(run, 'uploaded');
  await until('everything to wait for a valid key', () => bench.delivery.gate.platformPause() !== null);
  bench.letPass(11 * minuteMs);
  const askedAtMs = async (): Promise<number> => {
    const { state } = (await bench.run(run)).life;
    return state.kind === 'uploaded' ? (state.uploads[0]?.askedAtMs ?? 0) : 0;
  };
  const before = await askedAtMs();
  bench.setClock(-10 * minuteMs);
  await until('what waits to be counted anew', async () => (await askedAtMs()) < before - 9 * minuteMs);
  bench.letPass(5 * minuteMs);
  await expectSentWithYoungIds(bench, run);
});

test('a machine that sleeps while a run waits makes no upload id young again', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  for (const kind of ['create', 'application'] as const)
    bench.standIn.faults.always({ kind }, { kind: 'answer', status: 401 });
  const run = await bench.track('aged');
  await bench.reaches(run, 'uploaded');
  await until('everything to wait for a valid key', () => bench.delivery.gate.platformPause() !== null);
  const clockSet = vi.spyOn(bench.outbox, 'clockSet');
  bench.sleep(60 * minuteMs);
  await until('what waits to be counted anew', () => clockSet.mock.settledResults.length > 0);
  await expectSentWithYoungIds(bench, run);
});

test('nor does one that sleeps during an upload', async ({ bench }) => {
  let asleep = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind !== 'put' || phase !== 'done' || asleep > 0) return;
    asleep += 1;
    bench.sleep(60 * minuteMs);
  };
  const run = await bench.track('aged');
  bench.start();
  expect((await bench.reaches(run, 'recorded')).life.plainest).toBe(false);
  expect(asleep).toBe(1);
  expect(bench.creates).toBe(1);
});
