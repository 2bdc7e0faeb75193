/**
 * What the stand-in remembers: uploads, the files behind them, runs. One SQLite file and every statement on it.
 * Bulk is in files, only their names and sizes are here. Commits survive the death of the process; the last ones may
 * not survive that of the machine, which is good enough for a stand-in and twenty times as fast.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import type { CreateRunRequest } from '../platform/wire.ts';
import type { ArtefactFiles, StoredFile } from './artefacts.ts';
import { CannotStart } from './cannotStart.ts';
import type { Findings } from './findings.ts';
import { migrate } from './migrations.ts';
import type { Settings } from './settings.ts';
import type { RunStatus } from './status.ts';

export interface Upload {
  readonly id: string;
  readonly app: string;
  readonly expiresAtMs: number;
  /** Null until its PUT is done. */
  readonly file: StoredFile | null;
}

export interface NewRun {
  readonly id: string;
  readonly app: string;
  readonly instance: string;
  readonly createdAtMs: number;
  readonly name: string;
  readonly description: string;
  /** What was sent, without an inline input: that is a file. */
  readonly request: CreateRunRequest;
  readonly files: ArtefactFiles;
  readonly findings: Findings;
}

export interface RecordedRun extends NewRun {
  readonly canceledAtMs: number | null;
  /** Where it stands in a list, in the order it was asked for. */
  readonly place: number;
}

export interface ListQuery {
  readonly app: string;
  readonly order: Settings['listOrder'];
  /** Only runs that come after this place in that order; null: from the start. */
  readonly after: number | null;
  readonly nowMs: number;
  /** Runs that were made less than this before now are not shown yet. */
  readonly lagMs: number;
  readonly limit: number;
}

/** A status depends on the time, as long as a run is not final at once. */
export interface StatusAt {
  readonly nowMs: number;
  readonly finalAfterMs: number;
}

/** So many runs of an app have that status. */
export interface RunCount {
  readonly app: string;
  readonly status: RunStatus;
  readonly runs: number;
  readonly newestAtMs: number;
}

/** A run as a line of a table, without what may be large. */
export interface RunLine {
  readonly id: string;
  readonly app: string;
  readonly instance: string;
  readonly createdAtMs: number;
  readonly name: string;
  readonly status: RunStatus;
  /** Null: it was sent without. */
  readonly durationMs: number | null;
  readonly place: number;
}

export interface LineQuery extends StatusAt {
  /** Null: all. */
  readonly app: string | null;
  readonly status: RunStatus | null;
  /** Only runs older than the one at this place; null: from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

interface RunRow {
  readonly id: string;
  readonly app: string;
  readonly instance: string;
  readonly createdAtMs: number;
  readonly canceledAtMs: number | null;
  readonly name: string;
  readonly description: string;
  readonly request: string;
  readonly files: string;
  readonly findings: string;
  readonly place: number;
}

const columns = `id, app, instance, created_at_ms as createdAtMs, canceled_at_ms as canceledAtMs,
  name, description, request, files, findings`;

/** What was made later than now was made before a clock was set back: it is old, and nothing hides it. */
function listing(place: string, after: string, direction: string): string {
  return `select ${columns}, ${place} as place from run
    where app = @app and ${place} ${after} @after
      and (@nowMs - created_at_ms >= @lagMs or created_at_ms > @nowMs)
    order by ${place} ${direction} limit @limit`;
}

/** What `statusOf` says of a run, where all runs are asked at once. */
const statusNow = `case
  when canceled_at_ms is not null then 'canceled'
  when created_at_ms > @nowMs or @nowMs - created_at_ms >= @finalAfterMs then request ->> '$.result.status'
  when @nowMs - created_at_ms < @finalAfterMs / 2.0 then 'queued'
  else 'running' end`;

function lines(ofApp: boolean, withStatus: boolean): string {
  return `select id, app, instance, created_at_ms as createdAtMs, name, ${statusNow} as status,
      request ->> '$.result.execution_duration' as durationMs, seq as place from run
    where seq < @before ${ofApp ? 'and app = @app' : ''} ${withStatus ? `and ${statusNow} = @status` : ''}
    order by seq desc limit @limit`;
}

/** Files and uploads that nothing can name any more are looked for a few at a time, so that no request pays much. */
const sweptAtOnceMax = 8;

export type Records = ReturnType<typeof openRecords>;

export function openRecords(dataDir: string) {
  const path = join(dataDir, 'stand-in.db');
  // There is a secret in it; SQLite gives its other files the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const database = new SQLite(path);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    migrate(database);
  } catch (error) {
    database.close();
    throw isDamage(error) ? new CannotStart('data is unusable', damageText(path)) : error;
  }

