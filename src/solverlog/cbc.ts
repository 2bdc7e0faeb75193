/**
 * CBC, its own program as well as its libraries.
 *
 * A model that maximises is turned round by CBC: the lines with a number such as `Cbc0012I` then have the negated
 * objective, the block that begins with `Result - ` has the model's own sign.
 */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine } from './stated.ts';

export const cbc: Solver = {
  name: 'cbc',
  lines: [
    {
      line: ['Welcome to the CBC MILP Solver', 'Coin Cbc and Clp Solver version {version:word}'],
      mark: 'banner',
      then: headSeen,
    },
    { line: ['Version: {version:word}', 'version: {version:word}'] },
    {
      line: 'command line - {:text}',
      then: (draft, { line }) => {
        if (/ -max(?:imi[sz]e)?\b/.test(line)) draft.sense('max');
      },
    },
    {
      line: 'CoinLpIO::readLp(): Maximization problem reformulated as minimization',
      tells: true,
      sense: 'max',
    },
    { line: 'Problem {:word} has {constraints} rows, {variables} columns and {nonzeros} elements' },
    {
      line: 'Presolve {rows} ({rowsMore}) rows, {columns} ({columnsMore}) columns and {} ({}) elements',
      mark: 'within',
      tells: true,
      then: presolve,
    },
    {
      line: 'Continuous objective value is {} - {} seconds',
      mark: 'within',
      tells: true,
      then: isMip,
    },
    {
      line: 'Cgl0004I processed model has {rows} rows, {columns} columns',
      mark: 'within',
      tells: true,
      then: processed,
    },
    {
      line: ['Cgl0003I', 'Cgl0002I', 'Cbc0038I', 'Cbc3007W', 'processed model has', 'Initial state - '],
      then: isMip,
    },
    {
      line: [
        'Cbc0012I Integer solution of {value} found by {:text} after {} iterations and {} nodes ({seconds} seconds)',
        'Cbc0016I Integer solution of {value} found by {:text} after {} iterations and {} nodes ({seconds} seconds)',
        'Cbc0004I Integer solution of {value} found after {} iterations and {} nodes ({seconds} seconds)',
      ],
      mark: 'within',
      tells: true,
      then: (draft, fields) => {
        isMip(draft);
        draft.incumbent(fields.number('seconds'), ownSign(draft, fields.number('value')));
      },
    },
    {
      line: [
        'Cbc0001I Search completed - best objective {value}, took {iterations} iterations and {nodeCount} nodes ({seconds} seconds)',
        'Cbc0005I Partial search - best objective {value} (best possible {possible}), took {iterations} iterations and {nodeCount} nodes ({seconds} seconds)',
      ],
      mark: 'within',
      tells: true,
      then: searched,
    },
    { line: 'Cbc0011I Exiting as integer gap of', limit: 'gap' },
    { line: 'Cbc0019I Exiting on maximum nodes', limit: 'node' },
    { line: 'Cbc0020I Exiting on maximum time', limit: 'time' },
    { line: 'Cbc0021I Exiting on maximum solutions', limit: 'solution' },
    { line: 'Cbc0027I Exiting on user event', status: 'interrupted' },
    {
      line: 'Result - Optimal solution found (within gap tolerance)',
      mark: 'end',
      tells: true,
      status: 'optimal',
      limit: 'gap',
      then: (draft) => {
        isMip(draft);
        draft.withinTolerance(NaN);
      },
    },
    { line: 'Result - Optimal solution found', mark: 'end', tells: true, status: 'optimal', then: isMip },
    {
      line: 'Result - Stopped on time limit',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'time',
      then: isMip,
    },
    {
      line: 'Result - Stopped on node limit',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'node',
      then: isMip,
    },
    {
      line: 'Result - Stopped on solution limit',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'solution',
      then: isMip,
    },
    {
      line: ['Result - Stopped on gap', 'Result - Stopped on gap tolerance'],
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'gap',
      then: isMip,
    },
    {
      line: 'Result - Stopped on iteration limit',
      mark: 'end',
      tells: true,
      status: 'stopped',
      limit: 'iteration',
      then: isMip,
    },
    {
      line: ['Result - User ctrl-c', 'Result - Difficulties or user interrupt'],
      mark: 'end',
      tells: true,
      status: 'interrupted',
      then: isMip,
    },
    {
      line: ['Result - Problem proven infeasible', 'Result - Linear relaxation infeasible'],
      mark: 'end',
      tells: true,
      status: 'infeasible',
      then: isMip,
    },
    {
      line: ['Result - Problem proven unbounded', 'Result - Linear relaxation unbounded'],
      mark: 'end',
      tells: true,
      status: 'unbounded',
      then: isMip,
    },
    { line: 'Objective value: {objective}' },
    { line: 'Lower bound: {bound}', then: (draft) => draft.sense('min') },
    { line: 'Upper bound: {bound}', then: (draft) => draft.sense('max') },
    { line: 'Gap: {fraction}', then: (draft, fields) => draft.printedGap(fields.number('fraction')) },
    { line: 'Enumerated nodes: {nodes}' },
    { line: 'Total iterations: {simplex_iterations}' },
    { line: 'Time (Wallclock seconds): {runtime_seconds}' },
    {
      line: 'Total time (CPU seconds): {} (Wallclock seconds): {seconds}',
      then: (draft, fields) => {
        draft.notes.set('isWhole', 1);
        if (!draft.has('runtime_seconds')) draft.number('runtime_seconds', fields.number('seconds'));
      },
    },
    { line: 'Problem is infeasible', mark: 'end', status: 'infeasible' },
    { line: 'Problem is unbounded', mark: 'end', status: 'unbounded' },
    // Of an LP; of a MIP's relaxation too, and then lines that only a MIP has come as well.
    {
      line: ['Optimal objective {value} - {iterations} iterations time', 'Optimal - objective value {value}'],
      mark: 'within',
      then: (draft, fields) => relaxation(draft, fields, 'optimal'),
    },
    {
      line: [
        'PrimalInfeasible objective {value} - {iterations} iterations time',
        'Primal infeasible - objective value {value}',
        'Clp0006I Primal infeasible - objective value {value}',
      ],
      mark: 'within',
      then: (draft, fields) => relaxation(draft, fields, 'infeasible'),
    },
    {
      line: [
        'DualInfeasible objective {value} - {iterations} iterations time',
        'Dual infeasible - objective value {value}',
        'Clp0007I Dual infeasible - objective value {value}',
      ],
      mark: 'within',
      then: (draft, fields) => relaxation(draft, fields, 'unbounded'),
    },
    {
      line: ['### ERROR: {:text}', 'Unable to open {:text}', 'Coin6001E {:text}', 'No match for {:text}'],
      then: errorLine,
    },
  ],
  rowsBegin: 'C',
  quietRowBegins: 'Cbc0010I After ',
  row,
  finish: lpAtLast,
};

