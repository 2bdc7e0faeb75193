/**
 * Delivery on its own: the real outbox, the real client and a stand-in on a real socket, under a clock that can be set
 * ahead. Twenty minutes of absence pass in no time, for the platform as for us.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { test as plainTest } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Budget, type Limits } from '../../src/delivery/budget.ts';
import { Delivery } from '../../src/delivery/delivery.ts';
import { PacedPlatform } from '../../src/delivery/pacedPlatform.ts';
import { type Enrichment } from '../../src/core/enrichment.ts';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import type { Run } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { keyReader } from '../../src/platform/apiKey.ts';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import { LoopProgress } from '../../src/service/loopProgress.ts';
import { Faults, type SeenRequest } from '../../src/standin/faults.ts';
import { startStandIn, type StandIn } from '../../src/standin/standin.ts';
import { machineClock } from '../../src/system/clock.ts';
import { noMeasures } from '../../src/core/measures.ts';
import { quietLog } from '../../src/system/log.ts';
import { Secret } from '../../src/system/secret.ts';
import { plan, writeFiles, type Files } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';

export const app = 'hare-app';
export const minuteMs = 60_000;
type Policy = typeof defaultPolicy;

export interface ListedRun {
  readonly id: string;
  readonly description: string;
}

/** By how much, in ms, the clocks are ahead of the machine's. */
interface Clocks {
  aheadMs: number;
  /** The daemon's alone. */
  setMs: number;
  /** The daemon's, and that of the stand-in on the same machine. */
  machineSetMs: number;
  sleptMs: number;
}

/** What of a run is not as usual. */
interface Wishes {
  readonly ofApp?: string;
  readonly isBacklog?: boolean;
  readonly enrich?: readonly Enrichment[];
  /** A deliberate second run of the same content. */
  readonly again?: boolean;
}

const noLimits: Limits = { runsPerSecond: null, requestsPerMinute: null };

export class Bench {
  readonly dir: string;
  readonly outbox: Outbox;
  readonly standIn: StandIn;
  readonly delivery: Delivery;
  readonly policy: Policy;
  readonly folders: RunFolders;
  /** What delivery says. */
  readonly log = quietLog();
  /** As the service watches its loops. */
  readonly progress: LoopProgress;
  readonly #clock: Clocks;
  readonly #key: string | null;
  readonly #platform: PlatformClient;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #creates = 0;