  const addSetting = database.prepare(
    'insert into setting (name, value) values (?, ?) on conflict do nothing',
  );
  const getSetting = database.prepare<[string], string>('select value from setting where name = ?').pluck();
  const addUpload = database.prepare(
    'insert into upload (id, app, expires_at_ms) values (@id, @app, @expiresAtMs)',
  );
  const getUpload = database.prepare<
    [string],
    { id: string; app: string; expiresAtMs: number; name: string | null; bytes: number | null }
  >(
    `select upload.id, app, expires_at_ms as expiresAtMs, stored_file.name, bytes
       from upload left join stored_file on stored_file.name = upload.file where upload.id = ?`,
  );
  const addFile = database.prepare('insert into stored_file (name, bytes, stored_at_ms) values (?, ?, ?)');
  const getFileBytes = database
    .prepare<[string], number>('select bytes from stored_file where name = ?')
    .pluck();
  const setUploadFile = database.prepare('update upload set file = ? where id = ?');
  const changeUses = database.prepare('update stored_file set uses = uses + ? where name = ?');
  const takeUnused = database
    .prepare<[number], string>(
      `delete from stored_file where name in
         (select name from stored_file where uses = 0 and stored_at_ms < ? order by stored_at_ms limit ${sweptAtOnceMax})
       returning name`,
    )
    .pluck();
  const forgetUploads = database.prepare(
    `delete from upload where id in
       (select id from upload where expires_at_ms < ? order by expires_at_ms limit ${sweptAtOnceMax})`,
  );
  const addRun = database.prepare(
    `insert into run (id, app, instance, created_at_ms, name, description, request, files, findings)
     values (@id, @app, @instance, @createdAtMs, @name, @description, @request, @files, @findings)`,
  );
  const getRun = database.prepare<[string, string], RunRow>(
    `select ${columns}, seq as place from run where app = ? and id = ?`,
  );
  const deleteRun = database.prepare('delete from run where app = ? and id = ?');
  const setWords = database.prepare('update run set name = ?, description = ? where app = ? and id = ?');
  const setCanceled = database.prepare('update run set canceled_at_ms = ? where app = ? and id = ?');

  const prepareListing = (place: string, after: string, direction: string) =>
    database.prepare<[object], RunRow>(listing(place, after, direction));
  const listings: Readonly<Record<Settings['listOrder'], ReturnType<typeof prepareListing>>> = {
    'newest-first': prepareListing('seq', '<', 'desc'),
    'oldest-first': prepareListing('seq', '>', 'asc'),
    shuffled: prepareListing('shuffled', '>', 'asc'),
  };

  const countRuns = database.prepare<[StatusAt], RunCount>(
    `select app, ${statusNow} as status, count(*) as runs, max(created_at_ms) as newestAtMs
       from run group by 1, 2 order by 1, 2`,
  );
  const prepareLines = (ofApp: boolean, withStatus: boolean) =>
    database.prepare<[object], RunLine>(lines(ofApp, withStatus));
  const lineListings = {
    all: { any: prepareLines(false, false), one: prepareLines(false, true) },
    app: { any: prepareLines(true, false), one: prepareLines(true, true) },
  };

  function setting(name: string, fresh: string): string {
    addSetting.run(name, fresh);
    return getSetting.get(name) ?? fresh;
  }

  const fillUploadInOne = database.transaction((id: string, file: StoredFile, nowMs: number) => {
    addFile.run(file.name, file.bytes, nowMs);
    setUploadFile.run(file.name, id);
  });

