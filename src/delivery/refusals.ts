/**
 * A run that the platform refuses concerns that run. When an instance refuses one after the other, and the app takes none in
 * between, it is the app or the instance that is wrong: a name with a slip in it would park thousands. So it is with
 * storage: a proxy before it that answers 404 for an hour says nothing of any run.
 */
import { storageRefused, type Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import type { Claim } from '../outbox/nouns.ts';

/** So many are set aside before that is believed. */
const refusedInARowMax = 5;
/** So many different runs: fewer, because nothing is lost by a mistake. Storage's pause ends by the first that lands. */
const refusedByStorageMin = 3;

/** Instances of one app of which this is known; a run may name its own, so that there is no end of them. */
const instancesMax = 1_000;

export class Refusals {
  /** Of each instance of an app, since the app last took a run. */
  readonly #inARow = new Map<string, Map<string | null, number>>();
  /** Apps that the key may not send a run to, since they last took one. */
  readonly #forbidden = new Set<string>();
  /** Apps whose last request to make a run was answered with an error, or not at all. */
  readonly #unclear = new Set<string>();
  /** Runs that storage refused since one last landed there, as many as it takes. */
  readonly #byStorage = new Set<number>();

  /** @returns the same; a refusal of what refuses all is a failure of the app or of storage, for which its run waits */
  note(happening: Happening, claim: Claim): Happening {
    return this.#ofStorage(this.#ofApp(happening, claim), claim);
  }

  #ofApp(happening: Happening, { life, key: { app }, settings: { instance } }: Claim): Happening {
    if (happening.kind === 'made') {
      this.#inARow.delete(app);
      this.#forbidden.delete(app);
      this.#unclear.delete(app);
    }
    if (happening.kind === 'unclear') this.#unclear.add(app);
    if (happening.kind === 'nothingMade' && happening.failure.reach === 'app') this.#forbidden.add(app);
    if (happening.kind !== 'refused') return happening;
    const count = this.#inARow.get(app)?.get(instance) ?? 0;
    if (count >= refusedInARowMax)
      return { kind: 'nothingMade', failure: refusesRuns(app, instance, happening.failure) };
    // The first refusal of a run may be about its texts: it is sent once more, in the plainest form.
    if (life.plainest) this.#count(app, instance, count + 1);
    return happening;
  }

  #count(app: string, instance: string | null, count: number): void {
    const counts = this.#inARow.get(app) ?? new Map<string | null, number>();
    this.#inARow.set(app, counts);
    counts.delete(instance);
    counts.set(instance, count);
    const [oldest] = counts.keys();
    if (counts.size > instancesMax && oldest !== undefined) counts.delete(oldest);
  }

  /** One run may be tried many times over, and says no more by that. */
  #ofStorage(happening: Happening, { run, life }: Claim): Happening {
    if (!('failure' in happening) || happening.failure === null) {
      if (happening.kind === 'uploadsLanded') this.#byStorage.clear();
      return happening;
    }
    const { failure } = happening;
    if (failure.class !== storageRefused) return happening;
    // The run is made: an output that is not given back is no reason to give it up.
    if (life.state.kind === 'final') return { ...happening, failure: { ...failure, reach: 'storage' } };
    if (this.#byStorage.size < refusedByStorageMin) this.#byStorage.add(run);
    if (this.#byStorage.size < refusedByStorageMin) return happening;
    return { ...happening, failure: storageRefusesRuns(failure) };
  }

  /** Then nothing but a run that is made shows that it is over. */
  makesNone(app: string): boolean {
    if (this.#forbidden.has(app) || this.#unclear.has(app)) return true;
    return [...(this.#inARow.get(app)?.values() ?? [])].some((count) => count >= refusedInARowMax);
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

function storageRefusesRuns(failure: Failure): Failure {
  return {
    ...failure,
    class: 'storage-refuses-runs',
    text: `storage refuses one run after the other; the last time ${failure.text}`,
    hint: 'Look for a proxy between this machine and the platform’s storage; delivery goes on by itself when storage takes a run.',
    reach: 'storage',
  };
}
