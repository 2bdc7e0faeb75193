/** How much is taken in hand next; in which order, core/turns.ts says. */
import { deliveryLines, type DeliveryLine } from '../core/turns.ts';
import type { Clock } from '../system/clock.ts';
import type { Turn } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Breaker } from './breaker.ts';
import type { Budget } from './budget.ts';
import type { Gate } from './gate.ts';

export interface ClaimingParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly platformId: string;
  readonly budget: Budget;
  readonly gate: Gate;
  readonly storage: Breaker;
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
    const { outbox, clock, platformId, gate, storage } = this.#parts;
    const room = {
      inHand: free,
      unposted: this.roomForNew(unposted),
      uploads: storage.room(clock.monotonicMs()),
    };
    const pausedApps = gate.appPauses().map(({ app }) => app);
    const turn = await outbox.claimInTurn(platformId, clock.nowMs(), room, this.#begun, pausedApps, heldApps);
    this.#begun += turn.begun;
    return turn;
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
}
