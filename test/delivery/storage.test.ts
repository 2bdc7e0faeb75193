/** Storage in trouble: uploads wait, everything else goes on, nobody pays for it, and it heals by itself. */
import { describe, expect } from 'vitest';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test } from './bench.ts';

const ofStorage: { name: string; fault: Misbehaviour; class: string }[] = [
  { name: '503', fault: { kind: 'answer', status: 503 }, class: 'storage-trouble' },
  { name: '403 to every URL', fault: { kind: 'answer', status: 403 }, class: 'upload-url-dead' },
  { name: 'a sign-in page', fault: { kind: 'answer', status: 302, body: '<html>' }, class: 'intercepted' },
  { name: 'reset connections', fault: { kind: 'drop', when: 'before' }, class: 'storage-unreachable' },
];

describe.for(ofStorage)('while storage answers with $name', ({ fault, class: name }) => {
  test('uploads pause, what is uploaded goes on, no try is spent, and all is delivered afterwards', async ({
    bench,
  }) => {
    bench.start();
    bench.standIn.faults.finalAfterMs = 60 * minuteMs;
    const earlier = await bench.track('earlier');
    await bench.reaches(earlier, 'tracked');
    bench.standIn.faults.always({ kind: 'put' }, fault);
    const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => bench.track(`run-${n}`)));
    await until('uploads to pause', () => bench.delivery.storage.pause() !== null);
    expect(bench.delivery.storage.pause()?.failure.class).toBe(name);
    // The API is asked as before: the earlier run ends while storage is away.
    bench.letPass(2 * 60 * minuteMs);
    await bench.reaches(earlier, 'recorded');
    expect(bench.delivery.gate.platformPause()).toBeNull();
    for (const run of runs)
      expect((await bench.run(run)).life).toMatchObject({ state: { kind: 'queued' }, tries: 0 });

    bench.calm();
    for (const run of runs) await bench.reaches(run, 'recorded');
    expect(bench.delivery.storage.pause()).toBeNull();
    expect(bench.creates).toBe(1 + runs.length);
  });
});

test('while uploads pause one run at a time tries, not each of a thousand', async ({ bench }) => {
  bench.start();
  let puts = 0;
  bench.standIn.faults.always({ kind: 'put' }, { kind: 'answer', status: 503 });
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'put' && phase === 'received') puts += 1;
  };
  await Promise.all(Array.from({ length: 60 }, (_, n) => bench.track(`run-${n}`)));
  await until('uploads to pause', () => bench.delivery.storage.pause() !== null);
  await until('what was in hand to be put down', () => bench.delivery.inHand() === 0);
  puts = 0;
  const pauses = new Set<number>();
  await until('five pauses to have ended in vain', () => {
    pauses.add(bench.delivery.storage.pause()?.untilMs ?? 0);
    return pauses.size > 5;
  });
  // A run has three artefacts.
  expect(puts).toBeLessThanOrEqual(3 * pauses.size);
});

test('files that storage never takes delay no other run, and are not given up', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.always({ kind: 'put', app: 'poison-app' }, { kind: 'drop', when: 'before' });
  const poison = await bench.track('poison', undefined, false, 'poison-app');
  const fine: number[] = [];
  for (let n = 0; (await bench.run(poison)).triesTotal < 5; n += 1) {
    fine.push(await bench.track(`fine-${n}`));
    await bench.reaches(fine.at(-1) ?? 0, 'recorded');
  }
  expect(bench.delivery.storage.pause()).toBeNull();
  expect((await bench.run(poison)).life).toMatchObject({ state: { kind: 'queued' }, tries: 0 });
  bench.calm();
  await bench.reaches(poison, 'recorded');
  expect(bench.creates).toBe(1 + fine.length);
});

test('a URL that was dead is asked for once more at once', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.next({ kind: 'put' }, { kind: 'answer', status: 403 });
  const run = await bench.track('plan');
  const { life, triesTotal } = await bench.reaches(run, 'recorded');
  expect(life.tries).toBe(0);
  expect(triesTotal).toBe(1);
});

describe('a link that is too slow for the lifetime of upload URLs', () => {
  test('is said, and the run is set aside only after several tries', async ({ bench }) => {
    bench.start();
    let puts = 0;
    bench.onRequest = ({ kind, phase }) => {
      if (kind !== 'put' || phase !== 'received') return;
      puts += 1;
      bench.letPass(13 * minuteMs);
    };
    const run = await bench.track('plan');
    const parked = await until('it to be parked', async () => {
      bench.letPass(minuteMs);
      const { life } = await bench.run(run);
      return life.state.kind === 'parked' && life.state;
    });
    expect(parked.reason.class).toBe('link-too-slow');
    expect(parked.reason.text).toMatch(/too slow for the lifetime of upload URLs/);
    expect(parked.hint).toMatch(/faster link/);
    expect(puts).toBeGreaterThanOrEqual(bench.policy.runTriesMax);
    expect(bench.creates).toBe(0);

    bench.onRequest = null;
    await bench.retry(run);
    await bench.reaches(run, 'recorded');
    expect(bench.creates).toBe(1);
  });

  test('that becomes fast again delivers', async ({ bench }) => {
    bench.start();
    let slow = 2;
    bench.onRequest = ({ kind, phase }) => {
      if (kind !== 'put' || phase !== 'received' || slow === 0) return;
      slow -= 1;
      bench.letPass(13 * minuteMs);
    };
    const run = await bench.track('plan');
    await until('it to be recorded', async () => {
      bench.letPass(minuteMs);
      return (await bench.run(run)).life.state.kind === 'recorded';
    });
    expect(bench.creates).toBe(1);
  });
});
