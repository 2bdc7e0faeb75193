/** What a run gains from its log: the shapes that the platform knows, and the same bytes each time. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { addedFrom, enrichments } from '../../src/core/enrichment.ts';
import type { RunFacts } from '../../src/core/runFacts.ts';

const facts: RunFacts = {
  solver: 'scip',
  version: '10.0.2',
  status: 'feasible',
  limit: 'time',
  sense: 'min',
  objective: 42.5,
  bound: 40,
  gap_relative: 2.5 / 42.5,
  runtime_seconds: 60.25,
  nodes: 12,
  simplex_iterations: 900,
  variables: 30,
  solves: 1,
  evidence: { status: 9 },
  incumbents: [
    [0.5, 50],
    [2, 42.5],
  ],
  bounds: [[0.1, 40]],
};
const added = (of: RunFacts, wanted = enrichments as readonly (typeof enrichments)[number][]) =>
  Object.fromEntries(addedFrom(of, wanted).map(({ name, json }) => [name, JSON.parse(json) as unknown]));

test('metrics, statistics and chart have the shapes that the platform knows', () => {
  expect(added(facts)).toMatchObject({
    metrics: {
      solver: { name: 'scip', version: '10.0.2', status: 'feasible', limit: 'time', runtime_seconds: 60.25 },
      result: { value: 42.5, bound: 40, gap: 2.5 / 42.5, sense: 'min' },
      model: { variables: 30 },
    },
    statistics: {
      schema: 'v1',
      run: { duration: 60.25, iterations: 900, custom: { solver: 'scip' } },
      result: { duration: 60.25, value: 42.5, custom: { status: 'feasible', bound: 40 } },
      series_data: {
        value: {
          name: 'incumbent',
          data_points: [
            { x: 0.5, y: 50 },
            { x: 2, y: 42.5 },
          ],
        },
        custom: [{ name: 'bound', data_points: [{ x: 0.1, y: 40 }] }],
      },
    },
    assets: [
      {
        name: 'Convergence',
        content_type: 'json',
        visual: { schema: 'chartjs', type: 'custom-tab', label: 'Convergence' },
        content: { type: 'line', data: { datasets: [{ label: 'best solution' }, { label: 'bound' }] } },
      },
    ],
  });
});

test('what the log does not say is left out, with everything that would be empty', () => {
  const little: RunFacts = { solver: 'cbc', solves: 1, evidence: {}, incumbents: [], bounds: [] };
  expect(added(little)).toEqual({
    metrics: { solver: { name: 'cbc' } },
    statistics: { schema: 'v1', run: { custom: { solver: 'cbc' } } },
  });
});

test('only what is wanted is added, and nothing without facts', () => {
  expect(Object.keys(added(facts, ['chart']))).toEqual(['assets']);
  expect(addedFrom(facts, [])).toEqual([]);
  expect(addedFrom(undefined, enrichments)).toEqual([]);
});

test('the bytes are those of every release: an upload that is repeated after an upgrade is the same', () => {
  const bytes = addedFrom(facts, enrichments)
    .map(({ json }) => json)
    .join('\n');
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(
    '274d63d6ba6dbfe0f818629142b5fa3608dfdeaeb9c2db6b358df241dba56f55',
  );
});
