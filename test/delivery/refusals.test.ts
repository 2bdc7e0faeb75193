/** An app, or storage, that refuses whatever it is sent: when that is believed, what ends it, and how long is waited in between. */
import { describe, expect, test } from 'vitest';
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
  /** What storage says to a run. @returns whom it concerns; null: nobody */
  const stored = (run: number, met: Happening): Failure['reach'] | null => {
    const happening = noted.note(met, {
      run,
      life: { state: { kind: 'queued' } },
      key: { app: 'mill' },
      settings: {},
    } as Claim);
    return 'failure' in happening ? (happening.failure?.reach ?? null) : null;
  };
  return { clock, gate, storage: breakers.storage, note, stored };
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

test('two wrong instances whose runs come by turns are both found out', () => {
  const { gate, note } = pauses();
  const met = Array.from({ length: 14 }, (_, run) =>
    note(refused, true, 'mill', run % 2 === 0 ? 'prod' : 'devint'),
  );
  expect(met).toEqual([...Array<string>(10).fill('refused'), ...Array<string>(4).fill('nothingMade')]);
  expect(gate.appPauses()).toMatchObject([{ app: 'mill' }]);
});

test('refusals by many instances, each of a few runs, say nothing of any', () => {
  const { gate, note } = pauses();
  for (let run = 0; run < 40; run += 1)
    expect(note(refused, true, 'mill', `instance-${run % 10}`)).toBe('refused');
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

const forbidden: Happening = {
  kind: 'nothingMade',
  failure: { ...failure, class: 'app-forbidden', reach: 'app' },
};

test.for([
  { name: 'are refused', met: refused },
  { name: 'the key may not send', met: forbidden },
])(
  'uploads that land do not make the waits short again where runs $name: the app took uploads all the time',
  ({ met }) => {
    const { clock, gate, note } = pauses();
    if (met === refused) for (let run = 0; run < 5; run += 1) note(refused);
    const waits = Array.from({ length: 10 }, () => {
      note(landed);
      note(met);
      const waitMs = (gate.appPauses()[0]?.pause.untilMs ?? 0) - clock.ms;
      clock.ms += waitMs;
      return waitMs;
    });
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(policy.delayMsMax * 0.9);
  },
);

describe('storage that refuses', () => {
  const met: Happening = { kind: 'failed', failure: { ...failure, class: 'storage-refused' } };

  test('a third run in a row is what is wrong itself, and three more begin a pause', () => {
    const { storage, stored } = pauses();
    expect([1, 2, 3, 1, 4].map((run) => stored(run, met))).toEqual([
      'run',
      'run',
      'storage',
      'storage',
      'storage',
    ]);
    expect(storage.pause()?.failure).toMatchObject({
      class: 'storage-refuses-runs',
      text: expect.stringContaining('no such instance') as string,
    });
  });

  test('the same two, however often, says nothing of others', () => {
    const { stored } = pauses();
    for (let time = 0; time < 20; time += 1) expect(stored(1 + (time % 2), met)).toBe('run');
  });

  test('runs with one between them that landed is taken to mean each', () => {
    const { stored } = pauses();
    for (let run = 0; run < 20; run += 2) {
      expect([stored(run, met), stored(run + 1, met)]).toEqual(['run', 'run']);
      stored(100, landed);
    }
  });

  test('all is believed again when something has landed', () => {
    const { storage, stored } = pauses();
    for (let run = 0; run < 5; run += 1) stored(run, met);
    stored(9, landed);
    expect(storage.pause()).toBeNull();
    expect(stored(10, met)).toBe('run');
  });

  test('any other failure is none of that', () => {
    const { stored } = pauses();
    for (let run = 0; run < 20; run += 1) expect(stored(run, { kind: 'failed', failure })).toBe('run');
  });
});
