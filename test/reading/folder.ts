/** A real run folder in a directory of its own, and one look at it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FilesMapping, FolderContent } from '../../src/core/content.ts';
import { ignoredBy } from '../../src/reading/mapping.ts';
import { readFolder, type ReadFolder, type ReadingRules } from '../../src/reading/readFolder.ts';
import type { FolderSight, SightRules } from '../../src/reading/sight.ts';
import { sightFolder } from '../../src/reading/sightFolder.ts';

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
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

export const names = {
  input: ['input.json', 'input.txt'],
  output: ['output.json', 'output.txt'],
  log: 'run.log',
  meta: 'meta.json',
  marker: null,
  ignore: [],
};

export const sightRules: SightRules = {
  names,
  marker: null,
  isMetaOptional: false,
  fileBytesMax: 1024 * 1024,
  folderFilesMax: 10_000,
  isIgnored: () => false,
};

export const readingRules: ReadingRules = {
  names,
  fileBytesMax: sightRules.fileBytesMax,
  folderFilesMax: sightRules.folderFilesMax,
  app: 'hare-app',
  allowAppIds: [],
  isMetaOptional: false,
  infeasible: 'succeeded',
  jsonDepthMax: 200,
};

export async function seen(path: string, rules: Partial<SightRules> = {}): Promise<FolderSight> {
  const sight = await sightFolder(path, { ...sightRules, ...rules });
  if (sight === null) throw new Error(`${path} is not there`);
  return sight;
}

export async function read(
  path: string,
  rules: Partial<ReadingRules> = {},
  sight: Partial<SightRules> = {},
): Promise<ReadFolder> {
  return await readFolder(path, await seen(path, sight), { ...readingRules, ...rules });
}

/** A mapping other than the usual one, for looking and for reading. */
export async function readAs(path: string, wanted: Partial<FilesMapping>): Promise<ReadFolder> {
  const mapping = { ...names, ...wanted };
  return await read(path, { names: mapping }, { names: mapping, isIgnored: ignoredBy(mapping) });
}

/** @throws when the folder is not complete */
export async function contentOf(path: string): Promise<FolderContent> {
  const verdict = await read(path);
  if (verdict.kind !== 'complete') throw new Error(JSON.stringify(verdict));
  return verdict.content;
}
