/** The bench's command line: what is odd ends it before anything is measured, or written. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askedFor, measureNames } from '../../bench/askedFor.mjs';

const command = fileURLToPath(new URL('../../bench/command.mjs', import.meta.url));
const bench = (...args: readonly string[]) =>
  spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });

test.each([
  [['--rounds', 'x'], '--rounds is a whole number above 0.'],
  [['--rounds', ''], '--rounds is a whole number above 0.'],
  [['--rounds', '0'], '--rounds is a whole number above 0.'],
  [['--rounds'], "Option '--rounds <value>' argument missing; --help says what there is."],
  [['--frobnicate'], "Unknown option '--frobnicate'; --help says what there is."],
  [['drian'], `There is no measure drian; there are: ${measureNames.join(', ')}.`],
  [['drain', '--huge'], 'There is no measure drain with --huge; there are: finished, bursts, json.'],
  [['--short', '--huge'], '--short and --huge exclude each other.'],
])('%j is refused in one sentence', (args, problem) => {
  expect(askedFor(args)).toEqual({ problem });
});

test('all measures with five values, or those that are named, in their order', () => {
  expect(askedFor([])).toMatchObject({ names: measureNames, rounds: 5, isHuge: false });
  expect(askedFor(['json', 'drain'])).toMatchObject({ names: ['drain', 'json'] });
  expect(askedFor(['--huge'])).toMatchObject({ names: ['finished', 'bursts', 'json'] });
  expect(askedFor(['--short'])).toMatchObject({ rounds: 2 });
});

test('the command ends with 2 on what it does not know, and says what there is', () => {
  const odd = bench('--frobnicate');
  expect([odd.status, odd.stdout]).toEqual([2, '']);
  expect(odd.stderr.trim().split('\n')).toHaveLength(1);
  const help = bench('--help');
  expect(help.status).toBe(0);
  expect(help.stdout).toContain('--rounds');
});
