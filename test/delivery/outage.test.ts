/**
 * Pauses under a clock that is set ahead: days without a platform, an hour with a wrong key, and what is asked meanwhile.
 * Delivery, its outbox and its client are the real ones; the policy is the one that is shipped.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import type { Run } from '../../src/outbox/nouns.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { app, minuteMs, test, type Bench } from './bench.ts';

const hourMs = 60 * minuteMs;

/** Listens to everything. @returns when each request came, by the clock that is set ahead */
function requestsOf(bench: Bench): number[] {
  const timesMs: number[] = [];
  bench.onRequest = ({ phase }) => {
    if (phase === 'received') timesMs.push(bench.clock.monotonicMs());
  };
  return timesMs;
}

/** The most in any minute. */
function busiestMinute(timesMs: readonly number[]): number {
  let most = 0;
  for (let end = 0, start = 0; end < timesMs.length; end += 1) {
    while ((timesMs[end] ?? 0) - (timesMs[start] ?? 0) >= minuteMs) start += 1;
    most = Math.max(most, end - start + 1);
  }
  return most;
}

/** Delivery is woken many times over while the clock stands: whoever asks too early asks now. */
async function turnsManyTimes(bench: Bench): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) {
    bench.delivery.wake();
    // Each of these is answered after what delivery asked of the outbox before it.
    await bench.outbox.counts();
    await sleep(2);
  }
}

/** Goes from the end of one pause to the end of the next, until so much time has passed. */
async function letPassByPauses(bench: Bench, ms: number): Promise<void> {
  const endMs = bench.clock.monotonicMs() + ms;
  for (;;) {
    const pause = await until('delivery to pause', () => bench.delivery.gate.platformPause());
    const waitMs = Math.min(pause.untilMs, endMs) - bench.clock.monotonicMs();
    if (waitMs > 0) bench.letPass(waitMs);
    if (bench.clock.monotonicMs() >= endMs) return;
    // Looked at often, because there are hundreds of these.
    while (bench.delivery.gate.platformPause()?.untilMs === pause.untilMs) await sleep(1);
  }
}

/** Waits for what was under way when the pause began. */
async function lettingGo(bench: Bench): Promise<void> {
  await until('delivery to have let go', () => bench.delivery.inHand() === 0);
}

async function recordsAll(bench: Bench, runs: readonly number[]): Promise<Run[]> {
  return await until('all to be recorded', async () => {
    // The pause that is still running, and the spread of those who come back.
    bench.letPass(1_000);
    const now = await Promise.all(runs.map((run) => bench.run(run)));
    return now.every(({ life }) => life.state.kind === 'recorded') && now;
  });
}

describe('with the policy that is shipped', () => {
  test.override({ policy: defaultPolicy });

  test('three days without the platform cost no run a try, and then everything is delivered', async ({
    bench,
  }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    const sent = bench.creates;
    bench.standIn.faults.always({}, { kind: 'drop', when: 'before' });
    const runs = [];
    for (let n = 0; n < 20; n += 1) runs.push(await bench.track(`during-${n}`));
    const asked = requestsOf(bench);
    await letPassByPauses(bench, 72 * hourMs);

    const { states } = await bench.outbox.counts();
    expect(states).toEqual({ recorded: 1, queued: 20 });
    for (const run of runs) expect((await bench.run(run)).life).toMatchObject({ tries: 0, plainest: false });
    // At the beginning the waits are short, and then there is a probe every few minutes.
    const [firstMs = 0] = asked;
    const later = asked.filter((ms) => ms - firstMs > 10 * minuteMs);
    expect(busiestMinute(later)).toBe(1);
    expect(later.length).toBeGreaterThan(72 * 10);
    expect(asked.length).toBeLessThan(72 * 60);

    bench.calm();
    await recordsAll(bench, runs);
    expect(bench.creates - sent).toBe(runs.length);
    for (const run of runs) expect(await bench.copiesOf(run)).toBe(1);
  });
});

