/**
 * The last step of a run folder's journey, where its drop root says so: once its run is recorded, nothing has moved for
 * the grace time, and no run of it is on its way, the folder goes to the archive.
 */
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { cutUtf8 } from '../core/description.ts';
import { isSameMark, keptOf } from '../core/keptMark.ts';
import { isLive } from '../core/run.ts';
import type { ArchiveCandidate } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { ignoredBy } from '../reading/mapping.ts';
import type { RunFolders } from '../reading/runFolders.ts';
import type { FolderSight, SightRules } from '../reading/sight.ts';
import { sightFolder } from '../reading/sightFolder.ts';
import type { Clock } from '../system/clock.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import type { Log } from '../system/log.ts';
import { Waking } from '../system/waking.ts';
import { ArchiveDirectory } from './archiveDirectory.ts';
import { ChangesAhead } from './changesAhead.ts';
import { finishMove, fullOrThrow, isThere, moveFolder, nameBytesMax, type Moved } from './moveFolder.ts';
import { makeParents } from './parents.ts';

export interface ArchiveRules {
  /** The drop root's name and absolute path. */
  readonly name: string;
  readonly path: string;
  /** Absolute path of a directory that is there. */
  readonly archive: string;
  readonly graceMs: number;
  readonly sight: SightRules;
}

export interface ArchiveParts {
  readonly outbox: Outbox;
  readonly folders: RunFolders;
  readonly clock: Clock;
  readonly log: Log;
}

const pageOfFolders = 100;
/** The archive is gone through this often, and more often where the grace time is shorter. */
const passEveryMsMax = 60_000;
const passEveryMsMin = 200;
/** After so many errors in a row it is the archive, not the folders: the next pass goes on with the folders behind them. */
const errorsInARowMax = 10;
/** Folders of one name that were archived already, and their numbers, before somebody should look at it. */
const namesTriedMax = 100;

/**
 * `away`: the archive is not what it was when the pass began, and the next look at it says what that means. `begun`: the
 * note of the move stays, and a later pass goes on with it.
 */
type Outcome = 'moved' | 'left' | 'error' | 'away' | 'begun';

export class RootArchive {
  readonly rules: ArchiveRules;
  readonly #parts: ArchiveParts;
  readonly #onProgress: () => void;
  readonly #directory: ArchiveDirectory;
  readonly #changesAhead: ChangesAhead;
  readonly #waking = new Waking();
  /** What was said of which run: once each. */
  readonly #said = new Map<number, string>();
  #trouble: string | null = null;
  #waitsFor: (() => string) | null = null;
  /** The last folder of a pass that gave up; '' when the next pass begins with the first of all. */
  #gaveUpAt = '';
  /** Moves that failed since a pass began with the first folder. */
  #failures = 0;
  #underWay: string | null = null;
  readonly #cut = new AbortController();
  /** Where folders went that the directory does not know of yet. */
  readonly #moved: string[] = [];

  /** @param onProgress called whenever a folder was moved, or a pass ended */
  constructor(rules: ArchiveRules, parts: ArchiveParts, onProgress: () => void) {
    this.rules = rules;
    this.#parts = parts;
    this.#onProgress = onProgress;
    this.#directory = new ArchiveDirectory(rules.name, rules.archive, parts.outbox);
    this.#changesAhead = new ChangesAhead(parts.clock);
  }

  /** Why nothing can be archived; null when all is well. */
  trouble(): string | null {
    return this.#waitsFor?.() ?? this.#trouble;
  }

  /** Before it begins. @param why what it waits for, as it is when it is asked; null: it waits no more */
  waitFor(why: (() => string) | null): void {
    this.#waitsFor = why;
  }

  /** A person asks: whatever directory the archive is by now is believed to be meant so. */
  believe(): void {
    this.#directory.believe();
    this.#waking.wake();
  }

  /** The folder that is being moved, by its path in the root; null: none is. */
  underWay(): string | null {
    return this.#underWay;
  }

  /** What is under way has no time left: what is copied or removed by then is noted, and the next process goes on. */
  cutOff(): void {
    this.#cut.abort();
  }

  /** How long the loop may rest between two passes, in ms. */
  get passEveryMs(): number {
    return Math.max(passEveryMsMin, Math.min(passEveryMsMax, this.rules.graceMs));
  }

