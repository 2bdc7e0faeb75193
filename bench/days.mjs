/**
 * What a long history costs: an outbox with a million runs over two years, and what is asked of it all the time. Each
 * question is asked several times, the first time apart, because then nothing is in the memory. At the end the oldest runs
 * are thinned, and what is left of one is measured.
 *
 *   npm run bench:days [-- --runs 1000000] [--rounds 5] [--thinned 100000]
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { fingerprintOf } from '../dist/core/identity.js';
import { openOutbox } from '../dist/outbox/outbox.js';
import { historyOf } from '../dist/service/history.js';
import { asked } from './asked.mjs';
import { median, rounded } from './figures.mjs';
import { machine } from './machine.mjs';

const { values, keep } = asked({
  command: 'bench:days',
  what: 'What a history of two years costs: an outbox with a million runs, and what is asked of it all the time.',
  options: {
    runs: { what: 'in the outbox', usual: 1_000_000 },
    rounds: { what: 'how often each question is asked', usual: 5 },
    thinned: { what: 'of how many runs the story is let go', usual: 100_000 },
  },
});
const { runs, rounds } = values;
const thinned = Math.min(runs, values.thinned);
const roots = 5;
const days = 730;
const dayMs = 86_400_000;
const nowMs = Date.now();
const platform = 'https://api.cloud.nextmv.io';

const dir = mkdtempSync(join(tmpdir(), 'rt-h-'));
const stateDir = join(dir, 'state');
mkdirSync(stateDir, { mode: 0o700 });

const mapping = {
  input: ['input.json', 'input.txt', 'input/'],
  output: ['output.json', 'output.txt', 'output/'],
  log: 'run.log',
  meta: 'meta.json',
  marker: null,
  ignore: ['*.tmp', '.*'],
};
const runIdOf = (n) => `devint-${createHash('sha256').update(`id ${n}`).digest('base64url').slice(0, 12)}`;

/** Recorded runs as the daemon leaves them, the newest a minute ago. */
function fill(db) {
  const insert =
    db.prepare(`insert into run (fingerprint, version, platform, app, host, drop_root, first_path,
      generation, counter, path, directory, content, settings, state, run_id, since_ms, created_at_ms, facts)
    values (@fingerprint, 1, @platform, 'hare-app', 'bench', @dropRoot, @path, @generation, 1, @path, @directory, @content,
      '{"instance":null,"name":"run","description":"","options":{},"batchExperimentId":null}', @state, @runId, @atMs,
      @atMs - 2500, @facts)`);
  const put = db.transaction((from, to) => {
    for (let n = from; n < to; n += 1) {
      const generation = createHash('sha256').update(String(n)).digest('hex');
      const path = `northern-depots/replanning-after-the-storm-${String(n).padStart(8, '0')}`;
      const dropRoot = `root-${n % roots}`;
      const host = 'bench';
      const key = {
        version: 1,
        platform,
        app: 'hare-app',
        host,
        dropRoot,
        firstPath: path,
        generation,
        counter: 1,
      };
      const file = { role: 'input', name: 'input.json', type: 'json', bytes: 1000, sha256: generation };
      const meta = { status: n % 10 === 0 ? 'failed' : 'succeeded', durationMs: 1000 };
      const filesMark = Buffer.from(generation, 'hex').toString('base64url');
      const content = { generation, asideDigest: generation, files: [file, file], filesMark, mapping, meta };
      insert.run({
        ...{ fingerprint: fingerprintOf(key), platform, dropRoot, path, generation },
        directory: `["65024","${5_000_000 + n}","${1_764_000_000_000_000_000n + BigInt(n) * 7_654_321n}"]`,
        content: JSON.stringify({ ...content, warnings: [] }),
        state: JSON.stringify({ kind: 'recorded', runId: runIdOf(n) }),
        runId: runIdOf(n),
        atMs: Math.floor(nowMs - 60_000 - ((runs - n) / runs) * days * dayMs),
        facts: n % 2 === 0 ? '{"solver":"highs","status":"optimal","gap_relative":0.01}' : null,
      });
    }
  });
  for (let n = 0; n < runs; n += 10_000) put(n, Math.min(runs, n + 10_000));
}

