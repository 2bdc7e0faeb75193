/**
 * A line of a log as a template: `Best objective {objective}, best bound {bound}, gap {gapPercent}%`.
 *
 *   {name}        a number; a word that is none (`-`, `inf`, `NA`) is accepted and leaves the field open
 *   {name:word}   everything up to the next blank, without a comma or full stop at its end
 *   {name:text}   everything up to what follows in the template, or to the end of the line
 *   {}  {:text}   the same, of no interest
 *   a blank       one or more blanks; before the line's first word they do not matter
 *   $             at the end: nothing follows. Without it anything may
 *
 * There is no way to make one slow: it is read once, from left to right, and nothing is ever tried again.
 */
import { isBlank, numberOf } from './numbers.ts';

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'blanks' }
  | { readonly kind: 'field'; readonly name: string; readonly reads: 'number' | 'word' | 'text' }
  | { readonly kind: 'end' };

/** What the fields of a matching line hold. A number that the line leaves open is not there. */
export interface Fields {
  readonly numbers: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, string>;
}

export interface Template {
  readonly source: string;
  /** What the line begins with, up to the first field or blank; empty: with a field. */
  readonly begins: string;
  /** @param isCut what stands at the end of the line may be half of something: a field there does not match */
  match(line: string, isCut: boolean): Fields | null;
}

const partShape = /\{(\w*)(?::(word|text))?\}|( +)|(\$$)|([^{ $]+|\$)/g;

const beginShape = /^[^{ $]*/;

/** Taken apart when a line first begins like it: there are hundreds, and a log needs a few of them. */
export function template(source: string): Template {
  const begins = beginShape.exec(source)?.[0] ?? '';
  let parts: readonly Part[] | null = null;
  return { source, begins, match: (line, isCut) => matchParts((parts ??= partsOf(source)), line, isCut) };
}

const partsOf = (source: string): Part[] =>
  [...source.matchAll(partShape)].map(([whole, name, reads, blanks, end]): Part => {
    if (name !== undefined)
      return { kind: 'field', name, reads: reads === 'word' || reads === 'text' ? reads : 'number' };
    if (blanks !== undefined) return { kind: 'blanks' };
    return end === undefined ? { kind: 'literal', text: whole } : { kind: 'end' };
  });

const noNumbers: ReadonlyMap<string, number> = new Map();
const noTexts: ReadonlyMap<string, string> = new Map();

function matchParts(parts: readonly Part[], line: string, isCut: boolean): Fields | null {
  let numbers: Map<string, number> | null = null;
  let texts: Map<string, string> | null = null;
  let at = skipBlanks(line, 0);
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index];
    if (part === undefined) break;
    switch (part.kind) {
      case 'literal':
        if (!line.startsWith(part.text, at)) return null;
        at += part.text.length;
        break;
      case 'blanks':
        if (!isBlank(line.charCodeAt(at))) return null;
        at = skipBlanks(line, at);
        break;
      case 'end':
        if (skipBlanks(line, at) < line.length) return null;
        break;
      case 'field': {
        const end =
          part.reads === 'text' ? textEnd(line, at, parts, index + 1) : fieldEnd(line, at, parts, index + 1);
        if (end < 0 || (end === at && part.reads !== 'text')) return null;
        if (isCut && end === line.length && part.reads !== 'text') return null;
        if (part.name !== '' && part.reads === 'number') {
          const number = numberOf(line.slice(at, end));
          if (!Number.isNaN(number)) (numbers ??= new Map()).set(part.name, number);
        } else if (part.name !== '') (texts ??= new Map()).set(part.name, line.slice(at, end).trim());
        at = end;
        // The sign of the sentence that a word leaves out.
        while (parts[index + 1]?.kind === 'blanks' && trailing.has(line.charAt(at))) at += 1;
      }
    }
  }
  return { numbers: numbers ?? noNumbers, texts: texts ?? noTexts };
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (at < line.length && isBlank(line.charCodeAt(at))) at += 1;
  return at;
}

const trailing = new Set([',', '.', ';', ':']);

/** Where a number or word ends: at a blank, or at what follows it in the template. */
function fieldEnd(line: string, from: number, parts: readonly Part[], following: number): number {
  const next = parts[following];
  const afterNext = parts[following + 1];
  const stop = next?.kind === 'literal' ? next.text : null;
  const needsBlank = stop !== null && afterNext?.kind === 'blanks';
  let at = from;
  for (; at < line.length && !isBlank(line.charCodeAt(at)); at += 1) {
    // In "{objective}, best" a comma ends the number only where a blank follows: "4,19e+04, best".
    if (
      stop !== null &&
      line.startsWith(stop, at) &&
      (!needsBlank || isBlank(line.charCodeAt(at + stop.length)))
    )
      return at;
  }
  // "12.5," and "v8.0.7.": the sign belongs to the sentence.
  while (at > from + 1 && trailing.has(line.charAt(at - 1))) at -= 1;
  return at;
}

/** Where the text ends: before what follows it in the template. */
function textEnd(line: string, at: number, parts: readonly Part[], following: number): number {
  const literal = parts.find((part, index) => index >= following && part.kind === 'literal');
  if (literal?.kind !== 'literal') return line.length;
  const found = line.indexOf(literal.text, at);
  if (found < 0) return -1;
  // A blank before it belongs to the template, not to the text.
  let end = found;
  if (parts[following]?.kind === 'blanks') {
    while (end > at && isBlank(line.charCodeAt(end - 1))) end -= 1;
    if (end === found) return -1;
  }
  return end;
}
