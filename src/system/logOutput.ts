/**
 * Where a log goes: a file, a pipe, a terminal or the journal. Each line is written at once, so that it is out even if the
 * process is killed right after. A disk that is full, or a reader who does not read, costs lines of the log and nothing
 * else: whoever wrote them works on.
 */
import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { errorCode } from './files.ts';

/** Lines for a reader who does not take them now; what comes beyond that is dropped. */
const waitingBytesMax = 1024 * 1024;
const tryAgainMs = 100;
/** At the end of the process, in ms. */
const endMsMax = 1_000;
const endPauseMs = 20;
const lineBreak = Buffer.from('\n');
const nothing = Buffer.alloc(0);

/** As `writeSync`: how many bytes were taken. */
type WriteBytes = (bytes: Buffer) => number;

export class LogOutput {
  readonly #writeBytes: WriteBytes;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** A part of the first that waits is out already. */
  #isBegun = false;
  /** A line was cut off in the middle: the next one begins on a line of its own. */
  #isTorn = false;
  #again: NodeJS.Timeout | undefined;

  constructor(writeBytes: WriteBytes) {
    this.#writeBytes = writeBytes;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > waitingBytesMax) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writeWaiting();
  }

  #writeWaiting(): void {
    clearTimeout(this.#again);
    while (this.#waiting.length > 0) {
      const [line = nothing] = this.#waiting;
      const rest = this.#put(line);
      this.#waitingBytes -= line.length - rest.length;
      if (rest.length > 0) {
        this.#waiting[0] = rest;
        this.#isBegun ||= rest.length < line.length;
        // A log that nobody reads keeps no process alive.
        this.#again = setTimeout(() => this.#writeWaiting(), tryAgainMs).unref();
        return;
      }
      this.#waiting.shift();
      this.#isBegun = false;
    }
  }

  /** The process ends: whoever is about to read still gets what waits. */
  end(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let pausedMs = 0; this.#waiting.length > 0 && pausedMs < endMsMax; pausedMs += endPauseMs) {
      Atomics.wait(pause, 0, 0, endPauseMs);
      this.#writeWaiting();
    }
  }

  /** @returns what the reader does not take now; nothing where the line is out, or lost */
  #put(line: Buffer): Buffer {
    let rest = line;
    try {
      if (this.#isTorn) this.#writeBytes(lineBreak);
      this.#isTorn = false;
      while (rest.length > 0) rest = rest.subarray(this.#writeBytes(rest));
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      if (code === 'EAGAIN') return rest;
      this.#isTorn ||= this.#isBegun || rest.length < line.length;
    }
    return nothing;
  }
}

export function logOutput(descriptor: number): LogOutput {
  const output = new LogOutput((bytes) => writeSync(descriptor, bytes));
  process.once('exit', () => output.end());
  return output;
}

/** The same, for what wants a stream. */
export function streamTo(output: LogOutput): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _, done) {
      output.write(String(line));
      done();
    },
  });
}
