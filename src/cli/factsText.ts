/** What a solver's log says of a run, in sentences. Pure. */
import type { RunFacts } from '../core/runFacts.ts';
import type { SolveFacts, SolveLimit } from '../core/solverFacts.ts';
import { printable } from './words.ts';

type Facts = Omit<RunFacts, 'incumbents' | 'bounds'>;

/** Each with the line of the log that its first figure stands in, where that is known. */
export function factsSentences(facts: Facts): string[] {
  const { evidence, solves } = facts;
  const at = (line: number | undefined): string => (line === undefined ? '' : ` (line ${String(line)})`);
  const program = printable([facts.solver, facts.version].filter((part) => part !== undefined).join(' '));
  const sentences = [`${program} ${endInWords(facts)}${at(evidence.status ?? evidence.solver)}.`];
  const values = listed([
    figure(facts.objective, (value) => `objective ${value}`),
    figure(facts.bound, (value) => `bound ${value}`),
    facts.gap_relative === undefined ? null : `gap ${percent(facts.gap_relative)}`,
    facts.sense === undefined ? null : facts.sense === 'min' ? 'minimised' : 'maximised',
  ]);
  if (values !== null) sentences.push(`${values}${at(evidence.objective ?? evidence.bound)}.`);
  const effort = listed([
    figure(facts.runtime_seconds, (value) => `it took ${value} s`),
    figure(facts.nodes, (value) => `${value} nodes`),
    figure(facts.simplex_iterations, (value) => `${value} simplex iterations`),
    figure(facts.solutions_found, (value) => `${value} solutions found`),
    figure(facts.threads, (value) => `${value} threads`),
  ]);
  if (effort !== null) sentences.push(`${effort}${at(evidence.runtime_seconds ?? evidence.nodes)}.`);
  const size = listed([
    figure(facts.variables, (value) => `${value} variables`),
    figure(facts.integer_variables, (value) => `${value} of them integer`),
    figure(facts.constraints, (value) => `${value} constraints`),
    figure(facts.nonzeros, (value) => `${value} non-zeros`),
    figure(facts.presolve_rows_removed, (value) => `${value} rows presolved away`),
    figure(facts.presolve_columns_removed, (value) => `${value} columns presolved away`),
  ]);
  if (size !== null) sentences.push(`${size}${at(evidence.variables ?? evidence.constraints)}.`);
  if (solves > 1) sentences.push(`The log shows ${String(solves)} solves; this is the last one.`);
  return sentences;
}

/** The same at a glance, for a row of a table. */
export function factsAtAGlance(facts: Facts | null): string {
  if (facts === null) return '';
  const { status, objective, gap_relative: gap } = facts;
  const parts = [
    status?.replaceAll('_', ' ') ?? facts.solver ?? '',
    figure(objective, (value) => value),
    gap === undefined || gap === 0 ? null : `gap ${percent(gap)}`,
  ];
  return printable(parts.filter((part) => part !== null).join(', '));
}

/** A fraction as people read it. */
export function percent(fraction: number): string {
  return `${String(Number((fraction * 100).toPrecision(4)))} %`;
}

function endInWords({ status, limit, error }: SolveFacts): string {
  if (status === undefined) return 'does not say how it ended';
  switch (status) {
    case 'optimal':
      return limit === 'gap'
        ? 'found a solution within the gap that it was given'
        : 'found an optimal solution';
    case 'feasible':
      return `stopped early with a solution${stopInWords(limit)}`;
    case 'no_solution':
      return `stopped early without a solution${stopInWords(limit)}`;
    case 'infeasible':
      return 'says that the model has no solution';
    case 'unbounded':
      return 'says that the model is unbounded';
    case 'infeasible_or_unbounded':
      return 'says that the model is infeasible or unbounded';
    case 'interrupted':
      return 'was interrupted';
    case 'error':
      return error === undefined ? 'failed' : `failed: ${printable(error)}`;
  }
}

function stopInWords(limit: SolveLimit | undefined): string {
  return limit === undefined ? '' : `, at its ${limit} limit`;
}

function figure(value: number | undefined, text: (value: string) => string): string | null {
  return value === undefined ? null : text(String(value));
}

/** With a capital at its beginning; null where there is nothing. */
function listed(parts: readonly (string | null)[]): string | null {
  const text = parts.filter((part) => part !== null).join(', ');
  return text === '' ? null : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
