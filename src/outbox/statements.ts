/**
 * Every statement that touches the outbox, in one place. A test asks SQLite for the plan of each of them: a query that
 * reads a whole table would be noticed there, and not at a million rows.
 *
 * A limit is given as a sum, and a kind as a sum of texts, because SQLite looks at a bare parameter when it plans (there are
 * indexes of some kinds alone), and then plans anew whenever the statement is carried out: that takes longer than finding
 * a few rows. It is opened without statistics to plan by (`database.ts`).
 */

const runColumns = `run, fingerprint, version, platform, app, host, drop_root as dropRoot, first_path as firstPath,
  generation, counter, path, directory, content, settings, state, kind, run_id as runId, since_ms as sinceMs, tries,
  tries_total as triesTotal, plainest, ever_unknown as everUnknown, due_at_ms as dueAtMs, claimed, fence, suspect,
  warnings, created_at_ms as createdAtMs, distrusted, twin, archived_to as archivedTo, facts, sent, thinned,
  output_same as outputSame, unclear_since_ms as unclearSinceMs`;

const thinColumns = `thin_run.run, facts as common, generation, counter, first_path as firstPath, path,
  cast(inode as text) as ino, cast(birth_ns as text) as birthNs, files_mark as filesMark, run_id as runId,
  since_ms as sinceMs, took_ms as tookMs, tries_total as triesTotal, fence, failed, plainest, ever_unknown as everUnknown,
  backlog, counted, output_same as outputSame, name, files, archived_to as archivedTo`;
const thinFrom = 'from thin_run cross join thin_common on thin_common.common = thin_run.common';
const thinFromMark = `from thin_mark cross join thin_run on thin_run.run = thin_mark.run
    cross join thin_common on thin_common.common = thin_run.common`;

const folderColumns = `drop_root as dropRoot, path, state, reason_class as reasonClass, reason, hint, signature, directory,
  first_seen_ms as firstSeenMs, changed_at_ms as changedAtMs, since_ms as sinceMs, run, target`;

/** What may be claimed: of this platform, of no app that is paused, and nothing that would send to an app whose list is being read. */
const isFree = `platform = @platform and app not in (select value from json_each(@pausedApps))
      and not (kind in ('queued', 'uploaded') and app in (select value from json_each(@heldApps)))`;

const waitingRun =
  'run indexed by run_waiting where line = @line and platform = @platform and claimed = 0 and due_at_ms is not null';

