/** Lets go of the stories of runs that ended long ago. Their rows stay, because by them nothing is sent twice. */
import { thinContent } from '../core/thinning.ts';
import type { Statements } from './prepare.ts';
import type { RunRows } from './runRows.ts';

export function thinOperations(sql: Statements, { runs }: RunRows) {
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
      const found = runs(sql.thickRuns.all({ beforeMs, limit }));
      for (const { run, life, content, settings } of found) {
        sql.forgetHistory.run({ run });
        if (life.state.kind !== 'recorded') sql.thinStory.run({ run });
        else {
          const { instance, name } = settings;
          const kept = { content: thinContent(content), settings: { instance, name } };
          sql.thinRun.run({
            run,
            content: JSON.stringify(kept.content),
            settings: JSON.stringify(kept.settings),
          });
        }
      }
      return found.length;
    },
  };
}
