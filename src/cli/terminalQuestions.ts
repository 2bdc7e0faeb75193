/** Questions to whoever sits at the terminal, asked on stderr, so that stdout stays the result's. */
import { createInterface, type Interface } from 'node:readline/promises';

export class TerminalQuestions {
  readonly #terminal: Interface;
  readonly #closed = new AbortController();

  constructor() {
    this.#terminal = createInterface({ input: process.stdin, output: process.stderr });
    // Ctrl-C and Ctrl-D are no answers, and must not leave a question open.
    this.#terminal.once('close', () => this.#closed.abort());
  }

  /** @returns null: there was no answer, and there will be none */
  async ask(question: string): Promise<string | null> {
    const text = await this.#terminal
      .question(question, { signal: this.#closed.signal })
      .catch((error: unknown) => {
        if (this.#closed.signal.aborted) return null;
        throw error;
      });
    return text?.trim() ?? null;
  }

  close(): void {
    this.#terminal.close();
  }
}
