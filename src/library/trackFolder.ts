/** A run folder, by the reading rules of the daemon, without the daemon: no quiet time, no outbox, one run. */
import { lstat, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileOf, type FolderContent } from '../core/content.ts';
import { errorTail } from '../platform/runRequest.ts';
import { artefactBodies, readBody } from '../reading/bodies.ts';
import { defaultFileNames, type FileNames } from '../reading/mapping.ts';
import { readFolder } from '../reading/readFolder.ts';
import { sightFolder, type FolderSight } from '../reading/sight.ts';
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
    readonly input?: string;
    readonly output?: string;
    readonly log?: string;
    readonly meta?: string;
  };
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
const limits = { fileBytesMax: 700 * 1024 * 1024, jsonDepthMax: 1_000 };

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
  const wishes = optionTexts(options.options);
  const { content, folder } = await readRunFolder(path, options).catch((error: unknown) => {
    throw named(error);
  });
  try {
    const { meta } = content;
    const applicationId = appOf(path, options.applicationId, meta.appId);
    const { client } = options;
    const application = new Application({ id: applicationId, ...(client === undefined ? {} : { client }) });
    const instanceId = options.instanceId ?? meta.instanceId;
    const runId = await recordRun(
      { client: application.client, app: applicationId },
      preparedOf(content, folder),
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
    );
    return { runId, applicationId, generation: `sha256:${content.generation}`, warnings: content.warnings };
  } finally {
    await folder.close();
  }
}

async function readRunFolder(
  given: string,
  { files = {} }: TrackFolderOptions,
): Promise<{ readonly content: FolderContent; readonly folder: OpenFolder }> {
  const path = await realpath(given);
  if (!(await lstat(path)).isDirectory()) throw badInput(`${given} is no directory`, 'Name a run folder.');
  const names: FileNames = {
    input: files.input === undefined ? defaultFileNames.input : [files.input],
    output: files.output === undefined ? defaultFileNames.output : [files.output],
    log: files.log ?? defaultFileNames.log,
    meta: files.meta ?? defaultFileNames.meta,
  };
  const look = (): Promise<FolderSight | null> =>
    sightFolder(path, { names, marker: null, fileBytesMax: limits.fileBytesMax, isIgnored: () => false });
  const sight = await look();
  if (sight === null) throw badInput(`${given} is not there`, 'Name a run folder.');
  if (sight.refusal !== null) throw badInput(`${given}: ${sight.refusal.text}`, mendIt);
  if (sight.sighting.missing.length > 0)
    throw badInput(
      `${given} is not complete: it has no ${sight.sighting.missing.join(' and no ')}`,
      'Track it when the solver is done.',
    );
  const read = await readFolder(path, sight, {
    names,
    app: null,
    allowAppIds: [],
    jsonDepthMax: limits.jsonDepthMax,
  });
  if (read.kind === 'notYet')
    throw badInput(`${given} is not complete: ${read.reason}`, 'Track it when the solver is done.');
  if (read.kind === 'rejected') throw badInput(`${given}: ${read.text}`, mendIt);
  if ((await look())?.signature !== sight.signature)
    throw sourceChanged(`${given} changed while it was read`);
  return { content: read.content, folder: await OpenFolder.open(path) };
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
function preparedOf(content: FolderContent, folder: OpenFolder): PreparedRun {
  const bodies = artefactBodies(content, errorTail(content.meta.error)).map((body) => ({
    ...body,
    read: () => readBody(folder, body),
  }));
  const typeOf = (role: 'input' | 'output') => fileOf(content, role)?.type ?? 'json';
  return {
    bodies,
    formats: { input: typeOf('input'), output: typeOf('output') },
    outputBytes: bodies.find(({ role }) => role === 'output')?.bytes ?? 0,
    close: () => Promise.resolve(),
  };
}
