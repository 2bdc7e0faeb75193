import { describe, expect, test } from 'vitest';
import { clockSet, takenOver } from '../../src/core/doubt.ts';
import type { Happening, RunLife } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import type { RunState, StateKind } from '../../src/core/run.ts';
import {
  failureWith,
  lifeIn,
  minute,
  now,
  parkedFrom,
  policy,
  sampleStates,
  stateKinds,
  unknown,
  uploads,
} from './lives.ts';

const after = (life: Parameters<typeof advance>[0], happening: Happening) =>
  advance(life, happening, now, 0.5, policy);

const platformTrouble = failureWith('platform');
const runTrouble = failureWith('run');
const queued: RunState = { kind: 'queued', uploads: [] };

describe('the road', () => {
  test.each<{ name: string; from: RunState; happening: Happening; is: RunState; dueAtMs: number | null }>([
    {
      name: 'uploads that all landed make it uploaded, with their ids',
      from: queued,
      happening: { kind: 'uploadsLanded', uploads, failure: null },
      is: { kind: 'uploaded', uploads },
      dueAtMs: now,
    },
    {
      name: 'ids of which one is too old go back with their run, and the young ones are used again',
      from: sampleStates.uploaded,
      happening: { kind: 'uploadsTooOld' },
      is: { kind: 'queued', uploads },
      dueAtMs: now,
    },
    {
      name: 'ids that became too old while the intent was written down do so too: nothing was sent',
      from: sampleStates.intended,
      happening: { kind: 'uploadsTooOld' },
      is: { kind: 'queued', uploads },
      dueAtMs: now,
    },
    {
      name: 'an intent that took long to be written down, with nothing sent, keeps its ids and waits for a new slot',
      from: sampleStates.intended,
      happening: { kind: 'slotTooOld' },
      is: { kind: 'uploaded', uploads },
      dueAtMs: now,
    },
    {
      name: 'a source that changed while it was read waits for its folder, without ids',
      from: sampleStates.uploaded,
      happening: { kind: 'sourceChanged', failure: runTrouble },
      is: queued,
      dueAtMs: null,
    },
    {
      name: 'the intent is written down with the platform’s time',
      from: sampleStates.uploaded,
      happening: { kind: 'intended', platformTimeMs: now - 7 },
      is: { kind: 'intended', uploads, platformTimeMs: now - 7 },
      dueAtMs: now,
    },
    {
      name: 'an id in the answer makes it tracked',
      from: sampleStates.intended,
      happening: { kind: 'made', runId: 'run-b' },
      is: { kind: 'tracked', runId: 'run-b', notFoundSinceMs: null, polls: 0 },
      dueAtMs: now,
    },
    {
      name: 'no clear answer makes it unknown since the request ended, never uploaded',
      from: sampleStates.intended,
      happening: { kind: 'unclear', failure: platformTrouble, endedAtMs: now - 3 },
      is: {
        kind: 'unknown',
        platformTimeMs: now - 5_000,
        endedAtMs: now - 3,
        absent: null,
        mayResend: false,
      },
      dueAtMs: now,
    },
    {
      name: 'a run that the list shows is adopted with the id it has there',
      from: unknown,
      happening: { kind: 'found', runId: 'run-c' },
      is: { kind: 'tracked', runId: 'run-c', notFoundSinceMs: null, polls: 0 },
      dueAtMs: now,
    },
    {
      name: 'a final status makes it final',
      from: sampleStates.tracked,
      happening: { kind: 'final', status: 'canceled' },
      is: { kind: 'final', runId: 'run-a', status: 'canceled' },
      dueAtMs: now,
    },
    {
      name: 'a written result makes it recorded, and nothing is due any more',
      from: sampleStates.final,
      happening: { kind: 'written', path: 'nextmv-result.json' },
      is: { kind: 'recorded', runId: 'run-a' },
      dueAtMs: null,
    },
  ])('$name', ({ from, happening, is, dueAtMs }) => {
    const conclusion = after(lifeIn(from, { tries: 3 }), happening);
    expect(conclusion.life.state).toEqual(is);
    expect(conclusion.dueAtMs).toBe(dueAtMs);
    expect(conclusion.note).not.toBe('');
  });

  test('the story of a recorded run says where its result is', () => {
    const { note } = after(lifeIn(sampleStates.final), {
      kind: 'written',
      path: 'weekly/nextmv-result.json',
    });
    expect(note).toContain('weekly/nextmv-result.json');
  });

  test('progress sets the tries back to none', () => {
    expect(
      after(lifeIn(sampleStates.final, { tries: 3 }), { kind: 'written', path: 'nextmv-result.json' }).life
        .tries,
    ).toBe(0);
  });

  test('certainly nothing made leads back to uploaded with the same ids, later and at nobody’s expense', () => {
    const failure = failureWith('platform', { retryAfterMs: 90_000 });
    const { life, dueAtMs } = after(lifeIn(sampleStates.intended), { kind: 'nothingMade', failure });
    expect(life).toEqual(lifeIn({ kind: 'uploaded', uploads }));
    expect(dueAtMs).toBeGreaterThanOrEqual(now + 90_000);
  });

  test('some uploads that landed before one failed are noted, and only the rest is tried again', () => {
    const { life, dueAtMs } = after(lifeIn(queued), {
      kind: 'uploadsLanded',
      uploads: uploads.slice(0, 1),
      failure: platformTrouble,
    });
    expect(life.state).toEqual({ kind: 'queued', uploads: uploads.slice(0, 1) });
    expect(dueAtMs).toBeGreaterThan(now);
  });
});

