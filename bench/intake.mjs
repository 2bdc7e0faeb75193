/**
 * What watching costs, and whether bursts lose anything: at 1,000, 10,000 and 100,000 finished folders how soon it is
 * ready against a bare readdir, its memory, its watches, its CPU while nothing happens, how soon a new folder is under
 * way; how soon an event is answered at 10,000; 25,000 folders renamed in at once, 25,000 open at once, 100 writers.
 * The platform does not answer, so that intake is measured and nothing else.
 *
 *   npm run bench:intake [-- --sizes 1000,10000,100000] [--burst 25000] [--window 60]
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { sightFolderSync } from '../dist/reading/sightFolder.js';
import { rootForOutside, rulesOf } from '../dist/intake/rules.js';
import { fingerprintOf, identityVersion } from '../dist/core/identity.js';
import { openOutbox } from '../dist/outbox/outbox.js';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000' },
    burst: { type: 'string', default: '25000' },
    window: { type: 'string', default: '60' },
    only: { type: 'string', default: 'sizes,latency,renames,slow,writers' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const burst = Number(values.burst);
const windowMs = Number(values.window) * 1_000;
const only = values.only.split(',');

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const here = mkdtempSync(join(tmpdir(), 'rt-i-'));
const quietMs = 2_000;
/** Nobody listens there. */
const endpoint = 'http://127.0.0.1:9';
const children = new Set();
const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const quantile = (numbers, q) =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))];
const rounded = (number, digits = 0) => Number(number.toFixed(digits));

function fill(folder, sample) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'input.json'), `{"sample":${sample}}`);
  writeFileSync(join(folder, 'output.json'), `{"solution":${sample}}`);
  writeFileSync(join(folder, 'run.log'), `sample ${sample}\n`);
  writeFileSync(join(folder, 'meta.json'), '{"status":"succeeded","duration":1}');
}

/** A stage with so many finished folders that the outbox knows. */
class Stage {
  constructor(name) {
    this.dir = join(here, name);
    this.root = join(this.dir, 'runs');
    this.state = join(this.dir, 'state');
    mkdirSync(this.root, { recursive: true });
    mkdirSync(join(this.dir, 'aside'));
    writeFileSync(join(this.dir, 'key'), 'key\n');
    this.configure({});
  }

  configure(root) {
    writeFileSync(
      join(this.dir, 'config.yaml'),
      JSON.stringify({
        state_dir: './state',
        host: 'bench',
        http: { listen: false },
        platform: { kind: 'nextmv', endpoint, api_key_file: './key' },
        drop_roots: [{ path: './runs', app: 'hare-app', quiet: `${quietMs}ms`, ...root }],
      }),
    );
  }

  async finished(count) {
    const outbox = await openOutbox(this.state);
    const nowMs = Date.now();
    await outbox.freezeHost('bench', nowMs);
    await outbox.close();
    const db = new Database(join(this.state, 'outbox.db'));
    const { sight } = rulesOf(rootForOutside('hare-app'));
    const key = {
      version: identityVersion,
      platform: endpoint,
      app: 'hare-app',
      host: 'bench',
      dropRoot: 'runs',
    };
    const run =
      db.prepare(`insert into run (fingerprint, version, platform, app, host, drop_root, first_path, generation,
        counter, path, directory, content, settings, state, run_id, since_ms, created_at_ms)
      values (@fingerprint, @version, @platform, @app, @host, @dropRoot, @path, @generation, 1, @path, @directory,
        '{"files":[],"warnings":[]}', '{}', @state, @runId, @nowMs, @nowMs) returning run`);
    const folder =
      db.prepare(`insert into folder (drop_root, path, state, reason_class, reason, hint, signature, directory,
        first_seen_ms, changed_at_ms, since_ms, run, target)
      values ('runs', @path, 'known', '', '', '', @signature, @directory, @nowMs, @nowMs, @nowMs, @run, @target)`);
    for (let from = 0; from < count; from += 1_000) {
      db.transaction(() => {
        for (let n = from; n < Math.min(count, from + 1_000); n += 1) {
          const path = `finished-${n}`;
          fill(join(this.root, path), n);
          const seen = sightFolderSync(join(this.root, path), sight);
          const { dev, ino, birthNs } = seen.directory;
          const directory = JSON.stringify([dev, ino, birthNs]);
          const generation = String(n).padStart(64, '0');
          const runId = `run-${n}`;
          const number = run.pluck().get({
            ...key,
            fingerprint: fingerprintOf({ ...key, firstPath: path, generation, counter: 1 }),
            generation,
            path,
            directory,
            state: JSON.stringify({ kind: 'recorded', runId }),
            runId,
            nowMs,
          });
          folder.run({
            path,
            signature: seen.signature,
            directory,
            nowMs,
            run: number,
            target: `${endpoint} hare-app`,
          });
        }
      })();
    }
    db.close();
  }

