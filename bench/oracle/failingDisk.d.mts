/** The shapes of what the tests take from it. */
export interface DiskFault {
  readonly call: 'read' | 'write' | 'sync';
  /** Files whose path contains this. */
  readonly file: string;
  /** Only what is read or written from this byte on. */
  readonly fromByte?: number;
  /** So often in one process, and then no more until it is healed; 0: always. */
  readonly times?: number;
  /** The system's error; EIO, if not said. */
  readonly code?: string;
}

export class FailingDisk {
  constructor(dir: string);
  get environment(): Readonly<Record<string, string>>;
  fail(...faults: readonly DiskFault[]): void;
  heal(): void;
  failed(): readonly string[];
}

export function whyUnfailing(): string | null;
