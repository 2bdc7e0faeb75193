/** What happened day by day, from the outbox's sums. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DayView, HistoryQuery } from '../http/operations.ts';
import type { DaySum } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';

const dayMs = 24 * 60 * 60 * 1_000;
/** As many days as a status shows. */
export const shownDays = 14;
/** Runs from before there were sums are gone through in steps of this many, which hold the outbox for some ms. */
const oldRunsAtOnce = 250;
/** And it is left to the others for so long between two steps, in ms. */
const pauseMs = 100;

export async function historyOf(
  outbox: Pick<Outbox, 'days'>,
  { days, root }: HistoryQuery,
  nowMs: number,
): Promise<DayView[]> {
  const today = Math.floor(nowMs / dayMs);
  return dayViews(await outbox.days(today - days + 1, today, root));
}

/** @param sums in the order of day and root */
export function dayViews(sums: readonly DaySum[]): DayView[] {
  const together = new Map<string, DaySum[]>();
  for (const sum of sums) {
    const key = `${String(sum.day)} ${sum.dropRoot}`;
    const found = together.get(key);
    if (found === undefined) together.set(key, [sum]);
    else found.push(sum);
  }
  return [...together.values()].map(dayView);
}

function dayView(sums: readonly DaySum[]): DayView {
  const total = (pick: (sum: DaySum) => number): number => sums.reduce((all, sum) => all + pick(sum), 0);
  const recorded = total((sum) => sum.recorded);
  const [first] = sums;
  if (first === undefined) throw new Error('a day without sums is not shown');
  return {
    day: new Date(first.day * dayMs).toISOString().slice(0, 10),
    drop_root: first.dropRoot,
    made: total((sum) => sum.made),
    recorded,
    failed: total((sum) => sum.failed),
    parked: total((sum) => sum.parked),
    recorded_seconds:
      recorded === 0
        ? null
        : {
            mean: total((sum) => sum.recordedMs) / recorded / 1_000,
            max: Math.max(...sums.map((sum) => sum.recordedMsMax)) / 1_000,
          },
    solver: sums
      .filter((sum) => sum.status !== '' && sum.recorded > 0)
      .map(({ status, recorded: runs, gaps, gapSum }) => ({
        status,
        runs,
        gap_mean: gaps === 0 ? null : gapSum / gaps,
      })),
  };
}

/** Sums up what an outbox of an earlier version has, step by step, then rests until `stop`. */
export async function countOldRuns(outbox: Pick<Outbox, 'countOldRuns'>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && (await outbox.countOldRuns(oldRunsAtOnce)))
    await sleep(pauseMs, null, { signal: stop }).catch(() => null);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
