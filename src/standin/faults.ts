/**
 * Misbehaviour on request. Networks and servers fail in a handful of ways that matter to a client that must record
 * each run exactly once; here a test says which requests fail how, and how often. With no fault set, and the settings
 * left alone, the stand-in behaves.
 *
 * Rules are asked in the order they were added; the first that matches and is not used up decides. A rule is taken
 * after `onRequest` has heard of the request, so the hook may still add one for this very request.
 */
import type { RequestKind } from './requestKind.ts';
import { wellBehaved, type Settings } from './settings.ts';

/** What goes wrong. `carriedOut` tells whether the request is acted on all the same: the ambiguous case. */
export type Misbehaviour =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Seconds ("3") or a date in the form of HTTP; absent: no `Retry-After`. */
      readonly retryAfter?: string;
      /** Where a redirect leads to. */
      readonly location?: string;
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
  | { readonly kind: 'delay'; readonly ms: number }
  /** Carried out at once, its answer sent a few bytes at a time. */
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number }
  /** Carried out, and its answer promises so many bytes more than it has, then the connection ends; or so many fewer. */
  | { readonly kind: 'length'; readonly offByBytes: number };

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

/** A rule that is not used up. */
export interface Rule {
  /** Never given to another one. */
  readonly id: number;
  readonly aim: Aim;
  readonly misbehaviour: Misbehaviour;
  /** How often it was to happen; Infinity: always. */
  readonly times: number;
  /** How often it still will. */
  readonly left: number;
}

interface LiveRule extends Rule {
  readonly kinds: readonly RequestKind[] | null;
  skip: number;
  left: number;
}

/** Can be changed at any time; the next request sees it. */
export class Faults implements Settings {
  finalAfterMs = wellBehaved.finalAfterMs;
  listLagMs = wellBehaved.listLagMs;
  listOrder = wellBehaved.listOrder;
  pageSize = wellBehaved.pageSize;
  overLength = wellBehaved.overLength;
  notJson = wellBehaved.notJson;
  refuseNonAsciiError = wellBehaved.refuseNonAsciiError;
  outputAltered = wellBehaved.outputAltered;
  uploadLifetimeMs = wellBehaved.uploadLifetimeMs;
  uploadBytesMax = wellBehaved.uploadBytesMax;
  cancelFinal = wellBehaved.cancelFinal;
  /** Awaited, so that a test can end a client at exactly this moment. */
  onRequest: ((seen: SeenRequest) => void | Promise<void>) | null = null;
  readonly #settings: Partial<Settings>;
  #rules: LiveRule[] = [];
  #lastId = 0;

  constructor(settings: Partial<Settings> = {}) {
    this.#settings = settings;
    Object.assign(this, settings);
  }

  /** The next request that matches, or the next so many. */
  next(aim: Aim, misbehaviour: Misbehaviour, times = 1): Rule {
    const kinds = typeof aim.kind === 'string' ? [aim.kind] : (aim.kind ?? null);
    const id = (this.#lastId += 1);
    const rule = { id, aim, misbehaviour, times, kinds, skip: aim.skip ?? 0, left: times };
    this.#rules.push(rule);
    return rule;
  }

  /** Every request that matches, until `clear`. */
  always(aim: Aim, misbehaviour: Misbehaviour): Rule {
    return this.next(aim, misbehaviour, Infinity);
  }

  /** In the order in which they are asked. */
  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** @returns whether there was such a rule */
  remove(id: number): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
    return this.#rules.length < before;
  }

  removeAll(): void {
    this.#rules = [];
  }

  /** No rule is left, every setting is back to what it was at the start, nobody listens. */
  clear(): void {
    this.removeAll();
    this.onRequest = null;
    Object.assign(this, wellBehaved, this.#settings);
  }

  /** How many uses are left of all rules: 0 when every fault a test asked for has happened. */
  get pending(): number {
    return this.#rules.reduce((sum, rule) => sum + rule.left, 0);
  }

  /** For the server: what happens to this request, which uses the rule up by one. */
  take(kind: RequestKind, app: string | null): Misbehaviour | null {
    for (const rule of this.#rules) {
      if (rule.kinds !== null && !rule.kinds.includes(kind)) continue;
      if (rule.aim.app !== undefined && rule.aim.app !== app) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.left -= 1;
      if (rule.left <= 0) this.remove(rule.id);
      return rule.misbehaviour;
    }
    return null;
  }
}
