/** What `doctor` finds out, before anybody says what it means. */

export interface MachineFacts {
  readonly nodeVersion: string;
  /** SQLite's version, or why better-sqlite3 cannot be loaded. */
  readonly sqlite: { readonly version: string } | { readonly problem: string };
  /** Whom the checks of files were made as. */
  readonly user: string;
  /** Why the user of `--user` could not be taken; null: it was, or none was named. */
  readonly userProblem: string | null;
}

export interface DirectoryFacts {
  readonly path: string;
  readonly is: 'there' | 'missing' | 'no directory' | 'closed';
  /** Of what is missing: the nearest directory that is there, and whether it could be made in it. */
  readonly parent: { readonly path: string; readonly isWritable: boolean } | null;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  readonly fileSystem: { readonly name: string; readonly isRemote: boolean } | null;
  readonly freeBytes: number | null;
  readonly mode: number | null;
  /** How far the clock of the file system is ahead of the machine's, by a file made there; null: not tried. */
  readonly aheadMs: number | null;
}

export interface StateFacts {
  readonly directory: DirectoryFacts;
  readonly isOwn: boolean;
  readonly outbox: 'none' | 'unreadable' | { readonly bytes: number; readonly schema: number };
  /** The newest schema that this version knows. */
  readonly schemaMax: number;
  /** The pid of whoever holds the lock; null: nobody. */
  readonly heldBy: number | null;
}

export interface RootFacts {
  readonly name: string;
  readonly directory: DirectoryFacts;
  /** Of a sample of the folders in it: how many there were, and how many this user may not read. */
  readonly sampled: number;
  readonly closed: number;
  /** Whether results and problems are written into it, or folders moved out of it. */
  readonly isWrittenTo: boolean;
  /** Where results and archived folders go, when not in here. */
  readonly others: readonly DirectoryFacts[];
}

export interface WatchFacts {
  readonly watchesMax: number;
  readonly watchesUsed: number;
  readonly watchesNeeded: number;
  readonly instancesMax: number;
  readonly instancesUsed: number;
}

export interface PlatformFacts {
  readonly endpoint: string;
  /** Address without a password; null: none. */
  readonly proxy: string | null;
  readonly key: { readonly where: string; readonly problem: string | null };
  /** Null: the proxy looks the name up. */
  readonly name: { readonly addresses: readonly string[] } | { readonly problem: string } | null;
  /** Null: through a proxy, or plain http to this machine. */
  readonly tls: { readonly daysLeft: number } | { readonly problem: string } | null;
  readonly apps: readonly AppFacts[];
  /** How far the platform's clock is ahead of this machine's; null: no answer told. */
  readonly aheadMs: number | null;
}

/** The platform cannot be asked for anything: the proxy, or a file of authorities, is not what it is called. */
export interface NoWay {
  readonly noWay: { readonly of: 'proxy' | 'platform-tls'; readonly text: string; readonly hint: string };
}

export interface AppFacts {
  readonly app: string;
  readonly latencyMs: number;
  readonly problem: { readonly text: string; readonly hint: string } | null;
}

export interface UnitFacts {
  /** As systemctl calls them: "loaded", "enabled", "active". */
  readonly load: string;
  readonly enabled: string;
  readonly active: string;
  readonly user: string;
  readonly isHardened: boolean;
  /** Groups that it gives to its user beside that one's own, by number or name. */
  readonly groups: readonly string[];
  /** The file that systemd reads as root and hands to the daemon as its key; null: none. */
  readonly credential: string | null;
  /** What it has the daemon read; null: nothing is said, or the unit cannot be read. */
  readonly configFile: string | null;
}

/** What one check found: a line. */
export interface Finding {
  /** In kebab-case and stable: `explain` and scripts hang on it. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** What to do, for warn and fail. */
  readonly next: string | null;
}
