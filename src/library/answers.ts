/** What the platform says of runs and apps, in this ecosystem's spelling, with the document as it came under `raw`. */
import type { z } from 'zod';
import type { ReadAnswer } from '../platform/client.ts';
import { finalStatuses, type ApplicationAnswer, type AssetList, type runPage } from '../platform/wire.ts';
import type { JsonObject } from './jsonDocument.ts';

/** `queued`, `running`, `succeeded`, `failed`, `canceled`, or what the platform may learn to say. */
export type RunStatus = string;

/** The figures and facts of a run (contract: metadata). What the platform did not say is null. */
export interface Metadata {
  readonly status: RunStatus;
  readonly applicationId: string | null;
  readonly instanceId: string | null;
  readonly versionId: string | null;
  readonly createdAt: Date | null;
  /** How long the run took, in seconds, as it was recorded. */
  readonly executionDuration: number | null;
  /** The error message; '' for a run without one. */
  readonly error: string;
  readonly inputBytes: number | null;
  readonly outputBytes: number | null;
  readonly inputFormat: string | null;
  readonly outputFormat: string | null;
  readonly runType: string | null;
  readonly metrics: JsonObject | null;
  readonly statistics: JsonObject | null;
  readonly options: Readonly<Record<string, string>>;
}

/** A run without its output. */
export interface RunInformation {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly userEmail: string | null;
  /** Where a person looks at it. */
  readonly consoleUrl: string;
  readonly isFinal: boolean;
  readonly metadata: Metadata;
  /** The platform's answer as it came. */
  readonly raw: JsonObject;
}

/** A document of a run: in memory, or in files where a directory was named. */
export interface RunContent {
  /** `json`, `text`, `multi-file`, `csv-archive`. */
  readonly format: string;
  /** The JSON document or the text; null where it is in files, or there is none. */
  readonly data: unknown;
  /** The files of a multi-file document by their paths, where no directory was named; else null. */
  readonly files: ReadonlyMap<string, Uint8Array> | null;
  /** What was written: the file of a document, the directory of a multi-file one; null where nothing was. */
  readonly path: string | null;
  /** Members of an archive that were not taken: links and devices lead out of where they are put. */
  readonly leftOut: readonly string[];
}

/** A final run with what came of it. */
export interface RunResult extends RunInformation {
  /** Null for a run that failed, was canceled, or has none. */
  readonly output: RunContent | null;
  /** For a failed run: its error, the output's text, and logs with the error; else null. */
  readonly errorLog: { readonly error: string; readonly stdout: string; readonly stderr: string } | null;
}

/** A run as the list shows it. */
export interface ListedRun {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: RunStatus | null;
  readonly createdAt: Date | null;
  readonly instanceId: string | null;
  readonly runType: string | null;
  readonly raw: JsonObject;
}

/** An asset of a run; its content is asked for by `runAsset`. */
export interface AssetInformation {
  readonly id: string;
  readonly name: string;
  readonly contentType: string | null;
  readonly description: string | null;
  readonly bytes: number | null;
  readonly visual: unknown;
}

export function informationOf(answer: ReadAnswer, consoleUrl: (runId: string) => string): RunInformation {
  const { value } = answer;
  const raw = object(JSON.parse(answer.text));
  const metadata = object(raw['metadata']);
  const format = object(metadata['format']);
  const durationMs = number(metadata['execution_duration']);
  return {
    id: value.id,
    name: value.name ?? '',
    description: value.description ?? '',
    userEmail: string(raw['user_email']),
    consoleUrl: consoleUrl(value.id),
    isFinal: (finalStatuses as readonly string[]).includes(value.metadata.status_v2),
    metadata: {
      status: value.metadata.status_v2,
      applicationId: string(metadata['application_id']),
      instanceId: string(metadata['application_instance_id']),
      versionId: string(metadata['application_version_id']),
      createdAt: date(metadata['created_at']),
      executionDuration: durationMs === null ? null : durationMs / 1_000,
      error: string(metadata['error']) ?? '',
      inputBytes: number(metadata['input_size']),
      outputBytes: number(metadata['output_size']),
      inputFormat: string(object(format['input'])['type']),
      outputFormat: string(object(format['output'])['type']),
      runType: string(object(metadata['run_type'])['type']),
      metrics: objectOrNull(metadata['metrics']),
      statistics: objectOrNull(metadata['statistics']),
      options: texts(object(metadata['options'])['request_options']),
    },
    raw,
  };
}

export function listedOf(run: z.infer<typeof runPage>['runs'][number]): ListedRun {
  const raw: JsonObject = run;
  return {
    id: run.id,
    name: string(raw['name']) ?? '',
    description: run.description ?? '',
    status: string(raw['status_v2']),
    createdAt: date(run.created_at),
    instanceId: string(raw['application_instance_id']),
    runType: run.run_type?.type ?? null,
    raw,
  };
}

export function assetOf(item: AssetList['items'][number]): AssetInformation {
  return {
    id: item.id,
    name: item.name ?? '',
    contentType: item.content_type ?? null,
    description: item.description ?? null,
    bytes: item.size ?? null,
    visual: item.visual ?? null,
  };
}

/** An app as the platform knows it. */
export interface ApplicationInformation {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** The instance of a run that names none; null when the app has none. */
  readonly defaultInstanceId: string | null;
  readonly raw: JsonObject;
}

export function applicationOf(answer: ApplicationAnswer): ApplicationInformation {
  return {
    id: answer.id,
    name: answer.name ?? '',
    description: answer.description ?? '',
    defaultInstanceId:
      answer.default_instance == null || answer.default_instance === '' ? null : answer.default_instance,
    raw: answer,
  };
}

export function errorLogOf(raw: JsonObject): RunResult['errorLog'] {
  const log = objectOrNull(raw['error_log']);
  if (log === null) return null;
  return {
    error: string(log['error']) ?? '',
    stdout: string(log['stdout']) ?? '',
    stderr: string(log['stderr']) ?? '',
  };
}

function object(value: unknown): JsonObject {
  return objectOrNull(value) ?? {};
}

function objectOrNull(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function date(value: unknown): Date | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? new Date(ms) : null;
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(object(value)).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}
