/**
 * The drop roots that are watched: for each an intake, and where recorded folders are moved an archive. Roots come and go
 * while the daemon runs; what is asked of them is asked of those that are there now.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ArchiveRules, RootArchive } from '../archiving/rootArchive.ts';
import type { DropRootConfig } from '../config/config.ts';
import { Auditor } from '../intake/auditor.ts';
import { HostGuard } from '../intake/hostGuard.ts';
import { misnamedNow } from '../intake/misnamed.ts';
import { MissedEvents } from '../intake/missedEvents.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { RootIntake } from '../intake/rootIntake.ts';
import type { DropRoot } from '../intake/rules.ts';
import type { LoopProgress } from './loopProgress.ts';
import { RootArchives } from './rootArchives.ts';
import type { RunningLoops } from './runningLoops.ts';

/** A root on a file system that does not answer holds nobody up for longer, in ms: it ends when that answers. */
const endMsMax = 5_000;

export interface DropRootParts {
  readonly intakeParts: IntakeParts;
  readonly progress: LoopProgress;
  /** Whether it goes on: a command that looks once needs no events. */
  readonly isDaemon: boolean;
}

interface Watched {
  readonly config: DropRootConfig;
  readonly intake: RootIntake;
  /** Ends its loop; null: it has none yet. */
  end: (() => Promise<void>) | null;
}

export class DropRoots {
  readonly hostGuard: HostGuard;
  readonly #parts: DropRootParts;
  readonly #auditor: Auditor;
  readonly #missed: MissedEvents | null;
  readonly #archives: RootArchives;
  readonly #watched = new Map<string, Watched>();
  /** Where those lay that were taken out: results of what was sent from them still come back. */
  readonly #former = new Map<string, DropRoot>();
  #loops: RunningLoops | null = null;

  constructor(configs: readonly DropRootConfig[], parts: DropRootParts) {
    const { outbox, folders, clock, log } = parts.intakeParts;
    this.#parts = parts;
    this.hostGuard = new HostGuard(parts.intakeParts, () => this.intakes);
    this.#archives = new RootArchives({ outbox, folders, clock, log }, parts.progress);
    this.#auditor = new Auditor(log);
    this.#missed = parts.isDaemon ? new MissedEvents(clock) : null;
    this.#missed?.start();
    for (const config of configs) this.add(config);
  }

  get configs(): readonly DropRootConfig[] {
    return [...this.#watched.values()].map(({ config }) => config);
  }

  get intakes(): readonly RootIntake[] {
    return [...this.#watched.values()].map(({ intake }) => intake);
  }

  get archives(): readonly RootArchive[] {
    return this.#archives.all;
  }

  named(name: string): DropRoot | null {
    return this.#watched.get(name)?.intake.rules.root ?? null;
  }

  /** Likewise, and one that was taken out since the start. */
  evenFormer(name: string): DropRoot | null {
    return this.named(name) ?? this.#former.get(name) ?? null;
  }

  /** Their loops run beside the others from now on, and those of roots that are added later. */
  begin(loops: RunningLoops): void {
    this.#loops = loops;
    for (const watched of this.#watched.values()) this.#begin(watched);
    this.#archives.begin(loops);
  }

  /** Watches one more. */
  add(config: DropRootConfig): void {
    const watched = this.#made(config);
    this.#watched.set(config.name, watched);
    this.#former.delete(config.name);
    this.#begin(watched);
    // There is none before it that would have to end.
    void this.#archives.set(config.name, archiveRulesOf(watched));
  }

  /** Watches one by other rules: anew, as after a restart, but never not at all. */
  async replace(config: DropRootConfig): Promise<void> {
    const before = this.#watched.get(config.name);
    const watched = this.#made(config);
    this.#watched.set(config.name, watched);
    const archived = this.#archives.set(config.name, archiveRulesOf(watched));
    if (before !== undefined) await this.#end(before);
    this.#begin(watched);
    await archived;
  }

  /** Watches one no more: its loops end first, whatever they are at. */
  async remove(name: string): Promise<void> {
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    this.#watched.delete(name);
    this.#former.set(name, watched.intake.rules.root);
    this.#parts.progress.forget(intakeLoop(name));
    await Promise.all([this.#archives.set(name, null), this.#end(watched)]);
  }

  /**
   * Those of the roots that are not watched because of their names, each with what to do. Of one that does not answer
   * nobody knows yet, and `status` tells later.
   */
  async misnamed(names: ReadonlySet<string>): Promise<string[]> {
    const late = new AbortController();
    const isLate = sleep(endMsMax, null, { signal: late.signal }).catch(() => null);
    const roots = this.configs.filter(({ name }) => names.has(name));
    const said = await Promise.all(
      roots.map(async (root) => {
        const wrong = await Promise.race([misnamedNow(root, this.#parts.intakeParts), isLate]);
        return wrong === null ? [] : [`drop root ${root.path} ${wrong.text}. ${wrong.hint}.`];
      }),
    );
    late.abort();
    return said.flat();
  }

  /** The daemon is about to end: a file system that does not answer is not waited for. */
  loseNoTime(): void {
    // What is still to be compared is, after the next start.
    void this.#auditor.close();
    this.#parts.intakeParts.folders.loseNoTime();
  }

  /** What is on its way to an archive has no time left: the next process goes on with it. */
  cutOff(): void {
    this.#archives.cutOff();
  }

  async close(): Promise<void> {
    this.#missed?.stop();
    await Promise.all(this.intakes.map((intake) => intake.stop()));
    await this.#auditor.close();
  }

  #made(config: DropRootConfig): Watched {
    const { intakeParts, progress } = this.#parts;
    const root = dropRootOf(config);
    const shared = { auditor: this.#auditor, missed: this.#missed };
    const onProgress = progress.loop(intakeLoop(root.name), root.scanEveryMs);
    return { config, intake: new RootIntake(root, intakeParts, shared, onProgress), end: null };
  }

  async #end({ config: { name, path }, intake, end }: Watched): Promise<void> {
    const late = new AbortController();
    const ended = Promise.all([end?.(), intake.stop()]).then(() => true);
    const isEnded = await Promise.race([
      ended,
      sleep(endMsMax, false, { signal: late.signal }).catch(() => false),
    ]);
    late.abort();
    if (isEnded) return;
    this.#parts.intakeParts.log.warn(
      { root: name },
      `what was being read in drop root ${path} takes long, or the root does not answer: it ends by itself, and nobody waits for it`,
    );
  }

  #begin(watched: Watched): void {
    const { intake, config } = watched;
    const loop = intakeLoop(config.name);
    if (this.#loops !== null) watched.end = this.#loops.begin(loop, (stop) => intake.run(stop));
  }
}

function intakeLoop(root: string): string {
  return `intake ${root}`;
}

function archiveRulesOf({ config: { name, path, archive }, intake }: Watched): ArchiveRules | null {
  if (archive === null) return null;
  return { name, path, archive: archive.path, graceMs: archive.graceMs, sight: intake.rules.sight };
}

function dropRootOf(root: DropRootConfig): DropRoot {
  const { quietMs, deadlineMs, ...same } = root;
  return { ...same, settle: { quietMs, deadlineMs } };
}
