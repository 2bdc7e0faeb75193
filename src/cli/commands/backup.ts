/** `backup` and `restore`: the outbox in a file of its own, and back again. */
import { Command } from '@commander-js/extra-typings';
import { resolve } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { OtherHost, restoreOutbox } from '../../outbox/restore.ts';
import { isoTime, machineClock } from '../../system/clock.ts';
import { configOption, jsonOption, printJson, say, withDaemon } from '../common.ts';
import { configFor } from '../configured.ts';
import { CommandFailure, exitCodes } from '../exit.ts';

export const backupCommand = () =>
  new Command('backup')
    .argument('<file>', 'the copy, which must not exist yet')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (file, { config, json }) => {
      await withDaemon(config, 'change', async ({ operations }) => {
        const made = await operations.backup({ file: resolve(file) });
        if (json === true) printJson(made);
        else
          say(
            `${made.file} holds the outbox: ${String(made.runs)} run(s), ${prettyBytes(made.bytes)}, checked and synced.\n` +
              `Put it back with \`runtrackd restore ${file}\`, while no daemon runs.`,
          );
      });
    });

export const restoreCommand = () =>
  new Command('restore')
    .argument('<file>', 'what `backup` has made')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((file, { config: explicit, json }) => {
      const config = configFor(explicit, false);
      const path = resolve(file);
      const { keptAs, runs, newestMs } = restored(config.stateDir, path, config.host);
      const newest = newestMs === null ? null : isoTime(newestMs);
      if (json === true) {
        printJson({ file: path, state_dir: config.stateDir, kept_as: keptAs, runs, newest_change: newest });
        return;
      }
      const kept =
        keptAs === null ? 'There was none before.' : `The one that was there is kept as ${keptAs}.`;
      const age = newest === null ? '' : `, the newest change from ${newest}`;
      say(
        `The outbox in ${config.stateDir} is that of ${path} now: ${String(runs)} run(s)${age}. ${kept}\n` +
          'Next: start the daemon. It believes nothing that is older than now before it was looked for on the platform;\n' +
          'what is new since the copy is found by its result files and by its fingerprint, and nothing is sent twice.\n' +
          'That takes a little longer than absent_after (20 minutes) for runs that are nowhere to be found.',
      );
    });

function restored(stateDir: string, file: string, host: string) {
  try {
    return restoreOutbox(stateDir, file, host, machineClock.nowMs());
  } catch (error) {
    if (error instanceof OtherHost) throw new CommandFailure(exitCodes.config, error.message);
    throw error;
  }
}
