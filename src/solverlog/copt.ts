/** COPT, its own program as well as its libraries. */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine, failure, inPart, printedGap, withoutIntegers } from './stated.ts';

/** Which model the next lines give the size of. */
const [original, presolvedPart] = [1, 2];

export const copt: Solver = {
  name: 'copt',
  lines: [
    { line: 'checks license for COPT v{version:word}', mark: 'banner' },
    { line: 'Cardinal Optimizer v{version:word}', mark: 'banner' },
    { line: 'Using Cardinal Optimizer v{version:word}', mark: 'begin', tells: true },
    { line: 'Maximizing an LP problem', mark: 'within', sense: 'max', then: withoutIntegers },
    { line: 'Minimizing an LP problem', mark: 'within', sense: 'min', then: withoutIntegers },
    { line: ['Maximizing a {:text} problem', 'Maximizing an {:text} problem'], mark: 'within', sense: 'max' },
    { line: ['Minimizing a {:text} problem', 'Minimizing an {:text} problem'], mark: 'within', sense: 'min' },
    { line: 'The original problem has:', mark: 'within', tells: true, then: inPart(original) },
    { line: 'The presolved problem has:', tells: true, then: inPart(presolvedPart) },
    { line: '{rows} rows, {columns} columns and {nonzeroElements} non-zero elements', then: size },
    { line: '{binaries} binaries and {integers} integers', then: integersOf },
    { line: ['{binaries} binaries$', '{integers} integers$'], then: integersOf },
    { line: 'Starting the MIP solver with {threads} thread', mark: 'within', tells: true },
    { line: 'Starting the {:text} solver using up to {threads} thread', mark: 'within' },
    { line: 'Nodes Active LPit/n IntInf BestBound BestSolution Gap Time', mark: 'within', tells: true },
    { line: 'User interrupted, stopping', status: 'interrupted', tells: true },
    { line: 'Best solution : {objective}', mark: 'within' },
    { line: 'Best bound : {bound}' },
    { line: 'Best gap : {percent}%', then: printedGap },
    { line: 'Solve time : {runtime_seconds}' },
    { line: 'Solve node : {nodes}' },
    { line: 'MIP status : stopped (time limit reached)', status: 'stopped', limit: 'time' },
    { line: 'MIP status : stopped (node limit reached)', status: 'stopped', limit: 'node' },
    { line: 'MIP status : stopped (memory limit reached)', status: 'stopped', limit: 'memory' },
    { line: 'MIP status : stopped (user interrupt)', status: 'interrupted' },
    {
      line: 'Solution status : integer optimal (relative gap limit {tolerance})',
      mark: 'end',
      tells: true,
      status: 'optimal',
      then: (draft, fields) => draft.withinTolerance(fields.number('tolerance')),
    },
    { line: 'Solution status : integer optimal', mark: 'end', tells: true, status: 'optimal' },
    { line: 'MIP status : stopped', status: 'stopped' },
    // What stopped it was said before.
    { line: ['Solution status : integer feasible', 'Solution status : unknown'], mark: 'end', tells: true },
    { line: 'Solution status : infeasible$', mark: 'end', tells: true, status: 'infeasible' },
    { line: 'Solution status : unbounded$', mark: 'end', tells: true, status: 'unbounded' },
    {
      line: 'Solution status : infeasible or unbounded$',
      mark: 'end',
      tells: true,
      status: 'infeasible_or_unbounded',
    },
    // Of an LP.
    {
      // After a barrier solve, its own iterations stand before those of the simplex method.
      line: [
        'Status: Optimal Objective: {objective} Iterations: {}({iterations}) Time: {seconds}s',
        'Status: Optimal Objective: {objective} Iterations: {iterations} Time: {seconds}s',
      ],
      mark: 'end',
      status: 'optimal',
      then: simplex,
    },
    {
      line: 'Status: Infeasible Objective: {:word} Iterations: {iterations} Time: {seconds}s',
      mark: 'end',
      status: 'infeasible',
      then: simplex,
    },
    {
      line: 'Status: Unbounded Objective: {:word} Iterations: {iterations} Time: {seconds}s',
      mark: 'end',
      status: 'unbounded',
      then: simplex,
    },
    {
      line: [
        'Status: Timeout Objective: {:word} Iterations: {iterations} Time: {seconds}s',
        'Status: Time limit Objective: {:word} Iterations: {iterations} Time: {seconds}s',
      ],
      mark: 'end',
      status: 'stopped',
      limit: 'time',
      then: simplex,
    },
    {
      line: 'Status: Interrupted Objective: {:word} Iterations: {iterations} Time: {seconds}s',
      mark: 'end',
      status: 'interrupted',
      then: simplex,
    },
    { line: 'Error at line {}, raw input:', then: errorLine },
    { line: 'Reading failed', then: errorLine },
    {
      line: ['coptcore.CoptError: {error:text}', 'coptpy.CoptError: {error:text}'],
      tells: true,
      then: failure,
    },
  ],
  rowsBegin: '0123456789H*',
  row,
};

function size(draft: Draft, fields: LineFields): void {
  const [rows, columns] = [fields.number('rows'), fields.number('columns')];
  if (draft.notes.get('part') === presolvedPart) draft.presolved(rows, columns);
  if (draft.notes.get('part') !== original) return;
  draft.number('constraints', rows);
  draft.number('variables', columns);
  draft.number('nonzeros', fields.number('nonzeroElements'));
}

function integersOf(draft: Draft, fields: LineFields): void {
  if (draft.notes.get('part') !== original) return;
  draft.number('integer_variables', (fields.number('binaries') || 0) + (fields.number('integers') || 0));
}

function simplex(draft: Draft, fields: LineFields): void {
  draft.number('simplex_iterations', fields.number('iterations'));
  draft.number('runtime_seconds', fields.number('seconds'));
}

/** `H      513         1     4.4      40  1.662706e+04  3.454000e+03  79.23%  0.74s`: every column is always there. */
function row(cells: Row, draft: Draft): boolean {
  const seconds = cells.number(0, 's');
  if (Number.isNaN(seconds) || !cells.has(8)) return false;
  if (!cells.endsIn(1, '%') && !cells.is(1, 'Inf')) return false;
  draft.boundSeen(seconds, cells.number(3));
  draft.incumbent(seconds, cells.number(2));
  return true;
}
