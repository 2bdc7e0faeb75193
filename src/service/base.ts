/** What everything else stands on: the outbox, taken over and proven, and the platform's client. */
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { RereadConfig } from '../config/rereading.ts';
import { defaultPolicy } from '../core/policy.ts';
import type { ApiKeySource } from '../core/apiKeySource.ts';
import type { PassPoint } from '../core/points.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { isOutboxName } from '../outbox/place.ts';
import { keyReader } from '../platform/apiKey.ts';
import { PlatformClient } from '../platform/client.ts';
import { directNetwork, networkOf } from '../platform/network.ts';
import type { RunFolders } from '../reading/runFolders.ts';
import { isStandInData } from '../standin/dataNames.ts';
import type { StandIn } from '../standin/standin.ts';
import type { Clock } from '../system/clock.ts';
import { giveToOwner } from '../system/giveToOwner.ts';
import type { Log } from '../system/log.ts';
import { Secret } from '../system/secret.ts';
import type { ServiceManager } from '../system/serviceManager.ts';
import { believeOrDistrust } from './believing.ts';
import { inGoodTime, type OpenedOutbox } from './outboxWatch.ts';

/** In the state directory: archives on their way, and results that no folder takes. */
export const spoolName = 'spool';
export const resultsName = 'results';
/** Runs that have waited for longer show that the platform, or this host, was away. */
const recoveringAfterMs = 10 * 60_000;
/** As many as `uploads_at_once` can ask for: that may change while the connections stay. */
const connectionsMax = 256;

export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly passPoint: PassPoint;
  /** Told that the daemon is ready and alive; a command has none. */
  readonly manager?: ServiceManager;
  /** Reads the configuration again; a command does not. Given up when the daemon ends. */
  readonly reread?: (inForce: Config, stop: AbortSignal) => Promise<RereadConfig>;
}

/** What has threads of its own, which take as long to begin as the rest of the program takes to be loaded. */
export interface Ground {
  readonly opening: Promise<OpenedOutbox>;
  readonly folders: RunFolders;
}

export interface Base {
  readonly outbox: Outbox;
  readonly folders: RunFolders;
  readonly platform: PlatformClient;
  readonly platformId: string;
  readonly host: string;
  /** Work has waited for so long that other hosts have likely been waiting too. */
  readonly isRecovering: boolean;
  /** Aborted when the outbox cannot be used any more. */
  readonly failed: AbortSignal;
  readonly closers: (() => Promise<void>)[];
  /** The API key is to be found there from now on. */
  readonly readKeyFrom: (source: ApiKeySource) => void;
}

/**
 * Takes the outbox over from whoever had it, finds out whether it is to be believed, and makes the client. First the
 * lock: nothing else may be touched while another process owns the state directory.
 */
export async function openBase(
  config: Config,
  around: Surroundings,
  { folders, opening }: Ground,
): Promise<Base> {
  const closers = [
    () => folders.close(),
    () => {
      giveAway(config);
      return Promise.resolve();
    },
  ];
  try {
    const { outbox, failed } = await opening;
    closers.unshift(() => outbox.close());
    const base = await inGoodTime(outbox, buildBase(config, around, outbox, closers));
    return { ...base, folders, failed };
  } catch (error) {
    for (const close of closers) await close();
    throw error;
  }
}

async function buildBase(
  config: Config,
  { clock, log, version, environment }: Surroundings,
  outbox: Outbox,
  closers: (() => Promise<void>)[],
): Promise<Omit<Base, 'folders' | 'failed'>> {
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
  // Now, too: a process that is killed gives away nothing.
  giveAway(config);
  const { endpoint, apiKey, proxy, caFile } = config.platform;
  let readKey = keyReader(apiKey ?? { environment: 'NEXTMV_API_KEY' }, environment, clock);
  const platform = new PlatformClient({
    endpoint: standIn?.endpoint ?? endpoint ?? '',
    apiKey: standIn === null ? () => readKey() : () => Promise.resolve(new Secret('stand-in')),
    connections: connectionsMax,
    version,
    clock,
    network:
      standIn === null
        ? networkOf({ proxy, caFiles: caFile === null ? [] : [caFile] }, environment)
        : directNetwork,
  });
  closers.unshift(() => platform.close());
  const platformId = standIn === null ? platform.endpoint.href.replace(/\/$/, '') : `stand-in:${standIn.id}`;
  const { stateDir } = config;
  await believeOrDistrust(outbox, { stateDir, platformId, environment, clock, log });
  const isRecovering = await hasWaitedLong(outbox, chance.nowMs);
  const readKeyFrom = (source: ApiKeySource): void => {
    readKey = keyReader(source, environment, clock);
  };
  return { outbox, platform, platformId, host, isRecovering, closers, readKeyFrom };
}

/** Root may look at what the daemon's own user has to open afterwards. */
function giveAway({ stateDir, platform: { kind, standIn } }: Config): void {
  giveToOwner(stateDir, ([name = '']) => isOutboxName(name) || name === spoolName || name === resultsName);
  if (kind !== 'stand-in') return;
  const { dataDir } = standIn;
  giveToOwner(
    dirname(dataDir),
    ([name, ...below]) => name === basename(dataDir) && below.length === 0 && isStandInsAlone(dataDir),
  );
  giveToOwner(dataDir, isStandInData);
}

/** One that other things lie in was made by somebody else, and stays theirs. */
function isStandInsAlone(dataDir: string): boolean {
  return readdirSync(dataDir).every((name) => isStandInData([name]));
}

async function hasWaitedLong(outbox: Outbox, nowMs: number): Promise<boolean> {
  for (const kind of ['queued', 'uploaded', 'tracked'] as const) {
    const oldest = await outbox.oldestOf(kind);
    if (oldest !== null && nowMs - oldest.createdAtMs > recoveringAfterMs) return true;
  }
  return false;
}

async function openStandIn({ platform: { standIn } }: Config): Promise<StandIn> {
  // Nobody loads it who has the platform itself.
  const { startStandIn } = await import('../standin/standin.ts');
  return await startStandIn({
    dataDir: standIn.dataDir,
    port: standIn.port,
    apps: standIn.apps,
    apiKey: null,
  });
}
