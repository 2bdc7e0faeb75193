/**
 * What is kept of a drop root as a whole, and what a scan and an audit ask about its folders: in pages, and by slim
 * questions, because there may be a hundred thousand of them.
 */
import { isSameMark, keptOf, textOf } from '../core/keptMark.ts';
import type { DoubtOperations } from './doubtOperations.ts';
import type { KeptPlace, OtherName, Recorded, RootStart, ScanFacts } from './nouns.ts';
import type { Statements } from './prepare.ts';

/** Of so many parts of a root each has its share in a sample. */
const sampledParts = 20;

/** The target of a root in which folders were tracked, and which was never watched. */
const trackedOnly = '';

interface RootRow extends RootStart {
  readonly mark: string;
  readonly realPath: string | null;
  readonly target: string | null;
  readonly auditedTo: string;
}

export function rootOperations(sql: Statements, doubt: Pick<DoubtOperations, 'distrust'>) {
  const rootOf = (dropRoot: string): RootRow | undefined => sql.root.get({ dropRoot }) as RootRow | undefined;
  /** One in which folders were tracked alone has not begun. */
  const begunRoot = (dropRoot: string): RootRow | undefined => {
    const row = rootOf(dropRoot);
    return row?.target === trackedOnly ? undefined : row;
  };
  /** Its directory is there, and is of no other name: not of one either that knows it by what was kept before its birth was. */
  const settleRootPath = (dropRoot: string, realPath: string): void => {
    const mark = rootOf(dropRoot)?.mark ?? '';
    for (const other of sql.otherNames.all({ dropRoot, mark, realPath }) as OtherName[]) {
      const kept = keptOf(other.mark);
      if (other.realPath === realPath && kept.mark !== mark && isSameMark(kept.mark, mark))
        sql.saveRootMark.run({ dropRoot: other.name, mark: textOf({ ...kept, mark }) });
    }
    sql.saveRootPath.run({ dropRoot, realPath });
  };
  const recordedOf = (dropRoot: string, after: string, limit: number): Recorded[] =>
    sql.recorded.raw().all({ dropRoot, after, limit }) as Recorded[];

  return {
    rootPlace(dropRoot: string): KeptPlace {
      return placeOf(rootOf(dropRoot));
    },

    saveRootMark(dropRoot: string, mark: string): void {
      sql.saveRootMark.run({ dropRoot, mark });
    },

    /** Names under which the directory is known, or may be: of those that lie elsewhere the mark alone speaks for it. */
    otherNames(dropRoot: string, mark: string, realPath: string): OtherName[] {
      return sql.otherNames.all({ dropRoot, mark, realPath }) as OtherName[];
    },

    /** From now on a root that was looked at before lies there, and that directory is of no other name. */
    saveRootPath(dropRoot: string, realPath: string): void {
      settleRootPath(dropRoot, realPath);
    },

    /** Where a root is that a folder is tracked in. It does not count as looked at: that, and its first start, are to come. */
    keepRootPlace(
      dropRoot: string,
      { mark, realPath }: { readonly mark: string; readonly realPath: string },
    ): void {
      const before = rootOf(dropRoot);
      if (before === undefined) sql.keepRootPlace.run({ dropRoot, mark });
      else if (before.realPath !== null || before.mark !== mark) return;
      settleRootPath(dropRoot, realPath);
    },

    /**
     * A process begins to watch the root. For a platform and app that it was never watched for, that is a first start,
     * unless the outbox is not believed: then it was most likely watched before.
     * @returns whether it is a first start
     */
    beginRoot(
      dropRoot: string,
      { mark, realPath }: { readonly mark: string; readonly realPath: string },
      target: string,
      nowMs: number,
    ): RootStart & { isFirst: boolean } {
      const before = rootOf(dropRoot);
      if (before?.target === target) {
        const { firstStartMs, historyFound } = before;
        return { firstStartMs, historyFound, isFirst: false };
      }
      const firstStartMs = doubt.distrust() === null ? nowMs : null;
      sql.beginRoot.run({ dropRoot, mark, realPath, target, firstStartMs });
      const now = rootOf(dropRoot);
      const isFirst = now?.firstStartMs === nowMs;
      if (isFirst) sql.noteHistory.run({ dropRoot, found: 0 });
      if (before === undefined || before.target === trackedOnly) settleRootPath(dropRoot, realPath);
      return { firstStartMs: now?.firstStartMs ?? null, historyFound: 0, isFirst };
    },

    /**
     * All that a scan has to know beforehand, in one question: an idle daemon asks little else.
     * @param recordedMax the recorded folders are wanted when they are not more than this
     */
    scanFacts(dropRoot: string, recordedMax: number): ScanFacts {
      const row = rootOf(dropRoot);
      const isSmall = Number(sql.countRecorded.pluck().get({ dropRoot })) <= recordedMax;
      return {
        place: placeOf(row),
        start: startOf(begunRoot(dropRoot)),
        distrust: doubt.distrust(),
        hasUnsettled: sql.unsettled.pluck().get({ dropRoot, after: '', limit: 1 }) !== undefined,
        hasAside: sql.anyAside.get({ dropRoot }) !== undefined,
        recorded: isSmall ? recordedOf(dropRoot, '', recordedMax) : null,
      };
    },

    rootStart(dropRoot: string): RootStart | null {
      return startOf(begunRoot(dropRoot));
    },

    noteHistory(dropRoot: string, found: number): void {
      sql.noteHistory.run({ dropRoot, found });
    },

    /** Whether history may be left out: not what a person wants, and not while the outbox is not believed. */
    mayLeaveOut(dropRoot: string, path: string): boolean {
      const root = begunRoot(dropRoot);
      if (root?.firstStartMs === null || doubt.distrust() !== null) return false;
      return sql.isWanted.pluck().get({ dropRoot, path }) !== 1;
    },

    /** A person wants this folder tracked, whatever backfill says: the next scan looks at it. */
    wantFolder(dropRoot: string, path: string, nowMs: number): void {
      sql.wantFolder.run({ dropRoot, path, nowMs });
    },

    /** Likewise for a page of the history that was left out. @returns its paths; none: there is no more */
    wantLeftOut(dropRoot: string, after: string, limit: number, nowMs: number): string[] {
      const paths = sql.leftOut.pluck().all({ dropRoot, after, limit }) as string[];
      for (const path of paths) sql.wantFolder.run({ dropRoot, path, nowMs });
      return paths;
    },

    /** Paths of history that was left out, in pages. */
    leftOut(dropRoot: string, after: string, limit: number): string[] {
      return sql.leftOut.pluck().all({ dropRoot, after, limit }) as string[];
    },

    /** Which of these paths a look is needed at: new ones, open ones, and those of another platform or app. */
    lookWanted(dropRoot: string, target: string, paths: readonly string[]): string[] {
      return sql.lookWanted.pluck().all({ dropRoot, target, paths: JSON.stringify(paths) }) as string[];
    },

    /** Paths that somebody asked a fresh look for, in pages. */
    unsettled(dropRoot: string, after: string, limit: number): string[] {
      return sql.unsettled.pluck().all({ dropRoot, after, limit }) as string[];
    },

    /** Folders that have been dealt with, in the order of their paths, in pages. */
    recorded(dropRoot: string, after: string, limit: number): Recorded[] {
      return recordedOf(dropRoot, after, limit);
    },

    folderCount(dropRoot: string): number {
      return Number(sql.countFolders.pluck().get({ dropRoot }));
    },

    /** Where the audit of an earlier process had come to. */
    auditedTo(dropRoot: string): string {
      return rootOf(dropRoot)?.auditedTo ?? '';
    },

    saveAuditedTo(dropRoot: string, path: string): void {
      sql.saveAuditedTo.run({ dropRoot, path });
    },

    /**
     * Paths of folders that were first seen before then, from all parts of the root: where names are dates, those that come
     * first are the ones that are cleared away first.
     */
    sampleOfFolders(dropRoot: string, beforeMs: number, max: number): string[] {
      const total = Number(sql.countFolders.pluck().get({ dropRoot }));
      const sample: string[] = [];
      let after = '';
      for (let part = 1; part <= sampledParts; part += 1) {
        const skipped = Math.ceil((part * total) / sampledParts) - 1;
        const upTo = sql.folderPathAt.pluck().get({ dropRoot, skipped }) as string | undefined;
        if (upTo === undefined) break;
        const range = { dropRoot, after, upTo, beforeMs, limit: max / sampledParts };
        sample.push(...(sql.foldersSeenBefore.pluck().all(range) as string[]));
        after = upTo;
      }
      return sample;
    },
  };
}

function startOf(row: RootRow | undefined): RootStart | null {
  return row === undefined ? null : { firstStartMs: row.firstStartMs, historyFound: row.historyFound };
}

function placeOf(row: RootRow | undefined): KeptPlace {
  const mark = row === undefined || row.target === trackedOnly ? null : row.mark;
  return { mark, realPath: row?.realPath ?? null };
}
