/** The man page, in roff, from the manual and commander's options. Pure, and the same on every machine. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { allSurroundings, exitsOf, manual } from './manual.ts';
import { programVersion } from '../system/programVersion.ts';

/** @param top the program with its commands */
export function manPage(top: CommandUnknownOpts): string {
  const { files, environment } = allSurroundings();
  const lines = [
    '.\\" Made from the source by `npm run man`: change src/cli/manual.ts instead.',
    `.TH RUNTRACKD 1 "" "runtrackd ${programVersion()}" "User Commands"`,
    '.SH NAME',
    `runtrackd \\- ${escaped(unstopped(top.description()))}`,
    '.SH SYNOPSIS',
    '.B runtrackd',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    ...paragraphs(description),
    '.SH COMMANDS',
    ...top.commands.flatMap((command) => section(top, command)),
    '.SH SIGNALS',
    ...signals.flatMap(([name, means]) => item(name, means)),
    '.SH EXIT STATUS',
    ...paragraphs('What each command means by them is said there. In general:'),
    ...generalExits.flatMap(([code, means]) => item(code, means)),
    '.SH ENVIRONMENT',
    ...environment.flatMap(({ name, is }) => item(name, is)),
    '.SH FILES',
    ...files.flatMap(({ name, is }) => item(name, is)),
    '.SH SEE ALSO',
    ...paragraphs('The directory docs of the package, above all docs/operating.md and docs/semantics.md.'),
    '',
  ];
  return lines.join('\n');
}

const description = `Somewhere a solver runs that nobody will rewrite. runtrackd runs beside it: whenever the solver leaves a run folder behind in a drop root, it waits until the folder is complete, records it on the Nextmv Platform as an external run, and writes the result back into the folder.

Every complete run folder becomes exactly one run on the platform, whatever fails in between. What cannot be tracked is set aside with a reason that a person can act on.

Commands talk to the running daemon over its control socket; where none runs they read the outbox themselves. Results go to stdout, everything else to stderr. Every command that shows something has --json.`;

const signals = [
  [
    'TERM, INT',
    'the daemon finishes what is under way within shutdown_deadline and exits 0; a second one ends it at once',
  ],
  ['HUP', 'the configuration is read again, as by reload; the old one is kept when the new one is wrong'],
] as const;

const generalExits = [
  ['0', 'done'],
  ['1', 'failed, or no such run or folder'],
  ['2', 'wrong usage, or an ambiguous name'],
  ['3', 'done, but something needs a person: parked, rejected or overdue'],
  ['65', 'the outbox, or a copy of it, is not one that this version can use'],
  ['69', 'the daemon or the platform cannot be reached'],
  ['74', 'the outbox cannot be read or written'],
  ['75', 'another daemon holds the state directory'],
  ['78', 'the configuration is wrong or missing'],
] as const;

function section(top: CommandUnknownOpts, command: CommandUnknownOpts): string[] {
  const name = command.name();
  const entry = manual[name];
  const help = command.createHelp();
  return [
    `.SS ${escaped(`runtrackd ${name} ${command.usage().replace('[options] ', '')}`.trim())}`,
    ...paragraphs(command.description()),
    ...command.registeredArguments.flatMap((argument) =>
      argument.description === '' ? [] : item(argument.name(), help.argumentDescription(argument)),
    ),
    ...help
      .visibleOptions(command)
      .filter((option) => option.long !== '--help')
      .flatMap((option) => item(option.flags, help.optionDescription(option))),
    ...(entry === undefined ? [] : ['.PP', 'Examples:', ...entry.examples.flatMap(example)]),
    '.PP',
    `Exit status: ${escaped(
      exitsOf(name)
        .map(([code, means]) => `${code}: ${means}`)
        .join('. '),
    )}.`,
  ];
}

function example({ line, does }: { readonly line: string; readonly does: string }): string[] {
  return ['.PP', '.RS 4', '.EX', escaped(`# ${does}`), escaped(line), '.EE', '.RE'];
}

function item(term: string, text: string): string[] {
  return ['.TP', `.B ${escaped(term).replaceAll('"', '\\(dq')}`, escaped(text)];
}

function paragraphs(text: string): string[] {
  return text.split('\n\n').flatMap((paragraph) => ['.PP', escaped(paragraph.replaceAll('\n', ' '))]);
}

function unstopped(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

/** A line that begins with a dot or a quote would be a request, and a bare hyphen a dash that nobody can copy. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.');
}
