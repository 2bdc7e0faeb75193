/**
 * Any order of steps, crashes, late answers and late effects: never two runs with one fingerprint, and in the end the
 * run is recorded or a person is asked. 20,000 lives of up to 60 turns under `then: send` and 5,000 under `then: park`,
 * from a fixed seed so that a red run can be repeated; `MODEL_SEED=n` tries another one.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, takenOver, type Conclusion } from '../../src/core/lifecycle.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import { policy } from './lives.ts';
import { Model, PromiseBroken, type Advance, type TakeOver, type Turn } from './platformModel.ts';

const seed = Number(process.env['MODEL_SEED'] ?? 20_260_101);

const turns = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Turn['what']>('step') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('wait') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('list') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('listed') },
      { weight: 1, arbitrary: fc.constantFrom<Turn['what'][]>('crash', 'folder', 'person') },
    ),
    how: fc.nat(10_000),
    when: fc.nat(10_000),
  }),
  { maxLength: 60, size: 'max' },
);

const real = { advance, takenOver };

interface Lived {
  readonly end: string;
  readonly posts: number;
}

function live(taken: readonly Turn[], used: LifecyclePolicy, use: typeof real): Lived {
  const model = new Model(used, use);
  for (const turn of taken) model.take(turn);
  return { end: model.comeToRest(), posts: model.posts };
}

const ends = ['recorded', 'parked', 'skipped', 'superseded', 'gone'];

describe('a run’s life', () => {
  test('makes one run at most on the platform, and comes to an end', () => {
    const seen = new Map<string, number>();
    let postsMax = 0;
    fc.assert(
      fc.property(turns, (taken) => {
        const { end, posts } = live(taken, policy, real);
        expect(ends).toContain(end);
        seen.set(end, (seen.get(end) ?? 0) + 1);
        postsMax = Math.max(postsMax, posts);
      }),
      { seed, numRuns: 20_000 },
    );
    // The turns are worth something only if they lead everywhere, and to more than one request for a run.
    expect([...seen.keys()].sort()).toEqual([...ends].sort());
    expect(seen.get('recorded')).toBeGreaterThan(1_000);
    expect(postsMax).toBeGreaterThan(2);
  });

  test('makes one run at most where a person is asked before anything is sent again', () => {
    fc.assert(
      fc.property(turns, (taken) => {
        expect(ends).toContain(live(taken, { ...policy, then: 'park' }, real).end);
      }),
      { seed, numRuns: 5_000 },
    );
  });

  test('is recorded when nobody but the network disturbs it', () => {
    const network = turns.map((taken) =>
      taken.flatMap((turn): Turn[] => {
        if (turn.what === 'folder' || turn.what === 'person') return [];
        // Refusals, failures of the run itself and content that goes are trouble of another kind.
        const isTrouble = turn.what === 'step' && (turn.how % 5 === 2 || turn.when % 3 === 2);
        const isProof = turn.what === 'listed' && [10, 12, 16].some((n) => turn.how % (n + 1) === n);
        return isTrouble || isProof ? [] : [turn];
      }),
    );
    fc.assert(
      fc.property(network, (taken) => {
        expect(live(taken, policy, real).end).toBe('recorded');
      }),
      { seed, numRuns: 5_000 },
    );
  });
});

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
    name: 'absence counted from the intent instead of the request’s end',
    advance: (life, happening, nowMs, random, used) =>
      advance(
        life,
        happening.kind === 'unclear' && life.state.kind === 'intended'
          ? { ...happening, endedAtMs: life.state.platformTimeMs }
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
        happening.kind === 'absent' ? { ...happening, startedAtMs: nowMs } : happening,
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

describe('the model bites', () => {
  test.each(mistakes)('it catches $name', ({ advance: wrong, takenOver: left }) => {
    const found = fc.check(
      fc.property(turns, (taken) => {
        live(taken, policy, { advance: wrong, takenOver: left ?? takenOver });
      }),
      { seed, numRuns: 20_000, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
    expect(found.errorInstance).toBeInstanceOf(PromiseBroken);
  });
});
