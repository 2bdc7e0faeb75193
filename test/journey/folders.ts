/** Run folders as solvers leave them behind. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** File names and what is in them; everything but text is written as JSON. */
export type Files = Readonly<Record<string, unknown>>;

export function textOf(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

export function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    // Only where it is needed: it asks for the times of what is there, and the kernel is more exact with them from then on.
    if (name.includes('/')) mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.isBuffer(content) ? content : textOf(content));
  }
}

/** Built beside the root and renamed in, as is recommended to everyone. @returns the folder's path */
export function dropFolder(root: string, name: string, files: Files): string {
  const aside = join(dirname(root), `${basename(root)}-aside`, name);
  mkdirSync(aside, { recursive: true });
  const folder = join(root, name);
  mkdirSync(dirname(folder), { recursive: true });
  writeFiles(aside, files);
  renameSync(aside, folder);
  return folder;
}

/** A succeeded run whose content is like no other of this test. */
export function plan(sample: string, meta: object = {}): Files {
  return {
    'input.json': { sample },
    'output.json': { solution: { sample } },
    'meta.json': { status: 'succeeded', duration: 42, ...meta },
  };
}

export interface ResultFile {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly output?: unknown;
  readonly error_log?: unknown;
  readonly runtrackd: Readonly<Record<string, unknown>>;
}

/** @returns null when there is none; one that is not whole makes the test fail */
export function resultIn(folder: string): ResultFile | null {
  return read(join(folder, 'nextmv-result.json')) as ResultFile | null;
}

export interface ProblemFile {
  readonly state: string;
  readonly reason: { readonly class: string; readonly text: string };
  readonly hint: string;
  readonly since: string;
  readonly run: number | null;
}

export function problemIn(folder: string): ProblemFile | null {
  return read(join(folder, 'nextmv-problem.json')) as ProblemFile | null;
}

function read(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  return JSON.parse(text) as unknown;
}
