import type { Failure } from './failure.ts';

/** The platform names one of its runs for two folders: one of its answers, or what brought it here, was wrong. */
export function runIdTaken(runId: string): Failure {
  return {
    class: 'run-id-taken',
    text: `the platform names run ${runId}, which is another folder’s already`,
    hint: 'Look whether a proxy between this host and the platform gives the same answer twice, and compare both folders with the console; `runtrackd retry` asks the platform’s list once more.',
    reach: 'run',
  };
}
