import { expect, test } from 'vitest';
import { unsaidMeta, type FolderContent } from '../../src/core/content.ts';
import {
  contentOfThin,
  isClockBelieved,
  isMarkOf,
  standingClock,
  thinContent,
  thinnedBefore,
  thinningRestMs,
  type StandingClock,
} from '../../src/core/thinning.ts';

test('stories that are kept for ever are never let go', () => {
  expect(thinnedBefore(null, 1_000)).toBeNull();
});

test('a story is let go when it is as old as it may become', () => {
  expect(thinnedBefore(400, 1_000)).toBe(600);
});

test('a clock is believed when it has stood for ten minutes, and each time anew when it was set', () => {
  const [minuteMs, dayMs] = [60_000, 86_400_000];
  // A day ahead at the start, and put right after a minute.
  const wallMs = (minute: number): number => minute * minuteMs + (minute < 1 ? dayMs : 0);
  let standing: StandingClock | null = null;
  const believed: number[] = [];
  for (let minute = 0; minute <= 20; minute += 1) {
    // And what it is put right by little by little is no setting of it.
    standing = standingClock(standing, wallMs(minute) + minute * 100, minute * minuteMs);
    if (isClockBelieved(standing, dayMs, minute * minuteMs)) believed.push(minute);
  }
  expect(believed[0]).toBe(11);
  expect(believed).toHaveLength(10);
});

test('nothing that is kept for seconds waits for longer', () => {
  const standing = standingClock(null, 0, 0);
  expect([999, 1_000].map((steadyMs) => isClockBelieved(standing, 1_000, steadyMs))).toEqual([false, true]);
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

const archive = { role: 'input', name: 'input/', type: 'multi-file' } as const;
const mapping = {
  ...{ input: ['input/'], output: ['output.json'], log: 'run.log', meta: 'meta.json' },
  ...{ marker: null, ignore: ['*.tmp'] },
};
const whole: FolderContent = {
  generation: 'generation',
  asideDigest: 'aside',
  filesMark: 'abcdefghijklmnop',
  mapping,
  files: [
    {
      ...archive,
      bytes: 12,
      sha256: 'a1',
      object: null,
      archive: { base: 'input/', place: 'input', files: 3 },
    },
    {
      ...{ role: 'output', name: 'output.json', type: 'json', bytes: 34, sha256: 'b2' },
      object: { closeOffset: 33, isEmpty: false, keys: ['a'], onlyValueOffset: null },
    },
  ],
  meta: { ...unsaidMeta, status: 'succeeded', name: 'monday', durationMs: 5 },
  warnings: ['something'],
};

test('of a story that is let go stays by what its folder is told again, and what its result says of files', () => {
  expect(thinContent(whole)).toEqual({
    filesMark: 'abcdefghijk',
    mapping,
    files: [
      { ...archive, archive: { base: 'input/', place: 'input' } },
      { role: 'output', name: 'output.json', type: 'json' },
    ],
    meta: { status: 'succeeded' },
  });
});

test('what is read of it again has nothing where something was, and the same that stayed', () => {
  const again = contentOfThin(thinContent(whole), 'generation');
  expect(again).toEqual({
    generation: 'generation',
    asideDigest: '',
    filesMark: 'abcdefghijk',
    mapping,
    files: [
      {
        ...archive,
        bytes: 0,
        sha256: '',
        object: null,
        archive: { base: 'input/', place: 'input', files: 0 },
      },
      { role: 'output', name: 'output.json', type: 'json', bytes: 0, sha256: '', object: null },
    ],
    meta: { ...unsaidMeta, status: 'succeeded' },
    warnings: [],
  });
  expect(isMarkOf(again, whole)).toBe(true);
  expect(thinContent(again)).toEqual(thinContent(whole));
});

test('rows of earlier versions have no mapping and no files, and are read all the same', () => {
  const { mapping: letGo, ...unmapped } = whole;
  expect(letGo).toBe(mapping);
  expect(thinContent(unmapped)).not.toHaveProperty('mapping');
  expect(contentOfThin({ filesMark: 'x', meta: { status: 'failed' } }, 'g')).toMatchObject({
    generation: 'g',
    files: [],
    meta: { status: 'failed' },
  });
});