describe('with a key from a file', () => {
  test.override({ policy: defaultPolicy, key: 'right' });

  test('an hour with a key that is refused ends when the file changes: nothing parked, nothing restarted', async ({
    bench,
  }) => {
    const file = join(bench.dir, 'key');
    bench.start();
    await bench.provesThatFingerprintsShow();
    writeFileSync(`${file}.new`, 'wrong');
    renameSync(`${file}.new`, file);
    // A key file is looked at once a second, by the machine's clock.
    const changedMs = performance.now();
    await until('the key to be looked at again', () => performance.now() - changedMs > 1_100);
    const runs = [];
    for (let n = 0; n < 20; n += 1) runs.push(await bench.track(`during-${n}`));
    await until('the pause', () => bench.delivery.gate.platformPause());
    await lettingGo(bench);
    const asked = requestsOf(bench);
    await letPassByPauses(bench, hourMs);
    expect(bench.delivery.gate.platformPause()?.failure).toMatchObject({ class: 'key-refused', status: 401 });
    expect(asked.length).toBeLessThanOrEqual(60);
    expect(asked.length).toBeGreaterThanOrEqual(12);
    expect((await bench.outbox.counts()).states).toEqual({ recorded: 1, queued: 20 });

    writeFileSync(`${file}.new`, 'right\n');
    renameSync(`${file}.new`, file);
    for (const { life } of await recordsAll(bench, runs)) expect(life.tries).toBe(0);
    for (const run of runs) expect(await bench.copiesOf(run)).toBe(1);
  });
});

test.for([
  { wish: 'a part of a second', retryAfter: () => '1.0005' },
  { wish: 'a date', retryAfter: () => new Date(Date.now() + 2_000).toUTCString() },
])(
  'a wish to wait that names $wish is granted, by whomever it is said',
  async ({ retryAfter }, { bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    for (const kind of ['uploadurl', 'put', 'create', 'run'] as const) {
      bench.standIn.faults.next({ kind }, { kind: 'answer', status: 503, retryAfter: retryAfter() });
      const run = await bench.track(`beside-${kind}`);
      await until('the run to be recorded', async () => {
        bench.letPass(1_000);
        return (await bench.run(run)).life.state.kind === 'recorded';
      });
    }
  },
);

describe('during a pause', () => {
  test('of the platform an app that was paused before is not asked for either', async ({ bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    bench.standIn.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 403 });
    const run = await bench.track('waits');
    await until('the app to be paused', () => bench.delivery.gate.appPauses().length === 1);
    bench.standIn.faults.removeAll();
    bench.standIn.faults.always({}, { kind: 'answer', status: 503, retryAfter: '600' });
    bench.letPass(minuteMs);
    await until('the platform to be paused', () => bench.delivery.gate.platformPause());
    bench.letPass(5 * minuteMs);
    await lettingGo(bench);
    const asked = requestsOf(bench);
    await turnsManyTimes(bench);
    expect(asked).toEqual([]);

    bench.calm();
    await recordsAll(bench, [run]);
  });

  test.for(['of the platform', 'of an app'])(
    '%s a probe that is one too many is obeyed',
    async (whom, { bench }) => {
      const isPlatform = whom === 'of the platform';
      const pause = () =>
        isPlatform
          ? bench.delivery.gate.platformPause()
          : (bench.delivery.gate.appPauses()[0]?.pause ?? null);
      bench.start();
      await bench.provesThatFingerprintsShow();
      // A pause that does not end by itself before this test goes on, however slow the machine.
      const refusal = { kind: 'answer', status: isPlatform ? 503 : 403, retryAfter: '60' } as const;
      bench.standIn.faults.always({ kind: 'uploadurl' }, refusal);
      const run = await bench.track('waits');
      await until('the pause', pause);
      await lettingGo(bench);
      // Of two faults the first one happens.
      bench.standIn.faults.removeAll();
      bench.standIn.faults.always({}, { kind: 'answer', status: 429, retryAfter: '600' });
      const asked = requestsOf(bench);
      bench.letPass(2 * minuteMs);
      await until('a probe', () => asked.length > 0);
      await until(
        'what the platform wishes to be obeyed',
        () => (pause()?.untilMs ?? 0) - (asked[0] ?? 0) >= 10 * minuteMs,
      );
      await turnsManyTimes(bench);
      // One run is the probe; its three artefacts are asked for together.
      const probes = asked.length;
      expect(probes).toBeLessThanOrEqual(3);
      bench.letPass(9 * minuteMs);
      await turnsManyTimes(bench);
      expect(asked).toHaveLength(probes);

      bench.calm();
      await recordsAll(bench, [run]);
      expect((await bench.run(run)).key.app).toBe(app);
    },
  );
});

