/**
 * The stand-in: a local server that speaks the platform's contract, for those who try the daemon without an account,
 * and for the tests. It listens on loopback only, keeps what it is told in a folder of its own, and misbehaves only
 * when it is asked to.
 */
import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { uploadLifetimeMs } from '../platform/wire.ts';
import { createApp } from './app.ts';
import { Faults } from './faults.ts';
import { openRecords } from './records.ts';
import { SignedUrls } from './signing.ts';
import { Storage } from './storage.ts';

export interface StandInOptions {
  /** A folder of its own, made if missing, for its owner only: `stand-in.db` and `uploads/` are in it. */
  readonly dataDir: string;
  /** 0: any free port. Always on 127.0.0.1. */
  readonly port: number;
  /** Apps that exist; null: every id of the right form exists. */
  readonly apps: readonly string[] | null;
  /** The only bearer key accepted; null: any that is not empty. */
  readonly apiKey: string | null;
  /** Misbehaviour, changeable while it runs. Default: none. */
  readonly faults?: Faults;
  /** The instance of a run that names none. Default: devint. */
  readonly defaultInstance?: string;
  /** Of uploads and of URLs for downloads. Default: that of the platform. */
  readonly uploadLifetimeMs?: number;
  /** The wall clock. */
  readonly now?: () => number;
}

export interface StandIn {
  /** Such as `http://127.0.0.1:8421`. */
  readonly endpoint: string;
  /** Kept in its data: the same for the life of the data folder, whatever the port. */
  readonly id: string;
  readonly faults: Faults;
  /** Ends open connections, waits for what is being stored, closes the database: nothing of it lives on. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** An upload has as long to arrive as its URL is good for. */
const requestTimeoutMs = uploadLifetimeMs;

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const records = openRecords(options.dataDir);
  const faults = options.faults ?? new Faults();
  const closing = new AbortController();
  let endpoint = '';
  const app = createApp(
    {
      records,
      storage: new Storage(options.dataDir),
      urls: new SignedUrls(records.secret, () => endpoint),
      faults,
      apps: options.apps === null ? null : new Set(options.apps),
      apiKey: options.apiKey,
      defaultInstance: options.defaultInstance ?? 'devint',
      uploadLifetimeMs: options.uploadLifetimeMs ?? uploadLifetimeMs,
      now: options.now ?? Date.now,
    },
    closing.signal,
  );

  const underWay = new Set<Promise<unknown>>();
  const server = createAdaptorServer({
    fetch: (request, env) => {
      const answer = Promise.resolve(app.fetch(request, env));
      underWay.add(answer);
      const over = () => void underWay.delete(answer);
      answer.then(over, over);
      return answer;
    },
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestTimeoutMs },
  }) as Server;
  server.listen(options.port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    records.close();
    throw error;
  }
  endpoint = `http://${host}:${(server.address() as AddressInfo).port}`;

  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    closing.abort();
    server.closeAllConnections();
    await closed;
    await Promise.allSettled(underWay);
    records.close();
  };
  let closed: Promise<void> | null = null;
  return { endpoint, id: records.id, faults, close: () => (closed ??= close()) };
}
