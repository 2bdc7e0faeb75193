/**
 * The control socket: the running daemon's answers to commands, over HTTP on a Unix socket in the state directory.
 * Who may open the socket may ask anything; the file system says who that is.
 */
import { lstatSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { stream } from 'hono/streaming';
import type { z } from 'zod';
import { beforehandOf, socketPathBytesMax } from '../core/controlSocket.ts';
import { errorCode } from '../system/files.ts';
import { outliveAcceptTrouble } from './acceptTrouble.ts';
import { ControlRefused } from './controlRefused.ts';
import { giveSocket, shareDirectory, type ControlGroup } from './controlDirectory.ts';
import {
  backupOrder,
  historyQuery,
  listQuery,
  personsAnswer,
  scanOrder,
  selector,
  trackOrder,
  Unanswerable,
  waitOrder,
  type Operations,
} from './operations.ts';

/** An order is a few selectors; more is no order of ours. */
const orderBytesMax = 8 * 1024 * 1024;

export interface ControlServer {
  /** The group may open the socket, whoever has given directory or socket to somebody else meanwhile. */
  openToGroup(): void;
  close(): Promise<void>;
}

export interface ControlTold {
  readonly onBug: (error: unknown) => void;
  readonly warn: (text: string) => void;
}

/**
 * @param group may use the socket beside the daemon's user; null: nobody
 * @param told of an error that nobody named, and of connections that could not be taken
 * @throws ControlRefused, or when the path is too long for a Unix socket
 */
export async function serveControl(
  socketPath: string,
  group: ControlGroup | null,
  operations: Operations,
  { onBug, warn }: ControlTold,
): Promise<ControlServer> {
  if (Buffer.byteLength(socketPath) > socketPathBytesMax) {
    throw new Error(
      `${socketPath} is too long for a Unix socket (${Buffer.byteLength(socketPath)} bytes, ${socketPathBytesMax} at most): choose a shorter state_dir`,
    );
  }
  const app = controlApp(operations, onBug);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void listener(request, response));
  const beforehand = beforehandOf(socketPath);
  if (group === null) await listenAs(server, beforehand);
  else await listenForGroup(server, socketPath, group);
  // A socket file outlives its process; whoever holds the outbox's lock may take it away.
  renameSync(beforehand, socketPath);
  const ours = socketAt(socketPath);
  outliveAcceptTrouble(server, `the control socket ${socketPath}`, warn);
  return {
    openToGroup() {
      if (group === null) return;
      try {
        shareDirectory(dirname(socketPath), group);
        giveSocket(socketPath, group);
      } catch (error) {
        if (!(error instanceof ControlRefused) && errorCode(error) === undefined) throw error;
        warn(error instanceof ControlRefused ? error.message : ungiven(socketPath, group, error));
      }
    },
    async close() {
      // Where the lock was taken away under this daemon, another one may listen there by now.
      const isOurs = socketAt(socketPath) === ours;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if (!isOurs) return;
      try {
        rmSync(socketPath, { force: true });
      } catch (error) {
        // On a disk that cannot be written to any more; the next start takes it away, and why this one ends is said.
        if (errorCode(error) === undefined) throw error;
      }
    },
  };
}

/** Nobody may open the socket before it has its group. */
async function listenForGroup(server: Server, socketPath: string, group: ControlGroup): Promise<void> {
  const beforehand = beforehandOf(socketPath);
  try {
    shareDirectory(dirname(socketPath), group);
    await listenAs(server, beforehand);
    giveSocket(beforehand, group);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    server.close();
    throw new ControlRefused(ungiven(socketPath, group, error));
  }
}

/** For the daemon's user alone. */
async function listenAs(server: Server, beforehand: string): Promise<void> {
  rmSync(beforehand, { force: true });
  const umask = process.umask(0o177);
  // The socket is made before this returns, so the mask is the socket's alone.
  const listening = listen(server, beforehand);
  process.umask(umask);
  await listening;
}

/** Which socket it is that lies at a path, by device and inode; null: none. */
function socketAt(path: string): string | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${String(stats.dev)} ${String(stats.ino)}`;
}

function ungiven(socketPath: string, { name }: ControlGroup, error: unknown): string {
  return `the control socket ${socketPath} cannot be given to the group "${name}" (${errorCode(error) ?? ''}): put the daemon's user into that group, and let ${dirname(socketPath)} be the user's own`;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function controlApp(operations: Operations, onBug: (error: unknown) => void): Hono {
  const app = new Hono();
  app.get('/status', async (context) => context.json(await operations.status()));
  app.post('/history', async (context) =>
    context.json(await operations.history(await order(context, historyQuery))),
  );
  app.post('/list', async (context) => {
    const query = await order(context, listQuery);
    return await lines(context, operations.list(query), onBug);
  });
  app.post('/show', async (context) => context.json(await operations.show(await order(context, selector))));
  app.post('/answer', async (context) =>
    context.json(await operations.answer(await order(context, personsAnswer))),
  );
  app.post('/scan', async (context) =>
    lines(context, operations.scan(await order(context, scanOrder)), onBug),
  );
  app.post('/preview', async (context) =>
    lines(context, operations.preview(await order(context, scanOrder)), onBug),
  );
  app.post('/track', async (context) =>
    context.json(await operations.track(await order(context, trackOrder))),
  );
  app.post('/wait', async (context) =>
    context.json(await operations.waitFor(await order(context, waitOrder))),
  );
  app.post('/backup', async (context) =>
    context.json(await operations.backup(await order(context, backupOrder))),
  );
  app.post('/reload', async (context) => context.json(await operations.reload()));
  app.post('/page-link', async (context) => context.json(await operations.pageLink()));
  app.notFound((context) =>
    context.json(
      { kind: 'refused', message: 'the daemon knows no such command; is it older than this program?' },
      404,
    ),
  );
  app.onError((error, context) => {
    if (error instanceof Unanswerable) return context.json({ kind: error.kind, message: error.message }, 422);
    onBug(error);
    return context.json(
      { kind: 'bug', message: 'the daemon met an error that nobody foresaw; its log has the details' },
      500,
    );
  });
  return app;
}

/** One JSON document a line, as they come. */
async function lines(
  context: Context,
  values: AsyncIterable<unknown>,
  onBug: (error: unknown) => void,
): Promise<Response> {
  context.header('content-type', 'application/x-ndjson');
  const iterator = values[Symbol.asyncIterator]();
  // Before anything is sent: a refusal is an answer of its own then.
  let next = await iterator.next();
  return stream(context, async (out) => {
    try {
      for (; next.done !== true && !out.aborted; next = await iterator.next())
        await out.write(`${JSON.stringify(next.value)}\n`);
      // Whoever asked is gone: nothing more is found out for them.
      if (next.done !== true) await iterator.return?.();
    } catch (error) {
      if (!(error instanceof Unanswerable)) onBug(error);
      const message =
        error instanceof Unanswerable ? error.message : 'the list broke off; the log has the details';
      // A list that just ended would look like all there is.
      await out.write(`${JSON.stringify({ brokenOff: message })}\n`);
    }
  });
}

async function order<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  const length = Number(context.req.header('content-length') ?? '0');
  if (length > orderBytesMax) throw new Unanswerable('refused', 'the order is too long');
  const body: unknown = await context.req.json().catch(() => undefined);
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Unanswerable('refused', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}
