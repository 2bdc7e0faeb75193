/**
 * What is kept of a solver's log with the run: the facts of its last solve, and how solution and bound moved, in a size
 * that does not depend on the log's. There may be a million runs, and each is listed with its facts.
 */
import type { Evidence, SeriesPoint, SolveFacts, SolverLog } from './solverFacts.ts';

export interface RunFacts extends SolveFacts {
  /** How many solves the log shows; these facts are the last one's. */
  readonly solves: number;
  readonly evidence: Evidence;
  readonly incumbents: readonly SeriesPoint[];
  readonly bounds: readonly SeriesPoint[];
}

/** Points of each series: a picture in a run's page is hardly wider. */
export const pointsKeptMax = 160;
/** The facts of one run as JSON. Only long texts could come near it; then points go first. */
export const factsBytesMax = 16 * 1024;
/** A version or an error is told by its beginning. */
const textCharsMax = 500;

/** @returns null when the log is of no solver that is known: then it is simply a log */
export function runFactsOf(log: SolverLog): RunFacts | null {
  const facts = without(log, 'solve_list');
  if (facts.solver === undefined) return null;
  const short = {
    ...facts,
    ...(facts.version === undefined ? {} : { version: facts.version.slice(0, textCharsMax) }),
    ...(facts.error === undefined ? {} : { error: facts.error.slice(0, textCharsMax) }),
  };
  for (let points = pointsKeptMax; ; points = Math.floor(points / 2)) {
    const kept = {
      ...short,
      incumbents: thinned(facts.incumbents, points),
      bounds: thinned(facts.bounds, points),
    };
    if (points === 0 || Buffer.byteLength(JSON.stringify(kept)) <= factsBytesMax) return kept;
  }
}

/** A list of many runs has no use for each one's picture. */
export function figuresOf(facts: RunFacts): Omit<RunFacts, 'incumbents' | 'bounds'> {
  return without(facts, 'incumbents', 'bounds');
}

function without<Whole extends object, Name extends keyof Whole>(
  whole: Whole,
  ...names: readonly Name[]
): Omit<Whole, Name> {
  const copy = { ...whole };
  for (const name of names) Reflect.deleteProperty(copy, name);
  return copy;
}

/** The first and the last point, and others at equal steps between them. */
export function thinned(points: readonly SeriesPoint[], pointsMax: number): readonly SeriesPoint[] {
  if (points.length <= pointsMax) return points;
  if (pointsMax < 2) return [];
  const last = points.length - 1;
  return Array.from({ length: pointsMax }, (_, index) =>
    Math.round((index * last) / (pointsMax - 1)),
  ).flatMap((at) => points.slice(at, at + 1));
}
