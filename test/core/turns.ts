/** What can happen to a run, as a generator of turns, and a whole life made of them. */
import fc from 'fast-check';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import { Model, type Advance, type TakeOver, type Turn } from './platformModel.ts';

/** Fixed, so that a red run can be repeated; `MODEL_SEED=n` tries another one. */
export const seed = Number(process.env['MODEL_SEED'] ?? 20_260_101);

export const turns = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Turn['what']>('step') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('wait') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('list') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('page') },
      { weight: 2, arbitrary: fc.constant<Turn['what']>('listed') },
      {
        weight: 2,
        arbitrary: fc.constantFrom<Turn['what'][]>(
          'crash',
          'folder',
          'person',
          'foreign',
          'copy',
          'lose',
          'clock',
        ),
      },
    ),
    how: fc.nat(10_000),
    when: fc.nat(10_000),
  }),
  { maxLength: 60, size: 'max' },
);

interface Lived {
  readonly end: string;
  readonly posts: number;
  readonly faults: ReadonlyMap<string, number>;
}

export function live(
  taken: readonly Turn[],
  used: LifecyclePolicy,
  use: { advance: Advance; takenOver: TakeOver },
): Lived {
  const model = new Model(used, use);
  for (const turn of taken) model.take(turn);
  return { end: model.comeToRest(), posts: model.posts, faults: model.faults };
}

export const ends = ['recorded', 'parked', 'skipped', 'superseded', 'gone'];
