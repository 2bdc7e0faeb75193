/**
 * A run keeps what decided which files were its content. As long as its folder holds that content, it is looked at in
 * that way, so that a later configuration of `files`, `marker` or `ignore` sends nothing of history again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Folder } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FolderSight } from '../reading/sight.ts';
import type { IntakeParts } from './parts.ts';
import { rulesOf, type RootRules } from './rules.ts';

/** @returns the rules by which the folder's run was made; null where they are the same as now, or there is no run */
export async function rulesAsRecorded(
  known: Folder | undefined,
  rules: RootRules,
  outbox: Pick<Outbox, 'run'>,
): Promise<RootRules | null> {
  if (known?.run == null) return null;
  const mapping = (await outbox.run(known.run))?.content.mapping;
  if (mapping === undefined || isDeepStrictEqual(mapping, rules.sight.names)) return null;
  return rulesOf(rules.root, mapping, rules.reading.beat);
}

/** What the folder is by the rules of its run, if that is still the run's content; else null. */
export async function readAsRecorded(
  folderPath: string,
  known: Folder,
  recorded: RootRules,
  { outbox, folders }: Pick<IntakeParts, 'outbox' | 'folders'>,
) {
  const sight = await folders.look(recorded.root.path, folderPath, recorded);
  if (sight === null || !isComplete(sight) || known.run === null) return null;
  const { read, after } = await folders.read(recorded.root.path, folderPath, sight, recorded);
  if (read.kind !== 'complete' || after?.signature !== sight.signature) return null;
  const isSame = (await outbox.run(known.run))?.key.generation === read.content.generation;
  return isSame ? { sight, content: read.content } : null;
}

function isComplete({ refusal, sighting }: FolderSight): boolean {
  return refusal === null && sighting.unreadable === null && sighting.missing.length === 0;
}
