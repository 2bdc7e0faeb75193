/** What is kept of a log: everything that one asks for, in a size that does not depend on the log's. */
import { expect, test } from 'vitest';
import { factsBytesMax, pointsKeptMax, runFactsOf, thinned } from '../../src/core/runFacts.ts';
import type { SeriesPoint, SolverLog } from '../../src/core/solverFacts.ts';

const log: SolverLog = {
  solver: 'cbc',
  version: '2.10.12',
  status: 'optimal',
  objective: 42,
  solves: 2,
  evidence: { status: 7 },
  incumbents: [
    [0, 50],
    [1, 42],
  ],
  bounds: [[0, 40]],
  solve_list: [
    { status: 'infeasible', evidence: { status: 2 } },
    { status: 'optimal', evidence: { status: 7 } },
  ],
};
const many = (points: number): SeriesPoint[] => Array.from({ length: points }, (_, at) => [at / 3, -at / 7]);

test('the last solve’s facts are kept, and not the list of all', () => {
  expect({ ...runFactsOf(log), solve_list: log.solve_list }).toEqual(log);
  expect(runFactsOf(log)).not.toHaveProperty('solve_list');
});

test('a log of no solver that is known has none', () => {
  expect(runFactsOf({ solves: 0, evidence: {}, incumbents: [], bounds: [], solve_list: [] })).toBeNull();
});

test('a long series keeps its first and last point and others in between, in order', () => {
  const points = many(1_000);
  const kept = thinned(points, pointsKeptMax);
  expect(kept).toHaveLength(pointsKeptMax);
  expect([kept[0], kept.at(-1)]).toEqual([points[0], points.at(-1)]);
  expect(kept).toEqual([...kept].sort(([a], [b]) => a - b));
  expect(new Set(kept).size).toBe(pointsKeptMax);
});

test.each([0, 1, 2, 159, 160, 161])('of %i points none is made up', (count) => {
  const points = many(count);
  for (const max of [0, 1, 2, 3, pointsKeptMax]) {
    const kept = thinned(points, max);
    expect(kept.length).toBeLessThanOrEqual(max);
    for (const point of kept) expect(points).toContain(point);
  }
});

test('whatever a log says, its facts stay below their limit', () => {
  const text = 'é"\\\u0001'.repeat(5_000);
  const facts = runFactsOf({
    ...log,
    version: text,
    error: text,
    incumbents: many(1_000),
    bounds: many(1_000),
  });
  expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThanOrEqual(factsBytesMax);
  expect(facts?.incumbents.length).toBeGreaterThan(10);
});
