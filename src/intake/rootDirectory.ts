/**
 * The directory that a drop root is: whether it is there, whether it is the one that it was, and whether what is not in
 * it can be believed to have vanished.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../system/files.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

/** Known folders that are looked for in a root that is another directory than before. */
const sampledMax = 500;

export interface RootPlace {
  /** Which directory it is: device and inode. */
  readonly mark: string;
  /** It is another directory than at the last scan of this process, or this is the first one. */
  readonly isAnother: boolean;
  /** What is not in it has vanished. */
  readonly isTrusted: boolean;
}

export class RootDirectory {
  readonly #root: DropRoot;
  readonly #parts: IntakeParts;
  #mark: string | null = null;
  #trouble: string | null = null;
  /** What was said of it since it was well. */
  readonly #said = new Set<string>();

  constructor(root: DropRoot, parts: IntakeParts) {
    this.#root = root;
    this.#parts = parts;
  }

  /** Why the root cannot be scanned, or not be believed; null when all is well. */
  trouble(): string | null {
    return this.#trouble;
  }

  /**
   * One that is another directory than before and holds few of the folders that are known is more likely not mounted than
   * emptied: then what is new in it is tracked, and nothing has vanished.
   * @param before which directory it was, as the outbox has it; null: it was never looked at
   * @param asked a person asks: another directory is believed to be meant so
   * @returns null when it is not there, which is said once
   */
  async look(before: string | null, asked: boolean): Promise<RootPlace | null> {
    const { outbox } = this.#parts;
    const { name } = this.#root;
    let mark: string;
    try {
      mark = await this.#markNow();
    } catch (error) {
      this.fail(error);
      return null;
    }
    const isAnother = this.#mark !== mark;
    this.#mark = mark;
    if (before === null || before === mark) return { mark, isAnother, isTrusted: true };
    if (!asked && (await this.#isEmptied())) {
      this.#say(
        'is another directory than before, and little of what was known is in it: is it mounted? ' +
          `If it was emptied on purpose, say \`runtrackd scan ${name}\``,
        {},
      );
      return { mark, isAnother, isTrusted: false };
    }
    await outbox.saveRootMark(name, mark);
    return { mark, isAnother, isTrusted: true };
  }

  /** It was listed, and is believed. */
  isWell(): void {
    const { path, name } = this.#root;
    if (this.#trouble !== null) this.#parts.log.info({ root: name }, `drop root ${path} is there again`);
    this.#trouble = null;
    this.#said.clear();
  }

  /** It cannot be listed, which is said once. @throws the error again when nobody named it */
  fail(error: unknown): void {
    const code = errorCode(error);
    if (code === undefined || code.startsWith('SQLITE')) throw error;
    this.#say(troubleOf(code), { code });
  }

  /** Whether the root is the directory that was scanned last: if not, what is missing has not vanished. */
  async isStillThere(): Promise<boolean> {
    return this.#trouble === null && (await this.#markNow().catch(() => null)) === this.#mark;
  }

  #say(trouble: string, fields: { readonly code?: string }): void {
    const { path, name } = this.#root;
    // Of a root that is another one and cannot be listed either, both are found at every scan.
    if (!this.#said.has(trouble)) {
      const more = fields.code === undefined ? '' : '; looking again every scan';
      this.#parts.log.error({ root: name, ...fields }, `drop root ${path} ${trouble}${more}`);
    }
    this.#said.add(trouble);
    this.#trouble = trouble;
  }

  async #isEmptied(): Promise<boolean> {
    const known = await this.#parts.outbox.foldersOfRoot(this.#root.name, '', sampledMax);
    const isThere = await Promise.all(
      known.map(({ path }) =>
        lstat(join(this.#root.path, path)).then(
          (stats) => stats.isDirectory(),
          () => false,
        ),
      ),
    );
    return isThere.filter(Boolean).length < known.length / 2;
  }

  async #markNow(): Promise<string> {
    return await this.#parts.folders.mark(this.#root.path);
  }
}

function troubleOf(code: string): string {
  if (code === 'ENOENT') return 'is not there';
  if (code === 'ETIMEDOUT') return 'does not answer: is it on a share whose server is away?';
  return `cannot be listed (${code})`;
}
