/** Where the daemon's control socket lies, and how long its path can be. */

import { dirname, join } from 'node:path';

const controlSocketName = 'control.sock';
/** Where it lies by default when a group may use it. */
export const sharedControlDir = '/run/runtrackd';
/** `sun_path` has 108 bytes with its closing zero; Node 20 cuts a longer path without a word. */
export const socketPathBytesMax = 107;

export function controlSocketIn(directory: string): string {
  return join(directory, controlSocketName);
}

/**
 * The socket is made under this name, and gets its own when it is closed to everybody else: who closes it takes the name away
 * under which it was made, and must not take away another daemon's. A longer one would not fit where its own does.
 */
export function beforehandOf(socketPath: string): string {
  return join(dirname(socketPath), 'new.sock');
}
