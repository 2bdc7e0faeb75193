/** An outbox that was lost or rolled back, twins that were made meanwhile, and results that are not there any more. */
import { describe, expect, test } from 'vitest';
import { bornUnknown } from '../../src/core/doubt.ts';
import type { Happening, RunLife } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import type { LiveState, RunState } from '../../src/core/run.ts';
import { absence, lifeIn, now, parkedFrom, policy, sampleStates, uploads } from './lives.ts';

const queued: LiveState = { kind: 'queued', uploads: [] };
const at = (life: RunLife, happening: Happening, nowMs = now, used: LifecyclePolicy = policy) =>
  advance(life, happening, nowMs, 0.5, used);
const distrusted = (life: RunLife) => at(life, { kind: 'distrusted' });

describe('distrust', () => {
  const doubted: RunState = {
    kind: 'unknown',
    platformTimeMs: 0,
    endedAtMs: now,
    absent: null,
    mayResend: false,
  };

  test('is what a run is born with that may have been sent at any time', () => {
    expect(bornUnknown(now)).toEqual(doubted);
  });

  test.each(['queued', 'uploaded', 'intended', 'unknown'] as const)(
    'makes a run that is %s unknown since now, with every listing still to come, and says so in its story',
    (kind) => {
      const life = lifeIn(sampleStates[kind], { tries: 4, plainest: true });
      const after = distrusted(life);
      expect(after.life).toEqual(lifeIn(doubted, { plainest: true, everUnknown: true }));
      expect(after.dueAtMs).toBe(now);
      expect(after.note).toContain('may have been behind');
    },
  );

  test('throws away a listing that was counted before it began', () => {
    const looked: RunState = { ...bornUnknown(1), absent: { listing: 7, startedAtMs: now - 9 } };
    expect(distrusted(lifeIn(looked)).life.state).toEqual(doubted);
  });

  test('leaves what the platform is known to have', () => {
    for (const kind of ['tracked', 'final', 'recorded'] as const) {
      const life = lifeIn(sampleStates[kind], { tries: 2 });
      expect(distrusted(life).life).toEqual(life);
      expect(distrusted(life).note).toBeNull();
    }
  });

  const unsent = ['queued', 'uploaded', 'intended', 'unknown'] as const;
  test.each(unsent.flatMap((from) => (['parked', 'skipped'] as const).map((how) => ({ how, from }))))(
    'leaves a run $how, and a retry of it looks where it was $from',
    ({ how, from }) => {
      const state = sampleStates[from] as LiveState;
      const life = lifeIn(how === 'parked' ? parkedFrom(state) : { kind: how, from: state }, { tries: 1 });
      const after = distrusted(life);
      expect(after.life).toEqual({
        ...life,
        everUnknown: true,
        state: { ...life.state, from: doubted },
      });
      expect(after).toMatchObject({ dueAtMs: null, note: null });
      expect(at(after.life, { kind: 'retry' }).life.state).toEqual(doubted);
    },
  );

  test.each(['tracked', 'final'] as const)('leaves a run that was parked from %s as it was', (from) => {
    const state = parkedFrom(sampleStates[from] as LiveState);
    expect(distrusted(lifeIn(state)).life.state).toEqual(state);
  });

  test('takes no leave to send again from a run that a person has given it to, and gives none', () => {
    const allowed: RunState = { ...bornUnknown(1), mayResend: true };
    expect(distrusted(lifeIn(allowed)).life.state).toEqual({ ...doubted, mayResend: true });
    expect(distrusted(lifeIn(parkedFrom(allowed as LiveState))).life.state).toMatchObject({
      from: { ...doubted, mayResend: true },
    });
  });

  test.each(['superseded', 'gone'] as const)(
    'lets a run that was %s be looked for when its content is back, not sent',
    (kind) => {
      const state: RunState = { kind, from: queued };
      const after = distrusted(lifeIn(state));
      expect(after.life).toEqual(lifeIn(state, { everUnknown: true }));
      expect(after).toMatchObject({ dueAtMs: null, note: null });
      const back = at(after.life, { kind: 'returned' }, now + 5);
      expect(back.life.state).toEqual({ ...doubted, endedAtMs: now + 5 });
      expect(at(lifeIn(state), { kind: 'returned' }).life.state).toEqual(queued);
    },
  );

  test('is not weaker for coming twice', () => {
    const once = distrusted(lifeIn(queued)).life;
    const twice = at(once, { kind: 'distrusted' }, now + 100).life;
    expect(twice.state).toEqual({ ...doubted, endedAtMs: now + 100 });
  });
});

