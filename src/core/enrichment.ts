/**
 * What a run gains from its solver's log on the platform: key figures, the older statistics, a picture of how solution
 * and bound moved. Pure, and the same bytes for the same facts: a repeated upload is the upload that it repeats, and what
 * comes back is compared with it. A test holds the bytes of this version.
 */
import type { RunFacts } from './runFacts.ts';
import type { SeriesPoint } from './solverFacts.ts';

/** What can be added to a run from its solver's log: key figures, the same in the older form, solution and bound over time. */
export type Enrichment = 'metrics' | 'statistics' | 'chart';
export const enrichments = ['metrics', 'statistics', 'chart'] as const satisfies readonly Enrichment[];

/** A member of the output document, or an artefact beside an output that is no document. */
export interface Added {
  readonly name: 'metrics' | 'statistics' | 'assets';
  readonly json: string;
}

/** @returns what there is to add; nothing where the log says nothing */
export function addedFrom(facts: RunFacts | undefined, wanted: readonly Enrichment[]): readonly Added[] {
  if (facts === undefined) return [];
  const added: Added[] = [];
  if (wanted.includes('metrics')) added.push({ name: 'metrics', json: JSON.stringify(metricsOf(facts)) });
  if (wanted.includes('statistics'))
    added.push({ name: 'statistics', json: JSON.stringify(statisticsOf(facts)) });
  const chart = wanted.includes('chart') ? chartOf(facts) : null;
  if (chart !== null) added.push({ name: 'assets', json: JSON.stringify([chart]) });
  return added;
}

function metricsOf(facts: RunFacts): object {
  return withoutEmpty({
    solver: {
      name: facts.solver,
      version: facts.version,
      status: facts.status,
      limit: facts.limit,
      runtime_seconds: facts.runtime_seconds,
      nodes: facts.nodes,
      simplex_iterations: facts.simplex_iterations,
      solutions_found: facts.solutions_found,
      threads: facts.threads,
    },
    result: { value: facts.objective, bound: facts.bound, gap: facts.gap_relative, sense: facts.sense },
    model: {
      variables: facts.variables,
      integer_variables: facts.integer_variables,
      constraints: facts.constraints,
      nonzeros: facts.nonzeros,
    },
  });
}

/** Durations in here are seconds (contract: JSON output). */
function statisticsOf(facts: RunFacts): object {
  const { objective, bound, gap_relative: gap, runtime_seconds: duration } = facts;
  const series = withoutEmpty({
    value: seriesData('incumbent', facts.incumbents),
    custom: facts.bounds.length === 0 ? undefined : [seriesData('bound', facts.bounds)],
  });
  return withoutEmpty({
    schema: 'v1',
    run: {
      duration,
      iterations: facts.simplex_iterations,
      custom: { solver: facts.solver, version: facts.version, nodes: facts.nodes },
    },
    result: { duration, value: objective, custom: { status: facts.status, limit: facts.limit, bound, gap } },
    series_data: series,
  });
}

function seriesData(name: string, points: readonly SeriesPoint[]): object | undefined {
  return points.length === 0 ? undefined : { name, data_points: pointsOf(points) };
}

const pointsOf = (points: readonly SeriesPoint[]): { x: number; y: number }[] =>
  points.map(([x, y]) => ({ x, y }));

/** @returns null where nothing moved: one value is no picture */
function chartOf(facts: RunFacts): object | null {
  const { incumbents, bounds } = facts;
  if (incumbents.length + bounds.length < 2) return null;
  const lines = [
    { label: 'best solution', color: '#1f6feb', points: incumbents },
    { label: 'bound', color: '#c2410c', points: bounds },
  ];
  return {
    name: 'Convergence',
    content_type: 'json',
    description: 'The best solution and the bound over time, as the log of the solver has them.',
    visual: { schema: 'chartjs', type: 'custom-tab', label: 'Convergence' },
    content: {
      type: 'line',
      data: {
        datasets: lines
          .filter(({ points }) => points.length > 0)
          .map(({ label, color, points }) => ({
            label,
            data: pointsOf(points),
            // A solution is the best one until the next is found.
            stepped: true,
            borderColor: color,
            backgroundColor: color,
            pointRadius: 2,
          })),
      },
      options: {
        animation: false,
        scales: {
          x: { type: 'linear', title: { display: true, text: 'seconds' } },
          y: { title: { display: true, text: 'objective' } },
        },
      },
    },
  };
}

/** What the log does not say is left out, and so is what has nothing in it. */
function withoutEmpty(object: Readonly<Record<string, unknown>>): object {
  const entries = Object.entries(object).flatMap(([name, value]): [string, unknown][] => {
    const kept = isPlain(value) ? withoutEmpty(value) : value;
    return kept === undefined || (isPlain(kept) && Object.keys(kept).length === 0) ? [] : [[name, kept]];
  });
  return Object.fromEntries(entries);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
