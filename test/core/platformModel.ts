/**
 * A model of everything around one run's life that can go wrong: a platform that carries out a request late, answers
 * that come late or never, a list that is read page by page, lags, breaks, and shifts when somebody deletes a run,
 * crashes at any moment, an outbox that is lost or put back from a copy, a folder that changes, a person who says retry
 * or skip. What a process forgets when it dies is forgotten here too.
 *
 * The platform keeps to the one thing that is asked of it: what a request does shows in its list at the latest
 * `absentAfterMs` after that request's connection ended.
 */
import { clockSet, type takenOver } from '../../src/core/doubt.ts';
import type { Happening, RunLife } from '../../src/core/happening.ts';
import type { advance } from '../../src/core/lifecycle.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import { isLive, nextStep } from '../../src/core/run.ts';
import { failureWith, lifeIn, minute, now, policy, uploads } from './lives.ts';

export type Advance = typeof advance;
export type TakeOver = typeof takenOver;

/** What happens next, and two numbers that decide how: their meaning depends on what is going on. */
export interface Turn {
  readonly what:
    | 'step'
    | 'crash'
    | 'wait'
    | 'list'
    | 'page'
    | 'listed'
    | 'foreign'
    | 'folder'
    | 'person'
    | 'clock'
    | 'copy'
    | 'lose';
  readonly how: number;
  readonly when: number;
}

/** A run on the platform: ours, or somebody else's. */
interface Entry {
  readonly id: string;
  readonly isOurs: boolean;
  readonly createdMs: number;
  /** From when on the list shows it. */
  readonly shownMs: number;
}

interface Listing {
  readonly number: number;
  readonly startedAtMs: number;
  readonly aheadMs: number;
  readonly seen: Map<string, Entry>;
  /** Where the next page begins, counted from the newest. */
  at: number;
}

/** A duplicate, or a request that nobody had written down before. */
export class PromiseBroken extends Error {}

