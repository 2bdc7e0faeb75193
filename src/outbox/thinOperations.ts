/** Lets go of the stories of runs that ended long ago. What is left of them keeps anything from being sent twice. */
import type { Statements } from './prepare.ts';
import type { RunRows } from './runRows.ts';
import type { ThickRow } from './thinRuns.ts';

export function thinOperations(sql: Statements, { thin }: Pick<RunRows, 'thin'>) {
  return {
    /**
     * Thins some runs that have ended by then, those that ended first. One that a person or its folder may revive loses
     * its history only: it would be uploaded by what its row says.
     * @param limit so many at most
     * @returns how many there were
     */
    thinRuns(beforeMs: number, limit: number): number {
      const { countedTo, countEnd } = (sql.countedTo.get() ?? { countedTo: 0, countEnd: 0 }) as {
        readonly countedTo: number;
        readonly countEnd: number;
      };
      // The sums of each day are made of what would be let go.
      if (countedTo < countEnd) return 0;
      const found = sql.thickRuns.all({ beforeMs, limit }) as ThickRow[];
      for (const row of found) {
        if (row.kind === 'recorded') thin.thin(row);
        else {
          sql.forgetHistory.run({ run: row.run });
          sql.thinStory.run({ run: row.run });
        }
      }
      return found.length;
    },
  };
}
