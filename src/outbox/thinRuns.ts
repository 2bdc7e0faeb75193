/**
 * Runs whose story was let go, in as few bytes as keep them from being sent again. Whoever reads them finds runs like
 * others. Whatever is to be written of one makes it a row of the table of runs again, and the next round of thinning takes
 * that back.
 */
import { createHash } from 'node:crypto';
import type { FilesMapping } from '../core/content.ts';
import { fingerprintOf, type Key } from '../core/identity.ts';
import { outputDiffers } from '../core/outputDiffers.ts';
import { thinContent, type ThinContent, type ThinFile } from '../core/thinning.ts';
import type { NewRun } from './nouns.ts';
import { directoryOf, directoryText, runOf, saidOf, type RunRow } from './rows.ts';
import type { Statements } from './prepare.ts';
import { OutboxDamaged } from './unusable.ts';

/** A row of the table of runs that may be thinned, with what else has to outlive it. */
export interface ThickRow extends RunRow {
  backlog: number;
  counted: number;
}

/** What very many runs have in common: it is kept once. */
interface Common {
  readonly version: number;
  readonly platform: string;
  readonly app: string;
  readonly host: string;
  readonly dropRoot: string;
  readonly dev: string;
  readonly instance: string | null;
  /** Absent: its root said the app, or its folder. */
  readonly isAppAsked?: true;
  /** Absent: nobody has said so. */
  readonly isAgain?: true;
  readonly mapping: FilesMapping | null;
  /** null where their names are the run's own. */
  readonly files: readonly ThinFile[] | null;
  /** The directory below which its folder lies at the path that it had; null: it was not archived, or lies elsewhere. */
  readonly archive: string | null;
}

interface ThinRow {
  run: number;
  common: string;
  generation: Buffer | string;
  counter: number;
  firstPath: string;
  path: string | null;
  ino: string;
  birthNs: string;
  filesMark: string;
  runId: string;
  sinceMs: number;
  tookMs: number;
  triesTotal: number;
  fence: number;
  failed: number;
  plainest: number;
  everUnknown: number;
  backlog: number;
  counted: number;
  outputSame: number | null;
  name: string | null;
  files: string | null;
  archivedTo: string | null;
}

/** Where one would be enough, others may have the same mark by chance. */
const sameMarkMax = 20;
/** In the counters of one key. */
const gapsMax = 1_000;
/** Of artefacts that are called so everywhere. */
const fixedNames: readonly string[] = ['metrics.json', 'statistics.json', 'assets.json'];

