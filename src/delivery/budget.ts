/**
 * The platform's limits as one line of waiting requests: whoever wants to ask takes a slot first. What finishes a run
 * goes before what starts one, so that runs do not pile up half-way while their upload ids grow old. A request that
 * waits for the narrower limit of new runs lets the others pass. A list goes last, and has a share of its own all the same:
 * where the limit of all requests binds, somebody always waits to upload.
 */
import {
  accepted,
  freeAtMs,
  handedBack,
  isWellBelow,
  notBefore,
  refused,
  startPace,
  takeSlot,
  type Pace,
  type Slot,
} from '../core/pace.ts';
import type { Clock } from '../system/clock.ts';

/** What requests are about, in the order in which they go. */
export const requestLines = ['result', 'create', 'upload', 'list'] as const;
export type RequestLine = (typeof requestLines)[number];

/**
 * A list that waits has every so many-th slot. Without that, runs whose outcome is unknown would be looked for only when
 * the backlog ends. So a hundred pages are read in half a minute at the usual limit, and everything else is slowed by a
 * tenth at the most, for as long as there is something to list.
 */
const listEvery = 10;
const listFirst: readonly RequestLine[] = ['list', ...requestLines.filter((line) => line !== 'list')];

export interface Limits {
  /** `POST /runs` a second; null: no limit. */
  readonly runsPerSecond: number | null;
  /** All requests to the API a minute, these included; null: no limit. */
  readonly requestsPerMinute: number | null;
}

/** A slot that was given out: to be told what came of it. */
export interface Ticket {
  accepted(): void;
  refused(retryAfterMs: number | undefined): void;
  /**
   * Nothing was asked with it, and whoever is next has it. At a narrow pace all may wait for longer than they can be sent: with
   * their slots used up for nothing none would ever be accepted, and the pace would stay as it is.
   */
  unused(): void;
}

interface Waiter {
  readonly isAgain: boolean;
  readonly give: (ticket: Ticket) => void;
}

/** Runs that are started and not yet posted: about as many as can be posted in this time, so that no id grows old. */
const postedWithinMs = 10_000;
const startedMin = 2;
/** Where the pace is limited; without a limit each is posted at once, and none waits for another. */
const startedMax = 32;

