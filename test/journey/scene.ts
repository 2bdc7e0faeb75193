/**
 * The stage of a journey: a short temporary folder with a drop root and a configuration in it, a stand-in for the
 * platform on a real socket, and the built program. Everything that a test starts ends with it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { test as plainTest } from 'vitest';
import type { RunView } from '../../src/http/operations.ts';
import { Faults, type SeenRequest } from '../../src/standin/faults.ts';
import { startStandIn, type StandIn } from '../../src/standin/standin.ts';
import { dropFolder, plan, resultIn, type Files, type ResultFile } from './folders.ts';
import { Daemon, Program, type Finished } from './program.ts';
import { until } from './waiting.ts';

export const app = 'hare-app';
const apiKey = 'key-of-the-journey-tests';
/** So much of a log is shown when a test fails. */
const shownLinesMax = 80;

export interface PlatformRun {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly application_instance_id: string;
  readonly status_v2: string;
  /** Null where the description carries none. */
  readonly fingerprint: string | null;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: number | null;
  /** Another program that starts the daemon, which is not given any arguments of ours. */
  readonly through?: { readonly program: string; readonly args: readonly string[] } | null;
}

export class Scene {
  readonly dir: string;
  readonly root: string;
  readonly stateDir: string;
  readonly configFile: string;
  readonly keyFile: string;
  readonly apiKey: string;
  readonly standIn: StandIn;
  /** Every request that arrived, in order. */
  readonly seen: SeenRequest[] = [];
  /** Awaited by the stand-in at each phase of each request. */
  onRequest: ((seen: SeenRequest) => void | Promise<void>) | null = null;
  /** Undone when every program has ended, and before the folders are removed: a mounted file system, say. */
  readonly undo: (() => void)[] = [];
  readonly #programs: Program[] = [];

  private constructor(dir: string, standIn: StandIn, key: string) {
    this.dir = dir;
    this.root = join(dir, 'runs');
    this.stateDir = join(dir, 'state');
    this.configFile = join(dir, 'config.yaml');
    this.keyFile = join(dir, 'key');
    this.apiKey = key;
    this.standIn = standIn;
    mkdirSync(this.root);
    writeFileSync(this.keyFile, `${key}\n`);
    this.configure();
    this.calm();
  }

  static async begin(key = apiKey): Promise<Scene> {
    const dir = mkdtempSync(join(tmpdir(), 'rt-'));
    const faults = new Faults();
    const dataDir = join(dir, 'platform');
    return new Scene(dir, await startStandIn({ dataDir, port: 0, apps: null, apiKey: key, faults }), key);
  }

  get faults(): Faults {
    return this.standIn.faults;
  }

  /** The stand-in behaves again. */
  calm(): void {
    this.faults.clear();
    this.faults.onRequest = (seen) => {
      if (seen.phase === 'received') this.seen.push(seen);
      return this.onRequest?.(seen);
    };
  }

  /** How many requests of that kind have arrived. */
  count(kind: SeenRequest['kind']): number {
    return this.seen.filter((seen) => seen.kind === kind).length;
  }

  /** Writes the configuration; YAML takes JSON as it is. */
  configure(
    changes: Readonly<Record<string, unknown>> = {},
    root: Readonly<Record<string, unknown>> = {},
  ): void {
    const config = {
      state_dir: './state',
      host: 'test-host',
      platform: this.nextmv(),
      // Scenes play side by side, and a port is there only once.
      http: { listen: false },
      log: { level: 'debug' },
      shutdown_deadline: '5s',
      drop_roots: [this.dropRoot(root)],
      ...changes,
    };
    writeFileSync(this.configFile, JSON.stringify(config, null, 2));
  }

  /** The platform of the configuration: the real kind, at the address of the stand-in. */
  nextmv(changes: Readonly<Record<string, unknown>> = {}): object {
    return { kind: 'nextmv', endpoint: this.standIn.endpoint, api_key_file: './key', ...changes };
  }

  dropRoot(changes: Readonly<Record<string, unknown>> = {}): object {
    return { path: './runs', app, quiet: '150ms', scan_every: '200ms', ...changes };
  }

  /** Starts a daemon and waits until it runs. */
  async daemon(options: StartOptions = {}): Promise<Daemon> {
    return await this.launch(options).running();
  }

