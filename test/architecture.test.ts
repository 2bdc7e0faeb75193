/**
 * Folders import downward only, and files without cycles, so that each can be read knowing only what lies below it. A
 * type counts like everything else: who needs the word needs the meaning.
 *
 *   main → cli → service → http → intake, delivery, archiving → outbox, platform, reading → solverlog, system → core
 *          cli → config → system    standin → platform/wire, system      http, standin → markup
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/** What each folder may import, beside itself. */
const below: Readonly<Record<string, readonly string[]>> = {
  main: ['cli'],
  index: ['library', 'platform', 'solverlog', 'core'],
  library: ['platform', 'reading', 'solverlog', 'system', 'core'],
  cli: [
    'service',
    'http',
    'archiving',
    'intake',
    'delivery',
    'outbox',
    'platform',
    'reading',
    'solverlog',
    'system',
    'config',
    'standin',
    'core',
  ],
  service: [
    'http',
    'archiving',
    'intake',
    'delivery',
    'outbox',
    'platform',
    'reading',
    'solverlog',
    'system',
    'standin',
    'core',
  ],
  http: ['intake', 'delivery', 'system', 'markup', 'core'],
  archiving: ['outbox', 'reading', 'system', 'core'],
  intake: ['outbox', 'platform', 'reading', 'system', 'core'],
  delivery: ['outbox', 'platform', 'reading', 'solverlog', 'system', 'core'],
  outbox: ['system', 'core'],
  platform: ['system', 'core'],
  reading: ['solverlog', 'system', 'core'],
  system: ['core'],
  solverlog: ['core'],
  config: ['system', 'core'],
  standin: ['markup', 'system', 'core'],
  markup: [],
  core: [],
};

/** What a folder may import of another although the table above does not say so. */
const exceptions: readonly { from: string; to: RegExp; typesOnly: boolean; reason: string }[] = [
  { from: 'service', to: /^config\//, typesOnly: true, reason: 'it is built from what was configured' },
  {
    from: 'standin',
    to: /^platform\/wire\.ts$/,
    typesOnly: false,
    reason: 'both ends speak of the same messages',
  },
];

const forbiddenNames = /^(utils?|types?|helpers?|lib)(\.|$)/;

type Sources = Readonly<Record<string, string>>;

interface Import {
  readonly path: string;
  readonly isType: boolean;
}

/** Every module that a source names: import, export from, import(), and the type import('…'). */
function importsOf(file: string, source: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.'))
      return;
    found.push({ path: posix.join(dirname(file), specifier.text), isType });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true));
  return found;
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

/** The folder of a file below src; a file of src itself is a folder of its own. */
const folderOf = (file: string): string =>
  file.includes('/') ? (file.split('/')[0] ?? '') : basename(file, '.ts');

/** @param sources file names below src with `/` between folders, and what is in them */
function violations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [file, source] of Object.entries(sources)) {
    const from = folderOf(file);
    const allowed = below[from];
    if (allowed === undefined) found.push(`${file} is in a folder that has no place in the order`);
    if (file.split('/').some((name) => forbiddenNames.test(name)))
      found.push(`${file} has a name that says nothing`);
    for (const { path, isType } of importsOf(file, source)) {
      const to = folderOf(path);
      if (path.startsWith('..')) found.push(`${file} imports ${path} from outside`);
      else if (sources[path] === undefined) found.push(`${file} imports ${path}, which is not there`);
      else if (to !== from && allowed?.includes(to) === false && !isExcepted(from, path, isType)) {
        found.push(`${file} imports ${path}`);
      }
    }
  }
  return [...found, ...cycles(sources)];
}

function isExcepted(from: string, path: string, isType: boolean): boolean {
  return exceptions.some((rule) => rule.from === from && rule.to.test(path) && (isType || !rule.typesOnly));
}

function cycles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const follow = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) found.push(`a cycle: ${[...trail.slice(at), file].join(' → ')}`);
    if (at >= 0 || done.has(file)) return;
    for (const { path } of importsOf(file, sources[file] ?? '')) follow(path, [...trail, file]);
    done.add(file);
  };
  for (const file of Object.keys(sources)) follow(file, []);
  return found;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const real: Sources = Object.fromEntries(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file.replaceAll('\\', '/'), readFileSync(join(root, file), 'utf8')]),
);

test('the sources import downward only, without cycles, and every name says something', () => {
  expect(Object.keys(real).length).toBeGreaterThan(50);
  expect(violations(real)).toEqual([]);
});

