/** What is so of a run in each of its states. */
import { describe, expect, test } from 'vitest';
import {
  isLive,
  mayHaveBeenMade,
  needsPerson,
  nextStep,
  runIdOf,
  type LiveState,
  type RunState,
  type StateKind,
} from '../../src/core/run.ts';
import { parkedFrom, sampleStates, stateKinds } from './lives.ts';

const facts: Readonly<
  Record<StateKind, { step: ReturnType<typeof nextStep> | null; mayBeMade: boolean; runId: string | null }>
> = {
  queued: { step: 'upload', mayBeMade: false, runId: null },
  uploaded: { step: 'send', mayBeMade: false, runId: null },
  intended: { step: 'reconcile', mayBeMade: true, runId: null },
  unknown: { step: 'reconcile', mayBeMade: true, runId: null },
  tracked: { step: 'poll', mayBeMade: true, runId: 'run-a' },
  final: { step: 'writeBack', mayBeMade: true, runId: 'run-a' },
  recorded: { step: null, mayBeMade: true, runId: 'run-a' },
  parked: { step: null, mayBeMade: false, runId: null },
  skipped: { step: null, mayBeMade: false, runId: null },
  superseded: { step: null, mayBeMade: false, runId: null },
  gone: { step: null, mayBeMade: false, runId: null },
};

describe('a run that is', () => {
  test.each(stateKinds.map((kind) => ({ kind, ...facts[kind] })))(
    '$kind has $step as its next step and $runId as its id',
    ({ kind, step, mayBeMade, runId }) => {
      const state = sampleStates[kind];
      expect(isLive(state)).toBe(step !== null);
      expect(runIdOf(state)).toBe(runId);
      if (!isLive(state)) return;
      expect(nextStep(state)).toBe(step);
      expect(mayHaveBeenMade(state)).toBe(mayBeMade);
    },
  );

  test.each(['parked', 'skipped', 'superseded', 'gone'] as const)('%s keeps the id that it had', (kind) => {
    const from = sampleStates.tracked as LiveState;
    const state = kind === 'parked' ? parkedFrom(from) : ({ kind, from } as RunState);
    expect(runIdOf(state)).toBe('run-a');
  });

  test('parked, or a folder that is rejected or overdue, needs a person', () => {
    expect(needsPerson).toEqual(['parked', 'rejected', 'overdue']);
  });
});
