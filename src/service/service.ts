/**
 * Everything that makes a daemon, built in order and closed in reverse. A command that finds no daemon builds the same
 * parts for as long as it needs them.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { controlSocketIn } from '../core/controlSocket.ts';
import { noMeasures } from '../core/measures.ts';
import { defaultPolicy } from '../core/policy.ts';
import { isLive } from '../core/run.ts';
import { Budget } from '../delivery/budget.ts';
import { Delivery } from '../delivery/delivery.ts';
import { PacedPlatform } from '../delivery/pacedPlatform.ts';
import { serveControl, type ControlServer } from '../http/control.ts';
import { healthRoutes } from '../http/healthRoutes.ts';
import { historyRoutes } from '../http/historyRoutes.ts';
import { Listener } from '../http/listener.ts';
import { Metrics } from '../http/metrics.ts';
import { metricsRoutes } from '../http/metricsRoutes.ts';
import { SharedStatus } from '../http/sharedStatus.ts';
import { pageRoutes } from '../http/page/routes.ts';
import { Sessions } from '../http/page/sessions.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { ownerFor } from '../system/giveToOwner.ts';
import { outsideRootName } from '../core/identity.ts';
import type { DropRoot } from '../intake/rules.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { RunFolders } from '../reading/runFolders.ts';
import type { Operations } from '../http/operations.ts';
import { announce, announcedReload, lifelessReasons, type AnnouncingParts } from './announcing.ts';
import { Answers } from './answers.ts';
import { openBase, resultsName, spoolName, type Base, type Ground, type Surroundings } from './base.ts';
import { Changes } from './changes.ts';
import { DropRoots } from './dropRoots.ts';
import { countOldRuns } from './history.ts';
import { LoopProgress } from './loopProgress.ts';
import { deliverOnce, type OnceOutcome } from './once.ts';
import { answeringInTime, endedInTime, inGoodTime, openWatched, refusingInTrouble } from './outboxWatch.ts';
import { PageAnswers } from './pageAnswers.ts';
import { oldestWaitingMs, statusInTrouble } from './status.ts';
import { Reloading } from './reloading.ts';
import { RootRuns } from './rootRuns.ts';
import { RunningLoops, type Loops } from './runningLoops.ts';
import { thinRuns } from './thinning.ts';
import type { ViewContext } from './views.ts';

/** Runs in hand at once: most of them wait for an answer, so they are many more than cores. */
const runsAtOnceMax = 64;
export class Service {
  readonly answers: Operations;
  readonly outbox: Outbox;
  readonly endpoint: string;
  readonly delivery: Delivery;
  readonly dropRoots: DropRoots;
  readonly changes: Changes;
  /** Aborted when the outbox cannot be used any more. */
  readonly failed: AbortSignal;
  readonly #platformId: string;
  readonly #config: Config;
  readonly #around: Surroundings;
  readonly #progress: LoopProgress;
  readonly #rootRuns: RootRuns;
  /** Null for a command. */
  readonly #reloading: Reloading | null;
  /** Null: it is to listen nowhere, or this is no daemon. */
  readonly #listener: Listener | null;
  /** Null until it listens. */
  #control: ControlServer | null = null;
  readonly #sessions: Sessions;
  readonly #closers: (() => Promise<void>)[];

