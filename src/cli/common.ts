/** What most commands share: their options, and how they reach the daemon and end. */
import { Option } from '@commander-js/extra-typings';
import { resolve } from 'node:path';
import { controlDirIn, findConfigFile } from '../config/config.ts';
import { Unanswerable, type Selector } from '../http/operations.ts';
import { configFor } from './configured.ts';
import { linkToDaemon, type DaemonLink, type Purpose } from './daemonLink.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { printable } from './words.ts';

export const configOption = () =>
  new Option(
    '-c, --config <file>',
    'configuration; else $RUNTRACKD_CONFIG, ./config.yaml, /etc/runtrackd/config.yaml',
  );
export const jsonOption = () => new Option('--json', 'print JSON for programs instead of text for people');

/** Runs a command against the daemon, or against the outbox while there is no daemon. */
export async function withDaemon<T>(
  explicitConfig: string | undefined,
  purpose: Purpose,
  use: (link: DaemonLink) => Promise<T>,
): Promise<T> {
  const found = findConfigFile(explicitConfig, process.env, process.cwd());
  const controlDir = 'path' in found ? controlDirIn(found.path) : null;
  const link = await linkToDaemon(controlDir, () => configFor(explicitConfig, false), purpose);
  try {
    return await use(link);
  } catch (error) {
    throw asRefusal(error);
  } finally {
    await link.close();
  }
}

/** What the daemon says no to, as the end of a command; other errors as they came. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Unanswerable)) return error;
  return new CommandFailure(
    error.kind === 'ambiguous' ? exitCodes.usage : exitCodes.failed,
    printable(error.message),
  );
}

/** A path, a folder's name or `#42`, as the caller typed it. */
export function selectorOf(text: string, generation: string | null = null): Selector {
  return { text, path: resolve(text), generation };
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
