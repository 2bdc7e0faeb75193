/** What a step comes back with: what happened to the run, and what the next step need not ask for again. */
import type { Happening } from '../core/happening.ts';
import type { ReadAnswer } from '../platform/client.ts';

export interface Outcome {
  readonly happening: Happening;
  /** The platform's answer about the run, when this step has it at hand. */
  readonly answer?: ReadAnswer;
  readonly warnings?: readonly string[];
  /** Whether the output came back as it was sent, where this step has found out. */
  readonly outputSame?: boolean | null;
}
