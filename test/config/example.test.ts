/** The example and the schema for editors have to say what the program does, key for key. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/schema.ts';
import { configOf, givenFile, problemsOf } from './given.ts';

const example = readFileSync('config.example.yaml', 'utf8');
/** Comments that are keys: a word and a colon behind the #, and nothing or a value after it. */
const commentedKey = /^( *)# ( *[a-z_]+:(?: .*)?)$/gm;
const uncommented = example.replaceAll(commentedKey, '$1$2');

test('the example loads, and works without an account', () => {
  const config = configOf('config.example.yaml');
  expect(config.platform.kind).toBe('stand-in');
  expect(config.dropRoots.map(({ name, quietMs }) => ({ name, quietMs }))).toEqual([
    { name: 'demo', quietMs: 1000 },
  ]);
});

test('with all of its commented keys in force it still loads', () => {
  expect(problemsOf(givenFile(uncommented))).toEqual([]);
});

test('it has every key that there is', () => {
  expect(keysOf(parse(uncommented))).toEqual(schemaKeys(configJsonSchema()));
});

test('the defaults that it shows are the defaults', () => {
  const needed =
    'state_dir: ./local/state\nplatform: { kind: stand-in }\ndrop_roots: [{ path: ./local/runs, app: demo-app }]\n';
  const shown = configOf(givenFile(uncommented)).dropRoots[0];
  const defaults = configOf(givenFile(needed)).dropRoots[0];
  for (const key of ['deadlineMs', 'scanEveryMs', 'limits', 'runName', 'ignore'] as const)
    expect(shown?.[key]).toEqual(defaults?.[key]);
});

test('docs/config.schema.json is up to date (else: npm run schema)', () => {
  expect(JSON.parse(readFileSync('docs/config.schema.json', 'utf8'))).toEqual(configJsonSchema());
});

/** Where a key stands, without positions in lists; below options the keys are the user's. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => keysOf(item, path)))].sort();
  if (typeof value !== 'object' || value === null || path.endsWith('.options')) return [];
  return Object.entries(value)
    .flatMap(([key, part]) => [`${path}.${key}`, ...keysOf(part, `${path}.${key}`)])
    .sort();
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

function schemaKeys(schema: JsonSchema, path = ''): string[] {
  if (schema.items !== undefined) return schemaKeys(schema.items, path);
  return Object.entries(schema.properties ?? {})
    .flatMap(([key, part]) => [`${path}.${key}`, ...schemaKeys(part, `${path}.${key}`)])
    .sort();
}
