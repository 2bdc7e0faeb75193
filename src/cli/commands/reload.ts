/** `reload`: the running daemon reads its configuration again, as on HUP. */
import { Command } from '@commander-js/extra-typings';
import { controlDirIn, describeProblem, findConfigFile } from '../../config/config.ts';
import type { ReloadedView } from '../../http/operations.ts';
import { controlSocketIn } from '../../core/controlSocket.ts';
import { asRefusal, configOption, jsonOption, printJson, say, tell } from '../common.ts';
import { configFor } from '../configured.ts';
import { linkOverSocket } from '../daemonLink.ts';
import { CommandFailure, exitCodes } from '../exit.ts';

export const reloadCommand = () =>
  new Command('reload')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async ({ config: explicit, json }) => {
      const found = findConfigFile(explicit, process.env, process.cwd());
      if (!('path' in found)) throw new CommandFailure(exitCodes.config, describeProblem(found));
      // Of a file that is wrong, too: it is the daemon that has to know of it.
      const directory = controlDirIn(found.path);
      const link = directory === null ? 'nobody' : await linkOverSocket(controlSocketIn(directory));
      if (link === 'silent') {
        throw new CommandFailure(
          exitCodes.unreachable,
          'the daemon runs and does not answer: it is stopped, or hangs. `runtrackd explain not-answering` says what to do',
        );
      }
      if (link === 'nobody') {
        const { stateDir, control } = configFor(explicit, false);
        throw new CommandFailure(
          exitCodes.unreachable,
          `no daemon runs with the state directory ${stateDir} and listens at ${controlSocketIn(control.directory)}: one that is started reads the configuration by itself. ` +
            'One that has been running since before state_dir or control was changed in it listens elsewhere, and these count from its next start on: restart it (systemctl restart runtrackd)',
        );
      }
      try {
        const reloaded = await link.operations.reload();
        if (json === true) printJson(reloaded);
        else tellReloaded(reloaded);
        if (!reloaded.ok) process.exitCode = exitCodes.config;
      } catch (error) {
        throw asRefusal(error);
      } finally {
        await link.close();
      }
    });

function tellReloaded(reloaded: ReloadedView): void {
  if (reloaded.ok) say(reloadedText(reloaded));
  for (const problem of reloaded.problems) tell(problem);
  if (!reloaded.ok) {
    tell('The earlier configuration stays in force.');
    return;
  }
  for (const key of reloaded.waiting) tell(key);
}

function reloadedText({ file, changed, added, removed, parked, revived }: ReloadedView): string {
  if (changed.length === 0) return `${file} was read again: nothing that counts at once has changed.`;
  const runs = (count: number): string => `${String(count)} ${count === 1 ? 'run' : 'runs'}`;
  return [
    `${file} was read again, and counts: ${changed.join(', ')}.`,
    ...(added.length === 0 ? [] : [`Watched from now on: ${added.join(', ')}.`]),
    ...(revived === 0 ? [] : [`${runs(revived)} that waited for it go on.`]),
    ...(removed.length === 0 ? [] : [`Watched no more: ${removed.join(', ')}.`]),
    ...(parked === 0 ? [] : [`${runs(parked)} not sent yet will wait until it is there again.`]),
  ].join('\n');
}
