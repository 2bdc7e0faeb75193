/**
 * What folders cost that are long finished: a drop root is filled up, and at each size the daemon is started anew. Ready
 * is when the first scan is over, from the log line that says that the daemon is running; beside chokidar from the start of
 * both processes. How long the loop was held from that line to the end of the scan is taken in a start of its own. The first arrival is a folder that lay there at the start, counted from the start to
 * the log line that says that it is a run, less the quiet time. Then folders are renamed in, one after the other: each is
 * seen when the outbox says that it was first seen.
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { figure, median, quantile, rounded } from '../figures.mjs';
import { addFinished, dropAll, prepare } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'start, memory, watches, idle processor and first arrival, by finished folders';

const quietMs = 1_000;
const sizes = [0, 1_000, 10_000, 100_000];
const sizesShort = [0, 1_000];
const hugeSize = 1_000_000;
/** What it has not said by then it does not say. */
const chokidarPatienceMs = 5_000;
/** The tree is watched as a whole there; above it has as many watches as the kernel gives, and takes a minute. */
const chokidarFolders = 10_000;
/** Once, and with `--huge` only. */
const chokidarFoldersHuge = 100_000;
/** From so many on the goals are those of many. */
const largeMin = 100_000;
/** Looks at the names of all folders, one a second, for each value. */
const namesScans = 3;
/** Folders that come while the daemon runs, and how far apart, in ms. */
const arrivalsMax = 60;
const arrivalEveryMs = 20;
/** Where that is looked at. */
const seenAt = [1_000, 10_000, 100_000];
/** As long as from one step of the audit to the next, so that there is one in each. */
const idleMs = 10_000;
/** What a start leaves to be tidied up is over by then: V8 goes through its memory some seconds after the last work. */
const calmMs = 15_000;
/** A look at all of them leaves more: V8 comes back to it for a minute and a quarter. */
const calmAfterScanMs = 90_000;

export async function measure({ dir, rounds, isShort, isHuge, say }) {
  const wanted = [...(isShort ? sizesShort : sizes), ...(isHuge ? [hugeSize] : [])];
  const platform = await processes.Platform.start();
  const seen = [];
  for (const size of wanted) {
    say(`making ${size} folders`);
    const stage = new processes.Stage(join(dir, String(size)), platform.endpoint, { quiet: `${quietMs}ms` });
    await addFinished(stage, 0, size);
    const at = {
      stage,
      daemon: null,
      size,
      arrivals: 0,
      readyMs: [],
      readyFromStartMs: [],
      stallMs: [],
      namesScan: [],
      chokidarRss: [],
      readdirMs: [],
      chokidarMs: [],
      rss: [],
      idleAtFirst: [],
      idle: [],
      firstMs: [],
      watches: [],
      seenMs: [],
      chokidarSeenMs: [],
    };
    seen.push(at);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const at of seen) {
      const { size, stage } = at;
      say(`${size} finished folders, round ${round + 1}`);
      at.readdirMs.push(await readdirMs(stage.root));
      const isHugeOnce = isHuge && size === chokidarFoldersHuge && round === 0;
      if (size === chokidarFolders || isHugeOnce) await playChokidar(dir, at);
      await playRound(at, `${size}-${round}`);
      if (size >= largeMin) at.stallMs.push(await stallAtStart(stage));
    }
  }
  // One more start, for daemons that are left alone from now on.
  for (const at of seen) {
    at.daemon = at.stage.daemon();
    await processes.scanned(at.daemon);
  }
  if (isHuge) {
    say('nothing happens, in the first hour');
    await lookAtIdle(seen, 'idleAtFirst', rounds, calmMs);
  }
  // By itself it has compared all of them after `audit_every`: an hour.
  for (const { stage } of seen)
    await processes.start(process.execPath, [processes.programFile, 'scan'], { cwd: stage.dir }).ended;
  say('nothing happens');
  const calmAtMs = processes.nowMs() + calmAfterScanMs;
  // While the daemons calm down: what is looked at here is another process.
  for (let round = 0; round < rounds; round += 1)
    for (const at of seen.filter(({ size }) => size >= largeMin))
      at.namesScan.push(await processes.namesScan(at.stage.root, namesScans));
  await lookAtIdle(seen, 'idle', rounds, Math.max(0, calmAtMs - processes.nowMs()));
  for (const { daemon } of seen) await processes.stop(daemon);
  await platform.end();
  return { figures: figuresOf(seen), growth: growthOf(seen), notes: notesOf(seen, isShort) };
}

