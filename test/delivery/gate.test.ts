/** Whom a failure reaches, how long the pause is, and what ends it. */
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import { Gate } from '../../src/delivery/gate.ts';

const policy = { delayMsMin: 1_000, delayMsMax: 60_000 };
const failure = (reach: Failure['reach'], more: Partial<Failure> = {}): Failure => ({
  class: 'trouble',
  text: 'trouble',
  hint: 'wait',
  reach,
  ...more,
});
const random = 0.999;

test.each(['run', 'storage', 'results'] as const)(
  'a failure that reaches %s pauses neither platform nor app',
  (reach) => {
    const gate = new Gate(policy);
    expect(gate.note(failure(reach), 'one-app', 'run 1', 0, random).newPause).toBeNull();
    expect(gate.platformPause()).toBeNull();
    expect(gate.appPauses()).toEqual([]);
  },
);

test('a failure of an app pauses that app alone', () => {
  const gate = new Gate(policy);
  expect(gate.note(failure('app'), 'one-app', 'run 1', 0, random).newPause).toBe('app');
  expect(gate.platformPause()).toBeNull();
  expect(gate.appPauses().map(({ app }) => app)).toEqual(['one-app']);
});

test('what was under way when a pause began does not make it longer', () => {
  const gate = new Gate(policy);
  expect(gate.note(failure('platform'), 'one-app', 'run 1', 0, random).newPause).toBe('platform');
  const first = gate.platformPause()?.untilMs ?? 0;
  for (let late = 0; late < 30; late += 1)
    expect(gate.note(failure('platform'), 'one-app', 'run 1', first - 1, random).newPause).toBeNull();
  expect(gate.platformPause()?.untilMs).toBe(first);
});

test('pauses grow with each failure in a row, also over probes that got through', () => {
  const gate = new Gate(policy);
  const waits: number[] = [];
  for (let nowMs = 0, turn = 0; turn < 8; turn += 1) {
    gate.note(failure('platform'), 'one-app', 'run 1', nowMs, random);
    const untilMs = gate.platformPause()?.untilMs ?? 0;
    waits.push(untilMs - nowMs);
    nowMs = untilMs;
    if (turn % 2 === 1) gate.open(null, nowMs, nowMs, random);
  }
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits.at(-1)).toBeGreaterThan(30_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(policy.delayMsMax);
});

test('only something that works starts the waits anew, and a pause ends at its time all the same', () => {
  const gate = new Gate(policy);
  gate.note(failure('platform'), 'one-app', 'run 1', 0, random);
  gate.note(failure('platform'), 'one-app', 'run 1', 10_000, random);
  const untilMs = gate.platformPause()?.untilMs;
  gate.worked('one-app', 'run 1');
  expect(gate.platformPause()?.untilMs).toBe(untilMs);
  gate.note(failure('platform'), 'one-app', 'run 1', 20_000, random);
  expect(gate.platformPause()?.untilMs).toBeLessThanOrEqual(21_000);
});

test('a wish of the server is a floor', () => {
  const gate = new Gate(policy);
  gate.note(failure('platform', { retryAfterMs: 120_000 }), 'one-app', 'run 1', 0, 0);
  expect(gate.platformPause()?.untilMs).toBeGreaterThanOrEqual(120_000);
});

test('a longer wish that comes during a pause is obeyed', () => {
  const gate = new Gate(policy);
  gate.note(failure('platform'), 'one-app', 'run 1', 0, random);
  gate.note(failure('platform', { retryAfterMs: 120_000 }), 'one-app', 'run 1', 1, random);
  // Everybody has heard the same wish: nobody comes back at its very end together with the others.
  expect(gate.platformPause()?.untilMs).toBeGreaterThanOrEqual(120_001 + 0.999 * policy.delayMsMax - 1);
  gate.note(failure('platform', { retryAfterMs: 400_000 }), 'one-app', 'run 1', 2, 0);
  expect(gate.platformPause()?.untilMs).toBe(400_002);
});

