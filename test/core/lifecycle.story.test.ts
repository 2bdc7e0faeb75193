/** What the story of a run says of each turn of its life, and when it goes on: for whoever reads `show`. */
import { describe, expect, test } from 'vitest';
import { rateLimited } from '../../src/core/failure.ts';
import type { Happening } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import type { LiveState, RunState } from '../../src/core/run.ts';
import { absence, failureWith, lifeIn, minute, now, policy, sampleStates, unknown } from './lives.ts';

const at = (state: RunState, happening: Happening, random = 0.5, used: LifecyclePolicy = policy) =>
  advance(lifeIn(state), happening, now, random, used);
const late: LiveState = {
  ...unknown,
  endedAtMs: now - policy.absentAfterMs,
  absent: { listing: 1, startedAtMs: now - 1_000, isLate: true },
};
const gone: RunState = { kind: 'gone', from: { kind: 'queued', uploads: [] } };

describe('the story says', () => {
  test.each<{ of: RunState; happening: Happening; says: string }>([
    {
      of: sampleStates.intended,
      happening: { kind: 'refused', failure: failureWith('run') },
      says: 'there was trouble; trying once more in the plainest form',
    },
    {
      of: sampleStates.tracked,
      happening: { kind: 'notFound', failure: failureWith('app'), steady: { process: 'this', ms: now } },
      says: 'there was trouble',
    },
    { of: unknown, happening: { kind: 'failed', failure: failureWith('run') }, says: 'there was trouble' },
    {
      of: sampleStates.recorded,
      happening: { kind: 'resultLost' },
      says: 'its result was not in its folder any more: writing it back again',
    },
    {
      of: sampleStates.tracked,
      happening: { kind: 'crashedAlone' },
      says: 'the daemon died several times while this run alone was in hand',
    },
    { of: sampleStates.queued, happening: { kind: 'retry' }, says: 'a person asked for it again' },
    { of: sampleStates.parked, happening: { kind: 'retry' }, says: 'a person said: retry' },
    { of: sampleStates.queued, happening: { kind: 'skip' }, says: 'a person said: skip' },
    {
      of: late,
      happening: absence(2, now, { content: 'gone' }),
      says: 'surely absent, and its folder is gone',
    },
    {
      of: late,
      happening: absence(2, now, { content: 'newer' }),
      says: 'surely absent, and its folder holds newer content',
    },
    {
      of: late,
      happening: absence(2, now, { content: 'otherTarget' }),
      says: 'surely absent, and its folder goes to another app or platform by now',
    },
    { of: late, happening: absence(2, now), says: 'surely absent from the platform: sending again' },
    { of: unknown, happening: absence(2, now), says: 'not in the platform’s list so far' },
    {
      of: sampleStates.queued,
      happening: { kind: 'logOrMetaChanged' },
      says: 'its log or meta.json changed before it was sent: uploading again',
    },
    {
      of: sampleStates.queued,
      happening: { kind: 'newerContent' },
      says: 'newer content came before it was sent',
    },
    {
      of: sampleStates.queued,
      happening: { kind: 'vanished' },
      says: 'its folder vanished before it was sent',
    },
    { of: gone, happening: { kind: 'returned' }, says: 'its content is complete at its path again' },
  ])('"$says" of $of.kind and $happening.kind', ({ of, happening, says }) => {
    expect(at(of, happening).note).toBe(says);
  });

  test('nothing of a listing that counts for nothing', () => {
    const ended = { process: 'this', ms: unknown.endedAtMs };
    expect(at({ ...unknown, ended }, absence(1, unknown.endedAtMs - 1)).note).toBeNull();
  });
});