  private constructor(
    dir: string,
    outbox: Outbox,
    standIn: StandIn,
    clock: Clocks,
    changes: Partial<Policy>,
    limits: Limits,
    key: string | null,
  ) {
    this.dir = dir;
    this.outbox = outbox;
    this.standIn = standIn;
    this.#clock = clock;
    this.#key = key;
    this.policy = {
      ...defaultPolicy,
      backoff: { delayMsMin: 20, delayMsMax: 200 },
      pollMsMin: 20,
      ...changes,
    };
    this.#platform = new PlatformClient({
      endpoint: standIn.endpoint,
      apiKey:
        key === null
          ? () => Promise.resolve(new Secret('key'))
          : keyReader({ file: join(dir, 'key') }, {}, machineClock),
      connections: 8,
      version: '0.0.0',
      network: directNetwork,
      clock: this.clock,
    });
    this.folders = new RunFolders(quietLog());
    this.progress = new LoopProgress(this.clock);
    this.delivery = new Delivery({
      outbox,
      folders: this.folders,
      platform: new PacedPlatform(this.#platform, new Budget(limits, machineClock, false), noMeasures),
      platformId: standIn.endpoint,
      host: 'bench',
      process: 'bench',
      policy: this.policy,
      clock: this.clock,
      log: this.log,
      uploadsAtOnce: 8,
      runsAtOnce: 64,
      placesOfRoot: () => ({ path: '/', resultsDir: null }),
      placesOfResults: () => ({ path: '/', resultsDir: null }),
      resultsDir: join(dir, 'results'),
      spoolDir: join(dir, 'spool'),
      consoleUrl: () => null,
      passPoint: () => undefined,
      progress: { delivery: this.progress.loop('delivery'), reconcile: this.progress.loop('reconcile') },
      measures: noMeasures,
      onConcluded: () => undefined,
    });
    standIn.faults.onRequest = (seen) => this.#hear(seen);
  }

  /** Told of every request, before the stand-in acts on it and after. */
  onRequest: ((seen: SeenRequest) => void | Promise<void>) | null = null;

  /** @param key the one that is accepted, which lies in a file at first; null: all are */
  static async begin(policy: Partial<Policy>, limits: Limits, key: string | null): Promise<Bench> {
    const dir = mkdtempSync(join(tmpdir(), 'rt-'));
    if (key !== null) writeFileSync(join(dir, 'key'), key);
    const clock: Clocks = { aheadMs: 0, setMs: 0, machineSetMs: 0, sleptMs: 0 };
    const standIn = await startStandIn({
      dataDir: join(dir, 'platform'),
      port: 0,
      apps: null,
      apiKey: key,
      faults: new Faults(),
      now: () => Date.now() + clock.aheadMs + clock.sleptMs + clock.machineSetMs,
    });
    const outbox = await openOutbox(join(dir, 'state'));
    await outbox.freezeHost('bench', Date.now());
    return new Bench(dir, outbox, standIn, clock, policy, limits, key);
  }

  get clock() {
    const aheadMs = (): number => this.#clock.aheadMs;
    const setMs = (): number => this.#clock.setMs + this.#clock.machineSetMs;
    return {
      ...machineClock,
      nowMs: () => machineClock.nowMs() + aheadMs() + this.#clock.sleptMs + setMs(),
      monotonicMs: () => machineClock.monotonicMs() + aheadMs(),
    };
  }

  /** How often the platform was asked to make a run. */
  get creates(): number {
    return this.#creates;
  }

  start(): void {
    this.#loops.push(this.delivery.run(this.#stop.signal, null), this.delivery.reconcile(this.#stop.signal));
  }

  /** Lets time pass. */
  letPass(ms: number): void {
    // The machine tells whole milliseconds.
    this.#clock.aheadMs += Math.ceil(ms);
    this.delivery.wake();
  }

  /** The machine sleeps: time passes, and the clock that nobody sets stands still. */
  sleep(ms: number): void {
    this.#clock.sleptMs += Math.ceil(ms);
    this.delivery.wake();
  }

  /** Sets the daemon's clock, and nobody else's: no time passes. */
  setClock(byMs: number): void {
    this.#clock.setMs += byMs;
    this.delivery.wake();
  }

  /** Likewise that of the machine, on which the stand-in is as well. */
  setMachineClock(byMs: number): void {
    this.#clock.machineSetMs += byMs;
    this.delivery.wake();
  }

  /** Makes a run of a folder. @returns its number */
  async track(
    name: string,
    files: Files = plan(name),
    { ofApp = app, isBacklog = false, enrich = [], again = false }: Wishes = {},
  ): Promise<number> {
    const folder = join(this.dir, name);
    mkdirSync(folder, { recursive: true });
    writeFiles(folder, files);
    const tracked = await trackFolder(
      folder,
      [],
      { app: ofApp, again },
      {
        outbox: {
          ...this.outbox,
          enqueue: (wanted, chance) =>
            this.outbox.enqueue({ ...wanted, isBacklog, settings: { ...wanted.settings, enrich } }, chance),
        },
        folders: this.folders,
        clock: this.clock,
        log: quietLog(),
        policy: this.policy,
        platformId: this.standIn.endpoint,
        host: 'bench',
        passHostGuard: () => Promise.resolve(),
        placesOfRoot: () => ({ path: '/', resultsDir: null }),
        runsPerSecond: () => null,
        onEnqueued: () => this.delivery.wake(),
      },
    );
    if (tracked.kind === 'refused') throw new Error(tracked.text);
    return tracked.run;
  }

  async run(run: number): Promise<Run> {
    const found = await this.outbox.run(run);
    if (found === null) throw new Error(`there is no run ${run}`);
    return found;
  }

  async reaches(run: number, kind: Run['life']['state']['kind'], msMax?: number): Promise<Run> {
    return await until(
      `run ${run} to be ${kind}`,
      async () => {
        const now = await this.run(run);
        return now.life.state.kind === kind && now;
      },
      msMax,
    );
  }

  /** Lets time pass, and waits until that has led there. */
  async reachesAfter(ms: number, run: number, kind: Run['life']['state']['kind']): Promise<Run> {
    this.letPass(ms);
    return await this.reaches(run, kind);
  }

  /** Waits until one whole listing has not shown the run. */
  async missedOnce(run: number): Promise<Run> {
    return await until(`run ${run} to be missing in a listing`, async () => {
      const now = await this.run(run);
      const { state } = now.life;
      return state.kind === 'unknown' && state.absent !== null && now;
    });
  }

  /** A run that the platform has, and whose result is not back. @returns its number */
  async trackMade(name: string): Promise<number> {
    const run = await this.track(name);
    const [runId = ''] = await this.foreignRuns(1);
    const claim = await this.outbox.claimRun(this.standIn.endpoint, run, this.clock.nowMs());
    if (claim === null) throw new Error(`${name} is not due, or in hand`);
    const life = {
      ...claim.life,
      state: { kind: 'tracked', runId, notFoundSinceMs: null, polls: 1 } as const,
    };
    const conclusion = { life, dueAtMs: Math.ceil(this.clock.nowMs()), note: null };
    await this.outbox.conclude(claim, conclusion, false, this.clock.nowMs());
    this.delivery.wake();
    return run;
  }

  /** A run whose request was lost on the way, which one whole listing has not shown. @returns its number */
  async trackLost(): Promise<number> {
    await this.provesThatFingerprintsShow();
    this.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
    const run = await this.track('lost');
    await this.missedOnce(run);
    return run;
  }

  /** As a person says it. */
  async retry(run: number): Promise<void> {
    const chance = { nowMs: this.clock.nowMs(), random: 0, policy: this.policy };
    await this.outbox.apply(run, { kind: 'retry' }, chance);
    this.delivery.wake();
  }

  /** A first run that goes well, so that the app's list is known to show fingerprints. */
  async provesThatFingerprintsShow(): Promise<void> {
    await this.reaches(await this.track('first'), 'recorded');
    await until('a fingerprint to be seen in the list', () =>
      this.outbox.fingerprintsShow(this.standIn.endpoint, app),
    );
  }

  /** Runs of somebody else, over the API. @returns their ids */
  async foreignRuns(count: number, description = 'somebody else’s'): Promise<string[]> {
    const ids: string[] = [];
    for (let made = 0; made < count; made += 1) {
      const body = { input: { made }, description, result: { status: 'succeeded' } };
      ids.push(((await this.call('POST', '/runs', body)) as { run_id: string }).run_id);
    }
    return ids;
  }

  async listed(): Promise<ListedRun[]> {
    const runs: ListedRun[] = [];
    for (let token = ''; ;) {
      const page = (await this.call('GET', `/runs?pagetoken=${encodeURIComponent(token)}`)) as {
        runs: ListedRun[];
        next_page_token?: string;
      };
      runs.push(...page.runs);
      token = page.next_page_token ?? '';
      if (token === '') return runs;
    }
  }

  /** How many runs on the platform carry the run's fingerprint. */
  async copiesOf(run: number): Promise<number> {
    const { fingerprint } = await this.run(run);
    return (await this.listed()).filter(({ description }) => description.includes(fingerprint)).length;
  }

  async call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const answer = await request(`${this.standIn.endpoint}/v1/applications/${app}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key ?? 'somebody-else'}` },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (answer.statusCode !== 200)
      throw new Error(`${path}: ${answer.statusCode} ${await answer.body.text()}`);
    return await answer.body.json();
  }

  /** The stand-in behaves again. */
  calm(): void {
    this.standIn.faults.clear();
    this.standIn.faults.onRequest = (seen) => this.#hear(seen);
  }

  /** As at a shutdown: what is in hand is finished, what waits is left. */
  async stopLoops(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    this.delivery.cutOff();
    await Promise.all(this.#loops);
    await this.#platform.close();
    await this.folders.close();
    await this.outbox.close();
    await this.standIn.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #hear(seen: SeenRequest): Promise<void> {
    if (seen.kind === 'create' && seen.phase === 'received') this.#creates += 1;
    await this.onRequest?.(seen);
  }
}

/** A test with a bench of its own. */
export const test = plainTest.extend<{
  policy: Partial<Policy>;
  limits: Limits;
  key: string | null;
  bench: Bench;
}>({
  policy: {},
  limits: noLimits,
  key: null,
  bench: async ({ policy, limits, key }, use) => {
    const bench = await Bench.begin(policy, limits, key);
    await use(bench);
    await bench.end();
  },
});