describe.each([null, 'one-app'])('a wish that comes while the probe of a pause is under way (%s)', (app) => {
  const reach = app === null ? 'platform' : 'app';
  const pause = (gate: Gate) => (app === null ? gate.platformPause() : (gate.appPauses()[0]?.pause ?? null));
  /** The probe is asked after three seconds, and the wish comes one second later. */
  function wished(): Gate {
    const gate = new Gate(policy);
    gate.note(failure(reach), 'one-app', 'run 1', 0, random);
    gate.note(failure(reach, { retryAfterMs: 600_000 }), 'one-app', 'run 2', 4_000, 0);
    return gate;
  }

  test('outlasts the probe that gets through, and is over at its time', () => {
    const gate = wished();
    expect(gate.open(app, 3_000, 5_000, random)).toBe(false);
    expect(pause(gate)).toMatchObject({ sinceMs: 0, untilMs: 604_000 });
    expect(gate.open(app, 604_000, 604_100, random)).toBe(true);
    expect(pause(gate)).toBeNull();
  });

  test('is no reason to wait for a probe that was asked after it, nor when its time is up', () => {
    expect(wished().open(app, 4_001, 5_000, random)).toBe(true);
    expect(wished().open(app, 3_000, 604_000, random)).toBe(true);
  });

  test('outlasts also what the probe meets', () => {
    const gate = wished();
    gate.goesOn(app, failure(reach), 5_000, random);
    expect(pause(gate)?.untilMs).toBe(604_000);
    expect(gate.open(app, 3_000, 6_000, random)).toBe(false);
  });

  test('is obeyed as well where another one has made the pause longer before', () => {
    const gate = new Gate(policy);
    gate.note(failure(reach), 'one-app', 'run 1', 0, random);
    gate.note(failure(reach), 'one-app', 'run 2', 4_000, random);
    gate.note(failure(reach, { retryAfterMs: 600_000 }), 'one-app', 'run 3', 4_000, 0);
    expect(gate.open(app, 3_000, 5_000, random)).toBe(false);
    expect(pause(gate)?.untilMs).toBe(604_000);
  });
});

test('a pause goes on when its probe fails, whatever the probe met, and its wait grows', () => {
  const gate = new Gate(policy);
  gate.note(failure('platform'), 'one-app', 'run 1', 0, random);
  gate.note(failure('app'), 'one-app', 'run 1', 0, random);
  const tooMany = failure('platform', { class: 'rate-limited', retryAfterMs: 600_000 });
  gate.goesOn(null, tooMany, 2_000, 0);
  expect(gate.platformPause()).toMatchObject({ sinceMs: 0, untilMs: 602_000 });
  gate.goesOn('one-app', failure('run'), 2_000, random);
  const [one] = gate.appPauses();
  expect(one?.pause.sinceMs).toBe(0);
  expect((one?.pause.untilMs ?? 0) - 2_000).toBeGreaterThan(1_000);
});

