/** Where the daemon's control socket lies, and how long its path can be. */

import { join } from 'node:path';

const controlSocketName = 'control.sock';
/** Where it lies by default when a group may use it. */
export const sharedControlDir = '/run/runtrackd';
/** `sun_path` has 108 bytes with its closing zero; Node 20 cuts a longer path without a word. */
export const socketPathBytesMax = 107;

export function controlSocketIn(directory: string): string {
  return join(directory, controlSocketName);
}

/** A socket for a group is made under this name, and gets its own when the group may open it. */
export function beforehandOf(socketPath: string): string {
  return `${socketPath}.new`;
}
