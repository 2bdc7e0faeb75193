/**
 * What is taken for granted where no meta.json says it. The rules, which `show` tells with their reasons:
 *
 *   status    succeeded when an output is there; else failed when the log ends in an error; else it is waited for
 *   error     the last line of the log that is one
 *   duration  from when the input was last written to when the output, or else the log, was
 *
 * Pure: what is known of the folder is an argument.
 */
import type { Meta } from '../core/content.ts';

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

/** @param wantedOutput how the output would be called, for the reason */
export function inferMeta(said: SaidMeta, evidence: Evidence, wantedOutput: string): Inferred {
  const inferred: string[] = [];
  const { output, log } = evidence;
  const failure = log === null ? null : endingError(evidence.logTail);
  let { status, error } = said;
  if (status === null) {
    if (output !== null) {
      status = 'succeeded';
      inferred.push(`status succeeded: ${output} is there`);
    } else if (log !== null && failure !== null) {
      status = 'failed';
      inferred.push(`status failed: there is no output, and ${log} ends in an error`);
    } else {
      const unless = log === null ? '' : `, unless ${log} ends in an error`;
      return { kind: 'waiting', reason: `waiting for ${wantedOutput}${unless}` };
    }
  }
  if (error === null && status === 'failed' && log !== null && failure !== null) {
    error = failure;
    inferred.push(`error: the last line of ${log} that is one`);
  }
  let { durationMs } = said;
  if (durationMs === null) {
    durationMs = durationOf(evidence);
    if (durationMs !== null) {
      inferred.push(
        `duration ${durationMs / 1000} s: from the last change of the input to that of ${output ?? String(log)}`,
      );
    }
  }
  return { kind: 'meta', meta: { ...said, status, error, durationMs, inferred } };
}

function durationOf({ inputWrittenMs, resultWrittenMs }: Evidence): number | null {
  const durationMs = Math.round((resultWrittenMs ?? inputWrittenMs) - inputWrittenMs);
  return durationMs > 0 && durationMs <= durationMsMax ? durationMs : null;
}

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
