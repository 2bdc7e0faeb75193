/** One screen's worth of truth: is it running, is it moving, what waits and why, what needs a person. */
import type { Run } from '../outbox/nouns.ts';
import type { RunView, StatusView } from '../http/operations.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { RootIntake } from '../intake/rootIntake.ts';
import type { IntakeParts } from '../intake/parts.ts';
import { isoTime } from '../system/clock.ts';

export interface StatusParts {
  readonly intakeParts: IntakeParts;
  readonly roots: readonly RootIntake[];
  readonly delivery: Delivery;
  /** Whether this process is the daemon, or a command that reads its outbox while it is away. */
  readonly isDaemon: boolean;
  readonly version: string;
  readonly platform: { readonly kind: string; readonly endpoint: string | null };
  readonly platformId: string;
}

/** The states in which something is still to come, the oldest of which tells whether it moves. */
const waitingStates = ['queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'] as const;

export async function statusOf(
  parts: StatusParts,
  view: (run: Run) => RunView,
  needsPerson: readonly RunView[],
): Promise<StatusView> {
  const { intakeParts, roots, delivery, isDaemon, version, platform, platformId } = parts;
  const { outbox, host } = intakeParts;
  const { states, folders } = await outbox.counts();
  const waiting = await Promise.all(waitingStates.map((kind) => outbox.oldestOf(kind)));
  const oldest = waiting
    .filter((run) => run !== null)
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .at(0);
  const foreign = await outbox.foreignDue(platformId);
  const paused = delivery.gate.platformPause();
  const pausedApps = delivery.gate.appPauses();
  const count = (root: string, state: string): number =>
    folders.find((folder) => folder.dropRoot === root && folder.state === state)?.count ?? 0;
  const problems = [
    ...(isDaemon ? [] : ['the daemon is not running']),
    ...(paused === null ? [] : [paused.failure.text]),
    ...pausedApps.map(({ pause }) => pause.failure.text),
    ...foreign.map(
      ({ platform: other, count }) =>
        `${count} run(s) are on their way to another platform, ${other}, and wait until it is configured again`,
    ),
    ...roots.flatMap((root) => {
      const trouble = root.trouble();
      return trouble === null ? [] : [`drop root ${root.rules.root.path}: ${trouble}`];
    }),
  ];
  return {
    running: isDaemon,
    pid: isDaemon ? process.pid : null,
    version,
    host,
    healthy: problems.length === 0,
    problems,
    counts: states,
    oldest_waiting: oldest === undefined ? null : view(oldest),
    needs_person: needsPerson,
    platform: {
      ...platform,
      state: paused === null ? 'ok' : 'paused',
      reason: paused?.failure.text ?? null,
      apps: pausedApps.map(({ app, pause }) => ({ app, state: 'paused', reason: pause.failure.text })),
      budget: budgetOf(delivery),
    },
    drop_roots: roots.map((intake) => {
      const { name, path, app } = intake.rules.root;
      const lastScanMs = intake.lastScanMs();
      return {
        name,
        path,
        app,
        hints: intake.hints(),
        settling: count(name, 'settling'),
        overdue: count(name, 'overdue'),
        last_scan: lastScanMs === null ? null : isoTime(lastScanMs),
        problem: intake.trouble(),
      };
    }),
  };
}

function budgetOf({ budget }: Delivery): StatusView['platform']['budget'] {
  const { runs, api } = budget.rates();
  const rounded = (rate: number | null): number | null =>
    rate === null ? null : Math.round(rate * 100) / 100;
  return {
    runs_per_second: rounded(runs),
    requests_per_minute: rounded(api === null ? null : api * 60),
    waiting: budget.waiting(),
    narrowed: budget.isNarrowed(),
  };
}
