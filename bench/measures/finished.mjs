/**
 * What folders cost that are long finished: a drop root is filled up, and at each size the daemon is started anew. Ready
 * is when the first scan is over; the first arrival is a folder that lay there at the start, counted from the start to
 * the log line that says that it is a run, less the quiet time.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { figure, median, rounded } from '../figures.mjs';
import { addFinished, dropAll, prepare } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'start, memory, watches, idle processor and first arrival, by finished folders';

const quietMs = 1_000;
const sizes = [0, 1_000, 10_000, 100_000];
const sizesShort = [0, 1_000];
const hugeSize = 1_000_000;
/** The tree is watched as a whole there; above it has as many watches as the kernel gives, and takes a minute. */
const chokidarFoldersMax = 10_000;
/** Where the processor is looked at while nothing happens: it takes most of a minute each. */
const idleAt = [1_000, 100_000, hugeSize];
/** A whole scan period, whatever it costs. */
const idleMs = 5_500;
/** What a start leaves to be tidied up is over by then: V8 goes through its memory some seconds after the last work. */
const calmMs = 15_000;

export async function measure({ dir, rounds, isShort, isHuge, say }) {
  const wanted = [...(isShort ? sizesShort : sizes), ...(isHuge ? [hugeSize] : [])];
  const platform = await processes.Platform.start();
  const stage = new processes.Stage(dir, platform.endpoint, { quiet: `${quietMs}ms` });
  const seen = [];
  let [made, arrivals] = [0, 0];
  for (const size of wanted) {
    say(`making folders up to ${size}`);
    await addFinished(stage, made, size);
    made = size;
    const at = {
      size,
      arrivals,
      readyMs: [],
      readdirMs: [],
      chokidarMs: [],
      rss: [],
      idle: [],
      firstMs: [],
      watches: [],
    };
    for (let round = 0; round < rounds; round += 1) {
      say(`${size} finished folders, round ${round + 1}`);
      at.readdirMs.push(await readdirMs(stage.root));
      if (size > 0 && size <= chokidarFoldersMax && round === 0)
        at.chokidarMs.push(await chokidarMs(dir, stage.root));
      const isLookedAtIdle = round === rounds - 1 && idleAt.includes(size);
      await playRound(stage, at, `${size}-${round}`, isLookedAtIdle ? rounds : 0);
    }
    ({ arrivals } = at);
    seen.push(at);
  }
  await platform.end();
  return { figures: figuresOf(seen), growth: growthOf(seen), notes: notesOf(seen, isShort) };
}

/** @param windows how often it is looked at while nothing happens */
async function playRound(stage, at, name, windows) {
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
  const startedAtMs = Date.now() - (processes.nowMs() - daemon.beganMs);
  at.firstMs.push(Math.max(1, Date.parse(complete.time) - startedAtMs - quietMs));
  await processes.recorded(daemon, at.size + (at.arrivals += 1));
  at.rss.push(processes.rssMiB(daemon.pid));
  at.watches.push(processes.watches(daemon.pid));
  if (windows > 0) await sleep(calmMs);
  for (let window = 0; window < windows; window += 1) {
    const [cpuBefore, beganMs] = [processes.fineCpuMs(daemon.pid), processes.nowMs()];
    await sleep(idleMs);
    at.idle.push(((processes.fineCpuMs(daemon.pid) - cpuBefore) / (processes.nowMs() - beganMs)) * 100);
  }
  await processes.stop(daemon);
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

async function chokidarMs(dir, root) {
  const place = join(dir, `chokidar-${processes.nowMs()}`);
  mkdirSync(place);
  const beganMs = processes.nowMs();
  const naive = await processes.startNaive(place, null, root);
  const ms = processes.nowMs() - beganMs;
  await processes.stop(naive, 'SIGKILL');
  return ms;
}

function figuresOf(seen) {
  const small = seen.find(({ size }) => size === 1_000);
  return seen.flatMap((at) => {
    const of = `${at.size.toLocaleString('en')} finished`;
    const isLarge = at.size >= 100_000;
    return [
      figure({
        what: `${of}: first scan`,
        unit: 'ms',
        ours: at.readyMs,
        beside: { name: 'bare readdir', values: at.readdirMs },
        goal: isLarge ? { of: 'ratio', atMost: 5 } : null,
      }),
      ...(at.chokidarMs.length === 0
        ? []
        : [
            figure({
              what: `${of}: first scan, beside chokidar on the tree`,
              unit: 'ms',
              ours: at.readyMs.slice(0, 1),
              beside: { name: 'chokidar', values: at.chokidarMs },
              note: 'chokidar from the start of its process, ours from "is running"; once',
            }),
          ]),
      figure({
        what: `${of}: memory`,
        unit: 'MiB',
        ours: at.rss,
        beside: small === undefined || small === at ? null : { name: 'at 1,000', values: small.rss },
        goal: isLarge ? { of: 'ratio', atMost: 1.25 } : null,
      }),
      figure({ what: `${of}: watches`, unit: '', ours: at.watches, goal: { of: 'max', atMost: 5 } }),
      ...(at.idle.length === 0
        ? []
        : [
            figure({
              what: `${of}: processor while nothing happens`,
              unit: '% of a core',
              ours: at.idle,
              goal: { of: 'median', atMost: 0.2 },
            }),
          ]),
      figure({
        what: `${of}: first arrival, after start and quiet time`,
        unit: 'ms',
        ours: at.firstMs,
        goal: { of: 'median', atMost: 1_000 },
      }),
    ];
  });
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
    { title: 'Memory', unit: 'MiB', x, lines: [line('runtrackd', 'rss')] },
    { title: 'Processor while idle', unit: '% of a core', x, lines: [line('runtrackd', 'idle')] },
  ];
}

const notesOf = (seen, isShort) => [
  ...(isShort ? ['a short run stops at 1,000'] : []),
  `${hugeSize.toLocaleString('en')} finished folders: npm run bench -- finished --huge`,
];
