/** One screen's worth of truth: is it running, is it moving, what waits and why, what needs a person. */
import prettyMs from 'pretty-ms';
import { backfillText } from '../core/backfill.ts';
import { rateLimited, reasonOf, type Reason } from '../core/failure.ts';
import type { OutboxTrouble } from '../core/outboxTrouble.ts';
import type { Run } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Listener } from '../http/listener.ts';
import type { ConfigurationView, DayView, RunView, StatusView } from '../http/operations.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { RootIntake } from '../intake/rootIntake.ts';
import { backlogMs } from '../intake/firstStart.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { isoTime } from '../system/clock.ts';
import type { DropRoots } from './dropRoots.ts';
import { historyOf, shownDays } from './history.ts';
import type { LoopProgress, LoopView } from './loopProgress.ts';
import type { Reloading } from './reloading.ts';

export interface StatusParts {
  readonly intakeParts: IntakeParts;
  readonly dropRoots: DropRoots;
  /** Null: the configuration is not read again. */
  readonly reloading: Reloading | null;
  readonly configFile: string;
  readonly delivery: Delivery;
  readonly progress: LoopProgress;
  /** Null: the daemon is to listen nowhere, or this is none. */
  readonly listener: Pick<Listener, 'address' | 'trouble'> | null;
  /** Whether this process is the daemon, or a command that reads its outbox while it is away. */
  readonly isDaemon: boolean;
  readonly version: string;
  readonly platform: { readonly kind: string; readonly endpoint: string | null };
  readonly platformId: string;
}

/** The states in which something is still to come, the oldest of which tells whether it moves. */
const waitingStates = ['queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'] as const;

/** Of a pace. */
const shownDigits = 4;

/** Refusals as one too many are how hosts share an account; for so long, in ms, they keep runs from moving. */
const refusedMsMax = 30 * 60_000;
/** What is refused then, and which runs wait for it. */
const refusable = [
  { line: 'create', what: 'new run', states: ['queued', 'uploaded'] },
  { line: 'upload', what: 'request to upload', states: ['queued'] },
  { line: 'result', what: 'request for a result', states: ['tracked', 'final'] },
  { line: 'list', what: 'request for a list', states: ['unknown'] },
] as const;

/** What can be said while the outbox does not answer: that it does not, and what the other parts know. */
export function statusInTrouble(parts: StatusParts, { text, hint }: OutboxTrouble): StatusView {
  return statusFrom(parts, {
    counts: {},
    oldest: null,
    waitingSinceMs: null,
    needsPerson: [],
    folders: [],
    backlog: [],
    differing: null,
    problems: [{ class: 'outbox-trouble', text: `${text}. ${hint}` }],
    history: [],
  });
}

/** When the oldest run was made that is not done, wall clock in ms; null: all are. */
export async function oldestWaitingMs(outbox: Outbox): Promise<number | null> {
  return (await oldestWaiting(outbox))?.createdAtMs ?? null;
}

async function oldestWaiting(outbox: Outbox): Promise<Run | null> {
  const waiting = await Promise.all(waitingStates.map((kind) => outbox.oldestOf(kind)));
  const oldestFirst = waiting.filter((run) => run !== null).sort((a, b) => a.createdAtMs - b.createdAtMs);
  return oldestFirst[0] ?? null;
}

