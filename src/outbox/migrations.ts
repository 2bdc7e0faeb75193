/**
 * The schema, as numbered steps that are only ever added to. `user_version` says how many were taken.
 * `test/outbox/schema.sql` holds what they add up to, so that a change of the schema is reviewed as text.
 */
export const migrations: readonly string[] = [
  `
  create table outbox (
    only integer primary key check (only = 1),
    host text,                        -- frozen at the first start: part of every run's key
    created_at_ms integer not null
  ) strict;

  create table run (
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
  ) strict;
  create unique index run_key on run (drop_root, first_path, generation, app, platform, host, version, counter);
  create unique index run_remote on run (platform, app, run_id) where run_id is not null;
  create index run_due on run (lane, due_at_ms) where claimed = 0 and due_at_ms is not null;
  create index run_suspect on run (due_at_ms) where suspect = 1 and claimed = 0 and due_at_ms is not null;
  create index run_claimed on run (claimed) where claimed > 0;
  create index run_path on run (drop_root, path);
  create index run_kind on run (kind, run);
  create index run_directory on run (inode, generation);

  create table history (
    run integer not null references run,
    at_ms integer not null,
    kind text not null,
    note text not null
  ) strict;
  create index history_run on history (run);

  create table folder (
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
    run integer references run,       -- the run that its content is, once known
    target text not null,             -- the platform and app for which all this is so
    primary key (drop_root, path)
  ) strict, without rowid;
  create index folder_state on folder (state, drop_root, path) where state <> 'known';
  create index folder_run on folder (run) where run is not null;

  create table root (
    drop_root text primary key,
    mark text not null                -- which directory it is: device and inode
  ) strict, without rowid;

  create table app (
    app text not null,
    platform text not null,
    fingerprint_seen_at_ms integer,   -- when its list first showed a fingerprint of ours
    primary key (platform, app)
  ) strict, without rowid;

  create table listing (
    listing integer primary key autoincrement,
    platform text not null,
    app text not null,
    started_at_ms integer not null,
    ours integer not null default 0   -- how many fingerprints of ours it showed
  ) strict;
  create table listed (
    listing integer not null references listing on delete cascade,
    run_id text not null,
    created_at_ms integer not null,
    primary key (listing, run_id)
  ) strict, without rowid;
  `,
  `
  -- History that was there when a root was first looked at: fresh runs go before it.
  alter table run add column backlog integer not null default 0 check (backlog in (0, 1));
  alter table run add column line text generated always as (
    case when kind = 'unknown' then 'reconcile' when kind <> 'queued' then 'started'
      when backlog = 1 then 'backlog' else 'fresh' end) virtual;
  create index run_line on run (line, due_at_ms) where claimed = 0 and due_at_ms is not null;
  drop index run_due;
  `,
  `
  -- An outbox that was lost, restored or rolled back does not know what was sent: what is older than this is looked for.
  alter table outbox add column distrusted_at_ms integer;
  alter table outbox add column distrust_reason text;
  alter table run add column distrusted integer not null default 0 check (distrusted in (0, 1));
  alter table run add column twin text;      -- a run of the same content under another fingerprint, made meanwhile
  create index run_distrusted on run (app, substr(generation, 1, 10)) where kind = 'unknown' and distrusted = 1;
  alter table root add column whole_scan_ms integer;  -- when the first whole scan since then ended
  create table proven_app (          -- its whole list was read once for runs under our host's name that nobody here knows
    app text not null,
    platform text not null,
    proven_at_ms integer not null,
    primary key (platform, app)
  ) strict, without rowid;
  create table stranger (            -- fingerprints under our host's name that are not ours, and were wondered at once
    fingerprint text primary key,
    seen_at_ms integer not null
  ) strict, without rowid;
  `,
  `
  -- How many requests that make a run were about to leave: the number in the runtime directory is never behind it, unless
  -- this file is an older one.
  alter table outbox add column intents integer not null default 0;
  `,
  `
  -- Few, and asked for with each status: by what their warning says (core/outputDiffers.ts).
  create index run_differs on run (run) where instr(warnings, 'output came back different') > 0;
  `,
  `
  -- Where the folder of a recorded run was moved to; and moves that were begun, so that a crash leaves none half done.
  alter table run add column archived_to text;
  create table archiving (
    run integer primary key references run,
    target text not null,
    begun_at_ms integer not null
  ) strict;
  `,
  `
  -- What has not changed since the first start of a root, for one platform and app, is its history.
  alter table root add column target text;               -- the platform and app that it was last started for
  alter table root add column first_start_ms integer;    -- when that was for the first time; null: nothing counts as history
  alter table root add column history_found integer not null default 0;  -- how many folders lay there then
  alter table root add column audited_to text not null default '';       -- a later process goes on after this path
  alter table folder add column wanted integer not null default 0 check (wanted in (0, 1));  -- whatever backfill says
  create index folder_unsettled on folder (drop_root, path) where signature = '';
  create index run_backlog on run (drop_root, backlog, run_id, due_at_ms)
    where backlog = 1 and run_id is null and due_at_ms is not null;
  `,
  `
  -- What the solver's log said when the folder was read, as JSON of a bounded size (core/runFacts.ts).
  alter table run add column facts text check (facts is null or json_valid(facts));
  `,
  `
  -- What became of runs, day by day: summed up in the same change that makes it so, by the database itself, because a sum
  -- that one statement forgets is wrong for ever. Runs from before are added in small steps once the outbox is open.
  create table day (
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
  alter table run add column counted integer not null default 0;      -- a day has it among those recorded
  alter table outbox add column counted_to integer not null default 0;  -- older runs up to this one are in their days
  alter table outbox add column count_end integer not null default 0;   -- later ones were summed up from the start
  update outbox set count_end = (select coalesce(max(run), 0) from run);

  create trigger day_made after insert on run begin
    insert into day (day, drop_root, status, made, parked)
    values (new.created_at_ms / 86400000, new.drop_root, '', 1, new.kind = 'parked')
    on conflict (day, drop_root, status) do update set made = made + 1, parked = parked + excluded.parked;
  end;
  create trigger day_parked after update of state on run when new.kind = 'parked' and old.kind <> 'parked' begin
    insert into day (day, drop_root, status, parked) values (new.since_ms / 86400000, new.drop_root, '', 1)
    on conflict (day, drop_root, status) do update set parked = parked + 1;
  end;
  create trigger day_recorded after update of state on run
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
  `,
  `
  -- The output document as it was uploaded, where something was added to it: its size and digest, as JSON.
  alter table run add column sent text check (sent is null or json_valid(sent));
  `,
  `
  -- How many there are in each state: kept in the same change that makes it so, because every scrape of the metrics asks,
  -- and to count a million rows takes a second.
  create table run_count (
    drop_root text not null,
    platform text not null,
    backlog integer not null,
    kind text not null,
    runs integer not null,
    primary key (drop_root, platform, backlog, kind)
  ) strict, without rowid;
  insert into run_count select drop_root, platform, backlog, kind, count(*) from run group by 1, 2, 3, 4;
  create trigger run_count_made after insert on run begin
    insert into run_count values (new.drop_root, new.platform, new.backlog, new.kind, 1)
    on conflict (drop_root, platform, backlog, kind) do update set runs = runs + 1;
  end;
  create trigger run_count_changed after update of state on run when new.kind <> old.kind begin
    update run_count set runs = runs - 1 where drop_root = old.drop_root and platform = old.platform
      and backlog = old.backlog and kind = old.kind;
    insert into run_count values (new.drop_root, new.platform, new.backlog, new.kind, 1)
    on conflict (drop_root, platform, backlog, kind) do update set runs = runs + 1;
  end;
  drop index run_backlog;

  create table folder_count (
    drop_root text not null,
    state text not null,
    folders integer not null,
    primary key (drop_root, state)
  ) strict, without rowid;
  insert into folder_count select drop_root, state, count(*) from folder group by 1, 2;
  create trigger folder_count_seen after insert on folder begin
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;
  create trigger folder_count_changed after update of state on folder when new.state <> old.state begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;
  create trigger folder_count_forgotten after delete on folder begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
  end;
  `,
  `
  -- Runs that ended long ago keep what uniqueness needs, and no story (history.keep).
  alter table run add column thinned integer not null default 0 check (thinned in (0, 1));
  create index run_thick on run (since_ms) where thinned = 0 and kind in ('recorded', 'skipped', 'superseded', 'gone');
  `,
  `
  -- The runs of one drop root, newest first, among a million of others. Neither column ever changes, so that a run costs
  -- one entry when it is made and none afterwards.
  create index run_root on run (drop_root, run);
  `,
  `
  -- A thinned run leaves the table of runs with all its indexes, and becomes a row of some 200 bytes. What many of them have
  -- in common is said once, as JSON; they are found by marks, which are the beginnings of digests (outbox/thinRuns.ts).
  create table thin_common (
    common integer primary key,
    facts text not null unique
  ) strict;
  create table thin_run (
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
  create index thin_of_common on thin_run (common);   -- and by number, as every index is
  create index thin_differs on thin_run (run) where output_same = 0;
  create table thin_mark (
    mark integer not null,
    run integer not null,
    primary key (mark, run)
  ) strict, without rowid;

  -- Whether the output came back as it was sent; null: it was not compared.
  alter table run add column output_same integer check (output_same in (0, 1));
  drop index run_thick;
  create index run_thick on run (since_ms)
    where kind = 'recorded' or (thinned = 0 and kind in ('skipped', 'superseded', 'gone'));
  -- A run that comes back to the table of runs was made and counted long ago.
  drop trigger run_count_made;
  create trigger run_count_made after insert on run when new.thinned = 0 begin
    insert into run_count values (new.drop_root, new.platform, new.backlog, new.kind, 1)
    on conflict (drop_root, platform, backlog, kind) do update set runs = runs + 1;
  end;
  drop trigger day_made;
  create trigger day_made after insert on run when new.thinned = 0 begin
    insert into day (day, drop_root, status, made, parked)
    values (new.created_at_ms / 86400000, new.drop_root, '', 1, new.kind = 'parked')
    on conflict (day, drop_root, status) do update set made = made + 1, parked = parked + excluded.parked;
  end;

  -- A folder's run may be a thinned one: the table is made anew without the reference, which SQLite cannot drop.
  create table folder_anew (
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
    wanted integer not null default 0 check (wanted in (0, 1)),
    primary key (drop_root, path)
  ) strict, without rowid;
  insert into folder_anew select drop_root, path, state, reason_class, reason, hint, signature, directory, first_seen_ms,
    changed_at_ms, since_ms, run, target, wanted from folder;
  drop table folder;
  alter table folder_anew rename to folder;
  create index folder_state on folder (state, drop_root, path) where state <> 'known';
  create index folder_run on folder (run) where run is not null;
  create index folder_unsettled on folder (drop_root, path) where signature = '';
  create trigger folder_count_seen after insert on folder begin
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;
  create trigger folder_count_changed after update of state on folder when new.state <> old.state begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
    insert into folder_count values (new.drop_root, new.state, 1)
    on conflict (drop_root, state) do update set folders = folders + 1;
  end;
  create trigger folder_count_forgotten after delete on folder begin
    update folder_count set folders = folders - 1 where drop_root = old.drop_root and state = old.state;
  end;
  `,
  `
  -- With it the path of each folder stood there twice: 76 bytes a folder. The folder of a run is found by the run's path.
  drop index folder_run;
  `,
  `
  -- A run that takes the process down whenever it is sent is unknown and queued in between, so where it was is kept with
  -- the count. And that every answer to its request says nothing is seen only over all of them.
  alter table run add column crashed_in text;
  alter table run add column unclear_since_ms integer;
  create index run_unclear on run (unclear_since_ms) where unclear_since_ms is not null;
  `,
  `
  -- When the newest run was made that the list showed then: the next proof has to get that far, and no further.
  alter table proven_app add column newest_ms integer;
  `,
  `
  -- What is claimed beside an app that is paused is found without going through all that waits for that app.
  create index run_waiting on run (line, platform, app, due_at_ms) where claimed = 0 and due_at_ms is not null;
  `,
  `
  -- Where the drop root really lies: under another name all of it would be other runs. Null: it was not looked at since.
  alter table root add column real_path text;
  `,
  `
  -- What waits for one platform is not gone through for another.
  drop index run_line;
  create index run_line on run (line, platform, due_at_ms) where claimed = 0 and due_at_ms is not null;
  -- Runs whose outcome is unknown are few, until an outbox is lost: then they may be a hundred thousand.
  create index run_unknown on run (since_ms) where kind = 'unknown';
  create index run_absent on run (state ->> '$.absent.listing')
    where kind = 'unknown' and state ->> '$.absent.listing' is not null;
  `,
  `
  -- The newest run at the end of that scan: where a folder has a later one, what follows that has come since.
  alter table root add column whole_scan_run integer;
    `,
  `
  -- When the result of the folder's run was last kept in the state directory, because it was not there or did not take it.
  alter table folder add column aside_ms integer;
  create index folder_aside on folder (drop_root, aside_ms) where aside_ms is not null;
  `,
  `
  -- History that was left out is known by its directory when it is renamed.
  create index folder_left_out on folder (drop_root, directory ->> 1)
    where state = 'skipped' and reason_class = 'backfill';
  `,
];
