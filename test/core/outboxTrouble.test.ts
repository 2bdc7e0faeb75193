/** What an error of the outbox's file means, by its code alone. */
import { expect, test } from 'vitest';
import { answeredMsMax, outboxVerdict, stuck, waitingFor } from '../../src/core/outboxTrouble.ts';

test.each([
  { code: 'SQLITE_FULL', is: 'waits' },
  { code: 'SQLITE_IOERR_SHMSIZE', is: 'waits' },
  { code: 'ENOSPC', is: 'waits' },
  { code: 'EDQUOT', is: 'waits' },
  { code: 'SQLITE_BUSY', is: 'waits' },
  { code: 'SQLITE_BUSY_SNAPSHOT', is: 'waits' },
  { code: 'SQLITE_READONLY', is: 'waits' },
  { code: 'SQLITE_READONLY_ROLLBACK', is: 'waits' },
  { code: 'SQLITE_READONLY_DBMOVED', is: null },
  { code: 'SQLITE_CORRUPT', is: 'damaged' },
  { code: 'SQLITE_CORRUPT_VTAB', is: 'damaged' },
  { code: 'SQLITE_NOTADB', is: 'damaged' },
  { code: 'SQLITE_FORMAT', is: 'damaged' },
  { code: 'SQLITE_IOERR', is: 'ends' },
  { code: 'SQLITE_IOERR_FSYNC', is: 'ends' },
  { code: 'SQLITE_CANTOPEN_ISDIR', is: 'ends' },
  { code: 'SQLITE_PROTOCOL', is: 'ends' },
  { code: 'SQLITE_NOMEM', is: 'ends' },
  { code: 'SQLITE_PERM', is: 'ends' },
  { code: 'EIO', is: 'ends' },
  { code: 'SQLITE_CONSTRAINT_UNIQUE', is: null },
  { code: 'SQLITE', is: null },
  { code: 'ENOENT', is: null },
  { code: undefined, is: null },
])('$code: $is', ({ code, is }) => {
  expect(outboxVerdict(code)).toBe(is);
});

test.each([
  { code: 'SQLITE_FULL', text: 'the disk of state_dir is full', hint: 'Make room' },
  { code: 'ENOSPC', text: 'the disk of state_dir is full', hint: 'Make room' },
  { code: 'SQLITE_BUSY_TIMEOUT', text: 'another program has locked the outbox', hint: 'fuser outbox.db' },
  { code: 'SQLITE_READONLY', text: 'the outbox cannot be written to', hint: 'read-only' },
])('$code is waited for, with what is the matter and what to do', ({ code, text, hint }) => {
  const trouble = waitingFor(code);
  expect(trouble?.text).toContain(text);
  expect(trouble?.text).toContain('nothing is sent');
  expect(trouble?.hint).toContain(hint);
  expect(trouble?.hint).toContain('it goes on by itself');
});

test.each(['SQLITE_CORRUPT', 'SQLITE_IOERR_WRITE', 'EIO', 'SQLITE_READONLY_DBMOVED'])(
  '%s is not waited for',
  (code) => {
    expect(waitingFor(code)).toBeNull();
  },
);

test('an outbox is stuck when it has not answered for long', () => {
  expect(stuck(answeredMsMax - 1)).toBeNull();
  expect(stuck(answeredMsMax)).toEqual({
    text: 'the outbox has not answered for 10 s, so nothing is sent',
    hint: 'Is the disk of state_dir stuck? It goes on by itself once that answers.',
  });
  expect(stuck(61_999)?.text).toContain('for 61 s');
});
