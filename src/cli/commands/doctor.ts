/** `doctor`: checks the machine, the folders, the limits, the platform and the unit; each line says what to do. */
import { Command } from '@commander-js/extra-typings';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { styleText } from 'node:util';
import {
  describeProblem,
  findConfigFile,
  loadConfig,
  type Config,
  type ConfigProblem,
  type LoadedConfig,
} from '../../config/config.ts';
import { configOption, jsonOption, printJson, say, tell } from '../common.ts';
import { becomeUser } from '../doctor/becomeUser.ts';
import type { Finding, UnitFacts } from '../doctor/facts.ts';
import {
  lookAtQuota,
  lookAtHardLinks,
  lookAtRoot,
  lookAtSqlite,
  lookAtState,
  lookAtWatches,
  silentAmong,
} from '../doctor/lookAtMachine.ts';
import { lookAtPlatform } from '../doctor/lookAtPlatform.ts';
import { credentialFor, lookAtCredential, lookAtUnit, type Credential } from '../doctor/lookAtUnit.ts';
import {
  configFinding,
  hardLinksFinding,
  machineFindings,
  passwordFinding,
  platformFindings,
  quotaFinding,
  rootFindings,
  silentFinding,
  stateFindings,
  unitFinding,
  watchFinding,
} from '../doctor/verdicts.ts';
import { exitCodes } from '../exit.ts';
import { columns, printable } from '../words.ts';

export const doctorCommand = () =>
  new Command('doctor')
    .option('--user <name>', 'as root: look at files as this user, with all of its groups')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async ({ config: explicit, user, json }) => {
      const found = findConfigFile(explicit, process.env, process.cwd());
      const { loaded, silent } = 'path' in found ? await load(found.path) : missing(found);
      // What only root can see is looked at before this process becomes somebody else.
      const unit = lookAtUnit();
      const handedOver = 'path' in found ? credentialFor(unit, found.path) : null;
      const credential = handedOver === null ? null : await lookAtCredential(handedOver);
      const userProblem =
        user === undefined ? null : becomeUser(user, unit?.user === user ? unit.groups : []);
      const findings = machineFindings({
        nodeVersion: process.versions.node,
        sqlite: await lookAtSqlite(),
        user: nameOfUser(),
        userProblem,
      });
      // As the wrong user every line about files would be about somebody else.
      if (loaded.ok && userProblem === null)
        findings.push(...(await lookAround(loaded.config, silent, unit, credential)));
      else if (!loaded.ok) process.exitCode = exitCodes.config;
      const isFailed = findings.some(({ level }) => level === 'fail');
      if (loaded.ok && isFailed) process.exitCode = exitCodes.failed;
      if (json === true) {
        printJson({
          ok: loaded.ok && !isFailed,
          config: loaded.ok ? loaded.config.file : null,
          checks: findings,
          problems: loaded.ok ? [] : loaded.problems,
        });
        return;
      }
      say(findingsText(findings));
      if (loaded.ok) return;
      for (const problem of loaded.problems) say(describeProblem(problem));
      tell('The rest was not looked at: correct the configuration first.');
    });

interface Loaded {
  readonly loaded: LoadedConfig;
  /** Directories, and the password's file, that do not answer. */
  readonly silent: ReadonlySet<string>;
}

/** How directories lie to each other can only be found out where all of them answer. */
async function load(path: string): Promise<Loaded> {
  const read = loadConfig(path, process.env, hostname(), { needsKey: false, looks: false });
  const silent = read.ok ? await silentAmong(read.config) : new Set<string>();
  if (silent.size > 0) return { loaded: read, silent };
  return { loaded: loadConfig(path, process.env, hostname(), { needsKey: false }), silent };
}

function missing(problem: ConfigProblem): Loaded {
  return { loaded: { ok: false, problems: [problem] }, silent: new Set() };
}

async function lookAround(
  config: Config,
  silent: ReadonlySet<string>,
  unit: UnitFacts | null,
  credential: Credential | null,
): Promise<Finding[]> {
  const findings = [configFinding(config.file, await mayRead(config.file), nameOfGroup())];
  const { passwordFile } = config.http;
  if (passwordFile !== null)
    findings.push(
      silent.has(passwordFile)
        ? silentFinding('password-file', 'http.password_file', passwordFile)
        : passwordFinding(passwordFile, await mayRead(passwordFile)),
    );
  if (silent.has(config.stateDir))
    findings.push(silentFinding('state-directory', 'state_dir', config.stateDir));
  else findings.push(...stateFindings(await lookAtState(config)));
  for (const root of config.dropRoots) {
    const { name, path, resultsDir, archive } = root;
    const away = [path, resultsDir, archive?.path].find((directory) => silent.has(directory ?? ''));
    if (away == null) findings.push(...rootFindings(await lookAtRoot(root)));
    else findings.push(silentFinding(away === path ? 'drop-root' : 'results', name, away));
  }
  findings.push(watchFinding(await lookAtWatches(config.dropRoots.length)));
  findings.push(hardLinksFinding(await lookAtHardLinks()));
  findings.push(quotaFinding(lookAtQuota()));
  findings.push(...platformFindings(await lookAtPlatform(config, process.env, credential)));
  findings.push(unitFinding(unit));
  return findings;
}

async function mayRead(file: string): Promise<boolean> {
  return await access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** A user that the machine has no name for is still somebody. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${String(process.getuid?.())}`;
  }
}

/** Of this process, as `chgrp` takes it. */
function nameOfGroup(): string {
  const number = String(process.getgid?.());
  const { stdout } = spawnSync('getent', ['group', number], { encoding: 'utf8' });
  const [name = ''] = stdout.split(':');
  return name === '' ? number : name;
}

function findingsText(findings: readonly Finding[]): string {
  return columns(
    [],
    findings.map(({ check, level, text, next }) => [
      colouredLevel(level),
      check,
      printable(next === null ? text : `${text}. ${next}`),
    ]),
  );
}

function colouredLevel(level: Finding['level']): string {
  switch (level) {
    case 'ok':
      return styleText('green', level);
    case 'warn':
      return styleText('yellow', level);
    case 'fail':
      return styleText('red', level);
  }
}
