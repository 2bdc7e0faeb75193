/** Each failure story that is told in the documentation has the test that it names. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const top = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, top)), 'utf8');
const rows = read('docs/failure-stories.md')
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (?:what happened|---)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the tables have their stories', () => {
  expect(rows.length).toBeGreaterThan(50);
});

test.each(rows.map(([, story = '', , where = '']) => ({ story, where })))('$story', ({ where }) => {
  const [, file = '', name = ''] = /^`(test\/[\w/.]+\.test\.ts)`: (.+)$/.exec(where) ?? [];
  expect(file).not.toBe('');
  const names = read(file)
    .split('\n')
    .filter((line) => /['`]/.test(line))
    .join('\n');
  expect(names).toContain(name);
});
