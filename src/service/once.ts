/** `run --once`: scan, deliver everything that is complete or becomes so, and end when nothing is left to wait for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '../delivery/delivery.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../system/clock.ts';
import type { DropRoots } from './dropRoots.ts';
import type { RunningLoops } from './runningLoops.ts';

export interface OnceParts {
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly dropRoots: DropRoots;
  readonly platformId: string;
  readonly clock: Clock;
  /** So long is waited without any progress, while the outbox is well. */
  readonly waitMsMax: number;
  readonly stop: AbortSignal;
  /** Begins the loops, which run until the signal. */
  readonly begin: (stop: AbortSignal) => RunningLoops;
}

export interface OnceOutcome {
  readonly recorded: number;
  /** Runs on their way to the configured platform that could not be finished. */
  readonly undelivered: number;
  /** Folders of configured drop roots that are still being written: nobody looks at others. */
  readonly settling: number;
  /** Likewise, and runs on their way to a platform that is not configured. */
  readonly needsPerson: number;
  /** Why the platform is paused, or an app, if one is. */
  readonly paused: string | null;
  /** Drop roots that could not be looked at, with the reason. */
  readonly unscanned: readonly string[];
}

/** How often it is asked whether anything is left, in ms: counting runs is not free. */
const askedEveryMs = 100;

export async function deliverOnce(parts: OnceParts): Promise<OnceOutcome> {
  const { outbox, delivery, dropRoots, stop, clock, waitMsMax, begin } = parts;
  const done = new AbortController();
  const before = await outcomeNow(parts);
  let progressMs = clock.monotonicMs();
  // What an outbox in trouble holds up, the watch among it, can get on again when that is over: the count begins anew.
  const looking = setInterval(() => {
    if (outbox.trouble() !== null) progressMs = clock.monotonicMs();
  }, askedEveryMs);
  const watch = async (signal: AbortSignal): Promise<void> => {
    let last = '';
    while (!signal.aborted) {
      const now = await outcomeNow(parts);
      const isScanned = dropRoots.intakes.every(
        (root) => root.lastScanMs() !== null || root.unscanned() !== null,
      );
      const isLeft = now.undelivered > 0 || now.settling > 0 || delivery.inHand() > 0;
      if (isScanned && !isLeft) break;
      // The reason of a pause may name another request each time, which is no progress. And before the first look nobody can
      // say of a folder what it waits for.
      const counted = JSON.stringify({ ...now, paused: null });
      const snapshot = `${String(isScanned)} ${counted} ${String(await outbox.newestChangeMs())} ${String(delivery.pagesRead())}`;
      if (snapshot !== last) {
        last = snapshot;
        progressMs = clock.monotonicMs();
      } else if (isScanned && clock.monotonicMs() - progressMs >= waitMsMax) break;
      await sleep(askedEveryMs, undefined, { signal }).catch(() => undefined);
    }
    done.abort();
  };
  const signal = AbortSignal.any([stop, done.signal]);
  const running = begin(signal).ended();
  await Promise.all([running.finally(() => done.abort()), watch(signal)]).finally(() =>
    clearInterval(looking),
  );
  const after = await outcomeNow(parts);
  return { ...after, recorded: after.recorded - before.recorded };
}

async function outcomeNow({ outbox, delivery, dropRoots, platformId }: OnceParts): Promise<OnceOutcome> {
  const { states, folders } = await outbox.counts();
  const foreign = (await outbox.foreignDue(platformId)).reduce((total, { count }) => total + count, 0);
  const sum = (...kinds: (keyof typeof states)[]): number =>
    kinds.reduce((total, kind) => total + (states[kind] ?? 0), 0);
  const watched = folders.filter(({ dropRoot }) => dropRoots.named(dropRoot) !== null);
  const sumOfFolders = (...kinds: string[]): number =>
    watched.reduce((total, { state, count }) => total + (kinds.includes(state) ? count : 0), 0);
  return {
    recorded: sum('recorded'),
    undelivered: sum('queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final') - foreign,
    settling: sumOfFolders('settling'),
    needsPerson: sum('parked') + sumOfFolders('rejected', 'overdue') + foreign,
    paused: (delivery.pause() ?? delivery.pausedApps()[0])?.failure.text ?? null,
    unscanned: dropRoots.intakes.flatMap((root) => {
      const why = root.unscanned();
      return why === null ? [] : [`${root.rules.root.path} ${why}`];
    }),
  };
}