export const statements = {
  readHost: 'select host from outbox where only = 1',
  saveHost: `insert into outbox (only, host, created_at_ms) values (1, @host, @nowMs)
    on conflict (only) do update set host = excluded.host`,

  // A claim of an earlier process ends when a new one owns the outbox, never by a timer.
  leftInHand: `select ${runColumns} from run where claimed > 0`,
  leftIntended: `select ${runColumns} from run where kind = 'intended'`,
  // Deaths of the same step alone count: whatever kills at random meets a run now here, now there.
  releaseLeft: `update run set claimed = 0, suspect = 1, fence = fence + 1,
      crashes = iif(claimed < 2, crashes, iif(crashed_in = kind, crashes, 0) + 1),
      crashed_in = iif(claimed < 2, crashed_in, kind)
    where claimed > 0`,

  restLastSuspects: `update run indexed by run_suspect set due_at_ms = @dueAtMs where suspect = 1 and claimed = 0
      and due_at_ms is not null and due_at_ms < @dueAtMs and crashes >= @crashes`,

  pullDue:
    'update run set due_at_ms = due_at_ms + @byMs where line = @line and claimed = 0 and due_at_ms > @nowMs',
  capDue: 'update run set due_at_ms = @latestMs where line = @line and claimed = 0 and due_at_ms > @latestMs',
  pullEnded: `update run set since_ms = @nowMs where run in (select run from run indexed by run_thick
      where (kind = 'recorded' or (thinned = 0 and kind in ('skipped', 'superseded', 'gone'))) and since_ms > @nowMs
      limit @limit + 0)`,
  setState: 'update run set state = @state where run = @run',
  setStateAndDue: 'update run set state = @state, due_at_ms = @dueAtMs where run = @run',

  insertRun: `insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation, counter,
      path, directory, content, settings, state, since_ms, due_at_ms, created_at_ms, warnings, backlog,
      run_id, distrusted, ever_unknown, facts)
    values (@fingerprint, @version, @platform, @app, @host, @dropRoot, @firstPath, @generation, @counter,
      @path, @directory, @content, @settings, @state, @nowMs, @dueAtMs, @nowMs, @warnings, @backlog,
      @runId, @distrusted, @distrusted, @facts)
    returning run`,
  runByNumber: `select ${runColumns} from run where run = @run`,
  runsAtPath: `select ${runColumns} from run where drop_root = @dropRoot and path = @path order by run desc limit @limit + 0`,
  sameContentAtPath: `select ${runColumns} from run where drop_root = @dropRoot and path = @path
      and generation = @generation and app = @app and platform = @platform and host = @host and version = @version
    order by run desc limit @limit + 0`,
  newestOfKey: `select counter, path from run where drop_root = @dropRoot and first_path = @firstPath
      and generation = @generation and app = @app and platform = @platform and host = @host and version = @version
    order by counter desc limit 1`,
  unsentAtPath: `select run from run where drop_root = @dropRoot and path = @path and run <> @run
      and (kind in ('queued', 'uploaded') or (kind = 'parked' and state ->> '$.from.kind' in ('queued', 'uploaded')))`,
  // What made way for another app or platform was not meant beside it.
  leftAtPath: `select run from run where inode = @inode and generation = @generation and drop_root = @dropRoot
      and path = @path and run <> @run and kind in ('superseded', 'gone') and state ->> '$.by' is null`,
  sameDirectory: `select ${runColumns} from run where inode = @inode and generation = @generation
    order by run desc limit @limit + 0`,
  moveRun: 'update run set path = @path where run = @run',
  refreshContent: `update run set content = @content, facts = @facts, settings = @settings, warnings = @warnings
    where run = @run`,
  refreshDirectory: 'update run set directory = @directory where run = @run',
  noteSent: 'update run set sent = @sent where run = @run and fence = @fence and claimed > 0',
  setWarnings: 'update run set warnings = @warnings where run = @run',

  // One statement picks, marks and counts: there is no gap between reading and claiming.
  claimDue: `update run set claimed = @mark, fence = fence + 1, tries_total = tries_total + 1
    where run in (select run from run where line = @line and claimed = 0 and due_at_ms <= @nowMs
      and ${isFree} order by due_at_ms limit @limit + 0)
    returning ${runColumns}`,
  // From one app to the next by the index: those that wait may be a million, and of one app.
  appsWithDue: `with recursive waiting (app) as (
      select (select app from ${waitingRun} order by app limit 1)
      union all select (select app from ${waitingRun} and app > waiting.app order by app limit 1)
        from waiting where app is not null)
    select app from waiting where app is not null
      and exists (select 1 from ${waitingRun} and run.app = waiting.app and due_at_ms <= @nowMs)`,
  dueOfApp: `select run, due_at_ms as dueAtMs from ${waitingRun} and app = @app and due_at_ms <= @nowMs
    order by due_at_ms limit @limit + 0`,
  anyOfApp: `select 1 from ${waitingRun} and app = @app limit 1`,
  claimRuns: `update run set claimed = 1, fence = fence + 1, tries_total = tries_total + 1
    where run in (select value from json_each(@runs))
    returning ${runColumns}`,
  claimRun: `update run set claimed = 1, fence = fence + 1, tries_total = tries_total + 1
    where run = @run and lane = 'deliver' and claimed = 0 and due_at_ms <= @nowMs and platform = @platform
    returning ${runColumns}`,
  claimSuspect: `update run set claimed = 2, fence = fence + 1, tries_total = tries_total + 1
    where run = (select run from run indexed by run_suspect where suspect = 1 and claimed = 0 and due_at_ms <= @nowMs
      and lane = 'deliver' and ${isFree} order by crashes, due_at_ms limit 1)
    returning ${runColumns}`,
  anySuspectDue: `select 1 from run indexed by run_suspect where suspect = 1 and claimed = 0 and due_at_ms <= @nowMs
      and lane = 'deliver' and ${isFree} limit 1`,
  anyInHand: 'select max(claimed) from run where claimed > 0',
  anyOfAppInHand: 'select 1 from run where claimed > 0 and platform = @platform and app = @app limit 1',
  nextDue: `select due_at_ms from run where line = @line and claimed = 0 and due_at_ms is not null
      and platform = @platform order by due_at_ms limit 1`,
  foreignDue: `select platform, sum(runs) as count from run_count where runs > 0 and platform <> @platform
      and kind in ('queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final') group by platform`,

  conclude: `update run set state = @state, run_id = coalesce(@runId, run_id), tries = @tries, plainest = @plainest,
      ever_unknown = @everUnknown, due_at_ms = @dueAtMs, since_ms = iif(kind = @kind, since_ms, @nowMs),
      thinned = iif(kind = @kind, thinned, 0), claimed = iif(@keep, claimed, 0), unclear_since_ms = @unclearSinceMs,
      suspect = iif(@keep or @kind in ('uploaded', 'intended'), suspect, 0),
      crashes = iif(@keep and kind = @kind or @kind in ('uploaded', 'intended'), crashes, 0),
      output_same = coalesce(@outputSame, output_same)
    where run = @run and fence = @fence and claimed > 0`,
  countIntent: 'update outbox set intents = intents + 1 where only = 1',
  // To and back in one change: nothing is other than before, but there is a commit to sync, and with it all that lies
  // before it in the journal. The same value written once more would not be written at all.
  stir: 'update outbox set intents = intents + 1 where only = 1',
  calm: 'update outbox set intents = intents - 1 where only = 1',
  intents: 'select intents from outbox where only = 1',
  countProving: `select count(*) from run indexed by run_distrusted where kind = 'unknown' and distrusted = 1`,
  release: `update run set claimed = 0, due_at_ms = @dueAtMs, tries_total = tries_total - @untried
    where run = @run and fence = @fence and claimed > 0`,
  applyUnclaimed: `update run set state = @state, run_id = coalesce(@runId, run_id), tries = @tries,
      plainest = @plainest, ever_unknown = @everUnknown, due_at_ms = @dueAtMs,
      since_ms = iif(kind = @kind, since_ms, @nowMs), thinned = iif(kind = @kind, thinned, 0),
      unclear_since_ms = @unclearSinceMs, suspect = iif(@isSuspect, suspect, 0), crashes = iif(@isSuspect, crashes, 0)
    where run = @run and claimed = 0`,
  seize: `update run set claimed = 0, fence = fence + 1 where run = @run and kind in ('queued', 'uploaded')`,
  crashedAlone: 'select crashes from run where run = @run',

  addHistory: 'insert into history (run, at_ms, kind, note) values (@run, @nowMs, @kind, @note)',
  historyCount: 'select count(*) from history where run = @run',
  trimHistory: `delete from history where run = @run and rowid in
    (select rowid from history where run = @run order by rowid limit @surplus + 0)`,
  forgetHistory: 'delete from history where run = @run',
  thickRuns: `select ${runColumns}, backlog, counted from run indexed by run_thick
    where (kind = 'recorded' or (thinned = 0 and kind in ('skipped', 'superseded', 'gone'))) and claimed = 0
      and since_ms <= @beforeMs and not exists (select 1 from archiving where archiving.run = run.run)
    order by since_ms limit @limit + 0`,
  thinStory: 'update run set thinned = 1 where run = @run',
  forgetRun: 'delete from run where run = @run',
  thinCommon: 'select common from thin_common where facts = @facts',
  insertThinCommon: 'insert into thin_common (facts) values (@facts) returning common',
  insertThin: `insert into thin_run (run, common, generation, counter, first_path, path, inode, birth_ns, files_mark, run_id,
      since_ms, took_ms, tries_total, fence, failed, plainest, ever_unknown, backlog, counted, output_same, name, files,
      archived_to)
    values (@run, @common, @generation, @counter, @firstPath, @path, @ino, @birthNs, @filesMark, @runId, @sinceMs, @tookMs,
      @triesTotal, @fence, @failed, @plainest, @everUnknown, @backlog, @counted, @outputSame, @name, @files, @archivedTo)`,
  addThinMark: 'insert into thin_mark (mark, run) values (@mark, @run) on conflict do nothing',
  forgetThin: 'delete from thin_run where run = @run',
  forgetThinMarks: 'delete from thin_mark where run = @run and mark in (select value from json_each(@marks))',
  hasThinMark: 'select 1 from thin_mark where mark = @mark and run = @run',
  thinByNumber: `select ${thinColumns} ${thinFrom} where thin_run.run = @run`,
  thinByMark: `select ${thinColumns} ${thinFromMark} where mark = @mark order by thin_mark.run desc limit @limit + 0`,
  thinByMarkAndContent: `select ${thinColumns} ${thinFromMark} where mark = @mark and generation = @generation`,
  newestThin: `select ${thinColumns} ${thinFrom} where thin_run.run < @before and thin_run.run > @above
    order by thin_run.run desc limit @limit + 0`,
  commonOfRoot: `select common from thin_common where facts ->> '$.dropRoot' = @dropRoot`,
  newestThinOfCommon: `select ${thinColumns} ${thinFrom} where thin_run.common = @common and thin_run.run < @before
      and thin_run.run > @above order by thin_run.run desc limit @limit + 0`,
  insertThick: `insert into run (run, fingerprint, version, platform, app, host, drop_root, first_path, generation, counter,
      path, directory, content, settings, state, run_id, since_ms, tries_total, plainest, ever_unknown, fence, warnings,
      created_at_ms, backlog, archived_to, counted, thinned, output_same)
    values (@run, @fingerprint, @version, @platform, @app, @host, @dropRoot, @firstPath, @generation, @counter, @path,
      @directory, @content, @settings, @state, @runId, @sinceMs, @triesTotal, @plainest, @everUnknown, @fence, @warnings,
      @createdAtMs, @backlog, @archivedTo, @counted, 1, @outputSame)`,
  history: 'select at_ms as atMs, kind as state, note from history where run = @run order by rowid',

  unknownDue: `select ${runColumns} from run indexed by run_waiting where line = 'reconcile' and platform = @platform
      and app = @app and claimed = 0 and (due_at_ms, run) > (@afterDueMs, @afterRun) and due_at_ms <= @nowMs
    order by due_at_ms, run limit @limit + 0`,
  appsDue: `select app from run where line = @line and claimed = 0 and due_at_ms is not null and platform = @platform
    order by due_at_ms limit @limit + 0`,
  appsOfPlatform: 'select app from app where platform = @platform limit @limit + 0',
  queuedWithUploads: `select ${runColumns} from run where kind = 'queued' and state ->> '$.uploads[0]' is not null
      and run > @after order by run limit @limit + 0`,
  unknownAhead: `select ${runColumns} from run where kind = 'unknown' and state ->> '$.endedAtMs' > @nowMs and run > @after
    order by run limit @limit + 0`,
  unknownByFingerprint: `select run from run where fingerprint = @fingerprint and app = @app and platform = @platform
      and lane = 'reconcile'`,
  ownFingerprint: `select run, app, platform, run_id as runId, ever_unknown as everUnknown, case when kind in ('gone', 'superseded') and ever_unknown = 1
    then 'unknown' else coalesce(state ->> '$.from.kind', kind) end as road from run where fingerprint = @fingerprint`,
  runHolding: 'select run from run where platform = @platform and app = @app and run_id = @runId',

  folder: `select ${folderColumns} from folder where drop_root = @dropRoot and path = @path`,
  foldersOfRoot: `select ${folderColumns} from folder where drop_root = @dropRoot and path > @after
    order by path limit @limit + 0`,
  nextFolderPath:
    'select path from folder where drop_root = @dropRoot and path > @after order by path limit 1',
  nextRunPath: 'select path from run where drop_root = @dropRoot and path > @after order by path limit 1',
  saveFolder: `insert into folder (drop_root, path, state, reason_class, reason, hint, signature, directory,
      first_seen_ms, changed_at_ms, since_ms, run, target)
    values (@dropRoot, @path, @state, @reasonClass, @reason, @hint, @signature, @directory, @firstSeenMs, @changedAtMs,
      @sinceMs, @run, @target)
    on conflict (drop_root, path) do update set state = excluded.state, reason_class = excluded.reason_class,
      reason = excluded.reason, hint = excluded.hint, signature = excluded.signature, directory = excluded.directory,
      changed_at_ms = excluded.changed_at_ms, since_ms = excluded.since_ms, run = excluded.run,
      target = excluded.target`,
  unsettleFolder: `update folder set signature = '', changed_at_ms = @nowMs, aside_ms = null
    where drop_root = @dropRoot and path = @path`,
  skipFolder: `update folder set state = 'skipped', since_ms = @nowMs, hint = @hint
    where drop_root = @dropRoot and path = @path and state in (select value from json_each(@states))
    returning ${folderColumns}`,
  forgetFolder: 'delete from folder where drop_root = @dropRoot and path = @path',
  folderRunOfIntended: `select folder.run from run
    join folder on folder.drop_root = run.drop_root and folder.path = run.path
    where run.run = @run and run.kind = 'intended' and folder.run <> run.run`,
  noteAside: `update folder set signature = iif(@away and aside_ms is null, '', signature), aside_ms = @nowMs
    where (drop_root, path) = (select drop_root, path from run where run = @run) and run = @run`,
  anyAside: 'select 1 from folder where drop_root = @dropRoot and aside_ms is not null limit 1',
  takeAside: `update folder set aside_ms = @nowMs where (drop_root, path) in (select drop_root, path from folder
      where drop_root = @dropRoot and aside_ms > @afterMs and aside_ms <= @upToMs limit @limit + 0)
    returning path`,
  openFolders: `select ${folderColumns} from folder where state = @state and state <> 'known'
      and (drop_root, path) > (@afterRoot, @afterPath) order by drop_root, path limit @limit + 0`,
  openFoldersOfRoot: `select ${folderColumns} from folder where state = @state and state <> 'known'
      and drop_root = @dropRoot and path > @afterPath order by path limit @limit + 0`,
  // Slim on purpose: a scan asks for each name that it finds.
  // A page in one statement: of a root full of finished folders each is asked about, and a statement each costs thrice that.
  lookWanted: `select value from json_each(@paths) where not exists (select 1 from folder
      where drop_root = @dropRoot and path = value
      and target = @target and signature <> '' and state not in ('settling', 'overdue'))`,
  unsettled: `select path from folder where drop_root = @dropRoot and signature = '' and path > @after
    order by path limit @limit + 0`,
  recorded: `select path, signature from folder where drop_root = @dropRoot and path > @after
      and state not in ('settling', 'overdue') order by path limit @limit + 0`,
  countFolders: 'select coalesce(sum(folders), 0) from folder_count where drop_root = @dropRoot',
  countRecorded: `select coalesce(sum(folders), 0) from folder_count where drop_root = @dropRoot
      and state not in ('settling', 'overdue')`,
  wantFolder: `update folder set wanted = 1, signature = '', changed_at_ms = @nowMs
    where drop_root = @dropRoot and path = @path`,
  isWanted: 'select wanted from folder where drop_root = @dropRoot and path = @path',
  leftOut: `select path from folder where state = 'skipped' and state <> 'known' and drop_root = @dropRoot
      and reason_class = 'backfill' and path > @after order by path limit @limit + 0`,
  leftOutOfInode: `select ${folderColumns} from folder indexed by folder_left_out where drop_root = @dropRoot
      and directory ->> 1 = @inode and state = 'skipped' and reason_class = 'backfill' and signature = @signature
    limit @limit + 0`,
  // It was no first start after all: what was left out is looked at again.
  forgetFirstStarts: 'update root set first_start_ms = null',
  unsettleLeftOut: `update folder set signature = '' where state = 'skipped' and state <> 'known'
    and reason_class = 'backfill'`,

  root: `select mark, real_path as realPath, target, first_start_ms as firstStartMs, history_found as historyFound,
      audited_to as auditedTo from root where drop_root = @dropRoot`,
  beginRoot: `insert into root (drop_root, mark, real_path, target, first_start_ms)
    values (@dropRoot, @mark, @realPath, @target, @firstStartMs)
    on conflict (drop_root) do update set target = excluded.target, mark = iif(root.target = '', excluded.mark, root.mark),
      first_start_ms = iif(root.target is null, root.first_start_ms, excluded.first_start_ms)`,
  noteHistory: 'update root set history_found = @found where drop_root = @dropRoot',
  saveAuditedTo: 'update root set audited_to = @path where drop_root = @dropRoot',
  saveRootMark: `insert into root (drop_root, mark) values (@dropRoot, @mark)
    on conflict (drop_root) do update set mark = excluded.mark`,
  // Without a target it would be taken for one that an earlier version has watched.
  keepRootPlace: `insert into root (drop_root, mark, target) values (@dropRoot, @mark, '')`,
  otherNames: `select drop_root as name, mark, real_path as realPath,
      (select coalesce(sum(folders), 0) from folder_count where drop_root = root.drop_root) as folders,
      (select coalesce(sum(runs), 0) from run_count where drop_root = root.drop_root) as runs
    from root where drop_root <> @dropRoot and (real_path = @realPath or (mark = @mark and real_path is not null))`,
  // Another directory at that path may be away only, and be mounted there again.
  saveRootPath: `update root set real_path = iif(drop_root = @dropRoot, @realPath, null)
    where drop_root = @dropRoot or (real_path = @realPath
      and instr(mark || ' ', (select own.mark from root as own where own.drop_root = @dropRoot) || ' ') = 1)`,
  newestChange: `select max(changed_at_ms) from folder where state = 'settling'`,
  countOpenFolders: `select state, drop_root as dropRoot, folders as count from folder_count
    where state <> 'known' and folders > 0 order by state, drop_root`,

  archiveCandidates: `select folder.path, folder.signature, folder.directory, folder.run from folder
    left join run on run.run = folder.run left join thin_run on thin_run.run = folder.run
    where folder.drop_root = @dropRoot and folder.path > @after and folder.state = 'known'
      and ((run.kind = 'recorded' and run.since_ms <= @recordedBeforeMs) or thin_run.since_ms <= @recordedBeforeMs)
    order by folder.path limit @limit + 0`,
  beginArchiving: `insert into archiving (run, target, begun_at_ms) values (@run, @target, @nowMs)
    on conflict (run) do update set target = excluded.target, begun_at_ms = excluded.begun_at_ms`,
  begunArchivings: `select archiving.run, run.path, archiving.target from archiving
    cross join run on run.run = archiving.run where run.drop_root = @dropRoot`,
  forgetArchiving: 'delete from archiving where run = @run',
  noteArchived: 'update run set archived_to = @target where run = @run',

  oldestRun: 'select min(run) from run',
  oldestThin: 'select min(run) from thin_run',
  countDiffering: "select count(*) from run where instr(warnings, 'output came back different') > 0",
  countThinDiffering: 'select count(*) from thin_run where output_same = 0',
  countBacklog: `select drop_root as dropRoot, sum(runs) as count from run_count where backlog = 1 and runs > 0
      and kind in ('queued', 'uploaded', 'intended', 'unknown') group by drop_root`,
  countRuns: 'select kind, sum(runs) as count from run_count where runs > 0 group by kind',
  newestRuns: `select ${runColumns} from run where run < @before order by run desc limit @limit + 0`,
  newestRunsOfKind: `select ${runColumns} from run where kind = @kind || '' and run < @before order by run desc limit @limit + 0`,
  newestRunsOfRoot: `select ${runColumns} from run indexed by run_root where drop_root = @dropRoot and run < @before
    order by run desc limit @limit + 0`,
  // Of one kind in one root, along whichever of the two has fewer runs to go through.
  newestOfBothByKind: `select ${runColumns} from run indexed by run_kind where kind = @kind || '' and drop_root = @dropRoot
      and run < @before order by run desc limit @limit + 0`,
  newestOfBothByRoot: `select ${runColumns} from run indexed by run_root where drop_root = @dropRoot and kind = @kind || ''
      and run < @before order by run desc limit @limit + 0`,
  countsOfKindAndRoot: `select coalesce(sum(iif(kind = @kind, runs, 0)), 0) as ofKind,
      coalesce(sum(iif(drop_root = @dropRoot, runs, 0)), 0) as ofRoot from run_count`,
  // Slim on purpose: a picture asks for many of them again and again.
  recentRuns: `select run, drop_root as dropRoot, path as folder, kind as state,
      content ->> '$.meta.status' as status, content ->> '$.meta.durationMs' as durationMs,
      facts ->> '$.gap_relative' as gap from run indexed by run_root
    where drop_root = @dropRoot order by run desc limit @limit + 0`,
  rootsWithRuns: 'select distinct drop_root from run_count where runs > 0',
  newestRunOfRoot: 'select max(run) from run indexed by run_root where drop_root = @dropRoot',
  lasting: `select ${runColumns} from run where kind = @kind || '' and since_ms <= @sinceMs order by run limit @limit + 0`,
  lastingUnknown: `select ${runColumns} from run indexed by run_unknown where kind = 'unknown' and since_ms <= @sinceMs
    order by since_ms limit @limit + 0`,
  lastingUnclear: `select ${runColumns} from run indexed by run_unclear where unclear_since_ms <= @sinceMs
      and kind in ('queued', 'uploaded', 'intended', 'unknown') order by unclear_since_ms limit @limit + 0`,
  oldestOfKind: `select ${runColumns} from run where kind = @kind || '' order by run limit 1`,

  days: `select day, drop_root as dropRoot, status, made, recorded, failed, parked, recorded_ms as recordedMs,
      recorded_ms_max as recordedMsMax, gaps, gap_sum as gapSum from day
    where day >= @from and day <= @to and (@dropRoot is null or drop_root = @dropRoot)
    order by day, drop_root, status`,
  countedTo: 'select counted_to as countedTo, count_end as countEnd from outbox where only = 1',
  saveCountedTo: 'update outbox set counted_to = @to where only = 1',
  countOldMade: `insert into day (day, drop_root, status, made)
    select created_at_ms / 86400000, drop_root, '', 1 from run where run > @from and run <= @to
    on conflict (day, drop_root, status) do update set made = made + 1`,
  countOldRecorded: `insert into day (day, drop_root, status, recorded, failed, recorded_ms, recorded_ms_max, gaps, gap_sum)
    select since_ms / 86400000, drop_root, coalesce(facts ->> '$.status', ''), 1,
      coalesce(content ->> '$.meta.status' = 'failed', 0), max(0, since_ms - created_at_ms),
      max(0, since_ms - created_at_ms), facts ->> '$.gap_relative' is not null,
      coalesce(facts ->> '$.gap_relative', 0.0)
    from run where run > @from and run <= @to and kind = 'recorded' and counted = 0
    on conflict (day, drop_root, status) do update set recorded = recorded + 1, failed = failed + excluded.failed,
      recorded_ms = recorded_ms + excluded.recorded_ms,
      recorded_ms_max = max(recorded_ms_max, excluded.recorded_ms_max),
      gaps = gaps + excluded.gaps, gap_sum = gap_sum + excluded.gap_sum`,
  markOldCounted: `update run set counted = 1 where run > @from and run <= @to and kind = 'recorded' and counted = 0`,

  app: 'select fingerprint_seen_at_ms as seenAtMs from app where platform = @platform and app = @app',
  noteApp: `insert into app (platform, app, fingerprint_seen_at_ms) values (@platform, @app, null)
    on conflict (platform, app) do nothing`,
  noteFingerprintSeen: `insert into app (platform, app, fingerprint_seen_at_ms) values (@platform, @app, @nowMs)
    on conflict (platform, app) do update set
      fingerprint_seen_at_ms = coalesce(fingerprint_seen_at_ms, excluded.fingerprint_seen_at_ms)`,
  trust: 'select distrusted_at_ms as distrustedAtMs, distrust_reason as reason from outbox where only = 1',
  distrust: 'update outbox set distrusted_at_ms = @nowMs, distrust_reason = @reason where only = 1',
  moveDistrust: 'update outbox set distrusted_at_ms = min(distrusted_at_ms + @byMs, @nowMs) where only = 1',
  wholeScans: 'select drop_root as dropRoot, whole_scan_ms as atMs from root where whole_scan_ms is not null',
  pullWholeScan: 'update root set whole_scan_ms = @toMs where drop_root = @dropRoot',
  pullFirstSeen: `update folder set first_seen_ms = @toMs where drop_root = @dropRoot
    and first_seen_ms > @toMs and first_seen_ms <= @atMs`,
  forgetWholeScans: 'update root set whole_scan_ms = null',
  wholeScan:
    'select whole_scan_ms as endedMs, whole_scan_run as newestRun from root where drop_root = @dropRoot',
  noteWholeScan: `update root set whole_scan_ms = @endedMs,
      whole_scan_run = max(coalesce((select max(run) from run), 0), coalesce((select max(run) from thin_run), 0))
    where drop_root = @dropRoot and whole_scan_ms is null`,
  runsOfKindAfter: `select ${runColumns} from run where kind = @kind || '' and run > @after order by run limit @limit + 0`,
  standingOfKind: `select run, drop_root as dropRoot, state ->> '$.reason.class' as reasonClass from run
    where kind = @kind || '' and run > @after order by run limit @limit + 0`,
  markDistrusted: 'update run set distrusted = 1, twin = null where run = @run',
  noteTwin: `update run set twin = @runId where kind = 'unknown' and distrusted = 1 and app = @app
      and substr(generation, 1, 10) = @generation and platform = @platform and fingerprint <> @fingerprint`,
  proof: 'select newest_ms as newestMs from proven_app where platform = @platform and app = @app',
  noteProof: `insert into proven_app (platform, app, proven_at_ms, newest_ms) values (@platform, @app, @nowMs, @newestMs)
    on conflict do update set newest_ms = coalesce(excluded.newest_ms, newest_ms)`,
  forgetProofs: 'delete from proven_app',
  isStranger: 'select 1 from stranger where fingerprint = @fingerprint',
  noteStranger: `insert into stranger (fingerprint, seen_at_ms) values (@fingerprint, @nowMs) on conflict do nothing`,

  unseenApps: 'select app from app where platform = @platform and fingerprint_seen_at_ms is null',

  beginListing: `insert into listing (platform, app, started_at_ms) values (@platform, @app, @nowMs) returning listing`,
  noteOurs: 'update listing set ours = ours + 1 where listing = @listing',
  readOurs: 'select ours from listing where listing = @listing',
  addListed: `insert into listed (listing, run_id, created_at_ms) values (@listing, @runId, @createdAtMs)
    on conflict do nothing`,
  lostSince: `select 1 from listed as earlier where earlier.listing = @earlier and earlier.created_at_ms >= @sinceMs
      and not exists (select 1 from listed as later where later.listing = @later and later.run_id = earlier.run_id)
    limit 1`,
  forgetListed: `delete from listed where listing = @listing and run_id in
    (select run_id from listed where listing = @listing limit @limit + 0)`,
  forgetListing: 'delete from listing where listing = @listing',
  listings: 'select listing from listing where platform = @platform and app = @app',
  isListingNeeded: `select 1 from run indexed by run_absent
    where kind = 'unknown' and state ->> '$.absent.listing' = @listing limit 1`,

  folderPathAt:
    'select path from folder where drop_root = @dropRoot order by path limit 1 offset @skipped + 0',
  foldersSeenBefore: `select path from folder where drop_root = @dropRoot and path > @after and path <= @upTo
      and first_seen_ms < @beforeMs order by path limit @limit + 0`,
} as const;

export type StatementName = keyof typeof statements;

/** Statements that read a whole table on purpose, each with the reason why that is bounded. */
export const wholeTableReads: Partial<Record<StatementName, string>> = {
  countDiffering: 'an index of its own holds the few runs that are counted',
  countThinDiffering: 'likewise',
  commonOfRoot: 'a row for whatever thousands of runs have in common',
  countRuns: 'a row for each state of each drop root',
  countBacklog: 'likewise',
  countsOfKindAndRoot: 'likewise',
  rootsWithRuns: 'likewise',
  countOpenFolders: 'likewise',
  foreignDue: 'likewise',
  begunArchivings: 'holds the moves that are under way: one for each drop root, and what a crash left',
  forgetWholeScans: 'a row for each drop root, once in the life of a lost outbox',
  forgetFirstStarts: 'likewise',
  otherNames: 'a row for each drop root, when one of them lies elsewhere than before, or has another name',
  saveRootPath: 'likewise',
  wholeScans: 'a row for each drop root, when the clock of a lost outbox was set back',
  countProving: 'the index holds only what a lost outbox has still to find out',
  listings: 'a listing lives as long as an unknown run that needs it',
};
