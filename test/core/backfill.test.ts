/** Which folders are history, and which history is left out. */
import { expect, test } from 'vitest';
import { backfillText, isHistory, leavesOut, type Backfill } from '../../src/core/backfill.ts';

test.each([
  { what: 'changed before the first start', newestChangeMs: 999, firstStartMs: 1_000, is: true },
  { what: 'changed at that very moment', newestChangeMs: 1_000, firstStartMs: 1_000, is: false },
  { what: 'changed after it', newestChangeMs: 1_001, firstStartMs: 1_000, is: false },
  { what: 'in a root whose first start is not known', newestChangeMs: 0, firstStartMs: null, is: false },
])('a folder $what is history: $is', ({ newestChangeMs, firstStartMs, is }) => {
  expect(isHistory(newestChangeMs, firstStartMs)).toBe(is);
});

const since: Backfill = { kind: 'since', sinceMs: Date.parse('2026-01-01T00:00:00Z') };

test.each([
  { backfill: { kind: 'all' } as const, writtenMs: 0, is: false },
  { backfill: { kind: 'none' } as const, writtenMs: Infinity, is: true },
  { backfill: since, writtenMs: since.sinceMs - 1, is: true },
  { backfill: since, writtenMs: since.sinceMs, is: false },
])('$backfill leaves out what was written at $writtenMs: $is', ({ backfill, writtenMs, is }) => {
  expect(leavesOut(backfill, writtenMs)).toBe(is);
});

test.each([
  { backfill: { kind: 'all' } as const, text: 'all' },
  { backfill: { kind: 'none' } as const, text: 'none' },
  { backfill: since, text: 'since 2026-01-01' },
  {
    backfill: { kind: 'since', sinceMs: since.sinceMs + 3_600_000 } as const,
    text: 'since 2026-01-01T01:00:00.000Z',
  },
])('it is said as a user would write it: $text', ({ backfill, text }) => {
  expect(backfillText(backfill)).toBe(text);
});
