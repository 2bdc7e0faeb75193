/**
 * What Prometheus is told. Counters are counted while the work is done (`core/measures.ts`); everything else is read from
 * the status when somebody asks, so that it costs nothing while nobody does.
 *
 * Every label has few values, whatever folders and platforms send: drop roots and loops are those of the configuration,
 * apps and reasons beyond a bound are told together as "other". With N drop roots and M apps there are at most
 * `seriesMax(N, M)` series.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { requestClasses, type Concluded, type Measures, type RequestClass } from '../core/measures.ts';
import { shownStates, type RunState } from '../core/run.ts';
import type { Clock } from '../system/clock.ts';
import type { StatusView } from './operations.ts';

/** Apps are few; a root's `allow_app_id` may be long. */
const appsMax = 50;
/** There are some thirty reasons; later versions have more. */
const reasonsMax = 50;
const other = 'other';

const answers = ['2xx', '3xx', '4xx', '429', '5xx', 'none'] as const;
const watchModes = ['chokidar', 'directory', 'scan-only'] as const;
const failingStates = ['queued', 'uploaded', 'intended', 'tracked', 'final'] as const;
/** How it ended that nobody knew whether a run was made. */
const endings = ['found', 'absent', 'parked', 'dropped'] as const;
/** From a fast stand-in to an outage of days, in s. */
const durationsS = [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];
/** The loop is looked at this often, in ms, from the first time on that somebody asks. */
const lagResolutionMs = 50;

/** The most series that a daemon with so many drop roots and apps shows, the reasons that it may meet included. */
export function seriesMax(roots: number, apps: number): number {
  const buckets = durationsS.length + 3;
  const once = 29 + 2 * buckets + shownStates.length + failingStates.length + endings.length;
  const loops = 4;
  return (
    once +
    requestClasses.length * answers.length +
    reasonsMax +
    1 +
    2 * (Math.min(apps, appsMax) + 1) +
    2 * loops +
    14 * roots
  );
}

export class Metrics implements Measures {
  readonly #registry = new Registry();
  readonly #clock: Clock;
  readonly #apps = new Bounded(appsMax);
  readonly #reasons = new Bounded(reasonsMax);
  #lag: IntervalHistogram | null = null;

