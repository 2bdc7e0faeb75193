/** A line that tells how far it is, on stderr and on a terminal only: in a pipe nothing is written. */
import { clearLine, cursorTo } from 'node:readline';
import prettyMs from 'pretty-ms';
import { machineClock } from '../system/clock.ts';

/** More often nobody can read it. */
const showMs = 1_000;

export class Progress {
  readonly #beginMs = machineClock.monotonicMs();
  readonly #timer: NodeJS.Timeout | null;
  #text: string;
  #isShown = false;

  /** @param text what is going on; how long it has been is added */
  constructor(text: string) {
    this.#text = text;
    this.#timer = process.stderr.isTTY ? setInterval(() => this.#show(), showMs) : null;
    this.#timer?.unref();
  }

  tell(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    if (this.#timer !== null) this.#show();
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#isShown) this.#clear();
  }

  #show(): void {
    const lasted = prettyMs(machineClock.monotonicMs() - this.#beginMs, { secondsDecimalDigits: 0 });
    // A line that is wider than the terminal would stay when it is cleared.
    const line = `${this.#text} (${lasted})`.slice(0, (process.stderr.columns || 80) - 1);
    this.#clear();
    process.stderr.write(line);
    this.#isShown = true;
  }

  #clear(): void {
    clearLine(process.stderr, 0);
    cursorTo(process.stderr, 0);
  }
}