export async function statusOf(
  parts: StatusParts,
  view: (run: Run) => RunView,
  needsPerson: readonly RunView[],
): Promise<StatusView> {
  const { intakeParts, dropRoots, isDaemon, platformId } = parts;
  const { outbox } = intakeParts;
  const { states, folders, backlog, differing } = await outbox.counts();
  const oldest = await oldestWaiting(outbox);
  const foreign = await outbox.foreignDue(platformId);
  const distrust = await outbox.distrust();
  const proving = distrust === null ? 0 : await outbox.proving();
  const isLookedAt = !isDaemon || dropRoots.intakes.every((root) => root.lastScanMs() !== null);
  return statusFrom(parts, {
    counts: states,
    oldest: oldest === null ? null : view(oldest),
    waitingSinceMs: oldest?.createdAtMs ?? null,
    history: await historyOf(outbox, { days: shownDays, root: null }, intakeParts.clock.nowMs()),
    needsPerson,
    folders,
    backlog,
    differing,
    problems: [
      ...(distrust === null || (proving === 0 && isLookedAt)
        ? []
        : [
            {
              class: 'outbox-not-believed',
              text: `the outbox is not believed (${distrust.reason}): ${proving} run(s) are looked for on the platform before they are sent`,
            },
          ]),
      ...foreign.map(({ platform: other, count }) => ({
        class: 'another-platform',
        text: `${count} run(s) are on their way to another platform, ${other}, and wait until it is configured again`,
      })),
    ],
  });
}

/** What the outbox says. */
interface Told {
  readonly counts: StatusView['counts'];
  readonly oldest: RunView | null;
  readonly waitingSinceMs: number | null;
  readonly history: readonly DayView[];
  readonly needsPerson: readonly RunView[];
  readonly folders: readonly { readonly dropRoot: string; readonly state: string; readonly count: number }[];
  readonly backlog: readonly { readonly dropRoot: string; readonly count: number }[];
  readonly differing: number | null;
  readonly problems: readonly Reason[];
}

function statusFrom(parts: StatusParts, told: Told): StatusView {
  const { intakeParts, dropRoots, delivery, isDaemon, version, platform } = parts;
  const { intakes, archives } = dropRoots;
  const { host } = intakeParts;
  const configuration = parts.reloading?.view() ?? { file: parts.configFile, problems: [], waiting: [] };
  const paused = delivery.gate.platformPause();
  const pausedApps = delivery.gate.appPauses();
  const storage = delivery.storage.pause();
  const results = delivery.results.pause();
  const loops = isDaemon ? parts.progress.all() : [];
  const listenTrouble = parts.listener?.trouble() ?? null;
  const count = (root: string, state: string): number =>
    told.folders.find((folder) => folder.dropRoot === root && folder.state === state)?.count ?? 0;
  const problems: readonly Reason[] = [
    ...(isDaemon ? [] : [{ class: 'not-running', text: 'the daemon is not running' }]),
    ...(paused === null ? [] : [reasonOf(paused.failure)]),
    ...(storage === null
      ? []
      : [{ class: storage.failure.class, text: `uploads pause: ${storage.failure.text}` }]),
    ...(results === null
      ? []
      : [{ class: results.failure.class, text: `results wait: ${results.failure.text}` }]),
    ...pausedApps.map(({ pause }) => reasonOf(pause.failure)),
    ...delivery.unreadableLists().map(({ app, failure }) => ({
      class: failure.class,
      text: `the list of app "${app}" cannot be read, and runs that are looked for there first wait: ${failure.text}`,
    })),
    ...refusedAsTooMany(delivery, told),
    ...wrongOnDisk(configuration),
    ...told.problems,
    // A command that stands in for the daemon has no loops.
    ...loops.filter(({ isStalled }) => isStalled).map(stalled),
    ...intakes.flatMap((root) => {
      const trouble = root.trouble();
      return trouble === null
        ? []
        : [{ class: 'drop-root', text: `drop root ${root.rules.root.path}: ${trouble}` }];
    }),
    ...archives.flatMap((archive) => {
      const trouble = archive.trouble();
      return trouble === null ? [] : [{ class: 'archive', text: trouble }];
    }),
    ...(listenTrouble === null ? [] : [{ class: 'not-served', text: listenTrouble }]),
  ];
  return {
    running: isDaemon,
    pid: isDaemon ? process.pid : null,
    version,
    host,
    healthy: problems.length === 0,
    problems: problems.map(({ text }) => text),
    problem_reasons: problems,
    http: parts.listener?.address() ?? null,
    loops: loops.map(({ name, lastMs, isStalled }) => ({
      name,
      last_progress: isoTime(lastMs),
      moving: !isStalled,
    })),
    configuration,
    counts: told.counts,
    outputs_differ: told.differing,
    history: told.history,
    oldest_waiting: told.oldest,
    waiting_since: told.waitingSinceMs === null ? null : isoTime(told.waitingSinceMs),
    needs_person: told.needsPerson,
    platform: {
      ...platform,
      state: paused === null ? 'ok' : 'paused',
      reason: paused?.failure.text ?? null,
      apps: delivery.pausedApps().map(({ app, failure }) => ({ app, state: 'paused', reason: failure.text })),
      storage: { state: storage === null ? 'ok' : 'paused', reason: storage?.failure.text ?? null },
      budget: budgetOf(delivery),
    },
    results: { state: results === null ? 'ok' : 'paused', reason: results?.failure.text ?? null },
    drop_roots: intakes.map((intake) => {
      const { name, path, app } = intake.rules.root;
      const lastScanMs = intake.lastScanMs();
      const archive = archives.find(({ rules }) => rules.name === name);
      return {
        name,
        path,
        app,
        hints: intake.hints(),
        found: { by_scan: intake.found().byScan, by_event: intake.found().byEvent },
        settling: count(name, 'settling'),
        overdue: count(name, 'overdue'),
        last_scan: lastScanMs === null ? null : isoTime(lastScanMs),
        archive: archive === undefined ? null : { path: archive.rules.archive, problem: archive.trouble() },
        backfill: backfillOf(intake, told, count(name, 'skipped'), intakeParts),
        problem: intake.trouble(),
      };
    }),
  };
}

