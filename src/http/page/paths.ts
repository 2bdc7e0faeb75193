/** Where the pages are, and what their addresses say. */
import { shownStates, type ShownState } from '../../core/run.ts';

/** Of one page of the list, and at most of an answer of the API. */
export const runsPerPage = 50;
export const runsPerAnswerMax = 500;

export interface Turn {
  readonly states: readonly ShownState[];
  readonly root: string | null;
  /** Only runs with a smaller number. */
  readonly before: number | null;
}

export function turnPath({ states, root, before }: Turn): string {
  const query = new URLSearchParams(states.map((state): [string, string] => ['state', state]));
  if (root !== null) query.set('root', root);
  if (before !== null) query.set('before', String(before));
  return query.size === 0 ? '/runs' : `/runs?${query.toString()}`;
}

/** What cannot be understood is as if it had not been said. */
export function turnOf(query: URLSearchParams): Turn {
  const wanted = query.getAll('state');
  const root = query.get('root');
  const before = query.get('before') ?? '';
  return {
    states: shownStates.filter((state) => wanted.includes(state)),
    root: root === '' ? null : root,
    before: /^[1-9]\d{0,14}$/.test(before) ? Number(before) : null,
  };
}

/** Of a run by its number, of a folder that is no run yet by its path. */
export function storyPath(run: number | null, folder: string): string {
  return run === null ? `/folders?path=${encodeURIComponent(folder)}` : `/runs/${run}`;
}