async function timed(work) {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

const figures = {};
async function measure(name, work) {
  const firstMs = await timed(work);
  const againMs = [];
  for (let round = 0; round < rounds; round += 1) againMs.push(await timed(work));
  figures[name] = {
    firstMs: rounded(firstMs),
    medianMs: rounded(median(againMs)),
    maxMs: rounded(Math.max(...againMs)),
  };
  console.error(`${name}: ${JSON.stringify(figures[name])}`);
}

try {
  await (await openOutbox(stateDir)).close();
  const db = new Database(join(stateDir, 'outbox.db'));
  db.pragma('synchronous = off');
  db.exec("insert into outbox (only, host, created_at_ms) values (1, 'bench', 1)");
  const filledMs = await timed(() => fill(db));
  // As an earlier version left it: without sums.
  db.exec('delete from day; update outbox set counted_to = 0, count_end = (select max(run) from run)');
  db.close();
  console.error(`${runs} runs in ${rounded(filledMs / 1_000)} s`);

  let outbox;
  const openMs = await timed(async () => (outbox = await openOutbox(stateDir)));
  figures.open = { firstMs: rounded(openMs) };
  const room = { inHand: 64, unposted: 64, uploads: 64 };
  await measure('claim, nothing due', () => outbox.claimInTurn(platform, nowMs, room, 0, []));
  await measure('counts', () => outbox.counts());
  await measure('list, newest 50', () =>
    outbox.list({ states: [], dropRoot: null, sinceMs: null, beforeRun: null, limit: 50 }),
  );
  const stepsMs = [];
  for (let isMore = true; isMore;)
    stepsMs.push(await timed(async () => (isMore = await outbox.countOldRuns(250))));
  figures['sums of old runs, a step of 250'] = {
    medianMs: rounded(median(stepsMs)),
    maxMs: rounded(stepsMs.reduce((most, ms) => Math.max(most, ms))),
    togetherMs: rounded(stepsMs.reduce((sum, ms) => sum + ms, 0)),
  };
  await measure('14 days of all roots', () => historyOf(outbox, { days: 14, root: null }, nowMs));
  await measure('400 days of one root', () => historyOf(outbox, { days: 400, root: 'root-0' }, nowMs));
  const thinnedMs = [];
  let left = thinned;
  // The newest of those that are to be thinned ended then.
  const beforeMs = Math.floor(nowMs - 60_000 - ((runs - thinned) / runs) * days * dayMs);
  for (let count = 1; count > 0 && left > 0; left -= count)
    thinnedMs.push(await timed(async () => (count = await outbox.thinRuns(beforeMs, 20))));
  figures['thinning, a step of 20'] = {
    medianMs: rounded(median(thinnedMs)),
    maxMs: rounded(Math.max(...thinnedMs)),
  };
  await measure('claim, nothing due, some thinned', () => outbox.claimInTurn(platform, nowMs, room, 0, []));
  await measure('list, the oldest 50, thinned', () =>
    outbox.list({ states: [], dropRoot: null, sinceMs: null, beforeRun: 51, limit: 50 }),
  );
  await outbox.close();

  const sizes = new Database(join(stateDir, 'outbox.db'), { readonly: true });
  const parts = sizes
    .prepare(
      `select name, sum(pgsize) as bytes from dbstat where name glob 'thin*' or name glob '*thin_common*' group by name`,
    )
    .all();
  const thinnedRuns = sizes.prepare('select count(*) from thin_run').pluck().get();
  sizes.close();
  const bytesOfThinned = Object.fromEntries(
    parts.map(({ name, bytes }) => [name, rounded(bytes / thinnedRuns)]),
  );

  const result = {
    machine: machine(),
    runs,
    thinnedRuns,
    bytesOfThinnedRun: rounded(parts.reduce((sum, { bytes }) => sum + bytes, 0) / thinnedRuns),
    bytesOfThinned,
    bytesOfRun: rounded(statSync(join(stateDir, 'outbox.db')).size / runs),
    figures,
  };
  console.log(JSON.stringify(result, null, 2));
  keep('days.json', `${JSON.stringify(result, null, 2)}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
