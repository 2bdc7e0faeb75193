/** The model bites: a lifecycle that is wrong about one thing is caught by it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takenOver } from '../../src/core/doubt.ts';
import type { Conclusion } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { policy } from './lives.ts';
import { PromiseBroken, type Advance, type TakeOver } from './platformModel.ts';
import { live, seed, turns } from './turns.ts';

/** An `advance` that is wrong about one thing. */
function wrongly(change: (right: Conclusion, ...args: Parameters<Advance>) => Conclusion): Advance {
  return (...args) => change(advance(...args), ...args);
}

const sentAgain = (conclusion: Conclusion, nowMs: number): Conclusion => ({
  life: { ...conclusion.life, state: { kind: 'queued', uploads: [] } },
  dueAtMs: nowMs,
  note: 'wrong',
});

const mistakes: readonly { name: string; advance: Advance; takenOver?: TakeOver }[] = [
  {
    name: 'an unclear answer taken for "nothing was made"',
    advance: wrongly((right, life, happening, nowMs) =>
      happening.kind === 'unclear' && life.state.kind === 'intended'
        ? {
            ...right,
            life: { ...right.life, state: { kind: 'uploaded', uploads: life.state.uploads } },
            dueAtMs: nowMs,
          }
        : right,
    ),
  },
  {
    name: 'one listing taken for proof',
    advance: wrongly((right, _life, happening, nowMs) =>
      happening.kind === 'absent' ? sentAgain(right, nowMs) : right,
    ),
  },
  {
    name: 'two listings taken for proof however early the second comes',
    advance: (life, happening, nowMs, random, used) =>
      advance(life, happening, nowMs, random, { ...used, absentAfterMs: 0 }),
  },
  {
    name: 'two listings taken for proof a tenth too early',
    advance: (life, happening, nowMs, random, used) =>
      advance(life, happening, nowMs, random, { ...used, absentAfterMs: used.absentAfterMs * 0.9 }),
  },
  {
    name: 'a listing whose pages shifted taken for proof',
    advance: (life, happening, nowMs, random, used) =>
      advance(
        life,
        happening.kind === 'absent'
          ? { ...happening, proof: { ...happening.proof, keepsEarlier: true } }
          : happening,
        nowMs,
        random,
        used,
      ),
  },
  {
    name: 'the late listing taken for proof before another has shown that no page of it shifted',
    advance: (life, happening, nowMs, random, used) => {
      const { state } = life;
      const isLast =
        happening.kind === 'absent' &&
        state.kind === 'unknown' &&
        state.absent !== null &&
        happening.startedAtMs >= state.absent.startedAtMs + used.absentAfterMs &&
        happening.proof.keepsEarlier;
      const right = advance(life, happening, nowMs, random, used);
      return isLast ? sentAgain(right, nowMs) : right;
    },
  },
  {
    name: 'a row of a lost outbox believed',
    advance: wrongly((right, life, happening) =>
      happening.kind === 'distrusted' ? { ...right, life } : right,
    ),
  },
  {
    name: 'absence counted from the intent instead of the request’s end',
    advance: (life, happening, nowMs, random, used) =>
      advance(
        life,
        happening.kind === 'unclear' && life.state.kind === 'intended' && happening.ended !== undefined
          ? { ...happening, ended: { ...happening.ended, ms: life.state.platformTimeMs } }
          : happening,
        nowMs,
        random,
        used,
      ),
  },
  {
    name: 'absence counted by a clock that may be set',
    advance: (life, happening, nowMs, random, used) =>
      advance(
        life,
        happening.kind === 'absent'
          ? { ...happening, steady: { process: 'any', ms: happening.startedAtMs } }
          : happening,
        nowMs,
        random,
        used,
      ),
  },
  {
    name: 'a skipped run of unknown outcome revived as queued',
    advance: wrongly((right, life, happening, nowMs) =>
      happening.kind === 'retry' && (life.state.kind === 'skipped' || life.state.kind === 'parked')
        ? sentAgain(right, nowMs)
        : right,
    ),
  },
  {
    name: 'a listing taken for as new as its last page',
    advance: (life, happening, nowMs, random, used) =>
      advance(
        life,
        happening.kind === 'absent'
          ? { ...happening, steady: { ...happening.steady, ms: nowMs } }
          : happening,
        nowMs,
        random,
        used,
      ),
  },
  {
    name: 'an intent that a crash left behind sent again',
    advance,
    takenOver: (life) =>
      life.state.kind === 'intended'
        ? { ...life, state: { kind: 'uploaded', uploads: life.state.uploads } }
        : life,
  },
  {
    name: 'a request sent before its intent is durable',
    advance: wrongly((right, life, happening) =>
      happening.kind === 'intended' ? { ...right, life } : right,
    ),
  },
];

describe('the model', () => {
  test.each(mistakes)('catches $name', ({ advance: wrong, takenOver: left }) => {
    const found = fc.check(
      fc.property(turns, (taken) => {
        live(taken, policy, { advance: wrong, takenOver: left ?? takenOver });
      }),
      { seed, numRuns: 200_000, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
    expect(found.errorInstance).toBeInstanceOf(PromiseBroken);
  });
});
