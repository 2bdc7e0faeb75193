/** What became of runs day by day and drop root by drop root. The sums are the schema's work: triggers keep them. */
import type { DaySum } from './nouns.ts';
import type { Statements } from './prepare.ts';

export function dayOperations(sql: Statements) {
  return {
    /**
     * Sums of each day in which anything happened, the oldest first; one for each status that solvers ended with.
     * @param from days since 1970 in UTC, like `to`, which is included
     * @param dropRoot null: all
     */
    days(from: number, to: number, dropRoot: string | null): DaySum[] {
      return sql.days.all({ from, to, dropRoot }) as DaySum[];
    },

    /**
     * Adds some runs from before there were sums.
     * @param limit so many numbers of runs are gone through at most
     * @returns whether there are more
     */
    countOldRuns(limit: number): boolean {
      const { countedTo, countEnd } = (sql.countedTo.get() ?? { countedTo: 0, countEnd: 0 }) as {
        readonly countedTo: number;
        readonly countEnd: number;
      };
      if (countedTo >= countEnd) return false;
      const pages = { from: countedTo, to: Math.min(countedTo + limit, countEnd) };
      sql.countOldMade.run(pages);
      sql.countOldRecorded.run(pages);
      sql.markOldCounted.run(pages);
      sql.saveCountedTo.run({ to: pages.to });
      return pages.to < countEnd;
    },
  };
}
