/**
 * What is asked of an outbox all day long, in a process of its own (measures/history.mjs): opening it, claiming, a
 * change through its thread, the newest runs, the counts.
 *
 *   node bench/historyLook.mjs STATE_DIR ROUND
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { advance } from '../dist/core/lifecycle.js';
import { defaultPolicy } from '../dist/core/policy.js';
import { openDatabase } from '../dist/outbox/database.js';
import { outboxOperations } from '../dist/outbox/operations.js';
import { openOutbox } from '../dist/outbox/outbox.js';
import { databasePath } from '../dist/outbox/place.js';

const claims = 500;
const changes = 200;
const [stateDir, round] = process.argv.slice(2);
const platform = 'https://platform.test';
const nowMs = Date.now();

async function timed(times, work) {
  const beganMs = performance.now();
  for (let n = 0; n < times; n += 1) await work(n);
  return (performance.now() - beganMs) / times;
}

function newRun(n) {
  const name = `${round}-${n}`;
  const generation = createHash('sha256').update(name).digest('hex');
  const meta = {
    status: 'succeeded',
    durationMs: 1_000,
    error: null,
    name,
    description: null,
    instanceId: null,
    options: {},
    batchExperimentId: null,
    appId: null,
    metrics: null,
    logs: null,
  };
  return {
    key: { version: 1, platform, app: 'bench-app', host: 'bench', dropRoot: 'runs', generation },
    path: name,
    directory: { dev: '65024', ino: `${1e9 + n}`, birthNs: `${nowMs}000000` },
    signature: name,
    content: { generation, asideDigest: 'aside', files: [], filesMark: 'mark', meta, warnings: [] },
    settings: { instance: null, name, description: '', options: {}, batchExperimentId: null },
    movedFrom: null,
    movedAway: [],
    doubt: null,
    target: `${platform} bench-app`,
    again: false,
    isBacklog: false,
    newestFileChangeMs: nowMs,
    newestWriteMs: nowMs,
    believed: null,
  };
}

/** The outbox as the daemon has it: opened, and changed one change after the other, each on disk before the next one. */
async function throughItsThread() {
  const beganMs = performance.now();
  const outbox = await openOutbox(stateDir);
  const openMs = performance.now() - beganMs;
  const changeMs = await timed(changes, (n) => outbox.saveRootMark('bench', `${round} ${n}`));
  await outbox.close();
  return { openMs, changeMs };
}

/** The statements alone: within one transaction, so that the disk has no say. */
async function statements() {
  const db = openDatabase(databasePath(stateDir));
  const operations = outboxOperations(db);
  const chance = { nowMs, random: 0.5, policy: defaultPolicy };
  db.exec('begin immediate');
  for (let n = 0; n < claims; n += 1) operations.enqueue(newRun(n), chance);
  const claimMs = await timed(claims, () => {
    const room = { inHand: 1, unposted: 1, uploads: 1 };
    const [claim] = operations.claimInTurn(platform, nowMs, room, 0, []).runs;
    const landed = { kind: 'uploadsLanded', uploads: [], failure: null };
    const conclusion = advance(claim.life, landed, nowMs, 0.5, defaultPolicy);
    operations.conclude(claim, conclusion, true, nowMs);
  });
  db.exec('rollback');
  const query = { states: [], dropRoot: null, sinceMs: null, beforeRun: null, limit: 50 };
  const listMs = await timed(20, () => operations.list(query));
  const countsMs = await timed(50, () => operations.counts());
  db.close();
  return { claimMs, listMs, countsMs };
}

/** A commit and nothing else, as SQLite alone does it with the same care. */
async function bareCommits() {
  const db = new Database(join(stateDir, 'bare.db'));
  db.pragma('journal_mode = wal');
  db.pragma('synchronous = full');
  db.exec('create table if not exists app (app text primary key) without rowid');
  const insert = db.prepare('insert or ignore into app values (?)');
  const ms = await timed(changes, (n) => insert.run(`app-${round}-${n}`));
  db.close();
  return { bareCommitMs: ms };
}

console.log(
  JSON.stringify({ ...(await throughItsThread()), ...(await statements()), ...(await bareCommits()) }),
);
