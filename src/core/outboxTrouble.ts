/**
 * What an error of the outbox's file means for the daemon. Pure: the code that SQLite gave is all that is looked at.
 *
 *   waits     somebody has to make room or let go; until then nothing is changed, and so nothing is sent
 *   damaged   what is in the file is not what was written: it is kept aside, and a new one is made at the next start
 *   ends      the file cannot be read or written; a new process with new descriptors finds out whether it can again
 *   null      none of these: whoever asked is told
 */
export type OutboxVerdict = 'waits' | 'damaged' | 'ends';

export interface OutboxTrouble {
  /** One sentence: what is the matter. */
  readonly text: string;
  /** What a person can do about it. */
  readonly hint: string;
}

/** Errors that end by themselves, or when a person makes room: by SQLite's names, without what follows the second `_`. */
const waiting = new Map<string, OutboxTrouble>([
  [
    'SQLITE_FULL',
    {
      text: 'the disk of state_dir is full, so nothing can be written down and nothing is sent',
      hint: 'Make room: it goes on by itself, and nothing is lost.',
    },
  ],
  [
    'SQLITE_BUSY',
    {
      text: 'another program has locked the outbox, so nothing can be written down and nothing is sent',
      hint: 'Find it with `fuser outbox.db` in state_dir and end it: it goes on by itself, and nothing is lost.',
    },
  ],
  [
    'SQLITE_READONLY',
    {
      text: 'the outbox cannot be written to, so nothing is sent',
      hint: 'Is the file system of state_dir read-only? Once it can be written to it goes on by itself.',
    },
  ],
]);

/** Growing the index of the journal meets a full disk under a name of its own. */
const fullInDisguise = new Set(['SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT']);
const damaging = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_FORMAT']);
const ending = new Set([
  'SQLITE_IOERR',
  'SQLITE_CANTOPEN',
  'SQLITE_PROTOCOL',
  'SQLITE_NOMEM',
  'SQLITE_PERM',
  'EIO',
]);

/** @param code as SQLite or the system names it, such as `SQLITE_IOERR_WRITE`; undefined where the error had none */
export function outboxVerdict(code: string | undefined): OutboxVerdict | null {
  if (code === undefined) return null;
  if (waitingFor(code) !== null) return 'waits';
  const family = familyOf(code);
  if (damaging.has(family)) return 'damaged';
  return ending.has(family) ? 'ends' : null;
}

/** What is waited for; null where waiting is of no use. */
export function waitingFor(code: string): OutboxTrouble | null {
  // The file is not at its place any more: no waiting brings it back.
  if (code === 'SQLITE_READONLY_DBMOVED') return null;
  return waiting.get(fullInDisguise.has(code) ? 'SQLITE_FULL' : familyOf(code)) ?? null;
}

/** `SQLITE_IOERR` of `SQLITE_IOERR_FSYNC`. */
function familyOf(code: string): string {
  return code.split('_').slice(0, 2).join('_');
}

/**
 * A change that is silent for longer than this is no slow disk (a busy one was seen to take two seconds) but a stuck one, in
 * ms. One that changes very many rows says that it gets on.
 */
export const answeredMsMax = 10_000;

/** @param ms for how long a change has not been answered, and nothing was heard of its getting on */
export function stuck(ms: number): OutboxTrouble | null {
  if (ms < answeredMsMax) return null;
  return {
    text: `the outbox has not answered for ${Math.floor(ms / 1_000)} s, so nothing is sent`,
    hint: 'Is the disk of state_dir stuck? It goes on by itself once that answers.',
  };
}
