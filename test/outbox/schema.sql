-- What the migrations add up to (user_version 23). Written by schema.test.ts.

CREATE TABLE app (
    app text not null,
    platform text not null,
    fingerprint_seen_at_ms integer,   -- when its list first showed a fingerprint of ours
    primary key (platform, app)
  ) strict, without rowid;

CREATE TABLE archiving (
    run integer primary key references run,
    target text not null,
    begun_at_ms integer not null
  ) strict;

CREATE TABLE day (
    day integer not null,              -- since 1970, in UTC
    drop_root text not null,
    status text not null,              -- what the solver's log says of its end; '': nothing
    made integer not null default 0,   -- complete folders that became runs
    recorded integer not null default 0,
    failed integer not null default 0, -- of those recorded: the solver's run had failed
    parked integer not null default 0,
    recorded_ms integer not null default 0,      -- from complete to recorded, all of them together
    recorded_ms_max integer not null default 0,
    gaps integer not null default 0,   -- how many told a gap
    gap_sum real not null default 0,
    primary key (day, drop_root, status)
  ) strict, without rowid;

CREATE TRIGGER day_made after insert on run when new.thinned = 0 begin
    insert into day (day, drop_root, status, made, parked)
    values (new.created_at_ms / 86400000, new.drop_root, '', 1, new.kind = 'parked')
    on conflict (day, drop_root, status) do update set made = made + 1, parked = parked + excluded.parked;
  end;

CREATE TRIGGER day_parked after update of state on run when new.kind = 'parked' and old.kind <> 'parked' begin
    insert into day (day, drop_root, status, parked) values (new.since_ms / 86400000, new.drop_root, '', 1)
    on conflict (day, drop_root, status) do update set parked = parked + 1;
  end;

CREATE TRIGGER day_recorded after update of state on run
    when new.kind = 'recorded' and old.kind <> 'recorded' and new.counted = 0 begin
    update run set counted = 1 where run = new.run;
    insert into day (day, drop_root, status, recorded, failed, recorded_ms, recorded_ms_max, gaps, gap_sum)
    values (new.since_ms / 86400000, new.drop_root, coalesce(new.facts ->> '$.status', ''), 1,
      coalesce(new.content ->> '$.meta.status' = 'failed', 0),
      max(0, new.since_ms - new.created_at_ms), max(0, new.since_ms - new.created_at_ms),
      new.facts ->> '$.gap_relative' is not null, coalesce(new.facts ->> '$.gap_relative', 0.0))
    on conflict (day, drop_root, status) do update set recorded = recorded + 1, failed = failed + excluded.failed,
      recorded_ms = recorded_ms + excluded.recorded_ms,
      recorded_ms_max = max(recorded_ms_max, excluded.recorded_ms_max),
      gaps = gaps + excluded.gaps, gap_sum = gap_sum + excluded.gap_sum;
  end;

CREATE TABLE "folder" (
    drop_root text not null,
    path text not null,
    state text not null check (state in ('settling', 'overdue', 'rejected', 'skipped', 'known')),
    reason_class text not null,
    reason text not null,
    hint text not null,
    signature text not null,          -- stat signature of the mapped files; '' asks for a fresh look
    directory text not null,
    first_seen_ms integer not null,
    changed_at_ms integer not null,
    since_ms integer not null,
    run integer,                      -- the run that its content is, once known
    target text not null,             -- the platform and app for which all this is so
    wanted integer not null default 0 check (wanted in (0, 1)), aside_ms integer,
    primary key (drop_root, path)
  ) strict, without rowid;

CREATE INDEX folder_aside on folder (drop_root, aside_ms) where aside_ms is not null;

CREATE TABLE folder_count (
    drop_root text not null,
    state text not null,
    folders integer not null,
    primary key (drop_root, state)
  ) strict, without rowid;

CREATE TRIGGER folder_count_changed after update of state on folder when new.state <> old.state begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;

