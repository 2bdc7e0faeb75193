/**
 * Before an outbox makes its first run: have its drop roots been tracked under another host name? The name is part of every
 * run's key. What a look at one folder finds out comes too late for those that were looked at before it, so all roots are
 * gone through while there is no run yet; then nothing stands in the way of whoever sets the name.
 */
import { join } from 'node:path';
import { resultFileName } from '../core/ownFiles.ts';
import { errorCode } from '../system/files.ts';
import { mayHold } from './enqueue.ts';
import { HostChanged } from './hostChanged.ts';
import { levelOf } from './levels.ts';
import type { IntakeParts } from './parts.ts';
import { provenBy, toldBy } from './resultFile.ts';
import type { RootIntake } from './rootIntake.ts';
import type { RootRules } from './rules.ts';

/** Folders asked for their result files side by side. */
const foldersAtOnce = 64;

/** A folder, and which host has tracked it. */
interface Tracked {
  readonly path: string;
  readonly host: string;
}

export class HostGuard {
  readonly #parts: Pick<IntakeParts, 'outbox' | 'folders' | 'platformId' | 'host'>;
  readonly #roots: () => readonly RootIntake[];
  #passed: Promise<void> | null = null;

  constructor(
    parts: Pick<IntakeParts, 'outbox' | 'folders' | 'platformId' | 'host'>,
    roots: () => readonly RootIntake[],
  ) {
    this.#parts = parts;
    this.#roots = roots;
  }

  /** Whoever is about to make a run waits for it: it is found out once. @throws HostChanged */
  async pass(): Promise<void> {
    this.#passed ??= this.#findOut();
    await this.#passed;
  }

  async #findOut(): Promise<void> {
    const { outbox, host } = this.#parts;
    if ((await outbox.oldestRun()) !== null) return;
    let other: Tracked | null = null;
    const roots = this.#roots();
    for (const root of roots)
      for await (const page of root.folderPages())
        for (let at = 0; at < page.length; at += foldersAtOnce) {
          const isOwnAlone: boolean = other !== null;
          const found: readonly (Tracked | null)[] = await Promise.all(
            page.slice(at, at + foldersAtOnce).map((path) => this.#trackedBy(path, root.rules, isOwnAlone)),
          );
          // All of them may have folders that wait for this.
          for (const { rules } of roots) rules.reading.beat?.();
          // This name was in use here: what another host has tracked was brought here.
          if (found.some((folder) => folder?.host === host)) return;
          other ??= found.find((folder) => folder !== null) ?? null;
        }
    if (other !== null) throw new HostChanged(other.host, host, other.path);
  }

  /**
   * @param isOwnAlone whether only this host's name is of interest
   * @returns null where no result file tells, or one of another host is not about what the folder holds
   */
  async #trackedBy(path: string, rules: RootRules, isOwnAlone: boolean): Promise<Tracked | null> {
    const { folders, platformId: platform, host } = this.#parts;
    const { root } = rules;
    if (levelOf(path) !== root.depth || rules.isIgnoredFolder(path)) return null;
    const folderPath = join(root.path, path);
    try {
      const sight = await folders.look(root.path, folderPath, rules);
      if (sight === null || !mayHold(resultFileName, sight, root)) return null;
      const place = { platform, dropRoot: root.name, path, directory: sight.directory };
      const told = await toldBy(root, place);
      if (told === null || ![root.app, ...root.allowAppIds].includes(told.app)) return null;
      if (told.host === host) return { path, host };
      if (isOwnAlone || sight.refusal !== null || sight.sighting.missing.length > 0) return null;
      const { read } = await folders.read(root.path, folderPath, sight, rules);
      if (read.kind !== 'complete') return null;
      const proven = await provenBy(root, { ...place, app: told.app, content: read.content });
      return proven === null ? null : { path, host: proven.host };
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined || code.startsWith('SQLITE')) throw error;
      return null;
    }
  }
}
