/**
 * A model of everything around one run's life that can go wrong: a platform that carries out a request late, answers
 * that come late or never, lists that are cut short, lag or shift, crashes at any moment, a folder that changes, a
 * person who says retry or skip. What a process forgets when it dies is forgotten here too.
 *
 * The platform keeps to the one thing that is asked of it: what a request does shows in its list at the latest
 * `absentAfterMs` after that request's connection ended.
 */
import type { advance, Happening, takenOver } from '../../src/core/lifecycle.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import { isLive, nextStep } from '../../src/core/run.ts';
import { failureWith, lifeIn, minute, now, policy, uploads } from './lives.ts';

export type Advance = typeof advance;
export type TakeOver = typeof takenOver;

/** What happens next, and two numbers that decide how: their meaning depends on what is going on. */
export interface Turn {
  readonly what: 'step' | 'crash' | 'wait' | 'list' | 'listed' | 'folder' | 'person';
  readonly how: number;
  readonly when: number;
}

interface Listing {
  readonly startedAtMs: number;
  readonly sawRun: boolean;
}

/** A duplicate, or a request that nobody had written down before. */
export class PromiseBroken extends Error {}

export class Model {
  life = lifeIn({ kind: 'queued', uploads: [] });
  dueAtMs: number | null = now;
  nowMs = now;
  /** Requests that left, whatever became of them. */
  posts = 0;
  readonly #policy: LifecyclePolicy;
  readonly #advance: Advance;
  readonly #takenOver: TakeOver;
  /** When each run with the fingerprint appears in the platform's list. More than one is a broken promise. */
  readonly #made: number[] = [];
  /** The request that was sent and has no answer yet: it is in the hands of a worker. */
  #isAsking = false;
  #listing: Listing | null = null;
  #listings = 0;

  constructor(policy: LifecyclePolicy, use: { advance: Advance; takenOver: TakeOver }) {
    this.#policy = policy;
    this.#advance = use.advance;
    this.#takenOver = use.takenOver;
  }

  take({ what, how, when }: Turn): void {
    switch (what) {
      case 'wait':
        this.nowMs += Math.floor(waits[how % waits.length] ?? 0);
        return;
      case 'step':
        this.#step(how, when);
        return;
      case 'crash':
        this.#crash(how, when);
        return;
      case 'list':
        this.#listing ??= { startedAtMs: this.nowMs, sawRun: this.#isListed() };
        return;
      case 'listed':
        this.#endListing(how);
        return;
      case 'folder':
        if (!this.#isAsking) this.#happen(changes[how % changes.length] ?? changes[0]);
        return;
      case 'person':
        if (!this.#isAsking) this.#happen({ kind: how % 3 === 0 ? 'skip' : 'retry' });
        return;
    }
  }

  /** No faults any more, and all the time in the world. @returns the state it ends in */
  comeToRest(): string {
    if (this.#isAsking) this.#crash(0, 0);
    for (let turns = 0; turns < 60; turns += 1) {
      const { state } = this.life;
      if (!isLive(state)) return state.kind;
      if (this.dueAtMs === null) {
        // Only a run that waits for its folder has no time of its own; the next scan finds the folder complete.
        if (state.kind !== 'queued') throw new PromiseBroken(`a run that is ${state.kind} is due at no time`);
        this.#happen({ kind: 'returned' });
        continue;
      }
      this.nowMs = Math.max(this.nowMs, this.dueAtMs);
      if (this.#isAsking) this.#answer(0, 0);
      else if (nextStep(state) === 'reconcile') {
        this.#listing = { startedAtMs: this.nowMs, sawRun: this.#isListed() };
        this.#endListing(wholeListing);
      } else this.#step(0, 0);
    }
    return this.life.state.kind;
  }

  #happen(happening: Happening): void {
    const conclusion = this.#advance(this.life, happening, this.nowMs, 0.5, this.#policy);
    this.life = conclusion.life;
    this.dueAtMs = conclusion.dueAtMs;
  }

  #step(how: number, when: number): void {
    const { state } = this.life;
    if (this.#isAsking) {
      this.#answer(how, when);
      return;
    }
    if (!isLive(state) || this.dueAtMs === null || this.dueAtMs > this.nowMs) return;
    switch (nextStep(state)) {
      case 'upload':
        if (how % 4 === 3) this.#happen({ kind: 'uploadsLanded', uploads: [], failure: trouble(when) });
        else this.#happen({ kind: 'uploadsLanded', uploads, failure: null });
        return;
      case 'send':
        if (how % 5 === 4) this.#happen({ kind: 'uploadsTooOld' });
        else this.#send();
        return;
      case 'poll':
        if (how % 3 === 0) this.#happen({ kind: 'final', status: 'succeeded' });
        else this.#happen(how % 3 === 1 ? { kind: 'notFinal' } : { kind: 'failed', failure: trouble(when) });
        return;
      case 'writeBack':
        if (how % 3 === 2) this.#happen({ kind: 'failed', failure: trouble(when) });
        else this.#happen({ kind: 'written', path: 'nextmv-result.json' });
        return;
      case 'reconcile':
        return;
    }
  }

  #send(): void {
    this.#happen({ kind: 'intended', platformTimeMs: this.nowMs });
    // What is durable now is what the next process would find: it has to say that a request may have been sent.
    if (this.life.state.kind !== 'intended')
      throw new PromiseBroken('a request left without a durable intent');
    this.#isAsking = true;
    this.posts += 1;
  }

  #answer(how: number, when: number): void {
    this.#isAsking = false;
    switch (how % 5) {
      case 0:
        this.#make(this.nowMs, when);
        this.#happen({ kind: 'made', runId: 'run-a' });
        return;
      case 1:
        this.#happen({ kind: 'nothingMade', failure: trouble(when) });
        return;
      case 2:
        this.#happen({ kind: 'refused', failure: failureWith('run') });
        return;
      default:
        this.#endUnanswered(how, when);
        this.#happen({ kind: 'unclear', failure: failureWith('platform'), endedAtMs: this.nowMs });
    }
  }