CREATE TRIGGER folder_count_forgotten after delete on folder begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
  end;

CREATE TRIGGER folder_count_seen after insert on folder begin
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;

CREATE INDEX folder_left_out on folder (drop_root, directory ->> 1)
    where state = 'skipped' and reason_class = 'backfill';

CREATE INDEX folder_state on folder (state, drop_root, path) where state <> 'known';

CREATE INDEX folder_unsettled on folder (drop_root, path) where signature = '';

CREATE TABLE history (
    run integer not null references run,
    at_ms integer not null,
    kind text not null,
    note text not null
  ) strict;

CREATE INDEX history_run on history (run);

CREATE TABLE listed (
    listing integer not null references listing on delete cascade,
    run_id text not null,
    created_at_ms integer not null,
    primary key (listing, run_id)
  ) strict, without rowid;

CREATE TABLE listing (
    listing integer primary key autoincrement,
    platform text not null,
    app text not null,
    started_at_ms integer not null,
    ours integer not null default 0   -- how many fingerprints of ours it showed
  ) strict;

CREATE TABLE outbox (
    only integer primary key check (only = 1),
    host text,                        -- frozen at the first start: part of every run's key
    created_at_ms integer not null
  , distrusted_at_ms integer, distrust_reason text, intents integer not null default 0, counted_to integer not null default 0, count_end integer not null default 0) strict;

CREATE TABLE proven_app (          -- its whole list was read once for runs under our host's name that nobody here knows
    app text not null,
    platform text not null,
    proven_at_ms integer not null, newest_ms integer,
    primary key (platform, app)
  ) strict, without rowid;

CREATE TABLE root (
    drop_root text primary key,
    mark text not null                -- which directory it is: device and inode
  , whole_scan_ms integer, target text, first_start_ms integer, history_found integer not null default 0, audited_to text not null default '', real_path text, whole_scan_run integer) strict, without rowid;

CREATE TABLE run (
    run integer primary key autoincrement,
    fingerprint text not null unique,
    version integer not null,
    platform text not null,
    app text not null,
    host text not null,
    drop_root text not null,
    first_path text not null,
    generation text not null,
    counter integer not null,
    path text not null,               -- where its folder is now; first_path never changes
    directory text not null,          -- what the directory itself is, as JSON: the same after a move
    inode text not null generated always as (directory ->> 1) stored,
    content text not null,            -- facts about its files, and what meta.json said, as JSON
    settings text not null,           -- instance, name, description, options, as JSON
    state text not null check (json_valid(state)),
    kind text not null generated always as (state ->> 'kind') stored
      check (kind in ('queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final', 'recorded',
                      'parked', 'skipped', 'superseded', 'gone')),
    lane text not null generated always as (iif(kind = 'unknown', 'reconcile', 'deliver')) stored,
    run_id text,
    since_ms integer not null,
    tries integer not null default 0,
    tries_total integer not null default 0,
    plainest integer not null default 0 check (plainest in (0, 1)),
    ever_unknown integer not null default 0 check (ever_unknown in (0, 1)),
    due_at_ms integer,
    claimed integer not null default 0 check (claimed in (0, 1, 2)),  -- 2: in hand alone, as a suspect
    fence integer not null default 0,
    suspect integer not null default 0 check (suspect in (0, 1)),
    crashes integer not null default 0,
    warnings text not null default '[]' check (json_valid(warnings)),
    created_at_ms integer not null
  , backlog integer not null default 0 check (backlog in (0, 1)), line text generated always as (
    case when kind = 'unknown' then 'reconcile' when kind <> 'queued' then 'started'
      when backlog = 1 then 'backlog' else 'fresh' end) virtual, distrusted integer not null default 0 check (distrusted in (0, 1)), twin text, archived_to text, facts text check (facts is null or json_valid(facts)), counted integer not null default 0, sent text check (sent is null or json_valid(sent)), thinned integer not null default 0 check (thinned in (0, 1)), output_same integer check (output_same in (0, 1)), crashed_in text, unclear_since_ms integer) strict;

