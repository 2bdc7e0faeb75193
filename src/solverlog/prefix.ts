/**
 * What other software puts in front of every line: times, levels, names of containers. Only shapes that no solver's own
 * line begins with are taken away.
 */
import { isBlank, isDigit, textIn } from './numbers.ts';

/** Longer than any prefix that loggers and containers write. */
const prefixCharsMax = 160;

const date = String.raw`\d{4}[-/.]\d\d[-/.]\d\d`;
const clock = String.raw`\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`;
const zone = String.raw`(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?`;
const level = String.raw`(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)`;
const levels = String.raw`(?:[ \t]+(?:\[ *${level} *\]|${level}\b)(?: {0,4}-| {0,4}:)?)?`;

const shapes: readonly RegExp[] = [
  // 2026-11-22 03:12:44,123 INFO …, [2026-11-22T03:12:44.123Z] [INFO] …, 2026-11-22 03:12:44 - INFO - …
  new RegExp(String.raw`^\[?${date}[ T_]${clock}${zone}\]?(?: {0,4}-| {0,4}:|,)?${levels}(?:[ \t]|$)`, 'i'),
  // 03:12:44 …, [03:12:44.123] …
  new RegExp(String.raw`^\[?${clock}\]?(?: -|:)?${levels}(?:[ \t]|$)`, 'i'),
  // INFO:name:…, as Python's logging does unless told otherwise
  new RegExp(String.raw`^${level}:[\w.-]{1,80}:`),
  // [INFO] …, INFO: …
  new RegExp(String.raw`^(?:\[ *${level} *\]:?|(?:DEBUG|INFO|NOTICE)(?: {0,4}:| {1,4}-)?)[ \t]`),
  // [1732243964.123] …, 1732243964.123 …
  /^\[?\d{10}\.\d{3,9}\]?[ \t]/,
  // Nov 22 03:12:44 host program[123]: …
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [\w./-]{1,64}(?:\[\d{1,10}\])?: ?/,
  // solver-1  | …, web.1 | …, solver_1 | …
  /^[A-Za-z][\w.-]{1,63} {1,40}\| ?/,
  // [pod/name/container] …
  /^\[pod\/[\w./-]{1,128}\] /,
];
/** What a container's runtime puts between the time and the line: stdout F … */
const stream = /^(?:stdout|stderr) [FP] /;
/** The colour of a terminal. */
// eslint-disable-next-line no-control-regex
const colours = /^(?:\u001b\[[\d;]{0,16}m)+/;

/** So many layers may lie on each other: a container's around a logger's around a solver's. */
const layersMax = 4;

/** Finds where a line of the program begins; remembers how the last prefix looked, since the next one mostly looks so. */
export class Prefix {
  #shape: Uint8Array = new Uint8Array();

  /** @returns where the line begins that the prefix stands in front of; `from` where there is none */
  end(bytes: Uint8Array, from: number, to: number): number {
    if (this.#looksAsBefore(bytes, from, to)) return from + this.#shape.length;
    if (!mayBegin(bytes, from, to)) return from;
    const head = textIn(bytes, from, Math.min(to, from + prefixCharsMax));
    const length = prefixLength(head);
    if (length > 0) this.#shape = Buffer.from(head.slice(0, length).replaceAll(/\d/g, '0'), 'latin1');
    return from + length;
  }

  /** The same characters, digits for digits. */
  #looksAsBefore(bytes: Uint8Array, from: number, to: number): boolean {
    const shape = this.#shape;
    if (shape.length === 0 || to - from < shape.length) return false;
    for (let at = 0; at < shape.length; at += 1) {
      const code = bytes[from + at] ?? 0;
      if (code !== shape[at] && !(isDigit(code) && shape[at] === 48)) return false;
    }
    return true;
  }
}

const escape = 27;
const bracket = 91;
const bar = 124;
const colon = 58;
const point = 46;
const minus = 45;
const slash = 47;

/** Whether a prefix is possible at all: most rows of a solver begin with a blank, or with a letter and a blank. */
function mayBegin(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 6) return false;
  const code = bytes[from] ?? 0;
  const next = bytes[from + 1] ?? 0;
  if (code === escape || code === bracket) return true;
  if (isDigit(code)) return isDigit(next) && mayBeTime(bytes, from);
  const isCapital = isCapitalLetter(code);
  if (!isCapital && !(code >= 97 && code <= 122)) return false;
  // A level is in capitals, a month has three letters, and a container's name ends in a bar.
  const mayBeMonth = bytes[from + 3] === 32 && !isBlank(next);
  return (isCapital && (isCapitalLetter(next) || mayBeMonth)) || hasBarAfterWord(bytes, from, to);
}

const isCapitalLetter = (code: number): boolean => code >= 65 && code <= 90;

/** 2026-…, 03:12:44, 1732243964.123: rows of a long run begin with numbers as well. */
function mayBeTime(bytes: Uint8Array, from: number): boolean {
  const fifth = bytes[from + 4] ?? 0;
  const isDate = fifth === minus || fifth === slash || fifth === point;
  return isDate || bytes[from + 2] === colon || bytes[from + 10] === point;
}

function hasBarAfterWord(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  const end = Math.min(to, from + prefixCharsMax);
  while (at < end && !isBlank(bytes[at] ?? 0)) at += 1;
  while (at < end && isBlank(bytes[at] ?? 0)) at += 1;
  return at < end && bytes[at] === bar;
}

function prefixLength(head: string): number {
  let length = 0;
  for (let layer = 0; layer < layersMax; layer += 1) {
    const rest = head.slice(length);
    const colour = colours.exec(rest)?.[0].length ?? 0;
    const found =
      shapes.map((shape) => shape.exec(rest.slice(colour))?.[0].length ?? 0).find((chars) => chars > 0) ?? 0;
    if (found === 0) return length + colour;
    length += colour + found;
    length += stream.exec(head.slice(length))?.[0].length ?? 0;
  }
  return length;
}

const dayTime = /(?:(\d{4})[-/.](\d\d)[-/.](\d\d)[ T_])?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?/;
const epochTime = /\d{10}\.\d{3,9}/;

/** When a line was written by the time in front of it, in s: since 1970, or since midnight where no date is there. NaN: no time. */
export function timeIn(prefix: string): number {
  const found = dayTime.exec(prefix);
  if (found === null) return Number(epochTime.exec(prefix)?.[0] ?? NaN);
  const [year, month, day, hours, minutes, seconds] = found.slice(1, 7).map(Number);
  const isDated = found[1] !== undefined;
  const midnight = isDated ? Date.UTC(year ?? 0, (month ?? 1) - 1, day) / 1_000 : 0;
  return (
    midnight + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0) + Number(`0.${found[7] ?? '0'}`)
  );
}

const daySeconds = 86_400;

/** How long after one time another one is, in s, to the millisecond; NaN where a clock was set back in between. */
export function secondsBetween(began: number, now: number): number {
  // Without a date, midnight may have passed.
  const passed = now < began && began < daySeconds ? now + daySeconds - began : now - began;
  return passed < 0 ? NaN : Math.round(passed * 1_000) / 1_000;
}

/** `name: ` and `[name] `, which a logger may put between its time and the line. */
const loggerName = /^[A-Za-z][\w.-]{0,63}(?: ?\[[^\]]{0,40}\])?(?: -|:) ?|^\[[\w.-]{1,64}\] /;

/** @returns how long a logger's name is at the beginning of a line that a time stood in front of; 0: none */
export function loggerNameLength(line: string): number {
  return loggerName.exec(line)?.[0].length ?? 0;
}
