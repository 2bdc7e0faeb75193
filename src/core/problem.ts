/** What a person, or a script that waits in the run folder, is told while something needs a person. */
import type { Reason } from './failure.ts';
import type { ShownState } from './run.ts';

/** `nextmv-problem.json`. */
export interface ProblemFile {
  readonly state: ShownState;
  readonly reason: Reason;
  readonly hint: string;
  /** ISO 8601 in UTC. */
  readonly since: string;
  readonly run: number | null;
}