describe('the check bites', () => {
  const legal: Sources = {
    'main.ts': "import './cli/cli.ts';",
    'cli/cli.ts': "import { a } from '../service/service.ts'; import { c } from '../config/config.ts';",
    'service/service.ts':
      "import type { C } from '../config/config.ts'; import { d } from '../delivery/d.ts';",
    'config/config.ts': "import { run } from '../core/run.ts';",
    'http/page.ts': "import type { D } from '../delivery/d.ts';",
    'delivery/d.ts': "import { o } from '../outbox/o.ts'; import { f } from '../system/files.ts';",
    'intake/i.ts': "import { r } from '../reading/r.ts';",
    'outbox/o.ts': "export * from './nouns.ts';",
    'outbox/nouns.ts': '',
    'reading/r.ts': "import { f } from '../system/files.ts';",
    'platform/wire.ts': '',
    'platform/client.ts': "import './wire.ts';",
    'standin/s.ts': "import { w } from '../platform/wire.ts';",
    'system/files.ts': "import { run } from '../core/run.ts';",
    'core/run.ts': "import ms from 'ms'; import { createHash } from 'node:crypto';",
  };

  test('and lets pass what is in order', () => {
    expect(violations(legal)).toEqual([]);
  });

  test.each<{ name: string; file: string; source: string; says: string }>([
    {
      name: 'core that reaches up',
      file: 'core/a.ts',
      source: "import '../system/files.ts';",
      says: 'core/a.ts imports system/files.ts',
    },
    {
      name: 'a type of a folder above',
      file: 'outbox/a.ts',
      source: "import type { D } from '../delivery/d.ts';",
      says: 'outbox/a.ts imports delivery/d.ts',
    },
    {
      name: 'reading that knows the outbox',
      file: 'reading/a.ts',
      source: "import { type O } from '../outbox/nouns.ts';",
      says: 'reading/a.ts imports outbox/nouns.ts',
    },
    {
      name: 'intake beside delivery',
      file: 'intake/a.ts',
      source: "export { d } from '../delivery/d.ts';",
      says: 'intake/a.ts imports delivery/d.ts',
    },
    {
      name: 'the page that knows the outbox by its types',
      file: 'http/a.ts',
      source: "import type { O } from '../outbox/nouns.ts';",
      says: 'http/a.ts imports outbox/nouns.ts',
    },
    {
      name: 'a type that is imported where it stands',
      file: 'http/a.ts',
      source: "export type A = import('../outbox/nouns.ts').O;",
      says: 'http/a.ts imports outbox/nouns.ts',
    },
    {
      name: 'a module that is imported at run time',
      file: 'core/a.ts',
      source: "export const a = await import('../outbox/o.ts');",
      says: 'core/a.ts imports outbox/o.ts',
    },
    {
      name: 'a stand-in that uses the client',
      file: 'standin/a.ts',
      source: "import '../platform/client.ts';",
      says: 'standin/a.ts imports platform/client.ts',
    },
    {
      name: 'a service that reads configuration itself',
      file: 'service/a.ts',
      source: "import { type C, read } from '../config/config.ts';",
      says: 'service/a.ts imports config/config.ts',
    },
    {
      name: 'delivery that knows the configuration',
      file: 'delivery/a.ts',
      source: "import type { C } from '../config/config.ts';",
      says: 'delivery/a.ts imports config/config.ts',
    },
    {
      name: 'configuration that knows the outbox',
      file: 'config/a.ts',
      source: "import '../outbox/nouns.ts';",
      says: 'config/a.ts imports outbox/nouns.ts',
    },
    {
      name: 'a folder that nobody placed',
      file: 'extra/a.ts',
      source: '',
      says: 'extra/a.ts is in a folder that has no place in the order',
    },
    {
      name: 'an import that leads nowhere',
      file: 'core/a.ts',
      source: "import './b.ts';",
      says: 'core/a.ts imports core/b.ts, which is not there',
    },
    {
      name: 'an import from outside',
      file: 'core/a.ts',
      source: "import '../../test/a.ts';",
      says: 'core/a.ts imports ../test/a.ts from outside',
    },
    {
      name: 'a file of odds and ends',
      file: 'core/utils.ts',
      source: '',
      says: 'core/utils.ts has a name that says nothing',
    },
    {
      name: 'a folder of types',
      file: 'core/types/run.ts',
      source: '',
      says: 'core/types/run.ts has a name that says nothing',
    },
    {
      name: 'a file that imports itself by another',
      file: 'outbox/nouns.ts',
      source: "import type { O } from './o.ts';",
      says: 'a cycle: outbox/o.ts → outbox/nouns.ts → outbox/o.ts',
    },
  ])('on $name', ({ file, source, says }) => {
    expect(violations({ ...legal, [file]: source })).toEqual([says]);
  });
});