  /** Starts a daemon that may not come far. */
  launch({ args = [], environment = {}, user = null, through = null }: StartOptions = {}): Daemon {
    const daemon = new Daemon(
      ['run', '-c', this.configFile, ...args],
      { cwd: this.dir, environment, user, through },
      this.stateDir,
    );
    this.#programs.push(daemon);
    return daemon;
  }

  start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    user: number | null = null,
  ): Program {
    const program = new Program(args, { cwd: this.dir, environment, user });
    this.#programs.push(program);
    return program;
  }

  /** Runs a command to its end. */
  async command(...args: readonly string[]): Promise<Finished> {
    const [name = '', ...rest] = args;
    return await this.start([name, '-c', this.configFile, ...rest]).end();
  }

  drop(name: string, files: Files = plan(name)): string {
    return dropFolder(this.root, name, files);
  }

  folder(name: string): string {
    return join(this.root, name);
  }

  /** Waits until the result of the folder's run is written back. */
  async result(name: string): Promise<ResultFile> {
    return await until(`the result in ${name}`, () => {
      const result = resultIn(this.folder(name));
      if (result === null && this.#programs.every(({ hasEnded }) => hasEnded))
        throw new Error(`nobody is left who could bring the result in ${name}`);
      return result;
    });
  }

  /** Waits until the newest run of the folder, or the folder itself, is in that state. */
  async state(daemon: Daemon, name: string, state: RunView['state']): Promise<RunView> {
    return await until(`${name} to be ${state}`, async () => {
      const views = await daemon.list();
      return views.find((view) => view.folder === this.folder(name) && view.state === state);
    });
  }

  /** All runs that the platform lists, page by page, over its API. */
  async platformRuns(ofApp = app, endpoint = this.standIn.endpoint): Promise<PlatformRun[]> {
    const runs: PlatformRun[] = [];
    for (let token = ''; ;) {
      const query = `?pagereturn=true${token === '' ? '' : `&pagetoken=${encodeURIComponent(token)}`}`;
      const page = (await this.get(`/v1/applications/${ofApp}/runs${query}`, endpoint)) as {
        runs: Omit<PlatformRun, 'fingerprint'>[];
        next_page_token?: string;
      };
      for (const run of page.runs) {
        const fingerprint = /\[(rt1:[a-z2-7]{26}) g:[0-9a-f]{10} host:[^\]]+\]$/.exec(run.description)?.[1];
        runs.push({ ...run, fingerprint: fingerprint ?? null });
      }
      token = page.next_page_token ?? '';
      if (token === '') return runs;
    }
  }

  /** A run that somebody else made in the app, of that name. */
  async foreignRun(name: string): Promise<void> {
    const { statusCode, body } = await request(`${this.standIn.endpoint}/v1/applications/${app}/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ input: {}, name, result: { status: 'succeeded' } }),
    });
    if (statusCode !== 200) throw new Error(`a run of another host: ${statusCode} ${await body.text()}`);
    await body.dump();
  }

  /** Something of the platform, as its users would fetch it. */
  async get(path: string, endpoint = this.standIn.endpoint): Promise<unknown> {
    const answer = await request(`${endpoint}${path}`, {
      headers: { authorization: `Bearer ${this.apiKey}` },
    });
    if (answer.statusCode !== 200)
      throw new Error(`${path}: ${answer.statusCode} ${await answer.body.text()}`);
    return await answer.body.json();
  }

  /** What the programs said, for whoever looks why a test failed. */
  tellAll(): void {
    for (const program of this.#programs) {
      const lines = `${program.stdout}\n${program.stderr}`.trim().split('\n').slice(-shownLinesMax);
      console.error(lines.join('\n'));
    }
  }

  async end(): Promise<void> {
    this.onRequest = null;
    await Promise.all(this.#programs.map((program) => program.kill()));
    await this.standIn.close();
    for (const undo of this.undo) undo();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A test with a stage of its own. */
export const test = plainTest.extend<{ scene: Scene }>({
  scene: async ({ onTestFailed }, use) => {
    const scene = await Scene.begin();
    onTestFailed(() => scene.tellAll());
    await use(scene);
    await scene.end();
  },
});
