/**
 * Hosts of one account, each with its own pace and no word between them, before a server with a bucket of tokens for
 * `POST /runs`: event by event on a virtual clock, chance from a seed.
 */
import {
  accepted,
  freeAtMs,
  pacePolicy,
  refused,
  startPace,
  takeSlot,
  type Pace,
  type PacePolicy,
  type Slot,
} from '../../src/core/pace.ts';
import { jain, seeded, sum } from './simulation.ts';

export const runsPerSecond = 5;
export const minuteMs = 60_000;
/** Three uploads, the run and its result: what a run asks beside its `POST` is never refused here. */
const requestsPerRun = 5;

export const policyNames = Object.keys(pacePolicy);

/** The rule's numbers, some of them others. */
export const policyWith = (other: Partial<PacePolicy>): PacePolicy => ({ ...pacePolicy, ...other });

export interface HostWish {
  readonly startMs?: number;
  readonly isRecovering?: boolean;
  /** A run so often on the average, the first at once; without it there is endless work. */
  readonly everyMs?: number;
  /** So many of them at a time. */
  readonly batch?: number;
}

/** A client that is not ours: it asks at the same pace whatever it is told. */
export interface ForeignWish {
  readonly perSecond: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface AccountWish {
  readonly hosts: readonly HostWish[];
  /** How many tokens the server's bucket holds. */
  readonly burst: number;
  readonly untilMs: number;
  readonly seed: number;
  readonly foreign?: ForeignWish;
  /** What goes with each refusal; without it nothing does. */
  readonly retryAfterMs?: number;
  readonly policy?: PacePolicy;
}

/** A request at the server. */
export interface Seen {
  readonly atMs: number;
  readonly host: number;
  readonly isTaken: boolean;
  /** Since its run was there to be sent. */
  readonly waitedMs: number;
}

/** @returns every request of our hosts, in the order in which they came */
export function simulate({
  hosts,
  burst,
  untilMs,
  seed,
  foreign,
  retryAfterMs,
  policy = pacePolicy,
}: AccountWish): readonly Seen[] {
  const random = seeded(seed);
  const events = new Queue();
  const seen: Seen[] = [];
  const ours = hosts.map(({ startMs = 0, isRecovering = false, everyMs, batch = 1 }) => ({
    pace: startPace(runsPerSecond, isRecovering, startMs, random(), policy),
    startMs,
    everyMs,
    batch,
    /** When the runs that wait were there; those of a host with endless work are there whenever they are looked for. */
    waiting: [] as number[],
    /** The next look that is planned. */
    lookMs: Infinity,
  }));
  let tokens = burst;
  let filledMs = 0;
  const take = (atMs: number): boolean => {
    tokens = Math.min(burst, tokens + ((atMs - filledMs) * runsPerSecond) / 1_000);
    filledMs = atMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  const look = (host: (typeof ours)[number], at: number, nowMs: number): void => {
    if (host.everyMs !== undefined && host.waiting.length === 0) return;
    const lookMs = Math.max(nowMs, host.startMs, freeAtMs(host.pace, policy));
    if (lookMs >= host.lookMs) return;
    host.lookMs = lookMs;
    events.add(lookMs, () => send(host, at, lookMs));
  };
  const send = (host: (typeof ours)[number], at: number, nowMs: number): void => {
    if (host.lookMs !== nowMs) return;
    host.lookMs = Infinity;
    if (freeAtMs(host.pace, policy) > nowMs) {
      look(host, at, nowMs);
      return;
    }
    const readyMs = host.everyMs === undefined ? nowMs : host.waiting.shift();
    if (readyMs === undefined) return;
    const { pace, slot } = takeSlot(host.pace, nowMs, random(), policy);
    host.pace = pace;
    const tripMs = 60 - 40 * Math.log(1 - random());
    events.add(nowMs + tripMs / 2, (atMs) => {
      const isTaken = take(atMs);
      seen.push({ atMs, host: at, isTaken, waitedMs: atMs - readyMs });
      events.add(atMs + tripMs / 2, (heardMs) => {
        hear(host, slot, isTaken, heardMs);
        if (!isTaken && host.everyMs !== undefined) host.waiting.unshift(readyMs);
        look(host, at, heardMs);
      });
    });
    look(host, at, nowMs);
  };
  const hear = (host: { pace: Pace }, slot: Slot, isTaken: boolean, nowMs: number): void => {
    host.pace = isTaken
      ? accepted(host.pace, slot, policy)
      : refused(host.pace, slot, retryAfterMs, nowMs, random(), policy);
  };
  ours.forEach((host, at) => {
    const { everyMs, batch, startMs } = host;
    if (everyMs === undefined) {
      look(host, at, startMs);
      return;
    }
    const arrive = (nowMs: number): void => {
      for (let run = 0; run < batch; run += 1) host.waiting.push(nowMs);
      look(host, at, nowMs);
      events.add(nowMs - everyMs * batch * Math.log(1 - random()), arrive);
    };
    events.add(startMs + random() * everyMs * batch, arrive);
  });
  if (foreign !== undefined) {
    const intrude = (nowMs: number): void => {
      if (nowMs >= foreign.untilMs) return;
      take(nowMs);
      events.add(nowMs + 1_000 / foreign.perSecond, intrude);
    };
    events.add(foreign.fromMs, intrude);
  }
  events.run(untilMs);
  return seen;
}

type Then = (nowMs: number) => void;

/** A binary heap by time. */
class Queue {
  readonly #heap: { readonly atMs: number; readonly then: Then }[] = [];

  add(atMs: number, then: Then): void {
    const heap = this.#heap;
    heap.push({ atMs, then });
    for (let at = heap.length - 1; at > 0;) {
      const up = (at - 1) >> 1;
      if (this.#at(up) <= this.#at(at)) break;
      this.#swap(up, at);
      at = up;
    }
  }

  run(untilMs: number): void {
    while (this.#at(0) <= untilMs) {
      const { atMs, then } = this.#shift();
      then(atMs);
    }
  }

  #shift(): { readonly atMs: number; readonly then: Then } {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) throw new Error('nothing is to come');
    if (heap.length > 0) heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const lower = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(lower) >= this.#at(at)) break;
      this.#swap(lower, at);
      at = lower;
    }
    return first;
  }

  #at(place: number): number {
    return this.#heap[place]?.atMs ?? Infinity;
  }

