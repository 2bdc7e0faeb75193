/** Configuration files for tests: written to a directory of their own, which is removed in the end. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { type Config, describeProblem, loadConfig } from '../../src/config/config.ts';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function givenDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'rt-config-')));
  directories.push(directory);
  return directory;
}

/** Writes `config.yaml`, and whatever else is to lie beside it. */
export function givenFile(text: string | Buffer, directory = givenDirectory()): string {
  const path = join(directory, 'config.yaml');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

export interface Machine {
  readonly environment?: NodeJS.ProcessEnv;
  readonly name?: string;
}

/** The problems of a file, without the file's path in front. */
export function problemsOf(path: string, machine: Machine = {}): string[] {
  const loaded = loadConfig(path, machine.environment ?? {}, machine.name ?? 'planner-03');
  if (loaded.ok) return [];
  return loaded.problems.map((problem) => describeProblem({ ...problem, file: '' }));
}

export function configOf(path: string, machine: Machine = {}): Config {
  const loaded = loadConfig(path, machine.environment ?? {}, machine.name ?? 'planner-03');
  if (!loaded.ok) throw new Error(loaded.problems.map(describeProblem).join('\n'));
  return loaded.config;
}

/** A small good file with lines put in: at the top, into `platform`, into the one drop root. */
export function fileWith(lines: { top?: string; platform?: string; root?: string }): string {
  return [
    'state_dir: ./state',
    ...(lines.top === undefined ? [] : [lines.top]),
    'platform:',
    ...(lines.platform?.includes('kind:') === true ? [] : ['  kind: stand-in']),
    ...(lines.platform === undefined ? [] : [`  ${lines.platform}`]),
    'drop_roots:',
    ...(lines.root?.includes('path:') === true
      ? ['  - app: demo-app']
      : ['  - path: ./runs', '    app: demo-app']),
    ...(lines.root === undefined ? [] : [`    ${lines.root}`]),
    '',
  ].join('\n');
}
