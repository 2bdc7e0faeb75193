/** The configuration for a command, or a refusal that names everything that is wrong with it. */
import { hostname } from 'node:os';
import { describeProblem, findConfigFile, loadConfig, type Config } from '../config/config.ts';
import { CommandFailure, exitCodes } from './exit.ts';

/**
 * @param needsKey whether the API key has to be there
 * @throws CommandFailure with every problem on a line of its own: 78, or 1 where the file may be right and trying again may help
 */
export function configFor(explicit: string | undefined, needsKey = true): Config {
  const found = findConfigFile(explicit, process.env, process.cwd());
  if (!('path' in found)) throw new CommandFailure(exitCodes.config, describeProblem(found));
  const loaded = loadConfig(found.path, process.env, hostname(), { needsKey });
  if (loaded.ok) return loaded.config;
  const mayPass = loaded.problems.every((problem) => problem.mayPass === true);
  throw new CommandFailure(
    mayPass ? exitCodes.failed : exitCodes.config,
    loaded.problems.map(describeProblem).join('\n'),
  );
}
