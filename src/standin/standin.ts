/**
 * The stand-in: a local server that speaks the platform's contract, for those who try the daemon without an account,
 * and for the tests. It listens on loopback only, keeps what it is told in a folder of its own, and misbehaves only
 * when it is asked to.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { uploadLifetimeMs } from '../platform/wire.ts';
import { makeDirectories } from '../system/directories.ts';
import { createApp } from './app.ts';
import { CannotStart } from './cannotStart.ts';
import { ownCertificate, type Certificate } from './certificate.ts';
import { Connections } from './connections.ts';
import { holdData } from './dataLock.ts';
import { Faults } from './faults.ts';
import { openRecords } from './records.ts';
import { SignedUrls } from './signing.ts';
import { Storage } from './storage.ts';

export interface StandInOptions {
  /** A folder of its own, made if missing, for its owner only; one stand-in at a time works on it. */
  readonly dataDir: string;
  /** 0: any free port. Always on 127.0.0.1. */
  readonly port: number;
  /** Apps that exist; null: every id of the right form exists. */
  readonly apps: readonly string[] | null;
  /** The only bearer key accepted; null: any that is not empty. */
  readonly apiKey: string | null;
  /** HTTPS, with a certificate of its own making that is kept in the data. Default: plain HTTP. */
  readonly tls?: boolean;
  /** Settings and misbehaviour, changeable while it runs. Default: it behaves. */
  readonly faults?: Faults;
  /** The instance of a run that names none. Default: devint. */
  readonly defaultInstance?: string;
  /** The wall clock. */
  readonly now?: () => number;
}

export interface StandIn {
  /** Such as `http://127.0.0.1:8421`. */
  readonly endpoint: string;
  /** PEM, for clients that are to trust it; null without TLS. */
  readonly certificateFile: string | null;
  /** Kept in its data: the same for the life of the data folder, whatever the port. */
  readonly id: string;
  readonly faults: Faults;
  /** Ends open connections, waits for what is being stored, closes the database: nothing of it lives on. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** An upload has as long to arrive as its URL is good for. */
const requestTimeoutMs = uploadLifetimeMs;

/** @throws CannotStart, where there is something a person can do about it */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  makeFolder(options.dataDir);
  const letGo = holdData(options.dataDir);
  try {
    return await startHolding(options, letGo);
  } catch (error) {
    letGo();
    throw error;
  }
}

async function startHolding(options: StandInOptions, letGo: () => void): Promise<StandIn> {
  const now = options.now ?? Date.now;
  const certificate = options.tls === true ? await ownCertificate(options.dataDir, now()) : null;
  const scheme = certificate === null ? 'http' : 'https';
  const faults = options.faults ?? new Faults();
  const connections = new Connections();
  const storage = new Storage(options.dataDir);
  const records = openRecords(options.dataDir);
  await storage
    .removeAbandoned((name) => records.file(name) !== undefined)
    .catch((error: unknown) => {
      records.close();
      throw error;
    });
  const closing = new AbortController();
  let endpoint = '';
  const app = createApp(
    {
      records,
      storage,
      urls: new SignedUrls(records.secret, () => endpoint),
      faults,
      connections,
      scheme,
      apps: options.apps === null ? null : new Set(options.apps),
      apiKey: options.apiKey,
      defaultInstance: options.defaultInstance ?? 'devint',
      now,
    },
    closing.signal,
  );

  const underWay = new Set<Promise<unknown>>();
  const server = createServer(certificate, (request, env) => {
    const answer = Promise.resolve(app.fetch(request, env));
    underWay.add(answer);
    const over = () => void underWay.delete(answer);
    answer.then(over, over);
    return answer;
  });
  connections.watch(server);
  try {
    await listen(server, options.port);
  } catch (error) {
    records.close();
    throw error;
  }
  endpoint = `${scheme}://${host}:${(server.address() as AddressInfo).port}`;

  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    closing.abort();
    connections.destroyAll();
    await closed;
    await Promise.allSettled(underWay);
    records.close();
    letGo();
  };
  let closed: Promise<void> | null = null;
  return {
    endpoint,
    certificateFile: certificate?.file ?? null,
    id: records.id,
    faults,
    close: () => (closed ??= close()),
  };
}

function makeFolder(path: string): void {
  try {
    makeDirectories(path, 0o700);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new CannotStart('data is unusable', `the data folder ${path} cannot be made (${code})`);
  }
}

function createServer(
  certificate: Certificate | null,
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'],
): Server {
  const shared = { fetch, overrideGlobalObjects: false };
  const patience = { requestTimeout: requestTimeoutMs };
  const server =
    certificate === null
      ? createAdaptorServer({ ...shared, serverOptions: patience })
      : createAdaptorServer({
          ...shared,
          createServer: createTlsServer,
          serverOptions: { ...patience, key: certificate.key, cert: certificate.certificate },
        });
  return server as Server;
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EACCES' ? 'is not for this user' : 'is in use';
    throw new CannotStart('port is taken', `port ${port} ${why}; choose another, or 0 for any that is free`);
  }
}