  start() {
    const beganMs = performance.now();
    const child = spawn(process.execPath, [program, 'run', '-c', join(this.dir, 'config.yaml')], {
      env: { PATH: process.env.PATH, HOME: this.dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const daemon = { child, beganMs, lines: [], state: this.state, lineMs: [] };
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) daemon.lines.push(JSON.parse(line));
    });
    daemon.ended = new Promise((resolve) => child.once('close', resolve)).then(() => children.delete(child));
    return daemon;
  }

  end() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function status(daemon) {
  return await new Promise((resolve) => {
    const asked = request({ socketPath: join(daemon.state, 'control.sock'), path: '/status' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.once('end', () => resolve(JSON.parse(text)));
    });
    asked.once('error', () => resolve(null)).end();
  });
}

async function until(look, everyMs = 20, msMax = 30 * 60_000) {
  const beganMs = performance.now();
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (performance.now() - beganMs > msMax) throw new Error('waited in vain');
    await sleep(everyMs);
  }
}

async function stop(daemon) {
  daemon.child.kill('SIGTERM');
  await daemon.ended;
}

const scanned = (daemon) => until(async () => (await status(daemon))?.drop_roots[0].last_scan);
const linesWith = (daemon, what) => daemon.lines.filter(({ msg }) => msg.includes(what));

function rssMb(daemon, which = 'VmRSS') {
  const text = readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
  return Number(new RegExp(`${which}:\\s+(\\d+)`).exec(text)[1]) / 1_024;
}

