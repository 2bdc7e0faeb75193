/**
 * A run that can be found again: a caller's own name for it travels in the description, in the bracket that the daemon
 * uses too. The platform knows no idempotency key, so looking through its list is all that there is.
 */
import { createHash } from 'node:crypto';
import { fingerprintOf, identityVersion } from '../core/identity.ts';
import { carriedBy, describeRun } from '../core/description.ts';
import { descriptionBytesMax, type RunPage } from '../platform/wire.ts';

/** In the place of the drop root: no configured one can have this name. */
const libraryRoot = '@library';

export interface Fingerprint {
  /** `rt1:…` */
  readonly text: string;
  /** The description as it is sent. */
  readonly description: (users: string) => string;
}

/**
 * @param name whatever the caller knows the run by: the same text is the same run, in the same app on the same platform
 * @param host where it is tracked from; shown beside the fingerprint, and no part of it
 */
export function fingerprintFor(name: string, platform: string, app: string, host: string): Fingerprint {
  const generation = createHash('sha256').update(name).digest('hex');
  const text = fingerprintOf({
    version: identityVersion,
    platform,
    app,
    host: '',
    dropRoot: libraryRoot,
    firstPath: name,
    generation,
    counter: 1,
  });
  // No daemon's host has such a name: a daemon on this machine does not take it for a run that it has forgotten.
  const carried = { fingerprint: text, generation, host: `@${host}` };
  return { text, description: (users) => describeRun(users, carried, descriptionBytesMax) };
}

export interface Carrier {
  readonly runId: string;
  /** When it was made, as the platform says it. */
  readonly createdAt: string;
}

/** The runs of a page that carry it. */
export function carriersOn(page: RunPage, fingerprint: Fingerprint): Carrier[] {
  return page.runs.flatMap((run) =>
    run.run_type?.type === 'external' && carriedBy(run.description ?? '')?.fingerprint === fingerprint.text
      ? [{ runId: run.id, createdAt: run.created_at ?? '' }]
      : [],
  );
}
