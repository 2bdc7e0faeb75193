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
  const read = readConfigFile(file);
  if ('unreadable' in read) return null;
  // A daemon that runs went by an earlier reading: a slip in the text since must not hide it.
  const { recovered, flaws } = parseConfigText(read.text);
  const partlyGood = new PartlyGoodFile(recovered(), dirname(file));
  const hasGroup = partlyGood.raw(['control', 'group']) != null;
  if (hasGroup) return partlyGood.directory(['control', 'directory']) ?? sharedControlDir;
  return partlyGood.directory(['state_dir']) ?? (flaws.length > 0 ? usualStateDir(file) : null);
}

/** The state directory of a file that may be wrong otherwise; null: it names none. */
export function stateDirIn(file: string): string | null {
  const read = readConfigFile(file);
  if ('unreadable' in read) return null;
  return new PartlyGoodFile(parseConfigText(read.text).value, dirname(file)).directory(['state_dir']) ?? null;
}

/** Where `init` puts the state directory beside such a file. */
function usualStateDir(file: string): string {
  return file === systemFile ? systemStateDir : join(dirname(file), 'state');
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