  const addRunInOne = database.transaction((run: NewRun) => {
    for (const file of Object.values(run.files)) changeUses.run(1, file.name);
    addRun.run({
      ...run,
      request: JSON.stringify(run.request),
      files: JSON.stringify(run.files),
      findings: JSON.stringify(run.findings),
    });
  });

  const deleteRunInOne = database.transaction((run: RecordedRun) => {
    for (const file of Object.values(run.files)) changeUses.run(-1, file.name);
    deleteRun.run(run.app, run.id);
  });

  const sweepInOne = database.transaction((beforeMs: number): string[] => {
    forgetUploads.run(beforeMs);
    return takeUnused.all(beforeMs);
  });

  return {
    /** The same for the life of the data folder. */
    id: setting('id', randomUUID()),
    /** What signatures are made with. */
    secret: setting('secret', randomBytes(32).toString('base64url')),

    addUpload(upload: { id: string; app: string; expiresAtMs: number }): void {
      addUpload.run(upload);
    },

    upload(id: string): Upload | undefined {
      const row = getUpload.get(id);
      if (row === undefined) return undefined;
      const file = row.name === null ? null : { name: row.name, bytes: row.bytes ?? 0 };
      return { id: row.id, app: row.app, expiresAtMs: row.expiresAtMs, file };
    },

    file(name: string): StoredFile | undefined {
      const bytes = getFileBytes.get(name);
      return bytes === undefined ? undefined : { name, bytes };
    },

    addFile(file: StoredFile, nowMs: number): void {
      addFile.run(file.name, file.bytes, nowMs);
    },

    /** The PUT of an upload is done; an earlier file of it stays with the runs that were made with it. */
    fillUpload(id: string, file: StoredFile, nowMs: number): void {
      fillUploadInOne(id, file, nowMs);
    },

    addRun(run: NewRun): void {
      addRunInOne(run);
    },

    run(app: string, id: string): RecordedRun | undefined {
      const row = getRun.get(app, id);
      return row === undefined ? undefined : fromRow(row);
    },

    list(query: ListQuery): RecordedRun[] {
      const start = query.order === 'newest-first' ? Number.MAX_SAFE_INTEGER : -1;
      return listings[query.order].all({ ...query, after: query.after ?? start }).map(fromRow);
    },

    countRuns(at: StatusAt): RunCount[] {
      return countRuns.all(at);
    },

    /** Newest first. */
    lines(query: LineQuery): RunLine[] {
      const ofApp = lineListings[query.app === null ? 'all' : 'app'];
      const listing = ofApp[query.status === null ? 'any' : 'one'];
      return listing.all({ ...query, before: query.before ?? Number.MAX_SAFE_INTEGER });
    },

    rename(run: RecordedRun, name: string, description: string): void {
      setWords.run(name, description, run.app, run.id);
    },

    cancel(run: RecordedRun, nowMs: number): void {
      setCanceled.run(nowMs, run.app, run.id);
    },

    /** Its files go with the next sweeps, once they are old enough for no upload to name them. */
    deleteRun(run: RecordedRun): void {
      deleteRunInOne(run);
    },

    /** Forgets some uploads and files that are of no use since before that time; the names of these files. */
    sweep(beforeMs: number): string[] {
      return sweepInOne(beforeMs);
    },

    close(): void {
      database.close();
    },
  };
}

function isDamage(error: unknown): boolean {
  return error instanceof SQLite.SqliteError && ['SQLITE_NOTADB', 'SQLITE_CORRUPT'].includes(error.code);
}

function damageText(path: string): string {
  return `${path} is no database of the stand-in, or is damaged: move it aside together with uploads/, or choose another data folder`;
}

function fromRow(row: RunRow): RecordedRun {
  const findings = JSON.parse(row.findings) as Omit<Findings, 'inputIsJson'> & Partial<Findings>;
  return {
    ...row,
    request: JSON.parse(row.request) as CreateRunRequest,
    files: JSON.parse(row.files) as ArtefactFiles,
    // Rows of an earlier version do not say it: what was declared was believed.
    findings: { inputIsJson: findings.inputFormat === 'json', ...findings },
  };
}
