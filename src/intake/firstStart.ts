/** What the first start of a root says of the history that lies in it. */
import prettyMs from 'pretty-ms';
import { backfillText } from '../core/backfill.ts';
import { isoTime } from '../system/clock.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

/** @returns how long so many runs take at the platform's pace, in ms; null: nothing limits it */
export function backlogMs(runs: number, runsPerSecond: number | null): number | null {
  return runsPerSecond === null ? null : Math.ceil((runs / runsPerSecond) * 1_000);
}

/** One line of the log. */
export function announce(
  { name, path, backfill }: DropRoot,
  found: number,
  { log, runsPerSecond }: Pick<IntakeParts, 'log' | 'runsPerSecond'>,
): void {
  if (found === 0) return;
  const mode = backfillText(backfill);
  log.info(
    { root: name, found, backfill: mode },
    `first start of drop root ${path}: ${String(found)} folder(s) lie there already; backfill is ${mode}: ${plan(backfill, found, runsPerSecond())}`,
  );
}

/**
 * A clock that was ahead at the first start makes history of what comes later, until it is past that moment. What a process
 * sees come is none, whatever clocks say.
 */
export function warnOfClock(
  { name, path }: DropRoot,
  firstStartMs: number | null,
  { log, clock }: Pick<IntakeParts, 'log' | 'clock'>,
): void {
  if (firstStartMs === null || firstStartMs <= clock.nowMs()) return;
  const first = isoTime(firstStartMs);
  log.warn(
    { root: name, first },
    `drop root ${path} was first watched at ${first}, which is still to come by the clock of this machine: what comes while no daemon runs counts as history until then`,
  );
}

function plan(backfill: DropRoot['backfill'], found: number, runsPerSecond: number | null): string {
  const reviving = '`runtrackd retry --reason backfill` tracks what is left out';
  if (backfill.kind === 'none')
    return `they are left out, and only what changes from now on is tracked; ${reviving}`;
  const durationMs = backlogMs(found, runsPerSecond);
  const pace =
    durationMs === null || runsPerSecond === null
      ? 'oldest first'
      : `oldest first, at ${String(runsPerSecond)} a second, which takes ${prettyMs(durationMs, { compact: true })} for all of them`;
  const fresh = 'fresh runs go before them';
  return backfill.kind === 'all'
    ? `those that are complete are tracked, ${pace}; ${fresh}`
    : `those that are complete and as young as that are tracked, ${pace}; ${fresh}; ${reviving}`;
}