describe('a wish to wait that comes while the probe of a pause is under way', () => {
  test.for([
    { whose: 'the platform', status: 503 },
    { whose: 'an app', status: 403 },
  ])('outlasts the probe, of $whose', async ({ status }, { bench }) => {
    const pause = () =>
      bench.delivery.gate.platformPause() ?? bench.delivery.gate.appPauses()[0]?.pause ?? null;
    bench.start();
    await bench.provesThatFingerprintsShow();
    /** The first request of each kind that is held: for an upload, and of a probe. */
    const held = new Map<string, 'held' | 'let go'>();
    bench.onRequest = async ({ kind, phase }) => {
      if (phase !== 'received' || (kind !== 'uploadurl' && kind !== 'application') || held.has(kind)) return;
      held.set(kind, 'held');
      while (held.get(kind) === 'held') await sleep(1);
    };
    const runs = [await bench.track('slow')];
    await until('it to be slow', () => held.has('uploadurl'));
    bench.standIn.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status });
    runs.push(await bench.track('fails'));
    await until('the pause, and its probe', () => pause() !== null && held.has('application'));
    bench.standIn.faults.removeAll();
    bench.standIn.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status, retryAfter: '600' });
    held.set('uploadurl', 'let go');
    const isWished = (): boolean => (pause()?.untilMs ?? 0) - bench.clock.monotonicMs() > 9 * minuteMs;
    await until('the wish to be heard', isWished);
    const asked = requestsOf(bench);
    held.set('application', 'let go');
    await turnsManyTimes(bench);
    expect(isWished()).toBe(true);
    expect(asked).toEqual([]);

    bench.calm();
    bench.letPass(20 * minuteMs);
    await recordsAll(bench, runs);
  });
});

describe('an app that refuses', () => {
  test('one run after the other pauses: five are parked, the rest wait at no try and go on by themselves', async ({
    bench,
  }) => {
    const refusal = { kind: 'answer', status: 404, body: 'there is no such instance' } as const;
    bench.standIn.faults.always({ kind: 'create', app }, refusal);
    const runs = await Promise.all(Array.from({ length: 12 }, (_, n) => bench.track(`plan-${n}`)));
    bench.start();
    const paused = await until('the app to pause', () => bench.delivery.gate.appPauses()[0]);
    expect(paused).toMatchObject({ app, pause: { failure: { class: 'app-refuses-runs', reach: 'app' } } });
    expect(paused.pause.failure.text).toContain('there is no such instance');
    await bench.reaches(await bench.track('elsewhere', undefined, { ofApp: 'other-app' }), 'recorded');
    await until('several pauses to have ended in vain', () => {
      bench.letPass(1_000);
      return bench.creates > 5 * 2 + 1 + 3 * 7;
    });
    expect((await bench.outbox.counts()).states).toMatchObject({ parked: 5, recorded: 1 });
    for (const run of runs) expect((await bench.run(run)).life.tries).toBe(0);

    bench.calm();
    const isRecorded = async (): Promise<boolean> => {
      bench.letPass(1_000);
      return (await bench.outbox.counts()).states.recorded === 1 + 7;
    };
    await until('those that waited to be recorded', isRecorded);
    expect(bench.delivery.gate.appPauses()).toEqual([]);
    for (const run of runs) expect(await bench.copiesOf(run)).toBeLessThanOrEqual(1);
  });

  test('runs between others that it takes pauses nothing, however many', async ({ bench }) => {
    bench.start();
    for (let n = 0; n < 7; n += 1) {
      const refused = await bench.track(`bad-${n}`, plan(`bad-${n}`, { instance_id: 'not an instance' }));
      await bench.reaches(refused, 'parked');
      await bench.reaches(await bench.track(`good-${n}`), 'recorded');
    }
    expect(bench.delivery.gate.appPauses()).toEqual([]);
  });
});
