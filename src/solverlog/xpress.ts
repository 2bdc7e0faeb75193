/** FICO Xpress, its own program as well as its libraries. */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine, failure, inPart, withoutIntegers } from './stated.ts';

/** Which model the next lines give the size of. */
const [original, presolvedPart] = [1, 2];
/** Notes: which table the rows are of that come. */
const [ofLp, ofMip] = [1, 2];
/** The gap that ends a search unless another one is set. */
const toleranceUsual = 1.0001e-4;

export const xpress: Solver = {
  name: 'xpress',
  lines: [
    {
      line: [
        'FICO Xpress v{version:word}',
        'FICO Xpress Solver 64bit v{version:word}',
        'FICO Xpress Optimizer {:text} v{version:word}',
      ],
      mark: 'banner',
    },
    { line: 'Reading Problem', then: (draft) => (draft.begun ? undefined : draft.notes.clear()) },
    {
      line: [
        'Maximizing {kind:word} model using up to {threads} thread',
        'Maximizing {kind:word} model using {threads} thread',
      ],
      mark: 'begin',
      tells: true,
      sense: 'max',
      then: kindOf,
    },
    {
      line: [
        'Minimizing {kind:word} model using up to {threads} thread',
        'Minimizing {kind:word} model using {threads} thread',
      ],
      mark: 'begin',
      tells: true,
      sense: 'min',
      then: kindOf,
    },
    { line: 'Original problem has:', mark: 'within', tells: true, then: inPart(original) },
    { line: 'Presolved problem has:', tells: true, then: inPart(presolvedPart) },
    { line: '{rows} rows {columns} cols {elements} elements {entities} entities', then: size },
    { line: '{rows} rows {columns} cols {elements} elements', then: size },
    {
      line: '*** Solution found: {value} Time: {seconds}',
      mark: 'within',
      tells: true,
      then: (draft, fields) => draft.incumbent(fields.number('seconds'), fields.number('value')),
    },
    {
      line: ['Its Type BestSoln BestBound', 'Node BestSoln BestBound'],
      mark: 'within',
      tells: true,
      then: mipTable,
    },
    {
      line: 'Its Obj Value S Ninf Nneg',
      mark: 'within',
      tells: true,
      then: (draft) => draft.notes.set('table', ofLp),
    },
    { line: 'Starting root cutting & heuristics', mark: 'within', tells: true },
    { line: 'STOPPING - MAXTIME limit reached', tells: true, limit: 'time', status: 'stopped' },
    { line: 'STOPPING - TIMELIMIT', tells: true, limit: 'time', status: 'stopped' },
    { line: 'STOPPING - MAXNODE limit reached', tells: true, limit: 'node', status: 'stopped' },
    { line: 'STOPPING - MAXMIPSOL', tells: true, limit: 'solution', status: 'stopped' },
    { line: 'STOPPING - MAXMEMORY', tells: true, limit: 'memory', status: 'stopped' },
    {
      line: 'STOPPING - MIPRELSTOP target reached (MIPRELSTOP={tolerance} gap={gap})',
      tells: true,
      then: (draft, fields) => {
        const tolerance = fields.number('tolerance');
        draft.withinTolerance(tolerance);
        if (tolerance > toleranceUsual && fields.number('gap') > toleranceUsual) draft.limit('gap');
      },
    },
    {
      line: 'STOPPING - MIPABSSTOP target reached',
      tells: true,
      then: (draft) => draft.withinTolerance(NaN),
    },
    { line: ['STOPPING - Ctrl-C', 'STOPPING - user', 'STOPPING - User'], tells: true, status: 'interrupted' },
    {
      line: '*** Search completed ***',
      mark: 'end',
      tells: true,
      then: (draft) => {
        if (!draft.isStated) draft.status('optimal');
        // The bound is said, and may be another one.
        draft.withinTolerance(NaN);
      },
    },
    {
      line: '*** Search unfinished *** Time: {runtime_seconds} Nodes: {nodes}',
      mark: 'end',
      tells: true,
      then: (draft) => (draft.isStated ? undefined : draft.status('stopped')),
    },
    { line: 'Final MIP objective : {objective}', tells: true },
    { line: 'Final MIP bound : {bound}', tells: true },
    {
      line: 'Final objective : {value}',
      tells: true,
      then: (draft, fields) => {
        if (draft.notes.has(lp)) draft.number('objective', fields.number('value'));
      },
    },
    { line: 'Solution time / primaldual integral : {runtime_seconds}s/', tells: true },
    { line: 'Number of solutions found / nodes : {solutions_found} / {nodes}', tells: true },
    {
      line: '{iterations} simplex iterations in {} seconds at time {seconds}',
      then: (draft, fields) => {
        if (!draft.notes.has(lp)) return;
        draft.number('simplex_iterations', fields.number('iterations'));
        draft.number('runtime_seconds', fields.number('seconds'));
      },
    },
    {
      line: 'Optimal solution found',
      then: (draft) => {
        if (draft.notes.has(lp)) draft.status('optimal');
      },
    },
    {
      line: ['Problem is infeasible', 'Problem is integer infeasible', 'The problem is infeasible due to'],
      mark: 'end',
      status: 'infeasible',
    },
    { line: ['Problem is unbounded', 'The problem is unbounded due to'], mark: 'end', status: 'unbounded' },
    { line: 'Error: {:text}', then: errorLine },
    { line: ['?{:word} Error: {:text}'], then: errorLine },
    {
      line: [
        'xpress.ModelError: {error:text}',
        'xpress.SolverError: {error:text}',
        'xpress.InterfaceError: {error:text}',
      ],
      tells: true,
      then: failure,
    },
  ],
  rowsBegin: '0123456789-.*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
  row,
};

