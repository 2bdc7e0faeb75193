/** Whom an error of the server concerns: what it stumbles over waits, and nobody else does for longer than a moment. */
import { describe, expect } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { until } from '../journey/waiting.ts';
import { chance, newRun } from '../outbox/runs.ts';
import { app, minuteMs, test, type Bench } from './bench.ts';

const error = { kind: 'answer', status: 500 } as const;

/** Counts requests of a kind about the app, from now on. */
function counting(bench: Bench, wanted: string): () => number {
  let seen = 0;
  bench.onRequest = ({ kind, app: of, phase }) => {
    if (kind === wanted && of === app && phase === 'received') seen += 1;
  };
  return () => seen;
}

/** Nothing fails any more: it is recorded once, and no list is said to be unreadable. */
async function expectHealed(bench: Bench, run: number): Promise<void> {
  bench.calm();
  await until('it to be recorded', async () => {
    bench.letPass(10_000);
    return (await bench.run(run)).life.state.kind === 'recorded';
  });
  expect(await bench.copiesOf(run)).toBe(1);
  expect(bench.delivery.unreadableLists()).toEqual([]);
}

describe('with the waits that are shipped', () => {
  test.override({ policy: { backoff: defaultPolicy.backoff } });

  test.for(['run', 'list'] as const)(
    'a %s that is answered with an error each time waits by itself, and other runs go on',
    async (kind, { bench }) => {
      bench.start();
      await bench.provesThatFingerprintsShow();
      bench.standIn.faults.always({ kind, app }, error);
      if (kind === 'list')
        bench.standIn.faults.next({ kind: 'create', app }, { kind: 'drop', when: 'after' });
      const asked = counting(bench, kind);
      const met = await bench.track('met by errors');
      await bench.reaches(met, kind === 'run' ? 'tracked' : 'unknown');
      await until('six errors', () => {
        bench.letPass(10_000);
        return asked() >= 6;
      });
      // It is asked for ever more rarely, and nobody waits for that.
      const before = asked();
      const fresh = await Promise.all(
        Array.from({ length: 5 }, (_, n) => bench.track(`fresh-${n}`, undefined, { ofApp: 'other-app' })),
      );
      for (const run of fresh) await bench.reaches(run, 'recorded', 20_000);
      expect(bench.delivery.gate.platformPause()).toBeNull();
      expect(asked() - before).toBeLessThanOrEqual(1);
      expect(bench.delivery.unreadableLists()).toMatchObject(
        kind === 'list' ? [{ app, failure: { status: 500 } }] : [],
      );

      await expectHealed(bench, met);
    },
  );

  test.for<{ name: string; fault: Misbehaviour; class: string }>([
    { name: 'forbidden', fault: { kind: 'answer', status: 403 }, class: 'app-forbidden' },
    { name: 'refused', fault: { kind: 'answer', status: 400 }, class: 'refused' },
    {
      name: 'without an end',
      fault: { kind: 'answer', status: 200, body: '{"runs":[],"next_page_token":"again"}' },
      class: 'list-loops',
    },
  ])('a list that is $name waits by itself, and other runs of its app do not', async (given, { bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    bench.standIn.faults.always({ kind: 'list', app }, given.fault);
    bench.standIn.faults.next({ kind: 'create', app }, { kind: 'drop', when: 'after' });
    const asked = counting(bench, 'list');
    const met = await bench.track('looked for');
    await bench.reaches(met, 'unknown');
    let pausesOfApp = 0;
    await until('several lists', () => {
      bench.letPass(10_000);
      pausesOfApp += bench.delivery.gate.appPauses().length;
      return asked() >= 12;
    });
    expect(pausesOfApp).toBe(0);
    const before = asked();
    for (let n = 0; n < 5; n += 1)
      await bench.reaches(await bench.track(`fresh-${String(n)}`), 'recorded', 20_000);
    expect(asked() - before).toBeLessThanOrEqual(2);
    expect(bench.delivery.unreadableLists()).toMatchObject([{ app, failure: { class: given.class } }]);

    await expectHealed(bench, met);
  });

  test.for<{ name: string; fault: Misbehaviour }>([
    { name: 'is answered with an error', fault: error },
    { name: 'is cut off', fault: { kind: 'drop', when: 'before' } },
    { name: 'is forbidden', fault: { kind: 'answer', status: 403 } },
    { name: 'is refused', fault: { kind: 'answer', status: 400 } },
  ])(
    'a list that $name before the first run of its app is sent keeps that app waiting, and nobody else more than once',
    async ({ fault }, { bench }) => {
      bench.standIn.faults.always({ kind: 'list', app }, fault);
      let probes = 0;
      let lists = 0;
      bench.onRequest = ({ kind, app: of, phase }) => {
        if (phase !== 'received') return;
        if (kind === 'application') probes += 1;
        if (kind === 'list' && of === app) lists += 1;
      };
      const waiting = await Promise.all(Array.from({ length: 5 }, (_, n) => bench.track(`waits-${n}`)));
      bench.start();
      await until('several lists', () => {
        bench.letPass(10_000);
        return lists >= 6;
      });
      expect(probes).toBeLessThanOrEqual(1);
      for (let n = 0; n < 5; n += 1)
        await bench.reaches(await bench.track(`fresh-${n}`, undefined, { ofApp: 'other-app' }), 'recorded');
      expect(bench.delivery.gate.platformPause()).toBeNull();
      expect(bench.delivery.gate.appPauses()).toEqual([]);
      expect(bench.delivery.unreadableLists()).toMatchObject([{ app }]);
      expect(bench.delivery.pausedApps()).toMatchObject([{ app }]);
      expect(bench.creates).toBe(5);
      for (const run of waiting) {
        expect((await bench.run(run)).life).toMatchObject({ state: { kind: 'queued' }, tries: 0 });
      }
      for (const run of waiting) await expectHealed(bench, run);
      expect(bench.delivery.pausedApps()).toEqual([]);
    },
  );

  test('delivery is no loop that hangs while a list that cannot be read keeps all that waits from being sent', async ({
    bench,
  }) => {
    bench.standIn.faults.always({ kind: 'list', app }, { kind: 'answer', status: 403 });
    const lists = counting(bench, 'list');
    const waiting = await bench.track('waits');
    bench.start();
    // By then it is read again every few minutes only.
    await until('several lists', () => {
      bench.letPass(10_000);
      return lists() >= 9;
    });
    const rest = () => bench.progress.all().find(({ name }) => name === 'delivery')?.agoMs ?? Infinity;
    for (let minute = 0; minute < 20; minute += 1) {
      bench.letPass(minuteMs);
      await until('delivery to have shown that it moves', () => rest() < minuteMs);
    }
    await expectHealed(bench, waiting);
  });

  test('runs that the platform does not know any more are asked for so rarely that others are sent', async ({
    bench,
  }) => {
    bench.start();
    bench.standIn.faults.always({ kind: 'run', app }, { kind: 'answer', status: 404 });
    const polls = counting(bench, 'run');
    const gone = await bench.track('gone');
    await bench.reaches(gone, 'tracked');
    await until('it to be set aside', async () => {
      bench.letPass(1_000);
      return (await bench.run(gone)).life.state.kind === 'parked';
    });
    expect((await bench.run(gone)).life.state).toMatchObject({ reason: { class: 'run-deleted' } });
    expect(polls()).toBeLessThan(20);
    // What is told once is told.
    expect(
      (await bench.outbox.history(gone)).filter(({ note }) => note.includes('does not know')),
    ).toHaveLength(2);
  });
});

test('a long list of which a page fails now and then is read to its end all the same', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  await bench.foreignRuns(40);
  bench.standIn.faults.pageSize = 2;
  let pages = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind !== 'list' || phase !== 'received') return;
    pages += 1;
    if (pages % 5 === 0) bench.standIn.faults.next({ kind: 'list' }, error);
  };
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  const met = await bench.track('met');
  await bench.reaches(met, 'recorded');
  expect(pages).toBeGreaterThan(20);
  bench.calm();
  expect(await bench.copiesOf(met)).toBe(1);
});

