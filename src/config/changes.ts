/**
 * What becomes of each key of the configuration when the file has changed while the daemon runs: it counts at once, or
 * with the next start. Every key has its place here; one that is new to the schema does not compile without.
 */
import { isDeepStrictEqual } from 'node:util';
import { basename } from 'node:path';
import type { KeyPath } from './problems.ts';
import type { CheckedFile } from './schema.ts';

type Place = 'live' | 'restart';
type Maps<T> = Exclude<NonNullable<T>, readonly unknown[] | string | number | boolean>;
/** A place for the whole of a key, or one for each key in it. */
type PlaceOf<T> = Place | ([Maps<T>] extends [never] ? never : Places<Maps<T>>);
type Places<T> = { readonly [Key in keyof T]-?: PlaceOf<T[Key]> };

type CheckedRoot = CheckedFile['drop_roots'][number];

const places: Places<Omit<CheckedFile, 'drop_roots'>> = {
  // The outbox lies there, and its lock is held.
  state_dir: 'restart',
  // Frozen in the outbox: part of every run's identity.
  host: 'restart',
  platform: {
    // Which platform it is decides what every run's key is.
    kind: 'restart',
    endpoint: 'restart',
    console: 'live',
    api_key_file: 'live',
    // Connections are made with these.
    ca_file: 'restart',
    proxy: 'restart',
    limits: { runs_per_second: 'live', requests_per_minute: 'live', uploads_at_once: 'live' },
    reconcile: { absent_after: 'live', then: 'live' },
    stand_in: 'restart',
  },
  http: 'restart',
  control: 'restart',
  log: { level: 'live' },
  shutdown_deadline: 'live',
  history: { keep: 'live' },
};

/** A root with the same name is watched anew; another name is another root. */
const rootPlaces: Places<CheckedRoot> = {
  path: 'live',
  name: 'live',
  app: 'live',
  allow_app_id: 'live',
  instance: 'live',
  quiet: 'live',
  deadline: 'live',
  marker: 'live',
  meta: 'live',
  scan_every: 'live',
  audit_every: 'live',
  depth: 'live',
  backfill: 'live',
  files: 'live',
  limits: 'live',
  run_name: 'live',
  infeasible: 'live',
  enrich: 'live',
  options: 'live',
  result: 'live',
  after: 'live',
  ignore: 'live',
};

export interface Changes {
  /** Keys that count at once. */
  readonly live: readonly KeyPath[];
  /** Keys whose earlier value stays in force until the next start. */
  readonly restart: readonly KeyPath[];
}

/** What differs between two configurations, as paths in the later one. */
export function changesBetween(before: CheckedFile, after: CheckedFile): Changes {
  const { drop_roots: rootsBefore, ...restBefore } = before;
  const { drop_roots: rootsAfter, ...restAfter } = after;
  const changed = [...changedIn(restBefore, restAfter, places, []), ...changedRoots(rootsBefore, rootsAfter)];
  const pathsIn = (wanted: Place): KeyPath[] =>
    changed.filter(({ place }) => place === wanted).map(({ path }) => path);
  return { live: pathsIn('live'), restart: pathsIn('restart') };
}

interface Changed {
  readonly path: KeyPath;
  readonly place: Place;
}

type AnyPlaces = Readonly<Record<string, Place | object>>;

function changedIn(before: object, after: object, of: AnyPlaces, at: KeyPath): Changed[] {
  return Object.entries(of).flatMap(([key, place]): Changed[] => {
    const [earlier, later] = [valueAt(before, key), valueAt(after, key)];
    if (isDeepStrictEqual(earlier, later)) return [];
    const path = [...at, key];
    if (place === 'live' || place === 'restart') return [{ path, place }];
    return changedIn(Object(earlier) as object, Object(later) as object, place as AnyPlaces, path);
  });
}

/** Null and a key that is not there are the same: not given. */
function valueAt(map: object, key: string): unknown {
  return (map as Readonly<Record<string, unknown>>)[key] ?? undefined;
}

function changedRoots(before: readonly CheckedRoot[], after: readonly CheckedRoot[]): Changed[] {
  const byName = new Map(before.map((root) => [nameOf(root), root]));
  const changed = after.flatMap((root, index): Changed[] => {
    const path = ['drop_roots', index];
    const earlier = byName.get(nameOf(root));
    byName.delete(nameOf(root));
    return earlier === undefined ? [{ path, place: 'live' }] : changedIn(earlier, root, rootPlaces, path);
  });
  return byName.size > 0 ? [{ path: ['drop_roots'], place: 'live' }, ...changed] : changed;
}

function nameOf({ name, path }: CheckedRoot): string {
  return name ?? basename(path);
}
