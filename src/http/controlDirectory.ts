/**
 * The directory that a group is let into, for the control socket in it. Giving one away closes it to everybody else: so it
 * is one that nothing else lies in, whatever the configuration names.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ControlRefused } from './controlRefused.ts';

export interface ControlGroup {
  readonly name: string;
  readonly number: number;
}

const mode = 0o750;

/**
 * Makes the directory, or takes one of this user's own, and lets the group in.
 * @throws ControlRefused where it is somebody else's or holds anything that is not the daemon's; system errors
 */
export function shareDirectory(directory: string, { name, number }: ControlGroup): void {
  mkdirSync(directory, { recursive: true });
  const stats = statSync(directory);
  const user = process.getuid?.() ?? 0;
  const why = stats.uid === user ? null : 'belongs to another user';
  if (why === null && stats.gid === number && (stats.mode & 0o7777) === mode) return;
  const foreign = why === null ? readdirSync(directory).find((entry) => !isOurs(directory, entry, user)) : '';
  if (foreign !== undefined)
    throw new ControlRefused(
      `control.directory: ${directory} cannot be given to the group "${name}", because it ${why ?? `has something else in it (${JSON.stringify(foreign)}), which others would not come to any more`}: name a directory that is for the control socket alone; it is made where it is not there`,
    );
  chownSync(directory, user, number);
  chmodSync(directory, mode);
}

/** The daemon's sockets, and the counts of daemons that have the directory as their runtime directory as well. */
function isOurs(directory: string, entry: string, user: number): boolean {
  const stats = lstatSync(join(directory, entry), { throwIfNoEntry: false });
  if (stats === undefined) return true;
  const isCount = stats.isFile() && /^runtrackd-.*\.intents$/.test(entry);
  return stats.uid === user && (stats.isSocket() || isCount);
}