async function playRound(at, name) {
  const { stage } = at;
  // Before the start, so that it is there for the first scan.
  // By its name it comes last, behind all that are finished.
  const [arrival] = prepare(stage.aside, `late-${name}`, 1);
  dropAll(stage, [arrival]);
  const logBefore = logOf(stage).length;
  const daemon = stage.daemon();
  const running = await lineWith(daemon, logBefore, ' is running: ');
  const scannedAtMs = Date.parse(await processes.scanned(daemon));
  at.readyMs.push(Math.max(1, scannedAtMs - Date.parse(running.time)));
  const complete = await lineWith(daemon, logBefore, `${arrival} is complete`);
  const startedAtMs = daemon.beganMs + processes.wallAheadMs();
  at.readyFromStartMs.push(Math.max(1, scannedAtMs - startedAtMs));
  at.firstMs.push(Math.max(1, Date.parse(complete.time) - startedAtMs - quietMs));
  await processes.recorded(daemon, at.size + (at.arrivals += 1));
  at.rss.push(processes.rssMiB(daemon.pid));
  at.watches.push(processes.watches(daemon.pid));
  const droppedAtMs = seenAt.includes(at.size) ? await arrive(stage, `seen-${name}`) : new Map();
  await processes.recorded(daemon, at.size + (at.arrivals += droppedAtMs.size));
  await processes.stop(daemon);
  if (droppedAtMs.size > 0) at.seenMs.push(waitsOf(droppedAtMs, firstSeen(stage)));
}

/** @returns for how long the loop was held at most, from the line that says that it runs to the end of the first scan */
async function stallAtStart(stage) {
  const logBefore = logOf(stage).length;
  const daemon = stage.daemon({ isWatched: true, isListed: true });
  const runningMs = Date.parse((await lineWith(daemon, logBefore, ' is running: ')).time);
  const scannedMs = Date.parse(await processes.scanned(daemon));
  const stalls = await processes.stallsOf(daemon);
  await processes.stop(daemon);
  const held = stalls
    .filter(([endMs, ms]) => endMs > runningMs && endMs - ms <= scannedMs)
    // What was before that line is the program being loaded.
    .map(([endMs, ms]) => Math.min(ms, endMs - runningMs));
  return Math.max(0, ...held);
}

/** Renames folders in, one after the other. @returns when each came, by the wall clock */
async function arrive({ aside, root }, prefix) {
  const droppedAtMs = new Map();
  for (const name of prepare(aside, prefix, arrivalsMax)) {
    renameSync(join(aside, name), join(root, name));
    droppedAtMs.set(name, performance.timeOrigin + performance.now());
    await sleep(arrivalEveryMs);
  }
  return droppedAtMs;
}

/** From a copy: an outbox that somebody else has opened meanwhile is read through at the next start. */
function firstSeen({ dir, stateDir }) {
  const copy = join(dir, 'copy.db');
  copyFileSync(join(stateDir, 'outbox.db'), copy);
  const db = new Database(copy, { readonly: true });
  const rows = db.prepare('select path, first_seen_ms from folder').raw().all();
  db.close();
  return new Map(rows);
}

/** The outbox has whole ms: what was seen within the same one counts as half. */
const waitsOf = (droppedAtMs, seenAtMs) =>
  [...droppedAtMs].map(([name, atMs]) => Math.max(0.5, seenAtMs.get(name) - atMs));

/** All at once, as they do nothing. @param name of where the share of a core goes that each takes, in per cent */
async function lookAtIdle(seen, name, windows, afterMs) {
  await sleep(afterMs);
  for (let window = 0; window < windows; window += 1) {
    const before = seen.map(({ daemon: { pid } }) => [processes.fineCpuMs(pid), processes.nowMs()]);
    await sleep(idleMs);
    for (const [index, at] of seen.entries()) {
      const [cpuMs, beganMs] = before[index];
      const share = (processes.fineCpuMs(at.daemon.pid) - cpuMs) / (processes.nowMs() - beganMs);
      at[name].push(share * 100);
    }
  }
}