  /** The connection ended without an answer: nothing came of it, or something did, or something still will. */
  #endUnanswered(how: number, when: number): void {
    if (how % 3 !== 0) this.#make(this.nowMs, when);
  }

  #make(endedAtMs: number, when: number): void {
    // Often at the very last moment that is allowed, because that is where a rule is wrong by a little.
    const share = when % 3 === 0 ? 1 : (when % 101) / 100;
    this.#made.push(endedAtMs + Math.floor(this.#policy.absentAfterMs * share));
    if (this.#made.length > 1) throw new PromiseBroken('the platform has two runs with one fingerprint');
  }

  #crash(how: number, when: number): void {
    if (this.#isAsking) this.#endUnanswered(how, when);
    this.#isAsking = false;
    this.#listing = null;
    this.nowMs += (when % 7) * minute;
    this.life = this.#takenOver(this.life, this.nowMs);
    if (isLive(this.life.state) && this.dueAtMs !== null) this.dueAtMs = Math.min(this.dueAtMs, this.nowMs);
  }

  #isListed(): boolean {
    return this.#made.some((shownAtMs) => shownAtMs <= this.nowMs);
  }

  #endListing(how: number): void {
    const listing = this.#listing;
    this.#listing = null;
    if (listing === null || this.life.state.kind !== 'unknown') return;
    const failed = how % 7 === 6;
    const shifted = how % 7 === 5;
    // A run that appeared while the list was read may or may not be in it.
    const isSeen = listing.sawRun || (this.#isListed() && how % 2 === 0);
    if (isSeen && !shifted) {
      this.#happen({ kind: 'found', runId: 'run-a' });
      return;
    }
    if (failed) {
      this.#happen({ kind: 'failed', failure: failureWith('platform') });
      return;
    }
    this.#listings += 1;
    const content = how % 11 === 10 ? 'gone' : how % 13 === 12 ? 'newer' : 'there';
    const proof = {
      keepsEarlier: !shifted,
      fingerprintsShow: how % 17 !== 16,
      showsOurs: true,
      content,
      twin: null,
    } as const;
    this.#happen({ kind: 'absent', listing: this.#listings, startedAtMs: listing.startedAtMs, proof });
  }
}

const absent = policy.absentAfterMs;
const waits = [1, 1_000, minute, absent / 2, absent * 0.97, absent];

/** The number with which a listing is read to its end, shows everything and proves what it can. */
const wholeListing = 0;

const changes: readonly [Happening, ...Happening[]] = [
  { kind: 'returned' },
  { kind: 'vanished' },
  { kind: 'newerContent' },
  { kind: 'logOrMetaChanged' },
];

function trouble(when: number): ReturnType<typeof failureWith> {
  return failureWith((['platform', 'app', 'run'] as const)[when % 3] ?? 'platform');
}