function backfillOf(
  intake: RootIntake,
  { backlog }: Told,
  leftOut: number,
  { clock, runsPerSecond }: IntakeParts,
): StatusView['drop_roots'][number]['backfill'] {
  const { name, backfill } = intake.rules.root;
  const waiting = backlog.find(({ dropRoot }) => dropRoot === name)?.count ?? 0;
  const lastsMs = waiting === 0 ? null : backlogMs(waiting, runsPerSecond());
  return {
    mode: backfillText(backfill),
    found: intake.historyFound(),
    left_out: leftOut,
    waiting,
    eta: lastsMs === null ? null : isoTime(clock.nowMs() + lastsMs),
  };
}

function wrongOnDisk({ problems: [first, ...others] }: ConfigurationView): Reason[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more: \`runtrackd check-config\`)`;
  return [
    {
      class: 'configuration-on-disk',
      text: `the configuration on disk is wrong, and an earlier reading is in force: ${first}${more}`,
    },
  ];
}

/** Of a pace that is merely narrow nobody need know: the runs get on. */
function refusedAsTooMany({ budget }: Delivery, { counts }: Told): Reason[] {
  return refusable.flatMap(({ line, what, states }) => {
    const refusedMs = budget.refusedForMs(line);
    if (refusedMs < refusedMsMax || states.every((state) => (counts[state] ?? 0) === 0)) return [];
    const text = `the platform has refused each ${what} as one too many (429) for ${prettyMs(refusedMs, { compact: true })}: look at what else uses the account, and at platform.limits`;
    return [{ class: rateLimited, text }];
  });
}

function stalled({ name, agoMs }: LoopView): Reason {
  return {
    class: 'loop-stalled',
    text: `the loop "${name}" has not moved for ${prettyMs(agoMs, { compact: true })}: look at the journal, and restart the daemon if it stays so`,
  };
}

function budgetOf({ budget }: Delivery): StatusView['platform']['budget'] {
  const { runs, api } = budget.rates();
  // By its digits, not its decimals: the narrowest pace is far below one a second, and 0 would be told as no limit.
  const rounded = (rate: number | null): number | null =>
    rate === null ? null : Number(rate.toPrecision(shownDigits));
  return {
    runs_per_second: rounded(runs),
    requests_per_minute: rounded(api === null ? null : api * 60),
    waiting: budget.waiting(),
    narrowed: budget.isNarrowed(),
    limits: {
      runs_per_second: budget.limits.runsPerSecond,
      requests_per_minute: budget.limits.requestsPerMinute,
    },
  };
}
