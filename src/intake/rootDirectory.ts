/**
 * The directory that a drop root is: whether it is there, under its own name, whether it is the one that it was, and
 * whether what is not in it can be believed to have vanished.
 */
import type { KeptPlace } from '../outbox/nouns.ts';
import type { DirectoryPlace } from '../reading/folderJobs.ts';
import { errorCode } from '../system/files.ts';
import { countIn, isIn, sampledMax } from './holding.ts';
import { isSameMark, keptOf, textOf } from '../core/keptMark.ts';
import { misnamed } from './misnamed.ts';
import type { IntakeParts } from './parts.ts';
import type { DropRoot } from './rules.ts';

export interface RootPlace extends DirectoryPlace {
  /** It is another directory than at the last scan of this process, or this is the first one. */
  readonly isAnother: boolean;
  /** What is not in it has vanished. */
  readonly isTrusted: boolean;
}

export class RootDirectory {
  readonly #root: DropRoot;
  readonly #parts: IntakeParts;
  /** Which directory was there at the last look. */
  #mark: string | null = null;
  /** Which one is believed to be the root: what is not in it has vanished. */
  #believed: string | null = null;
  /** What was known before another directory lay in its place: the same as long as it lies there. */
  #sample: { readonly sinceMs: number; readonly paths: readonly string[] } | null = null;
  #trouble: string | null = null;
  #isMisnamed = false;
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
   * emptied: then what is new in it is tracked, and nothing has vanished. What is tracked there says nothing of what it is.
   * @param before where it was, as the outbox has it
   * @param asked a person asks: another directory is believed to be meant so
   * @returns null when it is not there, or goes by another's name, which is said once
   */
  async look(before: KeptPlace, asked: boolean): Promise<RootPlace | null> {
    const { outbox, clock } = this.#parts;
    const { name } = this.#root;
    const place = await this.#placeOrFail(before);
    if (place === null) return null;
    const { mark, realPath } = place;
    const isAnother = !isSameMark(this.#mark, mark);
    this.#mark = mark;
    const kept = before.mark === null ? { mark, doubtedSinceMs: null } : keptOf(before.mark);
    const doubtedSinceMs = kept.doubtedSinceMs ?? clock.nowMs();
    const isTrusted = isSameMark(kept.mark, mark) || asked || (await this.#holdsWhatWasKnown(doubtedSinceMs));
    const known = isTrusted ? mark : textOf({ mark: kept.mark, doubtedSinceMs });
    if (before.mark !== null && before.mark !== known) await outbox.saveRootMark(name, known);
    // While another directory lies in its place, nobody knows where the root itself is.
    if (before.mark !== null && isTrusted && before.realPath !== realPath)
      await outbox.saveRootPath(name, realPath);
    this.#believed = isTrusted ? mark : null;
    if (isTrusted) {
      this.#sample = null;
    } else {
      this.#say(
        'is another directory than before, and little of what was known is in it: is it mounted? ' +
          `If it was emptied on purpose, say \`runtrackd scan ${name}\``,
        {},
      );
    }
    return { ...place, isAnother, isTrusted };
  }

  /** Whether it can be looked into, which is said when not. What it is believed to be stays as it is. */
  async isThere(): Promise<boolean> {
    return (await this.#placeOrFail(await this.#parts.outbox.rootPlace(this.#root.name))) !== null;
  }

  /** What lies in it is known under another name, and nothing of it is looked at under this one. */
  isMisnamed(): boolean {
    return this.#isMisnamed;
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

  /** Whether it is still the directory that was there at the last look. */
  async isAsSeen(): Promise<boolean> {
    return isSameMark(this.#mark, await this.#markNow().catch(() => null));
  }

  /** Whether a folder is missing from the root as it is believed to be: one that is away for a moment has lost nothing. */
  async hasLost(path: string): Promise<boolean> {
    return (await this.#isStillThere()) && !(await this.#holds(path)) && (await this.#isStillThere());
  }

  /** @throws system errors, unless nothing is there */
  async #holds(path: string): Promise<boolean> {
    return await isIn(this.#root.path, path);
  }

  async #isStillThere(): Promise<boolean> {
    return this.#trouble === null && isSameMark(this.#believed, await this.#markNow().catch(() => null));
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

  /** @param sinceMs what was first seen later may be the other directory's own */
  async #holdsWhatWasKnown(sinceMs: number): Promise<boolean> {
    if (this.#sample?.sinceMs !== sinceMs) {
      const paths = await this.#parts.outbox.sampleOfFolders(this.#root.name, sinceMs, sampledMax);
      this.#sample = { sinceMs, paths };
    }
    const { paths: known } = this.#sample;
    return (await countIn(this.#root.path, known)) >= known.length / 2;
  }

  async #placeOrFail(before: KeptPlace): Promise<DirectoryPlace | null> {
    let place: DirectoryPlace;
    try {
      place = await this.#parts.folders.place(this.#root.path);
    } catch (error) {
      this.fail(error);
      return null;
    }
    const wrong = await misnamed(this.#root, place, before, this.#parts);
    this.#isMisnamed = wrong !== null;
    if (wrong === null) return place;
    this.#say(`${wrong.text}. ${wrong.hint}`, {});
    return null;
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
