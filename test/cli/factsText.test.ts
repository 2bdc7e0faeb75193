/** What a solver's log says of a run, as people read it. */
import { expect, test } from 'vitest';
import { factsAtAGlance, factsSentences } from '../../src/cli/factsText.ts';

test('everything that is known is said, each with its line', () => {
  expect(
    factsSentences({
      solver: 'gurobi',
      version: '13.0.3',
      status: 'feasible',
      limit: 'time',
      sense: 'min',
      objective: 41,
      bound: 40,
      gap_relative: 1 / 41,
      runtime_seconds: 60.1,
      nodes: 12,
      variables: 30,
      integer_variables: 4,
      constraints: 9,
      solves: 3,
      evidence: { status: 88, objective: 90, runtime_seconds: 87, variables: 5 },
    }),
  ).toEqual([
    'gurobi 13.0.3 stopped early with a solution, at its time limit (line 88).',
    'Objective 41, bound 40, gap 2.439 %, minimised (line 90).',
    'It took 60.1 s, 12 nodes (line 87).',
    '30 variables, 4 of them integer, 9 constraints (line 5).',
    'The log shows 3 solves; this is the last one.',
  ]);
});

test('what is not known is not said', () => {
  expect(factsSentences({ solver: 'scip', solves: 1, evidence: {} })).toEqual([
    'scip does not say how it ended.',
  ]);
});

test('a text of the log cannot move the cursor', () => {
  const facts = {
    solver: 'cbc',
    status: 'error',
    error: 'no \u001b[2Jfile',
    solves: 0,
    evidence: {},
  } as const;
  expect(factsSentences(facts).join()).toContain('failed: no \\u001b[2Jfile');
});

test.each([
  [{ status: 'optimal', objective: 42, gap_relative: 0 }, 'optimal, 42'],
  [{ status: 'feasible', objective: 42, gap_relative: 0.0123 }, 'feasible, 42, gap 1.23 %'],
  [{ status: 'infeasible_or_unbounded' }, 'infeasible or unbounded'],
  [{}, 'highs'],
] as const)('at a glance %j is "%s"', (facts, text) => {
  expect(factsAtAGlance({ solver: 'highs', solves: 1, evidence: {}, ...facts })).toBe(text);
});
