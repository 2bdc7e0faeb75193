/** How a page says a time, a size, a duration, a number, and text of unknown origin. */
import { html } from 'hono/html';
import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';
import { madeLate } from './madeLate.ts';

/** Text gets into a page through hono's `html` alone, which escapes it; nothing is put together by hand. */
export type Markup = ReturnType<typeof html>;

/** By colour and by word: not everyone sees the colour. */
export function mark(state: string): Markup {
  return html`<span class="status ${state}">${state}</span>`;
}

/** The moment itself, and how long ago that is. */
export function moment(ms: number, nowMs: number): Markup {
  const exact = `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const [day = '', time = ''] = exact.replace('Z', '').split('T');
  return html`<time datetime="${exact}"
    ><span class="nowrap">${day} ${time}</span> <span class="hint nowrap">${ago(nowMs - ms)}</span></time
  >`;
}

const relative = madeLate(() => new Intl.RelativeTimeFormat('en', { numeric: 'always' }));
const secondMs = 1000;
const units = [
  { unit: 'day', ms: 24 * 60 * 60 * secondMs },
  { unit: 'hour', ms: 60 * 60 * secondMs },
  { unit: 'minute', ms: 60 * secondMs },
  { unit: 'second', ms: secondMs },
] as const;

export function ago(ageMs: number): string {
  // A clock that was put back makes runs of the future; they are just new.
  const fitting = units.find(({ ms }) => ageMs >= ms);
  return fitting === undefined
    ? 'just now'
    : relative().format(-Math.floor(ageMs / fitting.ms), fitting.unit);
}

/** Rounded for people; the exact number is for the pointer. */
export function size(bytes: number): Markup {
  return html`<span class="nowrap" title="${count(bytes)} bytes">${prettyBytes(bytes)}</span>`;
}

export function duration(ms: number | null): Markup {
  if (ms === null) return html`<span class="hint">not given</span>`;
  return html`<span class="nowrap" title="${count(ms)} ms"
    >${prettyMs(ms, { keepDecimalsOnWholeSeconds: true })}</span
  >`;
}

const grouped = madeLate(() => new Intl.NumberFormat('en'));

export function count(number: number): string {
  return grouped().format(number);
}

/**
 * Text of unknown origin with its control characters made visible, but for tabs and line ends: an escape sequence in a
 * log is seen, not obeyed or swallowed.
 */
export function visible(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\P{Cc}\n\t]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}