export function thinRuns(sql: Statements) {
  /** Most outboxes never let a story go, and are not asked for such runs several times for each folder. */
  let isThere: boolean | undefined;
  const hasAny = (): boolean => (isThere ??= typeof sql.oldestThin.pluck().get() === 'number');

  const byMark = (mark: number, limit: number): ThickRow[] =>
    (sql.thinByMark.all({ mark, limit }) as ThinRow[]).map(thickOf);

  const byNumber = (run: number): ThickRow | undefined => {
    if (!hasAny()) return undefined;
    const row = sql.thinByNumber.get({ run }) as ThinRow | undefined;
    if (row === undefined) return undefined;
    const thick = thickOf(row);
    // Its fingerprint was not kept, but its mark was: a byte that a disk has changed is noticed by it.
    if (sql.hasThinMark.get({ run, mark: fingerprintMark(thick.fingerprint) }) === undefined)
      throw new OutboxDamaged(`the key of run #${String(run)} is not that of its mark`);
    return thick;
  };

  const byFingerprint = (fingerprint: string): ThickRow | undefined =>
    hasAny()
      ? byMark(fingerprintMark(fingerprint), sameMarkMax).find((row) => row.fingerprint === fingerprint)
      : undefined;

  /** Before one that a result file proved: those that were sent before it are not known any more, or not yet. */
  const hasGapBefore = (row: ThickRow): boolean => {
    if (row.counter === 1) return false;
    const fingerprint = fingerprintOf({ ...row, counter: row.counter - 1 });
    return sql.ownFingerprint.get({ fingerprint }) === undefined && byFingerprint(fingerprint) === undefined;
  };

  return {
    hasAny,
    byNumber,
    byFingerprint,

    atPath(dropRoot: string, path: string, limit: number): ThickRow[] {
      if (!hasAny()) return [];
      const found = byMark(pathMark(dropRoot, path), limit);
      return found.filter((row) => row.dropRoot === dropRoot && row.path === path);
    },

    ofDirectory(inode: string, generation: string, limit: number): ThickRow[] {
      if (!hasAny()) return [];
      const found = byMark(directoryMark(inode, generation), limit);
      return found.filter((row) => row.generation === generation && directoryOf(row.directory).ino === inode);
    },

    holding(platform: string, app: string, runId: string): ThickRow | undefined {
      if (!hasAny()) return undefined;
      const found = byMark(remoteMark(platform, app, runId), sameMarkMax);
      return found.find((row) => row.runId === runId && row.platform === platform && row.app === app);
    },

    /** All with this content at this path, in no order. */
    ofContentAtPath(key: NewRun['key'], path: string): ThickRow[] {
      if (!hasAny()) return [];
      const mark = pathMark(key.dropRoot, path);
      const generation = digestBytes(key.generation);
      const rows = (sql.thinByMarkAndContent.all({ mark, generation }) as ThinRow[]).map(thickOf);
      return rows.filter((row) => row.path === path && isKeyOf(row, key));
    },

    /**
     * The one with the highest counter of a key. Each asks for the next; where there is a gap before one its key has a mark.
     * @param above those above this one are asked for
     */
    newestOfKey(key: NewRun['key'], firstPath: string, above: number): ThickRow | undefined {
      if (!hasAny()) return undefined;
      let newest = byMark(keyMark({ ...key, firstPath }), gapsMax)
        .filter((row) => row.firstPath === firstPath && isKeyOf(row, key) && row.counter > above)
        .sort((one, other) => other.counter - one.counter)[0];
      for (let counter = (newest?.counter ?? above) + 1; ; counter += 1) {
        const found = byFingerprint(fingerprintOf({ ...key, firstPath, counter }));
        if (found === undefined) return newest;
        newest = found;
      }
    },

    /** The newest ones of a drop root, or of all, with numbers between these two. */
    page(dropRoot: string | null, before: number, above: number, limit: number): ThickRow[] {
      const between = { before, above, limit };
      const rows =
        dropRoot === null
          ? sql.newestThin.all(between)
          : sql.commonOfRoot
              .pluck()
              .all({ dropRoot })
              .flatMap((common) => sql.newestThinOfCommon.all({ ...between, common }));
      return (rows as ThinRow[])
        .sort((one, other) => other.run - one.run)
        .slice(0, limit)
        .map(thickOf);
    },

    /** Takes a recorded run out of the table of runs. */
    thin(row: ThickRow): void {
      isThere = true;
      const { common, columns } = thinColumns(row);
      const facts = JSON.stringify(common);
      const known = sql.thinCommon.pluck().get({ facts }) ?? sql.insertThinCommon.pluck().get({ facts });
      sql.insertThin.run({ ...columns, common: known });
      const gap = hasGapBefore(row) ? [keyMark(row)] : [];
      for (const mark of [...marksOf(row), ...gap]) sql.addThinMark.run({ mark, run: row.run });
      sql.forgetHistory.run({ run: row.run });
      sql.forgetRun.run({ run: row.run });
    },

    /** Makes it a row of the table of runs again, if it is none: something is to be written of it. */
    thicken(run: number): void {
      const row = byNumber(run);
      if (row === undefined) return;
      sql.insertThick.run(row);
      sql.forgetThinMarks.run({ run, marks: JSON.stringify([...marksOf(row), keyMark(row)]) });
      sql.forgetThin.run({ run });
    },
  };
}

function isKeyOf(row: RunRow, key: NewRun['key']): boolean {
  return (
    row.generation === key.generation &&
    row.dropRoot === key.dropRoot &&
    row.app === key.app &&
    row.platform === key.platform &&
    row.host === key.host &&
    row.version === key.version
  );
}

function thinColumns(row: ThickRow): {
  readonly common: Common;
  readonly columns: Record<string, Buffer | bigint | number | string | null>;
} {
  const { run, key, path, directory, content, settings, archivedTo, warnings, life } = runOf(row);
  const { mapping, files = [], filesMark, meta } = thinContent(content);
  const archive = archivedTo?.endsWith(`/${path}`) === true ? archivedTo.slice(0, -path.length - 1) : null;
  const hasOwnNames = files.some((file) => !isNamedBy(mapping, file));
  const { version, platform, app, host, dropRoot, firstPath, generation, counter } = key;
  return {
    common: {
      ...{ version, platform, app, host, dropRoot },
      dev: directory.dev,
      instance: settings.instance,
      ...saidOf(settings),
      mapping: mapping ?? null,
      files: hasOwnNames ? null : files,
      archive,
    },
    columns: {
      run,
      generation: digestBytes(generation),
      ...{ counter, firstPath, filesMark },
      path: path === firstPath ? null : path,
      ino: numberIn(directory.ino),
      birthNs: numberIn(directory.birthNs),
      runId: row.runId,
      sinceMs: row.sinceMs,
      tookMs: row.sinceMs - row.createdAtMs,
      triesTotal: row.triesTotal,
      fence: row.fence,
      failed: meta.status === 'failed' ? 1 : 0,
      plainest: life.plainest ? 1 : 0,
      everUnknown: life.everUnknown ? 1 : 0,
      ...{ backlog: row.backlog, counted: row.counted },
      outputSame: warnings.includes(outputDiffers) ? 0 : row.outputSame,
      name: settings.name === lastName(firstPath) ? null : settings.name,
      files: hasOwnNames ? JSON.stringify(files) : null,
      archivedTo: archive === null ? archivedTo : null,
    },
  };
}

