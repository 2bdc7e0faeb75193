/**
 * The text of a configuration file: YAML 1.2, one document, at most 1 MiB. Gives the value, and for every key the line
 * and column where it stands.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import type { KeyPath } from './problems.ts';
import { flawText, worthTelling } from './yamlFlaws.ts';

export interface Place {
  readonly line: number | null;
  readonly column: number | null;
}
export interface Flaw extends Place {
  readonly what: string;
}
export interface ConfigDocument {
  /** What the file says, without the keys that have nothing after them; `undefined` when it cannot be told. */
  readonly value: unknown;
  /** Likewise, and of a text with mistakes in it whatever can be made out; for who only wants to know a key or two. */
  readonly recovered: () => unknown;
  readonly flaws: readonly Flaw[];
  /** Where the value at a path stands, or the nearest thing around it that the file does have. */
  readonly locate: (path: KeyPath, atKey: boolean) => Place;
}

const fileBytesMax = 2 ** 20;
const fileTooLarge = 'is larger than 1 MiB, so it is no configuration of runtrackd';
/** Enough for every honest use of anchors; a few lines of nested ones would otherwise fill the memory. */
const aliasCountMax = 100;
const nestingMax = 100;
const nowhere: Place = { line: null, column: null };

/** The text of the file, or why there is none. */
export function readConfigFile(path: string): { readonly text: string } | { readonly unreadable: string } {
  try {
    const bytes = readAtMost(path, fileBytesMax);
    if (bytes === 'no file') return { unreadable: 'is not a regular file' };
    if (bytes.length > fileBytesMax) return { unreadable: fileTooLarge };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    return { unreadable: unreadableBecause[String(error.code)] ?? `cannot be read: ${error.message}` };
  }
}

const unreadableBecause: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'cannot be read: permission denied',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
};

/** One byte more than the limit when the file is larger, which is enough to know. */
function readAtMost(path: string, bytesMax: number): Buffer | 'no file' {
  const descriptor = openSync(path, 'r');
  try {
    if (!fstatSync(descriptor).isFile()) return 'no file';
    const buffer = Buffer.alloc(bytesMax + 1);
    let filled = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, filled, buffer.length - filled, null);
      filled += count;
      if (count === 0 || filled === buffer.length) return buffer.subarray(0, filled);
    }
  } finally {
    closeSync(descriptor);
  }
}

export function parseConfigText(text: string): ConfigDocument {
  try {
    return parse(text);
  } catch (error) {
    // The YAML parser is recursive: a megabyte of "[" is more than its stack.
    if (!(error instanceof RangeError)) throw error;
    return {
      value: undefined,
      recovered: () => undefined,
      flaws: [{ ...nowhere, what: 'is nested too deeply' }],
      locate: () => nowhere,
    };
  }
}

// Without prettyErrors: they quote the file, and a key pasted into it would end up in a log.
// Without uniqueKeys: its comparison of each with each takes minutes on a large file.
// Without warnings on stderr: those quote the file as well.
const options = { prettyErrors: false, stringKeys: true, uniqueKeys: false, logLevel: 'error' } as const;

function parse(text: string): ConfigDocument {
  const lines = new LineCounter();
  const placeOf = (offset: number | undefined): Place => {
    if (offset === undefined) return nowhere;
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const [first, second] = parseAllDocuments(text, { ...options, lineCounter: lines });
  if (first === undefined)
    return { value: {}, recovered: () => ({}), flaws: [], locate: () => ({ line: 1, column: 1 }) };

  const flaws: Flaw[] = worthTelling([...first.errors, ...first.warnings]).map((error) => ({
    ...placeOf(error.pos[0]),
    what: flawText(error),
  }));
  if (second !== undefined)
    flaws.push({
      ...placeOf(second.range[0]),
      what: 'a second document begins here; a configuration is one document',
    });
  const report: Report = (node, what) => flaws.push({ ...placeOf(node?.range?.[0]), what });
  const value = first.errors.length > 0 ? undefined : valueOf(first, report);
  return {
    value,
    recovered: () => value ?? recoveredFrom(first, text),
    flaws,
    locate: (path, atKey) => placeOf(offsetOf(first, path, atKey)),
  };
}

type Report = (node: Node | undefined, what: string) => void;

function valueOf(document: Document, report: Report): unknown {
  reportRepeatedKeys(document, report);
  const loose = unresolvedAliases(document);
  for (const alias of loose) report(alias, 'this alias (*…) refers to no anchor (&…) before it');
  if (loose.length > 0) return undefined;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: aliasCountMax });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    report(undefined, 'has too many aliases (*…) inside one another');
    return undefined;
  }
  const problem = nestingProblem(value, []);
  if (problem !== undefined) {
    report(undefined, problem);
    return undefined;
  }
  return withoutEmptyKeys(value ?? {}, []);
}

/**
 * What can be made out of a text with mistakes in it. After one of them the parser may take the rest for a part of what is
 * before it, so that each key of the file is read by itself as well.
 */
function recoveredFrom(document: Document, text: string): unknown {
  const sections = text.split(/^(?=\w)/m).slice(0, sectionsMax);
  const parts = sections.flatMap((section) => {
    const [part] = parseAllDocuments(section, options);
    return part === undefined || part.errors.length > 0 ? [] : [readable(part)];
  });
  return Object.assign(
    {},
    readable(document),
    ...parts.filter((part) => typeof part === 'object'),
  ) as unknown;
}

/** More keys of its own has no configuration. */
const sectionsMax = 100;

function readable(document: Document): unknown {
  try {
    const sound = document.clone();
    visit(sound, { Alias: (_, alias) => (alias.resolve(sound) === undefined ? visit.REMOVE : undefined) });
    return withoutEmptyKeys(sound.toJS({ maxAliasCount: aliasCountMax }), []);
  } catch {
    // After a mistake the parser promises nothing, and neither does what reads its leavings.
    return undefined;
  }
}

function reportRepeatedKeys(document: Document, report: Report): void {
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) report(key, `the key ${JSON.stringify(name)} is given twice`);
        seen.add(name);
      }
    },
  });
}

function unresolvedAliases(document: Document): Node[] {
  const found: Node[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) found.push(alias);
    },
  });
  return found;
}

function nestingProblem(value: unknown, around: readonly object[]): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (around.includes(value)) return 'has an alias (*…) inside the anchor (&…) that it refers to';
  if (around.length >= nestingMax) return 'is nested too deeply';
  for (const part of Object.values(value)) {
    const problem = nestingProblem(part, [...around, value]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A key with nothing after it is not given; only among the options is "nothing" a value like others. */
function withoutEmptyKeys(value: unknown, path: KeyPath): unknown {
  if (typeof value !== 'object' || value === null || (path.length === 3 && path[2] === 'options'))
    return value;
  if (Array.isArray(value)) return value.map((item, index) => withoutEmptyKeys(item, [...path, index]));
  const given = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(given.map(([key, part]) => [key, withoutEmptyKeys(part, [...path, key])]));
}

function offsetOf(document: Document, path: KeyPath, atKey: boolean): number | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (pair === undefined) return offset;
      node = pair.value;
      const isAtKey = isCollection(node) || (atKey && depth === path.length - 1);
      offset = startOf(isAtKey ? pair.key : (node ?? pair.key)) ?? startOf(pair.key);
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      node = node.items[part];
      offset = startOf(node);
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
