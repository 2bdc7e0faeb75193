/**
 * Tells the service manager how things are, and that the daemon is alive: not by a timer, but because its loops move. A
 * daemon that hangs is started again; one that waits for a disk or a platform is left to wait.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import prettyMs from 'pretty-ms';
import type { ShownState } from '../core/run.ts';
import type { OutboxTrouble } from '../core/outboxTrouble.ts';
import { monotonicUs, type Clock } from '../system/clock.ts';
import type { ServiceManager } from '../system/serviceManager.ts';
import { Waking } from '../system/waking.ts';
import type { LoopView } from './loopProgress.ts';

const tellEveryMs = 5_000;
/** An outbox that answers later than this has something to say of itself soon. */
const answerMsMax = 1_000;

export interface AnnouncingParts {
  readonly manager: ServiceManager;
  readonly clock: Clock;
  readonly loops: () => readonly LoopView[];
  readonly trouble: () => OutboxTrouble | null;
  readonly inHand: () => number;
  /** Asked of the outbox; not asked while that is in trouble. */
  readonly counts: () => Promise<Partial<Record<ShownState, number>>>;
  /** When the oldest run was made that is not done, wall clock in ms; null: there is none. */
  readonly oldestWaitingMs: () => Promise<number | null>;
}

/** Announces until `stop` is aborted, then says that the daemon is going. */
export async function announce(parts: AnnouncingParts, stop: AbortSignal): Promise<void> {
  const { manager } = parts;
  if (!manager.isThere) return;
  const waking = new Waking();
  const onStop = (): void => {
    void manager.tell({ STOPPING: '1', STATUS: 'finishing what is under way' });
    waking.wake();
  };
  stop.addEventListener('abort', onStop, { once: true });
  await manager.tell({ READY: '1' });
  // Three chances within the time that the manager grants.
  const everyMs = Math.min(tellEveryMs, (manager.watchdogMs ?? Infinity) / 3);
  while (!stop.aborted) {
    const seen = waking.count;
    const status = await statusLine(parts);
    const isAlive = manager.watchdogMs !== null && mayLive(parts.loops(), parts.trouble());
    await manager.tell({ ...(isAlive ? { WATCHDOG: '1' } : {}), STATUS: status });
    await waking.wait(seen, everyMs);
  }
}

/** Tells the manager that the configuration is being read again, and that it was. */
export async function announcedReload<T>(
  manager: ServiceManager | undefined,
  work: () => Promise<T>,
): Promise<T> {
  // In this order, and with this time: systemd tells by it that the ready that follows belongs to it.
  await manager?.tell({
    RELOADING: '1',
    MONOTONIC_USEC: String(monotonicUs()),
    STATUS: 'reading the configuration again',
  });
  try {
    return await work();
  } finally {
    await manager?.tell({ READY: '1' });
  }
}

/** Whoever waits for a disk is alive; a loop that does not move although nothing keeps it is not. */
export function mayLive(loops: readonly LoopView[], trouble: OutboxTrouble | null): boolean {
  return lifelessReasons(loops, trouble).length === 0;
}

/** Why a new process would be better than this one; empty: it would not. */
export function lifelessReasons(loops: readonly LoopView[], trouble: OutboxTrouble | null): string[] {
  if (trouble !== null) return [];
  return loops
    .filter(({ isStalled }) => isStalled)
    .map(({ name, agoMs }) => `the loop "${name}" has not moved for ${prettyMs(agoMs, { compact: true })}`);
}

async function statusLine({
  trouble,
  inHand,
  counts,
  oldestWaitingMs,
  clock,
}: AnnouncingParts): Promise<string> {
  const inTrouble = trouble();
  if (inTrouble !== null) return inTrouble.text;
  const late = new AbortController();
  const asked = Promise.all([counts(), oldestWaitingMs()]);
  // A failure of it ends the daemon by other ways.
  const answer = await Promise.race([
    asked.catch(() => null),
    sleep(answerMsMax, null, { signal: late.signal }).catch(() => null),
  ]);
  late.abort();
  return answer === null
    ? 'waiting for the outbox'
    : statusText(answer[0], inHand(), answer[1], clock.nowMs());
}

/** One line: "3 delivering, 1,204 recorded, oldest waiting 2 s". */
export function statusText(
  counts: Partial<Record<ShownState, number>>,
  inHand: number,
  oldestWaitingMs: number | null,
  nowMs: number,
): string {
  const number = (count: number): string => count.toLocaleString('en-US');
  const needing = (counts.parked ?? 0) + (counts.rejected ?? 0) + (counts.overdue ?? 0);
  const parts = [`${number(inHand)} delivering`, `${number(counts.recorded ?? 0)} recorded`];
  if (oldestWaitingMs !== null) {
    const forMs = Math.max(0, nowMs - oldestWaitingMs);
    parts.push(`oldest waiting ${prettyMs(forMs, { unitCount: 1, secondsDecimalDigits: 0 })}`);
  }
  if (needing > 0) parts.push(`${number(needing)} ${needing === 1 ? 'needs' : 'need'} a person`);
  return parts.join(', ');
}
