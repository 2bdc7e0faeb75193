/**
 * The configuration as the rest of the program sees it: checked, complete, every path absolute, every duration in
 * milliseconds. Nothing in here has to be looked at twice.
 */

import type { AccessMode } from '../core/accessMode.ts';
import type { ApiKeySource } from '../core/apiKeySource.ts';
import type { Backfill } from '../core/backfill.ts';
import type { FileNames } from '../core/content.ts';
import type { Enrichment } from '../core/enrichment.ts';
import type { ListenAddress } from '../core/listenAddress.ts';

export interface Config {
  /** The file that all of this was read from, absolute. */
  readonly file: string;
  /** What the file says, as it stands there: what a later reading is compared with. */
  readonly given: unknown;
  readonly stateDir: string;
  readonly host: string;
  readonly platform: PlatformConfig;
  readonly http: HttpConfig;
  readonly control: ControlConfig;
  readonly logLevel: LogLevel;
  readonly shutdownDeadlineMs: number;
  /** How long stories of runs that have ended are kept; null: for ever. */
  readonly historyKeepMs: number | null;
  readonly dropRoots: readonly DropRootConfig[];
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface PlatformConfig {
  readonly kind: 'stand-in' | 'nextmv';
  /** Origin and path prefix, normalised, without a slash at the end; `null` for the stand-in, which picks its own. */
  readonly endpoint: string | null;
  readonly consoleUrl: string;
  /** Where the key is to be read; `null` for the stand-in, which needs none. */
  readonly apiKey: ApiKeySource | null;
  /** A PEM file of authorities that are trusted beside Node's own; `null`: none. */
  readonly caFile: string | null;
  /** May hold a password. `null`: what HTTPS_PROXY and NO_PROXY say, and for the stand-in. */
  readonly proxy: string | null;
  readonly uploadsAtOnce: number;
  /** `null`: no limit. */
  readonly runsPerSecond: number | null;
  /** `null`: no limit. */
  readonly requestsPerMinute: number | null;
  readonly absentAfterMs: number;
  /** What to do with a run that is surely absent on the platform. */
  readonly then: 'send' | 'park';
  readonly standIn: StandInConfig;
}

export interface StandInConfig {
  /** 0: any free one. */
  readonly port: number;
  readonly dataDir: string;
  /** `null`: every app whose id is well formed exists. */
  readonly apps: readonly string[] | null;
}

export interface HttpConfig {
  /** `null`: nowhere. */
  readonly listen: ListenAddress | null;
  /** Names beside the usual ones that a request may be for. */
  readonly names: readonly string[];
  readonly access: AccessMode;
  /** Absolute; `null`: there is no password. */
  readonly passwordFile: string | null;
}

export interface ControlConfig {
  /** Who may use the control socket beside the daemon's user; `null`: nobody. */
  readonly group: { readonly name: string; readonly number: number } | null;
  /** Where the socket lies, absolute. */
  readonly directory: string;
}

export interface DropRootConfig {
  readonly path: string;
  readonly name: string;
  readonly app: string;
  readonly allowAppIds: readonly string[];
  /** `null`: the app's default instance. */
  readonly instance: string | null;
  readonly quietMs: number;
  readonly deadlineMs: number;
  readonly marker: string | null;
  readonly isMetaOptional: boolean;
  readonly scanEveryMs: number;
  readonly auditEveryMs: number;
  readonly depth: number;
  readonly backfill: Backfill;
  readonly files: FileNames;
  readonly limits: {
    readonly fileBytesMax: number;
    readonly folderFilesMax: number;
    readonly jsonDepthMax: number;
  };
  readonly runName: string;
  /** What a model without an optimum makes of a run, where the status is inferred. */
  readonly infeasible: 'succeeded' | 'failed';
  /** What is added to runs from their logs. */
  readonly enrich: readonly Enrichment[];
  /** What mirrors the root and takes results, absolute; `null`: they lie in the run folders. */
  readonly resultsDir: string | null;
  /** `null`: run folders stay where they are. */
  readonly archive: { readonly path: string; readonly graceMs: number } | null;
  /** As they are sent: every value is a text. */
  readonly options: Readonly<Record<string, string>>;
  readonly ignore: readonly string[];
}
