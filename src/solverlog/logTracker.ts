/**
 * Follows a log line by line: whose it is, where a solve begins and ends, and what each line states.
 *
 * Nearly all lines of a long log are rows of a progress table or say nothing of interest, so a line is first judged by
 * its first character, then by the words it begins with, and only then read.
 */
import { Draft, type NumberName } from './draft.ts';
import type { Solve, SolverLog } from '../core/solverFacts.ts';
import { isBlank, isDigit, textIn } from './numbers.ts';
import { loggerNameLength, Prefix, timeIn } from './prefix.ts';
import { Row } from './row.ts';
import { LineFields, type LinePattern, type Mark, type Solver } from './solver.ts';
import { template, type Template } from './template.ts';

/** A line that states a fact is no longer than this; what follows is not looked at. */
export const factCharsMax = 1_000;
/**
 * So many rows of a log are all read. Of the unmarked ones after that, which report that time passed and nothing was
 * found, every sixteenth and the last of a run are, or a log of gigabytes would take many times as long.
 */
const rowsAllRead = 10_000;
const rowsPerRead = 16;

/** A logger's name is looked for in so much of a line. */
const loggerCharsMax = 140;
/** So many solves of one log are listed: a loop that solves for days must not fill memory. */
export const solvesListedMax = 1_000;

interface Known {
  /** What the line begins with, as bytes. */
  readonly begins: Uint8Array;
  readonly template: Template;
  readonly pattern: LinePattern;
  readonly solver: Solver;
}
/** By the code of the first character of a line. */
type Index = readonly (readonly Known[])[];

const codes = 128;
const space = 32;
const firstOfNumbers = '0123456789+-.';

/** Which lines to look for: of a solver its own and every banner; of none, those that show whose log this is. */
export class Tables {
  readonly #lines: readonly Known[];
  /** Of the solvers whose logs came by. */
  readonly #bySolver = new Map<Solver | null, Index>();

  constructor(solvers: readonly Solver[]) {
    this.#lines = solvers.flatMap((solver) =>
      solver.lines.flatMap((pattern) =>
        [pattern.line].flat().map((line) => known(template(line), pattern, solver)),
      ),
    );
  }

  linesOf(solver: Solver | null): Index {
    const index = this.#bySolver.get(solver) ?? indexOf(this.#lines.filter(isFor(solver)));
    this.#bySolver.set(solver, index);
    return index;
  }
}

const known = (line: Template, pattern: LinePattern, solver: Solver): Known => ({
  begins: Buffer.from(line.begins, 'latin1'),
  template: line,
  pattern,
  solver,
});

const isFor =
  (reader: Solver | null) =>
  ({ solver, pattern }: Known): boolean =>
    solver === reader || pattern.mark === 'banner' || (reader === null && pattern.tells === true);

function indexOf(lines: readonly Known[]): Index {
  const index = Array.from({ length: codes }, (): Known[] => []);
  for (const one of lines) {
    const { begins } = one.template;
    for (const char of begins === '' ? firstOfNumbers : begins.charAt(0))
      index[char.charCodeAt(0)]?.push(one);
  }
  return index;
}

function rowStarts(solver: Solver | null): Uint8Array {
  const starts = new Uint8Array(codes);
  for (const char of solver?.rowsBegin ?? '') starts[char.charCodeAt(0)] = 1;
  return starts;
}

const numberNames: ReadonlySet<string> = new Set<NumberName>([
  'objective',
  'bound',
  'runtime_seconds',
  'nodes',
  'simplex_iterations',
  'variables',
  'constraints',
  'nonzeros',
  'integer_variables',
  'threads',
  'solutions_found',
  'presolve_rows_removed',
  'presolve_columns_removed',
]);
const isNumberName = (name: string): name is NumberName => numberNames.has(name);