  private constructor(config: Config, around: Surroundings, base: Base, isDaemon: boolean) {
    const { clock, log, version, passPoint } = around;
    const { outbox, folders, platform, platformId, host } = base;
    this.#config = config;
    this.#platformId = platformId;
    this.#around = around;
    this.#closers = base.closers;
    this.failed = base.failed;
    this.failed.addEventListener('abort', () => this.cutOff(), { once: true });
    this.outbox = outbox;
    this.endpoint = platform.endpoint.href.replace(/\/$/, '');
    this.changes = new Changes();
    const inForce = (): Config => this.config;
    const policy = {
      ...defaultPolicy,
      get absentAfterMs() {
        return inForce().platform.absentAfterMs;
      },
      get then() {
        return inForce().platform.then;
      },
    };
    const view = viewContext(inForce, (name) => this.dropRoots.named(name));
    const { placesOfRoot, consoleUrl } = view;
    const progress = new LoopProgress(clock);
    const { listen, names } = config.http;
    const metrics = isDaemon && listen !== null ? new Metrics(version, clock) : null;
    const measures = metrics ?? noMeasures;
    this.#progress = progress;
    this.delivery = new Delivery({
      outbox,
      folders,
      platform: new PacedPlatform(platform, new Budget(config.platform, clock, base.isRecovering), measures),
      platformId,
      host,
      process: randomUUID(),
      policy,
      clock,
      log,
      uploadsAtOnce: config.platform.uploadsAtOnce,
      runsAtOnce: runsAtOnceMax,
      placesOfRoot,
      placesOfResults: (name) => placesOfRoot(name) ?? this.dropRoots.evenFormer(name),
      resultsDir: join(config.stateDir, resultsName),
      spoolDir: join(config.stateDir, spoolName),
      consoleUrl,
      passPoint,
      measures,
      progress: { delivery: progress.loop('delivery'), reconcile: progress.loop('reconcile') },
      onConcluded: () => this.changes.tell(),
    });
    const onEnqueued = (): void => {
      this.changes.tell();
      this.delivery.wake();
    };
    const runsPerSecond = (): number | null => this.delivery.budget.rates().runs;
    const intakeParts: IntakeParts = {
      outbox,
      folders,
      clock,
      log,
      policy,
      platformId,
      host,
      passHostGuard: () => this.dropRoots.hostGuard.pass(),
      placesOfRoot,
      runsPerSecond,
      onEnqueued,
    };
    const dropRoots = new DropRoots(config.dropRoots, { intakeParts, progress, isDaemon });
    this.dropRoots = dropRoots;
    this.#rootRuns = new RootRuns({ outbox, clock, policy, onRevived: onEnqueued });
    const { reread, manager } = around;
    this.#reloading =
      reread === undefined
        ? null
        : new Reloading({
            config,
            reread,
            dropRoots,
            rootRuns: this.#rootRuns,
            log,
            onBegin: () => this.#openToGroup(),
            apply: (next) => this.#apply(next, base),
            announced: (work) => announcedReload(manager, work),
          });
    const { access, passwordFile } = config.http;
    this.#sessions = new Sessions(access, passwordFile, clock);
    const status = new SharedStatus(() => this.answers.status(), clock);
    const lifeless = (): string[] => lifelessReasons(progress.all(), outbox.trouble());
    this.#listener =
      metrics === null || listen === null
        ? null
        : new Listener({
            listen,
            names,
            group: config.control.group,
            routes: [
              healthRoutes({ lifeless, status }),
              metricsRoutes(metrics, status),
              // Before the history, which it guards: that is for those with access.
              this.#page(view, host),
              historyRoutes((query) => this.answers.history(query)),
            ],
            log,
          });
    const parts = {
      intakeParts,
      dropRoots,
      delivery: this.delivery,
      progress,
      listener: this.#listener,
      sessions: this.#sessions,
      changes: this.changes,
      view,
      isDaemon,
      version,
      platform: { kind: config.platform.kind, endpoint: this.endpoint },
      platformId,
      reloading: this.#reloading,
      configFile: config.file,
    };
    this.answers = answeringInTime(new Answers(parts), outbox, (trouble) => statusInTrouble(parts, trouble));
    this.#closers.unshift(() => dropRoots.close());
    // A reload changes drop roots, and asks the outbox what becomes of their runs: it ends before either.
    this.#closers.unshift(async () => await this.#reloading?.close());
  }

  /**
   * Builds the parts and takes over what an earlier process left behind.
   * @param isDaemon false for a command that stands in for the daemon while there is none
   * @param ground where somebody has begun already
   * @throws OutboxHeld, OutboxUnusable, or what a port in use throws
   */
  static async open(
    config: Config,
    around: Surroundings,
    isDaemon: boolean,
    ground: Ground = {
      opening: openWatched(config.stateDir, around.log, isDaemon),
      folders: new RunFolders(around.log),
    },
  ): Promise<Service> {
    const base = await openBase(config, around, ground);
    return new Service(config, around, base, isDaemon);
  }

  /** What is in force: what was read at the start, or last read again. */
  get config(): Config {
    return this.#reloading?.config ?? this.#config;
  }

