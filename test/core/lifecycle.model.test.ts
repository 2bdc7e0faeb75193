/**
 * Any order of steps, crashes, lost answers, late effects, shifting lists and lost outboxes: never two runs with one
 * fingerprint, and in the end the run is recorded or a person is asked. 20,000 lives of up to 60 turns under `then: send`
 * and 5,000 under `then: park`, from a fixed seed.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takenOver } from '../../src/core/doubt.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { policy } from './lives.ts';
import type { Turn } from './platformModel.ts';
import { ends, live, seed, turns } from './turns.ts';

/** Fewer, where it is run once for each of a thousand mutants. */
const lives = Number(process.env['MODEL_LIVES'] ?? 20_000);
const real = { advance, takenOver };

const modelledFaults = [
  'answer lost, nothing made',
  'answer lost, run made',
  'carried out late',
  'listed late',
  'crash',
  'crash while asking',
  'crash while listing',
  'foreign run deleted',
  'page shifted',
  'shift noticed',
  'run hidden by a shift',
  'list broken',
  'found',
  'outbox lost',
  'outbox rolled back',
  'clock set back',
  'clock set forward',
];

describe('a run’s life', () => {
  test('makes one run at most on the platform, and comes to an end', () => {
    const seen = new Map<string, number>();
    const happened = new Map<string, number>();
    let postsMax = 0;
    fc.assert(
      fc.property(turns, (taken) => {
        const { end, posts, faults } = live(taken, policy, real);
        expect(ends).toContain(end);
        seen.set(end, (seen.get(end) ?? 0) + 1);
        for (const [fault, times] of faults) happened.set(fault, (happened.get(fault) ?? 0) + times);
        postsMax = Math.max(postsMax, posts);
      }),
      { seed, numRuns: lives },
    );
    // The turns are worth something only if they lead everywhere, and to more than one request for a run.
    expect([...seen.keys()].sort()).toEqual([...ends].sort());
    expect(seen.get('recorded')).toBeGreaterThan(lives / 20);
    expect(postsMax).toBeGreaterThan(2);
    // And only if everything went wrong that can, often.
    const rare = Object.fromEntries(
      modelledFaults
        .map((fault) => [fault, happened.get(fault) ?? 0] as const)
        .filter(([, times]) => times < lives / 200),
    );
    expect(rare).toEqual({});
    expect([...happened.keys()].sort()).toEqual(modelledFaults.toSorted());
  });

  test('makes one run at most where a person is asked before anything is sent again', () => {
    fc.assert(
      fc.property(turns, (taken) => {
        expect(ends).toContain(live(taken, { ...policy, then: 'park' }, real).end);
      }),
      { seed, numRuns: lives / 4 },
    );
  });

  test('is recorded when nobody but the network disturbs it', () => {
    const network = turns.map((taken) =>
      taken.flatMap((turn): Turn[] => {
        if (turn.what === 'folder' || turn.what === 'person') return [];
        // Refusals, failures of the run itself and content that goes are trouble of another kind.
        const isTrouble = turn.what === 'step' && (turn.how % 5 === 2 || turn.when % 3 === 2);
        const isProof = turn.what === 'listed' && [10, 12, 16, 22].some((n) => turn.how % (n + 1) === n);
        return isTrouble || isProof ? [] : [turn];
      }),
    );
    fc.assert(
      fc.property(network, (taken) => {
        expect(live(taken, policy, real).end).toBe('recorded');
      }),
      { seed, numRuns: lives / 4 },
    );
  });
});
