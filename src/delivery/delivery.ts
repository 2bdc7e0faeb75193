/**
 * How a run gets done: claim what is due, take it as many steps further as it goes, write down each one.
 *
 * A claim stays in the same hands from state to state, so a run goes from its folder to its result in one go; what the
 * process forgets when it dies is only that it was at work.
 */
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import { RuntrackdError, type Failure, type Reach } from '../core/failure.ts';
import { failureOfError } from './namedErrors.ts';
import { advance, type Conclusion, type Happening } from '../core/lifecycle.ts';
import { isLive, nextStep, runIdOf } from '../core/run.ts';
import { deliveryLines, type Claim, type DeliveryLine } from '../outbox/nouns.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { Waking } from '../system/waking.ts';
import type { Budget } from './budget.ts';
import { Gate } from './gate.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { poll } from './poll.ts';
import { reconcileApp } from './reconcile.ts';
import { send } from './send.ts';
import { tellFolder } from './tellFolder.ts';
import { proveOutbox } from './trust.ts';
import { upload } from './upload.ts';
import { writeBack } from './writeBack.ts';

/** A platform that never showed a fingerprint of ours is asked again this often. */
const fingerprintsAskedEveryMs = 10 * 60_000;
/** A pause that was shorter kept nobody long enough to come back together. */
const recoveringAfterMs = 60_000;
/** Every so many new runs one comes from the backlog, so that it ends even where fresh runs never do. */
const backlogEvery = 5;
/** Fresh runs may begin beyond the bound, so that they need not wait for the backlog's to be posted. */
const freshMore = 2;
/** With nothing due, the clock is looked at again after this: it may have been set. */
const idleMsMax = 30_000;

export class Delivery {
  readonly gate: Gate;
  readonly #parts: DeliveryParts;
  readonly #lanes: PQueue;
  readonly #inHand = new Set<Promise<void>>();
  readonly #waking = new Waking();
  readonly #reconcileWaking = new Waking();
  /** When an app's list was last read in vain for any fingerprint, wall clock in ms. */
  readonly #askedForFingerprints = new Map<string, number>();
  /** Apps for which the outbox is known to know what it did, since this process began. */
  readonly #proving = new Map<string, Promise<boolean>>();
  /** Runs in hand that are on their way to their `POST`: each holds upload ids that grow old. */
  readonly #unposted = new Set<number>();
  /** New runs claimed so far: every fifth comes from the backlog. */
  #newClaims = 0;
  /** Aborted when the shutdown's deadline has passed: what is under way then is cut off. */
  readonly #cut = new AbortController();
  /** Aborted when delivery is to end: what only waits for its slot gives up. */
  readonly #ending = new AbortController();
  #bug: Error | null = null;

  get budget(): Budget {
    return this.#parts.platform.budget;
  }

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.gate = new Gate(parts.policy.backoff);
    this.#lanes = new PQueue({ concurrency: parts.uploadsAtOnce });
    // Every request under way listens to them.
    setMaxListeners(0, this.#cut.signal, this.#ending.signal);
  }

  /** Something may be due now. */
  wake(): void {
    this.#waking.wake();
    this.#reconcileWaking.wake();
  }

  inHand(): number {
    return this.#inHand.size;
  }

  /** Gives up what is under way: the shutdown's deadline has passed. */
  cutOff(): void {
    this.#cut.abort();
  }

