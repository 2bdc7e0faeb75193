/**
 * Every log beside what the solver's API or its solution file says, field by field. No value may be wrong, and none may be
 * given where there is none. What is not read although a search finds the number in the log is named below, with the
 * reason: then the number is that of something else.
 */
import { describe, expect, test } from 'vitest';
import { isInLog, judge, scoredFields } from '../../bench/logScoring.mjs';
import { bytesOf, cases, parse, truthOf } from './reading.ts';

/** By reason: the field, and the cases. */
const unread: readonly {
  readonly reason: string;
  readonly field: string;
  readonly cases: readonly string[];
}[] = [
  {
    reason:
      'CPLEX as a library does not say the final bound; the last row is from before the end, and only near it',
    field: 'bound',
    cases: ['cplex-mip-knap', 'cplex-mip-start', 'cplex-mip-track', 'cplex-mip-traditional', 'cplex-stamped'],
  },
  {
    reason: 'the bound is the objective in the end, whose number is there, but not that this was proved',
    field: 'bound',
    cases: ['cplex-huge-objective', 'cplex-mip-gap', 'cplex-twice'],
  },
  { reason: 'a 0 of something else', field: 'bound', cases: ['cplex-sol-limit'] },
  {
    reason: 'a row of the barrier method, which is not said to be the last, and no status',
    field: 'bound',
    cases: ['cplex-lp-barrier'],
  },
  { reason: 'likewise', field: 'objective', cases: ['cplex-lp-barrier'] },
  {
    reason: 'without a bound there is no gap; the printed one is that of a row before the end',
    field: 'gap_relative',
    cases: [
      'cplex-lp-barrier',
      'cplex-lp-mix-max',
      'cplex-lp-transport',
      'cplex-mip-gap',
      'cplex-mip-knap',
      'cplex-mip-start',
      'cplex-mip-track',
      'cplex-mip-traditional',
      'cplex-sol-limit',
      'cplex-stamped',
      'cplex-twice',
    ],
  },
  {
    reason: 'the time of presolve or of crossover, not of the solve',
    field: 'runtime_seconds',
    cases: ['cplex-lp-barrier', 'cplex-lp-mix-max', 'cplex-lp-transport', 'cplex-lp-unbounded'],
  },
  { reason: 'an iteration of the barrier method', field: 'simplex_iterations', cases: ['cplex-lp-barrier'] },
  { reason: 'another 11', field: 'nodes', cases: ['cplex-mip-gap'] },
  {
    reason: 'a parameter has the word; whether it ended the search is not said',
    field: 'status',
    cases: ['cplex-node-nosol', 'cplex-sol-limit'],
  },
  {
    reason: 'nothing in the log is a solver’s: the script failed before',
    field: 'status',
    cases: ['cp-sat-no-file'],
  },
  { reason: 'killed, and the log just ends', field: 'status', cases: ['scip-killed'] },
  {
    reason: 'a 0 of something else',
    field: 'simplex_iterations',
    cases: [
      'copt-mip-cover',
      'copt-mip-unbounded',
      'copt-presolved-away',
      'copt-zero-objective',
      'gurobi-lp-barrier',
      'highs-lp-ipm',
      'xpress-lp-unbounded',
      'xpress-mip-unbounded',
      'xpress-presolved-away',
      'xpress-zero-objective',
    ],
  },
  {
    reason: 'iterations of the relaxation; those of the whole search are not said',
    field: 'simplex_iterations',
    cases: ['xpress-gap-limit-b', 'xpress-mip-cover'],
  },
  {
    reason: 'another number',
    field: 'simplex_iterations',
    cases: ['lp_solve-lp-transport', 'scip-mip-track'],
  },
  {
    reason: 'a 0 of something else',
    field: 'runtime_seconds',
    cases: ['xpress-lp-infeasible', 'xpress-lp-unbounded'],
  },
];

/** Where the truth counts otherwise than the program. */
const countedOtherwise = new Set(['glpk-ex-dist variables', 'glpk-ex-plan variables']);

const reasons = new Map(
  unread.flatMap(({ reason, field, cases: names }) => names.map((name) => [`${name} ${field}`, reason])),
);

/** A field counts as contained when its number is in the log, and as that. */
const goalShare = 0.99;

describe('every log and its truth', () => {
  test('there are all of them', () => {
    expect(cases).toHaveLength(254);
  });

  test.each(cases)('%s', async (name) => {
    const truth = truthOf(name);
    const verdicts = Object.entries(judge(truth, await parse(bytesOf(name))));
    const wrong = verdicts
      .filter(([field, verdict]) =>
        verdict === 'wrong' || verdict === 'invented' ? !countedOtherwise.has(`${name} ${field}`) : false,
      )
      .map(([field]) => field);
    const missing = verdicts
      .filter(([field, verdict]) => verdict === 'missing' && isInLog(truth, field) === true)
      .map(([field]) => field);
    expect({ wrong, missing }).toEqual({
      wrong: [],
      missing: scoredFields.filter((field) => reasons.has(`${name} ${field}`)),
    });
  });

  test('of the values that the logs hold nearly all are read', async () => {
    const counts = { right: 0, contained: 0, found: 0 };
    for (const name of cases) {
      const truth = truthOf(name);
      for (const [field, verdict] of Object.entries(judge(truth, await parse(bytesOf(name))))) {
        if (verdict === null || isInLog(truth, field) !== true) continue;
        counts.found += 1;
        if (!reasons.has(`${name} ${field}`)) counts.contained += 1;
        if (verdict === 'right') counts.right += 1;
      }
    }
    expect(counts.right / counts.contained).toBeGreaterThanOrEqual(goalShare);
    expect(counts.right).toBeGreaterThanOrEqual(1103);
  });
});

describe('beyond single values', () => {
  test.each(cases.filter((name) => Array.isArray(truthOf(name)['incumbents'])))(
    '%s: what the log shows of the solutions over time is what a callback saw',
    async (name) => {
      const { incumbents } = await parse(bytesOf(name));
      const seen = (truthOf(name)['incumbents'] as [number, number][]).map(([, objective]) => objective);
      const isSeen = (value: number): boolean =>
        seen.some((one) => Math.abs(one - value) <= 1e-4 * Math.max(1, Math.abs(one)));
      // Heuristics report to the log before the callback is asked, so the last ones are compared.
      const last = incumbents.at(-1)?.[1];
      expect(last === undefined || isSeen(last)).toBe(true);
    },
  );

  test.each(cases)('%s: every fact has its line', async (name) => {
    const { evidence, ...log } = await parse(bytesOf(name));
    const facts = Object.keys(log).filter(
      (key) => !['solve_list', 'incumbents', 'bounds', 'solves'].includes(key),
    );
    const lines = bytesOf(name).toString('latin1').split('\n').length;
    expect(Object.keys(evidence).sort()).toEqual(facts.sort());
    for (const line of Object.values(evidence)) {
      expect(line).toBeGreaterThan(0);
      expect(line).toBeLessThanOrEqual(lines);
    }
  });
});