describe('equal content under another fingerprint', () => {
  const late = now + policy.absentAfterMs;
  const life = distrusted(lifeIn(queued)).life;
  const listings = (proof: Parameters<typeof absence>[2], used: LifecyclePolicy = policy, from = life) => {
    const first = at(from, absence(1, now, proof), now + 1_000, used).life;
    const second = at(first, absence(2, late, proof), late + 1_000, used).life;
    return at(second, absence(3, late + 2_000, proof), late + 3_000, used);
  };

  test('parks a run that is surely absent itself, with a question that names the other run', () => {
    const { life: parked, dueAtMs, note } = listings({ twin: 'run-twin' });
    expect(parked.state).toMatchObject({
      kind: 'parked',
      from: { kind: 'unknown', mayResend: true },
      reason: { class: 'moved-while-lost' },
    });
    expect(note).toContain('run-twin');
    expect(note).toContain('moved while the outbox was lost?');
    expect(dueAtMs).toBeNull();
  });

  test('asks that before it asks about `then: park`, and where no fingerprint ever showed', () => {
    for (const used of [policy, { ...policy, then: 'park' as const }]) {
      const { state } = listings({ twin: 'run-twin', fingerprintsShow: false }, used).life;
      expect(state).toMatchObject({ kind: 'parked', reason: { class: 'moved-while-lost' } });
    }
  });

  test('is no reason to park before absence is proved', () => {
    expect(at(life, absence(1, now, { twin: 'run-twin' }), now + 1_000).life.state.kind).toBe('unknown');
  });

  test.each([
    { content: 'gone', is: 'gone' },
    { content: 'newer', is: 'superseded' },
  ] as const)('is no reason to park what its folder does not hold any more ($content)', ({ content, is }) => {
    expect(listings({ twin: 'run-twin', content }).life.state.kind).toBe(is);
  });

  test('is sent when a person says that it is another folder’s, after one more whole look', () => {
    const parked = listings({ twin: 'run-twin' }).life;
    const retried = at(parked, { kind: 'retry' }, late);
    expect(retried.life.state).toMatchObject({ kind: 'unknown', absent: null, mayResend: true });
    const last = late + policy.absentAfterMs;
    let again = retried.life;
    for (const [listing, ms] of [late, last].entries()) {
      again = at(again, absence(4 + listing, ms, { twin: 'run-twin' }), ms + 1_000).life;
      expect(again.state.kind).toBe('unknown');
    }
    const sent = at(again, absence(6, last + 2_000, { twin: 'run-twin' }), last + 3_000);
    expect(sent.life.state).toEqual(queued);
    expect(sent).toMatchObject({
      dueAtMs: last + 3_000,
      note: expect.stringContaining('as a person said') as string,
    });
  });

  test('is over when a person says that it is this folder’s', () => {
    const parked = listings({ twin: 'run-twin' }).life;
    const skipped = at(parked, { kind: 'skip' });
    expect(skipped.life.state.kind).toBe('skipped');
    for (const kind of ['returned', 'newerContent', 'vanished', 'logOrMetaChanged'] as const)
      expect(at(skipped.life, { kind }).life).toEqual(skipped.life);
  });
});

describe('a result that is not beside its content any more', () => {
  test('is fetched and written again, under the same id, at once', () => {
    const after = at(lifeIn({ kind: 'recorded', runId: 'run-z' }), { kind: 'resultLost' });
    expect(after.life.state).toEqual({ kind: 'final', runId: 'run-z', status: 'recorded before' });
    expect(after.dueAtMs).toBe(now);
    const again = at(after.life, { kind: 'written', path: 'nextmv-result.json' });
    expect(again.life.state).toEqual({ kind: 'recorded', runId: 'run-z' });
  });
});

describe('what a run remembers', () => {
  test('is that it was unknown once, on every road that leads through it and for ever after', () => {
    const unclear: Happening = {
      kind: 'unclear',
      failure: { class: 'c', text: 't', hint: 'h', reach: 'platform' },
      endedAtMs: now,
    };
    let { life } = at(lifeIn(sampleStates.intended), unclear);
    const steps: Happening[] = [
      absence(1, now),
      absence(2, now + policy.absentAfterMs),
      absence(3, now + policy.absentAfterMs),
      { kind: 'uploadsLanded', uploads, failure: null },
      { kind: 'intended', platformTimeMs: now },
      { kind: 'refused', failure: { class: 'c', text: 't', hint: 'h', reach: 'run' } },
      { kind: 'vanished' },
    ];
    expect(life.everUnknown).toBe(true);
    for (const happening of steps) {
      life = at(life, happening, now + policy.absentAfterMs).life;
      expect(life.everUnknown).toBe(true);
    }
    expect(at(life, { kind: 'returned' }).life.state.kind).toBe('unknown');
  });

  test('is nothing of the kind where every request was answered', () => {
    let life = lifeIn(queued);
    const steps: Happening[] = [
      { kind: 'uploadsLanded', uploads, failure: null },
      { kind: 'intended', platformTimeMs: now },
      { kind: 'refused', failure: { class: 'c', text: 't', hint: 'h', reach: 'run' } },
      { kind: 'newerContent' },
    ];
    for (const happening of steps) life = at(life, happening).life;
    expect(life.everUnknown).toBe(false);
    expect(at(life, { kind: 'returned' }).life.state).toEqual(queued);
  });
});
