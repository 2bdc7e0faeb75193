/** Everything that can be asked of an outbox, over one connection. Nothing here waits, and nothing here is asynchronous. */
import type { Db } from './database.ts';
import { archiveOperations } from './archiveOperations.ts';
import { dayOperations } from './dayOperations.ts';
import { doubtOperations } from './doubtOperations.ts';
import { enqueueOperations } from './enqueueOperations.ts';
import { folderOperations } from './folderOperations.ts';
import { listingOperations } from './listingOperations.ts';
import { prepareAll } from './prepare.ts';
import { rootOperations } from './rootOperations.ts';
import { runOperations } from './runOperations.ts';
import { thinOperations } from './thinOperations.ts';
import { runRows } from './runRows.ts';

/**
 * @param gettingOn told again and again by what may take longer than anyone waits for an answer: where a hundred thousand
 *   rows are changed at once
 */
export function outboxOperations(db: Db, gettingOn: () => void = () => undefined) {
  const sql = prepareAll(db);
  const rows = runRows(sql, gettingOn);
  const doubt = doubtOperations(sql, rows);
  return {
    ...doubt,
    ...enqueueOperations(sql, rows, doubt),
    ...runOperations(sql, rows),
    ...folderOperations(sql, rows),
    ...rootOperations(sql, doubt),
    ...listingOperations(sql, rows),
    ...archiveOperations(sql, rows),
    ...dayOperations(sql),
    ...thinOperations(sql, rows),
  };
}

export type Operations = ReturnType<typeof outboxOperations>;
export type OperationName = keyof Operations;
