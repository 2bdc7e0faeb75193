/**
 * What a solver's log can say: the nouns, in one vocabulary for all solvers.
 *
 * The keys are those of the JSON that `parse-log` prints. A key is absent when the log does not say it. Nothing here is
 * guessed: every value was read from a line, or follows from values that were (then the docs say how).
 */

/**
 * How a solve ended. `feasible`: stopped early with a solution; `no_solution`: stopped early without one; `interrupted`:
 * by a person or a signal, with or without a solution; `optimal` also when the solver itself calls a solution optimal
 * that is within its tolerance.
 */
export type SolveStatus =
  | 'optimal'
  | 'feasible'
  | 'infeasible'
  | 'unbounded'
  | 'infeasible_or_unbounded'
  | 'no_solution'
  | 'interrupted'
  | 'error';

/** What stopped a solve. `gap`: a tolerance wider than the solver's own; `iteration`: of the simplex or barrier method. */
export type SolveLimit = 'time' | 'node' | 'gap' | 'solution' | 'memory' | 'iteration';

/** The facts of one solve. Absent means that the log does not say it. */
export interface SolveFacts {
  /** cbc, glpk, lp_solve, gurobi, cplex, xpress, scip, highs, cp-sat or copt. */
  readonly solver?: string;
  /** As the log prints it. */
  readonly version?: string;
  readonly status?: SolveStatus;
  readonly limit?: SolveLimit;
  /** Of the model as it was given. */
  readonly sense?: 'min' | 'max';
  /** Of the best solution, in the model's own sense and sign. Absent where there is no solution. */
  readonly objective?: number;
  /** The best proven bound on the objective. */
  readonly bound?: number;
  /** abs(bound - objective) / abs(objective), a fraction: 0.01 is 1 %. See `docs/solver-logs.md`. */
  readonly gap_relative?: number;
  /** Seconds by the clock on the wall, where the solver prints those; else what it prints. */
  readonly runtime_seconds?: number;
  /** Branch-and-bound nodes; for CP-SAT branches. */
  readonly nodes?: number;
  readonly simplex_iterations?: number;
  /** Of the model as it was given; so are constraints, nonzeros and integer_variables. */
  readonly variables?: number;
  readonly constraints?: number;
  readonly nonzeros?: number;
  /** Binaries included. */
  readonly integer_variables?: number;
  readonly threads?: number;
  readonly solutions_found?: number;
  /** Rows and columns that presolve took away, before any restart. */
  readonly presolve_rows_removed?: number;
  readonly presolve_columns_removed?: number;
  /** What the solver said went wrong; only with the status error. */
  readonly error?: string;
}
/** The name of a fact, as its key has it. */
export type FactName = keyof SolveFacts;

/** The number of the line that each fact was read from, counted from 1. */
export type Evidence = Readonly<Partial<Record<FactName, number>>>;

/** Seconds since the solve began, and a value. */
export type SeriesPoint = readonly [seconds: number, value: number];

/** One solve of a log: its facts, and where they stand. */
export interface Solve extends SolveFacts {
  readonly evidence: Evidence;
}

/** What a log says. The facts are those of its last solve. */
export interface SolverLog extends SolveFacts {
  /** How many solves the log shows; 0: none, or it failed before one. */
  readonly solves: number;
  readonly evidence: Evidence;
  /** The best solution's objective over time, of the last solve. */
  readonly incumbents: readonly SeriesPoint[];
  /** The proven bound over time, of the last solve. */
  readonly bounds: readonly SeriesPoint[];
  /** Every solve in order, the last one included; of more than `solvesListedMax`, the first and the last ones. */
  readonly solve_list: readonly Solve[];
}
