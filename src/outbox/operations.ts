/** Everything that can be asked of an outbox, over one connection. Nothing here waits, and nothing here is asynchronous. */
import type { Db } from './database.ts';
import { folderOperations } from './folderOperations.ts';
import { listingOperations } from './listingOperations.ts';
import { prepareAll } from './prepare.ts';
import { runOperations } from './runOperations.ts';

export function outboxOperations(db: Db) {
  const sql = prepareAll(db);
  return { ...runOperations(sql), ...folderOperations(sql), ...listingOperations(sql) };
}

export type Operations = ReturnType<typeof outboxOperations>;
export type OperationName = keyof Operations;
