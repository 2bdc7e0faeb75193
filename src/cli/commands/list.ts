/** `list`: runs, newest first, folders that are settling included. With --json one object a line. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import ms, { type StringValue } from 'ms';
import { shownStates } from '../../core/run.ts';
import type { RunView } from '../../http/operations.ts';
import { machineClock } from '../../system/clock.ts';
import { configOption, jsonOption, say, withDaemon } from '../common.ts';
import { factsAtAGlance } from '../factsText.ts';
import { ago, coloured, columns, printable } from '../words.ts';

/** Rows are printed in tables of this many, so that a long list begins to show at once. */
const tableRows = 500;

export const listCommand = () =>
  new Command('list')
    .addOption(configOption())
    .addOption(new Option('--state <state...>', 'only these states').choices(shownStates))
    .option('--root <name>', 'only this drop root')
    .option('--since <time>', 'only what began since then: 2026-01-31, or 2h for two hours ago', parseSince)
    .option('--limit <n>', 'at most so many; 0: all', parseLimit, 50)
    .addOption(jsonOption())
    .action(async ({ config, state, root, since, limit, json }) => {
      await withDaemon(config, 'look', async ({ operations }) => {
        const runs = operations.list({
          states: state ?? [],
          root: root ?? null,
          sinceMs: since ?? null,
          // One more than is shown tells whether there are more.
          limit: limit === 0 ? 0 : limit + 1,
        });
        let rows: RunView[] = [];
        let count = 0;
        for await (const run of runs) {
          count += 1;
          if (limit > 0 && count > limit) continue;
          if (json === true) say(JSON.stringify(run));
          else rows.push(run);
          if (rows.length < tableRows) continue;
          say(table(rows));
          rows = [];
        }
        if (json === true) return;
        if (rows.length > 0) say(table(rows));
        if (count === 0) say('Nothing matches.');
        else if (limit > 0 && count > limit)
          process.stderr.write(`The newest ${String(limit)}; --limit 0 shows all.\n`);
      });
    });

function table(runs: readonly RunView[]): string {
  const nowMs = machineClock.nowMs();
  return columns(
    ['run', 'state', 'since', 'folder', 'log says', 'run id', 'reason'],
    runs.map((run) => [
      run.run === null ? '' : `#${String(run.run)}`,
      coloured(run.state),
      ago(run.since, nowMs),
      printable(run.folder),
      factsAtAGlance(run.facts),
      run.run_id ?? '',
      printable(run.reason?.text ?? ''),
    ]),
  );
}

/** @returns wall clock in ms */
function parseSince(text: string): number {
  const agoMs: unknown = /^[0-9.]+ *[a-z]+$/i.test(text) ? ms(text as StringValue) : undefined;
  if (typeof agoMs === 'number' && agoMs >= 0) return machineClock.nowMs() - agoMs;
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new InvalidArgumentError(
    'say a time like 2026-01-31 or 2026-01-31T06:00Z, or how long ago, like 2h.',
  );
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new InvalidArgumentError('say a whole number; 0 means all.');
}
