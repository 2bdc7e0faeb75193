/** Long work in the loop, piece by piece: others have their turn in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Piecewise } from '../core/piecewise.ts';

export async function inTurns<Result>(work: Piecewise<Result>): Promise<Result> {
  let step = work.next();
  while (step.done !== true) {
    await nextTurn();
    step = work.next();
  }
  return step.value;
}
