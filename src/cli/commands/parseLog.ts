/** `parse-log`: what a solver's log says, with the line of each fact, and how solution and bound moved. */
import { Command } from '@commander-js/extra-typings';
import { open, type FileReadResult } from 'node:fs/promises';
import { styleText } from 'node:util';
import type { FactName, Solve, SolverLog } from '../../core/solverFacts.ts';
import { parseSolverLog } from '../../solverlog/parseSolverLog.ts';
import { jsonOption, say, tell } from '../common.ts';
import { exitCodes } from '../exit.ts';
import { percent } from '../factsText.ts';
import { convergencePlot } from '../parseLogPlot.ts';
import { columns, printable } from '../words.ts';

/** So much of a file is in memory at a time. */
const pieceBytes = 256 * 1024;
/** Of more solves than this, a person is shown the last ones. */
const solvesShownMax = 20;

export const parseLogCommand = () =>
  new Command('parse-log')
    .argument(
      '<files...>',
      'logs of CBC, GLPK, lp_solve, Gurobi, CPLEX, Xpress, SCIP, HiGHS, CP-SAT or COPT; - for standard input',
    )
    .addOption(jsonOption())
    .action(async (files, { json }) => {
      for (const [index, file] of files.entries()) {
        try {
          const log = await parseSolverLog(piecesOf(file));
          if (json === true) say(JSON.stringify({ file, ...log }));
          else show(file, log, index > 0);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          tell(
            `${printable(file)} cannot be read: ${reason}. Name a log that this user may read, or - for standard input.`,
          );
          process.exitCode = exitCodes.failed;
        }
      }
    });

/** The bytes of a file: one piece is read while the one before it is parsed, which holds nothing of it. */
async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  if (file === '-') {
    yield* process.stdin as AsyncIterable<Buffer>;
    return;
  }
  const handle = await open(file);
  try {
    const next = (buffer: Buffer): Promise<FileReadResult<Buffer>> =>
      handle.read(buffer, 0, buffer.length, null);
    let coming = next(Buffer.allocUnsafe(pieceBytes));
    let free: Buffer = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      const { bytesRead, buffer } = await coming;
      if (bytesRead === 0) return;
      coming = next(free);
      // Whoever stops reading leaves one that is under way: it may fail unseen.
      coming.catch(() => undefined);
      yield buffer.subarray(0, bytesRead);
      free = buffer;
    }
  } finally {
    await handle.close();
  }
}

/** In the order in which one asks for them. */
const shown: readonly (readonly [FactName, string])[] = [
  ['solver', 'solver'],
  ['version', 'version'],
  ['status', 'status'],
  ['limit', 'stopped by'],
  ['error', 'error'],
  ['sense', 'sense'],
  ['objective', 'objective'],
  ['bound', 'bound'],
  ['gap_relative', 'gap'],
  ['runtime_seconds', 'runtime'],
  ['nodes', 'nodes'],
  ['simplex_iterations', 'simplex iterations'],
  ['solutions_found', 'solutions found'],
  ['variables', 'variables'],
  ['integer_variables', 'integer variables'],
  ['constraints', 'constraints'],
  ['nonzeros', 'non-zeros'],
  ['presolve_rows_removed', 'rows presolved'],
  ['presolve_columns_removed', 'columns presolved'],
  ['threads', 'threads'],
];

function show(file: string, log: SolverLog, isFurther: boolean): void {
  if (isFurther) say('');
  say(styleText('bold', printable(file)));
  if (log.solver === undefined) {
    say('  not the log of a solver that is known');
    return;
  }
  const rows = shown.flatMap(([name, label]) => {
    const text = valueText(log, name);
    return text === null ? [] : [[`  ${label}`, text, `line ${log.evidence[name] ?? '?'}`]];
  });
  say(columns([], rows));
  if (log.solves > 1) showSolves(log);
  if (log.solves === 0) say('  no solve was begun');
  const plot = process.stdout.isTTY ? convergencePlot(log, process.stdout.columns, process.stdout.rows) : '';
  if (plot !== '') say(`\n${plot}`);
}

function valueText(solve: Solve | SolverLog, name: FactName): string | null {
  const value = solve[name];
  if (value === undefined) return null;
  if (name === 'gap_relative') return percent(Number(value));
  if (name === 'runtime_seconds') return `${String(value)} s`;
  return printable(String(value));
}

function showSolves({ solves, solve_list: list }: SolverLog): void {
  say('');
  say(`  ${String(solves)} solves; the facts above are the last one's`);
  const last = list.slice(-solvesShownMax);
  const cell = (solve: Solve, name: FactName): string => valueText(solve, name) ?? '';
  say(
    columns(
      ['  ', 'solver', 'status', 'objective', 'gap', 'runtime'],
      last.map((solve, index) => [
        `  ${String(solves - last.length + index + 1)}`,
        ...(['solver', 'status', 'objective', 'gap_relative', 'runtime_seconds'] as const).map((name) =>
          cell(solve, name),
        ),
      ]),
    ),
  );
}
