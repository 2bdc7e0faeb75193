/**
 * Whether bursts lose anything: folders renamed in at once, the same while the process is stopped so that the kernel's
 * queue of events runs over, folders that are all open at once, a hundred writers. What is lost is a count, and a play takes
 * minutes: each is played once, unless rounds are asked for. The platform does not answer, so that intake is measured and
 * nothing else.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { figure } from '../figures.mjs';
import { dropAll, prepare, SpareFolders } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'bursts: what is lost, how soon all are runs, memory, watches, the longest stall';

const quietMs = 500;
const [burst, burstShort, burstHuge] = [25_000, 500, 60_000];
/** Four files are written into each while the daemon looks at them: that takes most of the time. */
const [openAtOnce, openAtOnceHuge] = [10_000, 25_000];
/** Chokidar on the tree has five watches for each folder; more than this it cannot watch here. */
const chokidarFoldersMax = 10_000;
/** What does not come within this time does not come. */
const patienceMs = 60_000;
/** Chokidar has nothing that looks again: what it has not said by then was lost. */
const chokidarPatienceMs = 15_000;
const [writers, foldersEach, foldersEachShort] = [100, 20, 3];

export async function measure({ dir, roundsAsked, isShort, isHuge, say }) {
  const rounds = roundsAsked ?? 1;
  const count = isShort ? burstShort : burst;
  const many = isHuge ? burstHuge : count;
  const open = isShort ? burstShort : isHuge ? openAtOnceHuge : openAtOnce;
  const few = Math.min(count, chokidarFoldersMax);
  const each = isShort ? foldersEachShort : foldersEach;
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
    {
      name: `${open} open at once, written file by file`,
      key: 'open',
      count: open,
      go: (stage) => fileByFile(stage, open),
    },
    {
      name: `${writers} writers at once`,
      key: 'writers',
      count: writers * each,
      go: (stage) => manyWriters(stage, each),
    },
  ];
  const figures = [];
  for (const play of plays) {
    const seen = [];
    for (let round = 0; round < rounds; round += 1) {
      say(`${play.name}, round ${round + 1}`);
      seen.push(await playOnce(join(dir, `${play.key}-${round}`), play));
    }
    const taken = (what, unit, of, more = {}) =>
      figure({ what: `${play.name}: ${what}`, unit, ours: seen.map(of), ...more });
    figures.push(
      taken('lost', 'folders', ({ lost }) => lost, { goal: { of: 'max', atMost: 0 } }),
      taken('all are runs after', 's', ({ seconds }) => seconds, {
        note: `written within ${Math.max(...seen.map(({ writtenSeconds }) => writtenSeconds))} s; the quiet time is taken off`,
      }),
      taken('most memory', 'MiB', ({ peakMiB }) => peakMiB),
      taken('most watches', '', ({ watches }) => watches),
      taken('longest stall of the loop', 'ms', ({ stallMs }) => stallMs),
      taken('found by scan', 'folders', ({ byScan }) => byScan),
    );
  }
  say(`${few} renamed in, chokidar on the tree`);
  figures.push(
    figure({
      what: `${few} renamed in at once: lost by chokidar on the tree`,
      unit: 'folders',
      ours: [await lostByChokidar(join(dir, 'chokidar'), spare, few)],
      note: 'the reference, not ours',
    }),
  );
  return { figures, rounds };
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
  const stoppedMs = (await go(stage, folders, daemon)) ?? 0;
  const writtenMs = processes.nowMs() - beganMs;
  const { runs, atMs } = await runsInTheEnd(count, async () => runsOf(await processes.statusOf(daemon)));
  isOver = true;
  await watching;
  const { found } = (await processes.statusOf(daemon)).drop_roots[0];
  const seen = {
    lost: count - runs,
    seconds: Math.max(0.1, (atMs - beganMs - quietMs) / 1_000),
    writtenSeconds: Number((writtenMs / 1_000).toFixed(1)),
    peakMiB: processes.peakMiB(daemon.pid),
    watches,
    // A process that is stopped holds its loop as long; that is not its own doing.
    stallMs: Math.max(0, (await processes.longestStallMs(daemon)) - stoppedMs),
    byScan: found.by_scan,
  };
  await processes.stop(daemon, 'SIGKILL');
  spare?.takeBack(stage, folders);
  stage.end();
  return seen;
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

/** @returns for how many ms */
async function whileStopped(stage, folders, { child }) {
  child.kill('SIGSTOP');
  const beganMs = processes.nowMs();
  dropAll(stage, folders);
  await sleep(1_000);
  child.kill('SIGCONT');
  return processes.nowMs() - beganMs;
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
}

async function lostByChokidar(dir, spare, count) {
  mkdirSync(dir);
  const naive = await processes.startNaive(dir, null);
  dropAll(naive, spare.lend(naive, count));
  const { runs } = await runsInTheEnd(
    count,
    () => naive.lines.filter((line) => line.startsWith('run-')).length,
    chokidarPatienceMs,
  );
  await processes.stop(naive, 'SIGKILL');
  return count - runs;
}
