/** lp_solve, its own program as well as its library. */
import type { Draft } from './draft.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine } from './stated.ts';

export const lpSolve: Solver = {
  name: 'lp_solve',
  lines: [
    {
      line: "Model name: '{:text}' - run #{}",
      mark: 'begin',
      tells: true,
      then: (draft) => draft.notes.set(head, 1),
    },
    { line: ['get_ptr_sensitivity_', 'Primal objective:', 'Dual variables:'], then: isVerbose },
    { line: 'Objective: Maximize(', sense: 'max', tells: true },
    { line: 'Objective: Minimize(', sense: 'min', tells: true },
    {
      line: 'Model size: {constraints} constraints, {variables} variables, {nonzeros} non-zeros.',
      mark: 'within',
      tells: true,
    },
    {
      line: [
        'Feasible solution {value} after {} iter, {} nodes (gap {}%)',
        'Improved solution {value} after {} iter, {} nodes (gap {}%)',
      ],
      mark: 'within',
      tells: true,
      then: found,
    },
    {
      // Other programs' lines may come in the middle of it; the gap that it ends in is one to the relaxation.
      line: 'Optimal solution {objective} after {simplex_iterations} iter, {nodes} nodes',
      mark: 'within',
      tells: true,
    },
    {
      line: 'lp_solve unsuccessful after {simplex_iterations} iter and a last best value of {}',
      mark: 'within',
      tells: true,
    },
    { line: 'lp_solve explored {nodes} nodes before termination', tells: true },
    {
      line: 'lp_solve optimization was stopped due to time-out.',
      mark: 'within',
      tells: true,
      status: 'stopped',
      limit: 'time',
    },
    {
      line: ['lp_solve optimization was stopped by the user', 'lp_solve stopped by user'],
      tells: true,
      status: 'interrupted',
    },
    { line: 'MEMO: lp_solve version {version:word} for', tells: true, then: isVerbose },
    { line: '... {} seconds in simplex solver, in total {runtime_seconds} seconds.' },
    { line: 'Value of objective function: {objective}', mark: 'end', tells: true, then: result },
    { line: 'This problem is infeasible$', mark: 'end', tells: true, status: 'infeasible' },
    { line: 'This problem is unbounded$', mark: 'end', tells: true, status: 'unbounded' },
    {
      line: 'The model is sub-optimal. Only a faster solution was found.',
      mark: 'within',
      tells: true,
      status: 'stopped',
    },
    { line: 'Timeout$', mark: 'end', tells: false, status: 'stopped', limit: 'time' },
    {
      line: ['Numerical failure encountered$', 'The B&B routine failed$', 'Out of memory$'],
      tells: false,
      then: errorLine,
    },
    { line: ['syntax error on line {}'], tells: true, then: errorLine },
    { line: ['Unable to read model.', 'This problem is infeasible or unbounded'], tells: true, then: failed },
  ],
};

function found(draft: Draft, fields: LineFields): void {
  draft.incumbent(draft.stampedSeconds, fields.number('value'));
  isVerbose(draft);
}

/** Notes: 1 when the head is there, and when there are lines that come between head and result. */
const head = 'head';
const verbose = 'verbose';

function isVerbose(draft: Draft): void {
  draft.notes.set(verbose, 1);
}

/**
 * The program prints a result only of what it calls optimal, or says beforehand that it is not. So it is optimal if what
 * stood before is there.
 */
function result(draft: Draft): void {
  if (draft.isStated || (draft.notes.has(verbose) && !draft.notes.has(head))) return;
  draft.status('optimal');
}

function failed(draft: Draft, fields: LineFields): void {
  if (fields.line.startsWith('This')) draft.status('infeasible_or_unbounded');
  else errorLine(draft, fields);
}
