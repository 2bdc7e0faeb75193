/** What is kept of folders: those that are not runs yet with the reason, and those that are with what they looked like. */
import { compareUtf8 } from '../core/identity.ts';
import type { RunState, ShownState } from '../core/run.ts';
import { isLeftOutHistory, type Folder, type RecentRun, type Run, type RunQuery } from './nouns.ts';
import { folderColumns, folderOf, runOf, type FolderRow, type RunRow } from './rows.ts';
import type { Statements } from './prepare.ts';
import type { Chance, RunRows } from './runRows.ts';

type OpenState = Exclude<Folder['state'], 'known'>;
/** Said of folders only. A run can be skipped as well as a folder. */
const folderStates: readonly string[] = ['settling', 'overdue', 'rejected'] satisfies OpenState[];

/** Of one inode and one look: of folders without files there may be some, until those that are gone are forgotten. */
const sameInodeMax = 20;

/** No name comes after it. */
const lastCharacter = '\u{10ffff}';

/** Of a full page of runs those thinned ones are wanted that come in between, and they are mostly older. */
function aboveIn(page: readonly { readonly run: number }[], limit: number): number {
  return page.length < limit ? 0 : (page.at(-1)?.run ?? 0);
}

export function folderOperations(
  sql: Statements,
  { thin, runByNumber, runsAtPath, unsentAtPath, newestFirst, seized, applyTo }: RunRows,
) {
  const folders = (rows: unknown[]): Folder[] => (rows as FolderRow[]).map(folderOf);
  const folderAt = (dropRoot: string, path: string): Folder | undefined =>
    folders(sql.folder.all({ dropRoot, path }))[0];
  const runs = (rows: unknown[]): Run[] => (rows as RunRow[]).map(runOf);

  /** The first run that this outbox ever made; null: it never made one. */
  const oldestRun = (): number | null => {
    const oldest = [sql.oldestRun, sql.oldestThin].map(
      (statement) => statement.pluck().get() as number | null,
    );
    const made = oldest.filter((run) => run !== null);
    return made.length === 0 ? null : Math.min(...made);
  };

  return {
    /** The host is frozen with the first run: it is part of every key. @returns the one that counts */
    freezeHost(host: string, nowMs: number): string {
      const frozen = sql.readHost.pluck().get() as string | null | undefined;
      if (frozen != null && (frozen === host || oldestRun() !== null)) return frozen;
      sql.saveHost.run({ host, nowMs });
      // The lists were read for runs under the other name.
      sql.forgetProofs.run();
      return host;
    },

    /** Those of the wanted folders that are known, in no order. */
    folders(dropRoot: string, paths: readonly string[]): Folder[] {
      return folders(
        paths.flatMap((path) => {
          const row = sql.folder.get({ dropRoot, path });
          return row === undefined ? [] : [row];
        }),
      );
    },

    /** Pages through the folders of a root in the order of their paths. */
    foldersOfRoot(dropRoot: string, after: string, limit: number): Folder[] {
      return folders(sql.foldersOfRoot.all({ dropRoot, after, limit }));
    },

    /**
     * Paths of a root that end in a name, of folders and of runs whose folders are gone: one date folder after the other
     * is asked for it, which costs as many looks as there are date folders, however many run folders lie in them.
     * @param levels that lie above the name
     * @param after null at first, then what the page before said
     * @returns after: null when all date folders were asked
     */
    pathsNamed(
      dropRoot: string,
      name: string,
      levels: number,
      after: string | null,
      parentsMax: number,
    ): { readonly paths: readonly string[]; readonly after: string | null } {
      const paths: string[] = [];
      let at = after ?? '';
      for (let asked = 0; asked < parentsMax; asked += 1) {
        const next = [sql.nextFolderPath, sql.nextRunPath]
          .map((statement) => statement.pluck().get({ dropRoot, after: at }) as string | undefined)
          .filter((path) => path !== undefined)
          .sort(compareUtf8)[0];
        if (next === undefined) return { paths, after: null };
        const names = next.split('/');
        if (names.length <= levels) {
          at = next;
          continue;
        }
        const parent = names.slice(0, levels).join('/');
        const path = `${parent}/${name}`;
        const isThere =
          sql.folder.get({ dropRoot, path }) !== undefined || runsAtPath(dropRoot, path, 1).length > 0;
        if (isThere) paths.push(path);
        at = `${parent}/${lastCharacter}`;
      }
      return { paths, after: at };
    },

    saveFolder(folder: Folder): void {
      sql.saveFolder.run(folderColumns(folder));
    },

    /**
     * A person's word, which is believed only of what it was said of: the folder may have become something else since.
     * @param states of which it has to be in one
     * @returns the folder as it is then; null: it is in none of these, and is left as it is
     */
    skipFolder(dropRoot: string, path: string, states: readonly OpenState[], nowMs: number): Folder | null {
      const hint = 'It is looked at again when its content changes.';
      const row = sql.skipFolder.get({ dropRoot, path, states: JSON.stringify(states), hint, nowMs });
      return row === undefined ? null : folderOf(row as FolderRow);
    },

    forgetFolder(dropRoot: string, path: string): void {
      sql.forgetFolder.run({ dropRoot, path });
    },

    /**
     * The folder is not there any more, and what was to be sent of it is gone. One that was sent and is in somebody's hand
     * finds out by itself: the folder stays known until then.
     * @returns which runs are gone since
     */
    folderVanished(dropRoot: string, path: string, chance: Chance): number[] {
      const there = sql.folder.get({ dropRoot, path }) as FolderRow | undefined;
      const run = there?.run == null ? null : runByNumber(there.run);
      const isInHand = run?.isClaimed === true && run.path === path;
      if (isInHand && run.life.state.kind !== 'queued' && run.life.state.kind !== 'uploaded') return [];
      const gone = unsentAtPath(dropRoot, path, 0).map((unsent) =>
        applyTo(seized(unsent), { kind: 'vanished' }, chance),
      );
      sql.forgetFolder.run({ dropRoot, path });
      return gone.map((unsent) => unsent.run);
    },

    /** History that was left out and looked like this, in a directory of this inode, wherever in the root that lay. */
    leftOutOfInode(dropRoot: string, inode: string, signature: string): Folder[] {
      return folders(sql.leftOutOfInode.all({ dropRoot, inode, signature, limit: sameInodeMax }));
    },

    /**
     * It lies under another name by now, and stays left out. What was left out under that name was renamed as well, and is
     * found under the old name of this one by whoever comes upon it.
     */
    moveLeftOut(dropRoot: string, from: string, path: string): void {
      const moved = folderAt(dropRoot, from);
      if (moved === undefined || !isLeftOutHistory(moved)) return;
      const there = folderAt(dropRoot, path);
      sql.forgetFolder.run({ dropRoot, path: from });
      sql.saveFolder.run(folderColumns({ ...moved, path }));
      if (there !== undefined && isLeftOutHistory(there))
        sql.saveFolder.run(folderColumns({ ...there, path: from }));
    },

    /** Asks the next scan to look at the folder as if it had changed. */
    unsettleFolder(dropRoot: string, path: string, nowMs: number): void {
      sql.unsettleFolder.run({ dropRoot, path, nowMs });
    },

    /**
     * Folders whose results lie aside, and have for so long; or since a time that is still to come, by a clock that was set.
     * Whoever takes them tries what can be done, and they are not due again before that time has passed once more.
     */
    takeAside(dropRoot: string, forMs: number, nowMs: number, limit: number): string[] {
      const times = [
        { afterMs: -1, upToMs: nowMs - forMs },
        { afterMs: nowMs, upToMs: Number.MAX_SAFE_INTEGER },
      ];
      return times.flatMap(
        (time) => sql.takeAside.pluck().all({ dropRoot, ...time, nowMs, limit }) as string[],
      );
    },

    /** Folders in a state, in the order of root and path, in pages: `after` is the last one of the page before. */
    openFolders(
      state: OpenState,
      dropRoot: string | null,
      after: Pick<Folder, 'dropRoot' | 'path'> | null,
      limit: number,
    ): Folder[] {
      const afterPath = after?.path ?? '';
      if (dropRoot !== null) return folders(sql.openFoldersOfRoot.all({ state, dropRoot, afterPath, limit }));
      return folders(sql.openFolders.all({ state, afterRoot: after?.dropRoot ?? '', afterPath, limit }));
    },

    oldestRun,

    /** When a folder that is settling last changed, wall clock in ms; null: none is settling. */
    newestChangeMs(): number | null {
      return sql.newestChange.pluck().get() as number | null;
    },

    /** How many runs and folders there are in each state, all roots together and folders root by root. */
    counts(): {
      states: Partial<Record<ShownState, number>>;
      folders: { dropRoot: string; state: OpenState; count: number }[];
      /** History that waits to be sent, root by root. */
      backlog: { dropRoot: string; count: number }[];
      /** Runs whose output came back different from what was sent. */
      differing: number;
    } {
      const states: Partial<Record<ShownState, number>> = {};
      for (const { kind, count } of sql.countRuns.all() as { kind: RunState['kind']; count: number }[])
        states[kind] = count;
      const open = sql.countOpenFolders.all() as { state: OpenState; dropRoot: string; count: number }[];
      for (const { state, count } of open) states[state] = (states[state] ?? 0) + count;
      const backlog = sql.countBacklog.all() as { dropRoot: string; count: number }[];
      const differing =
        Number(sql.countDiffering.pluck().get()) + Number(sql.countThinDiffering.pluck().get());
      return { states, folders: open, backlog, differing };
    },

    /** Runs, newest first. Folders that are no runs are `openFolders`. */
    list(query: RunQuery): Run[] {
      const kinds = query.states.filter((state): state is RunState['kind'] => !folderStates.includes(state));
      if (query.states.length > 0 && kinds.length === 0) return [];
      const found: Run[] = [];
      const { dropRoot, sinceMs } = query;
      const read = (hasThin: boolean, page: (before: number, limit: number) => unknown[]): void => {
        let before = query.beforeRun ?? Number.MAX_SAFE_INTEGER;
        for (let taken = 0; taken < query.limit;) {
          const thick = page(before, query.limit) as RunRow[];
          const above = aboveIn(thick, query.limit);
          const thinned = hasThin ? thin.page(dropRoot, before, above, query.limit) : [];
          const rows = newestFirst(thick, thinned, query.limit);
          const fits = rows.filter(({ createdAtMs }) => sinceMs === null || createdAtMs >= sinceMs);
          found.push(...fits);
          taken += fits.length;
          const last = rows.at(-1);
          if (last === undefined || rows.length < query.limit) return;
          if (sinceMs !== null && last.createdAtMs < sinceMs) return;
          before = last.run;
        }
      };
      for (const kind of kinds.length === 0 ? [null] : kinds)
        read(kind === null || kind === 'recorded', newestOf(sql, dropRoot, kind));
      return found.sort((a, b) => b.run - a.run).slice(0, query.limit);
    },

    /**
     * The newest runs of the drop roots that made one last, with what a picture of them shows: root by root, newest first.
     * Of those that were thinned there is nothing left to draw.
     * @param ofRootMax so many of each root, however busy the others are
     */
    recentRuns(rootsMax: number, ofRootMax: number): RecentRun[] {
      const newest = (dropRoot: string): number => Number(sql.newestRunOfRoot.pluck().get({ dropRoot }) ?? 0);
      return (sql.rootsWithRuns.pluck().all() as string[])
        .map((dropRoot) => ({ dropRoot, run: newest(dropRoot) }))
        .sort((a, b) => b.run - a.run)
        .slice(0, rootsMax)
        .flatMap(({ dropRoot }) => sql.recentRuns.all({ dropRoot, limit: ofRootMax }) as RecentRun[]);
    },

    /** Runs that have been in this state since then or longer, the oldest first. */
    lasting(kind: RunState['kind'], sinceMs: number, limit: number): Run[] {
      // Of these there may be very many, and hardly any that has lasted for long.
      const lasting = kind === 'unknown' ? sql.lastingUnknown : sql.lasting;
      return runs(lasting.all({ kind, sinceMs, limit }));
    },

    /** Runs that were sent again and again since then, or longer, with answers that said nothing. */
    lastingUnclear(sinceMs: number, limit: number): Run[] {
      return runs(sql.lastingUnclear.all({ sinceMs, limit }));
    },

    oldestOf(kind: RunState['kind']): Run | null {
      const row = sql.oldestOfKind.get({ kind }) as RunRow | undefined;
      return row === undefined ? null : runOf(row);
    },
  };
}

/**
 * Pages of the newest runs that fit, along the index in which the fewest others lie between them.
 * @param dropRoot null: any. @param kind likewise
 */
function newestOf(
  sql: Statements,
  dropRoot: string | null,
  kind: RunState['kind'] | null,
): (before: number, limit: number) => unknown[] {
  if (dropRoot === null) {
    if (kind === null) return (before, limit) => sql.newestRuns.all({ before, limit });
    return (before, limit) => sql.newestRunsOfKind.all({ kind, before, limit });
  }
  if (kind === null) return (before, limit) => sql.newestRunsOfRoot.all({ dropRoot, before, limit });
  const { ofKind, ofRoot } = sql.countsOfKindAndRoot.get({ kind, dropRoot }) as {
    readonly ofKind: number;
    readonly ofRoot: number;
  };
  const newest = ofKind < ofRoot ? sql.newestOfBothByKind : sql.newestOfBothByRoot;
  return (before, limit) => newest.all({ kind, dropRoot, before, limit });
}
