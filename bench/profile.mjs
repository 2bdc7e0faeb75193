/**
 * Where the time goes in what falls short of its goal: the daemon as a user runs it, its main thread under V8's profiler.
 * A table of the functions by the time that is spent in themselves, and a flame graph, both in bench/results.
 *
 *   npm run bench:profile [-- NAME…]
 *
 * NAME: drain, tracked, bursts, artefacts, as in `npm run bench`; all of them, if not said.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asked } from './asked.mjs';
import { writeDocument } from './bigDocument.mjs';
import { callTree, idle, mainProfile, selfTimes } from './cpuProfile.mjs';
import { median } from './figures.mjs';
import { dropAll, fill, prepare } from './finishedFolders.mjs';
import { flamePicture } from './flames.mjs';
import * as processes from './processes.mjs';

const topMax = 20;
const quietMs = 200;
const arrivalEveryMs = 100;
const longestMax = 10;
/** V8 and the watch of the loop have clocks of their own. */
const slackMs = 6;

/** What is played, and how much of it: so much that starting counts for little beside it. */
const subjects = {
  drain: { what: '2,000 folders at once', units: 2_000, unit: 'run', play: drain },
  tracked: { what: '300 folders, 10 a second', units: 300, unit: 'run', play: tracked },
  bursts: {
    what: '25,000 folders at once, until all are queued',
    units: 25_000,
    unit: 'folder',
    play: bursts,
    isAlone: true,
  },
  artefacts: { what: 'a JSON input of 1 GB, four times', units: 4, unit: 'GB', play: artefacts },
};

async function drain({ stage, daemon, units }) {
  dropAll(stage, prepare(stage.aside, 'profile', units));
  await processes.recorded(daemon, units);
  return '';
}

/** @returns how long the loop was held at a time, and how much of the longest times V8 collected garbage */
async function bursts({ dir, stage, daemon, units }) {
  const folders = prepare(stage.aside, 'profile', units);
  await processes.stallsOf(daemon);
  dropAll(stage, folders);
  const queued = async () => ((await processes.statusOf(daemon))?.counts.queued ?? 0) >= units;
  await processes.until(`${units} folders to be queued`, queued, { everyMs: 500 });
  const stalls = (await processes.stallsOf(daemon)).toSorted(([, a], [, b]) => b - a).slice(0, longestMax);
  const pauses = pausesOf(readFileSync(join(dir, 'log'), 'utf8'), daemon.startedWallMs);
  const rows = stalls.map(([endMs, ms]) => {
    const within = pauses.filter(
      (pause) => pause.endMs > endMs - ms - slackMs && pause.endMs <= endMs + slackMs,
    );
    const gcMs = within.reduce((sum, pause) => sum + pause.ms, 0);
    return `| ${ms.toFixed(1)} | ${gcMs.toFixed(1)} | ${within.map(({ kind }) => kind).join(', ')} |`;
  });
  return `\nThe ${longestMax} longest times that the loop was held, and what V8 says that it collected meanwhile:\n\n| held, ms | of it garbage, ms | which |\n| --: | --: | :-- |\n${rows.join('\n')}\n`;
}

/** @returns the pauses of the main thread, which is the first to have one: when each ended, by the wall clock, in ms */
function pausesOf(log, startedWallMs) {
  const line = /^\[\d+:(0x[0-9a-f]+)[^\]]*\]\s+(\d+) ms: (Scavenge|Mark-Compact).*? (\d+(?:\.\d+)?) \/ \d/gm;
  const all = [...log.matchAll(line)];
  const main = all[0]?.[1];
  return all
    .filter(([, isolate]) => isolate === main)
    .map(([, , at, kind, ms]) => ({ endMs: startedWallMs + Number(at), kind, ms: Number(ms) }));
}