const logOf = ({ dir }) => {
  try {
    return readFileSync(join(dir, 'log'), 'utf8');
  } catch {
    // It has never been started.
    return '';
  }
};

async function lineWith(daemon, from, text) {
  const line = await processes.until(`the daemon to say "${text}"`, () =>
    logOf(daemon.stage)
      .slice(from)
      .split('\n')
      .slice(0, -1)
      .find((one) => one.includes(text)),
  );
  return JSON.parse(line);
}

/** In a process of its own, which has nothing cached. */
async function readdirMs(path) {
  const script = `const { performance } = require('node:perf_hooks'); const began = performance.now();
    require('node:fs').promises.readdir(${JSON.stringify(path)}).then(() => console.log(performance.now() - began))`;
  return await processes.report(process.execPath, ['-e', script]);
}

/** Chokidar on the tree, from the start of its process, and what it says of folders that come then. */
async function playChokidar(dir, at) {
  const { stage } = at;
  const place = join(dir, `chokidar-${processes.nowMs()}`);
  mkdirSync(place);
  const beganMs = processes.nowMs();
  const naive = await processes.startNaive(place, null, stage.root);
  at.chokidarMs.push(processes.nowMs() - beganMs);
  at.chokidarRss.push(processes.rssMiB(naive.pid));
  const seenAtMs = new Map();
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      for (const line of naive.lines.splice(0))
        seenAtMs.set(line, performance.timeOrigin + performance.now());
      await sleep(2);
    }
  })();
  const round = at.chokidarSeenMs.length;
  const droppedAtMs = await arrive(stage, `chokidar-${at.size}-${round}`);
  const giveUpMs = processes.nowMs() + chokidarPatienceMs;
  const isDone = () => [...droppedAtMs.keys()].every((name) => seenAtMs.has(name));
  await processes.until('chokidar', () => isDone() || processes.nowMs() > giveUpMs);
  isOver = true;
  await watching;
  await processes.stop(naive, 'SIGKILL');
  for (const name of droppedAtMs.keys()) rmSync(join(stage.root, name), { recursive: true });
  at.chokidarSeenMs.push(waitsOf(droppedAtMs, seenAtMs).filter(Number.isFinite));
}

function figuresOf(seen) {
  const small = seen.find(({ size }) => size === 1_000);
  return seen.flatMap((at) => {
    const of = `${at.size.toLocaleString('en')} finished`;
    const isLarge = at.size >= largeMin;
    return [
      figure({
        what: `${of}: first scan`,
        unit: 'ms',
        ours: at.readyMs,
        beside: { name: 'bare readdir', values: at.readdirMs },
        goal: isLarge ? { of: 'ratio', atMost: 5 } : null,
      }),
      ...(isLarge
        ? [
            figure({
              what: `${of}: longest stall of the loop in the first scan`,
              unit: 'ms',
              ours: at.stallMs,
              goal: { of: 'max', atMost: 20 },
              note: 'from "is running" on: the program is loaded then',
            }),
          ]
        : []),
      ...(at.chokidarMs.length === 0 ? [] : besideChokidar(of, at)),
      figure({
        what: `${of}: memory`,
        unit: 'MiB',
        ours: at.rss,
        beside: small === undefined || small === at ? null : { name: 'at 1,000', values: small.rss },
        goal: isLarge ? { of: 'ratio', atMost: 1.25 } : null,
      }),
      ...(at.seenMs.length === 0 ? [] : seenFigures(of, at, small)),
      figure({ what: `${of}: watches`, unit: '', ours: at.watches, goal: { of: 'max', atMost: 5 } }),
      ...[
        ['processor while nothing happens, in the first hour', at.idleAtFirst, ''],
        ['processor while nothing happens', at.idle, ', when all folders were compared once'],
      ]
        .filter(([, ours]) => ours.length > 0)
        .map(([what, ours, when]) =>
          figure({
            what: `${of}: ${what}`,
            unit: '% of a core',
            ours,
            goal: { of: 'median', atMost: 0.2 },
            note: `over ${idleMs / 1_000} s each, of all sizes at once${when}`,
          }),
        ),
      ...(isLarge
        ? [
            figure({
              what: `${of}: the same beside a look at all names each second`,
              unit: '% of a core',
              ours: at.idle,
              beside: { name: 'names each second', values: at.namesScan },
              goal: { of: 'ratio', atMost: 1 / 40 },
              note: `${namesScans} looks each, taken just before ours`,
            }),
          ]
        : []),
      figure({
        what: `${of}: first arrival, after start and quiet time`,
        unit: 'ms',
        ours: at.firstMs,
        goal: { of: 'median', atMost: 1_000 },
      }),
    ];
  });
}

