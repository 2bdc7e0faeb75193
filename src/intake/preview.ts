/** What a look at a folder would make of it, without doing it: for `scan --dry-run`. */
import { join } from 'node:path';
import type { Folder } from '../outbox/nouns.ts';
import { readFolder } from '../reading/readFolder.ts';
import { sightFolder } from '../reading/sight.ts';
import type { IntakeParts } from './parts.ts';
import type { RootRules } from './rules.ts';

export interface Preview {
  readonly path: string;
  readonly verdict: 'would-be-tracked' | 'known' | 'not-complete' | 'rejected' | 'skipped';
  readonly reason: string;
  readonly run: number | null;
}

/** @returns null when there is no such folder */
export async function previewFolder(
  path: string,
  rules: RootRules,
  known: Folder | undefined,
  { outbox }: Pick<IntakeParts, 'outbox'>,
): Promise<Preview | null> {
  const folderPath = join(rules.root.path, path);
  const sight = await sightFolder(folderPath, rules.sight);
  if (sight === null) return null;
  const say = (verdict: Preview['verdict'], reason: string, run: number | null = null): Preview => ({
    path,
    verdict,
    reason,
    run,
  });
  if (known?.state === 'known' && known.signature === sight.signature) {
    return say('known', `it is run #${String(known.run)}`, known.run);
  }
  if (known?.state === 'skipped' && known.signature === sight.signature)
    return say('skipped', 'a person said: skip');
  if (sight.refusal !== null) return say('rejected', sight.refusal.text);
  const { missing, missingMarker, unreadable } = sight.sighting;
  if (unreadable !== null) return say('not-complete', unreadable);
  if (missing.length > 0) return say('not-complete', `waiting for ${missing.join(' and ')}`);
  if (missingMarker !== null) return say('not-complete', `waiting for the marker ${missingMarker}`);
  const read = await readFolder(folderPath, sight, rules.reading);
  switch (read.kind) {
    case 'notYet':
      return say('not-complete', read.reason);
    case 'rejected':
      return say('rejected', read.text);
    case 'complete': {
      const { generation } = read.content;
      const runs = await outbox.runsAtPath(rules.root.name, path, 100);
      const same = runs.find((run) => run.key.generation === generation);
      if (same !== undefined) return say('known', `its content is that of run #${same.run}`, same.run);
      return say(
        'would-be-tracked',
        runs.length > 0 ? 'its content is new' : 'it is complete and was never tracked',
      );
    }
  }
}
