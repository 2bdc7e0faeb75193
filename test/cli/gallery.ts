/** A daemon with two drop roots in which folders of every kind lie: done, parked, rejected, still being written. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dropFolder, plan, type Files } from '../journey/folders.ts';
import type { Daemon, Finished } from '../journey/program.ts';
import type { Scene } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

export const runKeys = [
  'run',
  'folder',
  'drop_root',
  'generation',
  'state',
  'since',
  'app',
  'instance',
  'fingerprint',
  'run_id',
  'console_url',
  'tries',
  'due_at',
  'reason',
  'hint',
  'warnings',
  'facts',
].sort();

export interface Gallery {
  readonly daemon: Daemon;
  /** In the root "runs": recorded. A folder of that name is in the root "more" too. */
  readonly done: string;
  readonly doneInMore: string;
  /** In "runs": the platform refuses it. */
  readonly parked: string;
  /** In "runs": its meta.json is wrong. */
  readonly rejected: string;
  /** In "more": there is no output yet. */
  readonly settling: string;
}

export async function openGallery(scene: Scene): Promise<Gallery> {
  const more = join(scene.dir, 'more');
  mkdirSync(more);
  scene.configure({
    drop_roots: [scene.dropRoot({ allow_app_id: ['strict-app'] }), scene.dropRoot({ path: './more' })],
  });
  scene.faults.always(
    { kind: 'create', app: 'strict-app' },
    { kind: 'answer', status: 422, body: 'no thanks' },
  );
  const gallery = {
    done: scene.drop('done'),
    doneInMore: dropFolder(more, 'done', plan('done in more')),
    parked: scene.drop('refused', plan('refused', { app_id: 'strict-app' })),
    rejected: scene.drop('bad', { ...plan('bad'), 'meta.json': { status: 'perhaps' } }),
    settling: dropFolder(more, 'open', { 'input.json': {} }),
  };
  const daemon = await scene.daemon();
  await until('the gallery to be complete', async () => {
    const { counts } = await daemon.status();
    return counts.recorded === 2 && counts.parked === 1 && counts.rejected === 1 && counts.settling === 1;
  });
  return { daemon, ...gallery };
}

/** A folder outside of all drop roots. */
export function folderOutside(scene: Scene, name: string, files: Files = plan(name)): string {
  const outside = join(scene.dir, 'elsewhere');
  return dropFolder(outside, name, files);
}

/** The only document on stdout. */
export function json(finished: Finished): Record<string, unknown> {
  return JSON.parse(finished.stdout) as Record<string, unknown>;
}

/** One document a line. */
export function jsonLines(finished: Finished): Record<string, unknown>[] {
  return finished.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
