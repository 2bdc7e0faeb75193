/** The groups of this machine, as whatever keeps them has them: a file, or a directory service. */
import { spawnSync } from 'node:child_process';

/** A directory service that is away must not hold a command for longer, in ms. */
const askedMsMax = 10_000;

/** @returns the group's number; null: there is none of that name */
export function groupNumber(name: string): number | null {
  const { stdout } = spawnSync('getent', ['group', name], { encoding: 'utf8', timeout: askedMsMax });
  const number = /^[^:]*:[^:]*:(\d+):/.exec(stdout)?.[1];
  return number === undefined ? null : Number(number);
}