describe('a run that is set aside says why and what to do', () => {
  test.each<{
    name: string;
    of: RunState;
    happening: Happening;
    used?: LifecyclePolicy;
    why: string;
    text: RegExp;
    hint: RegExp;
    isRetried?: true;
  }>([
    {
      name: 'by crashes',
      of: sampleStates.tracked,
      happening: { kind: 'crashedAlone' },
      why: 'crash',
      text: /died several times/,
      hint: /journal/,
    },
    {
      name: 'by a configuration',
      of: late,
      happening: absence(2, now),
      used: { ...policy, then: 'park' },
      why: 'surely-absent',
      text: /asks a person before sending again/,
      hint: /console.*runtrackd retry/,
    },
    {
      name: 'by a list that proves nothing',
      of: late,
      happening: absence(2, now, { fingerprintsShow: false, showsOurs: false }),
      why: 'surely-absent',
      text: /never seen to list a fingerprint of ours/,
      hint: /console.*runtrackd retry/,
    },
    {
      name: 'by a list that has been bare of our runs for a day',
      of: { ...late, endedAtMs: now - 24 * 60 * minute },
      happening: absence(2, now, { showsOurs: false }),
      why: 'surely-absent',
      text: /for a day it has listed none of the others/,
      hint: /removed.*console.*runtrackd retry/,
      isRetried: true,
    },
    {
      name: 'by a twin',
      of: late,
      happening: absence(2, now, { twin: 'run-t' }),
      why: 'moved-while-lost',
      text: /run-t/,
      hint: /runtrackd skip.*runtrackd retry/,
    },
  ])('$name', ({ of, happening, used, why, text, hint, isRetried }) => {
    const { state } = at(of, happening, 0.5, used).life;
    if (state.kind !== 'parked') throw new Error(`it is ${state.kind}`);
    expect(state.reason.class).toBe(why);
    expect(state.reason.text).toMatch(text);
    expect(state.hint).toMatch(hint);
    expect(state.from.kind).toBe(of.kind);
    // A person’s word is enough then.
    if (isRetried === true) expect(state.from).toEqual({ ...of, mayResend: true });
  });
});

describe('a run goes on', () => {
  test('at once when it was one too many: the pace alone makes it wait', () => {
    const failure = failureWith('platform', { class: rateLimited, retryAfterMs: 90_000 });
    for (const happening of [
      { kind: 'failed', failure },
      { kind: 'nothingMade', failure },
    ] as const) {
      const of = happening.kind === 'failed' ? sampleStates.queued : sampleStates.intended;
      expect(at(of, happening)).toMatchObject({
        dueAtMs: now,
        note: 'there was trouble',
        life: { tries: 0 },
      });
    }
    expect(at(sampleStates.intended, { kind: 'nothingMade', failure }).life.state).toMatchObject({
      kind: 'uploaded',
    });
  });

  test.each([
    { tries: 0, reach: 'platform', waitMs: 750 },
    { tries: 3, reach: 'platform', waitMs: 3_000 },
    { tries: 0, reach: 'run', waitMs: 750 },
    { tries: 3, reach: 'run', waitMs: 6_000 },
  ] as const)(
    'after a wait that grows with its own tries: $tries and one of the $reach',
    ({ tries, reach, waitMs }) => {
      const life = lifeIn(sampleStates.queued, { tries });
      const { dueAtMs } = advance(life, { kind: 'failed', failure: failureWith(reach) }, now, 0.5, policy);
      expect(dueAtMs).toBe(now + waitMs);
    },
  );

  test.each([
    { polls: 0, random: 0, waitMs: 375 },
    { polls: 0, random: 0.8, waitMs: 475 },
    { polls: 3, random: 0.8, waitMs: 3_800 },
    { polls: 40, random: 0, waitMs: 450_000 },
  ])(
    'to be asked for after $waitMs ms when it was not final $polls times before',
    ({ polls, random, waitMs }) => {
      const state: RunState = { kind: 'tracked', runId: 'run-a', notFoundSinceMs: null, polls };
      expect(at(state, { kind: 'notFinal' }, random).dueAtMs).toBe(now + waitMs);
    },
  );

  test('to be looked for a quarter of the time after a list that was bare of ours', () => {
    const old: RunState = { ...unknown, endedAtMs: now - 60 * minute };
    expect(at(old, absence(1, now, { showsOurs: false })).dueAtMs).toBe(now + 5 * minute);
  });

  test.each([
    { unknownForMs: 0, waitMs: 2_000 },
    { unknownForMs: 30_000, waitMs: 30_000 },
    { unknownForMs: 86_400_000, waitMs: 600_000 },
  ])(
    'to be looked for again after as long as it has been unknown: $unknownForMs ms',
    ({ unknownForMs, waitMs }) => {
      const state: RunState = { ...unknown, endedAtMs: now - unknownForMs };
      expect(at(state, absence(1, now)).dueAtMs).toBe(now + waitMs);
    },
  );
});
