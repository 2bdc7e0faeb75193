/** The daemon as a process of its own, to be started and killed again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { bundle } from '../../.config/bundle.mjs';

const project = fileURLToPath(new URL('../..', import.meta.url));
/** So much of what it said is kept for whoever looks why a round failed. */
const tailCharsMax = 20_000;
const lookEveryMs = 25;

/**
 * A copy of the program that differs in one constant: `absent_after` may be short with `kind: nextmv` too. Nobody
 * may set it so on the real platform, where a request can take effect for as long as upload ids live; here it is this
 * process that carries requests out, within milliseconds. A bench that waited a quarter of an hour for each lost
 * request would see few of them.
 * @param sabotage other changes of the source, `[file, from, to]`: to see that a daemon that breaks the promise is found out
 * @returns the path of its main file
 */
export async function impatientProgram(dir, sabotage = []) {
  mkdirSync(dir, { recursive: true });
  for (const part of ['src', 'dist']) cpSync(join(project, part), join(dir, part), { recursive: true });
  cpSync(join(project, 'package.json'), join(dir, 'package.json'));
  symlinkSync(join(project, 'node_modules'), join(dir, 'node_modules'));
  change(dir, 'config/checks.ts', 'const absentAfterMsMin = 15 * 60_000;', 'const absentAfterMsMin = 1;');
  for (const [file, from, to] of sabotage) change(dir, file, from, to);
  await bundle(join(dir, 'src'), join(dir, 'dist'));
  return join(dir, 'dist/main.js');
}

function change(dir, file, from, to) {
  const path = join(dir, 'src', file);
  const [before, after, ...more] = readFileSync(path, 'utf8').split(from);
  if (after === undefined || more.length > 0)
    throw new Error(`${file} is not as this bench knows it: ${from}`);
  writeFileSync(path, `${before}${to}${after}`);
}

/** Every process that lives, so that none outlives the bench. */
const alive = new Set();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
// A signal ends a process without that event.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

export class Daemon {
  #tail = '';
  #child;
  #socketPath;
  #isRunning = false;
  /** How often it said that a folder changed while it was uploaded. */
  changesNoticed = 0;
  hasEnded = false;
  /** `{code, signal}` once it has. */
  ended;

  /** @param crashAt `point:n` of a crash drill, or null */
  constructor(mainFile, { cwd, configFile, stateDir, crashAt, environment = {} }) {
    this.#socketPath = join(stateDir, 'control.sock');
    this.#child = spawn(process.execPath, [mainFile, 'run', '-c', configFile], {
      cwd,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: cwd,
        ...environment,
        ...(crashAt === null ? {} : { RUNTRACKD_CRASH_AT: crashAt }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(this.#child);
    const logFile = join(cwd, 'daemon.log');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        appendFileSync(logFile, text);
        this.#tail = (this.#tail + text).slice(-tailCharsMax);
        this.changesNoticed += text.split('it was not sent, because').length - 1;
        this.#isRunning ||= this.#tail.includes(' is running: ');
      });
    }
    this.ended = once(this.#child, 'exit').then(([code, signal]) => {
      this.hasEnded = true;
      alive.delete(this.#child);
      return { code, signal };
    });
  }

  get tail() {
    return this.#tail;
  }

  get isRunning() {
    return this.#isRunning && !this.hasEnded;
  }

  get pid() {
    return this.#child.pid;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }

  async stop() {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    return await this.ended;
  }

  async untilRunning() {
    while (!this.#isRunning) {
      if (this.hasEnded) throw new Error(`the daemon ended before it ran:\n${this.#tail}`);
      await sleep(lookEveryMs);
    }
  }

  async status() {
    return JSON.parse(await this.#ask('GET', '/status'));
  }

  async list() {
    const text = await this.#ask('POST', '/list', { states: [], root: null, sinceMs: null, limit: 0 });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  /** A person says `retry` to all that were set aside for that reason. @returns how many there were */
  async retry(reason) {
    const order = { word: 'retry', selectors: [], all: false, reason, root: null, dryRun: false };
    return JSON.parse(await this.#ask('POST', '/answer', order)).runs.length;
  }

  async #ask(method, path, order) {
    const client = new Client('http://runtrackd', { socketPath: this.#socketPath });
    try {
      const { body, statusCode } = await client.request({
        method,
        path,
        headers: { 'content-type': 'application/json' },
        body: order === undefined ? null : JSON.stringify(order),
      });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`${path} was answered ${statusCode}: ${text}`);
      return text;
    } finally {
      await client.close();
    }
  }
}
