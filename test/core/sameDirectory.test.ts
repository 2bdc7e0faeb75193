/** Which folder is a run's own at another path, as far as the directories tell. */
import { expect, test } from 'vitest';
import type { DirectoryIdentity } from '../../src/core/content.ts';
import { kinshipOf, type Relative } from '../../src/core/sameDirectory.ts';

const born = (birthNs: string, dev = '1'): DirectoryIdentity => ({ dev, ino: '7', birthNs });
const run = born('100');
const renamed: Relative = {
  before: run,
  atOldPath: null,
  now: run,
  areBirthsKept: true,
  isUnmoved: true,
};
const replaced: Relative = { ...renamed, now: born('200'), isUnmoved: false };

test.each<{ name: string; relative: Relative; is: 'moved' | 'another' | 'untold' }>([
  { name: 'a folder that was renamed', relative: renamed, is: 'moved' },
  {
    name: 'one that was renamed while another took its place',
    relative: { ...renamed, atOldPath: { dev: '1', ino: '8', birthNs: '300' } },
    is: 'moved',
  },
  {
    name: 'one whose device has another number since the machine was started again',
    relative: { ...renamed, before: born('100', '9') },
    is: 'moved',
  },
  {
    name: 'one whose new name differs in case alone, where the old one leads to it as well',
    relative: { ...renamed, atOldPath: run },
    is: 'moved',
  },
  {
    name: 'one in a snapshot, of which the run’s own is where it was',
    relative: { ...renamed, atOldPath: run, now: born('100', '2') },
    is: 'another',
  },
  {
    name: 'one that got the inode, while the run’s own is where it was on another file system',
    relative: { ...replaced, atOldPath: run },
    is: 'another',
  },
  { name: 'a new one with the inode of one that was removed', relative: replaced, is: 'another' },
  {
    name: 'one with other times, where no births are kept',
    relative: { ...replaced, areBirthsKept: false },
    is: 'untold',
  },
  {
    name: 'one with the same files, where no births are kept',
    relative: { ...replaced, areBirthsKept: false, isUnmoved: true },
    is: 'moved',
  },
  {
    name: 'one of which nothing is told at all',
    relative: { ...replaced, before: born('0'), now: born('0'), areBirthsKept: false },
    is: 'untold',
  },
])('$name is $is', ({ relative, is }) => {
  expect(kinshipOf(relative)).toBe(is);
});
