/** `systemd-unit`: prints a hardened unit for this configuration, or puts it in place with its user and directories. */
import { Command } from '@commander-js/extra-typings';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/config.ts';
import { makeDirectories } from '../../system/directories.ts';
import { errorCode } from '../../system/files.ts';
import { configOption, say, tell } from '../common.ts';
import { configFor } from '../configured.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { ownRuntimeDirs, unitText, writablePaths, type UnitPlace } from '../unitText.ts';

const unitFile = '/etc/systemd/system/runtrackd.service';

/** One thing that an installation needs. */
export interface Deed {
  readonly what: string;
  readonly isDone: () => boolean;
  readonly act: () => void;
}

export const systemdUnitCommand = () =>
  new Command('systemd-unit')
    .addOption(configOption())
    .option('--install', `write ${unitFile}, and make the user and the directories that are missing`)
    .option('--dry-run', 'with --install: say what would be done')
    .option('--user <name>', 'the user that the daemon runs as', 'runtrackd')
    .option('--group <name>', 'its group; default: named like the user')
    .option('--credential <file>', 'a file with the API key, which systemd reads as root and hands over')
    .action(({ config: explicit, install, dryRun, user, group, credential }) => {
      const config = configFor(explicit, false);
      if (dryRun === true && install !== true)
        throw new CommandFailure(
          exitCodes.usage,
          '--dry-run belongs to --install: without it nothing is written',
        );
      if (credential !== undefined && config.platform.apiKey !== null && 'file' in config.platform.apiKey) {
        throw new CommandFailure(
          exitCodes.usage,
          `--credential and platform.api_key_file in ${config.file} both say where the key is: take one of them away`,
        );
      }
      const key = credential === undefined ? null : resolve(credential);
      if (key !== null && !isFile(key)) {
        // What is only printed may be for another machine.
        if (install !== true)
          tell(`${key} is no file on this machine: put the key there before the unit is started`);
        else
          throw new CommandFailure(
            exitCodes.usage,
            `--credential ${key} is no file: put the key there first, then install`,
          );
      }
      for (const path of ownRuntimeDirs(config).filter((path) => isAnothers(path, user))) {
        const why = `${path} is there, and is not ${user}'s: systemd would give it to ${user} at each start, with all that lies in it`;
        if (install !== true) tell(why);
        else
          throw new CommandFailure(
            exitCodes.config,
            `${why}. In ${config.file}, put the socket into /run/runtrackd, or into a directory that nobody else uses`,
          );
      }
      const place: UnitPlace = {
        node: process.execPath,
        program: fileURLToPath(new URL('../../main.js', import.meta.url)),
        user,
        group: group ?? user,
        credential: key,
        groups: groupsOf(config),
      };
      const text = unitText(config, place);
      if (install === true) installUnit(config, place, text, dryRun === true);
      else process.stdout.write(text);
    });

function installUnit(config: Config, place: UnitPlace, text: string, isDryRun: boolean): void {
  if (!isDryRun && process.getuid?.() !== 0) {
    throw new CommandFailure(exitCodes.failed, 'only root can put a unit in place: run it with sudo');
  }
  for (const { what, isDone, act } of deedsOf(config, place, text)) {
    if (isDone()) {
      tell(`is so already: ${what}`);
    } else if (isDryRun) tell(`would: ${what}`);
    else {
      tell(what);
      acted(what, act);
    }
  }
  if (isDryRun) return;
  say(`See whether it can start: runtrackd doctor --user ${place.user} -c ${config.file}`);
  say('Start it now, and at every boot: systemctl enable --now runtrackd');
}

/** @throws CommandFailure for what the system refuses: what was done before stays, and is found done the next time */
function acted(what: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const next =
      code === 'ENOENT' && !existsSync(dirname(unitFile))
        ? `${dirname(unitFile)} is not there: is this a machine with systemd? Without --install the unit is only printed`
        : 'mend that, and run it again';
    throw new CommandFailure(exitCodes.failed, `could not ${what} (${code}): ${next}`);
  }
}

