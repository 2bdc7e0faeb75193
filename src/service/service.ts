/**
 * Everything that makes a daemon, built in order and closed in reverse. A command that finds no daemon builds the same
 * parts for as long as it needs them.
 */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { controlSocketName } from '../core/controlSocket.ts';
import { defaultPolicy } from '../core/policy.ts';
import type { PassPoint } from '../core/points.ts';
import { isLive } from '../core/run.ts';
import { Budget } from '../delivery/budget.ts';
import { Delivery } from '../delivery/delivery.ts';
import { PacedPlatform } from '../delivery/pacedPlatform.ts';
import { serveControl, type ControlServer } from '../http/control.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { RootIntake } from '../intake/rootIntake.ts';
import { outsideRootName } from '../core/identity.ts';
import type { DropRoot } from '../intake/rules.ts';
import { openOutbox, type Outbox } from '../outbox/outbox.ts';
import { keyReader } from '../platform/apiKey.ts';
import { PlatformClient } from '../platform/client.ts';
import { networkOf } from '../platform/network.ts';
import { startStandIn, type StandIn } from '../standin/standin.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';
import { Secret } from '../system/secret.ts';
import { Answers } from './answers.ts';
import { Changes } from './changes.ts';
import { deliverOnce, type OnceOutcome } from './once.ts';
import { runTogether } from './supervise.ts';
import type { ViewContext } from './views.ts';

/** Runs in hand at once: most of them wait for an answer, so they are many more than cores. */
const runsAtOnceMax = 64;
/** Runs that have waited for longer show that the platform, or this host, was away. */
const recoveringAfterMs = 10 * 60_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly passPoint: PassPoint;
}

export class Service {
  readonly answers: Answers;
  readonly outbox: Outbox;
  readonly endpoint: string;
  readonly delivery: Delivery;
  readonly roots: readonly RootIntake[];
  readonly changes: Changes;
  readonly #config: Config;
  readonly #around: Surroundings;
  readonly #closers: (() => Promise<void>)[];

  private constructor(config: Config, around: Surroundings, base: Base, isDaemon: boolean) {
    const { clock, log, version, passPoint } = around;
    const { outbox, platform, platformId, host } = base;
    this.#config = config;
    this.#around = around;
    this.#closers = base.closers;
    this.outbox = outbox;
    this.endpoint = platform.endpoint.href.replace(/\/$/, '');
    this.changes = new Changes();
    const policy = {
      ...defaultPolicy,
      absentAfterMs: config.platform.absentAfterMs,
      then: config.platform.then,
    };
    const dropRoots = config.dropRoots.map(dropRootOf);
    const view = viewContext(config, dropRoots);
    const { pathOfRoot, consoleUrl } = view;
    this.delivery = new Delivery({
      outbox,
      platform: new PacedPlatform(platform, new Budget(config.platform, clock, base.isRecovering)),
      platformId,
      host,
      policy,
      clock,
      log,
      uploadsAtOnce: config.platform.uploadsAtOnce,
      runsAtOnce: runsAtOnceMax,
      pathOfRoot,
      resultsDir: join(config.stateDir, 'results'),
      consoleUrl,
      passPoint,
      onConcluded: () => this.changes.tell(),
    });
    const onEnqueued = (): void => {
      this.changes.tell();
      this.delivery.wake();
    };
    const intakeParts: IntakeParts = { outbox, clock, log, policy, platformId, host, pathOfRoot, onEnqueued };
    this.roots = dropRoots.map((root) => new RootIntake(root, intakeParts, isDaemon));
    this.answers = new Answers({
      intakeParts,
      roots: this.roots,
      delivery: this.delivery,
      changes: this.changes,
      view,
      isDaemon,
      version,
      platform: { kind: config.platform.kind, endpoint: this.endpoint },
      platformId,
    });
    this.#closers.unshift(async () => {
      await Promise.all(this.roots.map((root) => root.stop()));
    });
  }

  /**
   * Builds the parts and takes over what an earlier process left behind.
   * @param isDaemon false for a command that stands in for the daemon while there is none
   * @throws OutboxHeld, OutboxUnusable, or what a port in use throws
   */
  static async open(config: Config, around: Surroundings, isDaemon: boolean): Promise<Service> {
    const base = await openBase(config, around);
    return new Service(config, around, base, isDaemon);
  }

  /** The daemon: until `stop` is aborted, then what is in hand is finished. @throws a bug, which ends the process */
  async run(stop: AbortSignal): Promise<void> {
    const { log } = this.#around;
    const control = await this.#serveControl();
    log.info(
      {
        stateDir: this.#config.stateDir,
        endpoint: this.endpoint,
        roots: this.roots.map(({ rules }) => rules.root.path),
      },
      `runtrackd ${this.#around.version} is running: ${this.roots.length} drop root(s), platform ${this.endpoint}`,
    );
    try {
      await runTogether(this.#loops(), stop, log);
    } finally {
      this.changes.end();
      await control.close();
    }
  }

  /** Scans and delivers until nothing is left to wait for. @param waitMsMax ms without any progress that are waited for */
  async runOnce(stop: AbortSignal, waitMsMax: number): Promise<OnceOutcome> {
    const { clock, log } = this.#around;
    const control = await this.#serveControl();
    try {
      return await deliverOnce({
        ...this.#onceParts(),
        clock,
        log,
        waitMsMax,
        stop,
        loops: this.#loops(),
      });
    } finally {
      this.changes.end();
      await control.close();
    }
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
        // Nor does anyone want to sit in front of a platform that is away: the outbox keeps the run.
        if (this.delivery.gate.platformPause() !== null) break;
        await this.changes.next(seen, 1_000);
      }
      done.abort();
      this.delivery.wake();
    };
    await Promise.all([this.delivery.run(signal, run), watch()]);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  async #serveControl(): Promise<ControlServer> {
    const { log } = this.#around;
    return await serveControl(controlSocketOf(this.#config), this.answers, (error) =>
      log.error({ err: error }, 'a command met an error that nobody foresaw'),
    );
  }

  #loops(): Record<string, (stop: AbortSignal) => Promise<void>> {
    const intake = this.roots.map(
      (root) => [`intake ${root.rules.root.name}`, (stop: AbortSignal) => root.run(stop)] as const,
    );
    return {
      ...Object.fromEntries(intake),
      delivery: (stop) => this.delivery.run(stop, null),
      reconcile: (stop) => this.delivery.reconcile(stop),
    };
  }

  #onceParts() {
    const { outbox, delivery, roots } = this;
    return { outbox, delivery, roots };
  }
}

