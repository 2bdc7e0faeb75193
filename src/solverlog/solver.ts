/** What a table says of one solver's log: its lines, and the rows of its progress table. */
import type { Draft, StatedStatus } from './draft.ts';
import type { SolveLimit } from '../core/solverFacts.ts';
import type { Row } from './row.ts';
import type { Fields } from './template.ts';

/**
 * What a line means for the course of things.
 *
 *   banner  a program says who it is: whatever follows is its log
 *   begin   a solve begins: another one if one is under way
 *   within  a solve is under way: another one if the last one's result was stated
 *   end     a result is stated
 */
export type Mark = 'banner' | 'begin' | 'within' | 'end';

export interface LinePattern {
  /** Templates (see `template.ts`), any of which may match. A field named like a fact states it. */
  readonly line: string | readonly string[];
  readonly mark?: Mark | ((draft: Draft) => Mark | null);
  /**
   * Whether such a line shows whose log this is, when no banner did. Of banners that is true anyway. False for words that
   * other programs use too.
   */
  readonly tells?: boolean;
  readonly status?: StatedStatus;
  readonly limit?: SolveLimit;
  readonly sense?: 'min' | 'max';
  /** Whatever else follows from the line. */
  readonly then?: (draft: Draft, fields: LineFields) => void;
}

/** What the fields of the line hold, as the tables ask for it. */
export class LineFields {
  readonly #fields: Fields;
  /** The whole line without what stood before it. */
  readonly line: string;

  constructor(fields: Fields, line: string) {
    this.#fields = fields;
    this.line = line;
  }

  named(): Iterable<[string, number]> {
    return this.#fields.numbers;
  }

  /** @returns NaN where the line leaves it open */
  number(name: string): number {
    return this.#fields.numbers.get(name) ?? NaN;
  }

  text(name: string): string {
    return this.#fields.texts.get(name) ?? '';
  }
}

export interface Solver {
  /** As the facts have it. */
  readonly name: string;
  readonly lines: readonly LinePattern[];
  /** The first characters, blanks left out, that rows of its progress table may have. */
  readonly rowsBegin?: string;
  /** What a row begins with that reports the time only, if that is not a number. */
  readonly quietRowBegins?: string;
  /**
   * Reads a row of its progress table. Called for millions of lines, so it looks at as little as it can.
   *
   * @returns false: this is none
   */
  readonly row?: (row: Row, draft: Draft) => boolean;
  /** What is known only when all lines of a solve were seen. */
  readonly finish?: (draft: Draft) => void;
}
