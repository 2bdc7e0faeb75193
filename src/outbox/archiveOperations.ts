/** Which folders may be archived, which moves were begun, and where folders went. */
import type { ArchiveCandidate, BegunArchiving } from './nouns.ts';
import type { Statements } from './prepare.ts';
import { directoryOf } from './rows.ts';
import type { RunRows } from './runRows.ts';

export function archiveOperations(sql: Statements, { thin, runByNumber, tell }: RunRows) {
  return {
    /** Folders whose run has been recorded since then or longer, in the order of their paths. */
    archiveCandidates(
      dropRoot: string,
      after: string,
      recordedBeforeMs: number,
      limit: number,
    ): ArchiveCandidate[] {
      const rows = sql.archiveCandidates.all({ dropRoot, after, recordedBeforeMs, limit });
      return (rows as (Omit<ArchiveCandidate, 'directory'> & { directory: string })[]).map((row) => ({
        ...row,
        directory: directoryOf(row.directory),
      }));
    },

    beginArchiving(run: number, target: string, nowMs: number): void {
      thin.thicken(run);
      sql.beginArchiving.run({ run, target, nowMs });
    },

    begunArchivings: (dropRoot: string): BegunArchiving[] =>
      sql.begunArchivings.all({ dropRoot }) as BegunArchiving[],

    forgetArchiving(run: number): void {
      sql.forgetArchiving.run({ run });
    },

    /** The folder lies in the archive: there is nothing of it in the drop root any more that could be looked at. */
    archived(run: number, dropRoot: string, path: string, target: string, nowMs: number): void {
      thin.thicken(run);
      sql.noteArchived.run({ run, target });
      sql.forgetArchiving.run({ run });
      sql.forgetFolder.run({ dropRoot, path });
      const found = runByNumber(run);
      if (found !== null) tell(run, found.life.state.kind, `its folder was archived: ${target}`, nowMs);
    },
  };
}
