/**
 * One solve while its lines come by: what was stated, by which line, and what follows from it at the end.
 *
 * The solvers' own words become facts in the vocabulary of `core/solverFacts.ts` here and nowhere else.
 */
import type {
  FactName,
  SeriesPoint,
  Solve,
  SolveFacts,
  SolveLimit,
  SolveStatus,
} from '../core/solverFacts.ts';
import { readableText } from './lines.ts';
import { secondsBetween } from './prefix.ts';
import { Series } from './series.ts';

/** Solvers write their infinity as 1e+20, 1e+30, 1e+50 or 1e+100. */
const infinity = 1e20;
/** The relative gap that most solvers stop at unless told otherwise; a little more for rounding. */
const toleranceUsual = 1.0001e-4;
/** Longer texts are no error message of a solver. */
const errorCharsMax = 500;

/** `stopped`: before the end, with or without a solution; which of the two is known when all lines are. */
export type StatedStatus = SolveStatus | 'stopped';

/** Facts that are stated as they are; the status is not one of them until the end. */
type Stated = { -readonly [Name in FactName]?: SolveFacts[Name] };
/** The line of each fact, so far. */
type LinesOfFacts = Partial<Record<FactName, number>>;
/** The facts that are numbers, which is what fields of a line are. */
export type NumberName = Exclude<FactName, 'solver' | 'version' | 'status' | 'limit' | 'sense' | 'error'>;

/** Sizes are of the model as it was given, so the first line that says them counts; of all else the last one. */
const firstCounts: ReadonlySet<NumberName> = new Set<NumberName>([
  'variables',
  'constraints',
  'nonzeros',
  'integer_variables',
]);
/** A best value of a status without a solution would be a relaxation's, or a ray. */
const withoutObjective: ReadonlySet<SolveStatus> = new Set<SolveStatus>([
  'infeasible',
  'unbounded',
  'infeasible_or_unbounded',
  'no_solution',
  'error',
]);
const withoutBound: ReadonlySet<SolveStatus> = new Set<SolveStatus>([
  'infeasible',
  'unbounded',
  'infeasible_or_unbounded',
  'error',
]);

export class Draft {
  readonly solver: string;
  /** Whether a line showed that a solve is under way; before that there is only a program that was started. */
  begun = false;
  /** Whether its result was stated: a line that belongs to a solve is then one of the next solve. */
  ended = false;
  /** Whether its beginning is there: without it, what was not said may have been said there. */
  isWhole = false;
  /** The line that is being read. */
  line = 0;
  /** What a table has to remember from one line to a later one. */
  readonly notes = new Map<string, number>();

  readonly #time: () => number;
  readonly #beganAt: number;
  #facts: Stated = {};
  #evidence: LinesOfFacts = {};
  #status: StatedStatus | null = null;
  #tolerance = 0;
  #toleranceLine = 0;
  #printedGap = NaN;
  #printedGapLine = 0;
  #incumbent = NaN;
  #incumbentLine = 0;
  #boundSeen = NaN;
  #senseSeen: { readonly sense: 'min' | 'max'; readonly line: number } | null = null;
  #incumbents = new Series();
  #bounds = new Series();
  #presolved = { rows: NaN, columns: NaN, line: 0 };

  /**
   * @param line that showed whose log this is
   * @param time of the line that is being read, by what stands in front of it, in s; NaN: nothing does
   */
  constructor(solver: string, line: number, time: () => number = () => NaN) {
    this.solver = solver;
    this.#time = time;
    this.#beganAt = time();
    this.#evidence.solver = line;
  }

