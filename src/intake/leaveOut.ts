/** History that backfill leaves out: which it is, and what is kept of it. */
import { join } from 'node:path';
import { backfillText, isHistory, leavesOut } from '../core/backfill.ts';
import type { Folder, RootStart } from '../outbox/nouns.ts';
import { readFolder } from '../reading/readFolder.ts';
import { newestWriteMs, type FolderSight } from '../reading/sight.ts';
import { OpenFolder } from '../system/files.ts';
import { targetOf } from './appOf.ts';
import { freshMs, provesItself } from './enqueue.ts';
import type { IntakeParts } from './parts.ts';
import { resultIdIn } from './resultFile.ts';
import type { DropRoot, RootRules } from './rules.ts';

/** Of so many at the most it is remembered: solvers under way are far fewer. */
const incompleteMax = 10_000;

/** What was left out since it was last said: thousands at a first start, in one line. */
export class LeftOut {
  readonly #root: DropRoot;
  readonly #log: IntakeParts['log'];
  readonly #incomplete = new Set<string>();
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
