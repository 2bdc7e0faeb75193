/**
 * Misbehaviour on request. Networks and servers fail in a handful of ways that matter to a client that must record
 * each run exactly once; here a test says which requests fail how, and how often. With no fault set, and the settings
 * left alone, the stand-in behaves.
 *
 * Rules are asked in the order they were added; the first that matches and is not used up decides. A rule is taken
 * after `onRequest` has heard of the request, so the hook may still add one for this very request.
 */
import type { RequestKind } from './requestKind.ts';

/** What goes wrong. `carriedOut` tells whether the request is acted on all the same: the ambiguous case. */
export type Misbehaviour =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Seconds ("3") or a date in the form of HTTP; absent: no `Retry-After`. */
      readonly retryAfter?: string;
      /** Default: an error in the usual shape. Anything that is not JSON will do for garbage. */
      readonly body?: string;
      /** Default false: nothing is done, only answered. */
      readonly carriedOut?: boolean;
    }
  /** The connection is reset: before anything is done, after it is done, or after it is done and half answered. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' | 'midway' }
  /** Never answered: until the client leaves or the stand-in closes. */
  | { readonly kind: 'hang'; readonly carriedOut: boolean }
  /** Carried out at once, answered late. */
  | { readonly kind: 'delay'; readonly ms: number };

/** Which requests a rule is for. No kind, no app: all. */
export interface Aim {
  readonly kind?: RequestKind | readonly RequestKind[];
  readonly app?: string;
  /** So many matching requests pass unharmed first. */
  readonly skip?: number;
}

/** A request as the hook sees it: never its query, its headers or its body, so never a secret. */
export interface SeenRequest {
  readonly kind: RequestKind;
  readonly method: string;
  readonly path: string;
  /** Null where the path names none: an unknown upload, a download. */
  readonly app: string | null;
  /** Received: here in full (an upload: its head), nothing stored. Done: stored, not yet answered. */
  readonly phase: 'received' | 'done';
}

export interface FaultSettings {
  /** A run is `queued` for the first half of this time after its creation, `running` for the second. */
  finalAfterMs: number;
  /** A run shows in the list only so long after its creation. */
  listLagMs: number;
  /** Takes effect for the next listing; one under way keeps its order. Shuffled is the same shuffle each time. */
  listOrder: 'newest-first' | 'oldest-first' | 'shuffled';
  pageSize: number;
  /** Outputs come back as another document than was sent. */
  outputAltered: boolean;
  /** An error message that is not printable ASCII is refused. */
  refuseNonAsciiError: boolean;
  /** A name or description that is too long. */
  overLength: 'refuse' | 'cut';
  /** An input or output declared JSON that is not. The official SDK declares text and folders so by default. */
  notJson: 'refuse' | 'accept';
}

const wellBehaved: FaultSettings = {
  finalAfterMs: 0,
  listLagMs: 0,
  listOrder: 'newest-first',
  pageSize: 50,
  outputAltered: false,
  refuseNonAsciiError: false,
  overLength: 'refuse',
  notJson: 'refuse',
};

interface Rule {
  readonly kinds: readonly RequestKind[] | null;
  readonly app: string | null;
  readonly misbehaviour: Misbehaviour;
  skip: number;
  left: number;
}

/** Can be changed at any time; the next request sees it. */
export class Faults implements FaultSettings {
  finalAfterMs = wellBehaved.finalAfterMs;
  listLagMs = wellBehaved.listLagMs;
  listOrder = wellBehaved.listOrder;
  pageSize = wellBehaved.pageSize;
  outputAltered = wellBehaved.outputAltered;
  refuseNonAsciiError = wellBehaved.refuseNonAsciiError;
  overLength = wellBehaved.overLength;
  notJson = wellBehaved.notJson;
  /** Awaited, so that a test can end a client at exactly this moment. */
  onRequest: ((seen: SeenRequest) => void | Promise<void>) | null = null;
  #rules: Rule[] = [];

  constructor(settings: Partial<FaultSettings> = {}) {
    Object.assign(this, settings);
  }

  /** The next request that matches, or the next so many. */
  next(aim: Aim, misbehaviour: Misbehaviour, times = 1): void {
    const kinds = typeof aim.kind === 'string' ? [aim.kind] : (aim.kind ?? null);
    this.#rules.push({ kinds, app: aim.app ?? null, misbehaviour, skip: aim.skip ?? 0, left: times });
  }

  /** Every request that matches, until `clear`. */
  always(aim: Aim, misbehaviour: Misbehaviour): void {
    this.next(aim, misbehaviour, Infinity);
  }

  /** No rule is left, every setting is back to what it is by default, nobody listens. */
  clear(): void {
    this.#rules = [];
    this.onRequest = null;
    Object.assign(this, wellBehaved);
  }

  /** How many uses are left of all rules: 0 when every fault a test asked for has happened. */
  get pending(): number {
    return this.#rules.reduce((sum, rule) => sum + rule.left, 0);
  }

  /** For the server: what happens to this request, which uses the rule up by one. */
  take(kind: RequestKind, app: string | null): Misbehaviour | null {
    for (const rule of this.#rules) {
      if (rule.kinds !== null && !rule.kinds.includes(kind)) continue;
      if (rule.app !== null && rule.app !== app) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.left -= 1;
      if (rule.left <= 0) this.#rules = this.#rules.filter((other) => other !== rule);
      return rule.misbehaviour;
    }
    return null;
  }
}
