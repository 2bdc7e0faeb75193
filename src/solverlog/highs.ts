/** HiGHS, its own program as well as its libraries. */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { Solver } from './solver.ts';
import { errorLine, printedGap, withoutIntegers } from './stated.ts';

const optimal = ['Status Optimal', 'Model status : Optimal', 'Model status : Empty'];

export const highs: Solver = {
  name: 'highs',
  lines: [
    { line: ['Running HiGHS {version:word}', 'HiGHS version {version:word}'], mark: 'banner' },
    {
      line: [
        'MIP {:word} has {constraints} rows; {variables} cols; {nonzeros} nonzeros; {integer_variables} integer variables',
        'MIP has {constraints} rows; {variables} cols; {nonzeros} nonzeros; {integer_variables} integer variables',
        'QP {:word} has {constraints} rows; {variables} cols; {nonzeros} nonzeros',
      ],
      mark: 'begin',
      tells: true,
    },
    {
      line: [
        'LP {:word} has {constraints} rows; {variables} cols; {nonzeros} nonzeros',
        'LP has {constraints} rows; {variables} cols; {nonzeros} nonzeros',
      ],
      mark: 'begin',
      tells: true,
      then: withoutIntegers,
    },
    {
      line: [
        'Presolve reductions: rows {}(-{presolve_rows_removed}); columns {}(-{presolve_columns_removed});',
        'Presolve : Reductions: rows {}(-{presolve_rows_removed}); columns {}(-{presolve_columns_removed});',
      ],
      tells: true,
    },
    { line: 'Thread count: {:text} across {threads} threads', tells: true },
    { line: 'Src Proc. InQueue | Leaves Expl. | BestBound BestSol Gap', mark: 'within', tells: true },
    { line: 'Solving report', mark: 'within', tells: true },
    { line: optimal, mark: 'end', status: 'optimal' },
    { line: ['Status Infeasible', 'Model status : Infeasible'], mark: 'end', status: 'infeasible' },
    { line: ['Status Unbounded', 'Model status : Unbounded'], mark: 'end', status: 'unbounded' },
    {
      line: ['Status Primal infeasible or unbounded', 'Model status : Primal infeasible or unbounded'],
      mark: 'end',
      status: 'infeasible_or_unbounded',
    },
    {
      line: ['Status Time limit reached', 'Model status : Time limit reached'],
      mark: 'end',
      status: 'stopped',
      limit: 'time',
    },
    {
      line: ['Status Iteration limit reached', 'Model status : Iteration limit reached'],
      mark: 'end',
      status: 'stopped',
      limit: 'iteration',
    },
    {
      line: ['Status Memory limit reached', 'Model status : Memory limit reached'],
      mark: 'end',
      status: 'stopped',
      limit: 'memory',
    },
    {
      // HiGHS says this of a node limit as well, so which of the two it was is not known.
      line: ['Status Solution limit reached', 'Model status : Solution limit reached'],
      mark: 'end',
      status: 'stopped',
    },
    {
      line: [
        'Status Bound on objective reached',
        'Model status : Bound on objective reached',
        'Status Target for objective reached',
        'Model status : Target for objective reached',
      ],
      mark: 'end',
      status: 'stopped',
    },
    {
      line: ['Status Interrupted by user', 'Model status : Interrupted by user'],
      mark: 'end',
      status: 'interrupted',
    },
    {
      line: ['Status {:word} error', 'Model status : {:word} error'],
      mark: 'end',
      then: errorLine,
    },
    // Of the report of a MIP.
    { line: 'Primal bound {objective}' },
    { line: 'Dual bound {bound}' },
    { line: 'Gap {percent}%', then: printedGap },
    { line: 'Timing {runtime_seconds}' },
    { line: 'Nodes {nodes}' },
    { line: 'LP iterations {simplex_iterations}' },
    // Of an LP.
    { line: 'Simplex iterations: {simplex_iterations}', tells: true },
    {
      // Of an infeasible or unbounded LP too, so the status has to be known.
      line: 'Objective value : {value}',
      then: (draft, fields) => {
        if (draft.isStated) draft.number('objective', fields.number('value'));
      },
    },
    { line: 'HiGHS run time : {runtime_seconds}', tells: true },
    {
      line: 'ERROR: {:text}',
      then: (draft, fields) => (draft.isStated ? undefined : errorLine(draft, fields)),
    },
  ],
  rowsBegin: '0123456789BCFHIJLPRSTUXYZlpuz',
  row,
};

/**
 * ` L       0       0         0   0.00%   18412.374851    18174              1.31%      269     12      3        37     0.1s`:
 * all columns but the first are always there.
 */
function row(cells: Row, draft: Draft): boolean {
  const seconds = cells.number(0, 's');
  if (Number.isNaN(seconds) || !cells.has(12)) return false;
  if (!cells.endsIn(8, '%')) return false;
  draft.incumbent(seconds, cells.number(6));
  draft.boundSeen(seconds, cells.number(7));
  return true;
}
