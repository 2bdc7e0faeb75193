/**
 * The home of the outbox's connection: a thread of its own, because a disk whose fsync takes 50 ms must not hold the
 * event loop. Everything that was asked for in one turn is one group: one transaction, one fsync, a savepoint for each
 * change, so that one that fails does not take the others along.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openOwned } from './database.ts';
import { outboxOperations, type OperationName } from './operations.ts';

export interface Request {
  readonly id: number;
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export interface ThrownError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly pid?: number | null;
  readonly stack?: string;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ThrownError };

export type ThreadMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'failedToOpen'; readonly error: ThrownError }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | { readonly kind: 'closed' };

export type ThreadOrder =
  { readonly kind: 'group'; readonly requests: readonly Request[] } | { readonly kind: 'close' };

function describe(error: unknown): ThrownError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('pid' in error ? { pid: error.pid as number | null } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

function serve(stateDir: string): void {
  const port = parentPort;
  if (port === null) throw new Error('the outbox thread was started without a parent');
  const say = (message: ThreadMessage): void => port.postMessage(message);
  const owned = openOwned(stateDir);
  const { db } = owned;
  const operations = outboxOperations(db);
  const carryOut = ({ name, args }: Request): unknown =>
    (operations[name] as (...values: unknown[]) => unknown).apply(operations, [...args]);
  const oneChange = db.transaction(carryOut);
  const group = db.transaction((requests: readonly Request[]): Reply[] =>
    requests.map((request): Reply => {
      try {
        return { id: request.id, ok: true, value: oneChange(request) };
      } catch (error) {
        // A full disk has rolled the whole group back already; going on would acknowledge what is lost.
        if (!db.inTransaction) throw error;
        return { id: request.id, ok: false, error: describe(error) };
      }
    }),
  );
  port.on('message', (order: ThreadOrder) => {
    if (order.kind === 'close') {
      owned.close();
      say({ kind: 'closed' });
      port.close();
      return;
    }
    try {
      say({ kind: 'replies', replies: group.immediate(order.requests) });
    } catch (error) {
      const failed = describe(error);
      say({ kind: 'replies', replies: order.requests.map(({ id }) => ({ id, ok: false, error: failed })) });
    }
  });
  say({ kind: 'open' });
}

try {
  serve((workerData as { stateDir: string }).stateDir);
} catch (error) {
  parentPort?.postMessage({ kind: 'failedToOpen', error: describe(error) } satisfies ThreadMessage);
  parentPort?.close();
}
