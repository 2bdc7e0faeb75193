/** An app that refuses whatever it is sent: when that is believed, what ends it, and how long is waited in between. */
import { expect, test } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import type { Happening } from '../../src/core/happening.ts';
import { Breaker } from '../../src/delivery/breaker.ts';
import { Gate } from '../../src/delivery/gate.ts';
import { Pauses } from '../../src/delivery/pauses.ts';
import type { Claim } from '../../src/outbox/nouns.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';

const policy = { delayMsMin: 1_000, delayMsMax: 300_000 };
const failure: Failure = { class: 'refused', text: 'no such instance', hint: 'mend it', reach: 'run' };
const refused: Happening = { kind: 'refused', failure };
const made: Happening = { kind: 'made', runId: 'run-1' };
const landed: Happening = { kind: 'uploadsLanded', uploads: [], failure: null };

/** Pauses, and the gate behind them, on a clock that is set. */
function pauses() {
  const clock = { ...machineClock, ms: 0, monotonicMs: () => clock.ms, random: () => 0.999 };
  const gate = new Gate(policy);
  const breakers = { storage: new Breaker(policy, 3), results: new Breaker(policy, 1) };
  const noted = new Pauses(
    { clock, log: quietLog() },
    gate,
    breakers,
    () => undefined,
    new AbortController().signal,
  );
  const note = (happening: Happening, plainest = true, app = 'mill', instance = 'prod'): Happening['kind'] =>
    noted.note(happening, { run: 1, life: { plainest }, key: { app }, settings: { instance } } as Claim).kind;
  return { clock, gate, note };
}

test('five that are refused for good are set aside, and from then on the app is what is wrong', () => {
  const { gate, note } = pauses();
  for (let run = 0; run < 5; run += 1) expect(note(refused)).toBe('refused');
  expect(gate.appPauses()).toEqual([]);
  expect(note(refused)).toBe('nothingMade');
  expect(note(refused, false)).toBe('nothingMade');
  expect(gate.appPauses()).toMatchObject([
    { app: 'mill', pause: { failure: { class: 'app-refuses-runs' } } },
  ]);
  expect(note(refused, true, 'depot')).toBe('refused');
});

test('refusals by several instances say nothing of any', () => {
  const { gate, note } = pauses();
  for (let run = 0; run < 20; run += 1)
    expect(note(refused, true, 'mill', run % 2 === 0 ? 'prod' : 'devint')).toBe('refused');
  expect(gate.appPauses()).toEqual([]);
});

test('a first refusal, after which a run goes in its plainest form, does not count', () => {
  const { note } = pauses();
  for (let run = 0; run < 20; run += 1) expect(note(refused, false)).toBe('refused');
});

test('one run that is made is enough to take the others for wrong again', () => {
  const { note } = pauses();
  for (let run = 0; run < 6; run += 1) note(refused);
  note(made);
  for (let run = 0; run < 5; run += 1) expect(note(refused)).toBe('refused');
});

test('uploads that land do not make the waits short again, because the app took uploads all the time', () => {
  const { clock, gate, note } = pauses();
  for (let run = 0; run < 5; run += 1) note(refused);
  const waits = Array.from({ length: 10 }, () => {
    note(landed);
    note(refused);
    const waitMs = (gate.appPauses()[0]?.pause.untilMs ?? 0) - clock.ms;
    clock.ms += waitMs;
    return waitMs;
  });
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits.at(-1)).toBeGreaterThan(policy.delayMsMax * 0.9);
});