/** What is closed to this user may be one: systemd reads it as root. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    return errorCode(error) === 'EACCES';
  }
}

/** A user who is still to be made has nothing yet. */
function isAnothers(path: string, user: string): boolean {
  const stats = statsOf(path);
  return stats !== undefined && (!isKnown('passwd', user) || stats.uid !== idOf('passwd', user));
}

/** What is closed to this user shows nothing of itself: a unit is printed by anybody, and put in place by root. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined;
    throw error;
  }
}

function deedsOf(config: Config, place: UnitPlace, text: string): Deed[] {
  const { user, group } = place;
  // Run folders are not ours to make. A state directory below /var/lib systemd would make as well, but only at the start:
  // doctor looks before.
  const roots = new Set(config.dropRoots.map(({ path }) => path));
  const own = writablePaths(config).filter((path) => !roots.has(path));
  return [
    {
      what: `make the group ${group}`,
      isDone: () => isKnown('group', group),
      act: () => run('groupadd', '--system', group),
    },
    {
      what: `make the user ${user}, who cannot log in`,
      isDone: () => isKnown('passwd', user),
      act: () =>
        run(
          'useradd',
          '--system',
          '--gid',
          group,
          '--no-create-home',
          '--home-dir',
          '/',
          '--shell',
          '/usr/sbin/nologin',
          user,
        ),
    },
    ...filesToRead(config).flatMap((file) => readableDeed(file, place)),
    ...own.map((path): Deed => ({
      what: `make the directory ${path} for ${user}`,
      isDone: () => existsSync(path),
      act: () => {
        makeDirectories(dirname(path));
        mkdirSync(path, { mode: path === config.stateDir ? 0o700 : 0o750 });
        chownSync(path, idOf('passwd', user), idOf('group', group));
      },
    })),
    {
      what: `write ${unitFile}`,
      isDone: () => existsSync(unitFile) && readFileSync(unitFile, 'utf8') === text,
      act: () => {
        writeFileSync(unitFile, text, { mode: 0o644 });
        run('systemctl', 'daemon-reload');
      },
    },
  ];
}

/** What the daemon reads at its start. A credential is not among them: systemd reads that one. */
function filesToRead({ file, platform: { apiKey } }: Config): string[] {
  return [file, ...(apiKey !== null && 'file' in apiKey ? [apiKey.file] : [])];
}

/** A file of root's, as `init` writes it, is opened to the daemon's group and to nobody else. None for what all may read. */
export function readableDeed(file: string, { user, group }: Pick<UnitPlace, 'user' | 'group'>): Deed[] {
  const stats = statsOf(file);
  if (stats === undefined || (stats.mode & 0o004) !== 0) return [];
  return [
    {
      what: `let the group ${group} read ${file}`,
      isDone: () =>
        stats.uid === idOf('passwd', user) ||
        (stats.gid === idOf('group', group) && (stats.mode & 0o040) !== 0),
      act: () => {
        chownSync(file, stats.uid, idOf('group', group));
        chmodSync(file, (stats.mode & 0o7777) | 0o040);
      },
    },
  ];
}

function isKnown(kind: 'passwd' | 'group', name: string): boolean {
  return spawnSync('getent', [kind, name]).status === 0;
}

function idOf(kind: 'passwd' | 'group', name: string): number {
  const { stdout } = spawnSync('getent', [kind, name], { encoding: 'utf8' });
  return Number(stdout.split(':')[2]);
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim();
  throw new CommandFailure(exitCodes.failed, `${[command, ...args].join(' ')} failed: ${why}`);
}

/** A drop root that its group may work in lets the daemon in by that group. */
function groupsOf(config: Config): number[] {
  const groups = config.dropRoots.flatMap(({ path }) => {
    const stats = statsOf(path);
    const isGroups = stats !== undefined && stats.gid !== 0 && (stats.mode & 0o050) === 0o050;
    return isGroups ? [stats.gid] : [];
  });
  return [...new Set(groups)].sort((a, b) => a - b);
}
