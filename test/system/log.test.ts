/** What the log looks like where the journal reads it. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { withPriorities } from '../../src/system/log.ts';

test('each line for the journal begins with its priority, by which an error is found among thousands', () => {
  const lines: string[] = [];
  const log = pino(
    { level: 'trace', base: null },
    withPriorities({ write: (line) => void lines.push(line) }),
  );
  log.trace('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  log.fatal('e');
  expect(lines.map((line) => /^<\d>/.exec(line)?.[0])).toEqual(['<7>', '<6>', '<4>', '<3>', '<2>']);
  expect(lines.map((line) => (JSON.parse(line.slice(3)) as { msg: string }).msg)).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
  ]);
});
