/** `show`: one run, everything known, why it is where it is, and what happens next. */
import { Command } from '@commander-js/extra-typings';
import prettyBytes from 'pretty-bytes';
import type { RunStory } from '../../http/operations.ts';
import { machineClock } from '../../system/clock.ts';
import { explainHint } from '../operating.ts';
import { configOption, jsonOption, printJson, say, selectorOf, withDaemon } from '../common.ts';
import { factsSentences } from '../factsText.ts';
import { convergencePlot } from '../parseLogPlot.ts';
import { pausedFor } from '../pausedFor.ts';
import { nextLines, storyLines, type Telling } from '../storyText.ts';
import { ago, coloured, columns, printable } from '../words.ts';

export const showCommand = () =>
  new Command('show')
    .argument('<run>', "a path, a folder's name, or '#42'")
    .option(
      '--generation <digits>',
      'the first digits of the generation, for an earlier run of the same folder',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (text, { config, generation, json }) => {
      await withDaemon(config, 'look', async ({ operations, isDaemon }) => {
        const story = await operations.show(selectorOf(text, generation ?? null));
        if (json === true) printJson(story);
        else say(storyText(story, isDaemon, pausedFor(await operations.status(), story.app)));
      });
    });

/** States in which somebody has to know more. */
const needsPerson: ReadonlySet<string> = new Set(['parked', 'rejected', 'overdue', 'skipped', 'gone']);
/** Enough to tell the generations of a folder apart. */
const generationCharsShown = 'sha256:'.length + 16;

function storyText(story: RunStory, isDaemon: boolean, paused: string | null): string {
  const telling: Telling = {
    nowMs: machineClock.nowMs(),
    timeZone: undefined,
    isDaemon,
    paused,
    explain: needsPerson.has(story.state) ? explainHint(story.reason?.class ?? story.state) : '',
  };
  const facts: [string, string | null][] = [
    ['folder', printable(story.folder)],
    ['app', story.instance === null ? story.app : `${story.app}, instance ${story.instance}`],
    ['run id', story.run_id],
    ['console', story.console_url],
    ['generation', story.generation === null ? null : `${story.generation.slice(0, generationCharsShown)}…`],
    ['fingerprint', story.fingerprint],
    [
      'same folder',
      story.same_folder.length === 0 ? null : story.same_folder.map((run) => `#${String(run)}`).join(', '),
    ],
  ];
  const lines = [
    `${story.run === null ? 'A folder that is no run yet' : `Run #${String(story.run)}`}: ${coloured(story.state)} since ${ago(story.since, telling.nowMs)}`,
    '',
    columns(
      [],
      facts.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    ),
  ];
  for (const warning of story.warnings) lines.push(`warning      ${printable(warning)}`);
  for (const rule of story.inferred) lines.push(`inferred     ${printable(rule)}`);
  for (const sentence of story.facts === null ? [] : factsSentences(story.facts))
    lines.push(`log          ${sentence}`);
  if (story.enriched.length > 0)
    lines.push(`added        ${story.enriched.join(', ')}, from the log: on the platform only`);
  const plot = plotOf(story);
  if (plot !== '') lines.push('', plot);
  if (story.artefacts.length > 0) {
    lines.push(
      '',
      columns(
        ['role', 'file', 'type', 'files', 'size', 'sha256'],
        story.artefacts.map(({ role, name, type, bytes, sha256, files }) => [
          role,
          name,
          type,
          String(files),
          prettyBytes(bytes),
          `${sha256.slice(0, 16)}…`,
        ]),
      ),
    );
  }
  if (story.thinned)
    lines.push('', 'Its story is older than history.keep: only what keeps it from being sent again is left.');
  const told = storyLines(story, telling);
  if (told.length > 0) lines.push('', columns([], told));
  lines.push('', ...nextLines(story, telling));
  return lines.join('\n');
}

/** How solution and bound moved, on a terminal: a script has the points in the JSON. */
function plotOf({ facts }: RunStory): string {
  if (facts === null || !process.stdout.isTTY) return '';
  return convergencePlot(facts, process.stdout.columns, process.stdout.rows);
}
