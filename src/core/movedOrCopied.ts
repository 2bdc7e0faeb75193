/** A folder of which the file system does not tell whether it was moved, or is a copy: a person has to say. */
import type { Failure } from './failure.ts';

/** The class by which it is known that nobody has said so yet. */
export const movedOrCopied = 'moved-or-copied';

/** @param run whose folder it may be */
export function maybeMoved(run: number): Failure {
  return {
    class: movedOrCopied,
    text: `it may be the folder of run #${run}, moved, or a copy of it: this file system does not tell`,
    hint: 'If it is a copy, `runtrackd retry` sends it as a run of its own; if it was moved, `runtrackd skip` it.',
    reach: 'run',
  };
}
