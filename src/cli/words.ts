/** Times, states and tables as people read them. */
import { styleText } from 'node:util';
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

/** Columns that align, without lines: also with wide characters. An empty head leaves the heading out. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((name) => styleText('bold', name)),
    chars: blank,
    // The library's own colours do not ask whether there is a terminal.
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A folder's name may hold anything but a slash; on a terminal it must not move the cursor. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
