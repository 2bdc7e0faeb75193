/** What is measured, as processes of its own; what the kernel says of them; and that none is left behind. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const programFile = here('../dist/main.js');
const project = here('..');
const python = here('../local/sdk-venv/bin/python');
export const sdkVersion = '1.13.0';
const children = new Set();
let stages = 0;

/** Nothing outlives the bench, however it ends. */
export function endAll() {
  for (const child of children) child.kill('SIGKILL');
}
process.once('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/**
 * @param environment replaces the usual one: nothing of this process's own surroundings
 * @returns the child, the lines that it printed, and its end
 */
export function start(
  command,
  args,
  { cwd = project, environment = {}, stdout = 'pipe', stdin = 'ignore' } = {},
) {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...environment },
    stdio: [stdin, stdout, 'inherit'],
  });
  children.add(child);
  const lines = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    const found = (rest + text).split('\n');
    rest = found.pop();
    lines.push(...found);
  });
  const started = { child, pid: child.pid, lines, hasEnded: false, ended: null };
  started.ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      started.hasEnded = true;
      children.delete(child);
      resolve(code);
    });
  });
  return started;
}

export async function stop({ child, ended }, signal = 'SIGTERM') {
  child.kill(signal);
  await ended;
}

/** @returns what a script of the bench printed as its last line, as JSON */
export async function report(command, args, options) {
  const started = start(command, args, options);
  const code = await started.ended;
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
  return JSON.parse(started.lines.at(-1));
}

export async function until(what, look, { everyMs = 20, msMax = 10 * 60_000 } = {}) {
  const beganMs = performance.now();
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (performance.now() - beganMs > msMax) throw new Error(`waited in vain for ${what}`);
    await sleep(everyMs);
  }
}

/** Of the monotonic clock, which all processes of a machine share. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** How far the wall clock, by which logs are written, is ahead of that: seen as it goes on by a ms. */
export function wallAheadMs() {
  const from = Date.now();
  while (Date.now() === from);
  return Date.now() - nowMs();
}

const statusField = (pid, field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024;
export const rssMiB = (pid) => statusField(pid, 'VmRSS');
export const peakMiB = (pid) => statusField(pid, 'VmHWM');
export const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);

/** From here on the peak is that of what follows. */
export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Of the processor, all threads, those that have ended included; to ten milliseconds. */
export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000;
}

/** The same to a microsecond, of the threads that there are: for whoever does next to nothing. */
export function fineCpuMs(pid) {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // Ended meanwhile.
    }
  }
  return ns / 1e6;
}

/** How many inotify watches it holds. */
export function watches(pid) {
  let count = 0;
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    try {
      const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
      count += text.split('\n').filter((line) => line.startsWith('inotify ')).length;
    } catch {
      // Closed meanwhile.
    }
  }
  return count;
}

/** The platform's stub, in a process of its own. */
export class Platform {
  #process;
  endpoint = '';