test.for<{ name: string; fault: Misbehaviour }>([
  { name: 'is answered with errors', fault: error },
  { name: 'is not answered at all', fault: { kind: 'drop', when: 'before' } },
])('a pause ends although an app $name, which then waits alone', async ({ fault }, { bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.always({ app: 'broken-app' }, fault);
  const broken = await bench.track('broken', undefined, { ofApp: 'broken-app' });
  await until('its app to wait', () =>
    bench.delivery.gate.appPauses().some((one) => one.app === 'broken-app'),
  );
  await bench.reaches(await bench.track('fresh'), 'recorded');
  await until('the pause of all to be over', () => bench.delivery.gate.platformPause() === null);
  bench.calm();
  await bench.reaches(broken, 'recorded');
});

test('an app that pauses, and of which no probe is answered, pauses everybody once and then waits alone', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.always({ kind: 'create', app: 'sick-app' }, { kind: 'answer', status: 403 });
  bench.standIn.faults.always({ kind: 'application', app: 'sick-app' }, { kind: 'drop', when: 'before' });
  let probes = 0;
  const pausesOfAll = new Set<number>();
  bench.onRequest = ({ kind, app: of, phase }) => {
    if (kind === 'application' && of === 'sick-app' && phase === 'received') probes += 1;
    const pause = bench.delivery.gate.platformPause();
    if (pause !== null) pausesOfAll.add(pause.sinceMs);
  };
  const sick = await bench.track('sick', undefined, { ofApp: 'sick-app' });
  await until('several probes', () => {
    bench.letPass(10_000);
    return probes >= 8;
  });
  expect(pausesOfAll.size).toBe(1);
  expect(bench.delivery.gate.platformPause()).toBeNull();
  await bench.reaches(await bench.track('fresh'), 'recorded');
  bench.calm();
  await bench.reaches(sick, 'recorded');
});

