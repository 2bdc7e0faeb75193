/**
 * What one writes first in Node: chokidar on the whole tree with `awaitWriteFinish`, fetch, one run after the other, a
 * commit for each change. A folder with a meta.json is complete.
 *
 *   node bench/beside/naive.mjs DROP_ROOT DATABASE [ENDPOINT]      without an endpoint it only counts
 *
 * Prints `ready` when it watches, and each folder that it is done with.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { watch } from 'chokidar';

const [root, file, endpoint] = process.argv.slice(2);
const headers = { authorization: 'Bearer key', 'content-type': 'application/json' };
const app = `${endpoint}/v1/applications/bench-app/runs`;
const db = new Database(file);
db.pragma('journal_mode = wal');
db.pragma('synchronous = full');
db.exec('create table if not exists run (folder text primary key, state text not null, run_id text)');
const insert = db.prepare(`insert or ignore into run values (?, 'queued', null)`);
const change = db.prepare('update run set state = ?, run_id = ? where folder = ?');
const waiting = [];
let isAtWork = false;

async function json(method, url, body) {
  const answer = await fetch(url, { method, headers, body });
  return await answer.json();
}

async function upload(text) {
  const { upload_id: id, upload_url: url } = await json('POST', `${app}/uploadurl`);
  await (await fetch(url, { method: 'PUT', body: text })).text();
  return id;
}

async function track(folder) {
  const name = basename(folder);
  const [input, output, log] = ['input.json', 'output.json', 'run.log'].map((one) =>
    readFileSync(join(folder, one), 'utf8'),
  );
  JSON.parse(input);
  JSON.parse(output);
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const [inputId, outputId, logId] = [await upload(input), await upload(output), await upload(log)];
  const order = {
    name,
    upload_id: inputId,
    result: {
      status: meta.status,
      execution_duration: meta.duration * 1_000,
      output_upload_id: outputId,
      error_upload_id: logId,
    },
  };
  const { run_id: id } = await json('POST', app, JSON.stringify(order));
  change.run('tracked', id, name);
  writeFileSync(join(folder, 'result.json'), JSON.stringify(await json('GET', `${app}/${id}`)));
  change.run('recorded', id, name);
}

async function work() {
  if (isAtWork) return;
  isAtWork = true;
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    insert.run(basename(folder));
    if (endpoint !== undefined) await track(folder);
    console.log(basename(folder));
  }
  isAtWork = false;
}

let errors = 0;
watch(root, { awaitWriteFinish: true, ignoreInitial: true })
  .on('add', (path) => {
    if (basename(path) !== 'meta.json') return;
    waiting.push(dirname(path));
    void work();
  })
  // Out of watches it is told so for each file; unanswered the first of them would end the process.
  .on('error', () => (errors += 1))
  .on('ready', () => console.log(errors === 0 ? 'ready' : `ready with ${errors} errors`));
