/**
 * What is taken for granted where no meta.json says it. The rules, which `show` tells with their reasons:
 *
 *   status    failed when the solver says in its log that it failed; what `infeasible` says when it says that its model is
 *             infeasible or unbounded; else succeeded when an output is there; else failed when the log ends in an error, or
 *             the solver says that it was stopped or interrupted without a solution; else the output is waited for
 *   error     what the solver says went wrong; else the last line of the log that is an error
 *   duration  what the solver says it took, if the log has one solve; else from when the input was last written to when the
 *             output, or else the log, was
 *
 * Pure: what is known of the folder is an argument.
 */
import type { Meta } from '../core/content.ts';
import type { RunFacts } from '../core/runFacts.ts';

/** So much of the end of a log is looked at. */
export const logTailBytesMax = 16 * 1024;
/** An error that this many lines with text follow is not how the log ends. */
const lastLinesMax = 10;
/** Longer lines are data; and no pattern can be made slow by one. */
const lineCharsMax = 2_000;
/** A year: longer, and the files were not written by one run. */
const durationMsMax = 366 * 24 * 3_600_000;

export interface Evidence {
  /** The name of the output; null: there is none. */
  readonly output: string | null;
  /** The name of the log; null: there is none. */
  readonly log: string | null;
  /** The end of the log. */
  readonly logTail: string;
  /** What the solver's log says; absent: nothing. */
  readonly facts?: RunFacts | undefined;
  /** When the input was last written, in ms. */
  readonly inputWrittenMs: number;
  /** When the output or else the log was, in ms; null: neither is there. */
  readonly resultWrittenMs: number | null;
}

/** What meta.json said as far as there is one; null for what it left open. */
export type SaidMeta = Omit<Meta, 'status' | 'inferred'> & { readonly status: Meta['status'] | null };

export type Inferred =
  | { readonly kind: 'meta'; readonly meta: Meta }
  /** There is no telling yet. */
  | { readonly kind: 'waiting'; readonly reason: string };

/**
 * @param wantedOutput how the output would be called, for the reason
 * @param infeasible what a model without an optimum makes of the run
 */
export function inferMeta(
  said: SaidMeta,
  evidence: Evidence,
  wantedOutput: string,
  infeasible: Meta['status'] = 'succeeded',
): Inferred {
  const inferred: string[] = [];
  const { output, log } = evidence;
  const failure = failureIn(evidence, infeasible);
  let { status, error } = said;
  if (status === null) {
    if (failure !== null && (output === null || failure.isWhateverIsThere)) {
      status = 'failed';
      inferred.push(`status failed: ${output === null ? 'there is no output, and ' : ''}${failure.why}`);
    } else if (output !== null) {
      status = 'succeeded';
      inferred.push(`status succeeded: ${output} is there`);
    } else {
      const unless = log === null ? '' : `, unless ${log} ends in an error`;
      return { kind: 'waiting', reason: `waiting for ${wantedOutput}${unless}` };
    }
  }
  if (error === null && status === 'failed' && failure !== null) {
    error = failure.error;
    inferred.push(`error: ${failure.errorFrom}`);
  }
  const { durationMs, from } =
    said.durationMs === null ? durationOf(evidence) : { durationMs: said.durationMs, from: null };
  if (durationMs !== null && from !== null) inferred.push(`duration ${durationMs / 1000} s: ${from}`);
  return { kind: 'meta', meta: { ...said, status, error, durationMs, inferred } };
}

/** What in the log says that the run failed. */
interface Failure {
  readonly why: string;
  readonly error: string;
  readonly errorFrom: string;
  /** The solver's own word: an output that is there is none of a success. */
  readonly isWhateverIsThere: boolean;
}

