/**
 * A run that the platform refuses concerns that run. When an app refuses one after the other, and none is made in between,
 * it is the app or the instance that is wrong: a name with a slip in it would park thousands.
 */
import type { Failure } from '../core/failure.ts';
import type { Happening, RunLife } from '../core/happening.ts';

/** So many are set aside before that is believed. */
const refusedInARowMax = 5;

export class Refusals {
  readonly #inARow = new Map<string, number>();

  /** @returns the same; a refusal of an app that refuses all is a failure of the app, for which its run waits */
  note(happening: Happening, life: RunLife, app: string): Happening {
    if (happening.kind === 'made') this.#inARow.delete(app);
    if (happening.kind !== 'refused') return happening;
    if (this.refusesAll(app)) return { kind: 'nothingMade', failure: refusesRuns(app, happening.failure) };
    // The first refusal of a run may be about its texts: it is sent once more, in the plainest form.
    if (life.plainest) this.#inARow.set(app, (this.#inARow.get(app) ?? 0) + 1);
    return happening;
  }

  /** Then nothing but a run that is made shows that it is over. */
  refusesAll(app: string): boolean {
    return (this.#inARow.get(app) ?? 0) >= refusedInARowMax;
  }
}

function refusesRuns(app: string, failure: Failure): Failure {
  return {
    ...failure,
    class: 'app-refuses-runs',
    text: `app "${app}" refuses one run after the other; the last time ${failure.text}`,
    hint: 'Check `app` and `instance` of its drop roots against the console; delivery goes on by itself when a run is taken.',
    reach: 'app',
  };
}
