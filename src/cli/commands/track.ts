/** `track`: one folder, now, through the same outbox. Prints the run id, or with --wait the recorded result. */
import { Command } from '@commander-js/extra-typings';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import { resultFileName } from '../../core/ownFiles.ts';
import type { RunView } from '../../http/operations.ts';
import { machineClock } from '../../system/clock.ts';
import { resultDirOf } from '../../system/resultDirectory.ts';
import { configOption, jsonOption, printJson, say, tell, withDaemon } from '../common.ts';
import { configFor } from '../configured.ts';
import type { DaemonLink } from '../daemonLink.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { explainHint } from '../operating.ts';
import { pausedFor } from '../pausedFor.ts';
import { Progress } from '../progress.ts';
import { localTime } from '../storyText.ts';
import { printable } from '../words.ts';

/** One question to the daemon waits this long; then it is asked again. */
const waitMsMax = 25_000;

export const trackCommand = () =>
  new Command('track')
    .argument('<folder>', 'a run folder, inside a drop root or anywhere else')
    .option('--app <id>', 'the app; needed for a folder outside all drop roots')
    .option('--instance <id>', 'the instance')
    .option('--name <text>', "the run's name")
    .option('--wait', 'wait for the recorded result and print it')
    .option('--again', 'a deliberate second run of the same content')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (folder, { app, instance, name, wait, again, config, json }) => {
      await withDaemon(config, 'change', async (link) => {
        const tracked = await link.operations.track({
          folder: resolve(folder),
          app: app ?? null,
          instance: instance ?? null,
          name: name ?? null,
          again: again === true,
        });
        const until = wait === true ? 'recorded' : 'tracked';
        const run = await waitFor(link, tracked, until);
        if (
          run.state === 'parked' ||
          run.state === 'gone' ||
          run.state === 'superseded' ||
          run.state === 'skipped'
        ) {
          throw new CommandFailure(
            wait === true && run.state === 'parked' ? exitCodes.needsPerson : exitCodes.failed,
            [
              `${run.folder} is ${run.state}: ${run.reason?.text ?? 'see `runtrackd show`'}.`,
              run.hint ?? '',
              explainHint(run.reason?.class ?? run.state),
            ]
              .filter((part) => part !== '')
              .map(printable)
              .join(' '),
          );
        }
        if (run.run_id === null || (wait === true && run.state !== 'recorded'))
          throw new CommandFailure(exitCodes.unreachable, onItsWayText(run));
        if (wait === true) say((await recordedResult(run, config)).trimEnd());
        else if (json === true) printJson(run);
        else say(run.run_id);
      });
    });

/** Of a run that could not be waited for any longer. */
function onItsWayText(run: RunView): string {
  const number = `#${String(run.run)}`;
  const made = run.run_id === null ? '' : `, as ${run.run_id} on the platform`;
  const next =
    run.run_id === null
      ? 'the daemon delivers it when it can'
      : 'the daemon brings its result when it can, and sends nothing again';
  return `${printable(run.folder)} is run ${number}${made}, and it is ${run.state} still; ${next} (\`runtrackd show '${number}'\`)`;
}

async function waitFor(link: DaemonLink, tracked: RunView, until: 'tracked' | 'recorded'): Promise<RunView> {
  const number = tracked.run;
  if (number === null) throw new Error('a tracked folder has a run');
  const progress = new Progress(progressText(tracked));
  try {
    return await followed(link, number, until, progress);
  } finally {
    progress.end();
  }
}

async function followed(
  link: DaemonLink,
  number: number,
  until: 'tracked' | 'recorded',
  progress: Progress,
): Promise<RunView> {
  await link.deliver(number, until);
  for (;;) {
    const run = await link.operations.waitFor({
      run: number,
      until,
      waitMsMax: link.isDaemon ? waitMsMax : 0,
    });
    progress.tell(progressText(run));
    const isOnItsWay = ['queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'].includes(run.state);
    const isFar = until === 'tracked' && run.run_id !== null;
    if (!isOnItsWay || isFar || !link.isDaemon) return run;
    const paused = pausedFor(await link.operations.status(), run.app);
    if (paused === null) continue;
    if (until === 'tracked') {
      tell(`it waits: ${printable(paused)}`);
      return run;
    }
    progress.end();
    tell(`still waiting: ${printable(paused)}`);
  }
}

function progressText({ run, state, due_at: due }: RunView): string {
  const next =
    due === null || Date.parse(due) <= machineClock.nowMs()
      ? ''
      : `, goes on at ${localTime(due, machineClock.nowMs(), undefined)}`;
  return `run #${String(run)} is ${state}${next}`;
}

/**
 * The result file: beside the solver's files, in the directory that mirrors the drop root, or, where neither took it, in
 * the state directory. A configuration that cannot be read is in the way of nobody whose result lies in the folder.
 */
async function recordedResult(run: RunView, explicitConfig: string | undefined): Promise<string> {
  const inFolder = join(run.folder, resultFileName);
  const own = await textOfRun(inFolder, run);
  if (own !== null) return own;
  const elsewhere = placesOfResult(run, configFor(explicitConfig, false));
  for (const file of elsewhere) {
    const kept = await textOfRun(file, run);
    if (kept !== null) return kept;
  }
  throw new CommandFailure(
    exitCodes.failed,
    `the result of run #${String(run.run)} was recorded, but it is in none of these, or this user may not read it: ${[inFolder, ...elsewhere].map(printable).join(', ')}`,
  );
}

function placesOfResult(run: RunView, { stateDir, dropRoots }: Config): string[] {
  const root = dropRoots.find(({ name }) => name === run.drop_root);
  const mirrored =
    root === undefined || root.resultsDir === null
      ? []
      : [join(resultDirOf(root, relative(root.path, run.folder)), resultFileName)];
  return [...mirrored, join(stateDir, 'results', `run-${String(run.run)}`, resultFileName)];
}

async function textOfRun(file: string, { fingerprint }: RunView): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text?.includes(fingerprint ?? '') === true ? text : null;
}
