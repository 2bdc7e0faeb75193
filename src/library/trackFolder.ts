/** A run folder, by the reading rules of the daemon, without the daemon: no quiet time, no outbox, one run. */
import { lstat, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { enrichments, type Enrichment } from '../core/enrichment.ts';
import { defaultIgnoreRules, fileOf, type FilesMapping, type FolderContent } from '../core/content.ts';
import type { Role } from '../core/run.ts';
import { errorTail } from '../platform/runRequest.ts';
import { artefactBodies } from '../reading/bodies.ts';
import { defaultFileNames, ignoredBy } from '../reading/mapping.ts';
import { readFolder } from '../reading/readFolder.ts';
import { readyBody, type ReadyBody } from '../reading/readyBody.ts';
import type { FolderSight } from '../reading/sight.ts';
import { sightFolder } from '../reading/sightFolder.ts';
import { OpenFolder } from '../system/files.ts';
import { Application } from './application.ts';
import { badInput } from './badInput.ts';
import { called } from './calling.ts';
import type { Client } from './client.ts';
import { named, sourceChanged, type PreparedRun } from './preparedRun.ts';
import { checkTrackOptions, optionTexts, recordRun, type TrackRunOptions } from './recording.ts';

/** How a folder is recorded, where it does not say so itself. */
export interface TrackFolderOptions extends Omit<TrackRunOptions, 'configuration'> {
  /** Default: the `app_id` of the folder's meta.json. */
  readonly applicationId?: string;
  /** Default: `new Client()`. */
  readonly client?: Client;
  /** What the solver calls its files, where it does not use the names of the daemon's default. */
  readonly files?: {
    /** A name, a directory (`data/`), a glob, or a list of these: as in the daemon's configuration. */
    readonly input?: string | readonly string[];
    readonly output?: string | readonly string[];
    /** A name or a glob. */
    readonly log?: string;
    readonly meta?: string;
  };
  /** Whether a folder without meta.json is complete: status, error and duration are then inferred. Default: required. */
  readonly meta?: 'required' | 'optional';
  /**
   * What is added from the solver's log, where the run has nothing of the kind: `metrics`, `statistics`, `chart`. The files
   * stay as they are. Default: nothing.
   */
  readonly enrich?: readonly Enrichment[];
  /** What a model that is infeasible or unbounded makes of a run whose status is inferred. Default: succeeded. */
  readonly infeasible?: 'succeeded' | 'failed';
}

/** What became of a folder. */
export interface TrackedFolder {
  readonly runId: string;
  readonly applicationId: string;
  /** What makes this content itself: SHA-256, as the daemon computes it. */
  readonly generation: string;
  /** What was left out or looked odd, in sentences. */
  readonly warnings: readonly string[];
}

/** The hints of the reading rules speak of a daemon that looks again by itself. */
const mendIt = 'Mend it and track the folder again.';
const limits = { fileBytesMax: 700 * 1024 * 1024, folderFilesMax: 10_000, jsonDepthMax: 1_000 };

/**
 * Records one run folder.
 * @param path of a directory with an input, an output unless the run failed, and meta.json
 * @throws RuntrackdError (bad-input, source-changed, …): nothing was recorded then, but for `outcome-unknown`
 */
export async function trackFolder(path: string, options: TrackFolderOptions = {}): Promise<TrackedFolder> {
  return await called(options, (signal) => track(path, options, signal));
}

async function track(path: string, options: TrackFolderOptions, signal: AbortSignal): Promise<TrackedFolder> {
  checkTrackOptions(options);
  checkEnrich(options.enrich ?? []);
  const wishes = optionTexts(options.options);
  const { content, folder } = await readRunFolder(path, options, signal).catch((error: unknown) => {
    throw named(error);
  });
  try {
    const { meta } = content;
    const applicationId = appOf(path, options.applicationId, meta.appId);
    const { client } = options;
    const application = new Application({ id: applicationId, ...(client === undefined ? {} : { client }) });
    const instanceId = options.instanceId ?? meta.instanceId;
    const prepared = await preparedOf(
      content,
      folder,
      options.enrich ?? [],
      application.client.spoolDir,
      signal,
    );
    const runId = await recordRun(
      { client: application.client, app: applicationId },
      prepared,
      {
        name: meta.name ?? basename(folder.path),
        description: meta.description,
        // Who calls knows more of this one run than the script that wrote the folder.
        options: { ...meta.options, ...wishes },
        batchExperimentId: options.batchExperimentId ?? meta.batchExperimentId,
        status: meta.status,
        durationMs: meta.durationMs,
        error: meta.error,
      },
      {
        ...(options.fingerprint === undefined ? {} : { fingerprint: options.fingerprint }),
        ...(instanceId === null ? {} : { instanceId }),
      },
      signal,
    ).finally(() => prepared.close());
    return { runId, applicationId, generation: `sha256:${content.generation}`, warnings: content.warnings };
  } finally {
    await folder.close();
  }
}

async function readRunFolder(
  given: string,
  { files = {}, meta = 'required', infeasible = 'succeeded' }: TrackFolderOptions,
  signal: AbortSignal,
): Promise<{ readonly content: FolderContent; readonly folder: OpenFolder }> {
  const path = await realpath(given);
  if (!(await lstat(path)).isDirectory()) throw badInput(`${given} is no directory`, 'Name a run folder.');
  const names: FilesMapping = {
    input: files.input === undefined ? defaultFileNames.input : [files.input],
    output: files.output === undefined ? defaultFileNames.output : [files.output],
    log: files.log ?? defaultFileNames.log,
    meta: files.meta ?? defaultFileNames.meta,
    marker: null,
    ignore: defaultIgnoreRules,
  };
  const isMetaOptional = meta === 'optional';
  const sightRules = { names, marker: null, isMetaOptional, ...limits, isIgnored: ignoredBy(names) };
  const look = (): Promise<FolderSight | null> => sightFolder(path, sightRules);
  const sight = await look();
  if (sight === null) throw badInput(`${given} is not there`, 'Name a run folder.');
  if (sight.refusal !== null) throw badInput(`${given}: ${sight.refusal.text}`, mendIt);
  if (sight.sighting.missing.length > 0)
    throw badInput(
      `${given} is not complete: it has no ${sight.sighting.missing.join(' and no ')}`,
      'Track it when the solver is done.',
    );
  const rules = { names, app: null, allowAppIds: [], isMetaOptional, infeasible, ...limits };
  const read = await readFolder(path, sight, rules, signal);
  if (read.kind === 'notYet' && read.code !== undefined)
    throw badInput(
      `${given} cannot be read (${read.code})`,
      read.code === 'EIO'
        ? 'Look at the disk, then track it again.'
        : 'Let this user read everything in it, then track it again.',
    );
  if (read.kind === 'notYet')
    throw badInput(`${given} is not complete: ${read.reason}`, 'Track it when the solver is done.');
  if (read.kind === 'rejected') throw badInput(`${given}: ${read.text}`, mendIt);
  if ((await look())?.signature !== sight.signature)
    throw sourceChanged(`${given} changed while it was read`);
  return { content: read.content, folder: await OpenFolder.open(path) };
}

function checkEnrich(wanted: readonly string[]): void {
  const unknown = wanted.find((one) => !(enrichments as readonly string[]).includes(one));
  if (unknown !== undefined)
    throw badInput(`enrich has ${JSON.stringify(unknown)}`, `It is a list of ${enrichments.join(', ')}.`);
}

function appOf(path: string, given: string | undefined, named: string | null): string {
  if (given !== undefined && named !== null && given !== named)
    throw badInput(
      `${path} belongs to app "${named}" by its meta.json, and "${given}" is given`,
      'Leave applicationId out, or take app_id out of meta.json.',
    );
  const app = given ?? named;
  if (app === null)
    throw badInput(
      `${path} does not say which app it belongs to`,
      'Give applicationId, or app_id in its meta.json.',
    );
  return app;
}

/** The folder's artefacts as uploads. */
async function preparedOf(
  content: FolderContent,
  folder: OpenFolder,
  enrich: readonly Enrichment[],
  spoolDir: string,
  signal: AbortSignal,
): Promise<PreparedRun> {
  const ready: (ReadyBody & { readonly role: Role })[] = [];
  const close = async (): Promise<void> => {
    for (const body of ready) await body.close();
  };
  try {
    for (const body of artefactBodies(content, errorTail(content.meta.error), enrich))
      ready.push({ ...(await readyBody(folder, content, body, spoolDir, signal)), role: body.role });
  } catch (error) {
    await close();
    throw named(error);
  }
  const typeOf = (role: 'input' | 'output') => fileOf(content, role)?.type ?? 'json';
  return {
    bodies: ready,
    formats: { input: typeOf('input'), output: typeOf('output') },
    outputBytes: ready.find(({ role }) => role === 'output')?.bytes ?? 0,
    close,
  };
}
