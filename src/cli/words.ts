/** Times, states and tables as people read them. */
import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import prettyMs from 'pretty-ms';
import type { ShownState } from '../core/run.ts';

/** "3 s ago", with the coarseness that one asks for at a glance. */
export function ago(iso: string, nowMs: number): string {
  const ms = Math.max(0, nowMs - Date.parse(iso));
  return ms < 1_000 ? 'just now' : `${prettyMs(ms, { compact: true })} ago`;
}

export function coloured(state: ShownState): string {
  switch (state) {
    case 'recorded':
      return styleText('green', state);
    case 'parked':
    case 'rejected':
    case 'gone':
      return styleText('red', state);
    case 'overdue':
    case 'unknown':
      return styleText('yellow', state);
    case 'settling':
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'tracked':
    case 'final':
    case 'skipped':
    case 'superseded':
      return state;
  }
}

const blank = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * Columns that align, without lines: also with wide characters. An empty head leaves the heading out.
 *
 * @param terminalColumns 0: a terminal that does not say how wide it is (a container's, a build's)
 */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  terminalColumns = process.stdout.isTTY ? process.stdout.columns : Infinity,
): string {
  const widths = fitted(columnWidths([head, ...rows]), (terminalColumns || Infinity) - 1);
  const table = new Table({
    head: head.map((name) => styleText('bold', name)),
    chars: blank,
    // The library's own colours do not ask whether there is a terminal.
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  // Nothing is cut off: what is too wide goes on in the next line of its column.
  const cell = (text: string, index: number): string => wrapped(text, widths?.[index] ?? Infinity);
  table.push(...rows.map((row) => row.map(cell)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const gap = blank.middle.length;
/** A narrower column could not be read. */
const columnMin = 8;

/** Pure. @returns how wide each column may be; null: all fit as they are */
export function fitted(widths: readonly number[], total: number): number[] | null {
  const available = total - gap * (widths.length - 1);
  const sum = (all: readonly number[]): number => all.reduce((so, width) => so + width, 0);
  if (sum(widths) <= available) return null;
  const fit = [...widths];
  // The widest gives first: the short ones are numbers and states.
  while (sum(fit) > available) {
    const widest = Math.max(...fit);
    if (widest <= columnMin) break;
    fit[fit.indexOf(widest)] = widest - 1;
  }
  return fit;
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 1, widthOf(cell));
  return widths;
}

/** By places, as the library does not: it cuts off wide characters. What is coloured is short, and stays whole. */
function wrapped(text: string, width: number): string {
  if (widthOf(text) <= width || stripVTControlCharacters(text) !== text) return text;
  const lines: string[] = [];
  let line = '';
  for (const char of text) {
    if (widthOf(line + char) > width) {
      const space = line.lastIndexOf(' ');
      const at = space > 0 ? space + 1 : line.length;
      lines.push(line.slice(0, at).trimEnd());
      line = line.slice(at);
    }
    line += char;
  }
  return [...lines, line].join('\n');
}

const wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60\u3000-\u303e]/u;
const noWidth = /[\p{M}\p{Cf}]/u;

/** How many places a terminal needs for a text, which may be coloured. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of stripVTControlCharacters(text))
    width += noWidth.test(char) ? 0 : wide.test(char) ? 2 : 1;
  return width;
}

/** A folder's name may hold anything but a slash; on a terminal it must not move the cursor. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
