/** Each failure story that is told in the documentation has the test that it names. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const top = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, top)), 'utf8');
const rows = read('docs/failure-stories.md')
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (?:what happened|---)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** What is called: `test.each(table)` begins with `test`, and has one word and one argument. */
function begunBy(called: ts.Expression): {
  readonly first: string;
  readonly words: readonly string[];
  readonly given: readonly ts.Expression[];
} {
  const words: string[] = [];
  const given: ts.Expression[] = [];
  let at = called;
  for (;;) {
    if (ts.isPropertyAccessExpression(at)) words.push(at.name.text);
    else if (ts.isCallExpression(at)) given.push(...at.arguments);
    else break;
    at = at.expression;
  }
  return { first: ts.isIdentifier(at) ? at.text : '', words, given };
}

/** The names of the tests in a file, and of the rows of their tables: none of a comment, nor of what never runs. */
function namesIn(text: string): string[] {
  const file = ts.createSourceFile('tests.ts', text, ts.ScriptTarget.Latest);
  const names: string[] = [];
  const note = (name: ts.Expression | undefined): void => {
    if (name === undefined) return;
    if (ts.isStringLiteralLike(name)) names.push(name.text);
    else if (ts.isTemplateExpression(name)) names.push(name.getText(file));
  };
  const noteRows = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText(file) === 'name') note(node.initializer);
    ts.forEachChild(node, noteRows);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { first, words, given } = begunBy(node.expression);
      if (/^(?:describe|test|it|\w+Test)$/.test(first)) {
        if (words.includes('skip') || words.includes('todo')) return;
        if (first !== 'describe') {
          note(node.arguments[0]);
          given.forEach(noteRows);
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

describe('a test is known by its name', () => {
  test.each<{ how: string; text: string; is: readonly string[] }>([
    {
      how: 'where it begins',
      text: `test('a', () => {}); it("b", run); rootTest(\`c\`, run);`,
      is: 'abc'.split(''),
    },
    { how: 'on the next line', text: `test.skipIf(isAlone)(\n  'a', run);`, is: ['a'] },
    { how: 'after what goes with it', text: `test.concurrent.for([1, 2])('a', run);`, is: ['a'] },
    { how: 'with a value in it', text: 'test(`above ${max} of them`, run);', is: ['`above ${max} of them`'] },
    {
      how: 'after a table, and by its rows',
      text: `test.each([{ name: 'a' }])('$name', run);`,
      is: ['$name', 'a'],
    },
    { how: 'in a group', text: `describe('b', () => { test('a', run); });`, is: ['a'] },
    { how: 'but not in a comment', text: `// test('a', run);\n/* 'a' */`, is: [] },
    {
      how: 'but not where something else is called so',
      text: `const a = 'a'; say('a'); expect(x).toBe('a');`,
      is: [],
    },
    {
      how: 'but not where it is skipped',
      text: `test.skip('a', run); test.concurrent.skip('a', run);`,
      is: [],
    },
    {
      how: 'but not with a table where it is skipped',
      text: `test.skip.each([{ name: 'a' }])('$name', run);`,
      is: [],
    },
    {
      how: 'but not where its group is skipped',
      text: `describe.skip('b', () => { test('a', run); });`,
      is: [],
    },
    { how: 'but not where it is still to be written', text: `test.todo('a');`, is: [] },
  ])('$how', ({ text, is }) => {
    expect(namesIn(text)).toEqual(is);
  });
});

test('the tables have their stories', () => {
  expect(rows.length).toBeGreaterThan(50);
});

test.each(rows.map(([, story = '', , where = '']) => ({ story, where })))('$story', ({ where }) => {
  const [, file = '', name = ''] = /^`(test\/[\w/.]+\.test\.ts)`: (.+)$/.exec(where) ?? [];
  expect(file).not.toBe('');
  expect(namesIn(read(file)).filter((known) => known.includes(name))).not.toEqual([]);
});
