/** What a narrowed pace means, for a person. Pure. */
import prettyMs from 'pretty-ms';
import { isWellBelow } from '../core/pace.ts';
import type { StatusView } from './operations.ts';

type BudgetView = StatusView['platform']['budget'];

/** @returns a sentence; null: the pace is not narrowed */
export function narrowedText({ narrowed, waiting, limits, ...now }: BudgetView): string | null {
  if (!narrowed) return null;
  const runs =
    now.runs_per_second !== null && isNarrow(now.runs_per_second, limits.runs_per_second)
      ? [`${runsText(now.runs_per_second)} for now${where(limits.runs_per_second, 'a second')}`]
      : [];
  const requests =
    now.requests_per_minute !== null && isNarrow(now.requests_per_minute, limits.requests_per_minute)
      ? [
          `${String(now.requests_per_minute)} requests a minute for now${where(limits.requests_per_minute, 'a minute')}`,
        ]
      : [];
  const wait = waiting === 1 ? '1 request waits' : `${String(waiting)} requests wait`;
  return `the platform refuses some requests as too many (429), as when other hosts use the same account: ${[...runs, ...requests, wait].join(', ')}; it widens again by itself`;
}

/** With no limit in the configuration, one was learned from a refusal. */
const isNarrow = (now: number, limit: number | null): boolean => limit === null || isWellBelow(now, limit);

const where = (limit: number | null, per: string): string =>
  limit === null ? '' : ` (${String(limit)} ${per} are configured)`;

function runsText(perSecond: number): string {
  return perSecond >= 1
    ? `${String(perSecond)} runs a second`
    : `a run every ${prettyMs(1_000 / Math.max(perSecond, 0.001), { secondsDecimalDigits: 0 })}`;
}
