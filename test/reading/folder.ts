/** A real run folder in a directory of its own, and one look at it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FolderContent } from '../../src/core/content.ts';
import { readFolder, type ReadFolder, type ReadingRules } from '../../src/reading/readFolder.ts';
import { sightFolder, type FolderSight, type SightRules } from '../../src/reading/sight.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reading-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Files = Readonly<Record<string, string | Buffer>>;

export const meta = '{"status":"succeeded","duration":42}';
export const seed: Files = {
  'input.json': '{"sample":"input"}',
  'output.json': '{"solution":{"sample":"output"}}',
  'meta.json': meta,
};

/** @returns the folder's path, below a directory of its own */
export function folderWith(files: Files): string {
  const path = join(temporaryFolder(), 'weekly');
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

export const names = {
  input: ['input.json', 'input.txt'],
  output: ['output.json', 'output.txt'],
  log: 'run.log',
  meta: 'meta.json',
};

export const sightRules: SightRules = {
  names,
  marker: null,
  fileBytesMax: 1024 * 1024,
  isIgnored: () => false,
};

export const readingRules: ReadingRules = { names, app: 'hare-app', allowAppIds: [], jsonDepthMax: 200 };

export async function seen(path: string, rules: Partial<SightRules> = {}): Promise<FolderSight> {
  const sight = await sightFolder(path, { ...sightRules, ...rules });
  if (sight === null) throw new Error(`${path} is not there`);
  return sight;
}

export async function read(path: string, rules: Partial<ReadingRules> = {}): Promise<ReadFolder> {
  return await readFolder(path, await seen(path), { ...readingRules, ...rules });
}

/** @throws when the folder is not complete */
export async function contentOf(path: string): Promise<FolderContent> {
  const verdict = await read(path);
  if (verdict.kind !== 'complete') throw new Error(JSON.stringify(verdict));
  return verdict.content;
}
