/** Every solver whose log is understood. Adding one is a file with its table, and a line here. */
import { cbc } from './cbc.ts';
import { copt } from './copt.ts';
import { cplex } from './cplex.ts';
import { cpSat } from './cpSat.ts';
import { glpk } from './glpk.ts';
import { gurobi } from './gurobi.ts';
import { highs } from './highs.ts';
import { lpSolve } from './lpSolve.ts';
import { scip } from './scip.ts';
import type { Solver } from './solver.ts';
import { xpress } from './xpress.ts';

export const solvers: readonly Solver[] = [
  cbc,
  glpk,
  lpSolve,
  gurobi,
  cplex,
  xpress,
  scip,
  highs,
  cpSat,
  copt,
];
