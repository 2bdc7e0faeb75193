/**
 * The address at which the daemon is looked at: health, metrics, the page. It serves routes that are handed to it and
 * knows of none; it is never a reason for the daemon not to run, nor for it to end.
 *
 * Everything that a client can take is limited: connections, the time in which it has to ask, and the time for which it
 * may be silent while it is answered.
 */
import { lstatSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { listenText, type ListenAddress } from '../core/listenAddress.ts';
import { errorCode } from '../system/files.ts';
import type { Log } from '../system/log.ts';
import { outliveAcceptTrouble } from './acceptTrouble.ts';
import { giveSocket, openWay, type ControlGroup } from './controlDirectory.ts';
import { ControlRefused } from './controlRefused.ts';
import { guard } from './guard.ts';

/** Some pages and a Prometheus or two; what is more is dropped, so that nobody can take all descriptors. */
const connectionsMax = 128;
/** Cookies and a long address; Node's own limit is twice that. */
const headerBytesMax = 8 * 1024;
const headersMsMax = 10_000;
/** A request has no body worth speaking of. */
const requestMsMax = 20_000;
/** Nothing goes to and fro for so long: the reader sleeps, or is gone. Streams say something more often than this. */
const silentMsMax = 60_000;
/** A port in use is free again when the other daemon has ended. */
const retryMs = 5_000;

export interface ListenerOptions {
  readonly listen: ListenAddress;
  readonly names: readonly string[];
  /** Who may open a Unix socket beside the daemon's user: those who may tell the daemon what to do. Null: nobody. */
  readonly group: ControlGroup | null;
  /** Each answers paths of its own. */
  readonly routes: readonly Hono[];
  readonly log: Log;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #app: Hono;
  /** Where it really listens; null: it does not, yet. */
  #address: ListenAddress | null = null;
  #trouble: string | null = null;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#app = appOf(options);
  }

  /** `http://127.0.0.1:8420` or `unix:/path`; null while it does not listen. */
  address(): string | null {
    return this.#address === null ? null : listenText(this.#address);
  }

  /** Why it does not listen, and what to do; null: it does, or is about to. */
  trouble(): string | null {
    return this.#trouble;
  }

  /** The group may open a Unix socket, whoever has given directory or socket to somebody else meanwhile. */
  openToGroup(): void {
    const { group, log } = this.#options;
    if (group === null || this.#address?.kind !== 'unix') return;
    const { path } = this.#address;
    try {
      openWay(dirname(path), group);
      giveSocket(path, group);
    } catch (error) {
      const code = errorCode(error);
      if (!(error instanceof ControlRefused) && code === undefined) throw error;
      log.warn(
        `the group "${group.name}" cannot open ${path}${code === undefined ? '' : ` (${code})`}: put the daemon's user into that group, and the socket of http.listen into a directory that is this user's own and holds nothing else`,
      );
    }
  }

  /** Serves until `stop` is aborted; where the address cannot be had, it is tried again and again. */
  async run(stop: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!stop.aborted) {
      const server = await this.#open();
      if (server === null) await sleep(retryMs, null, { signal: stop }).catch(() => null);
      else {
        await stopped;
        await this.#close(server);
      }
    }
  }

  async #open(): Promise<Server | null> {
    const { listen, group, log } = this.#options;
    const server = this.#server();
    try {
      this.#address = await bind(server, listen, group);
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      const trouble = troubleText(listen, code);
      if (this.#trouble !== trouble) log.warn(`${trouble} (runtrackd explain not-served)`);
      this.#trouble = trouble;
      return null;
    }
    this.#trouble = null;
    outliveAcceptTrouble(server, listenText(this.#address), (text) => log.warn(text));
    log.info(`the status page, health and metrics are at ${listenText(this.#address)}`);
    this.openToGroup();
    return server;
  }

  #server(): Server {
    const answer = getRequestListener(this.#app.fetch, { overrideGlobalObjects: false });
    const server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        headersTimeout: headersMsMax,
        requestTimeout: requestMsMax,
        connectionsCheckingInterval: 5_000,
      },
      (request, response) => void answer(request, response),
    );
    server.maxConnections = connectionsMax;
    server.setTimeout(silentMsMax);
    return server;
  }

  async #close(server: Server): Promise<void> {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    const address = this.#address;
    this.#address = null;
    if (address?.kind === 'unix') removeSocket(address.path);
  }
}

function appOf({ listen, names, routes, log }: ListenerOptions): Hono {
  const app = new Hono();
  app.use(guard({ listen, names }));
  for (const route of routes) app.route('/', route);
  app.notFound((context) => context.json({ message: 'there is nothing at this address' }, 404));
  app.onError((error, context) => {
    log.error({ err: error }, 'a request met an error that nobody foresaw');
    return context.json(
      { message: 'the daemon met an error that nobody foresaw; its log has the details' },
      500,
    );
  });
  return app;
}

/** On a disk that cannot be written to any more it stays; the next start takes it away. */
function removeSocket(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** @throws what the system says, with its code */
async function bind(
  server: Server,
  listen: ListenAddress,
  group: ControlGroup | null,
): Promise<ListenAddress> {
  if (listen.kind === 'port') {
    await listening(server, { host: listen.host, port: listen.port });
    return { ...listen, port: (server.address() as AddressInfo).port };
  }
  await removeLeftSocket(listen.path);
  // Nobody else may connect, not even for the moment before its mode could be changed.
  const before = process.umask(0o177);
  try {
    await listening(server, { path: listen.path });
  } finally {
    process.umask(before);
  }
  if (group !== null) giveTo(group, server, listen.path);
  return listen;
}

/** @throws what the system says; nothing listens then */
function giveTo(group: ControlGroup, server: Server, path: string): void {
  try {
    giveSocket(path, group);
  } catch (error) {
    server.close();
    throw error;
  }
}

function listening(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket file outlives its process. One that answers is somebody's, and what is no socket is not ours to remove. */
async function removeLeftSocket(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (isSocket && !(await answers(path))) rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(errorCode(error) !== 'ECONNREFUSED'));
  });
}

function troubleText(listen: ListenAddress, code: string): string {
  const where = listen.kind === 'unix' ? listen.path : listenText(listen).replace('http://', '');
  const why = {
    EADDRINUSE: 'it is in use',
    EACCES: 'it is not for this user',
    EPERM: 'it is not for this user, or cannot be given to control.group',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'this machine has no such address',
    ENOENT: 'its directory is not there',
  }[code];
  return `health, metrics and the page are not served at ${where}: ${why ?? `it cannot be had (${code})`}. It is tried again; or change http.listen`;
}
