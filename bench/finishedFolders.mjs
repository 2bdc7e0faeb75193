/** Run folders as solvers leave them, and a drop root full of finished ones that the outbox knows. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { fingerprintOf, identityVersion } from '../dist/core/identity.js';
import { rootForOutside, rulesOf } from '../dist/intake/rules.js';
import { openOutbox } from '../dist/outbox/outbox.js';
import { sightFolderSync } from '../dist/reading/sightFolder.js';

const thisFile = fileURLToPath(import.meta.url);
/** From so many rows on indexes are made anew. */
const rowsOfIndex = 50_000;
const filling = 'x'.repeat(2_000);

/** Input and output of 2 kB each, a log, meta.json. */
export function fill(folder, sample) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'input.json'), `{"sample":"${sample}","rows":"${filling}"}`);
  writeFileSync(join(folder, 'output.json'), `{"solution":"${sample}","rows":"${filling}"}`);
  writeFileSync(join(folder, 'run.log'), `sample ${sample}\n`);
  writeFileSync(join(folder, 'meta.json'), '{"status":"succeeded","duration":1}');
}

/** Makes folders in `aside`. @returns their names */
export function prepare(aside, prefix, count) {
  const names = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  for (const name of names) fill(join(aside, name), name);
  return names;
}

/** Folders that serve one burst after the other: to make them takes longer than the burst. */
export class SpareFolders {
  #dir;
  #made = 0;

  /** @param dir on the file system of the stages */
  constructor(dir) {
    this.#dir = dir;
    mkdirSync(dir);
  }

  /** Puts so many into a stage's `aside`. @returns their names */
  lend({ aside }, count) {
    const names = Array.from({ length: count }, (_, n) => `run-${n}`);
    for (; this.#made < count; this.#made += 1) {
      const name = names[this.#made];
      fill(join(this.#dir, name), name);
    }
    for (const name of names) renameSync(join(this.#dir, name), join(aside, name));
    return names;
  }

  /** Out of the drop root of a stage whose daemon has ended. */
  takeBack({ root }, names) {
    for (const name of names) renameSync(join(root, name), join(this.#dir, name));
  }
}

/** Renames folders into a drop root, one after the other, as fast as it goes. */
export function dropAll({ aside, root }, names) {
  for (const name of names) renameSync(join(aside, name), join(root, name));
}

/** Rows of recorded runs, `from` up to `to`, each in a folder that `folderOf` makes or invents. */
export async function addRecorded({ stateDir, endpoint, host, from, to, folderOf }) {
  const nowMs = Date.now();
  const outbox = await openOutbox(stateDir);
  await outbox.freezeHost(host, nowMs);
  await outbox.close();
  const db = new Database(join(stateDir, 'outbox.db'));
  // Nobody minds if this is lost; the daemon sets what it needs when it opens it.
  db.pragma('synchronous = off');
  db.pragma('journal_mode = off');
  db.pragma('cache_size = -262144');
  const key = {
    version: identityVersion,
    platform: endpoint,
    app: 'bench-app',
    host,
    dropRoot: 'runs',
  };
  const run = db
    .prepare(
      `insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation,
        counter, path, directory, content, settings, state, run_id, since_ms, created_at_ms)
      values (@fingerprint, @version, @platform, @app, @host, @dropRoot, @path, @generation, 1, @path, @directory,
        '{"files":[],"warnings":[]}', '{}', @state, @runId, @nowMs, @nowMs) returning run`,
    )
    .pluck();
  const folder = db.prepare(
    `insert into folder (drop_root, path, state, reason_class, reason, hint, signature, directory,
        first_seen_ms, changed_at_ms, since_ms, run, target)
      values ('runs', @path, 'known', '', '', '', @signature, @directory, @nowMs, @nowMs, @nowMs, @run, @target)`,
  );
  const add = db.transaction((begin, end) => {
    for (let n = begin; n < end; n += 1) {
      const { path, signature, directory } = folderOf(n);
      const generation = String(n).padStart(64, '0');
      const runId = `finished-${n}`;
      const row = { path, directory: JSON.stringify(directory), nowMs };
      const number = run.get({
        ...key,
        ...row,
        fingerprint: fingerprintOf({ ...key, firstPath: path, generation, counter: 1 }),
        generation,
        state: JSON.stringify({ kind: 'recorded', runId }),
        runId,
      });
      folder.run({ ...row, signature, run: number, target: `${endpoint} bench-app` });
    }
  });
  // An index that is made when all rows are there takes a fraction of one that grows with them.
  const indexes = db
    .prepare("select name, sql from sqlite_master where type = 'index' and sql is not null")
    .all();
  const isLarge = to - from >= rowsOfIndex;
  if (isLarge) for (const { name } of indexes) db.exec(`drop index ${name}`);
  for (let begin = from; begin < to; begin += 1_000) add(begin, Math.min(to, begin + 1_000));
  if (isLarge) for (const { sql } of indexes) db.exec(sql);
  db.close();
}

/** Fills a stage's drop root up with finished folders. */
export async function addFinished({ root, stateDir, endpoint, host }, from, to) {
  const { sight } = rulesOf(rootForOutside('bench-app'));
  // Half of them by another process: making files is most of it.
  const middle = Math.floor((from + to) / 2);
  const other = spawn(process.execPath, [thisFile, root, String(middle), String(to)], { stdio: 'inherit' });
  const ended = once(other, 'close');
  fillFinished(root, from, middle);
  const [code] = await ended;
  if (code !== 0) throw new Error(`making folders ended with ${code}`);
  const folderOf = (n) => {
    const path = finishedName(n);
    const { signature, directory } = sightFolderSync(join(root, path), sight);
    const { dev, ino, birthNs } = directory;
    return { path, signature, directory: [dev, ino, birthNs] };
  };
  await addRecorded({ stateDir, endpoint, host, from, to, folderOf });
}

const finishedName = (n) => `finished-${n}`;

function fillFinished(root, from, to) {
  for (let n = from; n < to; n += 1) fill(join(root, finishedName(n)), n);
}

if (process.argv[1] === thisFile) {
  const [root, from, to] = process.argv.slice(2);
  fillFinished(root, Number(from), Number(to));
}
