/**
 * A run that the platform refuses concerns that run. When an instance refuses one after the other, and the app takes none in
 * between, it is the app or the instance that is wrong: a name with a slip in it would park thousands.
 */
import type { Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import type { Claim } from '../outbox/nouns.ts';

/** So many are set aside before that is believed. */
const refusedInARowMax = 5;

export class Refusals {
  /** Of an app, since it last took a run. */
  readonly #inARow = new Map<string, { readonly instance: string | null; readonly count: number }>();

  /** @returns the same; a refusal of an instance that refuses all is a failure of the app, for which its run waits */
  note(happening: Happening, { life, key: { app }, settings: { instance } }: Claim): Happening {
    if (happening.kind === 'made') this.#inARow.delete(app);
    if (happening.kind !== 'refused') return happening;
    const earlier = this.#inARow.get(app);
    const count = earlier?.instance === instance ? earlier.count : 0;
    if (count >= refusedInARowMax)
      return { kind: 'nothingMade', failure: refusesRuns(app, instance, happening.failure) };
    // The first refusal of a run may be about its texts: it is sent once more, in the plainest form.
    if (life.plainest) this.#inARow.set(app, { instance, count: count + 1 });
    return happening;
  }

  /** Then nothing but a run that is made shows that it is over. */
  refusesAll(app: string): boolean {
    return (this.#inARow.get(app)?.count ?? 0) >= refusedInARowMax;
  }
}

function refusesRuns(app: string, instance: string | null, failure: Failure): Failure {
  const of = instance === null ? '' : `instance "${instance}" of `;
  return {
    ...failure,
    class: 'app-refuses-runs',
    text: `${of}app "${app}" refuses one run after the other; the last time ${failure.text}`,
    hint: 'Check `app` and `instance` of its drop roots against the console; delivery goes on by itself when a run is taken.',
    reach: 'app',
  };
}
