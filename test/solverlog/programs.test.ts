/**
 * What solvers' own programs print beside what their libraries do. These lines were written from the solvers' documented
 * forms, not taken from runs: there was no licence to make them.
 */
import { expect, test } from 'vitest';
import { parse } from './reading.ts';

const cplexHead = [
  'Welcome to IBM(R) ILOG(R) CPLEX(R) Interactive Optimizer 22.1.1.0',
  "Problem 'model.lp' read.",
  'Version identifier: 22.1.1.0 | 2023-02-09 | 22d6266e5',
  'CPXPARAM_Read_DataCheck                          1',
];

test.each<{ name: string; lines: readonly string[]; says: object }>([
  {
    name: 'CPLEX: optimal',
    lines: [
      ...cplexHead,
      'MIP - Integer optimal solution:  Objective =  4.0759800000e+03',
      'Solution time =    0.03 sec.  Iterations = 267  Nodes = 0',
    ],
    says: {
      status: 'optimal',
      objective: 4075.98,
      bound: 4075.98,
      runtime_seconds: 0.03,
      simplex_iterations: 267,
      nodes: 0,
      version: '22.1.1.0',
    },
  },
  {
    name: 'CPLEX: optimal within its tolerance, which says what the bound is',
    lines: [
      ...cplexHead,
      'MIP - Integer optimal, tolerance (0.0001/1e-06):  Objective =  2.6056000000e+04',
      'Current MIP best bound =  2.6058463642e+04 (gap = 2.46364, 0.01%)',
      'Solution time =    1.08 sec.  Iterations = 19785  Nodes = 7880 (12)',
    ],
    says: { status: 'optimal', objective: 26056, bound: 26058.463642, nodes: 7880 },
  },
  {
    name: 'CPLEX: time',
    lines: [
      ...cplexHead,
      'MIP - Time limit exceeded, integer feasible:  Objective =  6.4440000000e+04',
      'Current MIP best bound =  6.4719333942e+04 (gap = 279.334, 0.43%)',
    ],
    says: { status: 'feasible', limit: 'time', objective: 64440, sense: 'max' },
  },
  {
    name: 'CPLEX: time, and nothing found',
    lines: [
      ...cplexHead,
      'MIP - Time limit exceeded, no integer solution.',
      'Current MIP best bound =  6.4e+01 (gap is infinite)',
    ],
    says: { status: 'no_solution', limit: 'time' },
  },
  {
    name: 'CPLEX: nodes',
    lines: [...cplexHead, 'MIP - Node limit exceeded, integer feasible:  Objective =  4.3263000000e+04'],
    says: { status: 'feasible', limit: 'node', objective: 43263 },
  },
  {
    name: 'CPLEX: infeasible',
    lines: [...cplexHead, 'MIP - Integer infeasible.'],
    says: { status: 'infeasible' },
  },
  {
    name: 'CPLEX: either',
    lines: [...cplexHead, 'MIP - Integer infeasible or unbounded.'],
    says: { status: 'infeasible_or_unbounded' },
  },
  {
    name: 'CPLEX: stopped by a person',
    lines: [...cplexHead, 'MIP - Aborted, integer feasible:  Objective =  3.1000000000e+01'],
    says: { status: 'interrupted', objective: 31 },
  },
  {
    name: 'CPLEX: an LP',
    lines: [
      ...cplexHead,
      'Dual simplex - Optimal:  Objective =  5.6814060000e+03',
      'Solution time =    0.00 sec.  Iterations = 55 (0)',
    ],
    says: { status: 'optimal', objective: 5681.406, bound: 5681.406, simplex_iterations: 55 },
  },
  {
    name: 'CPLEX: a file that is not there',
    lines: ["CPLEX Error  1423: Could not open file 'nope.lp' for reading."],
    says: {
      solver: 'cplex',
      status: 'error',
      error: "Could not open file 'nope.lp' for reading.",
      solves: 0,
    },
  },
  {
    name: 'Gurobi: its program',
    lines: [
      'Set parameter Username',
      'Gurobi Optimizer version 11.0.3 build v11.0.3rc0 (linux64 - "Ubuntu 22.04")',
      'Read MPS format model from file model.mps',
      'Optimize a model with 60 rows, 800 columns and 1600 nonzeros',
      'Solved in 55 iterations and 0.00 seconds (0.00 work units)',
      'Optimal objective  5.681406000e+03',
      'Wrote result file model.sol',
    ],
    says: { version: '11.0.3', status: 'optimal', objective: 5681.406, simplex_iterations: 55 },
  },
  {
    name: 'Gurobi: either',
    lines: [
      'Gurobi Optimizer version 9.5.2 build v9.5.2rc0',
      'Optimize a model with 7 rows, 12 columns and 68 nonzeros',
      'Infeasible or unbounded model',
    ],
    says: { status: 'infeasible_or_unbounded', version: '9.5.2' },
  },
  {
    name: 'SCIP: its program, where the gap is infinite',
    lines: [
      'SCIP version 8.0.3 [precision: 8 byte] [memory: block] [mode: optimized] [LP solver: SoPlex 6.0.3]',
      'read problem <model.lp>',
      'original problem has 40 variables (40 bin, 0 int, 0 impl, 0 cont) and 5 constraints',
      'SCIP Status        : solving was interrupted [time limit reached]',
      'Solving Time (sec) : 3.00',
      'Solving Nodes      : 212',
      'Primal Bound       : +1.00000000000000e+20 (0 solutions)',
      'Dual Bound         : +5.96026649881567e+01',
      'Gap                : infinite',
    ],
    says: {
      status: 'no_solution',
      limit: 'time',
      bound: 59.6026649881567,
      variables: 40,
      integer_variables: 40,
      nodes: 212,
    },
  },
  {
    name: 'HiGHS: an older one',
    lines: [
      'Running HiGHS 1.5.3 [date: 2023-05-16, git hash: 594fa5a9d]',
      'LP   model has 32 rows; 240 cols; 480 nonzeros',
      'Model   status      : Optimal',
      'Simplex   iterations: 43',
      'Objective value     :  5.0400250000e+03',
      'HiGHS run time      :          0.02',
    ],
    says: {
      version: '1.5.3',
      status: 'optimal',
      objective: 5040.025,
      simplex_iterations: 43,
      constraints: 32,
      integer_variables: 0,
    },
  },
  {
    name: 'HiGHS: stopped by a person',
    lines: [
      'Running HiGHS 1.7.2 (git hash: 5ce7a2753)',
      'MIP  has 4 rows; 41 cols; 164 nonzeros; 41 integer variables',
      'Solving report',
      '  Status            Interrupted by user',
      '  Primal bound      18213',
      '  Dual bound        18400',
    ],
    says: { status: 'interrupted', objective: 18213, bound: 18400, sense: 'max' },
  },
  {
    name: 'GLPK: an older one',
    lines: [
      'GLPSOL: GLPK LP/MIP Solver, v4.65',
      "Reading problem data from 'model.mps'...",
      'Problem: model',
      'Objective: COST',
      '6 rows, 4 columns, 12 non-zeros',
      'GLPK Simplex Optimizer, v4.65',
      '*     4: obj =   1.200000000e+01 inf =   0.000e+00 (0)',
      'OPTIMAL LP SOLUTION FOUND',
      'Time used:   0.0 secs',
    ],
    says: { version: '4.65', status: 'optimal', objective: 12, simplex_iterations: 4, variables: 4 },
  },
  {
    name: 'CBC: an LP that maximises, from MPS',
    lines: [
      'Welcome to the CBC MILP Solver',
      'Version: 2.10.10',
      'command line - cbc model.mps -max -solve (default strategy 1)',
      'Result - Optimal solution found',
      'Objective value:                12.00000000',
    ],
    says: { sense: 'max', status: 'optimal', objective: 12 },
  },
])('$name', async ({ lines, says }) => {
  const log = await parse(`${lines.join('\n')}\n`);
  expect(log).toMatchObject(says);
});

test('what the log does not say is absent, not null', async () => {
  const log = await parse(`${cplexHead.join('\n')}\n`);
  expect(Object.keys(log).sort()).toEqual([
    'bounds',
    'evidence',
    'incumbents',
    'solve_list',
    'solver',
    'solves',
    'version',
  ]);
});

test('MPS counts the objective as a row, so how many constraints there are is not known', async () => {
  const log = await parse(
    "GLPSOL--GLPK LP/MIP Solver 5.0\nReading problem data from 'm.mps'...\nObjective: COST\n6 rows, 4 columns, 12 non-zeros\n",
  );
  expect(log.constraints).toBeUndefined();
});
