/**
 * A stage: a stand-in in this process, whose every fault and every record is at hand, and a drop root, a state directory
 * and a configuration for one daemon after the other.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { Faults } from '../../dist/standin/faults.js';
import { startStandIn } from '../../dist/standin/standin.js';
import { check } from './checker.mjs';
import { digest, Ledger } from './ledger.mjs';
import { Daemon } from './program.mjs';

export const app = 'hare-app';
/**
 * A lost request is sent again after two listings that are this far apart: seconds, so that a round sees it happen. But
 * absence has to be sure here too: a request of a daemon that was killed may still sit in a socket's buffer, and is
 * carried out when this process reads it. That is delayed by nothing but this process itself, which is busy for some
 * ten milliseconds at a time. Each round measures by how much its event loop was ever late and how long a request to
 * make a run ever took to be carried out; a round in which that comes near this time is void, and played again.
 */
export const absentAfterMs = 6_000;
/** How long a list may hide a run without breaking the promise, which wants it shown within `absent_after`. */
export const listLagMsMax = 1_500;
const stallMsMax = absentAfterMs - 2_000;
/** Everything settles within this when nothing fails any more; on an idle machine it takes about ten seconds. */
const settledWithinMs = 180_000;
const lookEveryMs = 100;

export class Stage {
  faults = new Faults();
  /** Kind of request → how many arrived. */
  requests = {};
  /** Kind and fault → how often it happened. */
  faultsHappened = {};
  kills = 0;
  /** Exit code → how many daemons ended so by themselves, or when they were told to. */
  ends = {};
  /** Runs that waited for a person as "crash", and were told `retry`. */
  crashParked = 0;
  /** Requests to make a run that were carried out when the process that had sent them was dead. */
  lateCreates = 0;
  /** Ids of runs that others made. */
  foreign = [];
  /** While others make a run: what arrives then is not counted as a dead process's. */
  isOthersTurn = false;
  /** A result that its folder does not take is kept in the state directory: whether it is looked for there too. */
  mayKeepAside = false;
  /** Daemons that ended by themselves. */
  #deaths = [];
  #codes = [0];
  #createMsMax = 0;
  #arrivals = [];
  #lag = monitorEventLoopDelay({ resolution: 20 });
  #dir;
  #mainFile;
  #standIn;
  #daemon = null;
  ledger;