export class Model {
  life = lifeIn({ kind: 'queued', uploads: [] });
  dueAtMs: number | null = now;
  nowMs = now;
  /** The daemon's clock may be wrong, and may be set. */
  #aheadMs = 0;
  #process = 1;
  /** Requests that left, whatever became of them. */
  posts = 0;
  readonly #policy: LifecyclePolicy;
  readonly #advance: Advance;
  readonly #takenOver: TakeOver;
  /** What happened how often: a model in which nothing goes wrong proves nothing. */
  readonly faults = new Map<string, number>();
  /** More than one run of ours is a broken promise. */
  #entries: Entry[] = [];
  #ids = 0;
  /** What each whole listing has shown, as the outbox keeps it. */
  readonly #shown = new Map<number, Map<string, Entry>>();
  /** A copy of the outbox that somebody made. */
  #copy: RunLife | null = null;
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
        if (how % 3 === 0) this.#foreign(0);
        if (how % 3 === 0) this.#foreign(0);
        this.#begin();
        return;
      case 'page':
        // Nothing shifts a page as surely as a deletion of what was just read.
        if (this.#listing !== null && how % 2 === 0) this.#deleteSeen(this.#listing);
        if (this.#listing !== null) this.#readPage(this.#listing);
        return;
      case 'listed':
        this.#endListing(how);
        return;
      case 'foreign':
        this.#foreign(how);
        return;
      case 'copy':
        this.#copy = this.life;
        return;
      case 'lose':
        this.#lose(how, when);
        return;
      case 'folder':
        if (!this.#isAsking) this.#happen(changes[how % changes.length] ?? changes[0]);
        return;
      case 'clock':
        this.#setClock(how);
        return;
      case 'person':
        if (!this.#isAsking) this.#happen({ kind: how % 3 === 0 ? 'skip' : 'retry' });
        return;
    }
  }

  get #wallMs(): number {
    return this.nowMs + this.#aheadMs;
  }

  /** By a day, or by as much as the wait for sure absence. */
  #setClock(how: number): void {
    const aheadMs = [0, 24 * 60 * minute, -24 * 60 * minute, 25 * minute, -25 * minute][how % 5] ?? 0;
    const byMs = aheadMs - this.#aheadMs;
    if (byMs === 0) return;
    this.#count(byMs > 0 ? 'clock set forward' : 'clock set back');
    const wallMs = this.#wallMs;
    this.#aheadMs = aheadMs;
    // Between two processes nobody notices.
    if (how % 2 === 0) {
      this.#crash(0, 0);
      return;
    }
    this.life = clockSet(this.life, byMs, this.#wallMs);
    if (this.dueAtMs !== null && this.dueAtMs > wallMs && byMs < 0) this.dueAtMs += byMs;
  }

  /** No faults any more, and all the time in the world. @returns the state it ends in */
  comeToRest(): string {
    if (this.#isAsking) this.#crash(0, 0);
    for (let turns = 0; turns < 60; turns += 1) {
      const { state } = this.life;
      if (!isLive(state)) {
        const ours = this.#entries.filter(({ isOurs }) => isOurs);
        if (state.kind === 'recorded' && ours.length !== 1)
          throw new PromiseBroken('a run is recorded that the platform does not have');
        return state.kind;
      }
      if (this.dueAtMs === null) {
        // Only a run that waits for its folder has no time of its own; the next scan finds the folder complete.
        if (state.kind !== 'queued') throw new PromiseBroken(`a run that is ${state.kind} is due at no time`);
        this.#happen({ kind: 'returned' });
        continue;
      }
      this.nowMs = Math.max(this.nowMs, this.dueAtMs - this.#aheadMs);
      if (this.#isAsking) this.#answer(0, 0);
      else if (nextStep(state) === 'reconcile') {
        this.#listing = null;
        this.#begin();
        this.#endListing(wholeListing);
      } else this.#step(0, 0);
    }
    return this.life.state.kind;
  }

  #happen(happening: Happening): void {
    const conclusion = this.#advance(this.life, happening, this.#wallMs, 0.5, this.#policy);
    this.life = conclusion.life;
    this.dueAtMs = conclusion.dueAtMs;
  }

  #step(how: number, when: number): void {
    const { state } = this.life;
    if (this.#isAsking) {
      this.#answer(how, when);
      return;
    }
    if (!isLive(state) || this.dueAtMs === null || this.dueAtMs > this.#wallMs) return;
    switch (nextStep(state)) {
      case 'upload':
        if (how % 4 === 3) this.#happen({ kind: 'uploadsLanded', uploads: [], failure: trouble(when) });
        else this.#happen({ kind: 'uploadsLanded', uploads, failure: null });
        return;
      case 'send':
        if (how % 5 === 4) this.#happen({ kind: 'uploadsTooOld' });
        else if (how % 5 === 3) this.#intendTooLate(when);
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

  /** The intent was so long on its way to the disk that no request follows. */
  #intendTooLate(when: number): void {
    this.#happen({ kind: 'intended', platformTimeMs: this.nowMs });
    this.#happen({ kind: when % 2 === 0 ? 'slotTooOld' : 'uploadsTooOld' });
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
        this.#happen({
          kind: 'unclear',
          failure: failureWith('platform'),
          endedAtMs: this.#wallMs,
          ended: { process: String(this.#process), ms: this.nowMs },
        });
    }
  }

  /** The connection ended without an answer: nothing came of it, or something did, or something still will. */
  #endUnanswered(how: number, when: number): void {
    this.#count(how % 3 === 0 ? 'answer lost, nothing made' : 'answer lost, run made');
    if (how % 3 !== 0) this.#make(this.nowMs, when);
  }

  #make(endedAtMs: number, when: number): void {
    // Often at the very last moment that is allowed, because that is where a rule is wrong by a little.
    const share = when % 3 === 0 ? 1 : (when % 101) / 100;
    const shownMs = endedAtMs + Math.floor(this.#policy.absentAfterMs * share);
    const isLate = when % 2 === 0;
    if (shownMs > endedAtMs) this.#count(isLate ? 'carried out late' : 'listed late');
    this.#add(true, isLate ? shownMs : endedAtMs, shownMs);
    if (this.#entries.filter(({ isOurs }) => isOurs).length > 1)
      throw new PromiseBroken('the platform has two runs with one fingerprint');
  }

  #add(isOurs: boolean, createdMs: number, shownMs: number): void {
    this.#ids += 1;
    this.#entries.push({ id: `run-${this.#ids}`, isOurs, createdMs, shownMs });
  }

  /** Somebody else makes a run, or deletes one of his. */
  #foreign(how: number): void {
    const theirs = this.#entries.filter(({ isOurs }) => !isOurs);
    const victim = theirs[how % (theirs.length + 1)];
    if (how % 2 === 0 || victim === undefined) this.#add(false, this.nowMs, this.nowMs);
    else this.#delete(victim);
  }

  #delete(entry: Entry): void {
    this.#count('foreign run deleted');
    this.#entries = this.#entries.filter(({ id }) => id !== entry.id);
  }

  #deleteSeen({ seen }: Listing): void {
    const victim = [...seen.values()].find((entry) => !entry.isOurs && this.#entries.includes(entry));
    if (victim === undefined) return;
    this.#count('page shifted');
    this.#delete(victim);
  }

