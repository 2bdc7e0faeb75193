/** How far the history of the drop roots is: a line of `status`, and of a daemon that runs on a terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusView } from '../http/operations.ts';
import { tell } from './common.ts';

type RootView = StatusView['drop_roots'][number];

/** One line for each drop root in which something was left out. */
export function leftOutLines(roots: readonly RootView[]): string[] {
  return roots.flatMap(({ name, backfill: { mode, left_out: leftOut } }) => {
    if (leftOut === 0 || mode === 'all') return [];
    const reviving = `\`runtrackd retry --reason backfill --root ${name}\` tracks what lay there before the first start`;
    return [`left out in ${name}: ${String(leftOut)} folder(s), with backfill ${mode}; ${reviving}`];
  });
}

/** Long enough that a handful of folders is sent before anything is said of them, in ms. */
const toldEveryMs = 5_000;

/** One line for each drop root of whose history something waits. */
export function backfillLines(roots: readonly RootView[]): string[] {
  return roots.flatMap(({ name, backfill: { waiting, eta } }) => {
    if (waiting === 0) return [];
    const end = eta === null ? '' : `, until about ${eta.slice(0, 16).replace('T', ' ')} UTC`;
    return [
      `history of ${name}: ${String(waiting)} run(s) wait, oldest first${end}; fresh runs go before them`,
    ];
  });
}

/**
 * Tells it now and then on stderr, on a terminal only: in a pipe, and under systemd, nothing is written. In whole lines,
 * because the log goes to the same terminal.
 */
export async function tellBackfill(status: () => Promise<StatusView>, stop: AbortSignal): Promise<void> {
  if (!process.stderr.isTTY) return;
  let told: string[] = [];
  for (;;) {
    await sleep(toldEveryMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    // An outbox in trouble is another one's story.
    const seen = await status().catch(() => null);
    if (seen === null) continue;
    const lines = backfillLines(seen.drop_roots);
    for (const line of lines) if (!told.includes(line)) tell(line);
    if (told.length > 0 && lines.length === 0) tell('the history of the drop roots is sent');
    told = lines;
  }
}
