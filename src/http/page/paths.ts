/** Where the pages are, and what their addresses say. */
import { isShownState, shownStates, type ShownState } from '../../core/run.ts';
import type { ListPlace, RunView } from '../operations.ts';

/** Of one page of the list, and at most of an answer of the API. */
export const runsPerPage = 50;
export const runsPerAnswerMax = 500;

export interface Turn {
  readonly states: readonly ShownState[];
  readonly root: string | null;
  /** Behind which it goes on; null: from the beginning. */
  readonly after: ListPlace | null;
}

export function turnPath({ states, root, after }: Turn): string {
  const query = new URLSearchParams(states.map((state): [string, string] => ['state', state]));
  if (root !== null) query.set('root', root);
  if (after !== null && 'run' in after) query.set('before', String(after.run));
  else if (after !== null) query.set('after', `${after.state}:${after.dropRoot}:${after.folder}`);
  return query.size === 0 ? '/runs' : `/runs?${query.toString()}`;
}

/** What cannot be understood is as if it had not been said. */
export function turnOf(query: URLSearchParams): Turn {
  const wanted = query.getAll('state');
  const root = query.get('root');
  return {
    states: shownStates.filter((state) => wanted.includes(state)),
    root: root === '' ? null : root,
    after: placeIn(query),
  };
}

function placeIn(query: URLSearchParams): ListPlace | null {
  const before = query.get('before') ?? '';
  if (/^[1-9]\d{0,14}$/.test(before)) return { run: Number(before) };
  const [, state = '', dropRoot = '', folder = ''] =
    /^([a-z]+):([^:]+):(.{1,4096})$/s.exec(query.get('after') ?? '') ?? [];
  return isShownState(state) ? { state, dropRoot, folder } : null;
}

/** Behind which the list goes on when that one was its last. */
export function placeOf({ run, state, drop_root: dropRoot, folder }: RunView): ListPlace {
  return run === null ? { state, dropRoot, folder } : { run };
}

/** What a page is about, as it is named in addresses and forms. */
export type Named = Pick<RunView, 'run' | 'folder' | 'drop_root'>;

/** Of a run by its number, of a folder that is no run yet by its path and its drop root. */
export function storyPath({ run, folder, drop_root: root }: Named): string {
  return run === null ? `/folders?${new URLSearchParams({ path: folder, root }).toString()}` : `/runs/${run}`;
}

/** The fields that tell which one is meant, of an address or of a form. */
export function fieldsOf({ run, folder, drop_root: root }: Named): Readonly<Record<string, string>> {
  return run === null ? { folder, root } : { run: String(run) };
}
