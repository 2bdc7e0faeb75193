/** The answers to what one can ask of a daemon, from the parts that it is made of. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '../delivery/delivery.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { previewFolder, startForPreview, type Preview } from '../intake/preview.ts';
import type { RootIntake, ScanReport } from '../intake/rootIntake.ts';
import { trackFolder } from '../intake/trackFolder.ts';
import {
  Unanswerable,
  type AnsweredView,
  type BackupOrder,
  type BackupView,
  type DayView,
  type HistoryQuery,
  type ListPlace,
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
import type { Run } from '../outbox/nouns.ts';
import type { Changes } from './changes.ts';
import { Finder } from './finder.ts';
import { historyOf } from './history.ts';
import { openFolders, pageOfRows, type OpenState } from './openFolders.ts';
import { RetryAndSkip } from './retryAndSkip.ts';
import { statusOf, type StatusParts } from './status.ts';
import { storyOfFolder, storyOfRun, viewOfFolder, viewOfRun, type ViewContext } from './views.ts';

export interface AnswerParts extends StatusParts {
  readonly intakeParts: IntakeParts;
  readonly delivery: Delivery;
  readonly changes: Changes;
  readonly sessions: Sessions;
  readonly view: ViewContext;
}

const openStates: readonly OpenState[] = ['overdue', 'rejected', 'settling'];
/** Folders previewed side by side. */
const previewsAtOnce = 8;
/** How often it is said how far a scan or a preview is, in ms. */
const partSaidEveryMs = 500;
/** `status` names this many that need a person. */
const needsPersonMax = 50;

export class Answers implements Operations {
  readonly #parts: AnswerParts;
  readonly #finder: Finder;
  readonly #retryAndSkip: RetryAndSkip;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#finder = new Finder(parts.intakeParts.outbox, parts.dropRoots, parts.view);
    this.#retryAndSkip = new RetryAndSkip(parts, this.#finder);
  }

  async status() {
    return await statusOf(this.#parts, (run) => viewOfRun(run, this.#parts.view), await this.#needsPerson());
  }

  async history(query: HistoryQuery): Promise<readonly DayView[]> {
    const { outbox, clock } = this.#parts.intakeParts;
    return await historyOf(outbox, query, clock.nowMs());
  }

  async *list({ states, root, sinceMs, limit, after }: ListQuery): AsyncGenerator<RunView> {
    const { outbox } = this.#parts.intakeParts;
    const { view } = this.#parts;
    await this.#finder.assertRoot(root);
    let left = limit === 0 ? Infinity : limit;
    const afterRun = after != null && 'run' in after ? after.run : null;
    const afterFolder = after != null && 'folder' in after ? this.#placeOf(after) : null;
    const openOnes = async function* (shown: readonly OpenState[]): AsyncGenerator<RunView> {
      const begin = shown.findIndex((state) => state === afterFolder?.state);
      for (const state of shown.slice(Math.max(begin, 0))) {
        if (states.length > 0 && !states.includes(state)) continue;
        const from = state === afterFolder?.state ? afterFolder : null;
        for await (const folder of openFolders(outbox, state, root, from)) {
          if (left <= 0) return;
          if (sinceMs !== null && folder.sinceMs < sinceMs) continue;
          yield viewOfFolder(folder, view);
          left -= 1;
        }
      }
    };
    const isPastRuns = afterFolder?.state === 'skipped';
    if (afterRun === null && !isPastRuns) yield* openOnes(openStates);
    let beforeRun = afterRun;
    while (left > 0 && !isPastRuns) {
      const wanted = Math.min(left, pageOfRows);
      const page: Run[] = await outbox.list({ states, dropRoot: root, sinceMs, beforeRun, limit: wanted });
      for (const run of page) yield viewOfRun(run, view);
      left -= page.length;
      const last = page.at(-1);
      if (last === undefined || page.length < wanted) break;
      beforeRun = last.run;
    }
    // All of a root's history may be among them: it must not hide the runs.
    yield* openOnes(['skipped']);
  }

  /** Where nobody can tell any more which folder that was, it goes on at the beginning of its drop root. */
  #placeOf({ state, dropRoot, folder }: Exclude<ListPlace, { run: number }>) {
    return { state, dropRoot, path: this.#finder.belowShown(dropRoot, folder) ?? '' };
  }

  async show(wanted: Selector): Promise<RunStory> {
    const { outbox, clock } = this.#parts.intakeParts;
    const found = await this.#finder.find(wanted);
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

  async answer(answer: PersonsAnswer): Promise<AnsweredView> {
    return await this.#retryAndSkip.answer(answer);
  }

  async *scan({ root }: ScanOrder): AsyncGenerator<ScanLine> {
    const chosen = this.#finder.rootsNamed(root);
    const dropRoots: ScannedView['drop_roots'][number][] = [];
    const folders: ScannedView['folders'][number][] = [];
    for (const intake of chosen) {
      const { name, path } = intake.rules.root;
      const place = (below: string) => ({ folder: join(path, below), drop_root: name });
      this.#parts.dropRoots.archives.find(({ rules }) => rules.name === name)?.believe();
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
    const chosen = this.#finder.rootsNamed(root);
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
}

function hasCome(state: RunState, until: WaitOrder['until']): boolean {
  if (!isLive(state)) return true;
  return until === 'tracked' && (state.kind === 'tracked' || state.kind === 'final');
}
