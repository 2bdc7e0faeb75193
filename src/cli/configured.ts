/** The configuration for a command, or a refusal that names everything that is wrong with it. */
import { hostname } from 'node:os';
import {
  describeProblem,
  findConfigFile,
  loadConfig,
  type Config,
  type ConfigProblem,
} from '../config/config.ts';
import { CommandFailure, exitCodes, type ExitCode } from './exit.ts';

/**
 * @param needsKey whether the API key has to be there
 * @throws CommandFailure with every problem on a line of its own: 78, or 1 where the file may be right and trying again may help
 */
export function configFor(explicit: string | undefined, needsKey = true): Config {
  const found = findConfigFile(explicit, process.env, process.cwd());
  if (!('path' in found)) throw new CommandFailure(exitCodes.config, describeProblem(found));
  const loaded = loadConfig(found.path, process.env, hostname(), { needsKey });
  if (loaded.ok) return loaded.config;
  throw new CommandFailure(exitCodeOf(loaded.problems), loaded.problems.map(describeProblem).join('\n'));
}

/** 78; 1 where nothing is known to be wrong, because who would know it was not to be had. */
export function exitCodeOf(problems: readonly ConfigProblem[]): ExitCode {
  return problems.every(({ mayPass }) => mayPass === true) ? exitCodes.failed : exitCodes.config;
}