  /** Archives until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    stop.addEventListener('abort', () => this.#waking.wake(), { once: true });
    while (!stop.aborted) {
      const seen = this.#waking.count;
      await this.pass(stop);
      this.#onProgress();
      await this.#waking.wait(seen, this.passEveryMs);
    }
  }

  /**
   * Goes through everything that may be archived now. After a pass that gave up, through what it did not come to: else a
   * few folders of one user that cannot be moved would keep all behind them from the archive for ever.
   * @returns how many folders were moved
   */
  async pass(stop: AbortSignal): Promise<number> {
    const { name, path, archive } = this.rules;
    const { folders } = this.#parts;
    // Of a root that is away, whoever scans it tells.
    if ('code' in (await this.#asked(() => folders.mark(path)))) return 0;
    const found = await this.#asked(() => folders.mount(archive));
    if ('code' in found) {
      // Not made here: where it is to be mounted, the root disk would be filled instead.
      const what = found.code === 'ETIMEDOUT' ? 'does not answer' : 'is not there';
      this.#tellTrouble(`the archive ${archive} ${what}: make it, or mount it`);
      return 0;
    }
    const doubt = await this.#directory.look(found.answer);
    if (doubt !== null) {
      this.#tellTrouble(`the archive ${archive} ${doubt} If it is meant so, say \`runtrackd scan ${name}\``);
      return 0;
    }
    return await this.#filled(stop).finally(async () => await this.#noteMoved());
  }

  async #filled(stop: AbortSignal): Promise<number> {
    const { outbox, clock } = this.#parts;
    const { name, graceMs } = this.rules;
    if (this.#gaveUpAt === '') this.#failures = 0;
    const isStopped = (): boolean => stop.aborted;
    const stillBegun = await this.#finishBegun(isStopped);
    if (stillBegun === 'away') return 0;
    let moved = 0;
    let errorsInARow = 0;
    const beforeMs = clock.nowMs() - graceMs;
    for (let after = this.#gaveUpAt; !isStopped();) {
      const page = await outbox.archiveCandidates(name, after, beforeMs, pageOfFolders);
      for (const candidate of page) {
        if (isStopped()) return moved;
        // Begun anew, it would be copied once more, and nobody would know of the first copy.
        if (stillBegun.has(candidate.run)) continue;
        const outcome = await this.#archive(candidate);
        if (outcome === 'away') return moved;
        if (outcome === 'moved') moved += 1;
        errorsInARow = outcome === 'error' ? errorsInARow + 1 : 0;
        if (errorsInARow >= errorsInARowMax) {
          this.#gaveUpAt = candidate.path;
          return moved;
        }
        this.#onProgress();
      }
      // A pass may take hours, and after a crash nobody would know what was last in the archive.
      await this.#noteMoved();
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfFolders) break;
      after = last.path;
    }
    if (isStopped()) return moved;
    this.#gaveUpAt = '';
    if (this.#failures === 0) this.#allWell();
    return moved;
  }

  async #noteMoved(): Promise<void> {
    await this.#directory.note(this.#moved.splice(0));
  }

  /** In the middle of a pass: below it is the disk that it is mounted on, which nobody wants filled. */
  async #isAway(): Promise<boolean> {
    const found = await this.#asked(() => this.#parts.folders.mark(this.rules.archive));
    return 'code' in found || !this.#directory.isAsSeen(found.answer);
  }