describe('a refused request', () => {
  const refused: Happening = { kind: 'refused', failure: runTrouble };

  test('is tried once more from queued, with fresh uploads and in the plainest form', () => {
    const { life, dueAtMs } = after(lifeIn(sampleStates.intended), refused);
    expect(life).toEqual(lifeIn(queued, { plainest: true }));
    expect(dueAtMs).toBe(now);
  });

  test('the second time is parked, from queued', () => {
    const { life, dueAtMs } = after(lifeIn(sampleStates.intended, { plainest: true }), refused);
    expect(life.state).toEqual(parkedFrom(queued as never));
    expect(dueAtMs).toBeNull();
  });

  test('the plainest form outlives the steps that come after', () => {
    const { life } = after(lifeIn(queued, { plainest: true }), {
      kind: 'uploadsLanded',
      uploads,
      failure: null,
    });
    expect(life.plainest).toBe(true);
  });
});

describe('failures', () => {
  const states: readonly StateKind[] = ['queued', 'uploaded', 'tracked', 'final'];

  test.each(states.flatMap((kind) => (['app', 'platform'] as const).map((reach) => ({ kind, reach }))))(
    'one that concerns the $reach spends no tries and parks nothing, however often it comes ($kind)',
    ({ kind, reach }) => {
      let life = lifeIn(sampleStates[kind]);
      for (let i = 0; i < 500; i += 1) {
        life = after(life, { kind: 'failed', failure: failureWith(reach) }).life;
      }
      expect(life).toEqual(lifeIn(sampleStates[kind]));
    },
  );

  test.each(states.map((kind) => ({ kind })))(
    'one that concerns the run parks it from $kind after the last try, and not before',
    ({ kind }) => {
      const state = sampleStates[kind];
      const failed: Happening = { kind: 'failed', failure: runTrouble };
      let life = lifeIn(state);
      for (let i = 1; i < policy.runTriesMax; i += 1) {
        const conclusion = after(life, failed);
        expect(conclusion.life).toEqual(lifeIn(state, { tries: i }));
        expect(conclusion.dueAtMs).toBeGreaterThan(now);
        life = conclusion.life;
      }
      expect(after(life, failed).life.state).toEqual(parkedFrom(state as never));
    },
  );

  test('the server’s wish is a floor', () => {
    const failure = failureWith('run', { retryAfterMs: 3 * minute });
    expect(after(lifeIn(queued), { kind: 'failed', failure }).dueAtMs).toBeGreaterThanOrEqual(
      now + 3 * minute,
    );
  });

  test.each(['run', 'app', 'platform'] as const)(
    'an unknown run is never parked by a list that fails (%s)',
    (reach) => {
      let life = lifeIn(unknown);
      for (let i = 0; i < 50; i += 1)
        life = after(life, { kind: 'failed', failure: failureWith(reach) }).life;
      expect(life.state).toEqual(unknown);
    },
  );

  test('polls that found the run not final yet are no failures: one refusal after many of them does not park it', () => {
    let life = lifeIn(sampleStates.tracked);
    for (let i = 0; i < 50; i += 1) life = after(life, { kind: 'notFinal' }).life;
    expect(after(life, { kind: 'failed', failure: runTrouble }).life.state.kind).toBe('tracked');
  });

  test('one that kills the daemon alone parks a live run where it is, and leaves the others', () => {
    expect(after(lifeIn(sampleStates.tracked), { kind: 'crashedAlone' }).life.state).toMatchObject({
      kind: 'parked',
      from: sampleStates.tracked,
    });
    expect(after(lifeIn(sampleStates.recorded), { kind: 'crashedAlone' }).life.state).toEqual(
      sampleStates.recorded,
    );
  });
});

