/**
 * Which files of a run folder play which role. A mapping is decided by names alone, before anything is opened.
 */
import picomatch from 'picomatch';
import type { ContentType, FileNames, FilesMapping, Wanted } from '../core/content.ts';
import { compareUtf8 } from '../core/identity.ts';
import type { Role } from '../core/run.ts';
import { isOwnFile } from '../core/ownFiles.ts';
import { ignoring } from './ignoring.ts';
import { shown } from './shown.ts';

/** The names that are looked for where nobody says others. */
export const defaultFileNames: FileNames = {
  input: ['input.json', 'input.txt', 'input/'],
  output: ['output.json', 'output.txt', 'output/'],
  log: 'run.log',
  meta: 'meta.json',
};

/** What stands at the top level of a run folder. */
export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

export interface MappedFile {
  readonly role: Role | 'meta';
  readonly name: string;
}

/** Input or output that is an archive: of what stands at the top level, and of everything below it. */
export interface MappedArchive {
  readonly role: 'input' | 'output';
  /** How a person would name it. */
  readonly name: string;
  readonly base: string;
  readonly place: string;
  /** In the order of their bytes. */
  readonly entries: readonly Entry[];
}

export interface Mapping {
  readonly files: readonly MappedFile[];
  readonly archives: readonly MappedArchive[];
  /** What input and output still wait for, as a person would name it. */
  readonly missing: { readonly input: readonly string[]; readonly output: readonly string[] };
  /** What waiting cannot mend: two inputs, a file that is both input and output. */
  readonly conflict: string | null;
}

/** Artefacts that stand beside the output under fixed names. */
const besideOutput = {
  'metrics.json': 'metrics',
  'statistics.json': 'statistics',
  'assets.json': 'assets',
} as const;

const isSide = (name: string): boolean => Object.hasOwn(besideOutput, name);

/** One name or glob, ready to be asked. */
interface Pattern {
  readonly text: string;
  readonly isGlob: boolean;
  readonly matches: (entry: Entry) => boolean;
}

/** Makes one artefact: of one file, or an archive of whatever its patterns match. */
interface Choice {
  readonly type: ContentType;
  readonly patterns: readonly Pattern[];
  readonly isList: boolean;
}

/**
 * @param entries what stands at the top level of the run folder, own and ignored files included
 * @param isIgnored asked of each name; that of a directory ends in `/`
 */
export function mapFiles(
  entries: readonly Entry[],
  wanted: FilesMapping,
  isIgnored: (name: string) => boolean,
): Mapping {
  const { input, output, log } = choicesOf(wanted);
  const present = entries.filter(
    ({ name, kind }) => !isOwnFile(name) && !isIgnored(kind === 'directory' ? `${name}/` : name),
  );
  const sides = present.filter(({ name }) => isSide(name));
  // A marker that only fits the glob of the log is none; by its own name the log may be what says that the solver is done.
  const noLog = log.isGlob ? [wanted.meta, wanted.marker] : [wanted.meta];
  const logs = present.filter(
    (entry) => log.matches(entry) && !isSide(entry.name) && !noLog.includes(entry.name),
  );
  const meta = present.filter(({ name }) => name === wanted.meta);
  const taken = new Set([...sides, ...logs, ...meta].map(({ name }) => name));
  if (wanted.marker !== null) taken.add(wanted.marker);
  const free = present.filter(({ name }) => !taken.has(name));
  const chosenInput = choose('input', input, free);
  const chosenOutput = choose('output', output, free);
  const [log1, log2] = logs;
  const files: MappedFile[] = [
    ...chosenInput.files,
    ...chosenOutput.files,
    ...Object.entries(besideOutput).flatMap(([name, role]) =>
      sides.some((side) => side.name === name) ? [{ role, name }] : [],
    ),
    ...(log1 === undefined ? [] : [{ role: 'logs', name: log1.name } as const]),
    ...meta.map(({ name }) => ({ role: 'meta', name }) as const),
  ];
  const twoLogs =
    log1 === undefined || log2 === undefined
      ? null
      : `two files match ${log.text}, ${shown(log1.name)} and ${shown(log2.name)}`;
  return {
    files,
    archives: [...chosenInput.archives, ...chosenOutput.archives],
    missing: { input: chosenInput.missing, output: chosenOutput.missing },
    conflict: chosenInput.conflict ?? chosenOutput.conflict ?? claimedTwice(input, output, free) ?? twoLogs,
  };
}

interface Chosen {
  readonly files: readonly MappedFile[];
  readonly archives: readonly MappedArchive[];
  readonly missing: readonly string[];
  readonly conflict: string | null;
}

function choose(role: 'input' | 'output', choices: readonly Choice[], free: readonly Entry[]): Chosen {
  const found = choices
    .map((choice) => ({ choice, entries: free.filter((entry) => isMatched(choice, entry)) }))
    .filter(({ entries }) => entries.length > 0);
  const [first, second] = found;
  if (first === undefined) {
    const missing = choices.map((choice) => choice.patterns.map(inWords).join(' and ')).join(' or ');
    return { files: [], archives: [], missing: [missing], conflict: null };
  }
  const { choice, entries } = first;
  const [one, other] = entries;
  let conflict: string | null = null;
  if (second !== undefined) {
    const names = [one?.name, second.entries[0]?.name].map((name, i) =>
      calledBy(name, [choice, second.choice][i]),
    );
    conflict = `there are two ${role}s, ${names.join(' and ')}`;
  }
  if (choice.type !== 'multi-file') {
    if (one !== undefined && other !== undefined) {
      const pattern = choice.patterns.map(({ text }) => text).join();
      conflict ??= `two files match ${pattern} (files.${role}), ${shown(one.name)} and ${shown(other.name)}`;
    }
    const files = one === undefined ? [] : [{ role, name: one.name }];
    return { files, archives: [], missing: [], conflict };
  }
  const missing = choice.patterns.filter(({ matches }) => !entries.some(matches)).map(inWords);
  return { files: [], archives: [archiveOf(role, choice, entries)], missing, conflict };
}