  /** Whether the root is the directory that it is believed to be, which whoever scans it finds out, and tells if not. */
  async #isRootThere(): Promise<boolean> {
    const { outbox, folders } = this.#parts;
    const now = await this.#asked(() => folders.mark(this.rules.path));
    const { mark } = await outbox.rootPlace(this.rules.name);
    return 'answer' in now && mark !== null && isSameMark(keptOf(mark).mark, now.answer);
  }

  /** What is known of a directory, or why it is none that can be worked with, as the system says it. */
  async #asked<T>(question: () => Promise<T>): Promise<{ readonly answer: T } | { readonly code: string }> {
    try {
      return { answer: await question() };
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      return { code };
    }
  }

  /**
   * Moves that were begun and not written down, by this process or one before it.
   * @returns the runs of those that could not be finished
   */
  async #finishBegun(isStopped: () => boolean): Promise<ReadonlySet<number> | 'away'> {
    const { outbox } = this.#parts;
    const stillBegun = new Set<number>();
    for (const { run, path, target } of await outbox.begunArchivings(this.rules.name)) {
      if (isStopped()) break;
      const outcome = await this.#guarded(run, path, async () => {
        // What has come there is not in sight then, and would be taken for nothing.
        if (await this.#isAway()) return 'away';
        // What lies in the root is not in sight then: what was left of the folder would stay there, hidden, for ever.
        if (!(await this.#isRootThere())) return 'begun';
        const parent = await this.#parentOf(path);
        const source = parent?.pathOf(basename(path)) ?? null;
        const found = await finishMove(source, target, this.#onProgress, this.#cut.signal).finally(() =>
          parent?.close(),
        );
        if (!(await this.#isRootThere())) return 'begun';
        if (found !== null) return await this.#conclude(run, path, target, found);
        await outbox.forgetArchiving(run);
        return 'left';
      });
      if (outcome === 'away') return 'away';
      if (outcome === 'error' || outcome === 'begun') stillBegun.add(run);
    }
    return stillBegun;
  }

  async #archive(candidate: ArchiveCandidate): Promise<Outcome> {
    const { run, path } = candidate;
    return await this.#guarded(run, path, async () => {
      const parent = await this.#parentOf(path);
      if (parent === null) return 'left';
      return await this.#archiveFrom(parent, candidate).finally(() => parent.close());
    });
  }

  /** @param parent the directory that the folder lies in, held open: no link in its place leads elsewhere */
  async #archiveFrom(parent: OpenFolder, candidate: ArchiveCandidate): Promise<Outcome> {
    const { run, path } = candidate;
    const { outbox, clock } = this.#parts;
    const source = parent.pathOf(basename(path));
    if (!(await this.#isAtRest(source, candidate))) return 'left';
    if (await this.#isAway()) return 'away';
    const target = await this.#freeTarget(path, run);
    if (target === null) {
      this.#say(run, path, `the archive has ${namesTriedMax} folders of that name already`);
      return 'left';
    }
    try {
      await makeParents(this.rules.archive, target);
    } catch (error) {
      return await this.#conclude(run, path, target, fullOrThrow(error));
    }
    // Known before anything moves: whoever comes after a crash finds it again.
    await outbox.beginArchiving(run, target, clock.nowMs());
    const moved = await moveFolder(source, target, this.#onProgress, this.#cut.signal);
    return await this.#conclude(run, path, target, moved);
  }

  /** The directory that the folder lies in, open; null: it is not there, or behind a link. */
  async #parentOf(path: string): Promise<OpenFolder | null> {
    const { path: root } = this.rules;
    try {
      return await OpenFolder.openIn(root, dirname(join(root, path)));
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
      throw error;
    }
  }

  /** A system error concerns this folder or the archive, and is said once; but of one that is away by then, by the next look. */
  async #guarded(run: number, path: string, work: () => Promise<Outcome>): Promise<Outcome> {
    this.#underWay = path;
    try {
      return await work();
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined || code.startsWith('SQLITE')) throw error;
      if (await this.#isAway()) return 'away';
      this.#failures += 1;
      await this.#warn(
        run,
        path,
        `${path} could not be moved to the archive ${this.rules.archive} (${code})`,
      );
      this.#trouble = `folders cannot be moved to the archive ${this.rules.archive} (${code}), such as ${path}`;
      return 'error';
    } finally {
      this.#underWay = null;
    }
  }

  async #conclude(run: number, path: string, target: string, moved: Moved): Promise<Outcome> {
    const { outbox, clock, log } = this.#parts;
    if (moved.kind === 'begun') return 'begun';
    // What is left of it in the archive is cleared away when that is there again.
    if (moved.kind !== 'moved' && (await this.#isAway())) return 'away';
    if (moved.kind === 'full') {
      await outbox.forgetArchiving(run);
      this.#tellFull(path, moved.text);
      return 'error';
    }
    if (moved.kind === 'parted') {
      this.#failures += 1;
      const trouble = `${path} is half archived: ${moved.text}. Is the archive mounted that it was on its way to?`;
      await this.#warn(run, path, trouble);
      this.#trouble = trouble;
      return 'begun';
    }
    if (moved.kind === 'refused') {
      await outbox.forgetArchiving(run);
      await this.#warn(run, path, `${path} was not archived: ${moved.text}`);
      return 'left';
    }
    await outbox.archived(run, this.rules.name, path, target, clock.nowMs());
    this.#said.delete(run);
    this.#changesAhead.forget(run);
    this.#moved.push(target);
    log.info({ root: this.rules.name, folder: path, run, archive: target }, `${path} is archived: ${target}`);
    return 'moved';
  }

  /** Recorded content, unchanged since, and nobody is at work on the folder. */
  async #isAtRest(source: string, { run, path, signature, directory }: ArchiveCandidate): Promise<boolean> {
    const { outbox } = this.#parts;
    const sight = await this.#sightAsRecorded(source, run, signature);
    if (sight?.directory.ino !== directory.ino) {
      this.#changesAhead.forget(run);
      return false;
    }
    if (this.#changesAhead.restedMs(run, sight.newestChangeMs) < this.rules.graceMs) return false;
    const runs = await outbox.runsAtPath(this.rules.name, path, 1_000);
    return runs.every((other) => other.run === run || !isLive(other.life.state));
  }

  /**
   * What the folder is now, if that is what was recorded. What counts to it may have been another choice of files than the
   * configuration makes today, and a run keeps by which it was made.
   */
  async #sightAsRecorded(source: string, run: number, signature: string): Promise<FolderSight | null> {
    const { sight: rules } = this.rules;
    const now = await sightFolder(source, rules);
    if (now === null || now.signature === signature) return now;
    const names = (await this.#parts.outbox.run(run))?.content.mapping;
    if (names === undefined || isDeepStrictEqual(names, rules.names)) return null;
    const { marker } = names;
    const then = await sightFolder(source, { ...rules, names, marker, isIgnored: ignoredBy(names) });
    return then?.signature === signature ? then : null;
  }

  async #freeTarget(path: string, run: number): Promise<string | null> {
    const parent = join(this.rules.archive, dirname(path));
    for (let tried = 0; tried < namesTriedMax; tried += 1) {
      const suffix = tried === 0 ? '' : tried === 1 ? `.run-${String(run)}` : `.run-${String(run)}.${tried}`;
      const target = join(parent, withSuffix(basename(path), suffix));
      if (!(await isThere(target))) return target;
    }
    return null;
  }

  async #warn(run: number, path: string, text: string): Promise<void> {
    if (this.#say(run, path, text)) await this.#parts.outbox.addWarnings(run, [text]);
  }

  /** @returns whether it had not been said yet */
  #say(run: number, path: string, text: string): boolean {
    if (this.#said.get(run) === text) return false;
    // Each entry is a folder that somebody has to look at; without a bound a broken disk would fill the memory.
    if (this.#said.size >= 1_000) this.#said.clear();
    this.#said.set(run, text);
    this.#parts.log.warn({ root: this.rules.name, folder: path, run }, text);
    return true;
  }

  #tellTrouble(text: string): void {
    if (this.#trouble !== text) this.#parts.log.error({ root: this.rules.name }, text);
    this.#trouble = text;
  }

  /** That of the archive, so nobody looks for what is wrong with the folder. Said once, whatever else there is no room for. */
  #tellFull(path: string, text: string): void {
    this.#failures += 1;
    const { name, archive } = this.rules;
    const full = `the archive ${archive} has no room for `;
    const trouble = `${full}${path}: ${text}. Make room; it is tried again`;
    if (this.#trouble?.startsWith(full) !== true)
      this.#parts.log.error({ root: name, folder: path }, trouble);
    this.#trouble = trouble;
  }

  #allWell(): void {
    if (this.#trouble !== null)
      this.#parts.log.info(
        { root: this.rules.name },
        `the archive ${this.rules.archive} takes folders again`,
      );
    this.#trouble = null;
  }
}

/** Whether an archive that goes by the one goes by the other as well. */
export function areSameRules(one: ArchiveRules, other: ArchiveRules): boolean {
  return isDeepStrictEqual(plainOf(one), plainOf(other));
}

/** What is ignored stands in the names, as text; the function made of it is another one each time. */
function plainOf(rules: ArchiveRules): object {
  return { ...rules, sight: { ...rules.sight, isIgnored: null } };
}

/** A name with something behind it, cut before that where it would be too long for a file system. */
function withSuffix(name: string, suffix: string): string {
  return cutUtf8(name, nameBytesMax - Buffer.byteLength(suffix)) + suffix;
}
