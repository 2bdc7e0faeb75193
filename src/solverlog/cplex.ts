/**
 * CPLEX: the interactive program, and its libraries, which print much less.
 *
 * A library's log states neither the status nor the final figures. Its table lags behind: the last row is a fact as of
 * that row, so a bound is taken from it only when the log shows that branching never began.
 */
import type { Draft } from './draft.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { failure } from './stated.ts';

export const cplex: Solver = {
  name: 'cplex',
  lines: [
    { line: 'Welcome to IBM(R) ILOG(R) CPLEX(R) Interactive Optimizer {version:word}', mark: 'banner' },
    { line: 'Version identifier: {version:word} |', mark: 'banner', then: starts },
    {
      line: 'CPXPARAM_TimeLimit {seconds}',
      mark: 'within',
      tells: true,
      then: (draft, fields) => draft.notes.set('secondsMax', fields.number('seconds')),
    },
    { line: 'CPXPARAM_', tells: true, mark: 'within' },
    {
      line: 'Found incumbent of value {value} after {seconds} sec.',
      mark: 'within',
      tells: true,
      then: (draft, fields) => draft.incumbent(fields.number('seconds'), fields.number('value')),
    },
    {
      line: [
        'MIP Presolve eliminated {rows} rows and {columns} columns',
        'LP Presolve eliminated {rows} rows and {columns} columns',
      ],
      mark: 'within',
      tells: true,
      then: eliminated,
    },
    { line: 'Aggregator did {count} substitutions', then: substituted },
    {
      line: [
        'Reduced MIP has {rows} rows, {columns} columns, and {} nonzeros',
        'Reduced LP has {rows} rows, {columns} columns, and {} nonzeros',
      ],
      mark: 'within',
      tells: true,
    },
    { line: 'All rows and columns eliminated', mark: 'within', tells: true, then: solvedByPresolve },
    { line: 'Root relaxation solution time =', mark: 'within', tells: true, then: presolveIsOver },
    { line: 'Parallel mode: {:text} using up to {threads} thread', mark: 'within', tells: true },
    {
      line: 'Parallel mode: none, using 1 thread',
      mark: 'within',
      then: (draft) => draft.number('threads', 1),
    },
    { line: 'Node Left Objective IInf Best Integer Best Bound', mark: 'within', tells: true },
    {
      line: 'Elapsed time = {seconds} sec. (',
      mark: 'within',
      tells: true,
      then: (draft, fields) => {
        // What the table shows so far holds at this moment; its rows have no times.
        draft.incumbent(fields.number('seconds'), draft.lastIncumbent);
        draft.boundSeen(fields.number('seconds'), draft.lastBoundSeen);
      },
    },
    { line: 'Root node processing (before b&c):', tells: true, then: (draft) => draft.notes.set('block', 1) },
    { line: 'Parallel b&c, {} threads:', then: (draft) => draft.notes.set('block', 2) },
    { line: 'Sequential b&c:', then: (draft) => draft.notes.set('block', 2) },
    { line: 'Real time = {seconds} sec. ({ticks} ticks)', then: realTime },
    { line: 'Total (root+branch&cut) = {runtime_seconds} sec.', mark: 'within', tells: true, then: total },
    // What the interactive program says.
    ...ended('Integer optimal solution', (draft) => draft.status('optimal')),
    ...ended('Integer optimal, tolerance ({:text})', (draft) => {
      draft.status('optimal');
      draft.withinTolerance(NaN);
    }),
    ...ended('Time limit exceeded, integer feasible', stopped('time')),
    ...ended('Deterministic time limit exceeded, integer feasible', stopped('time')),
    ...ended('Node limit exceeded, integer feasible', stopped('node')),
    ...ended('Memory limit exceeded, integer feasible', stopped('memory')),
    ...ended('Solution limit exceeded', stopped('solution')),
    ...ended('Aborted, integer feasible', (draft) => draft.status('interrupted')),
    {
      line: [
        'MIP - Time limit exceeded, no integer solution',
        'MIP - Deterministic time limit exceeded, no integer solution',
      ],
      mark: 'end',
      tells: true,
      then: stopped('time'),
    },
    {
      line: 'MIP - Node limit exceeded, no integer solution',
      mark: 'end',
      tells: true,
      then: stopped('node'),
    },
    {
      line: 'MIP - Memory limit exceeded, no integer solution',
      mark: 'end',
      tells: true,
      then: stopped('memory'),
    },
    { line: 'MIP - Aborted, no integer solution', mark: 'end', tells: true, status: 'interrupted' },
    {
      line: 'MIP - Integer infeasible or unbounded',
      mark: 'end',
      tells: true,
      status: 'infeasible_or_unbounded',
    },
    {
      line: ['MIP - Integer infeasible', 'Integer infeasible.'],
      mark: 'end',
      tells: true,
      status: 'infeasible',
    },
    { line: ['MIP - Integer unbounded', 'MIP - Unbounded'], mark: 'end', tells: true, status: 'unbounded' },
    ...[
      'Primal simplex',
      'Dual simplex',
      'Barrier',
      'Primal crossover',
      'Dual crossover',
      'Sifting',
      'Network',
      'Concurrent',
    ].flatMap((method): Solver['lines'] => [
      { line: `${method} - Optimal: Objective = {objective}`, mark: 'end', tells: true, status: 'optimal' },
      { line: `${method} - Infeasible:`, mark: 'end', tells: true, status: 'infeasible' },
      { line: `${method} - Unbounded:`, mark: 'end', tells: true, status: 'unbounded' },
      {
        line: `${method} - Infeasible or unbounded:`,
        mark: 'end',
        tells: true,
        status: 'infeasible_or_unbounded',
      },
      { line: `${method} - Time limit exceeded`, mark: 'end', tells: true, status: 'stopped', limit: 'time' },
      {
        line: `${method} - Iteration limit exceeded`,
        mark: 'end',
        tells: true,
        status: 'stopped',
        limit: 'iteration',
      },
    ]),
    { line: 'Presolve - Infeasible or unbounded', mark: 'end', status: 'infeasible_or_unbounded' },
    { line: 'Presolve - Infeasible', mark: 'end', status: 'infeasible' },
    { line: 'Presolve - Unbounded', mark: 'end', status: 'unbounded' },
    {
      line: 'Presolve determines problem is infeasible or unbounded',
      mark: 'within',
      status: 'infeasible_or_unbounded',
    },
    {
      line: [
        "Infeasibility row '{:text}'",
        "Infeasibility column '{:text}'",
        "Row '{:text}' infeasible",
        'Presolve determines problem is infeasible',
      ],
      mark: 'within',
      tells: true,
      status: 'infeasible',
    },
    { line: 'Solution pool: {solutions_found} solutions saved' },
    {
      line: 'Solution time = {runtime_seconds} sec. Iterations = {simplex_iterations} Nodes = {nodes}',
      tells: true,
    },
    { line: 'Solution time = {runtime_seconds} sec. Iterations = {simplex_iterations}', tells: true },
    { line: 'Current MIP best bound = {bound} (gap = {}, {percent}%)', tells: true },
    { line: 'Current MIP best bound is infinite' },
    { line: 'CPLEX Error {code}: {error:text}', tells: true, then: failure },
    {
      line: [
        'cplex.exceptions.errors.CplexSolverError: {error:text}',
        'docplex.mp.utils.DOcplexException: {error:text}',
      ],
      tells: true,
      then: failure,
    },
  ],
  rowsBegin: '0123456789*',
  row,
};

