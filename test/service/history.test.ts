import { expect, test } from 'vitest';
import type { DaySum } from '../../src/outbox/nouns.ts';
import { dayViews, historyOf } from '../../src/service/history.ts';

const sum = (changes: Partial<DaySum>): DaySum => ({
  day: 20_454,
  dropRoot: 'plans',
  status: '',
  made: 0,
  recorded: 0,
  failed: 0,
  parked: 0,
  recordedMs: 0,
  recordedMsMax: 0,
  gaps: 0,
  gapSum: 0,
  ...changes,
});

test('sums of a day and root are one view, whatever their solvers said', () => {
  const views = dayViews([
    sum({ made: 4, recorded: 1, parked: 1, recordedMs: 3_000, recordedMsMax: 3_000 }),
    sum({ status: 'optimal', recorded: 2, recordedMs: 3_000, recordedMsMax: 2_000, gaps: 2, gapSum: 0.25 }),
    sum({ status: 'infeasible', recorded: 1, failed: 1 }),
    sum({ dropRoot: 'routes', made: 1 }),
  ]);
  expect(views).toEqual([
    {
      day: '2026-01-01',
      drop_root: 'plans',
      made: 4,
      recorded: 4,
      failed: 1,
      parked: 1,
      recorded_seconds: { mean: 1.5, max: 3 },
      solver: [
        { status: 'optimal', runs: 2, gap_mean: 0.125 },
        { status: 'infeasible', runs: 1, gap_mean: null },
      ],
    },
    {
      day: '2026-01-01',
      drop_root: 'routes',
      made: 1,
      recorded: 0,
      failed: 0,
      parked: 0,
      recorded_seconds: null,
      solver: [],
    },
  ]);
});

test('so many days are those up to today, in UTC', async () => {
  const asked: unknown[] = [];
  const outbox = { days: (...range: unknown[]) => Promise.resolve((asked.push(range), [])) };
  await historyOf(outbox, { days: 14, root: 'plans' }, Date.parse('2026-01-01T23:59:59Z'));
  expect(asked).toEqual([[20_441, 20_454, 'plans']]);
});
