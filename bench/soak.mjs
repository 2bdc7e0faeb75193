/**
 * An hour under load with the network misbehaving now and then: does anything grow? The daemon is one process from the
 * beginning to the end; folders come all the time, and are cleared away once they are recorded; somebody asks for the
 * status all the time. At the end the six
 * properties of the oracle are checked as well.
 *
 *   npm run bench:soak [-- --minutes 60] [--per-second 3] [--seed 1]
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyNumber, asked } from './asked.mjs';
import { machine } from './machine.mjs';
import { chanceOf } from './oracle/chance.mjs';
import { impatientProgram } from './oracle/program.mjs';
import { Stage } from './oracle/stage.mjs';
import { soakPicture } from './soakPicture.mjs';

const sampleEveryMs = 10_000;
const statusEveryMs = 1_000;
/** Of all requests, so many meet a fault. */
const faultShare = 0.03;
/** What is allowed to grow between the second and the last quarter, as a ratio. */
const flatMax = { rssMiB: 1.15, openFiles: 1.2 };
const walMiBMax = 64;
const foldersKept = 500;
const MiB = 1024 * 1024;

const drop = (when) => ({ kind: 'drop', when });
const faults = [
  drop('before'),
  drop('after'),
  drop('midway'),
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 503, carriedOut: true },
  { kind: 'answer', status: 429, retryAfter: '1' },
  { kind: 'answer', status: 502, body: '<html>' },
  { kind: 'delay', ms: 800 },
];

const { values, keep } = asked({
  command: 'bench:soak',
  what: 'An hour under load, with a misbehaving network: does anything grow?',
  options: {
    minutes: { what: 'how long', usual: 60, is: anyNumber, result: 'more' },
    'per-second': { what: 'folders in a second', usual: 3, is: anyNumber },
    seed: { what: 'which chances are taken', usual: 1, result: 'any' },
  },
});
const { minutes, seed, 'per-second': perSecond } = values;

function sampleOf(pid, stateDir, atMs) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rss = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  const size = (name) => (existsSync(join(stateDir, name)) ? statSync(join(stateDir, name)).size / MiB : 0);
  return {
    minute: round(atMs / 60_000),
    rssMiB: round(rss),
    threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1]),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
    walMiB: round(size('outbox.db-wal')),
    outboxMiB: round(size('outbox.db')),
  };
}

/** Somebody clears away what is recorded, so that what is to stay flat is asked of the same number of folders. */
function tidy(stage) {
  const standing = stage.ledger.standing();
  for (const name of standing.slice(0, Math.max(0, standing.length - foldersKept))) {
    if (!existsSync(join(stage.ledger.path(name), 'nextmv-result.json'))) continue;
    rmSync(stage.ledger.path(name), { recursive: true });
    stage.ledger.noteGone(name);
  }
}

const round = (value) => Math.round(value * 100) / 100;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** The second quarter against the last: the first is the program getting warm. */
function growth(samples, key) {
  const of = (from, to) =>
    median(
      samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map((one) => one[key]),
    );
  const [before, after] = [of(0.25, 0.5), of(0.75, 1)];
  return { before, after, ratio: before === 0 ? 1 : round(after / before) };
}

const dir = mkdtempSync(join(tmpdir(), 'rt-s-'));
const stateDir = join(dir, 'stage', 'state');
const samples = [];
try {
  const stage = await Stage.begin(join(dir, 'stage'), await impatientProgram(join(dir, 'program')), '5s');
  const chance = chanceOf(seed);
  await stage.warmUp();
  const daemon = stage.start();
  await daemon.untilRunning();
  stage.misbehave = () => (chance.whole(1, 1_000) <= faultShare * 1_000 ? chance.one(faults) : null);
  const beganMs = performance.now();
  const passedMs = () => performance.now() - beganMs;
  let asked = 0;
  const reader = (async () => {
    while (passedMs() < minutes * 60_000) {
      await daemon.status();
      asked += 1;
      await sleep(statusEveryMs);
    }
  })();
  const sampler = (async () => {
    while (passedMs() < minutes * 60_000) {
      samples.push(sampleOf(daemon.pid, stateDir, passedMs()));
      const { minute, rssMiB, openFiles, walMiB } = samples.at(-1);
      const line = `${minute} of ${minutes} min: ${stage.ledger.folders.size} folders, ${rssMiB} MiB, ${openFiles} open files, WAL ${walMiB} MiB`;
      process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
      await sleep(sampleEveryMs);
    }
  })();
  while (passedMs() < minutes * 60_000) {
    // Not in step: some come together, some after a while.
    for (let some = chance.whole(1, 5); some > 0; some -= 1) stage.ledger.drop();
    tidy(stage);
    await sleep((chance.whole(1, 5) * 1_000) / perSecond);
  }
  await Promise.all([reader, sampler]);
  const happened = Object.values(stage.faultsHappened).reduce((sum, times) => sum + times, 0);
  const { broken, counts } = await stage.verdict({ faults: { times: happened, least: 1 } }, daemon);
  const grown = Object.fromEntries(Object.keys(flatMax).map((key) => [key, growth(samples, key)]));
  const walMost = Math.max(...samples.map(({ walMiB }) => walMiB));
  const unflat = Object.entries(flatMax).filter(([key, most]) => grown[key].ratio > most);
  console.table(
    Object.entries(grown).map(([what, { before, after, ratio }]) => ({
      what,
      'second quarter': before,
      'last quarter': after,
      ratio,
      goal: `≤ ${flatMax[what]}`,
      holds: ratio <= flatMax[what],
    })),
  );
  console.log(
    `${counts.folders} folders, ${counts.runs} runs, ${happened} faults, ${asked} times asked for the status; ` +
      `${counts.lost} lost, ${counts.doubled} doubled; WAL at most ${walMost} MiB`,
  );
  for (const { property, what } of broken) console.log(`BROKEN ${property}: ${what}`);
  const { folders, runs, lost, doubled, altered, invented, unsettled } = counts;
  const summary = { minutes, perSecond, seed, folders, runs, faults: happened, asked };
  const judged = { lost, doubled, altered, invented, unsettled, walMiBMost: walMost, growth: grown };
  keep('soak.json', `${JSON.stringify({ machine: machine(), ...summary, ...judged, samples }, null, 1)}\n`);
  keep('soak.svg', soakPicture(samples));
  await stage.end();
  if (broken.length > 0 || unflat.length > 0 || walMost > walMiBMax) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