function archiveOf(role: 'input' | 'output', choice: Choice, matched: readonly Entry[]): MappedArchive {
  const entries = matched.toSorted((a, b) => compareUtf8(a.name, b.name));
  const [only, ...others] = entries;
  const isOnly = only !== undefined && others.length === 0;
  // A directory that is named outright is the archive; what a glob or a list finds keeps its place in the folder.
  const isDirectory =
    isOnly && !choice.isList && only.kind !== 'file' && choice.patterns[0]?.isGlob === false;
  if (isDirectory) {
    const base = `${only.name}/`;
    return { role, name: base, base, place: only.name, entries };
  }
  const name = isOnly ? only.name : choice.patterns.map(({ text }) => text).join(', ');
  return { role, name, base: '', place: isOnly ? only.name : '.', entries };
}

function claimedTwice(
  inputs: readonly Choice[],
  outputs: readonly Choice[],
  free: readonly Entry[],
): string | null {
  const patternOf = (choices: readonly Choice[], entry: Entry): Pattern | undefined =>
    choices.flatMap(({ patterns }) => patterns).find(({ matches }) => matches(entry));
  for (const entry of free) {
    const input = patternOf(inputs, entry);
    const output = input === undefined ? undefined : patternOf(outputs, entry);
    if (input !== undefined && output !== undefined)
      return `${shown(entry.name)} is input by ${input.text} and output by ${output.text}`;
  }
  return null;
}

const isMatched = ({ patterns }: Choice, entry: Entry): boolean =>
  patterns.some(({ matches }) => matches(entry));

const inWords = ({ text, isGlob }: Pattern): string => (isGlob ? `a file that matches ${text}` : text);

function calledBy(name: string | undefined, choice: Choice | undefined): string {
  const text = choice?.patterns[0]?.text ?? '';
  return text.endsWith('/') && choice?.isList === false ? text : shown(name ?? text);
}

interface Choices {
  readonly input: readonly Choice[];
  readonly output: readonly Choice[];
  readonly log: Pattern;
}

/** Patterns are made ready once for each mapping, not at each look. */
const made = new WeakMap<FileNames, Choices>();

function choicesOf(names: FileNames): Choices {
  const known = made.get(names);
  if (known !== undefined) return known;
  const choices = {
    input: names.input.map(choiceOf),
    output: names.output.map(choiceOf),
    log: patternOf(names.log),
  };
  made.set(names, choices);
  return choices;
}

function choiceOf(wanted: Wanted): Choice {
  if (typeof wanted !== 'string')
    return { type: 'multi-file', patterns: wanted.map(patternOf), isList: true };
  return { type: typeOfWish(wanted), patterns: [patternOf(wanted)], isList: false };
}

function typeOfWish(wanted: string): ContentType {
  return /\.(json|txt)$/.test(wanted) ? contentTypeOf(wanted) : 'multi-file';
}

function patternOf(text: string): Pattern {
  const name = text.replace(/\/$/, '');
  const isGlob = /[*?[\]{}]/.test(name);
  const isMatch = isGlob ? globOf(name) : (other: string) => other === name;
  // A link or a pipe where a directory is due matches as well, to be refused by its name.
  const wantsDirectory = name !== text;
  return {
    text,
    isGlob,
    matches: ({ name: other, kind }) => !(wantsDirectory && kind === 'file') && isMatch(other),
  };
}

function globOf(text: string): (name: string) => boolean {
  // Brackets of other kinds stand in names as often as not. `[!` is how a shell says what picomatch calls `[^`.
  const glob = text.replaceAll(/\[[!^]|[()!+@|^$]/g, (sign) => (sign.startsWith('[') ? '[^' : `\\${sign}`));
  const isMatch = picomatch(glob, { noextglob: true });
  // To a shell a dot at the beginning is no "anything but".
  return glob.startsWith('[^') ? (name) => !name.startsWith('.') && isMatch(name) : isMatch;
}

/** `*.json` is JSON, everything else of one file is text. */
export function contentTypeOf(name: string): 'json' | 'text' {
  return name.endsWith('.json') ? 'json' : 'text';
}

/** What the rules leave out of the top level. What is named outright is meant, even where a rule would leave it out. */
export function ignoredBy({ ignore: rules, ...names }: FilesMapping): (name: string) => boolean {
  const isIgnored = ignoring(rules);
  const meant = new Set([...names.input.flat(), ...names.output.flat(), names.log, names.meta, names.marker]);
  for (const name of meant) if (name?.endsWith('/') === true) meant.add(name.slice(0, -1));
  return (name) => !meant.has(name.replace(/\/$/, '')) && isIgnored(name);
}
