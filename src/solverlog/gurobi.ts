/** Gurobi, its own program as well as its libraries. */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { Solver } from './solver.ts';
import { errorLine, failure, presolved, printedGap, removed } from './stated.ts';

export const gurobi: Solver = {
  name: 'gurobi',
  lines: [
    { line: 'Gurobi Optimizer version {version:word} build', mark: 'banner' },
    { line: 'Gurobi {version:word} ({:text}) logging started', mark: 'banner' },
    { line: 'Read {:word} format model from file', tells: true },
    {
      line: 'Optimize a model with {constraints} rows, {variables} columns and {nonzeros} nonzeros',
      mark: 'begin',
      tells: true,
      then: (draft, { line }) => {
        if (line.includes('(Max)')) draft.sense('max');
        else if (line.includes('(Min)')) draft.sense('min');
      },
    },
    {
      line: 'Variable types: {} continuous, {integers} integer ({} binary)',
      tells: true,
      then: (draft, fields) => {
        // It is said again of the presolved model, so only with the head is it known of which.
        if (draft.has('variables')) draft.number('integer_variables', fields.number('integers'));
      },
    },
    { line: 'Presolve removed {rows} rows and {columns} columns', then: removed },
    {
      line: 'Presolve: All rows and columns removed',
      then: (draft) => draft.presolved(0, 0),
    },
    { line: 'Presolved: {rows} rows, {columns} columns, {} nonzeros', then: presolved },
    { line: 'Thread count was {threads} (of {} available processors)', tells: true },
    {
      line: 'Found heuristic solution: objective {value}',
      mark: 'within',
      then: (draft, fields) => draft.incumbent(NaN, fields.number('value')),
    },
    {
      line: [
        'Loaded user MIP start with objective {value}',
        'User MIP start produced solution with objective {value}',
      ],
      then: (draft, fields) => draft.incumbent(NaN, fields.number('value')),
    },
    { line: 'Nodes | Current Node | Objective Bounds | Work', mark: 'within', tells: true },
    {
      line: 'Explored {nodes} nodes ({simplex_iterations} simplex iterations) in {runtime_seconds} seconds',
      mark: 'within',
      tells: true,
    },
    {
      line: [
        'Solved in {simplex_iterations} iterations and {runtime_seconds} seconds',
        'Stopped in {simplex_iterations} iterations and {runtime_seconds} seconds',
        'Solved with {:text} in {simplex_iterations} iterations and {runtime_seconds} seconds',
        'Barrier solved model in {} iterations and {runtime_seconds} seconds',
        'Barrier performed {} iterations in {runtime_seconds} seconds',
      ],
      mark: 'within',
      tells: true,
    },
    { line: 'Solution count {solutions_found}:', tells: true },
    { line: 'Solution count {solutions_found}$', tells: true },
    {
      line: 'Optimal solution found (tolerance {tolerance})',
      mark: 'within',
      status: 'optimal',
      tells: true,
      then: (draft, fields) => draft.withinTolerance(fields.number('tolerance')),
    },
    { line: 'Optimal objective {objective}', mark: 'end', status: 'optimal' },
    { line: ['Model is infeasible$', 'Infeasible model$'], mark: 'end', status: 'infeasible' },
    { line: ['Model is unbounded$', 'Unbounded model$'], mark: 'end', status: 'unbounded' },
    {
      line: ['Model is infeasible or unbounded$', 'Infeasible or unbounded model$'],
      mark: 'end',
      status: 'infeasible_or_unbounded',
    },
    { line: 'Time limit reached$', status: 'stopped', limit: 'time' },
    { line: 'Work limit reached$', status: 'stopped' },
    { line: 'Node limit reached$', status: 'stopped', limit: 'node' },
    { line: 'Iteration limit reached$', status: 'stopped', limit: 'iteration' },
    { line: 'Solution limit reached$', status: 'stopped', limit: 'solution' },
    { line: 'Memory limit reached$', status: 'stopped', limit: 'memory' },
    { line: ['User objective limit reached$', 'Sub-optimal termination'], status: 'stopped' },
    { line: ['Solve interrupted', 'Interrupted'], status: 'interrupted' },
    { line: 'Numerical trouble encountered', then: errorLine },
    {
      line: 'Best objective {objective}, best bound {bound}, gap {percent}%',
      mark: 'end',
      tells: true,
      then: printedGap,
    },
    { line: 'Best objective {objective}, best bound {bound}, gap -', mark: 'end', tells: true },
    { line: 'Error reading {:text} format file', tells: true, then: errorLine },
    { line: ['ERROR {}: {error:text}', 'Error {}: {error:text}'], then: failure },
    {
      line: [
        'gurobipy._exception.GurobiError: {error:text}',
        'gurobipy.GurobiError: {error:text}',
        'GurobiError: {error:text}',
      ],
      tells: true,
      then: failure,
    },
  ],
  rowsBegin: '0123456789H*',
  row,
};

/**
 * `H   39    46                    26015.000000 26270.9518  0.98%   2.4    0s`: incumbent, bound, gap, iterations per
 * node and time are always there.
 */
function row(cells: Row, draft: Draft): boolean {
  const seconds = cells.number(0, 's');
  if (Number.isNaN(seconds)) return false;
  if (!cells.has(6) || !(cells.endsIn(2, '%') || cells.is(2, '-'))) return false;
  draft.incumbent(seconds, cells.number(4));
  draft.boundSeen(seconds, cells.number(3));
  return true;
}
