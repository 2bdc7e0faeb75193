/** What a person answers where something waits for one: try it again, or leave it. */
import type { StateKind } from '../core/run.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { AnsweredView, PersonsAnswer, RunView } from '../http/operations.ts';
import type { IntakeParts } from '../intake/parts.ts';
import type { Folder, Run } from '../outbox/nouns.ts';
import { clearProblem } from '../system/problemFile.ts';
import type { DropRoots } from './dropRoots.ts';
import { keyOf, type Finder, type Found } from './finder.ts';
import { openFolders, pageOfRows, type OpenState } from './openFolders.ts';
import { viewOfFolder, viewOfRun, type ViewContext } from './views.ts';

/** Of history that is wanted after all, so many folders are named in the answer. */
const leftOutNamedMax = 50;
/** Why an answer is not given after all. */
const hasChanged = 'it has changed just now';

export interface RetryAndSkipParts {
  readonly intakeParts: IntakeParts;
  readonly dropRoots: DropRoots;
  readonly delivery: Delivery;
  readonly view: ViewContext;
}

export class RetryAndSkip {
  readonly #parts: RetryAndSkipParts;
  readonly #finder: Finder;

  constructor(parts: RetryAndSkipParts, finder: Finder) {
    this.#parts = parts;
    this.#finder = finder;
  }

