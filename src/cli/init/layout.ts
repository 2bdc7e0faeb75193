/** What the run folders that lie in a drop root already look like: how deep they lie, and what their files are called. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnFile } from '../../core/ownFiles.ts';

/** A sample is enough: folders of one solver look alike, and there may be years of them. */
export const sampledMax = 100;
const depthMax = 4;

export interface RunFolderNames {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

export interface Layout {
  /** Null: no run folder was seen. */
  readonly depth: number | null;
  readonly sampled: number;
  readonly files: {
    /** Null: the usual names are there, or nothing that could be it. */
    readonly input: string | null;
    readonly output: string | null;
    readonly log: string | null;
  };
  readonly marker: string | null;
  readonly hasMeta: boolean;
}

/** @returns the names in a sample of folders, at the first depth at which folders hold files */
export async function sampleOf(root: string): Promise<{ depth: number; folders: RunFolderNames[] } | null> {
  let level = [root];
  for (let depth = 0; depth <= depthMax; depth += 1) {
    const folders = await Promise.all(level.map(namesIn));
    const withFiles = folders.filter(({ files }) => files.length > 0);
    if (depth > 0 && withFiles.length > 0) return { depth, folders: withFiles };
    level = folders
      .flatMap(({ directories }, index) => directories.map((name) => join(level[index] ?? root, name)))
      .slice(0, sampledMax);
    if (level.length === 0) return null;
  }
  return null;
}

async function namesIn(directory: string): Promise<RunFolderNames> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((): Dirent[] => []);
  const seen = entries.filter(({ name }) => !name.startsWith('.') && !isOwnFile(name));
  return {
    files: seen.filter((entry) => entry.isFile()).map(({ name }) => name),
    directories: seen.filter((entry) => entry.isDirectory()).map(({ name }) => name),
  };
}

const usual = {
  input: /^input(\.json|\.txt)?$/,
  output: /^output(\.json|\.txt)?$/,
  log: /^run\.log$/,
  meta: /^meta\.json$/,
};
/** The first that most folders have is taken. */
const guesses = {
  input: [/^(input|model|problem|instance|data)\b.*/i, /\.(mps|lp|mod|dzn|dat|nl|cnf)(\.gz)?$/i],
  output: [/^(output|solution|result|plan)\b.*/i, /\.(sol|out)$/i],
  log: [/\.log$/i],
};
const markers = /^\.?(done|finished|complete|completed|ready|success|_success|ok)(\.txt|\.flag)?$/i;
/** Names that need no thought, in YAML or as a glob. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
/** A name that fewer folders have than this share is no habit. */
const habit = 0.8;

/** Pure: from names to what a configuration has to say of them. */
export function layoutOf(sample: { depth: number; folders: readonly RunFolderNames[] } | null): Layout {
  if (sample === null) {
    return {
      depth: null,
      sampled: 0,
      files: { input: null, output: null, log: null },
      marker: null,
      hasMeta: true,
    };
  }
  const { depth, folders } = sample;
  const isHabit = (test: RegExp): boolean =>
    share(folders, ({ files, directories }) => [...files, ...directories].some((name) => test.test(name))) >=
    habit;
  const taken = new Set<string>();
  const guess = (role: keyof typeof guesses): string | null => {
    if (isHabit(usual[role])) return null;
    for (const pattern of guesses[role]) {
      const found = commonName(folders, pattern, taken);
      if (found === null) continue;
      taken.add(found);
      return found;
    }
    return null;
  };
  const files = { output: guess('output'), input: guess('input'), log: guess('log') };
  return {
    depth,
    sampled: folders.length,
    files,
    marker: commonName(folders, markers, taken, (name) => !name.includes('*')),
    hasMeta: isHabit(usual.meta),
  };
}

/** One name that most folders have, or a glob for an ending that they share. */
function commonName(
  folders: readonly RunFolderNames[],
  pattern: RegExp,
  taken: ReadonlySet<string>,
  isWanted: (name: string) => boolean = () => true,
): string | null {
  const counts = new Map<string, number>();
  for (const { files } of folders) {
    const names = files.filter((name) => pattern.test(name) && plainName.test(name));
    const globs = names.map((name) => `*${/\.[^.]+$/.exec(name)?.[0] ?? ''}`).filter((glob) => glob !== '*');
    for (const name of new Set([...names, ...globs])) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const common = [...counts]
    .filter(([name, count]) => count / folders.length >= habit && !taken.has(name) && isWanted(name))
    // A plain name says more than a glob; of several the first by name, so that the answer is always the same.
    .sort(([a], [b]) => Number(a.startsWith('*')) - Number(b.startsWith('*')) || (a < b ? -1 : 1));
  return common[0]?.[0] ?? null;
}

function share(folders: readonly RunFolderNames[], test: (folder: RunFolderNames) => boolean): number {
  return folders.filter(test).length / folders.length;
}
