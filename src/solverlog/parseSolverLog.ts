/** A solver's log in one pass: its facts, in memory that does not grow with its length. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SolverLog } from '../core/solverFacts.ts';
import { bytesPerTurn, LogReader } from './logReader.ts';

/** How a log is read. */
export interface ParseSolverLogOptions {
  /** Ends the reading early: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * What a solver's log says: solver, status, objective, bound, gap, times, sizes, and how solution and bound moved.
 *
 * @param source the log's bytes in order, in pieces of any size: a file's stream, a child's output, or the bytes themselves
 * @returns the facts of the last solve, each with the number of the line that says it, and every solve of the log. What
 *   the log does not say is absent. A log of no solver that is known has no solves, and no facts.
 * @throws the reason of `signal`, and whatever `source` throws; never for what is in the log
 */
export async function parseSolverLog(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { signal }: ParseSolverLogOptions = {},
): Promise<SolverLog> {
  const reader = new LogReader();
  let pushed = 0;
  let sinceTurn = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length;) {
      signal?.throwIfAborted();
      const most = bytesPerTurn(pushed);
      const piece = bytes.subarray(at, at + most);
      reader.push(piece);
      at += piece.length;
      pushed += piece.length;
      sinceTurn += piece.length;
      if (sinceTurn < most) continue;
      sinceTurn = 0;
      await nextTurn();
    }
  }
  signal?.throwIfAborted();
  return reader.end();
}
