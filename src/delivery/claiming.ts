/** Which runs are taken in hand next: what is started before what is new, and fresh runs before the backlog. */
import type { Clock } from '../system/clock.ts';
import { deliveryLines, type Claim, type DeliveryLine } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Budget } from './budget.ts';
import type { Gate } from './gate.ts';
import type { StorageBreaker } from './storageBreaker.ts';

/** Every so many new runs one comes from the backlog, so that it ends even where fresh runs never do. */
const backlogEvery = 5;
/** Fresh runs may begin beyond the bound, so that they need not wait for the backlog's to be posted. */
const freshMore = 2;

export interface ClaimingParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly platformId: string;
  readonly budget: Budget;
  readonly gate: Gate;
  readonly storage: StorageBreaker;
}

export class Claiming {
  readonly #parts: ClaimingParts;
  /** New runs claimed so far: every fifth comes from the backlog. */
  #newClaims = 0;

  constructor(parts: ClaimingParts) {
    this.#parts = parts;
  }

  /**
   * @param free how many more runs may be in hand
   * @param unposted how many in hand are on their way to their `POST`: each holds upload ids that grow old
   */
  async due(free: number, unposted: number): Promise<Claim[]> {
    const { outbox, clock, platformId, gate } = this.#parts;
    const nowMs = clock.nowMs();
    const pausedApps = gate.appPauses().map(({ app }) => app);
    const claim = (limit: number, lines: readonly DeliveryLine[]): Promise<Claim[]> =>
      limit <= 0 ? Promise.resolve([]) : outbox.claimDue(platformId, nowMs, limit, pausedApps, lines);
    const started = await claim(free, ['started']);
    const left = free - started.length;
    const room = Math.min(left, this.roomForNew(unposted) - started.filter(isUnposted).length);
    return [...started, ...(await this.#new(room, left, claim))];
  }

  /** How many runs may be begun now without piling up half-way. */
  roomForNew(unposted: number): number {
    const { budget, storage, clock } = this.#parts;
    return Math.min(budget.startedMax() - unposted, storage.room(clock.monotonicMs()));
  }

  /** The lines in which there is anything to be had now. */
  lines(unposted: number): readonly DeliveryLine[] {
    return this.roomForNew(unposted) > 0 ? deliveryLines : ['started'];
  }

  /** Fresh runs before the backlog, but every fifth from it; and two more when they are fresh. */
  async #new(
    room: number,
    free: number,
    claim: (limit: number, lines: readonly DeliveryLine[]) => Promise<Claim[]>,
  ): Promise<Claim[]> {
    const mayUpload = this.#parts.storage.room(this.#parts.clock.monotonicMs());
    const due = Math.max(0, room);
    const turns =
      Math.floor((this.#newClaims + due) / backlogEvery) - Math.floor(this.#newClaims / backlogEvery);
    const old = await claim(turns, ['backlog']);
    const fresh = await claim(Math.min(free, room + freshMore, mayUpload) - old.length, ['fresh']);
    const more = await claim(room - old.length - fresh.length, ['backlog']);
    const all = [...old, ...fresh, ...more];
    this.#newClaims += all.length;
    return all;
  }
}

export function isUnposted({ life: { state } }: Claim): boolean {
  return state.kind === 'queued' || state.kind === 'uploaded';
}
