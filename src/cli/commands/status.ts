/** `status`: one screen. Exit 3 when something needs a person, 69 when the daemon does not run. */
import { Command } from '@commander-js/extra-typings';
import { styleText } from 'node:util';
import { needsPerson, shownStates } from '../../core/run.ts';
import { narrowedText } from '../../http/narrowedText.ts';
import type { StatusView } from '../../http/operations.ts';
import { machineClock } from '../../system/clock.ts';
import { backfillLines, leftOutLines } from '../backfillText.ts';
import { configOption, jsonOption, printJson, say, withDaemon } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { explainHint } from '../operating.ts';
import { ago, coloured, columns, printable } from '../words.ts';

/** It is one screen: more of what needs a person is counted, not named. */
const namedMax = 10;

export const statusCommand = () =>
  new Command('status')
    .addOption(configOption())
    .addOption(jsonOption())
    .option('--open', 'print a link to the status page that lets one browser in, once')
    .action(async ({ config, json, open }) => {
      await withDaemon(config, 'look', async ({ operations, isDaemon }) => {
        if (open === true) {
          if (!isDaemon)
            throw new CommandFailure(
              exitCodes.unreachable,
              'the daemon is not running, so there is no page. Start it with `runtrackd run` or systemctl',
            );
          const link = await operations.pageLink();
          if (json === true) printJson(link);
          else say(link.url);
          return;
        }
        const status = await operations.status();
        if (json === true) printJson(status);
        else say(statusScreen(status, machineClock.nowMs()));
        if (!status.running) process.exitCode = exitCodes.unreachable;
        else if (status.needs_person.length > 0) process.exitCode = exitCodes.needsPerson;
      });
    });

function statusScreen(status: StatusView, nowMs: number): string {
  const { platform, oldest_waiting: oldest } = status;
  const lines = [
    status.running
      ? `runtrackd ${status.version} is running on ${status.host} (pid ${String(status.pid)})`
      : `runtrackd is ${styleText('red', 'not running')} on ${status.host}; this is what its outbox says. Start it with \`runtrackd run\` or systemctl; \`runtrackd explain not-running\` says more.`,
    `platform: ${platform.kind}${platform.endpoint === null ? '' : ` at ${platform.endpoint}`}, ${platform.state}`,
  ];
  const narrowed = narrowedText(platform.budget);
  if (narrowed !== null) lines.push(`  ${styleText('yellow', '!')} ${narrowed}`);
  // The first line says that it is not running.
  const problems = status.problem_reasons.filter((problem) => problem.class !== 'not-running');
  for (const { text } of problems) lines.push(`  ${styleText('red', '!')} ${printable(text)}`);
  lines.push(
    ...explained(problems.map((problem) => problem.class)),
    '',
    columns(
      ['drop root', 'path', 'app', 'settling', 'overdue', 'looked at', 'found by scan, event', 'hints'],
      status.drop_roots.map((root) => [
        root.name,
        root.path,
        root.app,
        String(root.settling),
        String(root.overdue),
        root.last_scan === null ? 'not yet' : ago(root.last_scan, nowMs),
        `${String(root.found.by_scan)}, ${String(root.found.by_event)}`,
        root.hints,
      ]),
    ),
  );
  lines.push(...backfillLines(status.drop_roots), ...leftOutLines(status.drop_roots));
  const counts = shownStates.flatMap((state) => {
    const count = status.counts[state];
    return count === undefined ? [] : [`${String(count)} ${coloured(state)}`];
  });
  lines.push('', counts.length === 0 ? 'No run folder was seen yet.' : counts.join(', '));
  if (status.outputs_differ !== null && status.outputs_differ > 0)
    lines.push(
      `${styleText('yellow', '!')} ${String(status.outputs_differ)} output(s) came back different from what was sent: see "warnings" in \`runtrackd list --json\``,
    );
  if (oldest !== null)
    lines.push(
      `oldest on its way: #${String(oldest.run)} ${printable(oldest.folder)}, ${oldest.state} since ${ago(oldest.since, nowMs)}`,
    );
  if (status.needs_person.length === 0) lines.push('Nothing needs you.');
  else {
    lines.push('', styleText('bold', 'Needs you:'));
    for (const run of status.needs_person.slice(0, namedMax)) {
      lines.push(
        `  ${run.run === null ? '' : `#${String(run.run)} `}${printable(run.folder)}  ${coloured(run.state)}: ${printable(run.reason?.text ?? '')}`,
      );
      if (run.hint !== null) lines.push(`      ${printable(run.hint)}`);
    }
    // Of many only the first are told of one by one.
    const waiting = needsPerson.reduce((total, state) => total + (status.counts[state] ?? 0), 0);
    const lasting = status.needs_person.filter(({ state }) => !needsPerson.includes(state)).length;
    const more = waiting + lasting - namedMax;
    if (more > 0)
      lines.push(
        `  and ${String(more)} more: \`runtrackd list --state parked --state rejected --state overdue\``,
      );
    lines.push('', ...explained(status.needs_person.map(({ reason, state }) => reason?.class ?? state)));
    lines.push(
      'Answer with `runtrackd retry FOLDER` or `runtrackd skip FOLDER`; `runtrackd show FOLDER` tells the whole story.',
    );
  }
  return lines.join('\n');
}

/** What to type to understand, once for each class of reason. */
function explained(classes: readonly string[]): string[] {
  const hints = [...new Set(classes)]
    .map(explainHint)
    .filter((hint) => hint !== '')
    .slice(0, namedMax);
  return hints.length === 0 ? [] : [`What it means: ${hints.map((hint) => `\`${hint}\``).join(', ')}.`];
}
