/** GLPK: glpsol and the library. */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { LineFields, Mark, Solver } from './solver.ts';
import { errorLine } from './stated.ts';

export const glpk: Solver = {
  name: 'glpk',
  lines: [
    {
      line: ['GLPSOL--GLPK LP/MIP Solver {version:word}', 'GLPSOL: GLPK LP/MIP Solver, v{version:word}'],
      mark: 'banner',
    },
    {
      line: ['GLPK Simplex Optimizer {version:word}', 'GLPK Simplex Optimizer, v{version:word}'],
      mark: simplexMark,
      tells: true,
    },
    {
      line: ['GLPK Integer Optimizer {version:word}', 'GLPK Integer Optimizer, v{version:word}'],
      mark: 'within',
      tells: true,
      then: (draft) => {
        isMip(draft);
        draft.notes.set(optimizer, 1);
      },
    },
    { line: ['GLPK Interior-Point Solver {version:word}', 'Original LP has'], mark: 'within', tells: true },
    { line: 'Reading problem data from', then: (draft) => draft.notes.set(source, 1) },
    // MathProg and MPS make a row of the objective, and how many rows are objectives is not said.
    {
      line: ['Reading model section from', 'Objective: {:word}'],
      then: (draft) => draft.notes.set(rowsUnsure, 1),
    },
    {
      line: [
        '{rows} rows, {columns} columns, {elements} non-zeros',
        '{rows} row, {columns} columns, {elements} non-zeros',
        '{rows} rows, {columns} column, {elements} non-zeros',
        '{rows} row, {columns} column, {elements} non-zeros',
      ],
      then: size,
    },
    { line: ['{count} integer variables', '{count} integer variable,'], then: integersOf },
    { line: 'Preprocessing...', then: (draft) => draft.notes.set(preprocessing, 1) },
    {
      line: ['Integer optimization begins', 'Solving LP relaxation'],
      mark: 'within',
      tells: true,
      then: isMip,
    },
    {
      line: 'Solution found by heuristic: {value}',
      mark: 'within',
      then: (draft, fields) => draft.incumbent(draft.stampedSeconds, fields.number('value')),
    },
    { line: 'Objective value = {objective}' },
    { line: ['OPTIMAL LP SOLUTION FOUND', 'OPTIMAL SOLUTION FOUND'], tells: true, then: lpOptimal },
    {
      line: ['INTEGER OPTIMAL SOLUTION FOUND'],
      mark: 'end',
      tells: true,
      status: 'optimal',
    },
    {
      line: 'RELATIVE MIP GAP TOLERANCE REACHED; SEARCH TERMINATED',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'gap',
    },
    {
      line: 'TIME LIMIT EXCEEDED',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'time',
      then: stoppedEarly,
    },
    {
      line: 'ITERATION LIMIT EXCEEDED',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'iteration',
      then: stoppedEarly,
    },
    { line: 'SEARCH TERMINATED BY APPLICATION', mark: 'end', tells: true, status: 'interrupted' },
    {
      line: [
        'PROBLEM HAS NO INTEGER FEASIBLE SOLUTION',
        'PROBLEM HAS NO PRIMAL FEASIBLE SOLUTION',
        'PROBLEM HAS NO FEASIBLE SOLUTION',
        'LP HAS NO PRIMAL FEASIBLE SOLUTION',
        'LP RELAXATION HAS NO PRIMAL FEASIBLE SOLUTION',
      ],
      mark: 'end',
      tells: true,
      status: 'infeasible',
    },
    {
      line: ['LP HAS UNBOUNDED PRIMAL SOLUTION', 'PROBLEM HAS UNBOUNDED SOLUTION'],
      mark: 'end',
      tells: true,
      status: 'unbounded',
    },
    {
      // Without a feasible dual solution the problem is unbounded, or infeasible as well.
      line: [
        'PROBLEM HAS NO DUAL FEASIBLE SOLUTION',
        'LP HAS NO DUAL FEASIBLE SOLUTION',
        'LP RELAXATION HAS NO DUAL FEASIBLE SOLUTION',
      ],
      mark: 'end',
      tells: true,
      status: 'infeasible_or_unbounded',
    },
    { line: 'Time used: {runtime_seconds} secs' },
    {
      line: [
        'CPLEX LP file processing error',
        'MPS file processing error',
        'MathProg model processing error',
        'Model generation error',
      ],
      tells: true,
      then: errorLine,
    },
    { line: ['Unable to open', 'Unable to read'], then: errorLine },
  ],
  rowsBegin: '+*#0123456789',
  row,
  finish: (draft) => {
    // Its last row is how it ended, if it did.
    if (!draft.isStated) return;
    const { notes } = draft;
    draft.number('simplex_iterations', notes.get('rowIterations') ?? NaN, notes.get('rowLine'));
    draft.number('bound', notes.get('rowBound') ?? NaN, notes.get('rowBoundLine'));
  },
};