  static async start() {
    const platform = new Platform();
    platform.#process = start(process.execPath, [here('stub.mjs')], { stdin: 'pipe' });
    platform.endpoint = await until('the stub', () => platform.#process.lines[0]);
    return platform;
  }

  async seen() {
    return await (await fetch(`${this.endpoint}/bench/seen`)).json();
  }

  /** @returns `[kind, ms]` of each, by the monotonic clock */
  async requests() {
    return await (await fetch(`${this.endpoint}/bench/requests`)).json();
  }

  async forget() {
    await (await fetch(`${this.endpoint}/bench/forget`, { method: 'POST' })).text();
  }

  async latency(ms) {
    await (await fetch(`${this.endpoint}/bench/latency/${ms}`, { method: 'POST' })).text();
  }

  async end() {
    await stop(this.#process, 'SIGKILL');
  }
}

/** Nobody listens there: intake is measured, and nothing else. */
export const nobody = 'http://127.0.0.1:9';
/** Enough for the 64 runs that are under way at a time, whose uploads go side by side; by default there are 32. */
export const uploadsAtOnce = 128;

/** A directory with a configuration of the daemon, a drop root, and a place beside it to prepare folders in. */
export class Stage {
  constructor(dir, endpoint, root = {}, limits = { uploadsAtOnce }) {
    this.dir = dir;
    this.root = join(dir, 'runs');
    this.aside = join(dir, 'aside');
    this.stateDir = join(dir, 'state');
    this.endpoint = endpoint;
    this.lagFile = join(dir, 'lag.json');
    // Of each its own: a new outbox finds what another one under its name has sent, and adopts it.
    this.host = `bench-${process.pid}-${(stages += 1)}`;
    mkdirSync(this.root, { recursive: true });
    mkdirSync(this.aside);
    writeFileSync(join(dir, 'key'), 'key\n');
    const { uploadsAtOnce: uploads_at_once } = limits;
    const config = {
      state_dir: './state',
      host: this.host,
      platform: {
        kind: 'nextmv',
        endpoint,
        api_key_file: './key',
        limits: { runs_per_second: 0, requests_per_minute: 0, uploads_at_once },
      },
      ...(existsSync(here('../dist/http/listener.js')) ? { http: { listen: false } } : {}),
      drop_roots: [{ path: './runs', app: 'bench-app', ...root }],
    };
    writeFileSync(join(dir, 'config.yaml'), JSON.stringify(config));
  }

  /**
   * Starts the daemon.
   * @param through a program that starts it, with its arguments, strace for example
   * @param flags of Node
   * @param isWatched whether its event loop is watched, see loopLag.mjs
   * @param isListed and each time listed that it is held
   */
  daemon({ through = [], flags = [], isWatched = false, isListed = false } = {}) {
    const lag = isWatched ? ['--import', here('loopLag.mjs')] : [];
    const command = [
      ...through,
      process.execPath,
      ...flags,
      ...lag,
      programFile,
      'run',
      '-c',
      join(this.dir, 'config.yaml'),
    ];
    const log = openSync(join(this.dir, 'log'), 'a');
    const environment = isWatched
      ? { BENCH_LAG_FILE: this.lagFile, ...(isListed ? { BENCH_LAG_LIST: 'yes' } : {}) }
      : {};
    const beganMs = nowMs();
    const started = start(command[0], command.slice(1), { cwd: this.dir, stdout: log, environment });
    return Object.assign(started, { stage: this, beganMs });
  }

  end() {
    spawnSync('rm', ['-rf', this.dir]);
  }
}

/** What the daemon says of itself over its control socket; null: nothing yet. */
export async function statusOf({ stage, hasEnded }) {
  if (hasEnded)
    throw new Error(`the daemon has ended: ${readFileSync(join(stage.dir, 'log'), 'utf8').slice(-2_000)}`);
  return await new Promise((resolve) => {
    const asked = request({ socketPath: join(stage.stateDir, 'control.sock'), path: '/status' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.once('end', () => resolve(answer.statusCode === 200 ? JSON.parse(text) : null));
    });
    asked.once('error', () => resolve(null)).end();
  });
}

/** Waits until the drop root has been looked at as a whole. */
export const scanned = (daemon) =>
  until('the first scan', async () => (await statusOf(daemon))?.drop_roots[0].last_scan);

/** Waits until so many runs are recorded. Asked rarely, because an answer costs the daemon something too. */
export const recorded = (daemon, count) =>
  until(
    `${count} runs to be recorded`,
    async () => ((await statusOf(daemon))?.counts.recorded ?? 0) >= count,
    { everyMs: 250 },
  );

/** How long the daemon's event loop was held at most since it was last asked. */
export const longestStallMs = async (daemon) => (await lagOf(daemon)).longestMs;

/** Each time that it was held since it was last asked: when that ended, by the wall clock, and for how long, in ms. */
export const stallsOf = async (daemon) => (await lagOf(daemon)).stalls;

async function lagOf({ child, stage }) {
  rmSync(stage.lagFile, { force: true });
  child.kill('SIGUSR2');
  const text = await until('the lag', () => existsSync(stage.lagFile) && readFileSync(stage.lagFile, 'utf8'));
  return JSON.parse(text);
}

/** The official SDK's Python, which is installed when it is not there; null: it could not be. */
export function sdkPython() {
  const has = () =>
    spawnSync(python, ['-c', `import nextmv.cloud, importlib.metadata as m; print(m.version('nextmv'))`], {
      encoding: 'utf8',
    }).stdout?.trim() === sdkVersion;
  if (has()) return python;
  process.stderr.write(`installing the official SDK ${sdkVersion} into local/sdk-venv\n`);
  const venv = here('../local/sdk-venv');
  spawnSync('python3', ['-m', 'venv', venv], { stdio: ['ignore', 2, 2] });
  spawnSync(
    join(venv, 'bin/pip'),
    ['install', '-q', '--disable-pip-version-check', `nextmv==${sdkVersion}`],
    {
      stdio: ['ignore', 2, 2],
    },
  );
  return has() ? python : null;
}

/** The SDK's loop on a folder of its own. */
export async function startSdkLoop(dir, endpoint) {
  const root = join(dir, 'runs');
  mkdirSync(root, { recursive: true });
  mkdirSync(join(dir, 'aside'));
  const environment = { NEXTMV_ENDPOINT: endpoint, NEXTMV_API_KEY: 'key', NEXTMV_PROFILE: '' };
  const loop = start(python, [here('beside/sdkLoop.py'), root, join(dir, 'done')], { cwd: dir, environment });
  await until('the SDK', () => loop.lines.includes('ready'));
  return Object.assign(loop, { root, aside: join(dir, 'aside') });
}

/**
 * The naive shape; without an endpoint it only notices.
 * @param through a program that starts it, with its arguments
 */
export async function startNaive(dir, endpoint, root = join(dir, 'runs'), through = []) {
  const aside = join(dir, 'aside');
  mkdirSync(root, { recursive: true });
  mkdirSync(aside, { recursive: true });
  const command = [
    ...through,
    process.execPath,
    here('beside/naive.mjs'),
    root,
    join(dir, 'naive.db'),
    ...(endpoint === null ? [] : [endpoint]),
  ];
  const naive = start(command[0], command.slice(1), { cwd: dir });
  await until('chokidar', () => naive.lines.some((line) => line.startsWith('ready')));
  return Object.assign(naive, { root, aside });
}

/** The share of a core that goes to so many looks at the names of a folder, one a second, in per cent. */
export const namesScan = (path, scans) =>
  report(process.execPath, [here('beside/namesScan.mjs'), path, String(scans)]);

/** A file read as a whole, parsed, made JSON again and sent. */
export const parseAndSend = (endpoint, file) =>
  report(process.execPath, [here('beside/parseAndSend.mjs'), endpoint, file]);

export const bareHttp = (endpoint, runs, slots) =>
  report(process.execPath, [here('beside/bareHttp.mjs'), endpoint, String(runs), String(slots)]);
