/** Which run or folder an address or a form of the page means: what `fieldsOf` and `storyPath` have told. */
import { Unanswerable, type Selector } from '../operations.ts';

/** @throws Unanswerable when it can be none */
export function wantedOf({ run, folder, root }: Partial<Record<string, string>>): Selector {
  return run === undefined ? selectorOfFolder(folder, root) : selectorOfRun(run);
}

/** @throws Unanswerable likewise */
export function selectorOfRun(text: string): Selector {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Unanswerable('none', 'There is no such run.');
  return { text: `#${text}`, path: '', generation: null, run: Number(text) };
}

/**
 * Where its drop root is not named, only a whole path is understood: a daemon stands nowhere that a person knows of.
 * @throws Unanswerable likewise
 */
export function selectorOfFolder(path = '', root?: string): Selector {
  const isUnderstood = root === undefined ? path.startsWith('/') : path !== '' && root.length <= 200;
  if (!isUnderstood || path.length > 4096) throw new Unanswerable('none', 'There is no such folder.');
  return { text: path, path, generation: null, ...(root === undefined ? {} : { dropRoot: root }) };
}
