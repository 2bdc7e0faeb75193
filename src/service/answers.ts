/** The answers to what one can ask of a daemon, from the parts that it is made of. */
import { join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '../delivery/delivery.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { previewFolder, startForPreview, type Preview } from '../intake/preview.ts';
import type { RootIntake, ScanReport } from '../intake/rootIntake.ts';
import { outsideRootName } from '../core/identity.ts';
import { trackFolder } from '../intake/trackFolder.ts';
import {
  Unanswerable,
  type AnsweredView,
  type BackupOrder,
  type BackupView,
  type DayView,
  type HistoryQuery,
  type ListQuery,
  type PageLinkView,
  type Operations,
  type PersonsAnswer,
  type PreviewLine,
  type ReloadedView,
  type RunStory,
  type RunView,
  type ScanLine,
  type ScannedView,
  type ScanOrder,
  type Selector,
  type TrackOrder,
  type WaitOrder,
} from '../http/operations.ts';
import type { Sessions } from '../http/page/sessions.ts';
import { askOfLasting, lastingKinds, lastsTooLongMs, unclearTooLongMs } from '../core/lasting.ts';
import { isLive, needsPerson, type RunState } from '../core/run.ts';
import { BackupRefused } from '../outbox/backup.ts';
import type { Folder, Run } from '../outbox/nouns.ts';
import { clearProblem } from '../system/problemFile.ts';
import type { Changes } from './changes.ts';
import { historyOf } from './history.ts';
import { statusOf, type StatusParts } from './status.ts';
import { storyOfFolder, storyOfRun, viewOfFolder, viewOfRun, type ViewContext } from './views.ts';

export interface AnswerParts extends StatusParts {
  readonly intakeParts: IntakeParts;
  readonly delivery: Delivery;
  readonly changes: Changes;
  readonly sessions: Sessions;
  readonly view: ViewContext;
}

type OpenState = Exclude<Folder['state'], 'known'>;
const openStates: readonly OpenState[] = ['overdue', 'rejected', 'settling'];
/** Rows are read in pages of this many, whatever was asked for. */
const pageOfRows = 200;
/** Folders previewed side by side. */
const previewsAtOnce = 8;
/** How often it is said how far a scan or a preview is, in ms. */
const partSaidEveryMs = 500;
/** Of history that is wanted after all, so many folders are named in the answer. */
const leftOutNamedMax = 50;
/** `status` names this many that need a person. */
const needsPersonMax = 50;

/** Date folders that are asked for a name in one go, and so many of its kind are told. */
const parentsAtOnce = 1_000;
const namesakesMax = 20;

/** A path of a drop root, whether anything lies there or not. */
interface Located {
  readonly dropRoot: string;
  readonly below: string;
}

type Found =
  { readonly kind: 'run'; readonly run: Run } | { readonly kind: 'folder'; readonly folder: Folder };

export class Answers implements Operations {
  readonly #parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  async status() {
    return await statusOf(this.#parts, (run) => viewOfRun(run, this.#parts.view), await this.#needsPerson());
  }

  async history(query: HistoryQuery): Promise<readonly DayView[]> {
    const { outbox, clock } = this.#parts.intakeParts;
    return await historyOf(outbox, query, clock.nowMs());
  }

  async *list({ states, root, sinceMs, limit, beforeRun: from }: ListQuery): AsyncGenerator<RunView> {
    const { outbox } = this.#parts.intakeParts;
    const { view } = this.#parts;
    await this.#assertRoot(root);
    let left = limit === 0 ? Infinity : limit;
    const openOnes = async function* (this: Answers, shown: readonly OpenState[]): AsyncGenerator<RunView> {
      for (const state of shown) {
        if (states.length > 0 && !states.includes(state)) continue;
        for await (const folder of this.#openFolders(state, root)) {
          if (left <= 0) return;
          if (sinceMs !== null && folder.sinceMs < sinceMs) continue;
          yield viewOfFolder(folder, view);
          left -= 1;
        }
      }
    };
    if (from == null) yield* openOnes.call(this, openStates);
    let beforeRun = from ?? null;
    while (left > 0) {
      const wanted = Math.min(left, pageOfRows);
      const page: Run[] = await outbox.list({ states, dropRoot: root, sinceMs, beforeRun, limit: wanted });
      for (const run of page) yield viewOfRun(run, view);
      left -= page.length;
      const last = page.at(-1);
      if (last === undefined || page.length < wanted) break;
      beforeRun = last.run;
    }
    // All of a root's history may be among them: it must not hide the runs.
    yield* openOnes.call(this, ['skipped']);
  }

  async show(wanted: Selector): Promise<RunStory> {
    const { outbox, clock } = this.#parts.intakeParts;
    const found = await this.#find(wanted);
    const { view } = this.#parts;
    if (found.kind === 'folder') {
      const { dropRoot, path } = found.folder;
      const runs = await outbox.runsAtPath(dropRoot, path, pageOfRows);
      return storyOfFolder(
        found.folder,
        runs.map(({ run }) => run),
        view,
      );
    }
    const { run } = found;
    const others = await outbox.runsAtPath(run.key.dropRoot, run.path, pageOfRows);
    const history = await outbox.history(run.run);
    const numbers = others.map((other) => other.run).filter((number) => number !== run.run);
    return storyOfRun(run, history, numbers, clock.nowMs(), view);
  }

  async answer({ word, selectors, all, reason, root, dryRun }: PersonsAnswer): Promise<AnsweredView> {
    // Named twice is meant once, also by a name and by what many have in common.
    const chosen = new Map<string, Found>();
    const choose = (found: Found): unknown => chosen.set(keyOf(found), found);
    await this.#assertRoot(root);
    for (const wanted of selectors) choose(await this.#find(wanted));
    // Of these there may be very many.
    if (word === 'retry' && reason === 'backfill' && selectors.length === 0)
      return await this.#wantLeftOut(root, dryRun);
    if (all || reason !== null || (root !== null && selectors.length === 0))
      for await (const found of this.#waitingForAnswer(word, root)) choose(found);
    const runs: RunView[] = [];
    const leftAlone: { run: RunView; why: string }[] = [];
    for (const found of chosen.values()) {
      const view = this.#view(found);
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
    for (const intake of this.#rootsNamed(root)) {
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

  async *scan({ root }: ScanOrder): AsyncGenerator<ScanLine> {
    const chosen = this.#rootsNamed(root);
    const dropRoots: ScannedView['drop_roots'][number][] = [];
    const folders: ScannedView['folders'][number][] = [];
    for (const intake of chosen) {
      const { name, path } = intake.rules.root;
      const place = (below: string) => ({ folder: join(path, below), drop_root: name });
      const report = yield* this.#scanOf(intake, (part) => (dropRoots.length + part) / chosen.length);
      for (const { run, kind } of report.enqueued) {
        const made = await this.#parts.intakeParts.outbox.run(run);
        if (made !== null && kind !== 'known')
          folders.push({ ...place(made.path), verdict: kind, reason: 'complete', run });
      }
      dropRoots.push({ name, folders: report.folders, problem: intake.trouble() });
    }
    const needs_person = await this.#needsPersonCount();
    yield { kind: 'end', scanned: { dry_run: false, drop_roots: dropRoots, folders, needs_person } };
  }

  /** @param ofAll how much of all that was asked for is done when that part of this root is */
  async *#scanOf(intake: RootIntake, ofAll: (part: number) => number): AsyncGenerator<ScanLine, ScanReport> {
    let part = 0;
    const scan = intake.scan(true, (done) => (part = done));
    // Whoever asked may leave before it is over; its failure is its next scan's then.
    scan.catch(() => undefined);
    for (;;) {
      const report = await Promise.race([scan, sleep(partSaidEveryMs, null, { ref: false })]);
      if (report !== null) return report;
      yield { kind: 'progress', drop_root: intake.rules.root.name, part: ofAll(part) };
    }
  }

  async *preview({ root }: ScanOrder): AsyncGenerator<PreviewLine> {
    const { clock } = this.#parts.intakeParts;
    const chosen = this.#rootsNamed(root);
    let of = 0;
    for (const intake of chosen) of += await intake.folderTotal();
    let looked = 0;
    let saidMs = clock.monotonicMs();
    for (const intake of chosen) {
      const { name, path } = intake.rules.root;
      const tally = { folders: 0, known: 0, ignored: 0 };
      let trouble: string | null = null;
      for await (const previews of this.#previewsOf(intake, (found) => (trouble = found))) {
        looked += previews.length;
        for (const preview of previews) {
          if (preview === null) continue;
          const { path: below, ...said } = preview;
          if (said.verdict === 'known') tally.known += 1;
          else {
            if (said.verdict === 'ignored') tally.ignored += 1;
            else tally.folders += 1;
            yield { kind: 'folder', folder: join(path, below), drop_root: name, ...said };
          }
        }
        if (clock.monotonicMs() - saidMs < partSaidEveryMs) continue;
        saidMs = clock.monotonicMs();
        yield { kind: 'progress', looked, of };
      }
      // Where no daemon scans, the intake knows of no trouble yet.
      yield { kind: 'root', name, ...tally, problem: intake.trouble() ?? trouble };
    }
    yield { kind: 'end', needs_person: await this.#needsPersonCount() };
  }

  /** Previews of the folders of a root, a few at a time. */
  async *#previewsOf(
    intake: RootIntake,
    onTrouble: (trouble: string | null) => void,
  ): AsyncGenerator<readonly (Preview | null)[]> {
    const { intakeParts } = this.#parts;
    const start = await startForPreview(intake.rules, intakeParts);
    for await (const page of intake.folderPages(onTrouble)) {
      for (let at = 0; at < page.length; at += previewsAtOnce) {
        const some = page.slice(at, at + previewsAtOnce);
        yield await Promise.all(some.map((path) => previewFolder(path, intake.rules, start, intakeParts)));
      }
    }
  }

  async #needsPersonCount(): Promise<number> {
    const { states } = await this.#parts.intakeParts.outbox.counts();
    return needsPerson.reduce((total, state) => total + (states[state] ?? 0), 0);
  }

  /** @throws Unanswerable when there is none of that name or path */
  #rootsNamed(root: string | null): readonly RootIntake[] {
    const chosen = this.#parts.dropRoots.intakes.filter(
      ({ rules }) => root === null || rules.root.name === root || rules.root.path === root,
    );
    if (chosen.length > 0) return chosen;
    throw new Unanswerable('none', `there is no drop root "${String(root)}"; there is ${this.#rootNames()}`);
  }

  /**
   * A root that was taken out of the configuration is still one while there is anything of it.
   * @throws Unanswerable
   */
  async #assertRoot(name: string | null): Promise<void> {
    const { outbox } = this.#parts.intakeParts;
    if (name === null || this.#parts.dropRoots.named(name) !== null) return;
    const any = { states: [], dropRoot: name, sinceMs: null, beforeRun: null, limit: 1 };
    if ((await outbox.list(any)).length > 0 || (await outbox.folderCount(name)) > 0) return;
    throw new Unanswerable('none', `there is no drop root "${name}"; there is ${this.#rootNames()}`);
  }

  async track(order: TrackOrder): Promise<RunView> {
    const { intakeParts, dropRoots, view } = this.#parts;
    const wishes = {
      ...(order.app === null ? {} : { app: order.app }),
      ...(order.instance === null ? {} : { instance: order.instance }),
      ...(order.name === null ? {} : { name: order.name }),
      again: order.again,
    };
    const tracked = await trackFolder(
      order.folder,
      dropRoots.intakes.map(({ rules }) => rules.root),
      wishes,
      intakeParts,
    );
    if (tracked.kind === 'refused') throw new Unanswerable('refused', `${tracked.text}. ${tracked.hint}`);
    const run = await intakeParts.outbox.run(tracked.run);
    if (run === null) throw new Error('a run that was just made is not there');
    return viewOfRun(run, view);
  }

  async waitFor({ run: number, until, waitMsMax }: WaitOrder): Promise<RunView> {
    const { intakeParts, changes, view } = this.#parts;
    const deadlineMs = intakeParts.clock.monotonicMs() + waitMsMax;
    for (;;) {
      const seen = changes.count;
      const run = await intakeParts.outbox.run(number);
      if (run === null) throw new Unanswerable('none', `there is no run #${number}`);
      const leftMs = deadlineMs - intakeParts.clock.monotonicMs();
      if (hasCome(run.life.state, until) || leftMs <= 0 || changes.hasEnded) return viewOfRun(run, view);
      await changes.next(seen, leftMs);
    }
  }

  async reload(): Promise<ReloadedView> {
    const { reloading, isDaemon } = this.#parts;
    if (!isDaemon || reloading === null)
      throw new Unanswerable('refused', 'only a running daemon can read its configuration again');
    return await reloading.reload();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is an answer
  async pageLink(): Promise<PageLinkView> {
    const { listener, sessions, isDaemon } = this.#parts;
    if (!isDaemon) throw new Unanswerable('refused', 'the daemon is not running, so there is no page');
    if (listener === null)
      throw new Unanswerable('refused', 'there is no page: http.listen is false in the configuration');
    const address = listener.address();
    if (address === null)
      throw new Unanswerable('refused', listener.trouble() ?? 'the daemon is about to listen; ask again');
    if (address.startsWith('unix:'))
      throw new Unanswerable(
        'refused',
        `the page is at ${address}, which a browser cannot open: let a proxy serve it, or set http.listen to a port`,
      );
    const url = new URL(address);
    // Where it listens at every address, this machine's own is one.
    if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = 'localhost';
    url.pathname = '/enter';
    url.searchParams.set('key', sessions.newKey());
    return { url: url.href };
  }

  async backup({ file }: BackupOrder): Promise<BackupView> {
    try {
      return await this.#parts.intakeParts.outbox.backUp(file);
    } catch (error) {
      if (error instanceof BackupRefused) throw new Unanswerable('refused', error.message);
      throw error;
    }
  }

  /** A path or a folder's name first; `#42` is a run's number. */
  async #find({ text, path, generation, run: surely }: Selector): Promise<Found> {
    if (surely !== undefined) return await this.#numbered(surely);
    const number = /^#([1-9][0-9]{0,14})$/.exec(text)?.[1];
    const matches = await this.#foundAt(this.#placesOf(text, path), generation);
    if (matches.length === 0)
      matches.push(...(await this.#foundAt(await this.#placesNamed(text), generation)));
    if (matches.length === 0)
      matches.push(...(await this.#foundAt(await this.#placesInFormer(text, path), generation)));
    if (matches.length === 0 && number !== undefined) return await this.#numbered(Number(number));
    const [only, ...others] = matches;
    if (only === undefined) {
      throw new Unanswerable(
        'none',
        `no run or folder is called "${text}"; \`runtrackd list\` shows what there is`,
      );
    }
    if (others.length > 0) {
      const names = matches.map((found) => this.#view(found).folder).join(', ');
      throw new Unanswerable('ambiguous', `"${text}" could be any of ${names}; give the whole path`);
    }
    return only;
  }

  async #foundAt(places: readonly Located[], generation: string | null): Promise<Found[]> {
    const { outbox } = this.#parts.intakeParts;
    const matches: Found[] = [];
    for (const { dropRoot, below } of places) {
      const [folder] = await outbox.folders(dropRoot, [below]);
      const runs = await outbox.runsAtPath(dropRoot, below, 1_000);
      const fits = runs.filter(
        ({ key }) => generation === null || key.generation.startsWith(generation.replace(/^sha256:/, '')),
      );
      const isOpen = folder !== undefined && folder.state !== 'known' && generation === null;
      const current = fits.find(({ run }) => run === folder?.run) ?? fits[0];
      if (isOpen) matches.push({ kind: 'folder', folder });
      else if (current !== undefined) matches.push({ kind: 'run', run: current });
    }
    return matches;
  }

  /** With date folders the name of a run folder alone means each folder of that name. */
  async #placesNamed(text: string): Promise<Located[]> {
    const { outbox } = this.#parts.intakeParts;
    const places: Located[] = [];
    for (const { rules } of this.#parts.dropRoots.intakes) {
      const { name, depth } = rules.root;
      const levels = depth - text.split(sep).length;
      if (levels <= 0 || text === '.' || text === '..' || text.startsWith(sep)) continue;
      for (let after: string | null = null; ;) {
        const page = await outbox.pathsNamed(name, text, levels, after, parentsAtOnce);
        places.push(...page.paths.map((below) => ({ dropRoot: name, below })));
        // More than these are not told apart by a person anyway.
        if (page.after === null || places.length > namesakesMax) break;
        ({ after } = page);
      }
    }
    return places;
  }

  /**
   * Where roots lay that are not configured any more nobody knows after a restart: there a folder is called by its path below
   * the root, or as it is shown, with the root's name before it.
   */
  async #placesInFormer(text: string, path: string): Promise<Located[]> {
    const { folders } = await this.#parts.intakeParts.outbox.counts();
    const roots = new Set(
      folders.map(({ dropRoot }) => dropRoot).filter((dropRoot) => this.#isFormer(dropRoot)),
    );
    const names = path.split(sep);
    return [...roots].flatMap((dropRoot) => {
      const root = this.#parts.dropRoots.evenFormer(dropRoot);
      const starts = names.flatMap((name, at) => (name === dropRoot ? [at + 1] : []));
      const below = [
        text,
        ...(root === null ? [] : [relative(root.path, path)]),
        ...starts.map((at) => names.slice(at).join(sep)),
      ];
      return [...new Set(below)].map((one) => ({ dropRoot, below: one }));
    });
  }

  /** Whether nobody looks at it: it was taken out of the configuration. */
  #isFormer(dropRoot: string): boolean {
    return dropRoot !== outsideRootName && this.#parts.dropRoots.named(dropRoot) === null;
  }

  async #numbered(number: number): Promise<Found> {
    const run = await this.#parts.intakeParts.outbox.run(number);
    if (run === null) throw new Unanswerable('none', `there is no run #${number}`);
    return { kind: 'run', run };
  }

  #placesOf(text: string, path: string): Located[] {
    const roots = this.#parts.dropRoots.intakes.map(({ rules }) => rules.root);
    const inside = roots.flatMap((root) => {
      const below = relative(root.path, path);
      return below === '' || below === '..' || below.startsWith(`..${sep}`)
        ? []
        : [{ dropRoot: root.name, below }];
    });
    const outside = { dropRoot: outsideRootName, below: relative('/', path) };
    // A name, or with date folders a path below the root, means that folder in any root, wherever the caller stands.
    const named = roots
      .filter(({ depth }) => text !== '.' && text.split(sep).length === depth)
      .map((root) => ({ dropRoot: root.name, below: text }));
    const all = [
      ...named,
      ...inside.filter(
        (place) => !named.some((other) => other.dropRoot === place.dropRoot && other.below === place.below),
      ),
    ];
    return [...all, outside];
  }

  #view(found: Found): RunView {
    return found.kind === 'run'
      ? viewOfRun(found.run, this.#parts.view)
      : viewOfFolder(found.folder, this.#parts.view);
  }

  async #needsPerson(): Promise<RunView[]> {
    const found: RunView[] = [];
    for await (const run of this.list({
      states: needsPerson.slice(),
      root: null,
      sinceMs: null,
      limit: needsPersonMax,
    }))
      found.push(run);
    // While the platform is away, that is what needs a person, if anything does.
    if (this.#parts.delivery.gate.platformPause() === null) found.push(...(await this.#lasting()));
    return found.slice(0, needsPersonMax);
  }

  async #lasting(): Promise<RunView[]> {
    const { outbox, clock } = this.#parts.intakeParts;
    const nowMs = clock.nowMs();
    const pages = await Promise.all(
      lastingKinds.map((kind) => outbox.lasting(kind, nowMs - lastsTooLongMs[kind], needsPersonMax)),
    );
    pages.push(await outbox.lastingUnclear(nowMs - unclearTooLongMs, needsPersonMax));
    const runs = new Map(pages.flat().map((run) => [run.run, run]));
    return [...runs.values()].flatMap((run) => {
      const asks = askOfLasting(run.life.state, run.sinceMs, run.life.unclearSinceMs ?? null, nowMs);
      return asks === null ? [] : [{ ...viewOfRun(run, this.#parts.view), ...asks }];
    });
  }

  /** Everything that a bulk answer could be about. */
  async *#waitingForAnswer(word: PersonsAnswer['word'], root: string | null): AsyncGenerator<Found> {
    const { outbox } = this.#parts.intakeParts;
    const states = word === 'retry' ? (['rejected'] as const) : this.#skippedFrom(root);
    for (const state of states) {
      for await (const folder of this.#openFolders(state, null)) yield { kind: 'folder', folder };
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
    const isLeft = dropRoot !== null && this.#isFormer(dropRoot);
    return isLeft ? ['rejected', 'overdue', 'settling'] : ['rejected', 'overdue'];
  }

  /** @returns null when the word is an answer to what it waits for, or why it is not */
  #whyNot({ state, drop_root }: RunView, word: PersonsAnswer['word']): string | null {
    if (state === 'parked' || state === 'rejected') return null;
    if (word === 'skip' && this.#skippedFrom(drop_root).some((skipped) => skipped === state)) return null;
    if (word === 'retry' && state === 'skipped') return null;
    return `it is ${state}, which waits for no answer`;
  }

  /** @returns what it is now, and why it was left alone after all; null: it was not */
  async #give(found: Found, word: PersonsAnswer['word']): Promise<{ run: RunView; why: string | null }> {
    const { outbox, clock, policy, placesOfRoot, log } = this.#parts.intakeParts;
    const nowMs = clock.nowMs();
    if (found.kind === 'run') {
      const now = await outbox.apply(
        found.run.run,
        { kind: word },
        { nowMs, random: clock.random(), policy },
      );
      if (now === null || now === 'claimed')
        return { run: this.#view(found), why: 'it is under way just now' };
      const run = now;
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
    if (word === 'skip' && skipped === null)
      return { run: await this.#folderNow(folder), why: 'it has changed just now' };
    if (intake !== undefined) await clearProblem(intake.rules.root, path);
    log.info({ root: dropRoot, folder: path }, `a person said: ${word} ${path}`);
    if (skipped !== null) return { run: viewOfFolder(skipped, this.#parts.view), why: null };
    if (folder.reason.class === 'backfill') await outbox.wantFolder(dropRoot, path, nowMs);
    else await outbox.unsettleFolder(dropRoot, path, nowMs);
    await intake?.lookNow(path);
    return { run: await this.#folderNow(folder), why: null };
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

  async *#openFolders(state: OpenState, root: string | null): AsyncGenerator<Folder> {
    const { outbox } = this.#parts.intakeParts;
    for (let after: Folder | null = null; ;) {
      const page: Folder[] = await outbox.openFolders(state, root, after, pageOfRows);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRows) return;
      after = last;
    }
  }

  #rootNames(): string {
    return this.#parts.dropRoots.intakes.map(({ rules }) => `"${rules.root.name}"`).join(', ');
  }
}

function keyOf(found: Found): string {
  if (found.kind === 'run') return `#${String(found.run.run)}`;
  return `${found.folder.dropRoot}/${found.folder.path}`;
}

function hasCome(state: RunState, until: WaitOrder['until']): boolean {
  if (!isLive(state)) return true;
  return until === 'tracked' && (state.kind === 'tracked' || state.kind === 'final');
}
