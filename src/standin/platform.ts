/** What every route of the stand-in works with. */
import type { HttpBindings } from '@hono/node-server';
import type { Connections } from './connections.ts';
import type { Faults } from './faults.ts';
import type { Records } from './records.ts';
import type { SignedUrls } from './signing.ts';
import type { Storage } from './storage.ts';

export interface Platform {
  readonly records: Records;
  readonly storage: Storage;
  readonly urls: SignedUrls;
  readonly faults: Faults;
  readonly connections: Connections;
  readonly scheme: 'http' | 'https';
  /** Null: every id of the right form exists. */
  readonly apps: ReadonlySet<string> | null;
  /** Null: any bearer that is not empty. */
  readonly apiKey: string | null;
  readonly defaultInstance: string;
  /** The wall clock. */
  readonly now: () => number;
}

/** What comes with a request: its socket's side, and for the API its body, whole. */
export interface StandInEnv {
  Bindings: HttpBindings;
  Variables: { body: Buffer };
}