export function controlSocketOf(config: Pick<Config, 'stateDir'>): string {
  return join(config.stateDir, controlSocketName);
}

interface Base {
  readonly outbox: Outbox;
  readonly platform: PlatformClient;
  readonly platformId: string;
  readonly host: string;
  /** Work has waited for so long that other hosts have likely been waiting too. */
  readonly isRecovering: boolean;
  readonly closers: (() => Promise<void>)[];
}

async function openBase(config: Config, { clock, log, version, environment }: Surroundings): Promise<Base> {
  const closers: (() => Promise<void>)[] = [];
  try {
    // First the lock: nothing else may be touched while another process owns the state directory.
    const outbox = await openOutbox(config.stateDir);
    closers.unshift(() => outbox.close());
    const chance = { nowMs: clock.nowMs(), random: clock.random(), policy: defaultPolicy };
    const host = await outbox.freezeHost(config.host, chance.nowMs);
    if (host !== config.host) {
      log.warn(
        `this outbox belongs to host "${host}", which stays part of every run; "${config.host}" is not used`,
      );
    }
    const left = await outbox.takeOver(chance);
    if (left.suspects > 0) {
      log.warn(
        left,
        `the last process ended with ${left.suspects} run(s) in hand: they go first, one at a time`,
      );
    }
    const standIn = config.platform.kind === 'stand-in' ? await openStandIn(config) : null;
    if (standIn !== null) closers.unshift(() => standIn.close());
    const { endpoint, apiKey, uploadsAtOnce, proxy, caFile } = config.platform;
    const platform = new PlatformClient({
      endpoint: standIn?.endpoint ?? endpoint ?? '',
      apiKey:
        standIn === null
          ? keyReader(apiKey ?? { environment: 'NEXTMV_API_KEY' }, environment)
          : () => Promise.resolve(new Secret('stand-in')),
      connections: uploadsAtOnce,
      version,
      clock,
      network: networkOf({ proxy, caFiles: caFile === null ? [] : [caFile] }, environment),
    });
    closers.unshift(() => platform.close());
    const platformId =
      standIn === null ? platform.endpoint.href.replace(/\/$/, '') : `stand-in:${standIn.id}`;
    const isRecovering = await hasWaitedLong(outbox, chance.nowMs);
    return { outbox, platform, platformId, host, isRecovering, closers };
  } catch (error) {
    for (const close of closers) await close();
    throw error;
  }
}

async function hasWaitedLong(outbox: Outbox, nowMs: number): Promise<boolean> {
  for (const kind of ['queued', 'uploaded', 'tracked'] as const) {
    const oldest = await outbox.oldestOf(kind);
    if (oldest !== null && nowMs - oldest.createdAtMs > recoveringAfterMs) return true;
  }
  return false;
}

async function openStandIn({ platform: { standIn } }: Config): Promise<StandIn> {
  return await startStandIn({
    dataDir: standIn.dataDir,
    port: standIn.port,
    apps: standIn.apps,
    apiKey: null,
  });
}

function dropRootOf(root: Config['dropRoots'][number]): DropRoot {
  const { quietMs, deadlineMs, ...same } = root;
  return { ...same, settle: { quietMs, deadlineMs } };
}

function viewContext(config: Config, roots: readonly DropRoot[]): ViewContext {
  const byName = new Map(roots.map((root) => [root.name, root]));
  const { kind, consoleUrl } = config.platform;
  return {
    pathOfRoot: (name) => (name === outsideRootName ? '/' : (byName.get(name)?.path ?? null)),
    appOfRoot: (name) => byName.get(name)?.app ?? '',
    // The stand-in has no console.
    consoleUrl: (app, runId) =>
      kind === 'stand-in' ? null : `${consoleUrl.replace(/\/$/, '')}/app/${app}/run/${runId}?view=details`,
  };
}