describe('a request whose answer says nothing', () => {
  const unclear: Happening = { kind: 'unclear', failure: platformTrouble, endedAtMs: now };
  const sent = (life: RunLife, nowMs = now) => advance(life, unclear, nowMs, 0.5, policy).life;
  const lookedFor = lifeIn(sampleStates.unknown, { unclearSinceMs: now - 5 * minute });

  test('is remembered by the first of its kind, until a run is made or a person says retry', () => {
    const first = sent(lifeIn(sampleStates.intended));
    expect(first.unclearSinceMs).toBe(now);
    expect(sent({ ...first, state: sampleStates.intended }, now + minute).unclearSinceMs).toBe(now);
    for (const [life, happening] of [
      [
        { ...first, state: sampleStates.intended },
        { kind: 'made', runId: 'run-b' },
      ],
      [lookedFor, { kind: 'found', runId: 'run-b' }],
      [{ ...lookedFor, state: sampleStates.parked }, { kind: 'retry' }],
    ] as const)
      expect(after(life, happening).life).not.toHaveProperty('unclearSinceMs');
  });

  test('is counted from then on also over a clock that was set back', () => {
    expect(sent({ ...lifeIn(sampleStates.intended), unclearSinceMs: now + minute }).unclearSinceMs).toBe(now);
  });
});

describe('a run that is found where the list broke off', () => {
  const found: Happening = { kind: 'found', runId: 'run-b', isPartOfList: true };
  const ended = { ...sampleStates.unknown, endedAtMs: now };
  const at = (ms: number) => advance(lifeIn(ended), found, now + ms, 0.5, policy);

  test('is not taken yet: an older one may stand in the rest', () => {
    for (const ms of [0, policy.absentAfterMs - 1]) {
      expect(at(ms).life).toEqual(lifeIn(ended));
      expect(at(ms).dueAtMs).toBeGreaterThan(now + ms);
    }
  });

  test('is taken when the list cannot be read to its end for long', () => {
    expect(at(policy.absentAfterMs).life.state).toMatchObject({ kind: 'tracked', runId: 'run-b' });
  });
});

describe('a clock that was set', () => {
  test.each(['queued', 'uploaded'] as const)(
    'does not make the upload ids of a run that is %s young',
    (kind) => {
      const life = lifeIn({ kind, uploads });
      const moved = uploads.map((done) => ({ ...done, askedAtMs: done.askedAtMs - minute }));
      expect(clockSet(life, -minute, now)).toEqual(lifeIn({ kind, uploads: moved }));
    },
  );

  test.each(['queued', 'uploaded'] as const)(
    'forwards lets the upload ids of a run that is %s grow old: the machine may have slept',
    (kind) => {
      const life = lifeIn({ kind, uploads });
      expect(clockSet(life, minute, now)).toBe(life);
    },
  );

  test('leaves a run alone that has none', () => {
    const life = lifeIn({ kind: 'queued', uploads: [] });
    expect(clockSet(life, -minute, now)).toBe(life);
  });

  test('moves since when a run is looked for, and never beyond what the clock says now', () => {
    const endedAtMs = now - 10 * minute;
    const moved = (byMs: number) => {
      const { state } = clockSet(lifeIn({ ...unknown, endedAtMs }), byMs, now);
      return state.kind === 'unknown' ? state.endedAtMs : null;
    };
    expect(moved(-minute)).toBe(endedAtMs - minute);
    expect(moved(minute)).toBe(endedAtMs + minute);
    expect(moved(60 * minute)).toBe(now);
  });
});

