/** Folders that are no runs, or not yet. */
import type { Folder } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';

export type OpenState = Exclude<Folder['state'], 'known'>;

/** Rows are read in pages of this many, whatever was asked for. */
export const pageOfRows = 200;

/**
 * @param root null: those of all roots
 * @param from goes on behind that one; null: all of them
 */
export async function* openFolders(
  outbox: Outbox,
  state: OpenState,
  root: string | null,
  from: Pick<Folder, 'dropRoot' | 'path'> | null = null,
): AsyncGenerator<Folder> {
  for (let after = from; ;) {
    const page: Folder[] = await outbox.openFolders(state, root, after, pageOfRows);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageOfRows) return;
    after = last;
  }
}
