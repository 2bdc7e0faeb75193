/** What the bench says of goals: one that was not measured is never one that holds. */
import { expect, test } from 'vitest';
import { kindOf } from '../../bench/askedFor.mjs';
import { figure, tableOf, verdictLines, type Goal } from '../../bench/figures.mjs';

const atMost10: Goal = { of: 'median', atMost: 10 };
const taken = (ours: readonly number[], goal: Goal | null = atMost10) =>
  figure({ what: 'some', unit: 'ms', ours, goal });
const whole = { rounds: 5, isShort: false, isHuge: false };

test.each([
  ['below it', [1, 2, 30], true],
  ['above it', [11, 12, 1], false],
  ['no value at all', [], null],
  ['a value that is no number', [1, 2, NaN], null],
])('a goal of at most 10 with %s', (_, ours, holds) => {
  expect(taken(ours).holds).toBe(holds);
});

test('a ratio without its reference, or to nothing, was not measured', () => {
  const goal: Goal = { of: 'ratio', atLeast: 7 };
  const beside = (values: readonly number[]) =>
    figure({ what: 'some', unit: 'runs/s', ours: [7], beside: { name: 'other', values }, goal }).holds;
  expect(figure({ what: 'some', unit: 'runs/s', ours: [7], goal }).holds).toBeNull();
  expect(beside([])).toBeNull();
  expect(beside([0])).toBeNull();
  expect(beside([1])).toBe(true);
});

test('what is to be the same is neither much more nor much less', () => {
  const same: Goal = { of: 'ratio', atLeast: 0.85, atMost: 1.15 };
  const beside = { name: 'other', values: [10] };
  const holds = (ours: number) =>
    figure({ what: 'some', unit: 'MiB', ours: [ours], beside, goal: same }).holds;
  expect([8, 9, 10, 11, 12].map(holds)).toEqual([false, true, true, true, false]);
});

test('what is lost is one too many, and what is doubled does not make up for it', () => {
  const none: Goal = { of: 'max', atMost: 0 };
  expect(taken([0, 0, 1], none).holds).toBe(false);
  expect(taken([0, 0, 0], none).holds).toBe(true);
});

test('what was not measured is said with what falls short, and is no result', () => {
  const figures = [taken([1]), taken([11]), taken([]), taken([], null)];
  expect(verdictLines([{ name: 'one', figures }])).toEqual([
    'falls short of its goal:',
    '  one: some',
    'not measured, and so not shown to hold:',
    '  one: some',
    '1 of 3 goals hold, 1 fall short, 1 were not measured',
  ]);
  expect(tableOf(figures)).toContain('NOT MEASURED');
  expect(kindOf(whole, figures)).toBe('incomplete');
  expect(kindOf(whole, figures.slice(0, 2))).toBe('whole');
});

test('what is less than a whole run, or more, takes no place of a result', () => {
  expect(kindOf({ ...whole, rounds: 4 }, [])).toBe('short');
  expect(kindOf({ ...whole, isShort: true }, [])).toBe('short');
  expect(kindOf({ ...whole, isHuge: true }, [])).toBe('huge');
});
