/** A parked run is told of in its folder; a folder that does not take it is no reason to stop. */
import type { Run } from '../outbox/nouns.ts';
import { isoTime } from '../system/clock.ts';
import { putProblem } from '../system/problemFile.ts';
import type { DeliveryParts } from './parts.ts';

export async function tellFolder(
  { run, key, path, life: { state } }: Run,
  { placesOfRoot, clock, log }: Pick<DeliveryParts, 'placesOfRoot' | 'clock' | 'log'>,
): Promise<void> {
  const places = placesOfRoot(key.dropRoot);
  if (state.kind !== 'parked' || places === null) return;
  const { reason, hint } = state;
  const since = isoTime(clock.nowMs());
  const refused = await putProblem(places, path, { state: 'parked', reason, hint, since, run });
  if (refused !== null) log.warn({ run }, `nextmv-problem.json was not written: ${refused}`);
}
