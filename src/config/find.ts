/** Which configuration file to read when several could be meant: the nearest to the person's words wins. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseConfigText, readConfigFile } from './document.ts';
import { sharedControlDir } from '../core/controlSocket.ts';
import { PartlyGoodFile } from './partlyGood.ts';
import type { ConfigProblem } from './problems.ts';

const systemFile = '/etc/runtrackd/config.yaml';
const systemStateDir = '/var/lib/runtrackd';

/** Where a file that may be wrong otherwise puts the control socket: that is where its daemon is asked. */
export function controlDirIn(file: string): string | null {
  const partlyGood = partlyGoodFile(file);
  if (partlyGood === null) return null;
  if (partlyGood.raw(['control', 'group']) === undefined) return partlyGood.directory(['state_dir']) ?? null;
  return partlyGood.directory(['control', 'directory']) ?? sharedControlDir;
}

/** The state directory of a file that may be wrong otherwise; null: it names none. */
export function stateDirIn(file: string): string | null {
  return partlyGoodFile(file)?.directory(['state_dir']) ?? null;
}

function partlyGoodFile(file: string): PartlyGoodFile | null {
  const read = readConfigFile(file);
  return 'unreadable' in read ? null : new PartlyGoodFile(parseConfigText(read.text).value, dirname(file));
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