export class LogTracker {
  readonly #tables: Tables;
  readonly #prefix = new Prefix();
  readonly #row = new Row();
  #draft: Draft | null = null;
  #solver: Solver | null = null;
  #lines: Index;
  #rowStarts: Uint8Array;
  #quietRow: Uint8Array | null = null;
  #solves = 0;
  #rowsRead = 0;
  /** How the last row looked. */
  #rowBytes = 0;
  #rowEnd = 0;
  /** Where the line begins that is being read, with what stands in front of it. */
  #lineBytes: Uint8Array = new Uint8Array();
  #lineFrom = 0;
  #lineStart = 0;
  /** The last row that was not read. */
  #unreadBytes: Uint8Array | null = null;
  #unreadLine = 0;
  #unreadFrom = 0;
  #unreadTo = 0;
  #unreadNumber = 0;
  #unreadRows = 0;
  #first: Solve[] = [];
  #latest: Solve[] = [];

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#lines = tables.linesOf(null);
    this.#rowStarts = rowStarts(null);
  }

  /**
   * A line of the log: a place in `bytes`.
   *
   * @param isCut it is the last one and has no end, so that what stands at its end may be half of something
   */
  line(bytes: Uint8Array, from: number, to: number, number: number, isCut: boolean): void {
    const start = this.#prefix.end(bytes, from, to);
    if (this.#rowsRead > rowsAllRead && !isCut && this.#isLikeTheLastRow(bytes, start, to)) {
      this.#unreadBytes = bytes;
      this.#unreadLine = from;
      this.#unreadFrom = start;
      this.#unreadTo = to;
      this.#unreadNumber = number;
      this.#unreadRows += 1;
      if (this.#unreadRows < rowsPerRead) return;
      this.chunkEnds();
      return;
    }
    this.chunkEnds();
    this.#at(bytes, from, start);
    if (this.#read(bytes, start, to, number, isCut) || start === from) return;
    // Some loggers put their name between the time and the line.
    const name = loggerNameLength(textIn(bytes, start, Math.min(to, start + loggerCharsMax)));
    if (name > 0) this.#read(bytes, start + name, to, number, isCut);
  }

  /** The bytes of the lines so far go: reads what was put off. */
  chunkEnds(): void {
    const bytes = this.#unreadBytes;
    if (bytes === null) return;
    this.#unreadBytes = null;
    this.#unreadRows = 0;
    this.#at(bytes, this.#unreadLine, this.#unreadFrom);
    this.#read(bytes, this.#unreadFrom, this.#unreadTo, this.#unreadNumber, false);
  }

  #at(bytes: Uint8Array, from: number, start: number): void {
    this.#lineBytes = bytes;
    this.#lineFrom = from;
    this.#lineStart = start;
  }

  /** Asked for the few lines whose time counts. */
  readonly #time = (): number =>
    this.#lineStart === this.#lineFrom
      ? NaN
      : timeIn(textIn(this.#lineBytes, this.#lineFrom, this.#lineStart));

  /** Tables have columns of a fixed width; a row that has found something begins with a letter or sign, others do not. */
  #isLikeTheLastRow(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from !== this.#rowBytes || bytes[to - 1] !== this.#rowEnd) return false;
    let at = from;
    while (at < to && bytes[at] === space) at += 1;
    return this.#quietRow === null ? isDigit(bytes[at] ?? 0) : beginsWith(bytes, at, to, this.#quietRow);
  }

  /** @returns whether the line says something */
  #read(bytes: Uint8Array, from: number, to: number, number: number, isCut: boolean): boolean {
    let at = from;
    while (at < to && isBlank(bytes[at] ?? 0)) at += 1;
    if (at === to) return false;
    const code = bytes[at] ?? 0;
    if (code >= codes) return false;
    const draft = this.#draft;
    if (draft !== null && !isCut && this.#rowStarts[code] === 1) {
      draft.line = number;
      if (this.#solver?.row?.(this.#row.set(bytes, from, to), draft) === true) {
        draft.begun = true;
        this.#rowsRead += 1;
        this.#rowBytes = to - from;
        this.#rowEnd = bytes[to - 1] ?? 0;
        return true;
      }
    }
    const candidates = this.#lines[code];
    if (candidates === undefined || candidates.length === 0) return false;
    let line: string | null = null;
    for (const known of candidates) {
      if (!beginsWith(bytes, at, to, known.begins)) continue;
      line ??= textIn(bytes, at, Math.min(to, at + factCharsMax));
      const fields = known.template.match(line, isCut);
      if (fields === null) continue;
      this.#state(known, new LineFields(fields, line), number);
      return true;
    }
    return false;
  }

  #state({ pattern, solver }: Known, fields: LineFields, number: number): void {
    const draft = this.#draftFor(solver, pattern, number);
    draft.line = number;
    for (const [name, value] of fields.named()) if (isNumberName(name)) draft.number(name, value);
    const version = fields.text('version');
    if (version !== '') draft.version(version);
    if (pattern.status !== undefined) draft.status(pattern.status);
    if (pattern.limit !== undefined) draft.limit(pattern.limit);
    if (pattern.sense !== undefined) draft.sense(pattern.sense);
    pattern.then?.(draft, fields);
  }

  /** The solve that the line belongs to. */
  #draftFor(solver: Solver, pattern: LinePattern, number: number): Draft {
    let draft = this.#draft;
    if (draft === null || this.#solver !== solver) {
      this.#close();
      draft = new Draft(solver.name, number, this.#time);
      this.#use(solver, draft);
    }
    const mark = typeof pattern.mark === 'function' ? pattern.mark(draft) : (pattern.mark ?? null);
    if (mark !== null && beginsAnother(mark, draft)) {
      const next = draft.successor();
      this.#close();
      draft = next;
      this.#use(solver, draft);
    }
    if (mark === 'banner' || mark === 'begin') draft.isWhole ||= !draft.begun;
    if (mark !== null && mark !== 'banner') draft.begun = true;
    if (mark === 'end') draft.ended = true;
    return draft;
  }

  #use(solver: Solver, draft: Draft): void {
    this.#draft = draft;
    if (this.#solver === solver) return;
    this.#solver = solver;
    this.#lines = this.#tables.linesOf(solver);
    this.#rowStarts = rowStarts(solver);
    this.#quietRow =
      solver.quietRowBegins === undefined ? null : Buffer.from(solver.quietRowBegins, 'latin1');
  }

  /** The solve under way is over. A program that never began one leaves no solve. */
  #close(): void {
    const draft = this.#draft;
    if (draft === null) return;
    if (!draft.begun) return;
    this.#solves += 1;
    const solve = this.#finished(draft);
    const half = solvesListedMax / 2;
    if (this.#first.length < half) this.#first.push(solve);
    else {
      this.#latest.push(solve);
      if (this.#latest.length > half) this.#latest.shift();
    }
  }

  #finished(draft: Draft): Solve {
    this.#solver?.finish?.(draft);
    return draft.finish();
  }

  /** What the whole log says; to be asked once, after its last line. */
  result(): SolverLog {
    const draft = this.#draft;
    if (draft === null) return { solves: 0, evidence: {}, incumbents: [], bounds: [], solve_list: [] };
    this.#close();
    const list = [...this.#first, ...this.#latest];
    // Started and failed, after another solver's solve or without any: that is then how it ended.
    const last = draft.begun ? undefined : this.#finished(draft);
    const facts = last !== undefined && (last.status !== undefined || list.length === 0) ? last : list.at(-1);
    return {
      ...facts,
      evidence: facts?.evidence ?? {},
      solves: this.#solves,
      incumbents: draft.incumbents,
      bounds: draft.bounds,
      solve_list: list,
    };
  }
}

function beginsWith(bytes: Uint8Array, from: number, to: number, begins: Uint8Array): boolean {
  if (to - from < begins.length) return false;
  for (let at = 0; at < begins.length; at += 1) if (bytes[from + at] !== begins[at]) return false;
  return true;
}

function beginsAnother(mark: Mark, draft: Draft): boolean {
  switch (mark) {
    case 'banner':
    case 'begin':
      return draft.begun;
    case 'within':
      return draft.ended;
    case 'end':
      return false;
  }
}