test.for<{
  name: string;
  wanted: { kind?: 'uploadurl' | 'create'; app: string };
  status: number;
  ends: 'recorded' | 'parked';
}>([
  {
    name: 'each of whose requests to make a run is met by an error',
    wanted: { kind: 'create', app: 'sick-app' },
    status: 500,
    // No list of that app was ever seen to show a fingerprint.
    ends: 'parked',
  },
  {
    name: 'each of whose runs is met by errors',
    wanted: { kind: 'uploadurl', app: 'sick-app' },
    status: 500,
    ends: 'recorded',
  },
  { name: 'alone that the key is refused for', wanted: { app: 'sick-app' }, status: 401, ends: 'recorded' },
])('an app $name pauses everybody once, and then alone', async ({ wanted, status, ends }, { bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.always(wanted, { kind: 'answer', status });
  const pausesOfAll = new Set<number>();
  const pausedAlone = new Set<string>();
  let asked = 0;
  bench.onRequest = ({ app: of, phase }) => {
    if (of === 'sick-app' && phase === 'received') asked += 1;
    const pause = bench.delivery.gate.platformPause();
    if (pause !== null) pausesOfAll.add(pause.sinceMs);
    for (const paused of bench.delivery.gate.appPauses()) pausedAlone.add(paused.app);
  };
  const sick: number[] = [];
  for (let n = 0; n < 20; n += 1)
    sick.push(await bench.track(`sick-${String(n)}`, undefined, { ofApp: 'sick-app' }));
  await until('its runs to have been tried again and again', () => {
    bench.letPass(1_000);
    return asked >= 40;
  });
  expect(pausesOfAll.size).toBe(1);
  await bench.reaches(await bench.track('fresh'), 'recorded');
  expect(bench.delivery.gate.platformPause()).toBeNull();
  expect([...pausedAlone]).toEqual(['sick-app']);
  bench.calm();
  for (const run of sick) {
    await until(`it to be ${ends}`, async () => {
      bench.letPass(minuteMs);
      return (await bench.run(run)).life.state.kind === ends;
    });
  }
});

test.for([
  { what: 'accept no key', status: 401 },
  { what: 'answer with errors', status: 500 },
])(
  'five apps that $what, and have waited for longest, stop no app that is well',
  async ({ status }, { bench }) => {
    const apps = Array.from({ length: 5 }, (_, n) => `sick-${String(n)}`);
    for (const app of apps) bench.standIn.faults.always({ app }, { kind: 'answer', status });
    for (const app of apps) await bench.track(app, undefined, { ofApp: app });
    bench.start();
    await until('a pause of all', () => bench.delivery.gate.platformPause() !== null);
    const fresh = await bench.track('fresh');
    await until('the run of the other app to be recorded', async () => {
      bench.letPass(minuteMs);
      return (await bench.run(fresh)).life.state.kind === 'recorded';
    });
    // And so do those that come after it.
    const next = await bench.track('next');
    await until('the next one to be recorded', async () => {
      bench.letPass(1_000);
      return (await bench.run(next)).life.state.kind === 'recorded';
    });
  },
);

describe('while a paused app is slow to say whether its pause is over', () => {
  /** @returns how often it was asked, of which none is answered before the bench ends */
  async function pausesSlowly(bench: Bench): Promise<() => number> {
    let probes = 0;
    bench.onRequest = async ({ kind, app: of, phase }) => {
      if (kind !== 'application' || of !== 'slow-app' || phase !== 'received') return;
      probes += 1;
      await new Promise((resolve) => setTimeout(resolve, 30_000).unref());
    };
    bench.standIn.faults.always({ kind: 'create', app: 'slow-app' }, { kind: 'answer', status: 403 });
    bench.start();
    await bench.track('refused', undefined, { ofApp: 'slow-app' });
    await until('it to be asked', () => probes > 0);
    return () => probes;
  }

  test('runs of other apps go on, and it is asked once', async ({ bench }) => {
    const probes = await pausesSlowly(bench);
    for (let n = 0; n < 3; n += 1) await bench.reaches(await bench.track(`fresh-${n}`), 'recorded', 10_000);
    expect(probes()).toBe(1);
    expect(bench.delivery.gate.appPauses()).toMatchObject([{ app: 'slow-app' }]);
    expect(bench.delivery.gate.platformPause()).toBeNull();
  });

  test('a shutdown does not wait for it', async ({ bench }) => {
    await pausesSlowly(bench);
    const beganMs = performance.now();
    await bench.stopLoops();
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  });
});

test('the end of a pause is not asked of an app of another platform, whose runs wait here', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  await bench.outbox.enqueue(newRun({ app: 'foreign-app' }), { ...chance, nowMs: Date.now() });
  const asked: string[] = [];
  bench.onRequest = ({ kind, app: of, phase }) => {
    if (kind === 'application' && phase === 'received') asked.push(of ?? '');
  };
  bench.standIn.faults.next({ kind: 'uploadurl' }, { kind: 'answer', status: 503 });
  await bench.reaches(await bench.track('plan'), 'recorded');
  expect(asked).toContain(app);
  expect(asked).not.toContain('foreign-app');
  expect(bench.delivery.gate.appPauses()).toEqual([]);
});

test('a run whose request is answered with an error each time asks for a person after a day, and is sent all the same', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.always({ kind: 'create' }, error);
  const run = await bench.track('stumbled over');
  const began = bench.clock.nowMs();
  const asking = async () =>
    (await bench.outbox.lastingUnclear(bench.clock.nowMs() - 24 * 60 * minuteMs, 9)).length;
  while (bench.clock.nowMs() - began < 23 * 60 * minuteMs) {
    bench.letPass(25 * minuteMs);
    await bench.missedOnce(run).catch(() => undefined);
    expect(await asking()).toBe(0);
  }
  const sent = bench.creates;
  expect(sent).toBeGreaterThan(2);
  bench.letPass(2 * 60 * minuteMs);
  expect(await asking()).toBe(1);
  bench.calm();
  await until('it to be recorded', async () => {
    bench.letPass(minuteMs);
    return (await bench.run(run)).life.state.kind === 'recorded';
  });
  expect(await asking()).toBe(0);
  expect(await bench.copiesOf(run)).toBe(1);
});
