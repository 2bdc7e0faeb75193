/**
 * The daemon as a user to whom something can be closed: root reads everything, so a test that runs as root starts it as
 * nobody; any other user is good enough as it is.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { said } from './mounts.ts';
import { programFile } from './program.ts';
import type { Scene } from './scene.ts';

/** The user and group `nobody`, as most systems number them. */
const nobody = 65_534;

export const otherUser = process.getuid?.() === 0 ? nobody : null;

/** Why the program cannot be started as another user here; null: it can. */
function startingFails(): string | null {
  if (otherUser === null) return null;
  const { status, stderr, error } = spawnSync(process.execPath, [programFile, '--version'], {
    cwd: '/',
    encoding: 'utf8',
    uid: otherUser,
    gid: otherUser,
  });
  return status === 0 ? null : `user ${otherUser} cannot start ${programFile}: ${error?.message ?? stderr}`;
}

export const isAlone = said('what is closed to the daemon’s user', startingFails());

/** Lets the daemon work in the scene whoever it is; folders are this process's own, to be closed and opened. */
export function openToOthers(scene: Scene): void {
  mkdirSync(scene.root, { recursive: true });
  for (const path of [scene.dir, scene.root]) chmodSync(path, 0o777);
}