  /** Reads the configuration again, as on HUP. What is wrong with it is logged, and shown by `status`. */
  async reload(): Promise<void> {
    await this.#reloading?.reload();
  }

  /** Everything that counts at once, but the drop roots. */
  #apply({ logLevel, platform }: Config, { readKeyFrom }: Base): void {
    this.#around.log.level = logLevel;
    this.delivery.limitTo(platform);
    if (platform.apiKey !== null) readKeyFrom(platform.apiKey);
  }

  /** The daemon: until `stop` is aborted, then what is in hand is finished. @throws a bug, which ends the process */
  async run(stop: AbortSignal): Promise<void> {
    const { log } = this.#around;
    const control = await this.#serveControl();
    log.info(
      {
        stateDir: this.#config.stateDir,
        endpoint: this.endpoint,
        roots: this.dropRoots.configs.map(({ path }) => path),
      },
      `runtrackd ${this.#around.version} is running: ${this.dropRoots.configs.length} drop root(s), platform ${this.endpoint}`,
    );
    try {
      await this.#untilStopped(stop, async (either) => {
        await this.#reviveRuns();
        const loops = this.#begin(either, false);
        loops.beginAll({ ...this.#announcing(), ...this.#listening() });
        await loops.ended();
      });
    } finally {
      this.changes.end();
      await control.close();
    }
  }

  /**
   * Scans and delivers until nothing is left to wait for.
   * @param waitMsMax ms without any progress that are waited for
   * @throws OutboxUnusable also for an outbox that is in trouble for so long
   */
  async runOnce(stop: AbortSignal, waitMsMax: number): Promise<OnceOutcome> {
    const control = await this.#serveControl();
    try {
      let outcome: OnceOutcome | undefined;
      await this.#untilStopped(stop, async (either) => {
        outcome = await inGoodTime(this.outbox, this.#deliverOnce(either, waitMsMax), waitMsMax);
      });
      if (outcome === undefined) throw new Error('delivery has ended without an outcome');
      return outcome;
    } finally {
      this.changes.end();
      await control.close();
    }
  }

  async #deliverOnce(stop: AbortSignal, waitMsMax: number): Promise<OnceOutcome> {
    await this.#reviveRuns();
    return await deliverOnce({
      outbox: this.outbox,
      delivery: this.delivery,
      dropRoots: this.dropRoots,
      platformId: this.#platformId,
      clock: this.#around.clock,
      waitMsMax,
      stop,
      begin: (signal) => this.#begin(signal, true),
    });
  }

  /** Takes one run as far as it goes, and leaves all others alone. */
  async deliverOnly(run: number, until: 'tracked' | 'recorded', stop: AbortSignal): Promise<void> {
    const done = new AbortController();
    const signal = AbortSignal.any([stop, done.signal]);
    const watch = async (): Promise<void> => {
      while (!signal.aborted) {
        const seen = this.changes.count;
        const state = (await this.outbox.run(run))?.life.state;
        const isFar = until === 'tracked' && (state?.kind === 'tracked' || state?.kind === 'final');
        // An outcome that is not known cannot be waited for here: it takes longer than anyone looks on.
        if (state === undefined || !isLive(state) || isFar || state.kind === 'unknown') break;
        // Nor does anyone want to sit in front of a platform that is away, or an app that is not there: the outbox keeps the run.
        if (this.delivery.pause() !== null || this.delivery.pausedApps().length > 0) break;
        await this.changes.next(seen, 1_000);
      }
      done.abort();
      this.delivery.wake();
    };
    await inGoodTime(this.outbox, Promise.all([this.delivery.run(signal, run), watch()]));
  }

  /** There is no time left: what is under way ends where it is, and the outbox says how far it came. */
  cutOff(): void {
    this.delivery.cutOff();
    this.dropRoots.cutOff();
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  /** Works until `stop`, or until the outbox cannot be used any more. @throws OutboxUnusable for the latter */
  async #untilStopped(stop: AbortSignal, work: (either: AbortSignal) => Promise<void>): Promise<void> {
    const either = AbortSignal.any([stop, this.failed]);
    const untilReloaded = async (): Promise<void> => {
      try {
        await work(either);
      } finally {
        await this.#reloading?.close();
      }
    };
    try {
      await endedInTime(this.outbox, untilReloaded(), either);
    } catch (error) {
      // Whatever a loop made of it, an outbox that cannot be used is why it ended.
      if (this.outbox.failure() === null) throw error;
    }
    const failure = this.outbox.failure();
    if (failure !== null) throw failure;
  }

  async #serveControl(): Promise<ControlServer> {
    const { log } = this.#around;
    const { stateDir, control } = this.#config;
    this.#control = await serveControl(
      controlSocketIn(control.directory),
      control.group === null ? null : { ...control.group, owner: ownerFor(stateDir) },
      this.answers,
      {
        onBug: (error) => log.error({ err: error }, 'a command met an error that nobody foresaw'),
        warn: (text) => log.warn(text),
      },
    );
    return this.#control;
  }

  /** For its reload systemd gives the directories below /run back to the unit's own group. */
  #openToGroup(): void {
    this.#control?.openToGroup();
    this.#listener?.openToGroup();
  }

  /** A loop of its own where a service manager listens. */
  #announcing(): Loops {
    const { manager, clock } = this.#around;
    if (manager?.isThere !== true) return {};
    const parts: AnnouncingParts = {
      manager,
      clock,
      loops: () => this.#progress.all(),
      trouble: () => this.outbox.trouble(),
      inHand: () => this.delivery.inHand(),
      counts: async () => (await this.outbox.counts()).states,
      oldestWaitingMs: () => oldestWaitingMs(this.outbox),
    };
    return { announcing: (stop) => announce(parts, stop) };
  }

  #page(view: ViewContext, host: string): ReturnType<typeof pageRoutes> {
    const { clock, log, version } = this.#around;
    const questions = refusingInTrouble(new PageAnswers(this.outbox, view), this.outbox);
    return pageRoutes({
      // It listens before the answers are there.
      operations: () => this.answers,
      questions,
      sessions: this.#sessions,
      changes: this.changes,
      clock,
      log,
      host,
      version,
    });
  }

  #listening(): Loops {
    const listener = this.#listener;
    return listener === null ? {} : { listener: (stop) => listener.run(stop) };
  }

  /** Those that waited for drop roots that are there again since the last start. */
  async #reviveRuns(): Promise<void> {
    await this.#rootRuns.revive(new Set(this.dropRoots.configs.map(({ name }) => name)));
  }

  /** All loops of the main job, until `stop` is aborted. @param isBrief they end when nothing is left to wait for */
  #begin(stop: AbortSignal, isBrief: boolean): RunningLoops {
    stop.addEventListener('abort', () => this.dropRoots.loseNoTime(), { once: true });
    const loops = new RunningLoops(stop, this.#around.log);
    this.dropRoots.begin(loops);
    loops.beginAll({
      delivery: (signal) => this.delivery.run(signal, null),
      reconcile: (signal) => this.delivery.reconcile(signal),
      // Also where cron starts it: what is not done when it ends is, step by step, the next times.
      history: (signal) => countOldRuns(this.outbox, signal),
      thinning: async (signal) =>
        await thinRuns(
          {
            outbox: this.outbox,
            clock: this.#around.clock,
            keepMs: () => this.config.historyKeepMs,
            progress: this.#progress.loop('thinning'),
            isBrief,
          },
          signal,
        ),
    });
    return loops;
  }
}

export type { Surroundings } from './base.ts';

function viewContext(inForce: () => Config, rootNamed: (name: string) => DropRoot | null): ViewContext {
  return {
    placesOfRoot: (name) => (name === outsideRootName ? { path: '/', resultsDir: null } : rootNamed(name)),
    appOfRoot: (name) => rootNamed(name)?.app ?? '',
    deadlineMsOfRoot: (name) => rootNamed(name)?.settle.deadlineMs ?? null,
    // The stand-in has no console.
    consoleUrl: (app, runId) => {
      const { kind, consoleUrl } = inForce().platform;
      return kind === 'stand-in'
        ? null
        : `${consoleUrl.replace(/\/$/, '')}/app/${app}/run/${runId}?view=details`;
    },
  };
}
