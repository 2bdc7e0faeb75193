/** Input that cannot be recorded: said before anything was sent. */
import { RuntrackdError } from '../core/failure.ts';

/** @param text what is wrong with what, hint: what to do instead */
export function badInput(text: string, hint: string): RuntrackdError {
  return new RuntrackdError({ class: 'bad-input', text, hint, reach: 'run' });
}
