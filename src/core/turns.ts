/** Which runs are taken in hand next: what is started before what is new, and fresh runs before the backlog. Pure. */
import type { RunLife } from './happening.ts';

/** Runs that wait for delivery: on their way already, just complete, or history that was there at the first look. */
export const deliveryLines = ['started', 'fresh', 'backlog'] as const;
export type DeliveryLine = (typeof deliveryLines)[number];

/** And those whose outcome is unknown. */
export const allLines = [...deliveryLines, 'reconcile'] as const;

/** Every so many new runs one comes from the backlog, so that it ends even where fresh runs never do. */
const backlogEvery = 5;
/** Fresh runs may begin beyond the bound, so that they need not wait for the backlog's to be posted. */
const freshMore = 2;

/** How many runs there is room for. */
export interface Room {
  /** In hand. */
  readonly inHand: number;
  /** On their way to their `POST`: each holds upload ids that grow old. Below 0 when there are too many already. */
  readonly unposted: number;
  /** Uploading. */
  readonly uploads: number;
}

export interface Taken<Run> {
  readonly runs: readonly Run[];
  /** How many of them are new. */
  readonly begun: number;
}

/**
 * @param begunBefore new runs that were taken so far: every fifth comes from the backlog
 * @param take so many runs of a line at most
 */
export function takeInTurn<Run extends { readonly life: RunLife }>(
  room: Room,
  begunBefore: number,
  take: (limit: number, line: DeliveryLine) => readonly Run[],
): Taken<Run> {
  const some = (limit: number, line: DeliveryLine): readonly Run[] => (limit <= 0 ? [] : take(limit, line));
  const started = some(room.inHand, 'started');
  const free = room.inHand - started.length;
  const forNew = Math.min(free, room.unposted - started.filter(isUnposted).length);
  const due = Math.max(0, forNew);
  const turns = Math.floor((begunBefore + due) / backlogEvery) - Math.floor(begunBefore / backlogEvery);
  const old = some(turns, 'backlog');
  const fresh = some(Math.min(free, forNew + freshMore, room.uploads) - old.length, 'fresh');
  const more = some(forNew - old.length - fresh.length, 'backlog');
  const begun = [...old, ...fresh, ...more];
  return { runs: [...started, ...begun], begun: begun.length };
}

/** On its way to its `POST`. */
export function isUnposted({ life: { state } }: { readonly life: RunLife }): boolean {
  return state.kind === 'queued' || state.kind === 'uploaded';
}
