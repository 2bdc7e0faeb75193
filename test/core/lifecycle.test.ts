import { describe, expect, test } from 'vitest';
import { advance, takenOver, type Happening } from '../../src/core/lifecycle.ts';
import type { RunState, StateKind } from '../../src/core/run.ts';
import {
  absence,
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

/** Every happening, and the states in which it can come: in all others it is a bug and throws. */
const happenings: readonly { happening: Happening; fits: readonly StateKind[] | 'all' }[] = [
  { happening: { kind: 'uploadsLanded', uploads, failure: null }, fits: ['queued'] },
  { happening: { kind: 'uploadsTooOld' }, fits: ['uploaded'] },
  { happening: { kind: 'sourceChanged', failure: runTrouble }, fits: ['queued', 'uploaded'] },
  { happening: { kind: 'intended', platformTimeMs: now }, fits: ['uploaded'] },
  { happening: { kind: 'made', runId: 'run-a' }, fits: ['intended'] },
  { happening: { kind: 'nothingMade', failure: platformTrouble }, fits: ['intended'] },
  { happening: { kind: 'refused', failure: runTrouble }, fits: ['intended'] },
  { happening: { kind: 'unclear', failure: platformTrouble, endedAtMs: now }, fits: ['intended'] },
  { happening: { kind: 'found', runId: 'run-a' }, fits: ['unknown'] },
  { happening: absence(1, now), fits: ['unknown'] },
  { happening: { kind: 'notFinal' }, fits: ['tracked'] },
  { happening: { kind: 'notFound', failure: failureWith('app') }, fits: ['tracked'] },
  { happening: { kind: 'final', status: 'succeeded' }, fits: ['tracked'] },
  { happening: { kind: 'written', path: 'nextmv-result.json' }, fits: ['final'] },
  {
    happening: { kind: 'failed', failure: platformTrouble },
    fits: ['queued', 'uploaded', 'unknown', 'tracked', 'final'],
  },
  { happening: { kind: 'logOrMetaChanged' }, fits: 'all' },
  { happening: { kind: 'newerContent' }, fits: 'all' },
  { happening: { kind: 'vanished' }, fits: 'all' },
  { happening: { kind: 'returned' }, fits: 'all' },
  { happening: { kind: 'crashedAlone' }, fits: 'all' },
  { happening: { kind: 'retry' }, fits: 'all' },
  { happening: { kind: 'skip' }, fits: 'all' },
];

describe('a happening that only a bug can bring about throws, and every other one is taken', () => {
  const cases = happenings.flatMap(({ happening, fits }) =>
    stateKinds.map((kind) => ({ happening, kind, isTaken: fits === 'all' || fits.includes(kind) })),
  );
  test.each(cases)('$happening.kind comes to a run that is $kind', ({ happening, kind, isTaken }) => {
    const happen = () => after(lifeIn(sampleStates[kind]), happening);
    if (isTaken) expect(happen).not.toThrow();
    else expect(happen).toThrow(`a run that is ${kind} cannot do what only`);
  });
});

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
      name: 'ids that are too old are thrown away and the upload starts again',
      from: sampleStates.uploaded,
      happening: { kind: 'uploadsTooOld' },
      is: queued,
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

  const missing: Happening = { kind: 'notFound', failure: failureWith('app') };

  test('that is not found is asked for again, and remembers since when', () => {
    const { life, dueAtMs } = after(lifeIn(sampleStates.tracked), missing);
    expect(life).toEqual(lifeIn({ kind: 'tracked', runId: 'run-a', notFoundSinceMs: now, polls: 0 }));
    expect(dueAtMs).toBeGreaterThan(now);
  });

  test('that is not found is parked only when that has lasted as long as absence has to last', () => {
    const first = after(lifeIn(sampleStates.tracked), missing).life;
    const at = (ms: number) => advance(first, missing, now + ms, 0.5, policy).life.state;
    expect(at(policy.absentAfterMs - 1)).toEqual({
      kind: 'tracked',
      runId: 'run-a',
      notFoundSinceMs: now,
      polls: 0,
    });
    expect(at(policy.absentAfterMs)).toMatchObject({ kind: 'parked', from: { kind: 'tracked' } });
  });

  test('that is found in between is not missing any more', () => {
    const first = after(lifeIn(sampleStates.tracked), missing).life;
    expect(after(first, { kind: 'notFinal' }).life.state).toMatchObject({ notFoundSinceMs: null });
  });
});

describe('a new owner of the outbox', () => {
  test('makes an intent without an answer unknown, and counts absence from its own start', () => {
    const later = now + 3 * minute;
    expect(takenOver(lifeIn(sampleStates.intended, { tries: 2, plainest: true }), later)).toEqual(
      lifeIn({ ...unknown, endedAtMs: later }, { plainest: true, everUnknown: true }),
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
