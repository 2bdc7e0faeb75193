/** The rules of one drop root, ready to be used: what the configuration says, with globs compiled. */
import ignore from 'ignore';
import { outsideRootName } from '../core/identity.ts';
import type { SettlePolicy } from '../core/settle.ts';
import { isOwnFile } from '../core/ownFiles.ts';
import { defaultFileNames, type FileNames } from '../reading/mapping.ts';
import type { ReadingRules } from '../reading/readFolder.ts';
import type { SightRules } from '../reading/sight.ts';

/** A watched directory, with an app and rules of its own. */
export interface DropRoot {
  readonly path: string;
  readonly name: string;
  readonly app: string;
  readonly allowAppIds: readonly string[];
  readonly instance: string | null;
  readonly settle: SettlePolicy;
  readonly marker: string | null;
  readonly scanEveryMs: number;
  readonly files: FileNames;
  readonly limits: { readonly fileBytesMax: number; readonly jsonDepthMax: number };
  readonly runName: string;
  readonly options: Readonly<Record<string, string>>;
  readonly ignore: readonly string[];
}

export interface RootRules {
  readonly root: DropRoot;
  readonly sight: SightRules;
  readonly reading: ReadingRules;
  /** Whether a name directly below the root is left out of account. */
  readonly isIgnoredFolder: (name: string) => boolean;
}

export function rulesOf(root: DropRoot): RootRules {
  const globs = ignore().add([...root.ignore]);
  const mapped = new Set([
    ...root.files.input,
    ...root.files.output,
    root.files.log,
    root.files.meta,
    root.marker,
  ]);
  return {
    root,
    sight: {
      names: root.files,
      marker: root.marker,
      fileBytesMax: root.limits.fileBytesMax,
      // What the configuration names outright is meant, even where a glob would leave it out.
      isIgnored: (name) => !mapped.has(name) && globs.ignores(name),
    },
    reading: {
      names: root.files,
      app: root.app,
      allowAppIds: root.allowAppIds,
      jsonDepthMax: root.limits.jsonDepthMax,
    },
    isIgnoredFolder: (name) => isOwnFile(name) || globs.ignores(`${name}/`),
  };
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
    scanEveryMs: Number.MAX_SAFE_INTEGER,
    files: defaultFileNames,
    limits: { fileBytesMax: 700 * 1024 * 1024, jsonDepthMax: 1000 },
    runName: '{folder}',
    options: {},
    ignore: [],
  };
}