/** The row that it was, with nothing where something was let go. */
function thickOf(thin: ThinRow): ThickRow {
  const common = JSON.parse(thin.common) as Common;
  const { version, platform, app, host, dropRoot, dev, instance, isAppAsked, isAgain, mapping, archive } =
    common;
  const {
    run,
    counter,
    firstPath,
    filesMark,
    runId,
    sinceMs,
    triesTotal,
    fence,
    backlog,
    counted,
    outputSame,
  } = thin;
  const generation = typeof thin.generation === 'string' ? thin.generation : thin.generation.toString('hex');
  const key = { version, platform, app, host, dropRoot, firstPath, generation, counter };
  const path = thin.path ?? firstPath;
  const content: ThinContent = {
    filesMark,
    ...(mapping === null ? {} : { mapping }),
    files: thin.files === null ? (common.files ?? []) : (JSON.parse(thin.files) as ThinFile[]),
    meta: { status: thin.failed === 1 ? 'failed' : 'succeeded' },
  };
  return {
    ...key,
    ...{ run, path, runId, sinceMs, triesTotal, fence, backlog, counted, outputSame },
    fingerprint: fingerprintOf(key),
    directory: directoryText({ dev, ino: thin.ino, birthNs: thin.birthNs }),
    content: JSON.stringify(content),
    settings: JSON.stringify({ instance, name: thin.name ?? lastName(firstPath), isAppAsked, isAgain }),
    kind: 'recorded',
    state: JSON.stringify({ kind: 'recorded', runId }),
    createdAtMs: sinceMs - thin.tookMs,
    plainest: thin.plainest,
    everUnknown: thin.everUnknown,
    archivedTo: thin.archivedTo ?? (archive === null ? null : `${archive}/${path}`),
    warnings: JSON.stringify(outputSame === 0 ? [outputDiffers] : []),
    thinned: 1,
    ...{
      tries: 0,
      dueAtMs: null,
      claimed: 0,
      suspect: 0,
      distrusted: 0,
      twin: null,
      facts: null,
      sent: null,
      unclearSinceMs: null,
    },
  };
}

/** Names that a glob has found differ from run to run; the others are those of the configuration. */
function isNamedBy(mapping: FilesMapping | undefined, { name, archive }: ThinFile): boolean {
  if (mapping === undefined || archive !== undefined || fixedNames.includes(name)) return true;
  const { input, output, log, meta } = mapping;
  return [...input.flat(), ...output.flat(), log, meta].includes(name);
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Marks are on disk: how they are made never changes. */
function markOf(...parts: readonly string[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readInt32BE();
}

const fingerprintMark = (fingerprint: string): number => markOf('fingerprint', fingerprint);
const pathMark = (dropRoot: string, path: string): number => markOf('path', dropRoot, path);
const directoryMark = (inode: string, generation: string): number => markOf('directory', inode, generation);
const keyMark = (key: Omit<Key, 'counter'>): number => markOf('key', fingerprintOf({ ...key, counter: 0 }));
const remoteMark = (platform: string, app: string, runId: string): number =>
  markOf('remote', platform, app, runId);

function marksOf({
  fingerprint,
  dropRoot,
  path,
  directory,
  generation,
  platform,
  app,
  runId,
}: RunRow): number[] {
  return [
    fingerprintMark(fingerprint),
    pathMark(dropRoot, path),
    directoryMark(directoryOf(directory).ino, generation),
    remoteMark(platform, app, runId ?? ''),
  ];
}

/** Half as long as its digits. */
function digestBytes(hex: string): Buffer | string {
  return /^([0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : hex;
}

/** As a number where SQLite can hold it and it is spelt like one; inodes of some file systems are too large. */
function numberIn(text: string): bigint | string {
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) return text;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : text;
}
