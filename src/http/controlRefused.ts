/** The control socket cannot be opened for those who are to use it. */
export class ControlRefused extends Error {}
