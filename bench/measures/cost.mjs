/**
 * What a run costs, counted and not timed: syncs of the disk, as the kernel saw them, requests to the platform, bytes of
 * the outbox. For runs that come together, and for one that comes alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { figure } from '../figures.mjs';
import { openOutbox } from '../../dist/outbox/outbox.js';
import { dropAll, prepare } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'syncs, requests and outbox bytes for a run, together and alone';

const bytesGoal = { of: 'median', atMost: 250 };

const hasStrace = spawnSync('strace', ['-o', '/dev/null', '/bin/true']).status === 0;

export async function measure({ dir, rounds, isShort, say }) {
  const platform = await processes.Platform.start();
  const together = isShort ? 64 : 320;
  const alone = isShort ? 3 : 5;
  // Of a few hundred runs the pages that are begun and not full would be a good part.
  const more = isShort ? 100 : 1_000;
  const place = (name) => {
    const path = join(dir, name);
    mkdirSync(path);
    return path;
  };
  const seen = {};
  const note = (what, value) => (seen[what] ??= []).push(value);
  for (let round = 0; round < rounds; round += 1) {
    say(`round ${round + 1}`);
    const stage = new processes.Stage(place(`ours-${round}`), platform.endpoint, { quiet: '200ms' });
    const trace = join(stage.dir, 'trace');
    const daemon = stage.daemon({ through: hasStrace ? tracing(trace) : [] });
    await processes.scanned(daemon);
    let recorded = 0;
    const deliver = async (count) => {
      const folders = prepare(stage.aside, `cost-${round}-${recorded}`, count);
      dropAll(stage, folders);
      await processes.recorded(daemon, (recorded += count));
    };
    await deliver(1);
    const before = hasStrace ? synced(trace, stage.root) : null;
    for (let n = 0; n < alone; n += 1) await deliver(1);
    const middle = hasStrace ? synced(trace, stage.root) : null;
    await platform.forget();
    await deliver(together);
    const { requests } = await platform.seen();
    note('requests', Object.values(requests).reduce((a, b) => a + b, 0) / together);
    if (hasStrace) {
      const after = synced(trace, stage.root);
      note('alone', (middle.outbox - before.outbox) / alone);
      note('together', (after.outbox - middle.outbox) / together);
      note('results', (after.results - middle.results) / together);
      note('naive', await syncsOfNaive(place(`naive-${round}`), platform, isShort ? 10 : 60));
    }
    const bytesBefore = outboxBytes(stage);
    await deliver(more);
    note('bytes', (outboxBytes(stage) - bytesBefore) / more);
    await processes.stop(daemon);
    note('thinnedBytes', await thinnedBytes(stage));
  }
  await platform.end();
  const figures = [
    figure({
      what: `syncs of the outbox, ${together} runs together`,
      unit: 'a run',
      ours: seen.together ?? [],
      beside: hasStrace ? { name: 'naive Node', values: seen.naive } : null,
      goal: { of: 'median', atMost: 0.35 },
      note: 'a commit for each of the 6 changes that a run has here would be 6',
    }),
    figure({
      what: 'syncs of the outbox, a run alone',
      unit: 'a run',
      ours: seen.alone ?? [],
      goal: { of: 'median', atMost: 4 },
    }),
    figure({
      what: 'syncs of the result that is written back',
      unit: 'a run',
      ours: seen.results ?? [],
      note: 'the file, and the directory that names it',
    }),
    figure({
      what: 'requests, with JSON input, output and log',
      unit: 'a run',
      ours: seen.requests,
      goal: { of: 'median', atMost: 8.1 },
      note: 'three upload URLs, three uploads, the run, its result; lists of the app are shared by all',
    }),
    figure({
      what: 'outbox as it is by default, with the story of a run and all indexes',
      unit: 'bytes a run',
      ours: seen.bytes,
      goal: bytesGoal,
      note: `history.keep is forever by default; what ${more} runs add to an outbox that has some`,
    }),
    figure({
      what: 'outbox, after history.keep has let the story go',
      unit: 'bytes a run',
      ours: seen.thinnedBytes,
      goal: bytesGoal,
      note: 'what keeps it from being sent again, with all indexes and pages that are not full',
    }),
  ];
  return {
    figures,
    notes: hasStrace ? [] : ['SYNCS ARE NOT COUNTED: strace is not there (apt-get install strace)'],
  };
}

/** -D: what is watched is our child and strace watches from beside, so that whatever ends us ends it too. */
const tracing = (trace) => [
  'strace',
  '-D',
  '-f',
  '-qq',
  '-y',
  '--seccomp-bpf',
  '-e',
  'trace=fsync,fdatasync',
  '-o',
  trace,
];

/** @returns syncs of its database for a run of the naive shape, which does one after the other */
async function syncsOfNaive(dir, platform, count) {
  const trace = join(dir, 'trace');
  const naive = await processes.startNaive(dir, platform.endpoint, join(dir, 'runs'), tracing(trace));
  const syncs = () =>
    readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => line.includes('/naive.db')).length;
  const before = syncs();
  await platform.forget();
  dropAll(naive, prepare(naive.aside, 'naive', count));
  await processes.until(
    'the naive shape to be done',
    () => naive.lines.filter((line) => line.startsWith('naive-')).length >= count,
    { everyMs: 100 },
  );
  const after = syncs();
  await processes.stop(naive, 'SIGKILL');
  return (after - before) / count;
}

function synced(trace, root) {
  const paths = readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1] ?? []);
  return {
    outbox: paths.filter((path) => path.includes('/outbox.db')).length,
    results: paths.filter((path) => path.startsWith(root)).length,
  };
}

/** Pages of the tables and indexes of thinned runs, when all are. */
async function thinnedBytes({ stateDir }) {
  const outbox = await openOutbox(stateDir);
  while ((await outbox.thinRuns(Date.now() + 1, 100)) > 0);
  await outbox.close();
  const db = new Database(join(stateDir, 'outbox.db'), { readonly: true });
  const pages = db
    .prepare(`select count(*) from dbstat where name glob 'thin*' or name glob '*thin_common*'`)
    .pluck()
    .get();
  const runs = db.prepare('select count(*) from thin_run').pluck().get();
  const bytes = pages * db.pragma('page_size', { simple: true });
  db.close();
  return bytes / runs;
}

/** Pages in use. */
function outboxBytes({ stateDir }) {
  const db = new Database(join(stateDir, 'outbox.db'), { readonly: true });
  const pages = db.pragma('page_count', { simple: true }) - db.pragma('freelist_count', { simple: true });
  const bytes = pages * db.pragma('page_size', { simple: true });
  db.close();
  return bytes;
}
