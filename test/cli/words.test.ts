/** Tables as a terminal shows them: they fit, they align, and nothing is cut off. */
import { expect, test } from 'vitest';
import { columns, fitted, widthOf } from '../../src/cli/words.ts';

test.each([
  { text: 'plain', is: 5 },
  { text: '\u001b[31mred\u001b[39m', is: 3 },
  { text: '計画', is: 4 },
  { text: 'e\u0301', is: 1 },
  { text: '✅', is: 2 },
])('"$text" needs $is places', ({ text, is }) => {
  expect(widthOf(text)).toBe(is);
});

test('what fits is left as it is, and the widest column gives first', () => {
  expect(fitted([4, 10], 20)).toBeNull();
  expect(fitted([4, 40, 20], 50)).toEqual([4, 22, 20]);
});

test('a table fits the terminal, aligns with wide characters, and loses nothing', () => {
  const folder = `/srv/planner/${'runs/'.repeat(12)}計画-月曜日`;
  const reason = 'waiting for output.json and for the marker DONE, which the solver writes last of all';
  const table = columns(
    ['run', 'folder', 'reason'],
    [
      ['#1', folder, reason],
      ['#2', '/srv/b', 'short'],
    ],
    60,
  );
  const lines = table.split('\n');
  for (const line of lines) expect(widthOf(line)).toBeLessThan(60);
  const letters = (text: string): string => Array.from(text.replaceAll(/\s/g, '')).sort().join('');
  expect(letters(table)).toBe(letters(`run folder reason #1 ${folder} ${reason} #2 /srv/b short`));
  // A pipe has no width, and some terminals say 0.
  for (const unknown of [Infinity, 0])
    expect(columns(['a'], [[folder]], unknown).split('\n')[1]).toBe(folder);
});
