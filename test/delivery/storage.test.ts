/** Storage in trouble: uploads wait, everything else goes on, nobody pays for it, and it heals by itself. */
import { describe, expect } from 'vitest';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test } from './bench.ts';

/** As S3 says what a status does not tell. */
function sayingCode(code: string): Misbehaviour {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>So it is.</Message></Error>`;
  return { kind: 'answer', status: 400, body };
}

const ofStorage: { name: string; fault: Misbehaviour; class: string }[] = [
  { name: '503', fault: { kind: 'answer', status: 503 }, class: 'storage-trouble' },
  { name: 'a request that it waited for', fault: sayingCode('RequestTimeout'), class: 'storage-trouble' },
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

test('uploads do not pause for ever when all that waited for storage have vanished', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.always({ kind: 'put' }, { kind: 'answer', status: 503 });
  const runs = await Promise.all(Array.from({ length: 4 }, (_, n) => bench.track(`run-${n}`)));
  await until('uploads to pause', () => bench.delivery.storage.pause() !== null);
  const chance = { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy };
  const [last = 0, ...others] = runs;
  for (const run of others) await bench.outbox.apply(run, { kind: 'vanished' }, chance);
  // One is left that may try.
  for (let minute = 0; minute < 5; minute += 1) {
    bench.letPass(minuteMs);
    await bench.outbox.counts();
    expect(bench.delivery.storage.pause()).not.toBeNull();
  }
  await bench.outbox.apply(last, { kind: 'vanished' }, chance);
  await until('uploads to go on', () => {
    bench.letPass(minuteMs);
    return bench.delivery.storage.pause() === null;
  });
  expect((await bench.outbox.counts()).states).toEqual({ gone: 4 });
  bench.calm();
  await bench.reaches(await bench.track('fresh'), 'recorded');
});

test('files that storage never takes delay no other run, and are not given up', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.always({ kind: 'put', app: 'poison-app' }, { kind: 'drop', when: 'before' });
  const poison = await bench.track('poison', undefined, { ofApp: 'poison-app' });
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

test.for([400, 404, 405, 409, 411, 451])(
  'storage that answers %i to all for hours parks nobody, and all is delivered afterwards',
  async (status, { bench }) => {
    bench.start();
    bench.standIn.faults.always({ kind: 'put' }, { kind: 'answer', status });
    const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => bench.track(`run-${n}`)));
    const pause = await until('uploads to pause', () => bench.delivery.storage.pause());
    expect(pause.failure).toMatchObject({ class: 'storage-refuses-runs', status });
    const tried = new Set<number>();
    await until('many a run to have tried in vain', () => {
      bench.letPass(10 * minuteMs);
      tried.add(bench.delivery.storage.pause()?.untilMs ?? 0);
      return tried.size > 3 * bench.policy.runTriesMax;
    });
    expect((await bench.outbox.counts()).states).toEqual({ queued: 20 });

    bench.calm();
    for (const run of runs) await bench.reaches(run, 'recorded');
    expect(bench.delivery.storage.pause()).toBeNull();
    expect(bench.creates).toBe(runs.length);
  },
);

test('a run that storage refuses alone is set aside, and others go on', async ({ bench }) => {
  bench.start();
  bench.standIn.faults.always({ kind: 'put', app: 'poison-app' }, { kind: 'answer', status: 404 });
  const poison = [];
  for (const name of ['poison', 'more poison'])
    poison.push(await bench.track(name, undefined, { ofApp: 'poison-app' }));
  const fine = await Promise.all(['fine', 'fine as well'].map((name) => bench.track(name)));
  for (const run of fine) await bench.reaches(run, 'recorded');
  for (const run of poison) {
    const { life, triesTotal } = await bench.reaches(run, 'parked');
    expect(life.state).toMatchObject({ reason: { class: 'storage-refused' } });
    expect(triesTotal).toBe(bench.policy.runTriesMax);
  }
  expect(bench.delivery.storage.pause()).toBeNull();
});

test('outputs that storage does not give back are waited for, and none is given up', async ({ bench }) => {
  bench.start();
  // What lands in between says that storage is well, so that each is asked for when all have landed.
  bench.standIn.faults.finalAfterMs = 60 * minuteMs;
  bench.standIn.faults.always({ kind: 'download' }, { kind: 'answer', status: 404 });
  const runs: number[] = [];
  for (let n = 0; n < 8; n += 1) {
    const { 'output.json': output, ...rest } = plan(`run-${n}`);
    runs.push(await bench.track(`run-${n}`, { ...rest, 'output.txt': JSON.stringify(output) }));
  }
  for (const run of runs) await bench.reaches(run, 'tracked');
  bench.letPass(2 * 60 * minuteMs);
  const { sinceMs } = await until('storage to be what is wrong', () => bench.delivery.storage.pause());
  let asked = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'download' && phase === 'received') asked += 1;
  };
  for (let passed = 0; passed < 20; passed += 1) {
    asked = 0;
    bench.letPass(10 * minuteMs);
    await until('all to have been asked for', () => asked >= 8 && bench.delivery.inHand() === 0);
  }
  // It is one pause, though nothing is left to be uploaded: they are the ones that find its end.
  expect(bench.delivery.storage.pause()?.sinceMs).toBe(sinceMs);
  expect((await bench.outbox.counts()).states).toEqual({ final: 8 });
  bench.calm();
  for (const run of runs) await bench.reaches(run, 'recorded');
  expect(bench.delivery.storage.pause()).toBeNull();
});

test.for<{ name: string; fault: Misbehaviour }>([
  { name: 'dead', fault: { kind: 'answer', status: 403 } },
  { name: 'signed by what has expired', fault: sayingCode('ExpiredToken') },
])('a URL that was $name is asked for once more at once', async ({ fault }, { bench }) => {
  bench.start();
  bench.standIn.faults.next({ kind: 'put' }, fault);
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