export class Budget {
  readonly #clock: Clock;
  #limits: Limits;
  readonly #waiting: Readonly<Record<RequestLine, Waiter[]>> = {
    result: [],
    create: [],
    upload: [],
    list: [],
  };
  #runs: Pace;
  #api: Pace;
  #timer: NodeJS.Timeout | null = null;
  /** Of each line: since when each of its requests was refused, in ms. */
  readonly #refusedSinceMs = new Map<RequestLine, number>();
  /** How many slots others were given while a list waited, since one last had its own. */
  #passedList = 0;

  /** @param isRecovering work has piled up: hosts that come back together must not come at once */
  constructor(limits: Limits, clock: Clock, isRecovering: boolean) {
    this.#limits = limits;
    this.#clock = clock;
    [this.#runs, this.#api] = this.#begin(isRecovering);
  }

  /** Other limits count from now on; what was learned of other hosts is learned anew. */
  limitTo(limits: Limits): void {
    const { runsPerSecond, requestsPerMinute } = this.#limits;
    if (runsPerSecond === limits.runsPerSecond && requestsPerMinute === limits.requestsPerMinute) return;
    this.#limits = limits;
    this.#beginAnew(false);
  }

  /** The platform is back after it was away. */
  recover(): void {
    this.#beginAnew(true);
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** What the paces are now, requests a second; null: no limit. */
  rates(): { readonly runs: number | null; readonly api: number | null } {
    const shown = ({ rate }: Pace): number | null => (Number.isFinite(rate) ? rate : null);
    return { runs: shown(this.#runs), api: shown(this.#api) };
  }

  /** How many requests wait for their slot. */
  waiting(): number {
    return requestLines.reduce((sum, line) => sum + this.waitingIn(line), 0);
  }

  waitingIn(line: RequestLine): number {
    return this.#waiting[line].length;
  }

  /** Whether the platform’s refusals hold us well below what is configured. */
  isNarrowed(): boolean {
    // Whoever comes back after an outage begins low, and was refused nothing.
    const isLow = ({ limit, rate, cutAtMs }: Pace): boolean =>
      limit !== null && isWellBelow(rate, limit) && cutAtMs > -Infinity;
    return (isLow(this.#runs) || isLow(this.#api)) && this.waiting() > 0;
  }

  /** How long until this line has its next slot, in ms, which may be somebody else's who waits already. */
  freeInMs(line: RequestLine): number {
    return Math.max(0, this.#freeAtMs(line) - this.#clock.monotonicMs());
  }

  /** For how long the platform has refused each request of this line, in ms; 0: it has taken the last one, or was not asked. */
  refusedForMs(line: RequestLine): number {
    const sinceMs = this.#refusedSinceMs.get(line);
    return sinceMs === undefined ? 0 : this.#clock.monotonicMs() - sinceMs;
  }

  /** So many runs may be on their way to their `POST` at once. */
  startedMax(): number {
    const { rate } = this.#runs;
    if (!Number.isFinite(rate)) return Infinity;
    return Math.min(startedMax, Math.max(startedMin, Math.floor(1 + (rate * postedWithinMs) / 1_000)));
  }

  /**
   * Waits for a slot.
   * @param isAgain it was refused before: it goes to the front of its line, behind others that were refused earlier
   * @throws the signal's reason
   */
  async take(line: RequestLine, signal: AbortSignal, isAgain = false): Promise<Ticket> {
    signal.throwIfAborted();
    return await new Promise<Ticket>((resolve, reject) => {
      const waiter: Waiter = {
        isAgain,
        give: (ticket) => {
          signal.removeEventListener('abort', leave);
          resolve(ticket);
        },
      };
      const leave = (): void => {
        const place = this.#waiting[line].indexOf(waiter);
        if (place >= 0) this.#waiting[line].splice(place, 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error('given up'));
      };
      signal.addEventListener('abort', leave, { once: true });
      const inLine = this.#waiting[line];
      const ahead = isAgain ? inLine.filter((other) => other.isAgain).length : inLine.length;
      inLine.splice(ahead, 0, waiter);
      this.#pump();
    });
  }

  /** Gives out every slot that is due, then sleeps until the next one is. */
  #pump(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (;;) {
      const nowMs = this.#clock.monotonicMs();
      let nextMs = Infinity;
      let isGiven = false;
      for (const line of this.#passedList < listEvery - 1 ? requestLines : listFirst) {
        const [first] = this.#waiting[line];
        if (first === undefined) continue;
        const freeMs = this.#freeAtMs(line);
        nextMs = Math.min(nextMs, freeMs);
        if (freeMs > nowMs) continue;
        if (line === 'list') this.#passedList = 0;
        else if (this.waitingIn('list') > 0) this.#passedList += 1;
        this.#waiting[line].shift();
        first.give(this.#ticket(line, nowMs));
        isGiven = true;
        break;
      }
      if (isGiven) continue;
      if (nextMs < Infinity) {
        this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.ceil(nextMs - nowMs)));
      }
      return;
    }
  }

  #freeAtMs(line: RequestLine): number {
    const api = freeAtMs(this.#api);
    return line === 'create' ? Math.max(api, freeAtMs(this.#runs)) : api;
  }

  #ticket(line: RequestLine, nowMs: number): Ticket {
    const api = takeSlot(this.#api, nowMs, this.#clock.random());
    this.#api = api.pace;
    let runs: Slot | null = null;
    if (line === 'create') {
      const taken = takeSlot(this.#runs, nowMs, this.#clock.random());
      this.#runs = taken.pace;
      runs = taken.slot;
    }
    return {
      accepted: () => {
        this.#refusedSinceMs.delete(line);
        this.#api = accepted(this.#api, api.slot);
        if (runs !== null) this.#runs = accepted(this.#runs, runs);
        this.#pump();
      },
      // A refused run says nothing of the limit of all requests, which is far wider.
      refused: (retryAfterMs) => {
        const now = this.#clock.monotonicMs();
        const random = this.#clock.random();
        if (!this.#refusedSinceMs.has(line)) this.#refusedSinceMs.set(line, now);
        if (runs === null) this.#api = refused(this.#api, api.slot, retryAfterMs, now, random);
        else this.#runs = refused(this.#runs, runs, retryAfterMs, now, random);
        this.#pump();
      },
      unused: () => {
        this.#api = handedBack(this.#api, api.slot);
        if (runs !== null) this.#runs = handedBack(this.#runs, runs);
        this.#pump();
      },
    };
  }

  #beginAnew(isRecovering: boolean): void {
    const [runs, api] = this.#begin(isRecovering);
    this.#runs = notBefore(runs, this.#runs);
    this.#api = notBefore(api, this.#api);
    this.#refusedSinceMs.clear();
    this.#pump();
  }

  #begin(isRecovering: boolean): [Pace, Pace] {
    const { runsPerSecond, requestsPerMinute } = this.#limits;
    const nowMs = this.#clock.monotonicMs();
    const random = this.#clock.random();
    const api = requestsPerMinute === null ? null : requestsPerMinute / 60;
    return [
      startPace(runsPerSecond, isRecovering, nowMs, random),
      startPace(api, isRecovering, nowMs, random),
    ];
  }
}
