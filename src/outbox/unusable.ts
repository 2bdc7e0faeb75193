/** Why an outbox cannot be had: another process has it, or it cannot be used. */

export class OutboxHeld extends Error {
  readonly pid: number | null;

  constructor(stateDir: string, pid: number | null) {
    super(
      `another runtrackd ${pid === null ? '' : `(pid ${String(pid)}) `}holds the state directory ${stateDir}; ` +
        'stop that one first, or give this one a state_dir of its own',
    );
    this.name = 'OutboxHeld';
    this.pid = pid;
  }
}

/**
 * `data`: the file itself is not one that this version may use, and starting again changes nothing. `machine`: it cannot
 * be read or written, or has just turned out to be damaged: the next start deals with that.
 */
export type Unusable = 'data' | 'machine';

export class OutboxUnusable extends Error {
  readonly kind: Unusable;

  constructor(kind: Unusable, message: string) {
    super(message);
    this.name = 'OutboxUnusable';
    this.kind = kind;
  }
}

/** What is in the file is not what was written into it. */
export class OutboxDamaged extends Error {
  /** @param what was seen, such as "malformed database schema" */
  constructor(what: string) {
    super(what);
    this.name = 'OutboxDamaged';
  }
}

/** The code of an error of SQLite or of the system, or undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