/** Notes: 1 when it holds. */
const mip = 'mip';
/** The head is there, which says where the model came from. */
const source = 'source';
const rowsUnsure = 'rowsUnsure';
const optimizer = 'optimizer';
const preprocessing = 'preprocessing';

/** A relaxation is solved by the same words; after an LP that was solved, they begin another solve. */
function simplexMark(draft: Draft): Mark {
  return draft.isStated && !draft.notes.has(mip) ? 'begin' : 'within';
}

function isMip(draft: Draft): void {
  if (draft.notes.has(mip)) return;
  draft.notes.set(mip, 1);
  draft.forget('status', 'objective');
}

function lpOptimal(draft: Draft): void {
  draft.begun = true;
  if (draft.notes.has(mip)) return;
  draft.status('optimal');
  // The last row that came is the solution.
  const value = draft.notes.get('rowObjective');
  if (value !== undefined) draft.number('objective', value);
}

function stoppedEarly(draft: Draft): void {
  if (draft.notes.has(mip)) return;
  const value = draft.notes.get('rowObjective');
  if (value !== undefined && draft.notes.get('rowIsFeasible') === 1) draft.number('objective', value);
}

/** Whether the sizes that come are the given model's; in the middle of a solve they are those that presolve left. */
function isWhole(draft: Draft): boolean {
  return draft.notes.has(source) || draft.notes.has(rowsUnsure) || draft.notes.has(optimizer);
}

function size(draft: Draft, fields: LineFields): void {
  if (draft.notes.has(preprocessing)) {
    draft.presolved(fields.number('rows'), fields.number('columns'));
    return;
  }
  if (!isWhole(draft)) return;
  draft.number('variables', fields.number('columns'));
  if (!draft.notes.has(source) || draft.notes.has(rowsUnsure)) return;
  draft.number('constraints', fields.number('rows'));
  draft.number('nonzeros', fields.number('elements'));
}

function integersOf(draft: Draft, fields: LineFields): void {
  if (draft.notes.has(preprocessing) || !isWhole(draft)) return;
  draft.number('integer_variables', fields.number('count'));
}

/**
 * `+   268: >>>>>   4.262720000e+03 >=   3.852790452e+03   9.6% (15; 1)`, `*   148: obj =   3.648018050e+03 inf =   5.7e-13 (0)`:
 * the number before the colon counts simplex iterations.
 */
function row(cells: Row, draft: Draft): boolean {
  const colon = cells.find(':', 0);
  if (colon < 1 || colon > 12) return false;
  const hasMark = cells.hasAt(0, '+') || cells.hasAt(0, '*') || cells.hasAt(0, '#');
  const iterations = cells.numberOf(hasMark ? 1 : 0, colon);
  if (!Number.isInteger(iterations)) return false;
  const what = colon + 2;
  const value = what + 5;
  if (cells.hasAt(what, 'obj =')) {
    draft.notes.set('rowObjective', cells.numberOf(value, endOfNumber(cells, value)));
    // Phase 2 is marked; before that there is no feasible solution.
    draft.notes.set('rowIsFeasible', cells.hasAt(0, '*') ? 1 : 0);
  } else if (cells.hasAt(what, 'mip =') || cells.hasAt(what, '>>>>>')) {
    const relation = cells.find('=', value);
    if (relation < 0) return false;
    draft.sense(cells.hasAt(relation - 1, '<') ? 'max' : 'min');
    const [seconds, bound] = [
      draft.stampedSeconds,
      cells.numberOf(relation + 1, endOfNumber(cells, relation + 1)),
    ];
    draft.incumbent(seconds, cells.numberOf(value, relation - 1));
    draft.boundSeen(seconds, bound);
    draft.notes.set('rowBound', bound);
    draft.notes.set('rowBoundLine', draft.line);
  } else if (!cells.hasAt(what, 'sum =')) return false;
  draft.notes.set('rowIterations', iterations);
  draft.notes.set('rowLine', draft.line);
  return true;
}

/** The column where the first number at or after `from` ends; the interior point method has a semicolon there. */
function endOfNumber(cells: Row, from: number): number {
  let start = from;
  while (cells.hasAt(start, ' ')) start += 1;
  const end = cells.find(' ', start);
  if (end < 0) return start;
  return cells.hasAt(end - 1, ';') ? end - 1 : end;
}
