/**
 * How well a parser reads a solver's log: each value that it gives beside what the solver's own API or solution file says.
 * The logs and their truth are in test/solverlog/logs, whose README says what the truth is.
 */

const withoutSolution = ['infeasible', 'unbounded', 'infeasible_or_unbounded', 'error', 'no_solution'];

const close = (got, want, relative = 1e-4, absolute = 1e-6) =>
  Math.abs(got - want) <= Math.max(relative * Math.max(Math.abs(got), Math.abs(want)), absolute);

/** Versions are the same where one only has more parts. */
const sameVersion = (got, want) => got === want || got.startsWith(`${want}.`) || want.startsWith(`${got}.`);

/** One definition for all solvers, see docs/solver-logs.md; what an API calls its gap differs between them. */
function gapOf({ objective, bound, gap_relative: printed }) {
  if (objective === null || bound === null) return printed;
  if (objective === 0) return bound === 0 ? 0 : null;
  return Math.abs(bound - objective) / Math.abs(objective);
}

/** Programs have no API to ask for a time; then it is the whole process's from outside, but not of one that was killed. */
function timeOf({ runtime_seconds: own, wall_seconds: wall, status }) {
  if (own !== null) return { seconds: own, tolerance: Math.max(0.05, 0.02 * own) };
  if (wall === undefined || wall === null || status === 'interrupted' || status === 'error') return null;
  return { seconds: wall, tolerance: Math.max(0.25, 0.05 * wall) };
}

/** By field: what is true, and whether a value is that. */
const rules = {
  solver: { want: (truth) => truth.solver, same: (got, want) => got === want },
  version: { want: (truth) => truth.version, same: sameVersion },
  status: {
    want: (truth) => truth.status,
    // Of a search that a tolerance ended most solvers say optimal, some say stopped.
    same: (got, want, truth) =>
      got === want || (truth.limit === 'gap' && ['optimal', 'feasible'].includes(got)),
  },
  limit: { want: (truth) => truth.limit, same: (got, want) => got === want },
  sense: { want: (truth) => truth.sense, same: (got, want) => got === want },
  objective: {
    want: (truth) => truth.objective,
    same: (got, want) => close(got, want),
    isInvented: (truth) => withoutSolution.includes(truth.status),
  },
  bound: {
    want: (truth) => truth.bound,
    same: (got, want) => close(got, want),
    isInvented: (truth) =>
      ['infeasible', 'unbounded', 'infeasible_or_unbounded', 'error'].includes(truth.status),
  },
  gap_relative: {
    want: gapOf,
    same: (got, want) => Math.abs(got - want) <= Math.max(1.1e-4, 0.02 * want),
    isInvented: (truth) => withoutSolution.includes(truth.status),
  },
  runtime_seconds: {
    want: (truth) => timeOf(truth)?.seconds ?? null,
    same: (got, want, truth) => Math.abs(got - want) <= (timeOf(truth)?.tolerance ?? 0),
  },
  nodes: { want: (truth) => truth.nodes, same: (got, want) => Math.abs(got - want) <= 1 },
  simplex_iterations: { want: (truth) => truth.simplex_iterations, same: (got, want) => got === want },
  variables: { want: (truth) => truth.variables, same: (got, want) => got === want },
  constraints: { want: (truth) => truth.constraints, same: (got, want) => got === want },
  integer_variables: { want: (truth) => truth.integer_variables, same: (got, want) => got === want },
  solutions_found: { want: (truth) => truth.solutions_found, same: (got, want) => got === want },
  solves: { want: (truth) => truth.solves, same: (got, want) => got === want },
};

export const scoredFields = Object.keys(rules);

/** Fields of which the truth says whether the log holds the number anywhere at all; the others say nothing of it. */
export function isInLog(truth, field) {
  return truth.in_log?.[field] ?? null;
}

/**
 * @param truth a case's truth.json
 * @param facts what a parser says, in the keys of `SolverLog`; a key that is not there, or null, was not found
 * @returns by field: right, wrong, missing (a value that is known was not given), invented (a value was given where there
 *   is none), or null: there is nothing to compare
 */
export function judge(truth, facts) {
  return Object.fromEntries(
    Object.entries(rules).map(([field, { want, same, isInvented }]) => {
      const [wanted, got] = [want(truth) ?? null, facts[field] ?? null];
      if (wanted === null) return [field, got !== null && isInvented?.(truth) === true ? 'invented' : null];
      if (got === null) return [field, 'missing'];
      return [field, same(got, wanted, truth) ? 'right' : 'wrong'];
    }),
  );
}