  /** What the program said of itself holds for its next solve as well. */
  successor(): Draft {
    const next = new Draft(this.solver, this.#evidence.solver ?? 0, this.#time);
    next.isWhole = true;
    const { version } = this.#facts;
    if (version !== undefined) {
      next.#facts.version = version;
      next.#evidence.version = this.#evidence.version ?? 0;
    }
    return next;
  }

  has(name: NumberName): boolean {
    return this.#facts[name] !== undefined;
  }

  /** A number that the line (or an earlier one) states. One that is none, or an infinity, takes back what an earlier line stated. */
  number(name: NumberName, value: number, line = this.line): void {
    if (firstCounts.has(name) && this.has(name)) return;
    if (Number.isNaN(value) || Math.abs(value) >= infinity) {
      this.forget(name);
      return;
    }
    this.#facts[name] = value;
    this.#evidence[name] = line;
  }

  /** A line took back what an earlier one stated, of a relaxation for instance. */
  forget(...names: FactName[]): void {
    for (const name of names) {
      if (name === 'status') this.#status = null;
      drop(this.#facts, this.#evidence, name);
    }
  }

  version(text: string): void {
    // "v9.9.1" and "9.9.1" are the same version.
    this.#facts.version = readableText(text.replace(/^[vV](?=\d)/, ''));
    this.#evidence.version = this.line;
  }

  status(status: StatedStatus): void {
    this.#status = status;
    this.#evidence.status = this.line;
  }

  /** Whether a limit stopped it, with or without a solution. */
  get isStopped(): boolean {
    return this.#status === 'stopped' || this.#status === 'no_solution';
  }

  get isStated(): boolean {
    return this.#status !== null;
  }

  limit(limit: SolveLimit): void {
    this.#facts.limit = limit;
    this.#evidence.limit = this.line;
  }

  sense(sense: 'min' | 'max'): void {
    this.#facts.sense = sense;
    this.#evidence.sense = this.line;
  }

  get isMax(): boolean {
    return this.#facts.sense === 'max';
  }

  /** What went wrong, as the solver says it; the first such line counts, the others tell what came of it. */
  error(text: string): void {
    if (this.#facts.error !== undefined) return;
    this.#facts.error = readableText(text.trim().slice(0, errorCharsMax));
    this.#evidence.error = this.line;
  }

  /**
   * Optimal within a tolerance: the bound may be another value than the objective.
   *
   * @param tolerance as a fraction; NaN: not known. One that is wider than usual is what ended the search, if there is a
   *   gap that needed it.
   */
  withinTolerance(tolerance: number): void {
    this.#tolerance = tolerance;
    this.#toleranceLine = this.line;
  }

  /** The gap that the solver prints, as a fraction, for where its objective or bound are not printed. */
  printedGap(fraction: number): void {
    if (Number.isNaN(fraction)) return;
    this.#printedGap = Math.abs(fraction);
    this.#printedGapLine = this.line;
  }

  /** Since the solve began, for solvers that print no times: by what other software puts in front of lines. NaN: nothing. */
  get stampedSeconds(): number {
    return secondsBetween(this.#beganAt, this.#time());
  }

  /** @param seconds since the solve began; NaN: the line does not say */
  incumbent(seconds: number, objective: number): void {
    if (Number.isNaN(objective) || Math.abs(objective) >= infinity) return;
    if (objective !== this.#incumbent) {
      this.#incumbent = objective;
      this.#incumbentLine = this.line;
    }
    this.#incumbents.add(seconds, objective);
    this.#lookAtSense();
  }

  get lastIncumbent(): number {
    return this.#incumbent;
  }

  /** @param seconds since the solve began; NaN: the line does not say */
  boundSeen(seconds: number, bound: number): void {
    if (Number.isNaN(bound) || Math.abs(bound) >= infinity) return;
    this.#boundSeen = bound;
    this.#bounds.add(seconds, bound);
    this.#lookAtSense();
  }

  get lastBoundSeen(): number {
    return this.#boundSeen;
  }

  #lookAtSense(): void {
    if (this.#senseSeen !== null) return;
    const sense = senseOf(this.#incumbent, this.#boundSeen);
    if (sense !== null) this.#senseSeen = { sense, line: this.line };
  }

  /** The size of the model that presolve left; the first counts, later ones are of restarts. */
  presolved(rows: number, columns: number): void {
    if (this.#presolved.line !== 0) return;
    this.#presolved = { rows, columns, line: this.line };
  }

  get incumbents(): readonly SeriesPoint[] {
    return this.#incumbents.points;
  }

  get bounds(): readonly SeriesPoint[] {
    return this.#bounds.points;
  }

  /** What follows from all that was stated. */
  finish(): Solve {
    const facts: Stated = { solver: this.solver, ...this.#facts };
    const evidence = { ...this.#evidence };
    if (facts.objective === undefined && !Number.isNaN(this.#incumbent)) {
      facts.objective = this.#incumbent;
      evidence.objective = this.#incumbentLine;
    }
    const status = this.#endedAs(facts);
    if (status !== null) facts.status = status;
    if (status !== 'error') drop(facts, evidence, 'error');
    if (status !== null && withoutObjective.has(status)) drop(facts, evidence, 'objective');
    if (status !== null && withoutBound.has(status)) drop(facts, evidence, 'bound');
    this.#deriveBound(facts, evidence);
    this.#deriveGap(facts, evidence);
    this.#deriveLimit(facts, evidence);
    this.#deriveSense(facts, evidence);
    this.#derivePresolve(facts, evidence);
    return { ...facts, evidence };
  }

  #endedAs({ objective }: Stated): SolveStatus | null {
    if (this.#status !== 'stopped') return this.#status;
    if (objective !== undefined) return 'feasible';
    return this.isWhole ? 'no_solution' : null;
  }

  /** What is optimal is its own bound, unless a tolerance ended the search. */
  #deriveBound(facts: Stated, evidence: LinesOfFacts): void {
    if (facts.bound !== undefined || facts.status !== 'optimal' || this.#toleranceLine > 0) return;
    if (facts.objective === undefined) return;
    facts.bound = facts.objective;
    evidence.bound = evidence.status ?? evidence.objective ?? 0;
  }

  #deriveGap(facts: Stated, evidence: LinesOfFacts): void {
    const { objective, bound } = facts;
    if (facts.status !== undefined && withoutObjective.has(facts.status)) return;
    if (objective === undefined) return;
    if (bound !== undefined) {
      const distance = Math.abs(bound - objective);
      if (distance > 0 && objective === 0) return;
      facts.gap_relative = distance === 0 ? 0 : distance / Math.abs(objective);
      evidence.gap_relative = Math.max(evidence.objective ?? 0, evidence.bound ?? 0);
    } else if (!Number.isNaN(this.#printedGap)) {
      facts.gap_relative = this.#printedGap;
      evidence.gap_relative = this.#printedGapLine;
    }
  }

  #deriveLimit(facts: Stated, evidence: LinesOfFacts): void {
    if (facts.status !== 'optimal' || !(this.#tolerance > toleranceUsual)) return;
    if ((facts.gap_relative ?? 0) <= toleranceUsual) return;
    facts.limit = 'gap';
    evidence.limit = this.#toleranceLine;
  }

  #deriveSense(facts: Stated, evidence: LinesOfFacts): void {
    if (facts.sense !== undefined) return;
    const stated = senseOf(facts.objective, facts.bound);
    const seen = this.#senseSeen ?? (stated === null ? null : { sense: stated, line: evidence.bound ?? 0 });
    if (seen === null) return;
    facts.sense = seen.sense;
    evidence.sense = seen.line;
  }

  #derivePresolve(facts: Stated, evidence: LinesOfFacts): void {
    const { rows, columns, line } = this.#presolved;
    const { constraints, variables } = facts;
    if (facts.presolve_rows_removed === undefined && constraints !== undefined && rows <= constraints) {
      facts.presolve_rows_removed = constraints - rows;
      evidence.presolve_rows_removed = line;
    }
    if (facts.presolve_columns_removed === undefined && variables !== undefined && columns <= variables) {
      facts.presolve_columns_removed = variables - columns;
      evidence.presolve_columns_removed = line;
    }
  }
}

/** A bound above a solution is one of a model that maximises. */
function senseOf(objective = NaN, bound = NaN): 'min' | 'max' | null {
  // Far enough apart that neither rounding nor printed digits make the difference.
  const isApart = Math.abs(bound - objective) > 1e-4 * Math.max(1, Math.abs(bound), Math.abs(objective));
  if (!isApart) return null;
  return bound > objective ? 'max' : 'min';
}

function drop(facts: Stated, evidence: LinesOfFacts, name: FactName): void {
  Reflect.deleteProperty(facts, name);
  Reflect.deleteProperty(evidence, name);
}