  async answer({ word, selectors, all, reason, root, dryRun }: PersonsAnswer): Promise<AnsweredView> {
    // Named twice is meant once, also by a name and by what many have in common.
    const chosen = new Map<string, Found>();
    const choose = (found: Found): unknown => chosen.set(keyOf(found), found);
    await this.#finder.assertRoot(root);
    for (const wanted of selectors) choose(await this.#finder.find(wanted));
    // Of these there may be very many.
    if (word === 'retry' && reason === 'backfill' && selectors.length === 0)
      return await this.#wantLeftOut(root, dryRun);
    if (all || reason !== null || (root !== null && selectors.length === 0))
      for await (const found of this.#waitingForAnswer(word, root)) choose(found);
    const runs: RunView[] = [];
    const leftAlone: { run: RunView; why: string }[] = [];
    for (const found of chosen.values()) {
      const view = this.#finder.view(found);
      if (root !== null && view.drop_root !== root) continue;
      if (reason !== null && view.reason?.class !== reason) continue;
      const why = this.#whyNot(view, word);
      if (why !== null) leftAlone.push({ run: view, why });
      else if (dryRun) runs.push(view);
      else {
        // What became of it since it was listed is no reason to stop in the middle of the others.
        const given = await this.#give(found, word);
        if (given.why === null) runs.push(given.run);
        else leftAlone.push({ run: given.run, why: given.why });
      }
    }
    if (!dryRun && runs.length > 0) this.#parts.delivery.wake();
    return { dry_run: dryRun, runs, more: 0, left_alone: leftAlone };
  }

  /** History that backfill has left out is wanted after all: the next scan looks at it. */
  async #wantLeftOut(root: string | null, dryRun: boolean): Promise<AnsweredView> {
    const { outbox, clock, log } = this.#parts.intakeParts;
    const { view } = this.#parts;
    const runs: RunView[] = [];
    let count = 0;
    for (const intake of this.#finder.rootsNamed(root)) {
      const { name } = intake.rules.root;
      for (let after = ''; ;) {
        const paths = dryRun
          ? await outbox.leftOut(name, after, pageOfRows)
          : await outbox.wantLeftOut(name, after, pageOfRows, clock.nowMs());
        count += paths.length;
        const shown = paths.slice(0, Math.max(0, leftOutNamedMax - runs.length));
        runs.push(...(await outbox.folders(name, shown)).map((folder) => viewOfFolder(folder, view)));
        const last = paths.at(-1);
        if (last === undefined || paths.length < pageOfRows) break;
        after = last;
      }
      if (!dryRun) intake.rescan();
    }
    if (!dryRun) log.info({ root, count }, `a person said: retry ${count} folder(s) that were left out`);
    return { dry_run: dryRun, runs, more: count - runs.length, left_alone: [] };
  }

  /** Everything that a bulk answer could be about. */
  async *#waitingForAnswer(word: PersonsAnswer['word'], root: string | null): AsyncGenerator<Found> {
    const { outbox } = this.#parts.intakeParts;
    const states = word === 'retry' ? (['rejected'] as const) : this.#skippedFrom(root);
    for (const state of states) {
      for await (const folder of openFolders(outbox, state, null)) yield { kind: 'folder', folder };
    }
    for (let beforeRun: number | null = null; ;) {
      const page: Run[] = await outbox.list({
        states: ['parked'],
        dropRoot: null,
        sinceMs: null,
        beforeRun,
        limit: pageOfRows,
      });
      for (const run of page) yield { kind: 'run', run };
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRows) return;
      beforeRun = last.run;
    }
  }

  /** The states of folders that a person can skip. One that settles does so by itself, where somebody looks at it. */
  #skippedFrom(dropRoot: string | null): readonly OpenState[] {
    const isLeft = dropRoot !== null && this.#finder.isFormer(dropRoot);
    return isLeft ? ['rejected', 'overdue', 'settling'] : ['rejected', 'overdue'];
  }

  /** @returns null when the word is an answer to what it waits for, or why it is not */
  #whyNot({ state, drop_root }: RunView, word: PersonsAnswer['word']): string | null {
    if (state === 'parked' || state === 'rejected') return null;
    if (word === 'skip' && this.#skippedFrom(drop_root).some((skipped) => skipped === state)) return null;
    if (word === 'retry' && state === 'skipped') return null;
    // It waits for its turn, or is looked for; for an app that will never be there, say. Only by name: many are never
    // meant by the way.
    if (word === 'skip' && (state === 'queued' || state === 'uploaded' || state === 'unknown')) return null;
    return `it is ${state}, which waits for no answer`;
  }

  /** @returns what it is now, and why it was left alone after all; null: it was not */
  async #give(found: Found, word: PersonsAnswer['word']): Promise<{ run: RunView; why: string | null }> {
    const { outbox, clock, policy, placesOfRoot, log } = this.#parts.intakeParts;
    const nowMs = clock.nowMs();
    if (found.kind === 'run') {
      const chance = { nowMs, random: clock.random(), policy };
      const run = await outbox.answer(found.run.run, word, saidOf(found.run), chance);
      if (run === null) return { run: await this.#runNow(found.run), why: hasChanged };
      this.#parts.delivery.forget(run.run);
      log.info({ run: run.run }, `a person said: ${word} ${run.path}`);
      const places = placesOfRoot(run.key.dropRoot);
      if (places !== null) await clearProblem(places, run.path);
      return { run: viewOfRun(run, this.#parts.view), why: null };
    }
    const { folder } = found;
    const { dropRoot, path } = folder;
    const intake = this.#parts.dropRoots.intakes.find(({ rules }) => rules.root.name === dropRoot);
    const skipped =
      word === 'skip' ? await outbox.skipFolder(dropRoot, path, this.#skippedFrom(dropRoot), nowMs) : null;
    if (word === 'skip' && skipped === null) return { run: await this.#folderNow(folder), why: hasChanged };
    if (intake !== undefined) await clearProblem(intake.rules.root, path);
    log.info({ root: dropRoot, folder: path }, `a person said: ${word} ${path}`);
    if (skipped !== null) return { run: viewOfFolder(skipped, this.#parts.view), why: null };
    if (folder.reason.class === 'backfill') await outbox.wantFolder(dropRoot, path, nowMs);
    else await outbox.unsettleFolder(dropRoot, path, nowMs);
    await intake?.lookNow(path);
    return { run: await this.#folderNow(folder), why: null };
  }

  async #runNow(run: Run): Promise<RunView> {
    const now = await this.#parts.intakeParts.outbox.run(run.run);
    return viewOfRun(now ?? run, this.#parts.view);
  }

  /** The folder as it is by now, or the run that was made of it. */
  async #folderNow(folder: Folder): Promise<RunView> {
    const { outbox } = this.#parts.intakeParts;
    const [now = folder] = await outbox.folders(folder.dropRoot, [folder.path]);
    const run = now.run === null ? null : await outbox.run(now.run);
    return run !== null && now.state === 'known'
      ? viewOfRun(run, this.#parts.view)
      : viewOfFolder(now, this.#parts.view);
  }
}

/** The states in which a run still is what a person's word was said of: one that waits for its turn may have got on to the next wait. */
function saidOf({ life: { state } }: Run): readonly StateKind[] {
  return state.kind === 'queued' || state.kind === 'uploaded' ? ['queued', 'uploaded'] : [state.kind];
}
