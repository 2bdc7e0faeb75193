/** SCIP, its own program as well as its libraries. */
import type { Draft } from './draft.ts';
import { numberOf } from './numbers.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine, failure, presolved, printedGap } from './stated.ts';

/** Where columns stand when no heading says it. */
const defaultColumns = { iterations: 3, bound: 14, incumbent: 15 };

export const scip: Solver = {
  name: 'scip',
  lines: [
    { line: 'SCIP version {version:word} [', mark: 'banner' },
    {
      line: 'original problem has {variables} variables ({binaries} bin, {integers} int, {} cont) and {constraints} constraints',
      mark: 'within',
      tells: true,
      then: integersOf,
    },
    {
      line: 'original problem has {variables} variables ({binaries} bin, {integers} int, {implied} impl, {} cont) and {constraints} constraints',
      mark: 'within',
      tells: true,
      then: integersOf,
    },
    {
      line: 'feasible solution found by {:text} heuristic after {seconds} seconds, objective value {value}',
      mark: 'within',
      tells: true,
      then: (draft, fields) => draft.incumbent(fields.number('seconds'), fields.number('value')),
    },
    { line: 'presolving:$', mark: 'within' },
    {
      line: [
        'presolved problem has {columns} variables ({} bin, {} int, {} cont) and {rows} constraints',
        'presolved problem has {columns} variables ({} bin, {} int, {} impl, {} cont) and {rows} constraints',
      ],
      tells: true,
      then: presolved,
    },
    { line: 'time | node | left |{:text}', mark: 'within', tells: true, then: heading },
    {
      line: 'SCIP Status : problem is solved [optimal solution found]',
      mark: 'end',
      tells: true,
      status: 'optimal',
    },
    { line: 'SCIP Status : problem is solved [infeasible]', mark: 'end', tells: true, status: 'infeasible' },
    { line: 'SCIP Status : problem is solved [unbounded]', mark: 'end', tells: true, status: 'unbounded' },
    {
      line: 'SCIP Status : problem is solved [infeasible or unbounded]',
      mark: 'end',
      tells: true,
      status: 'infeasible_or_unbounded',
    },
    {
      line: 'SCIP Status : solving was interrupted [time limit reached]',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'time',
    },
    {
      line: [
        'SCIP Status : solving was interrupted [node limit reached]',
        'SCIP Status : solving was interrupted [total node limit reached]',
        'SCIP Status : solving was interrupted [stall node limit reached]',
      ],
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'node',
    },
    {
      line: 'SCIP Status : solving was interrupted [gap limit reached]',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'gap',
    },
    {
      line: [
        'SCIP Status : solving was interrupted [solution limit reached]',
        'SCIP Status : solving was interrupted [solution improvement limit reached]',
        'SCIP Status : solving was interrupted [best solution limit reached]',
      ],
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'solution',
    },
    {
      line: 'SCIP Status : solving was interrupted [memory limit reached]',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'memory',
    },
    {
      line: [
        'SCIP Status : solving was interrupted [user interrupt]',
        'SCIP Status : solving was interrupted [termination signal received]',
      ],
      mark: 'end',
      tells: true,
      status: 'interrupted',
    },
    // Whatever other limit it was.
    { line: 'SCIP Status : solving was interrupted [', mark: 'end', tells: true, status: 'stopped' },
    { line: 'Solving Time (sec) : {runtime_seconds}', tells: true },
    {
      line: 'Solving Nodes : {nodes}',
      tells: true,
      then: (draft, fields) => draft.notes.set('nodes', fields.number('nodes')),
    },
    {
      line: 'Primal Bound : {objective} ({solutions_found} solutions)',
      then: (draft, fields) => {
        // Without a solution this is an infinity or the worst value there could be.
        if (fields.number('solutions_found') === 0) draft.forget('objective');
      },
    },
    { line: 'Dual Bound : {bound}' },
    { line: 'Gap : {percent} %', then: printedGap },
    // Of the statistics.
    { line: 'Objective : maximize,', sense: 'max' },
    { line: 'Objective : minimize,', then: (draft) => (draft.isMax ? undefined : draft.sense('min')) },
    {
      line: ['SCIP> read problem <{error:text}', 'error reading file', 'input file <{:text}> not found'],
      then: (draft, fields) => (fields.line.startsWith('SCIP>') ? undefined : errorLine(draft, fields)),
    },
    { line: ['Exception: SCIP: {error:text}', 'OSError: SCIP: {error:text}'], tells: true, then: failure },
  ],
  rowsBegin: '0123456789*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
  row,
  finish: (draft) => {
    // The table lags behind, except where the root was all there was: that ends with a row.
    const iterations = draft.notes.get('iterations') ?? (draft.isWhole ? 0 : NaN);
    if (draft.ended && (draft.notes.get('nodes') ?? 2) <= 1) {
      draft.number('simplex_iterations', iterations, draft.notes.get('iterationsLine'));
    }
  },
};

function integersOf(draft: Draft, fields: LineFields): void {
  const integers = fields.number('binaries') + fields.number('integers') + (fields.number('implied') || 0);
  draft.number('integer_variables', integers);
}

/** Which columns are shown can be set, so the heading says where they are. */
function heading(draft: Draft, { line }: LineFields): void {
  const names = line.split('|').map((name) => name.trim());
  draft.notes.set('iterationsColumn', names.indexOf('LP iter'));
  draft.notes.set('bound', names.indexOf('dualbound'));
  draft.notes.set('incumbent', names.indexOf('primalbound'));
}

/**
 * `r 0.0s|     1 |     0 |    32 |     - |rounding|   0 |  90 | … |-3.683660e+04 |-3.453700e+04 |   6.66%| unknown`
 */
function row(cells: Row, draft: Draft): boolean {
  const first = cells.find('|', 0);
  // Few lines have a bar so early: a letter, and a time of five characters.
  if (first < 4 || first > 12) return false;
  const seconds = secondsIn(cells.textOf(0, first));
  if (Number.isNaN(seconds)) return false;
  const atIterations = draft.notes.get('iterationsColumn') ?? defaultColumns.iterations;
  const atBound = draft.notes.get('bound') ?? defaultColumns.bound;
  const atIncumbent = draft.notes.get('incumbent') ?? defaultColumns.incumbent;
  let column = 0;
  let from = 0;
  for (let to = first; to >= 0; to = cells.find('|', from)) {
    if (column === atBound) draft.boundSeen(seconds, cells.numberOf(from, to));
    else if (column === atIncumbent) draft.incumbent(seconds, cells.numberOf(from, to));
    else if (column === atIterations) {
      draft.notes.set('iterations', cells.numberOf(from, to));
      draft.notes.set('iterationsLine', draft.line);
    }
    column += 1;
    from = to + 1;
  }
  return column > 5;
}

const secondsOfUnit = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
]);

/** The first column: `r 0.0s`, `  120s`, `* 12.5m`. */
function secondsIn(cell: string): number {
  const word = cell.trim().split(' ').at(-1) ?? '';
  const unit = secondsOfUnit.get(word.slice(-1));
  return unit === undefined ? NaN : numberOf(word.slice(0, -1)) * unit;
}