/** `MIP - …:  Objective = 12`, which is the value of the solution that is returned. */
function ended(words: string, then: (draft: Draft) => void): Solver['lines'] {
  return [{ line: `MIP - ${words}: Objective = {objective}`, mark: 'end', tells: true, then }];
}

function stopped(limit: 'time' | 'node' | 'memory' | 'solution') {
  return (draft: Draft): void => {
    draft.status('stopped');
    draft.limit(limit);
  };
}

/** Both the program and its libraries print their version at the beginning of every solve. */
function starts(draft: Draft): void {
  draft.begun = true;
}

function eliminated(draft: Draft, fields: LineFields): void {
  removedSoFar(draft, fields.number('rows'), fields.number('columns'));
}

/** Each substitution takes a row and a column away. */
function substituted(draft: Draft, fields: LineFields): void {
  removedSoFar(draft, fields.number('count'), fields.number('count'));
}

function removedSoFar(draft: Draft, rows: number, columns: number): void {
  // What a restart takes away is not counted.
  if (draft.notes.has('presolved')) return;
  const before = { rows: draft.notes.get('rows') ?? 0, columns: draft.notes.get('columns') ?? 0 };
  draft.notes.set('rows', before.rows + rows);
  draft.notes.set('columns', before.columns + columns);
  draft.number('presolve_rows_removed', before.rows + rows);
  draft.number('presolve_columns_removed', before.columns + columns);
}

