/** CP-SAT, the constraint solver of OR-tools. */
import type { Draft } from './draft.ts';
import { numberOf } from './numbers.ts';
import type { Row } from './row.ts';
import type { LineFields, Solver } from './solver.ts';
import { errorLine, inPart } from './stated.ts';

/** Which part of the log it is: some lines come in several. */
const [model, presolvedModel, response] = [1, 2, 3];

export const cpSat: Solver = {
  name: 'cp-sat',
  lines: [
    { line: 'Starting CP-SAT solver v{version:word}', mark: 'begin', tells: true },
    {
      line: ['Initial optimization model', 'Initial satisfaction model'],
      mark: 'within',
      tells: true,
      then: inPart(model),
    },
    {
      line: ['Presolved optimization model', 'Presolved satisfaction model', 'Starting presolve at'],
      mark: 'within',
      tells: true,
      then: modelIsOver,
    },
    { line: 'Parameters: {:text}', mark: 'within', then: parameters },
    { line: 'Starting search at {}s with {threads} worker', mark: 'within', tells: true },
    { line: 'Solutions ({solutions_found}) Num Rank', tells: true },
    { line: 'CpSolverResponse summary:', mark: 'within', tells: true, then: inPart(response) },
    { line: 'status: OPTIMAL', mark: 'end', status: 'optimal' },
    { line: 'status: FEASIBLE', mark: 'end', status: 'stopped' },
    { line: 'status: INFEASIBLE', mark: 'end', status: 'infeasible' },
    { line: 'status: UNKNOWN', mark: 'end', then: unknown },
    { line: 'status: MODEL_INVALID', mark: 'end', then: errorLine },
    {
      line: 'objective: {value}',
      then: (draft, fields) => {
        if (!draft.notes.has('isUnknown')) draft.number('objective', fields.number('value'));
      },
    },
    { line: 'best_bound: {bound}' },
    { line: 'branches: {nodes}' },
    { line: 'lp_iterations: {simplex_iterations}' },
    { line: 'walltime: {runtime_seconds}', then: timeWasUp },
    { line: '#Variables: {count}', then: variablesOf },
    // Constraints by kind: #kLinear2: 48 (#terms: 96)
    { line: '#k{:word}: {count}', then: constraintsOf },
  ],
  rowsBegin: '#',
  row,
};

/** What the log says of the limits that were set: all parameters that were, in one line. */
function parameters(draft: Draft, { line }: LineFields): void {
  const valueOf = (name: string): number => numberOf(line.split(`${name}: `)[1]?.split(' ')[0] ?? '');
  draft.notes.set('isLimited', /\b(?:max_|stop_after_|\w+_gap_limit)/.test(line) ? 1 : 0);
  draft.notes.set('secondsMax', valueOf('max_time_in_seconds'));
  draft.notes.set('stopsAtFirst', line.includes('stop_after_first_solution: true') ? 1 : 0);
  const tolerance = valueOf('relative_gap_limit');
  if (tolerance > 0) draft.withinTolerance(tolerance);
}

/** Nothing was found and nothing proved. Unless a limit was set, what stopped it was not the solver. */
function unknown(draft: Draft): void {
  if (draft.notes.get('isLimited') === 1) draft.status('no_solution');
  // The objective that is printed all the same is no solution's.
  draft.forget('objective');
  draft.notes.set('isUnknown', 1);
}

/** The response does not say which limit it was, but it says how long it took. */
function timeWasUp(draft: Draft, fields: LineFields): void {
  if (!draft.isStopped) return;
  const secondsMax = draft.notes.get('secondsMax') ?? NaN;
  if (fields.number('runtime_seconds') >= 0.99 * secondsMax) draft.limit('time');
  else if (draft.notes.get('stopsAtFirst') === 1) draft.limit('solution');
}

function variablesOf(draft: Draft, fields: LineFields): void {
  if (draft.notes.get('part') !== model) return;
  draft.number('variables', fields.number('count'));
  // Whatever CP-SAT decides about is whole.
  draft.number('integer_variables', fields.number('count'));
}

function constraintsOf(draft: Draft, fields: LineFields): void {
  if (draft.notes.get('part') !== model) return;
  draft.notes.set('constraints', (draft.notes.get('constraints') ?? 0) + fields.number('count'));
  draft.notes.set('constraintsLine', draft.line);
}

/** All kinds of constraints were listed. */
function modelIsOver(draft: Draft): void {
  if (draft.notes.get('part') !== model) return;
  draft.notes.set('part', presolvedModel);
  draft.number('constraints', draft.notes.get('constraints') ?? NaN, draft.notes.get('constraintsLine'));
}

/**
 * `#8       0.06s best:19854 next:[19855,20123] max_lp`: what was found, and within what the next solution would have to
 * be. The far end of that is the bound.
 */
function row(cells: Row, draft: Draft): boolean {
  const clock = cells.find('s', 1);
  const best = cells.find(':', clock) + 1;
  const open = cells.find('[', best);
  const close = cells.find(']', open);
  if (clock < 0 || best < 1 || open < 0 || close < 0 || !cells.hasAt(best - 5, 'best:')) return false;
  const begins = cells.hasAt(1, 'Bound') ? 6 : cells.find(' ', 0);
  const seconds = cells.numberOf(begins, clock);
  if (Number.isNaN(seconds)) return false;
  const value = cells.numberOf(best, cells.find(' ', best));
  draft.incumbent(seconds, value);
  const comma = cells.find(',', open);
  if (comma < 0 || comma > close) return true;
  const [low, high] = [cells.numberOf(open + 1, comma), cells.numberOf(comma + 1, close)];
  if (cells.hasAt(best, 'inf') || high < value) {
    draft.sense('min');
    draft.boundSeen(seconds, low);
  } else if (cells.hasAt(best, '-inf') || low > value) {
    draft.sense('max');
    draft.boundSeen(seconds, high);
  }
  return true;
}