/** Both from the start of their processes. */
function besideChokidar(of, { size, readyFromStartMs, rss, chokidarMs, chokidarRss }) {
  const note =
    size < largeMin
      ? `the goal is one for ${largeMin.toLocaleString('en')} folders, with which chokidar takes most of a minute and gigabytes: --huge takes that, once`
      : null;
  return [
    figure({
      what: `${of}: until the first scan is over, beside chokidar on the tree`,
      unit: 'ms',
      ours: readyFromStartMs,
      beside: { name: 'chokidar', values: chokidarMs },
      goal: { of: 'ratio', atMost: 1 / 100 },
      note: `both from the start of the process${note === null ? '' : `; ${note}`}`,
    }),
    figure({
      what: `${of}: memory, beside chokidar on the tree`,
      unit: 'MiB',
      ours: rss,
      beside: { name: 'chokidar', values: chokidarRss },
      goal: { of: 'ratio', atMost: rounded(1 / 15) },
      note,
    }),
  ];
}

function seenFigures(of, { seenMs, chokidarSeenMs, size }, small) {
  const own = seenMs.map(median);
  const figures = [
    figure({
      what: `${of}: from a folder's arrival to its being seen, median`,
      unit: 'ms',
      ours: own,
      beside: small.size === size ? null : { name: 'at 1,000', values: small.seenMs.map(median) },
      goal: { of: 'median', atMost: 5 },
      note: `${arrivalsMax} folders, ${arrivalEveryMs} ms apart; in whole ms`,
    }),
    figure({
      what: `${of}: from a folder's arrival to its being seen, 99 %`,
      unit: 'ms',
      ours: seenMs.map((times) => quantile(times, 0.99)),
      goal: { of: 'median', atMost: 50 },
    }),
  ];
  if (size >= largeMin)
    figures.push(
      figure({
        what: `${of}: the median beside that with 1,000`,
        unit: 'ms',
        ours: own,
        beside: { name: 'at 1,000', values: small.seenMs.map(median) },
        goal: { of: 'ratio', atMost: 2 },
      }),
    );
  if (chokidarSeenMs.length === 0) return figures;
  return [
    ...figures,
    figure({
      what: `${of}: the median beside chokidar on the tree`,
      unit: 'ms',
      ours: own,
      beside: { name: 'chokidar', values: chokidarSeenMs.map(median) },
      goal: { of: 'ratio', atMost: 1 / 20 },
      note: 'with `awaitWriteFinish`, as its documentation suggests',
    }),
  ];
}

function growthOf(seen) {
  const line = (name, key) => ({
    name,
    points: seen.filter((at) => at[key].length > 0).map((at) => [at.size, rounded(median(at[key]))]),
  });
  const x = 'finished folders';
  return [
    {
      title: 'First scan',
      unit: 'ms',
      x,
      lines: [line('runtrackd', 'readyMs'), line('bare readdir', 'readdirMs')],
    },
    {
      title: 'From arrival to being seen',
      unit: 'ms',
      x,
      lines: [
        {
          name: 'runtrackd',
          points: seen
            .filter(({ seenMs }) => seenMs.length > 0)
            .map(({ size, seenMs }) => [size, rounded(median(seenMs.map(median)))]),
        },
      ],
    },
    { title: 'Memory', unit: 'MiB', x, lines: [line('runtrackd', 'rss')] },
    {
      title: 'Processor while idle',
      unit: '% of a core',
      x,
      lines: [line('in the first hour', 'idleAtFirst'), line('later', 'idle')],
    },
  ];
}

const notesOf = (seen, isShort) => [
  ...(isShort ? ['a short run stops at 1,000'] : []),
  `${hugeSize.toLocaleString('en')} finished folders: npm run bench -- finished --huge`,
];