  /**
   * Delivers until `stop` is aborted, then finishes what is in hand.
   * @param only one run's number: others are left alone; null for all
   * @throws whatever nobody named: a bug, which ends the process
   */
  async run(stop: AbortSignal, only: number | null): Promise<void> {
    stop.addEventListener(
      'abort',
      () => {
        this.#ending.abort(new EndsSoon());
        this.wake();
      },
      { once: true },
    );
    try {
      while (!stop.aborted && this.#bug === null) {
        const seen = this.#waking.count;
        const claimed = await this.#claim(only);
        for (const claim of claimed) this.#take(claim);
        if (claimed.length > 0) continue;
        await this.#waking.wait(seen, await this.#idleMs());
      }
    } finally {
      await Promise.all(this.#inHand);
    }
    if (this.#bug !== null) throw this.#bug;
  }

  /** Looks for the runs whose outcome is unknown, until `stop` is aborted. */
  async reconcile(stop: AbortSignal): Promise<void> {
    const { outbox, clock, platformId } = this.#parts;
    stop.addEventListener('abort', () => this.wake(), { once: true });
    const isStopped = (): boolean => stop.aborted;
    while (!isStopped()) {
      const seen = this.#reconcileWaking.count;
      const nowMs = clock.nowMs();
      const unseen = (await outbox.unseenApps(platformId)).filter(
        (app) => nowMs - (this.#askedForFingerprints.get(app) ?? -Infinity) >= fingerprintsAskedEveryMs,
      );
      const apps = new Set([...(await outbox.unknownApps(platformId, nowMs)), ...unseen]);
      for (const app of apps) {
        if (!isStopped() && !this.#isPaused(app)) await this.#reconcileOne(app);
      }
      const dueMs = (await outbox.nextDueMs(platformId, ['reconcile'])) ?? Infinity;
      const waitMs = Math.min(idleMsMax, Math.max(250, dueMs - clock.nowMs()));
      if (!isStopped()) await this.#reconcileWaking.wait(seen, waitMs);
    }
  }

  /** How long until a run is due or a pause ends, in ms. */
  async #idleMs(): Promise<number> {
    const { outbox, clock, runsAtOnce, platformId } = this.#parts;
    if (this.#inHand.size >= runsAtOnce) return idleMsMax;
    const nowMs = clock.nowMs();
    const pauseMs = this.gate.platformPause()?.untilMs;
    const lines = this.#roomForNew() > 0 ? deliveryLines : (['started'] as const);
    const dueMs = pauseMs ?? (await outbox.nextDueMs(platformId, lines)) ?? Infinity;
    const pausedMs = Math.min(Infinity, ...this.gate.appPauses().map(({ pause }) => pause.untilMs));
    // A run that is due and was not claimed waits for a suspect or a paused app: looked at again soon, not at once.
    const soonMs = dueMs <= nowMs ? 250 : dueMs - nowMs;
    return Math.min(idleMsMax, Math.max(10, Math.min(soonMs, pausedMs - nowMs)));
  }

  async #claim(only: number | null): Promise<Claim[]> {
    const { outbox, clock, runsAtOnce, platformId } = this.#parts;
    const nowMs = clock.nowMs();
    const free = runsAtOnce - this.#inHand.size;
    if (free <= 0 || !(await this.#probed(nowMs))) return [];
    const pausedApps = this.gate.appPauses().map(({ app }) => app);
    if (only !== null) {
      const claim = await outbox.claimRun(platformId, only, nowMs);
      return claim === null ? [] : [claim];
    }
    const claim = (limit: number, lines: readonly DeliveryLine[]): Promise<Claim[]> =>
      limit <= 0 ? Promise.resolve([]) : outbox.claimDue(platformId, nowMs, limit, pausedApps, lines);
    const started = await claim(free, ['started']);
    const unposted = started.filter(isUnposted).length;
    const room = Math.min(free - started.length, this.#roomForNew() - unposted);
    return [...started, ...(await this.#claimNew(room, free - started.length, claim))];
  }

  /** Fresh runs before the backlog, but every fifth from it; and two more when they are fresh. */
  async #claimNew(
    room: number,
    free: number,
    claim: (limit: number, lines: readonly DeliveryLine[]) => Promise<Claim[]>,
  ): Promise<Claim[]> {
    const due = Math.max(0, room);
    const turns =
      Math.floor((this.#newClaims + due) / backlogEvery) - Math.floor(this.#newClaims / backlogEvery);
    const old = await claim(turns, ['backlog']);
    const fresh = await claim(Math.min(free, room + freshMore) - old.length, ['fresh']);
    const more = await claim(room - old.length - fresh.length, ['backlog']);
    const all = [...old, ...fresh, ...more];
    this.#newClaims += all.length;
    return all;
  }

  /** How many runs may be begun now without piling up half-way. */
  #roomForNew(): number {
    return this.#parts.platform.budget.startedMax() - this.#unposted.size;
  }

  /** Ends pauses whose time is up, if a harmless request gets through. @returns whether the platform may be used */
  async #probed(nowMs: number): Promise<boolean> {
    const { platform, log } = this.#parts;
    for (const { app, pause } of this.gate.appPauses()) {
      if (pause.untilMs > nowMs) continue;
      if ((await this.#probe(app)) === null) {
        this.gate.open(app);
        log.info({ app }, `app "${app}" answers again`);
      }
    }
    const pause = this.gate.platformPause();
    if (pause === null) return true;
    if (pause.untilMs > nowMs) return false;
    const app = (await this.#parts.outbox.oldestOf('queued'))?.key.app ?? (await this.#anyApp());
    // That this app is refused concerns the app: the platform has answered.
    const reach = app === null ? null : await this.#probe(app);
    if (reach === 'platform') return false;
    this.gate.open(null);
    // Whoever else was kept waiting comes back at the same moment.
    if (nowMs - pause.sinceMs >= recoveringAfterMs) platform.budget.recover();
    log.info({ endpoint: platform.endpoint.origin }, 'the platform answers again');
    return true;
  }

  async #anyApp(): Promise<string | null> {
    for (const kind of ['uploaded', 'unknown', 'tracked', 'final'] as const) {
      const run = await this.#parts.outbox.oldestOf(kind);
      if (run !== null) return run.key.app;
    }
    return null;
  }

  /** Asks something harmless. @returns whom a failure concerns; null when all is well */
  async #probe(app: string): Promise<Reach | null> {
    try {
      await this.#parts.platform.application(app, this.#cut.signal);
      return null;
    } catch (error) {
      if (this.#cut.signal.aborted) return 'platform';
      if (!(error instanceof RuntrackdError)) throw error;
      this.#noteFailure(error.failure, app);
      return error.failure.reach;
    }
  }

  #take(claim: Claim): void {
    this.#parts.passPoint('claimed');
    if (isUnposted(claim)) this.#unposted.add(claim.run);
    const work = this.#deliver(claim)
      .catch((error: unknown) => {
        this.#bug ??= error instanceof Error ? error : new Error(String(error));
        this.#parts.log.fatal(
          { err: error, run: claim.run },
          'delivery met an error that nobody foresaw, and stops',
        );
        // Others may be in the middle of a long upload; the outbox knows how far they came.
        this.#cut.abort();
      })
      .finally(() => {
        this.#inHand.delete(work);
        this.#unposted.delete(claim.run);
        this.#waking.wake();
      });
    this.#inHand.add(work);
  }

  /** Takes a claimed run as far as it goes without waiting. */
  async #deliver(claimed: Claim): Promise<void> {
    const { outbox, clock, policy } = this.#parts;
    let claim = claimed;
    let answer: ReadAnswer | undefined;
    for (;;) {
      const step = await this.#step(claim, answer);
      if (step === null) return;
      claim = step.claim;
      const { happening, warnings } = step.outcome;
      answer = step.outcome.answer;
      if ('failure' in happening && happening.failure !== null)
        this.#noteFailure(happening.failure, claim.key.app);
      else if (provesPlatform(happening)) this.gate.worked(claim.key.app);
      if (warnings !== undefined && warnings.length > 0) await outbox.addWarnings(claim.run, warnings);
      const nowMs = clock.nowMs();
      const conclusion = advance(claim.life, happening, nowMs, clock.random(), policy);
      const goesOn = this.#goesOn(conclusion, nowMs);
      if (!(await this.#conclude(claim, happening.kind === 'sourceChanged', conclusion, goesOn))) return;
      claim = { ...claim, life: conclusion.life };
      if (!goesOn) return;
    }
  }

  /** On to the next step at once: the state is new, and nothing says to wait. */
  #goesOn({ life, dueAtMs }: Conclusion, nowMs: number): boolean {
    if (this.#cut.signal.aborted || dueAtMs === null || dueAtMs > nowMs) return false;
    return isLive(life.state) && nextStep(life.state) !== 'reconcile' && this.gate.platformPause() === null;
  }

  async #step(
    claim: Claim,
    answer: ReadAnswer | undefined,
  ): Promise<{ readonly claim: Claim; readonly outcome: Outcome } | null> {
    const { state } = claim.life;
    if (!isLive(state)) throw new Error(`run ${claim.run} was claimed, and it is ${state.kind}`);
    const signal = this.#cut.signal;
    try {
      switch (nextStep(state)) {
        case 'upload':
          if (!(await this.#isProven(claim.key.app))) return null;
          return { claim, outcome: await upload(claim, this.#parts, this.#lanes, signal) };
        case 'send':
          if (!(await this.#isProven(claim.key.app))) return null;
          return await send(claim, this.#parts, signal, this.#ending.signal);
        case 'poll':
          return { claim, outcome: await poll(claim, this.#parts, signal) };
        case 'writeBack':
          return { claim, outcome: await writeBack(claim, answer, this.#parts, signal) };
        case 'reconcile':
          throw new Error(`run ${claim.run} was claimed for delivery, and its outcome is unknown`);
      }
    } catch (error) {
      if (error instanceof EndsSoon) {
        await this.#parts.outbox.release(claim, this.#parts.clock.nowMs());
        return null;
      }
      // Only what somebody named becomes an outcome. Anything else is a bug and stops the daemon.
      const failure = failureOfError(error);
      if (failure !== null && !signal.aborted)
        return { claim, outcome: { happening: { kind: 'failed', failure } } };
      if (!signal.aborted) throw error;
      await this.#parts.outbox.release(claim, this.#parts.clock.nowMs());
      return null;
    }
  }

  /** @returns false when the outbox turned out to be behind: the claim is over, and its run is looked for */
  async #isProven(app: string): Promise<boolean> {
    const under = this.#proving.get(app);
    if (under !== undefined) return await under;
    const proving = proveOutbox(app, this.#parts, this.#cut.signal);
    this.#proving.set(app, proving);
    try {
      if (await proving) return true;
      this.#proving.set(app, Promise.resolve(true));
      this.#reconcileWaking.wake();
      return false;
    } catch (error) {
      this.#proving.delete(app);
      throw error;
    }
  }

  async #conclude(claim: Claim, isChanged: boolean, conclusion: Conclusion, keep: boolean): Promise<boolean> {
    const { outbox, clock, log, passPoint, onConcluded } = this.#parts;
    const { life, note } = conclusion;
    const nowMs = clock.nowMs();
    const isNewest = isChanged
      ? await outbox.concludeChanged(claim, conclusion, nowMs)
      : await outbox.conclude(claim, conclusion, keep, nowMs);
    if (!isNewest) {
      log.warn({ run: claim.run }, 'an older claim was dropped: the run is in other hands');
      return false;
    }
    const { kind } = life.state;
    if (kind === 'uploaded' || kind === 'tracked' || kind === 'final' || kind === 'recorded') passPoint(kind);
    const run = { ...claim, life, isClaimed: keep };
    const fields = {
      run: claim.run,
      folder: claim.path,
      root: claim.key.dropRoot,
      state: kind,
      runId: runIdOf(life.state),
    };
    if (kind === 'tracked' && claim.life.state.kind !== 'tracked')
      await outbox.noteApp(claim.key.platform, claim.key.app);
    if (kind === 'parked') {
      log.error(fields, `${claim.path} is set aside: ${life.state.reason.text}. ${life.state.hint}`);
      await tellFolder(run, this.#parts);
    } else if (kind !== claim.life.state.kind) log.info(fields, `${claim.path}: ${note ?? kind}`);
    else if (note !== null) log.warn(fields, `${claim.path}: ${note}`);
    if (kind === 'tracked' || kind === 'unknown') {
      this.#reconcileWaking.wake();
      // Its ids are used up: there is room for another.
      if (this.#unposted.delete(claim.run)) this.#waking.wake();
    }
    onConcluded(run);
    return true;
  }

  async #reconcileOne(app: string): Promise<void> {
    const { clock, log, outbox, platformId } = this.#parts;
    this.#askedForFingerprints.set(app, clock.nowMs());
    try {
      const settled = await reconcileApp(app, this.#parts, this.#cut.signal);
      this.gate.worked(app);
      if (settled > 0) this.#waking.wake();
      if (await outbox.fingerprintsShow(platformId, app)) this.#askedForFingerprints.delete(app);
    } catch (error) {
      if (error instanceof RuntrackdError) {
        this.#noteFailure(error.failure, app);
        log.warn({ app }, `looking for runs of "${app}" failed: ${error.failure.text}`);
      } else if (!this.#cut.signal.aborted) throw error;
    }
  }

  #isPaused(app: string): boolean {
    return this.gate.platformPause() !== null || this.gate.appPauses().some((paused) => paused.app === app);
  }

  #noteFailure(failure: Failure, app: string): void {
    const { clock, log } = this.#parts;
    // What was cut off by the shutdown says nothing of the platform.
    if (this.#cut.signal.aborted || !this.gate.note(failure, app, clock.nowMs(), clock.random())) return;
    // Delivery has to know when the pause ends: it is the one that probes.
    this.#waking.wake();
    const whom = failure.reach === 'platform' ? 'delivery pauses' : `delivery to app "${app}" pauses`;
    log.error({ class: failure.class, status: failure.status }, `${whom}: ${failure.text}. ${failure.hint}`);
  }
}

/** Delivery is to end, and a run that only waited for its slot gives up. */
class EndsSoon extends Error {}

function isUnposted({ life: { state } }: Claim): boolean {
  return state.kind === 'queued' || state.kind === 'uploaded';
}

/** What a request to the platform has brought about; the rest of a run's steps say nothing of the platform. */
function provesPlatform({ kind }: Happening): boolean {
  return ['uploadsLanded', 'made', 'notFinal', 'final'].includes(kind);
}
