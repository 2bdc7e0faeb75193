/** The built program as a process of its own: what it said, how it ended, and its control socket. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import type { RunStory, RunView, StatusView } from '../../src/http/operations.ts';
import { until } from './waiting.ts';

export const programFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** No command of a test takes so long; one that does hangs. */
const endMsMax = 150_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Finished extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Surroundings {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Number of the user and the group that it runs as; null: those of the tests. */
  readonly user?: number | null;
  /** Another program that starts it, with all arguments; null: Node. */
  readonly through?: { readonly program: string; readonly args: readonly string[] } | null;
}

export class Program {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  #hasEnded = false;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], { cwd, environment, user = null, through }: Surroundings) {
    const [program, given] =
      through == null ? [process.execPath, [programFile, ...args]] : [through.program, through.args];
    this.#child = spawn(program, given, {
      cwd,
      ...(user === null ? {} : { uid: user, gid: user }),
      // Nothing of this process's own surroundings: no colours, no key, no configuration.
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the program did not start');
    return pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The lines of its log; stdout of a daemon holds nothing else. */
  log(): LogLine[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async logged(what: RegExp): Promise<LogLine> {
    return await until(`a log line like ${String(what)}`, () => {
      const line = this.log().find(({ msg }) => what.test(msg));
      if (line === undefined && this.#hasEnded)
        throw new Error(`it ended without a log line like ${String(what)}: ${this.stderr}`);
      return line;
    });
  }

  /** Waits for its end. A program that does not end is killed, and the test fails. */
  async end(): Promise<Finished> {
    await until(`the end of ${this.#child.spawnargs.slice(2).join(' ')}`, () => this.#hasEnded, endMsMax);
    return { ...(await this.ended), stdout: this.stdout, stderr: this.stderr };
  }

  async stop(): Promise<Finished> {
    this.signal('SIGTERM');
    return await this.end();
  }

  /** As a power cut would: nothing of it is finished. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.signal('SIGKILL');
    await this.ended;
  }
}

/** A daemon that runs, asked over its control socket as the commands do. */
export class Daemon extends Program {
  readonly #socketPath: string;

  constructor(args: readonly string[], around: Surroundings, stateDir: string) {
    super(args, around);
    this.#socketPath = join(stateDir, 'control.sock');
  }

  async running(): Promise<this> {
    await this.logged(/ is running: /);
    return this;
  }

  async status(): Promise<StatusView> {
    return JSON.parse(await this.#ask('GET', '/status')) as StatusView;
  }

  /** Folders that are no runs yet, then runs, newest first. */
  async list(): Promise<RunView[]> {
    const text = await this.#ask('POST', '/list', { states: [], root: null, sinceMs: null, limit: 0 });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RunView);
  }

  async show(folder: string): Promise<RunStory> {
    const order = { text: folder, path: folder, generation: null };
    return JSON.parse(await this.#ask('POST', '/show', order)) as RunStory;
  }

  async #ask(method: 'GET' | 'POST', path: string, order?: object): Promise<string> {
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
