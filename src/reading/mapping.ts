/**
 * Which file of a run folder plays which role. A mapping is decided by names alone, before anything is opened.
 */
import type { ContentType } from '../core/content.ts';
import type { Role } from '../core/run.ts';
import { isOwnFile } from '../core/ownFiles.ts';

/** What the solver calls its files. Several names for the input (output): each is looked for, one may be there. */
export interface FileNames {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly log: string;
  readonly meta: string;
}

/** The names that are looked for where nobody says others. */
export const defaultFileNames: FileNames = {
  input: ['input.json', 'input.txt'],
  output: ['output.json', 'output.txt'],
  log: 'run.log',
  meta: 'meta.json',
};

export interface MappedFile {
  readonly role: Role | 'meta';
  readonly name: string;
}

export interface Mapping {
  readonly files: readonly MappedFile[];
  /** What waiting cannot mend: two inputs, a directory where a file is expected. */
  readonly conflict: string | null;
}

/** Artefacts that stand beside the output under fixed names. */
const besideOutput = {
  'metrics.json': 'metrics',
  'statistics.json': 'statistics',
  'assets.json': 'assets',
} as const;
/** Multi-file input and output have these names by default; they are refused, never silently left out. */
const directoryNames = { input: 'input', output: 'output' } as const;

/**
 * @param names what stands at the top level of the run folder, own and ignored files included
 * @param isDirectory which of them are directories
 */
export function mapFiles(
  names: Iterable<string>,
  wanted: FileNames,
  isDirectory: (name: string) => boolean,
  isIgnored: (name: string) => boolean,
): Mapping {
  const present = new Set<string>();
  for (const name of names) if (!isOwnFile(name) && !isIgnored(name)) present.add(name);
  const files: MappedFile[] = [];
  let conflict: string | null = null;
  for (const role of ['input', 'output'] as const) {
    const found = wanted[role].filter((name) => present.has(name));
    if (found.length > 1) conflict ??= `there are two ${role}s, ${found.join(' and ')}`;
    const directory = directoryNames[role];
    if (present.has(directory) && isDirectory(directory)) {
      conflict ??= `${directory}/ is a directory, and ${role}s of several files are not supported yet`;
    }
    for (const name of found.slice(0, 1)) files.push({ role, name });
  }
  for (const [name, role] of Object.entries(besideOutput)) {
    if (present.has(name)) files.push({ role, name });
  }
  if (present.has(wanted.log)) files.push({ role: 'logs', name: wanted.log });
  if (present.has(wanted.meta)) files.push({ role: 'meta', name: wanted.meta });
  return { files, conflict };
}

/** `*.json` is JSON, everything else of one file is text. */
export function contentTypeOf(name: string): ContentType {
  return name.endsWith('.json') ? 'json' : 'text';
}
