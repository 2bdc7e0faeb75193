/**
 * The archives of the drop roots that are watched: one at a time for each root. A folder may be hours on its way to
 * another file system, and whoever began beside it would find a move that was begun, and clear away what is being written.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { areSameRules, RootArchive, type ArchiveParts, type ArchiveRules } from '../archiving/rootArchive.ts';
import type { LoopProgress } from './loopProgress.ts';
import type { RunningLoops } from './runningLoops.ts';

/** Nobody who changes a root waits longer for a folder that is on its way to the archive, in ms. */
const endMsMax = 5_000;

interface Kept {
  readonly archive: RootArchive;
  readonly run: (stop: AbortSignal) => Promise<void>;
  /** Ends its loop; null: it has none yet. */
  end: (() => Promise<void>) | null;
}

/** One whose root goes by other rules by now, and which is still at a folder. */
interface Ending {
  readonly archive: RootArchive;
  readonly ended: Promise<void>;
}

export class RootArchives {
  readonly #parts: ArchiveParts;
  readonly #progress: LoopProgress;
  readonly #kept = new Map<string, Kept>();
  readonly #ending = new Set<Ending>();
  #loops: RunningLoops | null = null;

  constructor(parts: ArchiveParts, progress: LoopProgress) {
    this.#parts = parts;
    this.#progress = progress;
  }

  get all(): readonly RootArchive[] {
    return [...this.#kept.values()].map(({ archive }) => archive);
  }

  /** Their loops run from now on, and those of archives that come later. */
  begin(loops: RunningLoops): void {
    this.#loops = loops;
    for (const kept of this.#kept.values()) this.#begin(kept);
  }

  /**
   * A root is archived by these rules from now on; one that is already is left alone.
   * @param rules null: it is archived no more
   * @returns when the archive of before has ended, or is known to take longer, which is said
   */
  async set(name: string, rules: ArchiveRules | null): Promise<void> {
    const before = this.#kept.get(name);
    if (before !== undefined && rules !== null && areSameRules(before.archive.rules, rules)) return;
    this.#kept.delete(name);
    const ended = before === undefined ? null : this.#end(before);
    if (rules !== null) {
      const kept = this.#made(rules);
      this.#kept.set(name, kept);
      this.#begin(kept);
    }
    if (before !== undefined && ended !== null) await this.#waitFor(before.archive, ended);
  }

  /** What is on its way to an archive has no time left: the next process goes on with it. */
  cutOff(): void {
    for (const archive of this.all) archive.cutOff();
    for (const { archive } of this.#ending) archive.cutOff();
  }

  #made(rules: ArchiveRules): Kept {
    const loop = loopOf(rules.name);
    let beat = (): void => undefined;
    const archive = new RootArchive(rules, this.#parts, () => beat());
    const run = async (stop: AbortSignal): Promise<void> => {
      await this.#othersEnded(archive, stop);
      if (stop.aborted) return;
      // Only now: before, it has nothing to do that could stand still.
      beat = this.#progress.loop(loop, archive.passEveryMs);
      await archive.run(stop).finally(() => this.#progress.forget(loop));
    };
    return { archive, run, end: null };
  }

  #begin(kept: Kept): void {
    const loop = loopOf(kept.archive.rules.name);
    if (this.#loops !== null) kept.end = this.#loops.begin(loop, kept.run);
  }

  #end({ archive, end }: Kept): Promise<void> {
    const ended = end === null ? Promise.resolve() : end();
    const ending = { archive, ended };
    this.#ending.add(ending);
    void ended.finally(() => this.#ending.delete(ending));
    return ended;
  }

  /**
   * Those that the rules have the root in common with, or the directory that is written to.
   * @param stop ends the waiting: what has not begun holds nobody up
   */
  async #othersEnded(waiting: RootArchive, stop: AbortSignal): Promise<void> {
    const { name, archive: target } = waiting.rules;
    const others = [...this.#ending].filter(
      ({ archive: { rules } }) => rules.name === name || rules.archive === target,
    );
    const over = new AbortController();
    const stopped = once(stop, 'abort', { signal: over.signal }).catch(() => undefined);
    for (const { archive, ended } of others) {
      if (stop.aborted) break;
      waiting.waitFor(() => `${holdUpOf(archive)}: nothing is archived until that has ended`);
      await Promise.race([ended, stopped]);
    }
    over.abort();
    waiting.waitFor(null);
  }

  async #waitFor(archive: RootArchive, ended: Promise<void>): Promise<void> {
    const over = new AbortController();
    const isEnded = await Promise.race([
      ended.then(() => true),
      sleep(endMsMax, false, { signal: over.signal }).catch(() => false),
    ]);
    over.abort();
    if (isEnded) return;
    const { name } = archive.rules;
    const folder = archive.underWay();
    // On a share that is away it may hang for ever, and the daemon is none the worse for it.
    this.#progress.forget(loopOf(name));
    this.#parts.log.warn(
      { root: name, ...(folder === null ? {} : { folder }) },
      `${holdUpOf(archive)}: nobody waits for it, and what has changed for this archive counts when that has ended`,
    );
  }
}

/** Why an archive that has been told to end has not. */
function holdUpOf(archive: RootArchive): string {
  const { path, archive: target } = archive.rules;
  const folder = archive.underWay();
  return folder === null
    ? `drop root ${path} or its archive ${target} does not answer`
    : `${folder} is still on its way to the archive ${target}`;
}

function loopOf(root: string): string {
  return `archive ${root}`;
}