function cpuSeconds(daemon) {
  const fields = readFileSync(`/proc/${daemon.child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function watches(daemon) {
  let count = 0;
  for (const fd of readdirSync(`/proc/${daemon.child.pid}/fdinfo`)) {
    try {
      const text = readFileSync(`/proc/${daemon.child.pid}/fdinfo/${fd}`, 'utf8');
      count += text.split('\n').filter((line) => line.startsWith('inotify ')).length;
    } catch {
      // Closed meanwhile.
    }
  }
  return count;
}

function readdirMs(path) {
  const script = `const {performance:p}=require('perf_hooks');const b=p.now();
    require('fs').promises.readdir(${JSON.stringify(path)}).then(()=>console.log(p.now()-b))`;
  const once = () => Number(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout);
  return median([once(), once(), once()]);
}

async function atSize(count) {
  const stage = new Stage(`finished-${count}`);
  try {
    await stage.finished(count);
    const bare = readdirMs(stage.root);
    const ready = [];
    const scan = [];
    let daemon;
    for (let round = 0; round < 3; round += 1) {
      if (daemon !== undefined) await stop(daemon);
      daemon = stage.start();
      const last = Date.parse(await scanned(daemon));
      const running = linesWith(daemon, ' is running: ')[0];
      scan.push(last - Date.parse(running.time));
      ready.push(
        last -
          Date.parse(running.time) +
          (Date.parse(running.time) - (performance.timeOrigin + daemon.beganMs)),
      );
    }
    await sleep(15_000);
    const [cpuBefore, beganMs] = [cpuSeconds(daemon), performance.now()];
    await sleep(windowMs);
    const idle = (cpuSeconds(daemon) - cpuBefore) / ((performance.now() - beganMs) / 1_000);
    const seen = {
      rssMb: rssMb(daemon),
      watches: watches(daemon),
      hints: (await status(daemon)).drop_roots[0].hints,
    };
    await stop(daemon);
    fill(join(stage.root, 'arrival'), -1);
    daemon = stage.start();
    const found = await until(() => linesWith(daemon, 'arrival is complete')[0]);
    const firstMs = Date.parse(found.time) - (performance.timeOrigin + daemon.beganMs) - quietMs;
    await stop(daemon);
    return {
      folders: count,
      readdirMs: rounded(bare, 1),
      startMs: rounded(median(ready)),
      firstScanMs: rounded(median(scan)),
      firstScanToReaddir: rounded(median(scan) / bare, 1),
      rssMb: rounded(seen.rssMb, 1),
      watches: seen.watches,
      hints: seen.hints,
      idleCpuPercent: rounded(idle * 100, 3),
      firstArrivalMs: rounded(firstMs),
    };
  } finally {
    stage.end();
  }
}

async function latency(count) {
  const stage = new Stage('latency');
  try {
    await stage.finished(count);
    const daemon = stage.start();
    await scanned(daemon);
    await sleep(3_000);
    const arrivals = 200;
    const renamedMs = new Map();
    for (let n = 0; n < arrivals; n += 1) {
      fill(join(stage.dir, 'aside', `new-${n}`), n);
      await sleep(30);
      renameSync(join(stage.dir, 'aside', `new-${n}`), join(stage.root, `new-${n}`));
      renamedMs.set(`new-${n}`, Date.now());
    }
    const lines = await until(() => {
      const seen = linesWith(daemon, ' appeared: ');
      return seen.length >= arrivals && seen;
    });
    await stop(daemon);
    const times = lines.map(({ folder, time }) => Math.max(0, Date.parse(time) - renamedMs.get(folder)));
    return { folders: count, arrivals, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
  } finally {
    stage.end();
  }
}

const runsOf = ({ counts }) =>
  Object.entries(counts).reduce((sum, [state, n]) => (state === 'settling' ? sum : sum + n), 0);

/** @param write makes the folders, while the daemon runs */
async function inBurst(name, count, write) {
  const stage = new Stage(name);
  try {
    const prepared = await write.prepare(stage);
    const daemon = stage.start();
    await scanned(daemon);
    const beganMs = performance.now();
    let [peakWatches, slowestMs] = [0, 0];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        peakWatches = Math.max(peakWatches, watches(daemon));
        const askedMs = performance.now();
        await status(daemon);
        slowestMs = Math.max(slowestMs, performance.now() - askedMs);
        await sleep(200);
      }
    })();
    await write.go(stage, prepared);
    const writtenMs = performance.now() - beganMs;
    let most = 0;
    let movedMs = performance.now();
    for (;;) {
      const runs = runsOf(await status(daemon));
      if (runs > most) movedMs = performance.now();
      most = Math.max(most, runs);
      // What does not come within a minute does not come.
      if (most >= count || performance.now() - movedMs > 60_000) break;
      await sleep(100);
    }
    const allMs = performance.now() - beganMs;
    isOver = true;
    await watching;
    const { found } = (await status(daemon)).drop_roots[0];
    const result = {
      burst: name,
      folders: count,
      lost: count - most,
      writerSeconds: rounded(writtenMs / 1_000, 1),
      allRunsAfterSeconds: rounded(allMs / 1_000, 1),
      foundByScan: found.by_scan,
      foundByEvent: found.by_event,
      peakRssMb: rounded(rssMb(daemon, 'VmHWM'), 1),
      peakWatches,
      slowestStatusMs: rounded(slowestMs),
    };
    await stop(daemon);
    return result;
  } finally {
    stage.end();
  }
}

const renames = {
  prepare(stage) {
    for (let n = 0; n < burst; n += 1) fill(join(stage.dir, 'aside', `run-${n}`), n);
  },
  go(stage) {
    for (let n = 0; n < burst; n += 1)
      renameSync(join(stage.dir, 'aside', `run-${n}`), join(stage.root, `run-${n}`));
  },
};

const slow = {
  prepare() {},
  async go(stage) {
    const files = [
      ['input.json', (n) => `{"sample":${n}}`],
      ['output.json', (n) => `{"solution":${n}}`],
      ['run.log', (n) => `sample ${n}\n`],
      ['meta.json', () => '{"status":"succeeded","duration":1}'],
    ];
    for (let n = 0; n < burst; n += 1) mkdirSync(join(stage.root, `run-${n}`));
    for (const [name, content] of files) {
      for (let n = 0; n < burst; n += 1) {
        writeFileSync(join(stage.root, `run-${n}`, name), content(n));
        if (n % 200 === 0) await sleep(1);
      }
    }
  },
};

const writersCount = 100;
const foldersEach = 20;
const writers = {
  prepare() {},
  async go(stage) {
    const writeAll = async (writer) => {
      for (let n = 0; n < foldersEach; n += 1) {
        const path = join(stage.root, `w${writer}-${n}`);
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
    await Promise.all(Array.from({ length: writersCount }, (_, writer) => writeAll(writer)));
  },
};

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(here, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const result = {
  machine: {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memoryGb: rounded(totalmem() / 2 ** 30, 1),
    node: process.version,
  },
  finished: [],
  bursts: [],
};
const say = (what) => console.log(JSON.stringify(what));
if (only.includes('sizes')) {
  for (const count of sizes) {
    result.finished.push(await atSize(count));
    say(result.finished.at(-1));
  }
  const [first, last] = [result.finished[0], result.finished.at(-1)];
  result.rssRatio = rounded(last.rssMb / first.rssMb, 2);
}
if (only.includes('latency')) {
  result.latency = await latency(10_000);
  say(result.latency);
}
for (const [name, count, write] of [
  ['renames', burst, renames],
  ['slow', burst, slow],
  ['writers', writersCount * foldersEach, writers],
]) {
  if (!only.includes(name)) continue;
  result.bursts.push(await inBurst(name, count, write));
  say(result.bursts.at(-1));
}
writeFileSync(new URL('./results/intake.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