const afterNodes = 'Cbc0010I After ';
const bestPossible = 'best possible ';

/**
 * `Cbc0010I After 1200 nodes, 14 on tree, -64356 best solution, best possible -64790.973 (0.70 seconds)`: all that a long
 * search says for hours.
 */
function row(cells: Row, draft: Draft): boolean {
  if (!cells.hasAt(0, afterNodes)) return false;
  const beforeValue = cells.find(',', cells.find(',', afterNodes.length) + 1);
  const afterValue = cells.find(',', beforeValue + 1);
  const open = cells.find('(', afterValue);
  if (beforeValue < 0 || afterValue < 0 || open < 0 || !cells.hasAt(afterValue + 2, bestPossible))
    return false;
  isMip(draft);
  const seconds = cells.numberOf(open + 1, cells.find(' ', open));
  draft.boundSeen(seconds, ownSign(draft, cells.numberOf(afterValue + 2 + bestPossible.length, open)));
  draft.incumbent(seconds, ownSign(draft, cells.numberOf(beforeValue + 1, cells.find('b', beforeValue))));
  return true;
}

/** Notes: 1 when lines came that only a MIP has. */
const mip = 'mip';

function isMip(draft: Draft): void {
  if (draft.notes.has(mip)) return;
  draft.notes.set(mip, 1);
  draft.begun = true;
  // What was stated so far was the relaxation's.
  if (draft.ended) return;
  draft.forget('status', 'objective', 'simplex_iterations');
}

/** Notes: 1 when the log's head is there, which says whether the model was turned round. */
const head = 'head';

function headSeen(draft: Draft): void {
  draft.notes.set(head, 1);
}

/** @returns NaN when the head was lost: then either sign may be meant */
function ownSign(draft: Draft, value: number): number {
  if (draft.isMax) return -value;
  return draft.notes.has(head) ? value : NaN;
}

function relaxation(draft: Draft, fields: LineFields, status: 'optimal' | 'infeasible' | 'unbounded'): void {
  if (draft.notes.has(mip) || draft.ended) return;
  draft.status(status);
  draft.number('objective', fields.number('value'));
  if (!Number.isNaN(fields.number('iterations')))
    draft.number('simplex_iterations', fields.number('iterations'));
}

/** Of an LP the sizes of the model; of a relaxation those of something larger, so it has to be known which it was. */
function presolve(draft: Draft, fields: LineFields): void {
  const { notes } = draft;
  if (notes.has('rows')) return;
  for (const name of ['rows', 'columns', 'rowsMore', 'columnsMore']) notes.set(name, fields.number(name));
  notes.set('sizeLine', draft.line);
}

/** Once the log is whole, and without a line that only a MIP has, what was solved was an LP. */
function lpAtLast(draft: Draft): void {
  const { notes } = draft;
  if (notes.has(mip)) return;
  if (!notes.has('isWhole')) {
    if (!draft.ended) draft.forget('status', 'objective', 'simplex_iterations');
    return;
  }
  const [rowsMore = NaN, columnsMore = NaN] = [notes.get('rowsMore'), notes.get('columnsMore')];
  const line = notes.get('sizeLine');
  draft.number('constraints', (notes.get('rows') ?? NaN) - rowsMore, line);
  draft.number('variables', (notes.get('columns') ?? NaN) - columnsMore, line);
  draft.number('presolve_rows_removed', rowsMore === 0 ? 0 : -rowsMore, line);
  draft.number('presolve_columns_removed', columnsMore === 0 ? 0 : -columnsMore, line);
}

function processed(draft: Draft, fields: LineFields): void {
  isMip(draft);
  draft.presolved(fields.number('rows'), fields.number('columns'));
}

function searched(draft: Draft, fields: LineFields): void {
  isMip(draft);
  const seconds = fields.number('seconds');
  draft.boundSeen(seconds, ownSign(draft, fields.number('possible')));
  draft.incumbent(seconds, ownSign(draft, fields.number('value')));
  draft.number('simplex_iterations', fields.number('iterations'));
  draft.number('nodes', fields.number('nodeCount'));
}
