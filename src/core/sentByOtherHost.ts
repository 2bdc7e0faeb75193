/** A folder that another host has sent, as its result file proves: whether it is to be a run of this host too, a person has to say. */
import type { Failure } from './failure.ts';

/** The class by which it is known that nobody has said so yet. */
export const sentByOtherHost = 'sent-by-other-host';

/** @param proven what the result file says */
export function sentByAnother(proven: { readonly host: string; readonly runId: string }): Failure {
  const { host, runId } = proven;
  return {
    class: sentByOtherHost,
    text: `its result file proves that host "${host}" has sent it as run ${runId} already`,
    hint: 'If that run is enough, `runtrackd skip` it; `runtrackd retry` sends it once more, as a run of this host.',
    reach: 'run',
  };
}
