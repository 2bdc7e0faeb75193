/**
 * Whether bursts lose anything: folders renamed in at once, the same while the process is stopped so that the kernel's
 * queue of events runs over; with `--huge` more of both, folders that are all open at once, and a hundred writers. The
 * platform does not answer, so that intake is measured and nothing else.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { figure } from '../figures.mjs';
import { dropAll, prepare, SpareFolders } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what =
  'bursts: what is lost or doubled, how soon all are queued in the outbox, memory, watches, the longest stall';

const quietMs = 500;
const [burst, burstShort, burstHuge] = [25_000, 500, 60_000];
/** Four files are written into each while the daemon looks at them: that takes most of the time. */
const openAtOnce = 25_000;
/** Chokidar on the tree has five watches for each folder: of ten thousand it cannot watch all on every machine. */
const chokidarFoldersMax = 5_000;
/** Of the last one, from the moment when they are all there and the process runs. */
const foundAgainSecondsMax = 5;
const stallMsMax = 20;
/** What does not come within this time does not come. */
const patienceMs = 60_000;
/** Chokidar has nothing that looks again: what it has not said by then was lost. */
const chokidarPatienceMs = 8_000;
const [writers, foldersEach] = [100, 20];

export async function measure({ dir, rounds, isShort, isHuge, say }) {
  const count = isShort ? burstShort : burst;
  const many = isHuge ? burstHuge : count;
  const few = Math.min(count, chokidarFoldersMax);
  const spare = new SpareFolders(join(dir, 'spare'));
  const plays = [
    { name: `${many} renamed in at once`, key: 'renamed', count: many, spare, go: dropAll },
    {
      name: `${many} renamed in while the process is stopped`,
      key: 'stopped',
      count: many,
      spare,
      go: whileStopped,
    },
    ...(isHuge
      ? [
          {
            name: `${openAtOnce} open at once, written file by file`,
            key: 'open',
            count: openAtOnce,
            go: (stage) => fileByFile(stage, openAtOnce),
          },
          {
            name: `${writers} writers at once`,
            key: 'writers',
            count: writers * foldersEach,
            go: (stage) => manyWriters(stage, foldersEach),
          },
        ]
      : []),
  ];
  const [figures, chokidar] = [[], []];
  const seenOf = new Map(plays.map(({ key }) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const play of plays) {
      say(`round ${round + 1}: ${play.name}`);
      seenOf.get(play.key).push(await playOnce(join(dir, `${play.key}-${round}`), play));
    }
    say(`round ${round + 1}: ${few} renamed in, chokidar on the tree`);
    chokidar.push(await lostByChokidar(join(dir, `chokidar-${round}`), spare, few));
  }
  for (const play of plays) {
    const { key } = play;
    const seen = seenOf.get(key);
    const taken = (what, unit, of, more = {}) =>
      figure({ what: `${play.name}: ${what}`, unit, ours: seen.map(of), ...more });
    figures.push(
      taken('lost', 'folders', ({ lost }) => lost, { goal: { of: 'max', atMost: 0 } }),
      taken('doubled', 'runs', ({ doubled }) => doubled, { goal: { of: 'max', atMost: 0 } }),
      taken('the last one is seen after', 's', ({ seenSeconds }) => seenSeconds, {
        goal: { of: 'max', atMost: foundAgainSecondsMax },
        note: `from ${key === 'stopped' ? 'the moment when the process goes on' : 'the last one being written'}, by the outbox`,
      }),
      taken('all are queued after', 's', ({ seconds }) => seconds, {
        note: `written within ${Math.max(...seen.map(({ writtenSeconds }) => writtenSeconds))} s; the quiet time is taken off`,
      }),
      taken('most memory', 'MiB', ({ peakMiB }) => peakMiB),
      taken('most watches', '', ({ watches }) => watches),
      taken('longest stall of the loop', 'ms', ({ stallMs }) => stallMs, {
        goal: { of: 'max', atMost: stallMsMax },
      }),
      taken('found by scan', 'folders', ({ byScan }) => byScan),
    );
  }
  figures.push(
    figure({
      what: `${few} renamed in at once: lost by chokidar on the tree`,
      unit: 'folders',
      ours: chokidar,
      note: 'the reference, not ours',
    }),
  );
  const notes = isHuge
    ? []
    : ['folders that are all open at once, a hundred writers: npm run bench -- bursts --huge'];
  return { figures, notes };
}

