/** A solver's log as a long run leaves it: a real one, whose rows go on until the size is reached. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const logs = fileURLToPath(new URL('../test/solverlog/logs', import.meta.url));

/** Which log it begins and ends with, and the rows between, each with other numbers. */
const longLogs = {
  gurobi: {
    from: 'gurobi-time-feasible',
    row: (row) =>
      `${String(row).padStart(6)}${String(row >> 1).padStart(6)} ${(64229 - (row % 997) / 10).toFixed(4)}   ${String(20 + (row % 40)).padStart(2)}   15 64440.0000 ${(64729 - row / 1e6).toFixed(4)}  0.45%   5.6 ${String(row >> 8).padStart(4)}s\n`,
  },
  highs: {
    from: 'highs-time-feasible',
    row: (row) =>
      ` ${row % 1000 === 0 ? 'L' : ' '} ${String(row % 1e7).padStart(7)} ${String(row % 9999).padStart(7)} ${String(row % 1e7).padStart(9)}   0.00%   ${(64779 - row / 1e6).toFixed(6)}    64440              0.53%     ${String(row % 1000).padStart(4)}     15   ${String(row % 1000).padStart(4)} ${String(row % 1e9).padStart(9)} ${(row / 100).toFixed(1).padStart(8)}s\n`,
  },
  scip: {
    from: 'scip-time-feasible',
    row: (row) =>
      ` ${String(row % 9999).padStart(4)}s|${String(row % 1e6).padStart(6)} |${String(row % 9999).padStart(6)} |${String(row % 1e7).padStart(7)} |  24.6 |    39M |  19 |  50 |   9 |  31 |1995 |  1 |   2 | 146 | 6.473076e+04 | 6.444000e+04 |   0.45%| unknown\n`,
  },
  cbc: {
    from: 'cbc-time-feasible',
    row: (row) =>
      `Cbc0010I After ${row} nodes, ${row >> 1} on tree, -64356 best solution, best possible -${(64791 - row / 1e6).toFixed(3)} (${(row / 100).toFixed(2)} seconds)\n`,
  },
};

export const longLogSolvers = Object.keys(longLogs);

export function writeLongLog(file, solver, bytesWanted) {
  const { from, row } = longLogs[solver];
  const lines = readFileSync(join(logs, from, 'run.log'), 'latin1').split('\n');
  // Before the end block, which comes after the last row with a percentage or a number of nodes.
  const end = lines.findLastIndex((line) => /%|Cbc0010I/.test(line) && !/Gap|gap/.test(line)) + 1;
  const out = openSync(file, 'w');
  writeSync(out, `${lines.slice(0, end).join('\n')}\n`);
  let written = 0;
  for (let at = 1; written < bytesWanted;) {
    const rows = [];
    for (const until = at + 10_000; at < until; at += 1) rows.push(row(at));
    written += writeSync(out, rows.join(''));
  }
  writeSync(out, lines.slice(end).join('\n'));
  closeSync(out);
}
