/** History that backfill leaves out: which it is, and what is kept of it. */
import { join } from 'node:path';
import { backfillText, isHistory, leavesOut } from '../core/backfill.ts';
import { isSameDirectory } from '../core/sameDirectory.ts';
import { isLeftOutHistory, type Folder, type RootStart } from '../outbox/nouns.ts';
import { readFolder } from '../reading/readFolder.ts';
import { newestWriteMs, type FolderSight } from '../reading/sight.ts';
import { OpenFolder } from '../system/files.ts';
import { targetOf } from './appOf.ts';
import { freshMs, provesItself } from './enqueue.ts';
import type { IntakeParts } from './parts.ts';
import { resultIdIn } from './resultFile.ts';
import type { DropRoot, RootRules } from './rules.ts';
import { directoryAt } from './whereabouts.ts';

/** Of so many at the most it is remembered: solvers under way are far fewer. */
const incompleteMax = 10_000;

/** What was left out since it was last said: thousands at a first start, in one line. */
export class LeftOut {
  readonly #root: DropRoot;
  readonly #log: IntakeParts['log'];
  readonly #incomplete = new Set<string>();
  /** Not at their paths any more. */
  readonly #missing = new Set<string>();
  #sought: ReadonlySet<string> = new Set();
  #count = 0;
  #example = '';

  constructor(root: DropRoot, log: IntakeParts['log']) {
    this.#root = root;
    this.#log = log;
  }

  add(path: string, how: 'complete' | 'incomplete'): void {
    this.#count += 1;
    this.#example = path;
    if (how === 'incomplete' && this.#incomplete.size < incompleteMax) this.#incomplete.add(path);
  }

  /** Whether it was, when this process left it out: by a clock that is ahead a run under way lay there for long. */
  wasIncomplete(path: string): boolean {
    return this.#incomplete.has(path);
  }

  /**
   * Whether a folder that is not at its path any more has vanished. Of history that was left out nobody says so before a
   * scan has come upon all new names: under one of them it is known by what is kept of it.
   */
  hasVanished(known: Folder): boolean {
    if (this.#root.backfill.kind === 'all' || !isLeftOutHistory(known)) return true;
    if (this.#sought.has(known.path)) return true;
    this.#missing.add(known.path);
    return false;
  }

  /** What a scan that begins is to find under other names. */
  takeMissing(): readonly string[] {
    const missing = [...this.#missing];
    this.#missing.clear();
    return missing;
  }

  /** That scan has listed all there is. */
  giveUp(missing: readonly string[]): void {
    this.#sought = new Set(missing);
  }

  say(): void {
    if (this.#count === 0) return;
    const { name, path, backfill } = this.#root;
    this.#log.info(
      { root: name, count: this.#count },
      `${String(this.#count)} folder(s) of drop root ${path} are left out, such as ${this.#example}: they lay there before the first start, and backfill is ${backfillText(backfill)}; \`runtrackd retry --reason backfill\` tracks them`,
    );
    this.#count = 0;
  }
}

/**
 * Whether it is history that backfill leaves out. What is incomplete and changed shortly before the first start is a run
 * under way; what its result file proves to be sent already is taken for that, whatever backfill says.
 */
export async function isLeftOut(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  sight: FolderSight,
  start: RootStart | null,
  parts: IntakeParts,
): Promise<boolean> {
  const { root } = rules;
  const firstStartMs = start?.firstStartMs ?? null;
  if (firstStartMs === null || !isHistory(sight.newestChangeMs, firstStartMs)) return false;
  if (await isInHand(known, root, parts)) return false;
  if (!leavesOut(root.backfill, newestWriteMs(sight))) return false;
  const isUnderWay = sight.sighting.missing.length > 0 || sight.sighting.missingMarker !== null;
  if (isUnderWay && firstStartMs - sight.newestChangeMs < freshMs) return false;
  if (!(await parts.outbox.mayLeaveOut(root.name, path))) return false;
  if ((await resultIdIn(root, path)) === null) return true;
  const read = await readFolder(join(root.path, path), sight, rules.reading, undefined, (at) =>
    OpenFolder.openIn(root.path, at),
  );
  if (read.kind !== 'complete') return true;
  return !(await provesItself({ path, directory: sight.directory, content: read.content }, root, parts));
}

/**
 * Whether it is history that was left out under another name, and what is kept of it says where it is now. To rename it, or
 * a date folder with all that lies in it, changes nothing that is sent: only times, and a path.
 */
export async function staysLeftOut(
  path: string,
  { root }: RootRules,
  known: Folder | undefined,
  sight: FolderSight,
  parts: IntakeParts,
): Promise<boolean> {
  const before = await leftOutBefore(path, root, known, sight, parts);
  if (before === null) return false;
  const { outbox, log } = parts;
  const there = await directoryAt(root.path, before.path);
  // A directory that is mounted at two places is left out at both.
  if (there !== null && there !== 'closed' && isSameDirectory(there, sight.directory))
    await outbox.saveFolder({ ...before, path });
  else await outbox.moveLeftOut(root.name, before.path, path);
  log.debug({ root: root.name, folder: path }, `${path} was left out as ${before.path}, and stays so`);
  return true;
}

/** What is kept of the folder as it was under another name; null: it is not known to have been left out. */
export async function leftOutBefore(
  path: string,
  { name, backfill }: DropRoot,
  known: Folder | undefined,
  { directory, signature, files, archives }: FolderSight,
  { outbox }: Pick<IntakeParts, 'outbox'>,
): Promise<Folder | null> {
  if (backfill.kind === 'all' || (known !== undefined && !isLeftOutHistory(known))) return null;
  const alike = await outbox.leftOutOfInode(name, directory.ino, signature);
  if (alike.some((folder) => folder.path === path)) return null;
  // Files that nobody has touched tell it also where births are not kept. Where there are none, the inode may be used again.
  const hasFiles = files.length + archives.length > 0;
  return alike.find((folder) => hasFiles || isSameDirectory(folder.directory, directory)) ?? null;
}

/** Whether the folder has a run of this platform and app already. */
async function isInHand(
  known: Folder | undefined,
  { app, allowAppIds }: DropRoot,
  { outbox, platformId }: IntakeParts,
): Promise<boolean> {
  const key = known?.run == null ? undefined : (await outbox.run(known.run))?.key;
  return key?.platform === platformId && [app, ...allowAppIds].includes(key.app);
}

export async function leaveOut(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  sight: FolderSight,
  parts: IntakeParts,
): Promise<void> {
  const { root } = rules;
  const nowMs = parts.clock.nowMs();
  await parts.outbox.saveFolder({
    dropRoot: root.name,
    path,
    state: 'skipped',
    reason: {
      class: 'backfill',
      text: `it lay there before the first start, and backfill is ${backfillText(root.backfill)}`,
    },
    hint: 'It is tracked when its content changes, or by `runtrackd retry`.',
    signature: sight.signature,
    directory: sight.directory,
    firstSeenMs: known?.firstSeenMs ?? nowMs,
    changedAtMs: nowMs,
    sinceMs: nowMs,
    run: known?.run ?? null,
    target: targetOf(root, parts),
  });
  parts.log.debug(
    { root: root.name, folder: path },
    `${path} is left out: it lay there before the first start`,
  );
}
