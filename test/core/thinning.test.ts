import { expect, test } from 'vitest';
import { isMarkOf, thinnedBefore, thinningRestMs } from '../../src/core/thinning.ts';

test('stories that are kept for ever are never let go', () => {
  expect(thinnedBefore(null, 1_000)).toBeNull();
});

test('a story is let go when it is as old as it may become', () => {
  expect(thinnedBefore(400, 1_000)).toBe(600);
});

test.each([
  { keepMs: null, restMs: 60_000 },
  { keepMs: 1, restMs: 1_000 },
  { keepMs: 5_000, restMs: 5_000 },
  { keepMs: 86_400_000, restMs: 60_000 },
])('with $keepMs ms to keep it is looked every $restMs ms', ({ keepMs, restMs }) => {
  expect(thinningRestMs(keepMs)).toBe(restMs);
});

test.each([
  { name: 'the same files', run: 'abcdefghijklmnop', is: true },
  { name: 'the beginning that a thinned run has kept', run: 'abcdefghijk', is: true },
  { name: 'other files', run: 'abcdefghijx', is: false },
  { name: 'nothing', run: '', is: false },
])('$name as a mark', ({ run, is }) => {
  expect(isMarkOf({ filesMark: run }, { filesMark: 'abcdefghijklmnop' })).toBe(is);
});