  /** The outbox is lost, or a copy of it is put back, and that is noticed: it is distrusted. */
  #lose(how: number, when: number): void {
    const isCopied = how % 2 === 0 && this.#copy !== null;
    this.#count(isCopied ? 'outbox rolled back' : 'outbox lost');
    this.#die(how, when);
    this.life = (isCopied ? this.#copy : null) ?? lifeIn({ kind: 'queued', uploads: [] });
    this.life = this.#takenOver(this.life, this.#wallMs);
    this.#happen({ kind: 'distrusted' });
  }

  #crash(how: number, when: number): void {
    this.#count(
      this.#isAsking ? 'crash while asking' : this.#listing === null ? 'crash' : 'crash while listing',
    );
    this.#die(how, when);
    this.life = this.#takenOver(this.life, this.#wallMs);
    if (isLive(this.life.state) && this.dueAtMs !== null) this.dueAtMs = Math.min(this.dueAtMs, this.#wallMs);
  }

  #die(how: number, when: number): void {
    this.#process += 1;
    if (this.#isAsking) this.#endUnanswered(how, when);
    this.#isAsking = false;
    this.#listing = null;
    this.nowMs += (when % 7) * minute;
  }

  #begin(): void {
    // Also for other runs of the app: this one may become unknown while the list is read.
    if (this.#listing !== null) return;
    this.#listings += 1;
    this.#listing = {
      number: this.#listings,
      startedAtMs: this.nowMs,
      aheadMs: this.#aheadMs,
      seen: new Map(),
      at: 0,
    };
    this.#readPage(this.#listing);
  }

  /** Pages are counted off from the newest: whoever deletes a run moves all older ones up. @returns whether it was the last */
  #readPage(listing: Listing): boolean {
    const visible = this.#visible();
    for (const entry of visible.slice(listing.at, listing.at + pageSize)) listing.seen.set(entry.id, entry);
    listing.at += pageSize;
    return listing.at >= visible.length;
  }

  #visible(): Entry[] {
    return this.#entries
      .filter(({ shownMs }) => shownMs <= this.nowMs)
      .sort((a, b) => b.createdMs - a.createdMs);
  }

  #endListing(how: number): void {
    const listing = this.#listing;
    this.#listing = null;
    const { state } = this.life;
    if (listing === null || state.kind !== 'unknown') return;
    const isBroken = how % 7 === 6;
    do {
      // Whoever deletes just now may well be unlucky for us.
      if (how % 5 > 2 && this.#visible()[listing.at]?.isOurs === true) this.#deleteSeen(listing);
    } while (!isBroken && !this.#readPage(listing));
    // What was found is found, whether or not the list could be read to its end.
    if ([...listing.seen.values()].some(({ isOurs }) => isOurs)) {
      this.#count('found');
      this.#happen({ kind: 'found', runId: 'run-a' });
      return;
    }
    if (isBroken) {
      this.#count('list broken');
      this.#happen({ kind: 'failed', failure: failureWith('platform') });
      return;
    }
    this.#shown.set(listing.number, listing.seen);
    const earlier = state.absent === null ? [] : [...(this.#shown.get(state.absent.listing)?.values() ?? [])];
    const keepsEarlier = earlier.every(
      ({ id, createdMs }) => createdMs < state.platformTimeMs - minute || listing.seen.has(id),
    );
    if (!keepsEarlier) this.#count('shift noticed');
    if (this.#entries.some(({ isOurs, shownMs }) => isOurs && shownMs <= listing.startedAtMs))
      this.#count('run hidden by a shift');
    this.#happen({
      kind: 'absent',
      listing: listing.number,
      startedAtMs: listing.startedAtMs + listing.aheadMs,
      steady: { process: String(this.#process), ms: listing.startedAtMs },
      proof: {
        keepsEarlier,
        fingerprintsShow: how % 17 !== 16,
        showsOurs: how % 19 !== 18,
        content: how % 11 === 10 ? 'gone' : how % 13 === 12 ? 'newer' : 'there',
        twin: how % 23 === 22 ? 'run-twin' : null,
      },
    });
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}

/** Small, so that a handful of runs makes several pages. */
const pageSize = 2;
const absent = policy.absentAfterMs;
const waits = [1, 1_000, minute, absent / 2, absent * 0.97, absent];

/** The number with which a listing is read to its end, shows everything and proves what it can. */
const wholeListing = 0;

const changes: readonly [Happening, ...Happening[]] = [
  { kind: 'returned' },
  { kind: 'vanished' },
  { kind: 'newerContent' },
  { kind: 'otherTarget' },
  { kind: 'logOrMetaChanged' },
];

function trouble(when: number): ReturnType<typeof failureWith> {
  return failureWith((['platform', 'app', 'run'] as const)[when % 3] ?? 'platform');
}