async function playOnce(dir, { count, spare = null, go }) {
  mkdirSync(dir);
  const stage = new processes.Stage(dir, processes.nobody, { quiet: `${quietMs}ms` });
  const folders = spare?.lend(stage, count) ?? [];
  const daemon = stage.daemon({ isWatched: true });
  await processes.scanned(daemon);
  await processes.longestStallMs(daemon);
  processes.forgetPeak(daemon.pid);
  let watches = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      watches = Math.max(watches, processes.watches(daemon.pid));
      await sleep(250);
    }
  })();
  const beganMs = processes.nowMs();
  const { names = folders, calmMs = processes.nowMs() } = (await go(stage, folders, daemon)) ?? {};
  const writtenMs = processes.nowMs() - beganMs;
  const calmWallMs = calmMs + processes.wallAheadMs();
  const { atMs } = await runsInTheEnd(count, async () => runsOf(await processes.statusOf(daemon)));
  isOver = true;
  await watching;
  const { found } = (await processes.statusOf(daemon)).drop_roots[0];
  const seen = {
    seconds: Math.max(0.1, (atMs - beganMs - quietMs) / 1_000),
    writtenSeconds: Number((writtenMs / 1_000).toFixed(1)),
    peakMiB: processes.peakMiB(daemon.pid),
    watches,
    stallMs: await processes.longestStallMs(daemon),
    byScan: found.by_scan,
  };
  await processes.stop(daemon, 'SIGKILL');
  const { lost, doubled, lastSeenMs } = inOutbox(stage, names);
  spare?.takeBack(stage, folders);
  stage.end();
  return { ...seen, lost, doubled, seenSeconds: Math.max(0, (lastSeenMs - calmWallMs) / 1_000) };
}

/** Folders that are no run, runs beyond the first of a folder, or of no folder, and when the last folder was first seen. */
function inOutbox({ stateDir }, names) {
  const db = new Database(join(stateDir, 'outbox.db'));
  const runsByName = new Map(db.prepare('select path, count(*) from run group by path').raw().all());
  const lastSeenMs = db.prepare('select max(first_seen_ms) from folder').pluck().get() ?? NaN;
  db.close();
  const found = names.filter((name) => runsByName.has(name)).length;
  const runs = [...runsByName.values()].reduce((a, b) => a + b, 0);
  return { lost: names.length - found, doubled: runs - found, lastSeenMs };
}

const runsOf = (status) =>
  Object.entries(status?.counts ?? {}).reduce((sum, [state, n]) => (state === 'settling' ? sum : sum + n), 0);

/** Waits until all are there, or until nothing has come for long. @returns how many, and since when */
async function runsInTheEnd(count, look, waitsMs = patienceMs) {
  let [runs, atMs] = [0, processes.nowMs()];
  for (;;) {
    const seen = await look();
    if (seen > runs) [runs, atMs] = [seen, processes.nowMs()];
    if (runs >= count || processes.nowMs() - atMs > waitsMs) return { runs, atMs };
    await sleep(500);
  }
}

async function whileStopped(stage, folders, daemon) {
  daemon.child.kill('SIGSTOP');
  dropAll(stage, folders);
  await sleep(1_000);
  daemon.child.kill('SIGCONT');
  const calmMs = processes.nowMs();
  // A process that is stopped holds its loop as long, which is not its own doing: stalls count from its first answer on.
  await processes.until('an answer', async () => await processes.statusOf(daemon));
  await processes.longestStallMs(daemon);
  return { calmMs };
}

async function fileByFile({ root, aside }, count) {
  const [sample] = prepare(aside, 'sample', 1);
  const text = (file) => readFileSync(join(aside, sample, file), 'utf8');
  const names = Array.from({ length: count }, (_, n) => `run-${n}`);
  for (const name of names) mkdirSync(join(root, name));
  for (const file of ['input.json', 'output.json', 'run.log', 'meta.json']) {
    const content = text(file);
    for (const [n, name] of names.entries()) {
      writeFileSync(join(root, name, file), content);
      if (n % 200 === 0) await sleep(1);
    }
  }
  return { names };
}

async function manyWriters({ root }, each) {
  const write = async (writer) => {
    for (let n = 0; n < each; n += 1) {
      const path = join(root, `w${writer}-${n}`);
      mkdirSync(path);
      for (const [name, text] of [
        ['input.json', `{"w":${writer},"n":${n}}`],
        ['output.json', '{}'],
        ['meta.json', '{"status":"succeeded","duration":1}'],
      ]) {
        await sleep(Math.random() * 20);
        writeFileSync(join(path, `${name}.tmp`), text);
        await sleep(Math.random() * 5);
        renameSync(join(path, `${name}.tmp`), join(path, name));
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return { names: Array.from({ length: writers * each }, (_, n) => `w${Math.floor(n / each)}-${n % each}`) };
}

async function lostByChokidar(dir, spare, count) {
  mkdirSync(dir);
  const naive = await processes.startNaive(dir, null);
  const folders = spare.lend(naive, count);
  dropAll(naive, folders);
  const { runs } = await runsInTheEnd(
    count,
    () => new Set(naive.lines.filter((line) => line.startsWith('run-'))).size,
    chokidarPatienceMs,
  );
  await processes.stop(naive, 'SIGKILL');
  spare.takeBack(naive, folders);
  return count - runs;
}
