/** What a look at a folder would make of it, without doing it: for `scan --dry-run`. */
import { basename, join } from 'node:path';
import { backfillText } from '../core/backfill.ts';
import { isOwnTemporary } from '../core/ownFiles.ts';
import type { Folder, RootStart } from '../outbox/nouns.ts';
import type { FolderSight } from '../reading/sight.ts';
import { rulesAsRecorded } from './earlierMapping.ts';
import { itself, levelOf, tooHigh, tooLow } from './levels.ts';
import { isLeftOut, leftOutBefore } from './leaveOut.ts';
import { leadsAway, linkHint } from './links.ts';
import type { IntakeParts } from './parts.ts';
import { isOfFileSystem, type RootRules } from './rules.ts';

export interface Preview {
  readonly path: string;
  readonly verdict:
    'would-be-tracked' | 'known' | 'not-complete' | 'rejected' | 'left-out' | 'skipped' | 'ignored';
  readonly reason: string;
  readonly run: number | null;
}

/** How the root was first watched; for one that never was, as if that were now. */
export async function startForPreview(
  { root }: RootRules,
  { outbox, clock }: IntakeParts,
): Promise<RootStart> {
  const start = await outbox.rootStart(root.name);
  if (start !== null) return start;
  return { firstStartMs: (await outbox.distrust()) === null ? clock.nowMs() : null, historyFound: 0 };
}

/**
 * @param path as a listing of everything has them: empty for a root in which a run lies itself
 * @returns null when there is no such folder, or nothing to be said of it
 */
export async function previewFolder(
  path: string,
  rules: RootRules,
  start: RootStart,
  parts: IntakeParts,
): Promise<Preview | null> {
  const { outbox, folders } = parts;
  const say = (verdict: Preview['verdict'], reason: string, run: number | null = null): Preview => ({
    path,
    verdict,
    reason,
    run,
  });
  if (path === '') return say('rejected', itself(rules));
  if (isOwnTemporary(basename(path))) return say('ignored', 'it is on its way to the archive');
  if (isOfFileSystem(path)) return say('ignored', 'the file system keeps it for what a repair finds');
  if (rules.isIgnoredFolder(path)) return say('ignored', 'its name fits a rule of `ignore`');
  const [known] = await outbox.folders(rules.root.name, [path]);
  const isAway = (): Promise<boolean> => leadsAway(path, rules, parts);
  const linked = (): Preview =>
    say('rejected', `it is a symbolic link, and links are not followed: ${linkHint}`);
  if (levelOf(path) !== rules.root.depth) {
    if (await isAway()) return linked();
    const misplaced = await tooHigh(path, rules);
    return misplaced === null ? null : say('rejected', misplaced);
  }
  const folderPath = join(rules.root.path, path);
  const sight = await folders.look(rules.root.path, folderPath, rules);
  if (sight === null) return (await isAway()) ? linked() : null;
  if (known?.state === 'known' && (await isUnmoved(folderPath, sight, known, rules, parts)))
    return say('known', `it is run #${String(known.run)}`, known.run);
  if (known?.state === 'skipped' && known.signature === sight.signature) return skipped(known, say);
  const before = await leftOutBefore(path, rules.root, known, sight, parts);
  if (before !== null) return skipped(before, say);
  if (await isLeftOut(path, rules, known, sight, start, parts))
    return say(
      'left-out',
      `it lay there before the first start, and backfill is ${backfillText(rules.root.backfill)}`,
    );
  if (sight.refusal !== null) return say('rejected', sight.refusal.text);
  const { missing, missingMarker, unreadable } = sight.sighting;
  if (unreadable !== null) return say('not-complete', unreadable);
  const isEmpty = sight.files.length + sight.archives.length === 0;
  const misplaced = isEmpty ? await tooLow(path, rules) : null;
  if (misplaced !== null) return say('rejected', misplaced);
  if (missing.length > 0) return say('not-complete', `waiting for ${missing.join(' and ')}`);
  if (missingMarker !== null) return say('not-complete', `waiting for the marker ${missingMarker}`);
  const { read } = await folders.read(rules.root.path, folderPath, sight, rules);
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

async function isUnmoved(
  folderPath: string,
  sight: FolderSight,
  known: Folder,
  rules: RootRules,
  { outbox, folders }: IntakeParts,
): Promise<boolean> {
  if (known.signature === sight.signature) return true;
  const recorded = await rulesAsRecorded(known, rules, outbox);
  if (recorded === null) return false;
  return (await folders.look(rules.root.path, folderPath, recorded))?.signature === known.signature;
}

function skipped({ reason }: Folder, say: (verdict: Preview['verdict'], reason: string) => Preview): Preview {
  return reason.class === 'backfill' ? say('left-out', reason.text) : say('skipped', 'a person said: skip');
}