CREATE INDEX run_absent on run (state ->> '$.absent.listing')
    where kind = 'unknown' and state ->> '$.absent.listing' is not null;

CREATE INDEX run_claimed on run (claimed) where claimed > 0;

CREATE TABLE run_count (
    drop_root text not null,
    platform text not null,
    backlog integer not null,
    kind text not null,
    runs integer not null,
    primary key (drop_root, platform, backlog, kind)
  ) strict, without rowid;

CREATE TRIGGER run_count_changed after update of state on run when new.kind <> old.kind begin
    update run_count set runs = runs - 1 where drop_root = old.drop_root and platform = old.platform
      and backlog = old.backlog and kind = old.kind;
    insert into run_count values (new.drop_root, new.platform, new.backlog, new.kind, 1)
    on conflict (drop_root, platform, backlog, kind) do update set runs = runs + 1;
  end;

CREATE TRIGGER run_count_made after insert on run when new.thinned = 0 begin
    insert into run_count values (new.drop_root, new.platform, new.backlog, new.kind, 1)
    on conflict (drop_root, platform, backlog, kind) do update set runs = runs + 1;
  end;

CREATE INDEX run_differs on run (run) where instr(warnings, 'output came back different') > 0;

CREATE INDEX run_directory on run (inode, generation);

CREATE INDEX run_distrusted on run (app, substr(generation, 1, 10)) where kind = 'unknown' and distrusted = 1;

CREATE UNIQUE INDEX run_key on run (drop_root, first_path, generation, app, platform, host, version, counter);

CREATE INDEX run_kind on run (kind, run);

CREATE INDEX run_line on run (line, platform, due_at_ms) where claimed = 0 and due_at_ms is not null;

CREATE INDEX run_path on run (drop_root, path);

CREATE UNIQUE INDEX run_remote on run (platform, app, run_id) where run_id is not null;

CREATE INDEX run_root on run (drop_root, run);

CREATE INDEX run_suspect on run (due_at_ms) where suspect = 1 and claimed = 0 and due_at_ms is not null;

CREATE INDEX run_thick on run (since_ms)
    where kind = 'recorded' or (thinned = 0 and kind in ('skipped', 'superseded', 'gone'));

CREATE INDEX run_unclear on run (unclear_since_ms) where unclear_since_ms is not null;

CREATE INDEX run_unknown on run (since_ms) where kind = 'unknown';

CREATE INDEX run_waiting on run (line, platform, app, due_at_ms) where claimed = 0 and due_at_ms is not null;

CREATE TABLE stranger (            -- fingerprints under our host's name that are not ours, and were wondered at once
    fingerprint text primary key,
    seen_at_ms integer not null
  ) strict, without rowid;

CREATE TABLE thin_common (
    common integer primary key,
    facts text not null unique
  ) strict;

CREATE INDEX thin_differs on thin_run (run) where output_same = 0;

CREATE TABLE thin_mark (
    mark integer not null,
    run integer not null,
    primary key (mark, run)
  ) strict, without rowid;

CREATE INDEX thin_of_common on thin_run (common);

CREATE TABLE thin_run (
    run integer primary key,
    common integer not null,          -- in thin_common
    generation any not null,          -- bytes
    counter integer not null,
    first_path text not null,
    path text,                        -- null: the first one
    inode any not null,               -- a number where it is one that SQLite can hold
    birth_ns any not null,
    files_mark text not null,         -- its beginning
    run_id text not null,
    since_ms integer not null,
    took_ms integer not null,         -- from when it was made
    tries_total integer not null,
    fence integer not null,
    failed integer not null,
    plainest integer not null,
    ever_unknown integer not null,
    backlog integer not null,
    counted integer not null,
    output_same integer,
    name text,                        -- null: the folder's
    files text,                       -- null: as in thin_common
    archived_to text                  -- null: as in thin_common
  ) strict;
