/** A log that is read while its bytes come by, for whoever reads them anyway. */
import type { SolverLog } from '../core/solverFacts.ts';
import { LineReader } from './lines.ts';
import { LogTracker, Tables } from './logTracker.ts';
import { solvers } from './solvers.ts';

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

  /** @param bytes the next ones; nothing of them is held. A megabyte takes some milliseconds */
  push(bytes: Uint8Array): void {
    this.#lines.push(bytes);
  }

  /** What the whole log says; to be asked once, after its last byte. */
  end(): SolverLog {
    this.#lines.end();
    return this.#tracker.result();
  }
}