/** @returns the parts of the time from complete to tracked, as the stub saw its requests and the daemon noted them */
async function tracked({ dir, stage, daemon, platform, units }) {
  const names = prepare(stage.aside, 'profile', units);
  await platform.forget();
  const completeMs = new Map();
  const beganMs = processes.nowMs();
  for (const [n, name] of names.entries()) {
    await sleep(beganMs + n * arrivalEveryMs - processes.nowMs());
    renameSync(join(stage.aside, name), join(stage.root, name));
    completeMs.set(name, processes.nowMs() + quietMs);
  }
  await processes.recorded(daemon, units);
  const requests = await platform.requests();
  const { made } = await platform.seen();
  const madeMs = new Map(made);
  const notedMs = notedComplete(readFileSync(join(dir, 'log'), 'utf8'));
  const parts = {
    'until it is read, checked, and on disk in the outbox': [],
    'until its first upload is asked for': [],
    'its three uploads, side by side': [],
    'until its intent is on disk and the run is made': [],
  };
  // The first ones are V8 compiling.
  for (const name of names.slice(units / 4)) {
    const [beginMs, endMs] = [notedMs.get(name), madeMs.get(name)];
    // Runs follow each other here: what came between is its own.
    const own = requests.filter(([, atMs]) => atMs > beginMs - 1 && atMs < endMs);
    const asked = own.filter(([kind]) => kind === 'uploadurl').map(([, atMs]) => atMs);
    const put = own.filter(([kind]) => kind === 'put').map(([, atMs]) => atMs);
    if (asked.length !== 3 || put.length !== 3) continue;
    const [firstMs, lastMs] = [Math.min(...asked), Math.max(...put)];
    const moments = [completeMs.get(name), beginMs, firstMs, lastMs, endMs];
    for (const [n, part] of Object.keys(parts).entries()) parts[part].push(moments[n + 1] - moments[n]);
  }
  const rows = Object.entries(parts).map(([part, ms]) => `| ${part} | ${median(ms).toFixed(1)} |`);
  const counted = Object.values(parts)[0].length;
  return `\nFrom complete to tracked, medians of ${counted} runs that no other one came between; the daemon notes whole ms:\n\n| part | ms |\n| :--- | --: |\n${rows.join('\n')}\n`;
}

/** @returns folder → when the daemon said that it is complete, by the monotonic clock */
function notedComplete(log) {
  const aheadMs = Date.now() - processes.nowMs();
  return new Map(
    log
      .split('\n')
      .filter((line) => line.includes(' is complete: run #'))
      .map((line) => JSON.parse(line))
      .map(({ folder, time }) => [folder, Date.parse(time) - aheadMs]),
  );
}

async function artefacts({ dir, stage, daemon, platform, units }) {
  const file = join(dir, 'large.json');
  writeDocument(file, 1e9);
  for (let n = 0; n < units; n += 1) {
    const name = `large-${n}`;
    fill(join(stage.aside, name), name);
    renameSync(file, join(stage.aside, name, 'input.json'));
    renameSync(join(stage.aside, name), join(stage.root, name));
    await processes.recorded(daemon, n + 1);
    renameSync(join(stage.root, name, 'input.json'), file);
  }
  await platform.forget();
  return '';
}

async function play(name, keep) {
  const { what, units, unit, play: go, isAlone = false } = subjects[name];
  const dir = mkdtempSync(join(tmpdir(), 'rt-p-'));
  const profileDir = join(dir, 'profiles');
  mkdirSync(profileDir);
  try {
    const platform = await processes.Platform.start();
    const limits = { file_bytes: '20GiB' };
    const stage = new processes.Stage(dir, isAlone ? processes.nobody : platform.endpoint, {
      quiet: `${quietMs}ms`,
      limits,
    });
    const flags = ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, ...(isAlone ? ['--trace-gc'] : [])];
    const startedWallMs = Date.now();
    const daemon = stage.daemon({ flags, isWatched: isAlone, isListed: isAlone });
    daemon.startedWallMs = startedWallMs;
    await processes.scanned(daemon);
    const counts = await go({ dir, stage, daemon, platform, units });
    // The profile is written when the process ends by itself.
    await processes.stop(daemon);
    await platform.end();
    const profile = mainProfile(profileDir);
    const text = textOf(what, units, unit, selfTimes(profile), counts, name);
    keep(`profile-${name}.md`, text);
    const title = `${what}: the main thread while it is not idle`;
    keep(`profile-${name}.svg`, flamePicture(callTree(profile), title));
    console.log(text);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function textOf(what, units, unit, times, counts, name) {
  const idleMs = times.get(idle) ?? 0;
  times.delete(idle);
  const busyMs = [...times.values()].reduce((a, b) => a + b, 0);
  const rows = [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, topMax)
    .map(
      ([place, ms], index) =>
        `| ${index + 1} | ${Math.round(ms)} | ${((100 * ms) / busyMs).toFixed(1)} | \`${place}\` |`,
    );
  return `# Where the main thread spends its time: ${what}

Node ${process.version}, ${cpus().length} cores (\`npm run bench:profile -- ${name}\`; [as a picture](profile-${name}.svg)). Busy
${Math.round(busyMs)} ms, ${(busyMs / units).toFixed(2)} ms a ${unit}, with starting; idle ${Math.round(idleMs)} ms. On a machine that does other things too all of them
take longer: the shares count.
${counts}
|   # | ms in itself | % of busy | function |
| --: | -----------: | --------: | :------- |
${rows.join('\n')}
`;
}

const { names, keep } = asked({
  command: 'bench:profile',
  what: 'Where the time of the main thread goes, in what falls short of its goal.',
  names: Object.keys(subjects),
  isEachApart: true,
});
for (const name of names) await play(name, keep);
process.exit();