  readonly #runs = this.#gauge(
    'runs',
    'Runs, and folders that are none yet, by state; settling, overdue and rejected are folders.',
    ['state'],
  );
  readonly #oldestWaiting = this.#gauge(
    'oldest_waiting_seconds',
    'Age of the oldest run that is not done; 0 while all are.',
  );
  readonly #needsPerson = this.#gauge(
    'needs_person',
    'Runs and folders that are parked, rejected or overdue, and wait for a person.',
  );
  readonly #tracked = this.#histogram(
    'run_tracked_seconds',
    'Time from a complete folder to the run on the platform.',
  );
  readonly #recorded = this.#histogram(
    'run_recorded_seconds',
    'Time from a complete folder to the result beside it.',
  );
  readonly #requests = this.#counter(
    'requests_total',
    'Requests to the platform and its storage, by what was asked and how it was answered.',
    ['class', 'answer'],
  );
  readonly #sent = this.#counter('sent_bytes_total', 'Bytes of artefacts that storage has taken.');
  readonly #received = this.#counter('received_bytes_total', 'Bytes of outputs that were fetched back.');
  readonly #stepFailures = this.#counter(
    'step_failures_total',
    'Steps that did not succeed and are tried again or set aside, by the state of the run.',
    ['state'],
  );
  readonly #recordedRuns = this.#counter('recorded_total', 'Runs that were recorded, by app.', ['app']);
  readonly #failedSends = this.#counter(
    'unknown_outcomes_total',
    'Requests after which nobody knew whether a run was made.',
  );
  readonly #settled = this.#counter(
    'unknown_outcomes_settled_total',
    'How those ended: found on the platform, surely absent and sent again, parked, or dropped with their folder.',
    ['ending'],
  );
  readonly #parked = this.#counter('parked_total', 'Runs that were set aside for a person, by reason.', [
    'reason',
  ]);
  readonly #differing = this.#gauge(
    'outputs_differ',
    'Runs whose output came back different from what was sent.',
  );
  readonly #healthy = this.#gauge('healthy', '1 while nothing is wrong and work moves, as /readyz says.');
  readonly #problems = this.#gauge('problems', 'How many things are wrong, as /readyz lists them.');
  readonly #platformPaused = this.#gauge(
    'platform_paused',
    '1 while delivery waits for the platform or a valid key.',
  );
  readonly #storagePaused = this.#gauge('storage_paused', '1 while uploads wait for the platform’s storage.');
  readonly #resultsPaused = this.#gauge(
    'results_paused',
    '1 while results wait that neither their folders nor the state directory take.',
  );
  readonly #appPaused = this.#gauge('app_paused', '1 while runs of an app wait, by app.', ['app']);
  readonly #budgetRuns = this.#gauge(
    'budget_runs_per_second',
    'Runs that may be recorded a second now; 0: no limit.',
  );
  readonly #budgetRequests = this.#gauge(
    'budget_requests_per_second',
    'Requests that may leave a second now; 0: no limit.',
  );
  readonly #budgetWaiting = this.#gauge('budget_waiting', 'Requests that wait for their turn.');
  readonly #budgetNarrowed = this.#gauge(
    'budget_narrowed',
    '1 while the pace is below what is configured, because the platform refused some.',
  );
  readonly #lastProgress = this.#gauge(
    'loop_last_progress_timestamp_seconds',
    'When a loop last got something done or found nothing to do, by kind of loop: the one that is furthest behind.',
    ['loop'],
  );
  readonly #stalled = this.#gauge(
    'loop_stalled',
    'Loops that have not moved for too long, by kind of loop.',
    ['loop'],
  );
  readonly #lagMax = this.#gauge(
    'event_loop_lag_max_seconds',
    'The latest that the event loop came since the last scrape.',
  );
  readonly #lagMean = this.#gauge(
    'event_loop_lag_mean_seconds',
    'How late the event loop came since the last scrape, on average.',
  );
  readonly #folders = this.#gauge(
    'drop_root_folders',
    'Folders of a drop root that are not runs yet, by state.',
    ['drop_root', 'state'],
  );
  readonly #backlog = this.#gauge('drop_root_backlog', 'History of a drop root that waits to be sent.', [
    'drop_root',
  ]);
  readonly #found = this.#counter(
    'drop_root_found_total',
    'Run folders that were seen first because of a scan or of an event.',
    ['drop_root', 'by'],
  );
  readonly #watch = this.#gauge(
    'drop_root_watch',
    '1 for what makes looks at a drop root come sooner than the next scan.',
    ['drop_root', 'mode'],
  );
  readonly #lastScan = this.#gauge(
    'drop_root_last_scan_timestamp_seconds',
    'When the last scan of a drop root ended; 0: none has.',
    ['drop_root'],
  );
  readonly #rootTrouble = this.#gauge(
    'drop_root_trouble',
    '1 while a drop root cannot be looked at, or what is recorded cannot be archived.',
    ['drop_root'],
  );
  readonly #build = this.#gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'node']);
  readonly #memory = this.#gauge('process_resident_memory_bytes', 'Memory of the process.', [], '');
  readonly #cpu = this.#counter('process_cpu_seconds_total', 'Processor time of the process.', [], '');
  readonly #started = this.#gauge('process_start_time_seconds', 'When the process began.', [], '');

  constructor(version: string, clock: Clock) {
    this.#clock = clock;
    this.#build.set({ version, node: process.version }, 1);
    this.#started.set((clock.nowMs() - process.uptime() * 1000) / 1000);
    // What was never counted is nothing, and not unknown: an alert on an increase needs the zero before it.
    for (const what of requestClasses)
      for (const answer of answers) this.#requests.inc({ class: what, answer }, 0);
    for (const state of failingStates) this.#stepFailures.inc({ state }, 0);
    for (const ending of endings) this.#settled.inc({ ending }, 0);
  }

  requestEnded(what: RequestClass, status: number | null): void {
    this.#requests.inc({ class: what, answer: answerOf(status) });
  }

  bytesSent(bytes: number): void {
    this.#sent.inc(bytes);
  }

  bytesReceived(bytes: number): void {
    this.#received.inc(bytes);
  }

  stepFailed(state: RunState['kind']): void {
    if ((failingStates as readonly string[]).includes(state)) this.#stepFailures.inc({ state });
  }

  concluded({ from, to, app, sinceCompleteMs }: Concluded): void {
    if (to.kind === from) return;
    // A clock that was set back is no run that was done before it began.
    const seconds = Math.max(0, sinceCompleteMs) / 1000;
    if (to.kind === 'tracked') this.#tracked.observe(seconds);
    if (to.kind === 'recorded') {
      this.#recorded.observe(seconds);
      this.#recordedRuns.inc({ app: this.#apps.of(app) });
    }
    if (to.kind === 'parked') this.#parked.inc({ reason: this.#reasons.of(to.reason.class) });
    if (to.kind === 'unknown') this.#failedSends.inc();
    if (from === 'unknown') this.#settled.inc({ ending: endingOf(to) });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(status: StatusView): Promise<string> {
    this.#fill(status);
    this.#fillProcess();
    return await this.#registry.metrics();
  }

  #fill(status: StatusView): void {
    const { platform } = status;
    this.#fillOutbox(status);
    this.#healthy.set(status.healthy ? 1 : 0);
    this.#problems.set(status.problems.length);
    this.#platformPaused.set(platform.state === 'paused' ? 1 : 0);
    this.#storagePaused.set(platform.storage.state === 'paused' ? 1 : 0);
    this.#resultsPaused.set(status.results.state === 'paused' ? 1 : 0);
    this.#appPaused.reset();
    for (const { app } of platform.apps) this.#appPaused.set({ app: this.#apps.of(app) }, 1);
    this.#budgetRuns.set(platform.budget.runs_per_second ?? 0);
    this.#budgetRequests.set((platform.budget.requests_per_minute ?? 0) / 60);
    this.#budgetWaiting.set(platform.budget.waiting);
    this.#budgetNarrowed.set(platform.budget.narrowed ? 1 : 0);
    this.#fillLoops(status.loops);
    for (const gauge of [this.#found, this.#watch, this.#lastScan, this.#rootTrouble]) gauge.reset();
    for (const root of status.drop_roots) this.#fillRoot(root);
  }

  /** While the outbox does not answer, nothing of this is known: that is not the same as none, and is not told as such. */
  #fillOutbox({ counts, drop_roots: roots, ...status }: StatusView): void {
    for (const gauge of [this.#runs, this.#folders, this.#backlog]) gauge.reset();
    for (const gauge of [this.#oldestWaiting, this.#needsPerson, this.#differing]) gauge.remove();
    if (status.outputs_differ === null) return;
    for (const state of shownStates) this.#runs.set({ state }, counts[state] ?? 0);
    this.#oldestWaiting.set(this.#ageS(status.waiting_since));
    this.#needsPerson.set((counts.parked ?? 0) + (counts.rejected ?? 0) + (counts.overdue ?? 0));
    this.#differing.set(status.outputs_differ);
    for (const { name, settling, overdue, backfill } of roots) {
      this.#folders.set({ drop_root: name, state: 'settling' }, settling);
      this.#folders.set({ drop_root: name, state: 'overdue' }, overdue);
      this.#backlog.set({ drop_root: name }, backfill.waiting);
    }
  }

  #fillLoops(loops: StatusView['loops']): void {
    this.#lastProgress.reset();
    this.#stalled.reset();
    const behind = new Map<string, number>();
    for (const { name, last_progress: last, moving } of loops) {
      // "intake planner" is one of the intake loops: its root has figures of its own.
      const loop = name.split(' ')[0] ?? name;
      behind.set(loop, Math.min(behind.get(loop) ?? Infinity, Date.parse(last) / 1000));
      this.#stalled.inc({ loop }, moving ? 0 : 1);
    }
    for (const [loop, seconds] of behind) this.#lastProgress.set({ loop }, seconds);
  }

  #fillRoot(root: StatusView['drop_roots'][number]): void {
    const labels = { drop_root: root.name };
    this.#found.inc({ ...labels, by: 'scan' }, root.found.by_scan);
    this.#found.inc({ ...labels, by: 'event' }, root.found.by_event);
    for (const mode of watchModes) this.#watch.set({ ...labels, mode }, root.hints === mode ? 1 : 0);
    this.#lastScan.set(labels, root.last_scan === null ? 0 : Date.parse(root.last_scan) / 1000);
    this.#rootTrouble.set(labels, (root.problem ?? root.archive?.problem ?? null) === null ? 0 : 1);
  }

  #fillProcess(): void {
    this.#memory.set(process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((user + system) / 1e6);
    if (this.#lag === null) {
      this.#lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
      this.#lag.enable();
    }
    const { max, mean, count } = this.#lag;
    const lateS = (ns: number): number => (count === 0 ? 0 : Math.max(0, ns / 1e9 - lagResolutionMs / 1000));
    this.#lagMax.set(lateS(max));
    this.#lagMean.set(lateS(mean));
    this.#lag.reset();
  }

  #ageS(since: string | null): number {
    return since === null ? 0 : Math.max(0, this.#clock.nowMs() - Date.parse(since)) / 1000;
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = [], prefix = 'runtrackd_') {
    return new Gauge({ name: `${prefix}${name}`, help, labelNames, registers: [this.#registry] });
  }

  #counter(name: string, help: string, labelNames: readonly string[] = [], prefix = 'runtrackd_') {
    return new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string) {
    const buckets = [...durationsS];
    return new Histogram({ name: `runtrackd_${name}`, help, buckets, registers: [this.#registry] });
  }
}

/** Words that come from outside: the first so many are told, all later ones together. */
class Bounded {
  readonly #max: number;
  readonly #known = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  of(word: string): string {
    if (this.#known.has(word)) return word;
    if (this.#known.size >= this.#max) return other;
    this.#known.add(word);
    return word;
  }
}

function answerOf(status: number | null): (typeof answers)[number] {
  if (status === null) return 'none';
  if (status === 429) return '429';
  if (status >= 500) return '5xx';
  if (status >= 400) return '4xx';
  return status >= 300 ? '3xx' : '2xx';
}

function endingOf(to: RunState): (typeof endings)[number] {
  switch (to.kind) {
    case 'tracked':
      return 'found';
    case 'queued':
      return 'absent';
    case 'parked':
      return 'parked';
    case 'uploaded':
    case 'intended':
    case 'unknown':
    case 'final':
    case 'recorded':
    case 'skipped':
    case 'superseded':
    case 'gone':
      return 'dropped';
  }
}
