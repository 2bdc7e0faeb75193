/** A line that tells how far it is, on stderr and on a terminal only: in a pipe nothing is written. */
import { clearLine, cursorTo } from 'node:readline';
import prettyMs from 'pretty-ms';
import { machineClock } from '../system/clock.ts';

/** More often nobody can read it. */
const showMs = 1_000;
/** Before, what it took so far says nothing of what it will take. */
const foreseenMsMin = 2_000;

export class Progress {
  readonly #beginMs = machineClock.monotonicMs();
  readonly #timer: NodeJS.Timeout | null;
  #text: string;
  /** How much is done, from 0 to 1; null: nobody knows. */
  #part: number | null = null;
  #isShown = false;

  /** @param text what is going on; how long it has been is added */
  constructor(text: string) {
    this.#text = text;
    this.#timer = process.stderr.isTTY ? setInterval(() => this.#show(), showMs) : null;
    this.#timer?.unref();
  }

  /** @param part how much is done, from 0 to 1, where that is known: then it is foreseen how long the rest takes */
  tell(text: string, part: number | null = null): void {
    this.#part = part;
    if (text === this.#text) return;
    this.#text = text;
    if (this.#timer !== null) this.#show();
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#isShown) this.#clear();
  }

  #show(): void {
    const lastedMs = machineClock.monotonicMs() - this.#beginMs;
    const rest = restText(lastedMs, this.#part);
    // A line that is wider than the terminal would stay when it is cleared.
    const line = `${this.#text} (${inSeconds(lastedMs)}${rest})`.slice(0, (process.stderr.columns || 80) - 1);
    this.#clear();
    process.stderr.write(line);
    this.#isShown = true;
  }

  #clear(): void {
    clearLine(process.stderr, 0);
    cursorTo(process.stderr, 0);
  }
}

/** Pure. @param part how much is done, from 0 to 1 */
export function restText(lastedMs: number, part: number | null): string {
  if (part === null || part <= 0 || part >= 1 || lastedMs < foreseenMsMin) return '';
  return `, about ${inSeconds((lastedMs / part) * (1 - part))} to go`;
}

function inSeconds(durationMs: number): string {
  return prettyMs(durationMs, { secondsDecimalDigits: 0 });
}
