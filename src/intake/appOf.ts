/**
 * To which app a folder belongs. A person may have said so of this very content, with `track --app`: that stands nowhere in
 * the folder, and whoever looks at it again must not send it to the app of its root as well.
 */
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import { isLeftUnsent } from '../core/makingWay.ts';
import { isSameDirectory } from '../core/sameDirectory.ts';
import type { Run } from '../outbox/nouns.ts';
import type { IntakeParts } from './parts.ts';
import { provenBy } from './resultFile.ts';
import type { DropRoot } from './rules.ts';

/** At one path. */
const runsMax = 1_000;

/** A folder that was read. */
export interface ReadPlace {
  /** Relative to the drop root. */
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly content: FolderContent;
}

type AppParts = Pick<IntakeParts, 'outbox' | 'platformId'>;

export interface AppOf {
  readonly app: string;
  /** A person has said so, now or earlier. */
  readonly isAsked: boolean;
}

/** @param wished what a person says now; undefined: nothing */
export async function appOf(
  place: ReadPlace,
  root: DropRoot,
  parts: AppParts,
  wished?: string,
): Promise<AppOf> {
  if (wished !== undefined) return { app: wished, isAsked: true };
  const { appId } = place.content.meta;
  const asked = appId === null && root.allowAppIds.length > 0 ? await askedApp(place, root, parts) : null;
  return { app: asked ?? appId ?? root.app, isAsked: asked !== null };
}

/** The app that a person had this very content of the folder tracked to; null: the root's, or none yet. */
async function askedApp(
  { path, directory, content }: ReadPlace,
  root: DropRoot,
  { outbox, platformId }: AppParts,
): Promise<string | null> {
  const [atPath, ofInode] = await Promise.all([
    outbox.runsAtPath(root.name, path, runsMax),
    outbox.runsOfInode(directory.ino, content.generation),
  ]);
  const isOfContent = ({ key }: Run): boolean =>
    key.generation === content.generation && key.platform === platformId && key.dropRoot === root.name;
  const isIt = (run: Run): boolean => isSameDirectory(run.directory, directory);
  // Where no birth times are kept a person is asked in the end whether it was moved or copied.
  const mayBeIt = (run: Run): boolean => directory.birthNs === '0' || isIt(run);
  // What was said of another folder that lay at its path is said of it only while nothing is known of itself.
  const sent = [...ofInode.filter(isIt), ...atPath, ...ofInode.filter(mayBeIt)].filter(isOfContent);
  // Of an outbox that was lost, its result file is what remembers.
  if (sent.length === 0) return await provenApp({ path, directory, content }, root, platformId);
  const isAsked = ({ key, settings }: Run): boolean =>
    settings.isAppAsked === true && root.allowAppIds.includes(key.app);
  // The last word counts. What was left unsent is none: it may have made way for what a person asked for.
  const last = sent.find(
    (run) => !isLeftUnsent(run.life.state) && (run.key.app === root.app || isAsked(run)),
  );
  const { key } = last ?? sent.find(isAsked) ?? {};
  return key === undefined || key.app === root.app ? null : key.app;
}

async function provenApp(place: ReadPlace, root: DropRoot, platform: string): Promise<string | null> {
  for (const app of root.allowAppIds)
    if ((await provenBy(root, { ...place, platform, app, dropRoot: root.name })) !== null) return app;
  return null;
}

/** For which platform and app a folder's row holds: another configuration looks at every folder afresh. */
export function targetOf(
  root: Pick<DropRoot, 'app'>,
  { platformId }: Pick<IntakeParts, 'platformId'>,
): string {
  return `${platformId} ${root.app}`;
}