  /**
   * @param dir a folder of its own, short because a socket lies in it
   * @param mainFile the program's main file
   * @param scanEvery what the drop root says of it
   */
  static async begin(dir, mainFile, scanEvery = '200ms') {
    const stage = new Stage(dir, mainFile);
    mkdirSync(dir, { recursive: true });
    stage.ledger = new Ledger(join(dir, 'runs'));
    stage.#standIn = await startStandIn({
      dataDir: join(dir, 'platform'),
      port: 0,
      apps: null,
      apiKey: 'key',
      faults: stage.faults,
    });
    writeFileSync(join(dir, 'key'), 'key\n');
    const config = {
      state_dir: './state',
      host: 'bench',
      http: { listen: false },
      platform: {
        kind: 'nextmv',
        endpoint: stage.#standIn.endpoint,
        api_key_file: './key',
        // Limits are the budget's own tests; here they would only make rounds long.
        limits: { runs_per_second: 0, requests_per_minute: 0 },
        reconcile: { absent_after: `${absentAfterMs}ms` },
      },
      drop_roots: [{ path: './runs', app, quiet: '100ms', scan_every: scanEvery }],
    };
    writeFileSync(join(dir, 'config.yaml'), JSON.stringify(config));
    stage.#countFaults();
    stage.calm();
    stage.#lag.enable();
    return stage;
  }

  constructor(dir, mainFile) {
    this.#dir = dir;
    this.#mainFile = mainFile;
  }

  get dir() {
    return this.#dir;
  }

  get stateDir() {
    return join(this.#dir, 'state');
  }

  /** Ends of the daemon with these codes are no breach in this round. */
  endsWith(codes) {
    this.#codes = [0, ...codes];
  }

  get endpoint() {
    return this.#standIn.endpoint;
  }

  /** Asked at each phase of each request, beside the counting; may be async. */
  onRequest = null;

  /** The stand-in behaves again. */
  calm() {
    this.faults.clear();
    this.onRequest = null;
    this.misbehave = null;
    this.faults.onRequest = (seen) => {
      this.#count(seen);
      return this.onRequest?.(seen);
    };
  }

  /** Where set, decides on the fault of a request before the rules do; null: none. */
  misbehave = null;

  #countFaults() {
    const byRule = this.faults.take.bind(this.faults);
    this.faults.take = (kind, ofApp) => {
      const fault = this.misbehave?.(kind) ?? byRule(kind, ofApp);
      if (fault !== null) {
        if (kind === 'create' && !isCarriedOut(fault)) this.#arrivals.pop();
        const name = `${kind} ${faultName(fault)}`;
        this.faultsHappened[name] = (this.faultsHappened[name] ?? 0) + 1;
      }
      return fault;
    };
  }

  #count({ kind, phase }) {
    const nowMs = performance.now();
    if (phase === 'received') {
      this.requests[kind] = (this.requests[kind] ?? 0) + 1;
      if (kind === 'create') this.#arrivals.push({ nowMs, sender: this.isOthersTurn ? null : this.#daemon });
    } else if (kind === 'create') {
      // Requests are told of without names, so the oldest that is under way is taken for this one: never too short.
      const first = this.#arrivals.shift();
      if (first === undefined) return;
      this.#createMsMax = Math.max(this.#createMsMax, nowMs - first.nowMs);
      if (first.sender?.hasEnded === true) this.lateCreates += 1;
    }
  }

  /** @param crashAt `point:n` of a crash drill. @param environment beside what every daemon gets */
  start(crashAt = null, environment = {}) {
    const daemon = new Daemon(this.#mainFile, {
      cwd: this.#dir,
      configFile: join(this.#dir, 'config.yaml'),
      stateDir: join(this.#dir, 'state'),
      crashAt,
      environment,
    });
    this.#daemon = daemon;
    void daemon.ended.then(({ code, signal }) => {
      if (signal === 'SIGKILL') this.kills += 1;
      else if (this.#codes.includes(code)) this.ends[code] = (this.ends[code] ?? 0) + 1;
      else this.#deaths.push(`the daemon ended by itself (${code}, ${signal}):\n${daemon.tail}`);
    });
    return daemon;
  }

  /** One run is recorded, and the list was seen to show it: until then absence proves nothing to the daemon. */
  async warmUp() {
    this.ledger.drop({ prefix: 'warm-up' });
    const daemon = this.start();
    await daemon.untilRunning();
    const beganMs = performance.now();
    while ((this.requests.list ?? 0) === 0 || this.open().length > 0) {
      if (performance.now() - beganMs > settledWithinMs) throw new Error(`no warm-up:\n${daemon.tail}`);
      await sleep(lookEveryMs);
    }
    await daemon.stop();
  }

  /** The folders that are there and have no result file yet. */
  open() {
    return this.ledger
      .standing()
      .filter((name) => !existsSync(join(this.ledger.path(name), 'nextmv-result.json')));
  }

  /**
   * Nothing fails any more: what is left is delivered, a person answers what crashes left behind, and everything that
   * is known is compared.
   * @param daemon one that runs already, or null
   * @param happened what was to go wrong: `{what: {times, least}}`
   * @returns `{broken, isVoid, counts, records}`; void: this process was too slow to prove anything
   */
  async verdict(happened, daemon = null) {
    this.calm();
    const last = daemon ?? this.start();
    await last.untilRunning();
    const unsettled = await this.#settle(last);
    const views = (await last.list()).map((view) => ({ ...view, folder: basename(view.folder) }));
    await last.stop();
    this.#lag.disable();
    const runs = this.#platformRuns();
    const stalledMs = Math.max(this.#lag.max / 1e6, this.#createMsMax);
    const records = {
      folders: [...this.ledger.folders.values()],
      runs,
      views,
      results: this.ledger.standing().flatMap((name) => this.#resultOf(name, views)),
      foreign: this.foreign,
      unsettled: [...unsettled, ...this.#deaths, ...this.#culprits()],
      happened,
    };
    const broken = check(records);
    const isVoid = stalledMs > stallMsMax;
    return { broken, isVoid, counts: this.#counts(records, broken, stalledMs), records };
  }

  /** @returns what did not settle within the bound */
  async #settle(daemon) {
    const giveUpMs = performance.now() + settledWithinMs;
    for (;;) {
      const left = daemon.hasEnded ? ['the daemon is not there any more'] : await this.#unsettled(daemon);
      if (left.length === 0) return [];
      if (daemon.hasEnded || performance.now() > giveUpMs) return left.slice(0, 20);
      await sleep(lookEveryMs);
    }
  }

  async #unsettled(daemon) {
    const { counts } = await daemon.status();
    const live = ['settling', 'queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'];
    // The short question first: the list is long.
    if (live.some((state) => (counts[state] ?? 0) > 0)) return [`still under way: ${JSON.stringify(counts)}`];
    const views = await daemon.list();
    // Of an outbox that was just made nothing was counted yet, and what was found since is listed.
    if (views.some(({ state }) => live.includes(state))) return ['still under way'];
    const known = new Map();
    for (const view of views) {
      const name = basename(view.folder);
      known.set(name, [...(known.get(name) ?? []), view]);
    }
    const crashed = views.filter(({ state, reason }) => state === 'parked' && reason?.class === 'crash');
    if (crashed.length > 0) {
      this.crashParked += await daemon.retry('crash');
      return ['a person has just said retry'];
    }
    return this.ledger
      .standing()
      .filter(
        (name) => !(known.get(name) ?? []).some(({ state }) => state !== 'gone' && state !== 'superseded'),
      )
      .map((name) => `${name} is there, and was not noticed`);
  }

  /** As they are in its database and on its disk, not as it would tell of them. */
  #platformRuns() {
    const dir = join(this.#dir, 'platform');
    const database = new SQLite(join(dir, 'stand-in.db'), { readonly: true });
    try {
      const rows = database.prepare('select id, name, description, files from run order by seq').all();
      return rows.map(({ id, name, description, files }) => {
        const stored = JSON.parse(files);
        const bytes = (role) =>
          stored[role] === undefined ? null : digestOfFile(join(dir, 'uploads', stored[role].name));
        const fingerprint = /\[(rt1:[a-z2-7]{26}) /.exec(description)?.[1] ?? null;
        return { id, name, fingerprint, input: bytes('input'), output: bytes('output'), logs: bytes('logs') };
      });
    } finally {
      database.close();
    }
  }

  #resultOf(name, views) {
    const runs = views.filter(({ folder, run }) => this.mayKeepAside && folder === name && run !== null);
    const aside = runs.map(({ run }) => join(this.stateDir, 'results', `run-${run}`));
    const path = [this.ledger.path(name), ...aside]
      .map((dir) => join(dir, 'nextmv-result.json'))
      .find((file) => existsSync(file));
    if (path === undefined) return [];
    try {
      const { id, output, runtrackd } = JSON.parse(readFileSync(path, 'utf8'));
      const { fingerprint } = runtrackd;
      const outputDigest = output === undefined ? null : digest(JSON.stringify(output));
      return [{ folder: name, isWhole: true, id, fingerprint, output: outputDigest }];
    } catch {
      return [{ folder: name, isWhole: false }];
    }
  }

  /** What kills is this bench: no run is to be set aside for it. */
  #culprits() {
    if (this.crashParked === 0) return [];
    return [`${this.crashParked} run(s) were set aside as what kills the daemon, and are not`];
  }

  #counts({ folders, runs, views }, broken, stalledMs) {
    const ofProperty = (property) => broken.filter((one) => one.property === property).length;
    const states = {};
    for (const { state } of views) states[state] = (states[state] ?? 0) + 1;
    return {
      kills: this.kills,
      folders: folders.length,
      generations: folders.reduce((sum, { generations }) => sum + generations.length, 0),
      runs: runs.length,
      lost: ofProperty('conservation'),
      doubled: ofProperty('uniqueness'),
      altered: ofProperty('integrity'),
      invented: ofProperty('no invention'),
      unsettled: ofProperty('liveness'),
      crashParked: this.crashParked,
      lateCreates: this.lateCreates,
      stalledMsMax: Math.round(stalledMs),
      states,
      requests: this.requests,
      faults: this.faultsHappened,
    };
  }

  /** @param keepIn where outbox, folders, the platform's records and what the daemons said stay to be looked at; null: nowhere */
  async end(keepIn = null) {
    this.#daemon?.kill();
    await this.#daemon?.ended;
    await this.#standIn.close();
    if (keepIn !== null) {
      rmSync(keepIn, { recursive: true, force: true });
      const filter = (path) => {
        const stats = lstatSync(path);
        return stats.isDirectory() || stats.isFile();
      };
      cpSync(this.#dir, keepIn, { recursive: true, filter });
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function isCarriedOut(fault) {
  if (fault.kind === 'answer' || fault.kind === 'hang') return fault.carriedOut === true;
  return fault.kind !== 'drop' || fault.when !== 'before';
}

/** In a few words, such as `drop-after` or `503, carried out`. */
export function faultName(fault) {
  switch (fault.kind) {
    case 'answer':
      return `${fault.status}${fault.body === undefined ? '' : ' with other content'}${fault.carriedOut === true ? ', carried out' : ''}`;
    case 'drop':
      return `drop-${fault.when}`;
    case 'hang':
      return fault.carriedOut ? 'hang, carried out' : 'hang';
    case 'delay':
      return 'delay';
    case 'length':
      return fault.offByBytes > 0 ? 'length too large' : 'length too small';
    default:
      return fault.bytesPerSecond === 1 ? 'trickle of 1 B/s' : 'trickle';
  }
}

function digestOfFile(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
