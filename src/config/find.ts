/** Which configuration file to read when several could be meant: the nearest to the person's words wins. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseConfigText, readConfigFile } from './document.ts';
import { PartlyGoodFile } from './partlyGood.ts';
import type { ConfigProblem } from './problems.ts';

const systemFile = '/etc/runtrackd/config.yaml';

/** Which state directory a file names that may be wrong otherwise: that is where its daemon is asked. */
export function stateDirIn(file: string): string | null {
  const read = readConfigFile(file);
  if ('unreadable' in read) return null;
  return new PartlyGoodFile(parseConfigText(read.text).value, dirname(file)).directory(['state_dir']) ?? null;
}

/** A file that was named is taken as it is, so that a misspelt name is not silently replaced by another file. */
export function findConfigFile(
  explicit: string | undefined,
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
): { readonly path: string } | ConfigProblem {
  const fromEnvironment = environment['RUNTRACKD_CONFIG'] ?? '';
  const named = explicit ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  if (named !== undefined) return { path: resolve(workingDirectory, named) };
  const here = join(workingDirectory, 'config.yaml');
  const path = [here, systemFile].find((file) => existsSync(file));
  if (path !== undefined) return { path };
  return {
    file: '',
    line: null,
    column: null,
    where: '',
    what: `there is no configuration: -c was not given, $RUNTRACKD_CONFIG is not set, and neither ${here} nor ${systemFile} exists`,
  };
}