describe.each(['platform-trouble', 'unreachable'])('an error of the server, or no answer (%s)', (name) => {
  const trouble = failure('platform', { class: name });
  const fails = (gate: Gate, about: string, nowMs: number, app = 'one-app') =>
    gate.note(trouble, app, about, nowMs, random);

  test('pauses everybody once; when the platform turns out to be well, what met it waits alone, ever longer', () => {
    const gate = new Gate(policy);
    expect(fails(gate, 'run 1', 0)).toEqual({ newPause: 'platform', waitMs: 0 });
    gate.open(null, 1_000, 1_000, random);
    expect(gate.isWaiting('run 1', 1_900)).toBe(true);
    expect(gate.isWaiting('run 2', 1_900)).toBe(false);
    const waits = [2_000, 5_000, 10_000].map((nowMs) => fails(gate, 'run 1', nowMs).waitMs);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(7_000);
    expect(gate.platformPause()).toBeNull();
    // Another app may be the first to notice that it is the platform after all.
    expect(fails(gate, 'run 2', 20_000, 'other-app').newPause).toBe('platform');
  });

  test('of a second run of the same app is the app’s: however many there are, everybody pauses once', () => {
    const gate = new Gate(policy);
    fails(gate, 'run 1', 0);
    gate.open(null, 1_000, 1_000, random);
    const waits = Array.from({ length: 20 }, (_, n) => {
      const nowMs = n * 100_000;
      expect(fails(gate, `run ${String(2 + n)}`, nowMs).newPause).toBe('app');
      expect(gate.platformPause()).toBeNull();
      const waitMs = (gate.appPauses()[0]?.pause.untilMs ?? 0) - nowMs;
      gate.open('one-app', nowMs + 90_000, nowMs + 90_000, random);
      return waitMs;
    });
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(policy.delayMsMax * 0.9);
  });

  test('of a second run of the same app is the platform’s where that app has worked in between', () => {
    const gate = new Gate(policy);
    fails(gate, 'run 1', 0);
    gate.open(null, 1_000, 1_000, random);
    gate.worked('one-app', 'run 2');
    expect(fails(gate, 'run 3', 2_000).newPause).toBe('platform');
  });

  test('that a probe of the app meets may be the platform’s', () => {
    const gate = new Gate(policy);
    fails(gate, 'run 1', 0);
    gate.open(null, 1_000, 1_000, random);
    fails(gate, 'run 2', 2_000);
    expect(fails(gate, 'app one-app', 5_000).newPause).toBe('platform');
  });

  test('is nobody’s own when a probe has met it too', () => {
    const gate = new Gate(policy);
    fails(gate, 'run 1', 0);
    gate.goesOn(null, trouble, 1_000, random);
    gate.open(null, 10_000, 10_000, random);
    expect(gate.isWaiting('run 1', 10_001)).toBe(false);
    expect(fails(gate, 'run 1', 11_000).newPause).toBe('platform');
  });

  test('is forgotten when what met it works', () => {
    const gate = new Gate(policy);
    fails(gate, 'run 1', 0);
    gate.open(null, 1_000, 1_000, random);
    gate.worked('one-app', 'run 1');
    expect(gate.isWaiting('run 1', 1_001)).toBe(false);
    expect(fails(gate, 'run 1', 2_000).newPause).toBe('platform');
  });

  test('is forgotten of an app whose probe gets through', () => {
    const gate = new Gate(policy);
    fails(gate, 'app one-app', 0);
    gate.open(null, 1_000, 1_000, random);
    expect(gate.isBlamed('app one-app')).toBe(true);
    gate.goesOn('one-app', trouble, 2_000, random);
    gate.open('one-app', 3_000, 3_000, random);
    expect(gate.isBlamed('app one-app')).toBe(false);
  });

  test('is said to be of one thing alone at once where that is known', () => {
    const gate = new Gate(policy);
    const waits = [0, 10_000, 20_000, 30_000].map((nowMs) =>
      gate.blame('list of one-app', failure('app'), nowMs, random),
    );
    expect(waits).toEqual([1, 2, 4, 8].map((times) => expect.closeTo(times * 1_000, -2) as number));
    expect(gate.isWaiting('list of one-app', 30_000 + 7_900)).toBe(true);
    expect(gate.appPauses()).toEqual([]);
    gate.worked('one-app', 'list of one-app');
    expect(gate.isBlamed('list of one-app')).toBe(false);
  });

  test('of any other kind concerns everybody each time', () => {
    const gate = new Gate(policy);
    for (const nowMs of [0, 100_000]) {
      expect(gate.note(failure('platform'), 'one-app', 'run 1', nowMs, random).newPause).toBe('platform');
      gate.open(null, nowMs + 50_000, nowMs + 50_000, random);
    }
  });

  test('blames a thousand at the most', () => {
    const gate = new Gate(policy);
    for (let run = 0; run <= 1_000; run += 1) {
      fails(gate, `run ${String(run)}`, run * 100_000, `app-${String(run)}`);
      gate.open(null, run * 100_000, run * 100_000, random);
    }
    expect(gate.isWaiting('run 0', 0)).toBe(false);
    expect(gate.isWaiting('run 1', 100_000)).toBe(true);
  });
});

test('a key that other apps accept is refused by one app: that one pauses, and nobody is to blame', () => {
  const gate = new Gate(policy);
  const refused = failure('platform', { class: 'key-refused' });
  expect(gate.note(refused, 'one-app', 'run 1', 0, random).newPause).toBe('platform');
  gate.open(null, 1_000, 1_000, random);
  expect(gate.isBlamed('run 1')).toBe(false);
  expect(gate.note(refused, 'one-app', 'run 1', 2_000, random).newPause).toBe('app');
  expect(gate.note(refused, 'other-app', 'run 2', 3_000, random).newPause).toBe('platform');
});
