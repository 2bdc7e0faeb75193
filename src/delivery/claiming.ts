/** How much is taken in hand next; in which order, core/turns.ts says. */
import { deliveryLines, type DeliveryLine } from '../core/turns.ts';
import type { LifecyclePolicy } from '../core/policy.ts';
import type { Clock } from '../system/clock.ts';
import type { Turn } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Breaker } from './breaker.ts';
import type { Budget } from './budget.ts';
import type { Gate } from './gate.ts';

/** Whoever does not upload because requests are refused looks again after this, in ms. */
const refusedAgainMs = 60_000;

export interface ClaimingParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly platformId: string;
  readonly budget: Budget;
  readonly gate: Gate;
  readonly storage: Breaker;
  readonly policy: LifecyclePolicy;
}

export class Claiming {
  readonly #parts: ClaimingParts;
  /** New runs claimed so far. */
  #begun = 0;

  constructor(parts: ClaimingParts) {
    this.#parts = parts;
  }

  /**
   * All in one asking: whoever asked line by line would wait for three groups while slots stand empty.
   * @param free how many more runs may be in hand
   * @param unposted how many in hand are on their way to their `POST`
   * @param heldApps of which nothing is sent for the time being
   */
  async due(free: number, unposted: number, heldApps: readonly string[]): Promise<Turn> {
    const { outbox, clock, platformId, gate } = this.#parts;
    const room = { inHand: free, unposted: this.roomForNew(unposted), uploads: this.#roomForUploads() };
    const pausedApps = gate.appPauses().map(({ app }) => app);
    const turn = await outbox.claimInTurn(platformId, clock.nowMs(), room, this.#begun, pausedApps, heldApps);
    this.#begun += turn.begun;
    return turn;
  }

  /** How many runs may be begun now without piling up half-way. */
  roomForNew(unposted: number): number {
    return Math.min(this.#parts.budget.startedMax() - unposted, this.#roomForUploads());
  }

  /**
   * For how long nothing is to be uploaded, in ms: its ids would be too old when its `POST` may be sent, and it would be
   * uploaded once more, again and again. While each `POST` is refused as one too many, one in line is enough to find out
   * when they are taken again.
   */
  tooEarlyMs(): number {
    const { budget, policy } = this.#parts;
    const halfAgeMs = policy.uploadAgeMsMax / 2;
    const isRefused = budget.refusedForMs('create') > halfAgeMs && budget.waitingIn('create') > 0;
    return Math.max(isRefused ? refusedAgainMs : 0, budget.freeInMs('create') - halfAgeMs);
  }

  #roomForUploads(): number {
    const { storage, clock } = this.#parts;
    return this.tooEarlyMs() > 0 ? 0 : storage.room(clock.monotonicMs());
  }

  /** The lines in which there is anything to be had now. */
  lines(unposted: number): readonly DeliveryLine[] {
    return this.roomForNew(unposted) > 0 ? deliveryLines : ['started'];
  }
}
