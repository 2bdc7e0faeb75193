/** The rules of one drop root, ready to be used: what the configuration says, with globs compiled. */
import { basename } from 'node:path';
import type { Backfill } from '../core/backfill.ts';
import type { FileNames, FilesMapping } from '../core/content.ts';
import type { Enrichment } from '../core/enrichment.ts';
import { outsideRootName } from '../core/identity.ts';
import type { SettlePolicy } from '../core/settle.ts';
import { isOwnTemporary } from '../core/ownFiles.ts';
import { ignoring } from '../reading/ignoring.ts';
import { defaultFileNames, ignoredBy } from '../reading/mapping.ts';
import type { Beat } from '../reading/beat.ts';
import type { ReadingRules } from '../reading/readFolder.ts';
import type { SightRules } from '../reading/sight.ts';

/** A watched directory, with an app and rules of its own. Plain data: it goes to other threads as it is. */
export interface DropRoot {
  readonly path: string;
  readonly name: string;
  readonly app: string;
  readonly allowAppIds: readonly string[];
  readonly instance: string | null;
  readonly settle: SettlePolicy;
  readonly marker: string | null;
  readonly isMetaOptional: boolean;
  readonly scanEveryMs: number;
  /** What mirrors the root and takes results and problems, absolute; null: they lie in the run folders. */
  readonly resultsDir: string | null;
  /** Each recorded folder is looked at again at least once in this time, in ms. */
  readonly auditEveryMs: number;
  /** Run folders lie so many levels below the root. */
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
  readonly options: Readonly<Record<string, string>>;
  readonly ignore: readonly string[];
}

export interface RootRules {
  readonly root: DropRoot;
  readonly sight: SightRules;
  readonly reading: ReadingRules;
  /** Whether a folder is left out of account, by its path relative to the root; any of its parents counts as well. */
  readonly isIgnoredFolder: (path: string) => boolean;
}

/**
 * @param mapping what decides which files are content; default: what the root says of it
 * @param beat told of every chunk that is read
 */
export function rulesOf(root: DropRoot, mapping: FilesMapping = mappingOf(root), beat?: Beat): RootRules {
  const isIgnored = ignoring(root.ignore);
  const { fileBytesMax, folderFilesMax, jsonDepthMax } = root.limits;
  return {
    root,
    sight: {
      isMetaOptional: root.isMetaOptional,
      names: mapping,
      marker: mapping.marker,
      fileBytesMax,
      folderFilesMax,
      isIgnored: ignoredBy(mapping),
    },
    reading: {
      isMetaOptional: root.isMetaOptional,
      infeasible: root.infeasible,
      names: mapping,
      fileBytesMax,
      folderFilesMax,
      app: root.app,
      allowAppIds: root.allowAppIds,
      jsonDepthMax,
      ...(beat === undefined ? {} : { beat }),
    },
    isIgnoredFolder: (path) =>
      isOwnTemporary(basename(path)) || isOfFileSystem(path) || isIgnored(`${path}/`),
  };
}

/**
 * What ext4 keeps at the top of each of its file systems for files that a repair finds, and lets nobody but root look into.
 * @param path relative to the root
 */
export function isOfFileSystem(path: string): boolean {
  return path === 'lost+found' || path.startsWith('lost+found/');
}

function mappingOf({ files, marker, ignore }: DropRoot): FilesMapping {
  const { input, output, log, meta } = files;
  return { input, output, log, meta, marker, ignore };
}

/**
 * The root that folders outside of all roots count to when a person tracks one: named like no configured root can be,
 * and the whole file system, so that their paths are absolute ones.
 */
export function rootForOutside(app: string): DropRoot {
  return {
    path: '/',
    name: outsideRootName,
    app,
    allowAppIds: [],
    instance: null,
    settle: { quietMs: 0, deadlineMs: Number.MAX_SAFE_INTEGER },
    marker: null,
    isMetaOptional: false,
    scanEveryMs: Number.MAX_SAFE_INTEGER,
    resultsDir: null,
    auditEveryMs: Number.MAX_SAFE_INTEGER,
    depth: 1,
    backfill: { kind: 'all' },
    files: defaultFileNames,
    limits: { fileBytesMax: 700 * 1024 * 1024, folderFilesMax: 10_000, jsonDepthMax: 1000 },
    runName: '{folder}',
    infeasible: 'succeeded',
    enrich: [],
    options: {},
    ignore: [],
  };
}
