/**
 * Two hundred hosts lose one platform at the same moment and get it back at the same moment: each with its own pauses
 * (the gate) and its own pace, on a virtual clock and from a seed. What counts is when they come back.
 */
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import { freeAtMs, startPace } from '../../src/core/pace.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Gate } from '../../src/delivery/gate.ts';
import { busiestSecond, seeded } from '../core/simulation.ts';

const hosts = 200;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

interface Return {
  /** The first request that the platform answered again, for each host, in ms after it was back. */
  readonly probes: number[];
  /** When each host's first run may leave after that. */
  readonly firstRuns: number[];
  /** Probes during the outage, all hosts. */
  readonly asked: number[];
  /** The shortest wait of any host. */
  readonly waitMsMin: number;
}

/** @param retryAfterMs what every refusal wishes for; each host meets the first one within the same second */
function comeBack(outageMs: number, retryAfterMs: number | undefined, seed: number): Return {
  const random = seeded(seed);
  const failure: Failure = {
    class: 'platform-trouble',
    text: 'trouble',
    hint: 'wait',
    reach: 'platform',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  const probes: number[] = [];
  const firstRuns: number[] = [];
  const asked: number[] = [];
  let waitMsMin = Infinity;
  for (let host = 0; host < hosts; host += 1) {
    const gate = new Gate(defaultPolicy.backoff);
    const sinceMs = random() * 1_000;
    gate.note(failure, 'one-app', 'run 1', sinceMs, random());
    let untilMs = gate.platformPause()?.untilMs ?? 0;
    waitMsMin = Math.min(waitMsMin, untilMs - sinceMs);
    while (untilMs < outageMs) {
      asked.push(untilMs);
      gate.goesOn(null, failure, untilMs, random());
      const nextMs = gate.platformPause()?.untilMs ?? 0;
      waitMsMin = Math.min(waitMsMin, nextMs - untilMs);
      untilMs = nextMs;
    }
    probes.push(untilMs - outageMs);
    // As delivery does after a pause of a minute and more.
    const isRecovering = untilMs - sinceMs >= minuteMs;
    firstRuns.push(freeAtMs(startPace(5, isRecovering, untilMs, random())) - outageMs);
  }
  return { probes, firstRuns, asked, waitMsMin };
}

describe('two hundred hosts that come back together', () => {
  const outages = [
    { name: 'after three days', outageMs: 72 * hourMs, retryAfterMs: undefined },
    { name: 'after ten minutes', outageMs: 10 * minuteMs, retryAfterMs: undefined },
    {
      name: 'after one refusal that wished for ten minutes',
      outageMs: minuteMs,
      retryAfterMs: 10 * minuteMs,
    },
    { name: 'after one refusal that wished for two minutes', outageMs: minuteMs, retryAfterMs: 2 * minuteMs },
    { name: 'after an hour of refusals that wished for a minute', outageMs: hourMs, retryAfterMs: minuteMs },
  ];

  test.each(outages.flatMap((outage) => [1, 2, 3].map((seed) => ({ ...outage, seed }))))(
    'do not come at once $name (seed $seed)',
    ({ outageMs, retryAfterMs, seed }) => {
      const { probes, firstRuns, waitMsMin } = comeBack(outageMs, retryAfterMs, seed);
      expect(waitMsMin).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
      expect(busiestSecond(probes)).toBeLessThanOrEqual(hosts * 0.05);
      expect(busiestSecond(firstRuns)).toBeLessThanOrEqual(hosts * 0.05);
    },
  );

  test('are all back within the longest wait and the spread of those who come back', () => {
    const { probes, firstRuns } = comeBack(72 * hourMs, undefined, 1);
    expect(Math.max(...probes)).toBeLessThanOrEqual(defaultPolicy.backoff.delayMsMax);
    expect(Math.max(...firstRuns)).toBeLessThanOrEqual(defaultPolicy.backoff.delayMsMax + minuteMs);
  });

  test('have asked each less than once a minute in three days', () => {
    const { asked } = comeBack(72 * hourMs, undefined, 1);
    const perHostAndHour = asked.length / hosts / 72;
    expect(perHostAndHour).toBeLessThan(30);
    expect(perHostAndHour).toBeGreaterThan(10);
  });
});
