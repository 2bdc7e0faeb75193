/** A run whose drop root is not in the configuration: it was taken out, or has another name now. */
import type { Failure } from './failure.ts';

/** The class by which such runs are found again when the root comes back. */
export const rootNotConfigured = 'root-not-configured';

export function missingRoot(dropRoot: string): Failure {
  return {
    class: rootNotConfigured,
    text: `the drop root "${dropRoot}" is not in the configuration any more`,
    hint: 'Put the drop root back into the configuration and reload it: the run goes on by itself. Or `runtrackd skip` it.',
    reach: 'run',
  };
}
