/**
 * What a group is let into: a socket, and the directory that it lies in. Giving a directory away closes it to everybody
 * else: so it is one that nothing else lies in, whatever the configuration names.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeDirectories } from '../system/directories.ts';
import { ControlRefused } from './controlRefused.ts';

export interface ControlGroup {
  readonly name: string;
  readonly number: number;
  /** Whose the directory and the socket are to be, where root works for somebody else; absent: this process's user's. */
  readonly owner?: number;
}

const mode = 0o750;

/**
 * Makes the directory, or takes one of the owner's or of this process's user's, and lets the group in.
 * @throws ControlRefused where it is somebody else's or holds anything that is not the daemon's; system errors
 */
export function shareDirectory(directory: string, group: ControlGroup): void {
  makeDirectories(directory);
  // Held open: what is looked at is what is given, whoever may change the way to it meanwhile.
  const held = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    shareHeld(held, directory, group);
  } finally {
    closeSync(held);
  }
}

function shareHeld(held: number, directory: string, group: ControlGroup): void {
  const { name, number } = group;
  const stats = fstatSync(held);
  const owner = ownerIn(group);
  const users = [owner, ownUser()];
  if (stats.uid === owner && stats.gid === number && (stats.mode & 0o7777) === mode) return;
  const why = users.includes(stats.uid) ? null : 'belongs to another user';
  const foreign =
    why === null ? readdirSync(directory).find((entry) => !isOurs(directory, entry, users)) : '';
  if (foreign !== undefined)
    throw refused(
      directory,
      name,
      why ?? `has something else in it (${JSON.stringify(foreign)}), which others would not come to any more`,
    );
  // By a link the owner could lead root to a directory of root's.
  if (stats.uid !== owner && readlinkSync(`/proc/self/fd/${String(held)}`) !== directory)
    throw refused(directory, name, 'is root’s and lies behind a link, so root does not give it away');
  fchownSync(held, owner, number);
  fchmodSync(held, mode);
}

/** Whose the directory and what lies in it are to be. */
export function ownerIn({ owner }: ControlGroup): number {
  return owner ?? ownUser();
}

function ownUser(): number {
  return process.getuid?.() ?? 0;
}

function refused(directory: string, group: string, why: string): ControlRefused {
  return new ControlRefused(
    `control.directory: ${directory} cannot be given to the group "${group}", because it ${why}: name a directory that is for the control socket alone; it is made where it is not there`,
  );
}

/**
 * Lets the group through to a socket, unless it may pass already: the directory may be one that everybody may look into.
 * @throws as `shareDirectory`
 */
export function openWay(directory: string, group: ControlGroup): void {
  const stats = statSync(directory);
  const isOpenToAll = (stats.mode & 0o001) !== 0;
  const isOpenToGroup = stats.gid === group.number && (stats.mode & 0o010) !== 0;
  if (!isOpenToAll && !isOpenToGroup) shareDirectory(directory, group);
}

/** @throws system errors */
export function giveSocket(path: string, group: ControlGroup): void {
  // Never through a link: whoever owns the directory may have put one there.
  lchownSync(path, ownerIn(group), group.number);
  chmodSync(path, 0o660);
}

/** The daemon's sockets, and the counts of daemons that have the directory as their runtime directory as well. */
function isOurs(directory: string, entry: string, users: readonly number[]): boolean {
  const stats = lstatSync(join(directory, entry), { throwIfNoEntry: false });
  if (stats === undefined) return true;
  const isCount = stats.isFile() && /^runtrackd-.*\.intents$/.test(entry);
  return users.includes(stats.uid) && (stats.isSocket() || isCount);
}
