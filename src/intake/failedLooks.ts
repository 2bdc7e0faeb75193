/** Folders of one drop root at which a look failed: shown while it is so, said once, and tried again at every scan. */
import type { Log } from '../system/log.ts';
import type { DropRoot } from './rules.ts';

export class FailedLooks {
  readonly #root: Pick<DropRoot, 'name' | 'path'>;
  readonly #log: Log;
  /** The system's error code at the last look, by path. */
  readonly #codes = new Map<string, string>();

  constructor(root: Pick<DropRoot, 'name' | 'path'>, log: Log) {
    this.#root = root;
    this.#log = log;
  }

  /** How many they are, and one of them; null: there is none. */
  trouble(): string | null {
    const [first] = this.#codes;
    if (first === undefined) return null;
    const [path, code] = first;
    return `${String(this.#codes.size)} folder(s) cannot be looked at, such as ${path} (${code}): look at the disk, or at the share`;
  }

  has(path: string): boolean {
    return this.#codes.has(path);
  }

  paths(): string[] {
    return [...this.#codes.keys()];
  }

  /** A disk that fails has many of them: one is said, and how many there are is shown. */
  add(path: string, code: string): void {
    const { name } = this.#root;
    const text = `${path} cannot be looked at (${code}); trying again at every scan`;
    if (this.#codes.size === 0)
      this.#log.error({ root: name, folder: path, code }, `${text}, like any other that cannot`);
    else if (!this.#codes.has(path)) this.#log.debug({ root: name, folder: path, code }, text);
    this.#codes.set(path, code);
  }

  /** It was looked at, and is whatever it was found to be. */
  delete(path: string): void {
    if (!this.#codes.delete(path) || this.#codes.size > 0) return;
    const { name, path: rootPath } = this.#root;
    this.#log.info({ root: name }, `all folders of drop root ${rootPath} can be looked at again`);
  }
}
