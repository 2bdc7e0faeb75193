/** One folder, now, because a person says so: no quiet time, no marker, the same row that a scan would make. */
import { lstat, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { errorCode } from '../system/files.ts';
import { appOf, type ReadPlace } from './appOf.ts';
import { rulesAsRecorded } from './earlierMapping.ts';
import { completeFolder, enqueueFolder, type Wishes } from './enqueue.ts';
import { levelOf } from './levels.ts';
import { mendTraces } from './look.ts';
import { misnamedOrKept } from './misnamed.ts';
import type { IntakeParts } from './parts.ts';
import { rootForOutside, rulesOf, type DropRoot } from './rules.ts';

export type Tracked =
  | { readonly kind: 'run'; readonly run: number; readonly isNew: boolean }
  /** Nothing was changed, and this is why. */
  | { readonly kind: 'refused'; readonly text: string; readonly hint: string };

const refused = (text: string, hint: string): Tracked => ({ kind: 'refused', text, hint });

/** @param folder absolute path */
export async function trackFolder(
  folder: string,
  roots: readonly DropRoot[],
  wishes: Wishes,
  parts: IntakeParts,
): Promise<Tracked> {
  let real: string;
  try {
    if (!(await lstat(folder)).isDirectory())
      return refused(`${folder} is no directory`, 'Name a run folder.');
    real = await realpath(folder);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return refused(`${folder} cannot be opened (${code})`, 'Name a run folder that this user may read.');
  }
  const inside = await rootAround(real, roots);
  if (inside !== null && levelOf(inside.path) !== inside.root.depth) {
    const level = inside.root.depth === 1 ? 'one level' : `${String(inside.root.depth)} levels`;
    return refused(
      `${folder} is not a run folder of drop root "${inside.root.name}", whose run folders lie ${level} below it`,
      `Name the folder ${level} below the root.`,
    );
  }
  if (inside === null && wishes.app === undefined) {
    return refused(`${folder} lies in no drop root`, 'Say which app it belongs to: --app ID.');
  }
  const root = inside?.root ?? rootForOutside(wishes.app ?? '');
  if (
    inside !== null &&
    wishes.app !== undefined &&
    wishes.app !== root.app &&
    !root.allowAppIds.includes(wishes.app)
  ) {
    return refused(
      `drop root "${root.name}" is tracked to app "${root.app}", not to "${wishes.app}"`,
      'Leave --app out, or add the app to allow_app_id of the drop root.',
    );
  }
  const wrong = inside === null ? null : await misnamedOrKept(root, parts);
  if (wrong !== null) return refused(`drop root ${root.path} ${wrong.text}`, `${wrong.hint}.`);
  const path = inside?.path ?? relative('/', real);
  // By the root's own path, which may lead through a link.
  return await trackAt(path, join(root.path, path), root, wishes, parts);
}

async function trackAt(
  path: string,
  folder: string,
  root: DropRoot,
  wishes: Wishes,
  parts: IntakeParts,
): Promise<Tracked> {
  const [known] = await parts.outbox.folders(root.name, [path]);
  const current = rulesOf(root);
  const recorded = await rulesAsRecorded(known, current, parts.outbox);
  const isAsRecorded =
    recorded !== null &&
    (await parts.folders.look(root.path, folder, recorded))?.signature === known?.signature;
  const byMapping = isAsRecorded ? recorded : current;
  // Whoever asks for it by name says that it is complete.
  const rules = { ...byMapping, sight: { ...byMapping.sight, marker: null } };
  const sight = await parts.folders.look(root.path, folder, rules);
  if (sight === null) return refused(`${folder} is not there any more`, 'Look whether it was moved.');
  if (sight.refusal !== null) return refused(`${folder}: ${sight.refusal.text}`, sight.refusal.hint);
  if (sight.sighting.unreadable !== null)
    return refused(`${folder}: ${sight.sighting.unreadable}`, 'Then track it again.');
  if (sight.sighting.missing.length > 0) {
    return refused(
      `${folder} is not complete: waiting for ${sight.sighting.missing.join(' and ')}`,
      'Track it when the solver is done.',
    );
  }
  const { read, after } = await parts.folders.read(root.path, folder, sight, rules);
  if (read.kind === 'notYet')
    return refused(`${folder} is not complete: ${read.reason}`, 'Track it when the solver is done.');
  if (read.kind === 'rejected') return refused(`${folder}: ${read.text}`, read.hint);
  if (after?.signature !== sight.signature)
    return refused(`${folder} changed while it was read`, 'Track it when the solver is done.');
  const contradiction =
    wishes.again === true
      ? null
      : await contradicts({ path, directory: sight.directory, content: read.content }, root, wishes, parts);
  if (contradiction !== null) return contradiction;
  // Asked for by name, so it is wanted now, however long it has lain there.
  const wanted = { newestChangeMs: parts.clock.nowMs(), isHistory: false };
  const complete = {
    ...completeFolder(path, sight, read.content, parts.clock.monotonicMs(), null),
    ...wanted,
  };
  const enqueued = await enqueueFolder(complete, root, parts, wishes);
  await mendTraces(enqueued, complete, rules, parts);
  parts.onEnqueued(enqueued.run);
  return { kind: 'run', run: enqueued.run, isNew: enqueued.kind === 'new' };
}

/** Options that say something else than the row of this very content does change nothing: they are refused. */
async function contradicts(
  place: ReadPlace,
  root: DropRoot,
  wishes: Wishes,
  parts: IntakeParts,
): Promise<Tracked | null> {
  const { app } = await appOf(place, root, parts, wishes.app);
  const { generation } = place.content;
  const runs = await parts.outbox.runsAtPath(root.name, place.path, 1_000);
  const run = runs.find(({ key }) => key.generation === generation && key.app === app);
  if (run === undefined) return null;
  const differs = (wish: string | undefined, has: string | null): boolean =>
    wish !== undefined && wish !== has;
  if (!differs(wishes.instance, run.settings.instance) && !differs(wishes.name, run.settings.name))
    return null;
  return refused(
    `this content is run #${run.run} already, with another name or instance`,
    'Leave the options out to see that run, or say --again for a deliberate second run of the same content.',
  );
}

async function rootAround(
  real: string,
  roots: readonly DropRoot[],
): Promise<{ readonly root: DropRoot; readonly path: string } | null> {
  for (const root of roots) {
    const rootPath = await realpath(root.path).catch(() => root.path);
    const path = relative(rootPath, real);
    if (path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path))
      return { root, path };
  }
  return null;
}