  #swap(one: number, other: number): void {
    const held = this.#heap[one];
    const moved = this.#heap[other];
    if (held === undefined || moved === undefined) return;
    this.#heap[one] = moved;
    this.#heap[other] = held;
  }
}

export const alike = (hosts: number, wish: HostWish = {}): HostWish[] =>
  Array.from({ length: hosts }, () => wish);

/** What came within a time. */
export class Span {
  readonly seen: readonly Seen[];
  readonly #ms: number;

  constructor(seen: readonly Seen[], fromMs: number, toMs: number) {
    this.seen = seen.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    this.#ms = toMs - fromMs;
  }

  get made(): readonly Seen[] {
    return this.seen.filter(({ isTaken }) => isTaken);
  }

  /** Of what the limit allows. */
  get used(): number {
    return this.made.length / ((this.#ms / 1_000) * runsPerSecond);
  }

  /** Refused of all requests to the API. */
  get refusedOfAll(): number {
    const refusals = this.seen.length - this.made.length;
    return refusals === 0 ? 0 : refusals / (refusals + requestsPerRun * this.made.length);
  }

  /** Refused of the `POST`s alone. */
  get refusedOfPosts(): number {
    return this.seen.length === 0 ? 0 : 1 - this.made.length / this.seen.length;
  }

  shares(hosts: number): number[] {
    const shares = Array.from({ length: hosts }, () => 0);
    for (const { host } of this.made) shares[host] = (shares[host] ?? 0) + 1;
    return shares;
  }

  fairness(hosts: number): number {
    return jain(this.shares(hosts));
  }

  /** What the poorest host has, of a fair share. */
  poorest(hosts: number): number {
    const shares = this.shares(hosts);
    return (Math.min(...shares) * hosts) / Math.max(1, sum(shares));
  }
}