function solvedByPresolve(draft: Draft): void {
  if (!draft.notes.has('presolved')) draft.notes.set('nothingLeft', 1);
}

function presolveIsOver(draft: Draft): void {
  draft.notes.set('presolved', 1);
}

/** Branching never began when it took no time at all: then the root's last row is how it ended. */
function realTime(draft: Draft, fields: LineFields): void {
  if (draft.notes.get('block') !== 2) return;
  if (fields.number('seconds') === 0 && fields.number('ticks') === 0) draft.notes.set('rootOnly', 1);
}

function total(draft: Draft, fields: LineFields): void {
  const seconds = fields.number('runtime_seconds');
  draft.incumbent(seconds, draft.lastIncumbent);
  // A library does not say that the time was up, but both times are there.
  if (!draft.isStated && seconds >= (draft.notes.get('secondsMax') ?? Infinity)) {
    draft.status('stopped');
    draft.limit('time');
  }
  if (draft.notes.get('rootOnly') !== 1) return;
  draft.number('nodes', 0);
  draft.boundSeen(seconds, draft.lastBoundSeen);
  // When presolve left nothing, what was found is the optimum.
  if (draft.notes.has('nothingLeft')) draft.number('bound', draft.lastIncumbent);
  else if (!draft.notes.has('isCutOff')) draft.number('bound', draft.lastBoundSeen);
  // Without a relaxation there was no simplex method.
  const withoutRelaxation = draft.isWhole && !draft.notes.has('presolved');
  const iterations = withoutRelaxation ? 0 : draft.notes.get('iterations');
  if (iterations !== undefined)
    draft.number('simplex_iterations', iterations, draft.notes.get('iterationsLine'));
}

/** The number of a node stands in so many characters; a heuristic's has a plus after it. */
const nodeColumns = 12;

/**
 * `  6159  3984    64659.5463    14    64440.0000    64749.5997    27064    0.48%`; the bound may be words (`Cuts: 20`), and
 * a row that a heuristic adds (`*  3195+  337`) has no iterations and gap alone at its end.
 */
function row(cells: Row, draft: Draft): boolean {
  if (!cells.has(5)) return false;
  if (
    !cells.has(7) &&
    cells.has(6) &&
    !cells.endsIn(0, '%') &&
    cells.isNumber(0) &&
    cells.isNumber(1) &&
    cells.isNumber(5)
  ) {
    // No solution yet: neither its column nor the gap's is there.
    draft.notes.set('iterations', cells.number(0));
    draft.boundSeen(NaN, cells.number(1));
    return true;
  }
  if (!cells.endsIn(0, '%') && !cells.is(0, '---')) return false;
  const plus = cells.find('+', 0);
  if (plus > 0 && plus < nodeColumns) {
    draft.incumbent(NaN, cells.number(2));
    draft.boundSeen(NaN, cells.number(1));
    return true;
  }
  draft.notes.set('iterations', cells.number(1));
  draft.notes.set('iterationsLine', draft.line);
  if (!cells.has(7)) {
    // "0  0  cutoff  3.10665e+12  121  0.00%": no bound, and no infeasibilities either.
    draft.incumbent(NaN, cells.number(2));
    draft.printedGap(cells.number(0, '%') / 100);
    draft.notes.set('isCutOff', 1);
    return true;
  }
  draft.notes.delete('isCutOff');
  if (cells.endsIn(3, ':')) {
    // "MIRcuts: 3", "Cuts: 20": how many cuts came stands where the bound would.
    draft.incumbent(NaN, cells.number(4));
    return true;
  }
  draft.boundSeen(NaN, cells.number(2));
  draft.incumbent(NaN, cells.number(3));
  return true;
}
