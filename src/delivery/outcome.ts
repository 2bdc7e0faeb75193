/** What a step comes back with: what happened to the run, and what the next step need not ask for again. */
import type { Happening } from '../core/lifecycle.ts';
import type { RunAnswer } from '../platform/wire.ts';

export interface Outcome {
  readonly happening: Happening;
  /** The platform's answer about the run, when this step has it at hand. */
  readonly answer?: RunAnswer;
  readonly warnings?: readonly string[];
}
