import { expect, test } from 'vitest';
import { mayBeAnothers } from '../../src/core/hardLinks.ts';

const owner = 1_000n;
const other = 1_001n;

test.each([
  { what: 'one name, of another user', nlink: 1n, uid: other, mode: 0o100600n, is: false },
  { what: 'several names, of the folder’s owner', nlink: 3n, uid: owner, mode: 0o100600n, is: false },
  { what: 'several names, and everybody may read it', nlink: 2n, uid: other, mode: 0o100644n, is: false },
  { what: 'several names, of another user alone', nlink: 2n, uid: other, mode: 0o100600n, is: true },
  { what: 'several names, for a group alone', nlink: 2n, uid: other, mode: 0o100640n, is: true },
  { what: 'several names, for all but a group', nlink: 2n, uid: other, mode: 0o100604n, is: true },
  { what: 'several names, of root alone', nlink: 2n, uid: 0n, mode: 0o100400n, is: true },
])('$what: it may be a file that the folder’s owner could not read: $is', ({ is, ...file }) => {
  expect(mayBeAnothers(file, owner)).toBe(is);
});