describe('a tracked run', () => {
  test('that is not final is asked for ever more slowly, and never more slowly than the policy says', () => {
    const waits: number[] = [];
    let life = lifeIn(sampleStates.tracked);
    for (let i = 0; i < 30; i += 1) {
      const conclusion = advance(life, { kind: 'notFinal' }, now, 0.999_999, policy);
      waits.push((conclusion.dueAtMs ?? 0) - now);
      life = conclusion.life;
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[0]).toBeLessThanOrEqual(policy.pollMsMin);
    expect(waits.at(-1)).toBeLessThanOrEqual(policy.pollMsMax);
    expect(waits.at(-1)).toBeGreaterThan(policy.pollMsMax / 2);
    expect(life).toEqual(lifeIn({ kind: 'tracked', runId: 'run-a', notFoundSinceMs: null, polls: 30 }));
  });

  const steady = (ms: number, process = 'this') => ({ process, ms });
  const missing = (ms = 0, process = 'this'): Happening => ({
    kind: 'notFound',
    failure: failureWith('app'),
    steady: steady(ms, process),
  });
  const first = after(lifeIn(sampleStates.tracked), missing()).life;
  const missingFor = (ms: number, setByMs = 0, process = 'this') =>
    advance(first, missing(ms, process), now + ms + setByMs, 0.5, policy).life.state;

  test('that is not found is asked for again, and remembers since when', () => {
    const { life, dueAtMs } = after(lifeIn(sampleStates.tracked), missing());
    expect(life).toEqual(
      lifeIn({ kind: 'tracked', runId: 'run-a', notFoundSinceMs: now, notFound: steady(0), polls: 1 }),
    );
    expect(dueAtMs).toBeGreaterThan(now);
  });

  test('that is not found is asked for ever more rarely, and once more when that has lasted long enough', () => {
    let life: RunLife = lifeIn(sampleStates.tracked);
    const dues: number[] = [];
    for (let atMs = 0; life.state.kind === 'tracked' && dues.length < 100;) {
      const next = advance(life, missing(atMs), now + atMs, 0.5, policy);
      life = next.life;
      atMs = (next.dueAtMs ?? now) - now;
      dues.push(atMs);
    }
    const waits = dues.slice(0, -2).map((due, n) => due - (dues[n - 1] ?? 0));
    expect(life.state.kind).toBe('parked');
    expect(dues.length).toBeLessThan(20);
    expect(waits.slice(0, -1)).toEqual(waits.slice(0, -1).toSorted((a, b) => a - b));
    expect(dues.at(-2)).toBe(policy.absentAfterMs);
  });

  test('that is not found is parked only when that has lasted as long as absence has to last', () => {
    expect(missingFor(policy.absentAfterMs - 1)).toEqual({
      kind: 'tracked',
      runId: 'run-a',
      notFoundSinceMs: now,
      notFound: steady(0),
      polls: 2,
    });
    expect(missingFor(policy.absentAfterMs)).toMatchObject({ kind: 'parked', from: { kind: 'tracked' } });
  });

  test('that is not found is not parked because a clock was set, or a process began', () => {
    const day = 24 * 60 * minute;
    expect(missingFor(policy.absentAfterMs - 1, day).kind).toBe('tracked');
    expect(missingFor(policy.absentAfterMs, -day).kind).toBe('parked');
    expect(missingFor(policy.absentAfterMs, 0, 'another')).toMatchObject({
      kind: 'tracked',
      notFoundSinceMs: now,
      notFound: steady(policy.absentAfterMs, 'another'),
    });
  });

  test('whose result was there before and is not found now is asked for as if it had never come', () => {
    const { life } = after(lifeIn(sampleStates.final), missing());
    expect(life.state).toMatchObject({ kind: 'tracked', notFoundSinceMs: now, polls: 1 });
    expect(life.tries).toBe(0);
  });

  test('that is found in between is not missing any more', () => {
    const { state } = after(first, { kind: 'notFinal' }).life;
    expect(state).toEqual({ kind: 'tracked', runId: 'run-a', notFoundSinceMs: null, polls: 2 });
  });
});

describe('a new owner of the outbox', () => {
  test('makes an intent without an answer unknown, and counts absence from its own start', () => {
    const later = now + 3 * minute;
    expect(takenOver(lifeIn(sampleStates.intended, { tries: 2, plainest: true }), later)).toEqual(
      lifeIn({ ...unknown, endedAtMs: later }, { plainest: true, everUnknown: true, unclearSinceMs: later }),
    );
  });

  test.each(stateKinds.filter((kind) => kind !== 'intended').map((kind) => ({ kind })))(
    'leaves a run alone that is $kind',
    ({ kind }) => {
      const life = lifeIn(sampleStates[kind], { tries: 2 });
      expect(takenOver(life, now)).toEqual(life);
    },
  );
});
