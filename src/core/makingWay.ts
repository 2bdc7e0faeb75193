/**
 * Which older runs of a folder make way for what the folder is to be sent as by now. What was never sent and is sent later
 * would be a second run of one folder; what a person has asked for is meant.
 *
 *   older content                        makes way
 *   for another platform                 makes way
 *   for another app: as configured       makes way
 *   for another app: that a person named stays, and both are sent
 *   for another app, with `track --again` stays, likewise
 *   the same to the same (track --again) stays
 */
import { outsideRootName, type Key } from './identity.ts';
import type { RunState } from './run.ts';

/** A run as it was wished for. */
export interface Wished {
  readonly run: number;
  readonly key: Pick<Key, 'generation' | 'platform' | 'app' | 'dropRoot'>;
  readonly settings: { readonly isAppAsked?: true; readonly isAgain?: true };
}

/**
 * @param older a run of the folder that was not sent
 * @param newer what the folder is by now
 * @returns what happens to the older one; null: nothing
 */
export function wayMadeBy(older: Wished, newer: Wished): 'newerContent' | 'otherTarget' | null {
  if (older.key.generation !== newer.key.generation) return 'newerContent';
  // Nobody names a platform for a folder: there is the one that is configured.
  if (older.key.platform !== newer.key.platform) return 'otherTarget';
  if (older.key.app === newer.key.app || isAppNamed(older)) return null;
  // What a person had tracked once more left alone what there was then, and nothing that has come since.
  return newer.settings.isAgain === true && older.run < newer.run ? null : 'otherTarget';
}

/** A person has named the app. Outside of all drop roots there is no other way. */
function isAppNamed({ key, settings }: Wished): boolean {
  return settings.isAppAsked === true || key.dropRoot === outsideRootName;
}

/** It was to be sent and made way, vanished or was left by a person before it was: it says nothing of where its folder belongs. */
export function isLeftUnsent(state: RunState): boolean {
  switch (state.kind) {
    case 'superseded':
    case 'gone':
      return true;
    case 'skipped':
      return state.from.kind === 'queued' || state.from.kind === 'uploaded';
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'unknown':
    case 'tracked':
    case 'final':
    case 'recorded':
    case 'parked':
      return false;
  }
}
