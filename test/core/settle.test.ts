import { describe, expect, test } from 'vitest';
import { isOverdue, settleVerdict, type Sighting, type Verdict } from '../../src/core/settle.ts';

const policy = { quietMs: 5_000, deadlineMs: 3_600_000 };
const whole: Sighting = { missing: [], missingMarker: null, unreadable: null, lastChanged: 'run.log' };
const settling = (reason: string): Verdict => ({ kind: 'settling', reason });

describe('a folder', () => {
  test.each<{ name: string; seen?: Partial<Sighting>; unmovedMs?: number; quietMs?: number; is: Verdict }>([
    { name: 'in which nothing moved for the quiet time is quiet', unmovedMs: 5_000, is: { kind: 'quiet' } },
    {
      name: 'that moved a moment too late is not, and says what moved',
      unmovedMs: 4_999,
      is: settling('run.log changed and has to be quiet for a while'),
    },
    {
      name: 'of which nothing is known that moved is spoken of as a whole',
      seen: { lastChanged: null },
      unmovedMs: 0,
      is: settling('the folder changed and has to be quiet for a while'),
    },
    {
      name: 'without its input waits for it, however quiet it is',
      seen: { missing: ['input.json or input.txt'] },
      unmovedMs: 1e9,
      is: settling('waiting for input.json or input.txt'),
    },
    {
      name: 'without several files names them all',
      seen: { missing: ['input.json', 'meta.json'] },
      is: settling('waiting for input.json and meta.json'),
    },
    {
      name: 'without more than two names them all',
      seen: { missing: ['input.json', 'output.json', 'meta.json'] },
      is: settling('waiting for input.json and output.json, meta.json'),
    },
    {
      name: 'that cannot be looked into says why, whatever else is missing',
      seen: { unreadable: 'it cannot be read (EACCES)', missing: ['input.json'], missingMarker: 'done' },
      unmovedMs: 1e9,
      is: settling('it cannot be read (EACCES)'),
    },
    {
      name: 'without its marker waits for that',
      seen: { missingMarker: 'done' },
      unmovedMs: 1e9,
      is: settling('waiting for the marker done'),
    },
    {
      name: 'without files and marker names the files first',
      seen: { missing: ['input.json'], missingMarker: 'done' },
      is: settling('waiting for input.json'),
    },
    { name: 'is quiet at once where no quiet time is asked for', quietMs: 0, is: { kind: 'quiet' } },
    {
      name: 'is not quiet because a clock went backwards',
      unmovedMs: -60_000,
      is: settling('run.log changed and has to be quiet for a while'),
    },
  ])('$name', ({ seen, unmovedMs = 0, quietMs = policy.quietMs, is }) => {
    const nowMs = 1_000_000;
    const verdict = settleVerdict({ unchangedSinceMs: nowMs - unmovedMs }, { ...whole, ...seen }, nowMs, {
      ...policy,
      quietMs,
    });
    expect(verdict).toEqual(is);
  });

  test.each([
    { unchangedMs: 3_599_999, is: false },
    { unchangedMs: 3_600_000, is: true },
  ])('in which nothing changed for $unchangedMs ms is overdue: $is', ({ unchangedMs, is }) => {
    expect(isOverdue(unchangedMs, policy)).toBe(is);
  });
});
