/** `backup` and `restore`: the outbox in a file of its own, and back again. */
import { Command } from '@commander-js/extra-typings';
import { accessSync, constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { findConfigFile, stateDirIn } from '../../config/config.ts';
import { Unanswerable, type BackupView, type Operations } from '../../http/operations.ts';
import { backUp } from '../../outbox/backup.ts';
import { ownerOf } from '../../outbox/lock.ts';
import { databasePath } from '../../outbox/place.ts';
import { OtherHost, restoreOutbox } from '../../outbox/restore.ts';
import { isoTime, machineClock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import { exitOnSignals } from '../brokenOff.ts';
import { configOption, jsonOption, printJson, say, withDaemon } from '../common.ts';
import { configFor } from '../configured.ts';
import { CommandFailure, exitCodes } from '../exit.ts';

const asAnother = 'Run this with sudo, or as the daemon’s user: both copy it by themselves';

export const backupCommand = () =>
  new Command('backup')
    .argument('<file>', 'the copy, which must not exist yet')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (file, { config, json }) => {
      await withDaemon(config, 'change', async (link) => {
        const giveUp = exitOnSignals();
        const made = await (
          link.isDaemon
            ? copiedBeside(link.operations, resolve(file), config)
            : link.operations.backup({ file: resolve(file) })
        ).finally(giveUp);
        if (json === true) printJson(made);
        else
          say(
            `${made.file} holds the outbox: ${String(made.runs)} run(s), ${prettyBytes(made.bytes)}, checked and synced.\n` +
              `Put it back with \`runtrackd restore ${file}\`, while no daemon runs.`,
          );
      });
    });

/**
 * Whoever may read the outbox copies it by itself, into whatever is open to it: the daemon may see another /tmp, and the
 * rest of the machine read-only. Everybody else has the daemon copy it.
 */
async function copiedBeside(
  operations: Operations,
  file: string,
  explicitConfig: string | undefined,
): Promise<BackupView> {
  const { pid } = await operations.status();
  const database = databaseOf(pid, explicitConfig);
  if (database !== null) return await backUp(database, file);
  const made = await operations.backup({ file }).catch((error: unknown) => {
    if (!(error instanceof Unanswerable) || !error.message.includes('EROFS')) throw error;
    throw new CommandFailure(
      exitCodes.failed,
      `${error.message}. To the daemon this machine is read-only but for what its unit names. ${asAnother}`,
    );
  });
  await assertThere(made);
  return made;
}

/** @returns null where the outbox of the daemon is none that this user may read */
function databaseOf(daemon: number | null, explicitConfig: string | undefined): string | null {
  const found = findConfigFile(explicitConfig, process.env, process.cwd());
  const stateDir = 'path' in found ? stateDirIn(found.path) : null;
  // The file may name another one since the daemon was started.
  if (stateDir === null || daemon === null || ownerOf(stateDir) !== daemon) return null;
  try {
    const database = databasePath(stateDir);
    accessSync(database, constants.R_OK);
    return database;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}

/** The daemon has said that it is there, and may have looked at another place of that name. */
async function assertThere({ file, bytes }: BackupView): Promise<void> {
  const there = await stat(file).catch((error: unknown) => {
    // In a directory that is closed to this user nobody can tell.
    return errorCode(error) === 'ENOENT' ? null : undefined;
  });
  if (there === undefined || there?.size === bytes) return;
  throw new CommandFailure(
    exitCodes.failed,
    `the daemon has copied the outbox, but ${file} is not there: its unit gives it a /tmp of its own. ${asAnother}`,
  );
}

export const restoreCommand = () =>
  new Command('restore')
    .argument('<file>', 'what `backup` has made')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((file, { config: explicit, json }) => {
      const config = configFor(explicit, false);
      const path = resolve(file);
      const { keptAs, kept, runs, newestMs } = restored(config.stateDir, path, config.host);
      const newest = newestMs === null ? null : isoTime(newestMs);
      if (json === true) {
        printJson({
          file: path,
          state_dir: config.stateDir,
          kept_as: keptAs,
          kept_outboxes: kept.outboxes,
          kept_bytes: kept.bytes,
          runs,
          newest_change: newest,
        });
        return;
      }
      const before =
        keptAs === null ? 'There was none before.' : `The one that was there is kept as ${keptAs}.`;
      const all =
        kept.outboxes < 2
          ? ''
          : ` ${String(kept.outboxes)} are kept so by now (${prettyBytes(kept.bytes)}): remove those that nobody needs any more.`;
      const age = newest === null ? '' : `, the newest change from ${newest}`;
      say(
        `The outbox in ${config.stateDir} is that of ${path} now: ${String(runs)} run(s)${age}. ${before}${all}\n` +
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