function failureIn({ log, logTail, facts }: Evidence, infeasible: Meta['status']): Failure | null {
  if (log === null) return null;
  const ending = endingError(logTail);
  const line = facts?.evidence.status === undefined ? log : `line ${facts.evidence.status} of ${log}`;
  const by = (word: string, isWhateverIsThere: boolean): Failure => ({
    why: `${line} says that ${word}`,
    error: word,
    errorFrom: `what ${line} says`,
    isWhateverIsThere,
  });
  const solver = facts?.solver ?? 'the solver';
  switch (facts?.status) {
    case 'error':
      return {
        ...by(`${solver} failed`, true),
        ...(facts.error === undefined ? {} : { error: facts.error }),
      };
    case 'infeasible':
    case 'unbounded':
    case 'infeasible_or_unbounded':
      if (infeasible === 'failed')
        return by(`the model is ${facts.status.replaceAll('_', ' ')} (${solver})`, true);
      break;
    case 'no_solution':
    case 'interrupted':
      if (ending !== null || facts.objective !== undefined) break;
      return by(
        `${solver} ${facts.status === 'interrupted' ? 'was interrupted' : 'stopped'} without a solution`,
        false,
      );
    case 'optimal':
    case 'feasible':
    case undefined:
      break;
  }
  if (ending === null) return null;
  const why = `${log} ends in an error`;
  const errorFrom = `the last line of ${log} that is one`;
  return { why, error: ending, errorFrom, isWhateverIsThere: false };
}

function durationOf({ inputWrittenMs, resultWrittenMs, output, log, facts }: Evidence): {
  readonly durationMs: number | null;
  readonly from: string | null;
} {
  const seconds = facts?.solves === 1 ? facts.runtime_seconds : undefined;
  // A solver that took no time by its own clock took some.
  if (seconds !== undefined && isDuration(Math.round(seconds * 1000)))
    return { durationMs: Math.round(seconds * 1000), from: `what ${String(log)} says` };
  const durationMs = Math.round((resultWrittenMs ?? inputWrittenMs) - inputWrittenMs);
  if (!isDuration(durationMs)) return { durationMs: null, from: null };
  return { durationMs, from: `from the last change of the input to that of ${output ?? String(log)}` };
}

const isDuration = (ms: number): boolean => ms > 0 && ms <= durationMsMax;

/** What solvers, scripts, shells and kernels say last when something went wrong. A figure called "error" is none. */
const errorPatterns: readonly RegExp[] = [
  // ValueError: …, GurobiError: …, error: cannot …; and not "error: 0.01".
  /(?:error|exception)\s*:\s*[^\d\s.+-]/i,
  // CPLEX Error  1016: …, make: *** [all] Error 2, ** Error 10009
  /\berror\s+(?:code\s+|number\s+|no\.?\s+)?\d{1,6}\b(?!\.\d)/i,
  /^traceback \(most recent call last\)/i,
  /^(?:[^a-z]*)(?:fatal|panic)\b/i,
  /\b(?:segmentation fault|bus error|core dumped|out of memory|stack overflow|floating point exception|terminate called)\b/i,
  /^(?:killed|aborted|terminated)\b[.!]?$/i,
  // What a shell says of a child: solve.sh: line 3:  4711 Killed  ./planner
  /: line \d+: +\d+ (?:killed|aborted|terminated)\b/i,
  /\bexit(?:ed)?(?: with)? (?:code|status)[ :=]{1,3}[1-9]/i,
];
/** Lines that count errors, and found none. */
const noErrors = /\b(?:no|0|zero) (?:error|exception)s?\b/i;

/** @param tail the end of a log; @returns the last of its last lines that is an error; null: it does not end in one */
export function endingError(tail: string): string | null {
  const lines = tail
    .split(/\r\n|\n|\r/)
    .map((line) => line.slice(0, lineCharsMax).trim())
    .filter((line) => line !== '')
    .slice(-lastLinesMax);
  return lines.findLast((line) => !noErrors.test(line) && errorPatterns.some((is) => is.test(line))) ?? null;
}