/** Notes: 1 for a model without integers. Else a relaxation's lines look the same. */
const lp = 'lp';

function kindOf(draft: Draft, fields: LineFields): void {
  if (fields.text('kind') !== 'LP') return;
  draft.notes.set(lp, 1);
  withoutIntegers(draft);
}

function mipTable(draft: Draft): void {
  draft.notes.set('table', ofMip);
}

function size(draft: Draft, fields: LineFields): void {
  const [rows, columns] = [fields.number('rows'), fields.number('columns')];
  if (draft.notes.get('part') === presolvedPart) draft.presolved(rows, columns);
  if (draft.notes.get('part') !== original) return;
  draft.number('constraints', rows);
  draft.number('variables', columns);
  draft.number('nonzeros', fields.number('elements'));
  if (!Number.isNaN(fields.number('entities'))) draft.number('integer_variables', fields.number('entities'));
}

/**
 * `E    134  23172.00000  23333.12650      4     37     11    0.69%       0      0` and the same without a solution and a
 * gap: those two columns are then empty. Only the values have a decimal sign.
 */
function row(cells: Row, draft: Draft): boolean {
  const table = draft.notes.get('table');
  if (table === ofLp && draft.notes.has(lp) && cells.has(7) && !cells.has(8) && cells.isNumber(6)) {
    draft.number('simplex_iterations', cells.number(6));
    return true;
  }
  if (table !== ofMip || !cells.has(6) || !cells.isNumber(0) || !cells.isNumber(1)) return false;
  const hasGap = cells.endsIn(2, '%');
  const seconds = cells.number(0);
  // With a gap: time, infeasibilities, gap; then the tree's columns, and before these bound and solution.
  for (let at = hasGap ? 3 : 2; at <= 7 && cells.has(at + 1); at += 1) {
    if (!cells.contains(at, '.')) continue;
    draft.boundSeen(seconds, cells.number(at));
    if (hasGap) draft.incumbent(seconds, cells.number(at + 1));
    return true;
  }
  return false;
}
