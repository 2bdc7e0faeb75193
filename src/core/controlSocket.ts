/** Where the daemon's control socket lies, and how long its path can be. */

export const controlSocketName = 'control.sock';
/** `sun_path` has 108 bytes with its closing zero; Node 20 cuts a longer path without a word. */
export const socketPathBytesMax = 107;
