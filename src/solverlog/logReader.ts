/** A log that is read while its bytes come by, for whoever reads them anyway. */
import type { SolverLog } from '../core/solverFacts.ts';
import { LineReader } from './lines.ts';
import { LogTracker, Tables } from './logTracker.ts';
import { solvers } from './solvers.ts';

const bytesPerTurnMax = 256 * 1024;
const bytesPerTurnMin = 8 * 1024;
const beginningShare = 1 / 4;

/**
 * How much of a log may be pushed in one turn of the event loop: of its beginning a little at a time, because every row
 * is read there, by code that is not compiled yet; later so much that it takes a millisecond.
 */
export const bytesPerTurn = (bytesPushed: number): number =>
  Math.min(bytesPerTurnMax, Math.max(bytesPerTurnMin, Math.floor(bytesPushed * beginningShare)));

let tables: Tables | null = null;

export class LogReader {
  readonly #tracker: LogTracker;
  readonly #lines: LineReader;

  constructor() {
    tables ??= new Tables(solvers);
    const tracker = new LogTracker(tables);
    this.#tracker = tracker;
    this.#lines = new LineReader(
      (bytes, from, to, number, isCut) => tracker.line(bytes, from, to, number, isCut),
      () => tracker.chunkEnds(),
    );
  }

  /** @param bytes the next ones, no more than `bytesPerTurn` in one turn; nothing of them is held */
  push(bytes: Uint8Array): void {
    this.#lines.push(bytes);
  }

  /** What the whole log says; to be asked once, after its last byte. */
  end(): SolverLog {
    this.#lines.end();
    return this.#tracker.result();
  }
}
