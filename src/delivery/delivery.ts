/**
 * How a run gets done: claim what is due, take it as many steps further as it goes, write down each one.
 *
 * A claim stays in the same hands from state to state, so a run goes from its folder to its result in one go; what the
 * process forgets when it dies is only that it was at work.
 */
import { setMaxListeners } from 'node:events';
import { rateLimited, type Failure } from '../core/failure.ts';
import type { Conclusion, Happening } from '../core/happening.ts';
import { advance } from '../core/lifecycle.ts';
import { isLive, nextStep, runIdOf } from '../core/run.ts';
import { runIdTaken } from '../core/runIdTaken.ts';
import { deliveryLines, isUnposted } from '../core/turns.ts';
import { handOf, type Claim } from '../outbox/nouns.ts';
import { OutboxUnusable } from '../outbox/outbox.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { Waking } from '../system/waking.ts';
import { Breaker } from './breaker.ts';
import type { Budget, Limits } from './budget.ts';
import { Claiming } from './claiming.ts';
import { Gate, type Pause } from './gate.ts';
import { idleMsMax, idleWaitMs, isForTime, type Awaited } from './idleWait.ts';
import { ListFailures } from './listFailures.ts';
import { failureOfError } from './namedErrors.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { Pauses } from './pauses.ts';
import { poll } from './poll.ts';
import { Probing } from './probing.ts';
import { Proving } from './proving.ts';
import { ReconcileLoop } from './reconcileLoop.ts';
import { send, unclearNow, type SentAgain } from './send.ts';
import { tellFolder } from './tellFolder.ts';
import { upload } from './upload.ts';
import { UploadLanes } from './uploadLanes.ts';
import { writeBack } from './writeBack.ts';

/** Less than this is a clock that is kept right little by little. */
const clockSetMsMin = 5_000;
/** Fewer may be chance, or one file that storage never takes. */
const storageFailuresInARow = 3;
/** Where the runs are that have something to upload. */
const newLines = deliveryLines.filter((line) => line !== 'started');
/** The place for results is this machine's own: one result is asked for again and tried, and nobody else comes back with it. */
const resultsWaitMsMax = 60_000;
/** Nothing is claimed beside a suspect: while its slot is farther away, in ms, it lets the others go on. */
const suspectWaitMsMax = 60_000;

export class Delivery {
  readonly gate: Gate;
  readonly storage: Breaker;
  /** Of the state directory, as a place for results whose folders do not take them. */
  readonly results: Breaker;
  readonly #parts: DeliveryParts;
  readonly #claiming: Claiming;
  readonly #pauses: Pauses;
  readonly #probing: Probing;
  readonly #reconcileLoop: ReconcileLoop;
  readonly #lanes: UploadLanes;
  readonly #inHand = new Set<Promise<void>>();
  readonly #waking = new Waking();
  readonly #lists: ListFailures;
  readonly #proving: Proving;
  /** Apps of which it is noted that they list a run of ours. */
  readonly #noted = new Set<string>();
  /** Runs in hand that are on their way to their `POST`: each holds upload ids that grow old. */
  readonly #unposted = new Set<number>();
  /** Aborted when the shutdown's deadline has passed: what is under way then is cut off. */
  readonly #cut = new AbortController();
  /** Aborted when delivery is to end. */
  readonly #ending = new AbortController();
  /** Aborted when runs that only wait for their slot are to let go. Those that come after that have another one. */
  #inLine = new AbortController();
  /** How far the machine's clock was ahead of the one that nobody sets. */
  #clockAheadMs: number | null = null;
  #bug: Error | null = null;

  get budget(): Budget {
    return this.#parts.platform.budget;
  }

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.gate = new Gate(parts.policy.backoff);
    this.storage = new Breaker(parts.policy.backoff, storageFailuresInARow);
    const { backoff } = parts.policy;
    const delayMsMax = Math.min(backoff.delayMsMax, resultsWaitMsMax);
    this.results = new Breaker({ ...backoff, delayMsMax }, 1);
    const { gate, storage, results, budget } = this;
    this.#claiming = new Claiming({ ...parts, gate, storage, budget });
    const wake = (): void => this.#waking.wake();
    const cut = this.#cut.signal;
    const pauses = new Pauses(parts, gate, { storage, results }, wake, cut);
    this.#pauses = pauses;
    this.#lists = new ListFailures(parts, gate, pauses);
    this.#reconcileLoop = new ReconcileLoop(parts, this.#lists, pauses, wake, cut);
    const ending = AbortSignal.any([cut, this.#ending.signal]);
    const onBug = (error: unknown, app: string): void => this.#break(error, { app });
    this.#probing = new Probing(parts, gate, pauses, { onChange: wake, onBug }, ending);
    this.#proving = new Proving(
      parts,
      this.#lists,
      pauses,
      { onChange: wake, onDistrust: () => this.#reconcileLoop.wake(), onBug },
      ending,
    );
    this.#lanes = new UploadLanes(parts.uploadsAtOnce, parts.policy.uploadAgeMsMax, parts);
    // Every request under way listens to them.
    setMaxListeners(0, cut, this.#ending.signal, ending, this.#inLine.signal);
  }

  /** Something may be due now. */
  wake(): void {
    this.#waking.wake();
    this.#reconcileLoop.wake();
  }

  /** Other limits count from now on. */
  limitTo(limits: Limits & { readonly uploadsAtOnce: number }): void {
    this.budget.limitTo(limits);
    this.#lanes.limitTo(limits.uploadsAtOnce);
    this.wake();
  }

  /** What keeps runs waiting, or some of them; null: nothing does. */
  pause(): Pause | null {
    return this.gate.platformPause() ?? this.storage.pause() ?? this.results.pause();
  }

  /** Apps to which nothing is delivered for the time being, or nothing new, and why. */
  pausedApps(): { readonly app: string; readonly failure: Failure }[] {
    const paused = this.gate.appPauses().map(({ app, pause }) => ({ app, failure: pause.failure }));
    const unproven = new Set(this.#proving.failed());
    return [...paused, ...this.unreadableLists().filter(({ app }) => unproven.has(app))];
  }

  /** Apps whose list alone cannot be read, and why. */
  unreadableLists(): ReturnType<ListFailures['unreadable']> {
    return this.#lists.unreadable();
  }

  /** It does not try anything any more: it is through, or a person has taken it out of the way. */
  forget(run: number): void {
    this.storage.forget(run);
    this.results.forget(run);
  }

  inHand(): number {
    return this.#inHand.size;
  }

  /** How many pages of the platform's lists were read so far. */
  pagesRead(): number {
    return this.#parts.platform.pagesRead();
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
        this.#ending.abort();
        this.#inLine.abort(new LetsGo());
        this.wake();
      },
      { once: true },
    );
    try {
      while (!stop.aborted && this.#bug === null) {
        const seen = this.#waking.count;
        await this.#watchClock();
        const claimed = await this.#claim(only);
        for (const claim of claimed) this.#take(claim);
        if (claimed.length > 0) continue;
        await this.#waking.wait(seen, await this.#idleMs());
      }
    } finally {
      await Promise.all([...this.#inHand, this.#proving.ended(), this.#probing.ended()]);
    }
    if (this.#bug !== null) throw this.#bug;
  }

  /** Looks for the runs whose outcome is unknown, until `stop` is aborted. */
  async reconcile(stop: AbortSignal): Promise<void> {
    await this.#reconcileLoop.run(stop);
  }

  /** A machine whose clock is set, back above all, must not make runs wait for as long as that. */
  async #watchClock(): Promise<void> {
    const { clock, outbox, log } = this.#parts;
    const aheadMs = clock.nowMs() - clock.monotonicMs();
    const byMs = aheadMs - (this.#clockAheadMs ?? aheadMs);
    this.#clockAheadMs ??= aheadMs;
    if (Math.abs(byMs) < clockSetMsMin) return;
    this.#clockAheadMs = aheadMs;
    log.warn(
      { byMs: Math.round(byMs) },
      'the clock of this machine was set, or the machine was asleep: what waits is counted anew',
    );
    await outbox.clockSet(Math.round(byMs), Math.round(clock.nowMs()));
  }

  /** How long until a run is due or a pause ends, in ms. */
  async #idleMs(): Promise<number> {
    const { outbox, clock, runsAtOnce, platformId } = this.#parts;
    if (this.#inHand.size >= runsAtOnce) {
      this.#tellOfBudget();
      return idleMsMax;
    }
    // Pauses are counted by the clock that nobody sets; what is in the outbox by the one that outlives the process.
    const [nowMs, steadyMs] = [clock.nowMs(), clock.monotonicMs()];
    const endsInMs = (pause: Pause | null): number => (pause?.untilMs ?? Infinity) - steadyMs;
    const ofPlatform = this.gate.platformPause();
    if (ofPlatform === null) await this.#endUntriedPause();
    const next =
      ofPlatform === null
        ? await outbox.nextDueMs(platformId, this.#claiming.lines(this.#unposted.size))
        : null;
    const waiting = this.gate.appPauses().filter(({ app }) => !this.#probing.isAsking(app));
    const awaited: Awaited = {
      dueInMs: (next ?? Infinity) - nowMs,
      platformPauseEndsInMs: ofPlatform === null ? null : endsInMs(ofPlatform),
      appPausesEndInMs: waiting.map(({ pause }) => endsInMs(pause)),
      storagePauseEndsInMs: endsInMs(this.storage.pause()),
      areListsAwaited: this.#proving.awaited().length > 0,
    };
    this.#tellProgress(awaited);
    return idleWaitMs(awaited);
  }

  /** Uploads pause until one of them works. Where all that waited have vanished, or were taken away, there is none. */
  async #endUntriedPause(): Promise<void> {
    const { outbox, clock, platformId, log } = this.#parts;
    if (!this.storage.isUntried(clock.monotonicMs())) return;
    if ((await outbox.nextDueMs(platformId, newLines)) !== null) return;
    this.storage.end();
    log.info(
      'nothing is left that could be uploaded to the platform’s storage: the next upload tells whether it works',
    );
  }

  /** Waiting for a moment to come is progress. */
  #tellProgress(awaited: Awaited): void {
    // What is in hand shows by itself that it moves.
    if (this.#inHand.size === 0 && isForTime(awaited)) this.#parts.progress.delivery();
    this.#tellOfBudget();
  }

  /** Whoever waits for a slot cannot show that he moves, and the platform may wish for long waits. */
  #tellOfBudget(): void {
    if (this.budget.waiting() > 0) this.#parts.progress.delivery();
  }

  async #claim(only: number | null): Promise<readonly Claim[]> {
    const { outbox, clock, runsAtOnce, platformId } = this.#parts;
    const nowMs = clock.nowMs();
    const free = runsAtOnce - this.#inHand.size;
    if (free <= 0 || !(await this.#probing.endPauses())) return [];
    const held = this.#proving.held();
    if (only === null) {
      const { runs, isSuspectKept } = await this.#claiming.due(free, this.#unposted.size, held);
      if (isSuspectKept) this.#stepAside();
      return runs;
    }
    // It would be taken in hand and let go again and again.
    if (held.length > 0) return [];
    const claim = await outbox.claimRun(platformId, only, nowMs);
    return claim === null ? [] : [claim];
  }

  /** A slot may be an hour away, and nothing is claimed until a suspect that is due was alone in hand. */
  #stepAside(): void {
    if (this.#ending.signal.aborted || this.#bug !== null) return;
    this.#inLine.abort(new LetsGo());
    this.#inLine = new AbortController();
    setMaxListeners(0, this.#inLine.signal);
  }

  #take(claim: Claim): void {
    this.#parts.passPoint('claimed');
    if (isUnposted(claim)) this.#unposted.add(claim.run);
    if (claim.life.state.kind === 'queued') this.storage.began(claim.run);
    const work = this.#deliver(claim)
      .catch((error: unknown) => this.#break(error, { run: claim.run }))
      .finally(() => {
        this.#inHand.delete(work);
        this.#parts.outbox.tellCrowd(this.#inHand.size);
        this.#unposted.delete(claim.run);
        this.storage.leftHand(claim.run);
        this.results.leftHand(claim.run);
        this.#waking.wake();
      });
    this.#inHand.add(work);
    this.#parts.outbox.tellCrowd(this.#inHand.size);
  }

  /** A bug, which ends the process. */
  #break(error: unknown, met: { readonly run: number } | { readonly app: string }): void {
    this.#bug ??= error instanceof Error ? error : new Error(String(error));
    // An outbox that cannot be used was said already, and is nobody's bug.
    if (!(error instanceof OutboxUnusable))
      this.#parts.log.fatal({ err: error, ...met }, 'delivery met an error that nobody foresaw, and stops');
    // Others may be in the middle of a long upload, or wait for a slot that is an hour away; the outbox knows how far they came.
    this.#cut.abort();
    this.#inLine.abort(new LetsGo());
  }

  /**
   * Takes a claimed run as far as it goes without waiting. While one conclusion is on its way to the outbox, the next
   * step begins: whatever it asks of the outbox, its intent above all, comes after that, and nothing leaves before.
   */
  async #deliver(claimed: Claim): Promise<void> {
    const { outbox, clock, policy, measures } = this.#parts;
    let claim = claimed;
    let answer: ReadAnswer | undefined;
    let again: SentAgain | null = null;
    let isInHand: Promise<boolean> = Promise.resolve(true);
    for (;;) {
      // Whatever becomes of the step, a conclusion that fails is heard of.
      const [step, isStill] = await Promise.all([this.#step(claim, answer, again), isInHand]);
      if (step === null || !isStill) return;
      claim = step.claim;
      const { warnings, outputSame = null } = step.outcome;
      answer = step.outcome.answer;
      const happening = this.#pauses.note(step.outcome.happening, claim);
      if ('failure' in happening && happening.failure !== null) measures.stepFailed(claim.life.state.kind);
      again = sentAgain(happening);
      if (warnings !== undefined && warnings.length > 0) await outbox.addWarnings(claim.run, warnings);
      const nowMs = clock.nowMs();
      const conclusion = advance(claim.life, happening, nowMs, clock.random(), policy);
      const goesOn = this.#goesOn(conclusion, nowMs);
      isInHand = this.#conclude(claim, happening, conclusion, goesOn, outputSame);
      claim = { ...claim, life: conclusion.life };
      if (goesOn) continue;
      await isInHand;
      return;
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
    again: SentAgain | null,
  ): Promise<{ readonly claim: Claim; readonly outcome: Outcome } | null> {
    const { state } = claim.life;
    if (!isLive(state)) throw new Error(`run ${claim.run} was claimed, and it is ${state.kind}`);
    const signal = this.#cut.signal;
    try {
      switch (nextStep(state)) {
        case 'upload': {
          if (!this.#proving.isProven(claim.key.app)) return await this.#release(claim, 0, true);
          const earlyMs = this.#claiming.tooEarlyMs();
          if (earlyMs > 0) return await this.#release(claim, earlyMs, again === null);
          return { claim, outcome: await upload(claim, this.#parts, this.#lanes, signal) };
        }
        case 'send': {
          if (!this.#proving.isProven(claim.key.app)) return await this.#release(claim, 0, true);
          const farMs = claim.isSuspect ? this.budget.freeInMs('create') - suspectWaitMsMax : 0;
          if (farMs > 0) return await this.#release(claim, farMs, again === null);
          return await send(claim, this.#parts, signal, this.#inLine.signal, again);
        }
        case 'poll':
          return { claim, outcome: await poll(claim, this.#parts, signal) };
        case 'writeBack': {
          if (!(await this.#mayWrite(claim))) return null;
          const outcome = await writeBack(claim, answer, this.#parts, signal);
          return outcome === null ? null : { claim, outcome };
        }
        case 'reconcile':
          throw new Error(`run ${claim.run} was claimed for delivery, and its outcome is unknown`);
      }
    } catch (error) {
      if (error instanceof LetsGo) return await this.#release(claim, 0, again === null);
      // Only what somebody named becomes an outcome. Anything else is a bug and stops the daemon.
      const failure = failureOfError(error);
      if (failure !== null && !signal.aborted)
        return { claim, outcome: { happening: { kind: 'failed', failure } } };
      if (!signal.aborted) throw error;
      return await this.#release(claim);
    }
  }

  /** The claim is over without an outcome; one that was taken away before is not touched. */
  async #release(claim: Claim, afterMs = 0, isUntried = false): Promise<null> {
    const { outbox, clock } = this.#parts;
    await outbox.release(handOf(claim), Math.ceil(clock.nowMs() + afterMs), isUntried);
    return null;
  }

  /** @returns false when its result could be written nowhere before, and it is not its turn to try: the claim is over */
  async #mayWrite(claim: Claim): Promise<boolean> {
    const { clock } = this.#parts;
    const { run } = claim;
    if (!this.results.hasFailed(run)) return true;
    const nowMs = clock.monotonicMs();
    if (this.results.room(nowMs) > 0) {
      this.results.began(run);
      return true;
    }
    // Each try fetches the result once more, and there may be thousands of them.
    await this.#release(claim, this.results.waitMs(run, nowMs, clock.random()));
    return false;
  }

  async #conclude(
    claim: Claim,
    happening: Happening,
    conclusion: Conclusion,
    keep: boolean,
    outputSame: boolean | null,
  ): Promise<boolean> {
    const { outbox, clock, log, passPoint, measures, onConcluded } = this.#parts;
    const { life, note } = conclusion;
    const nowMs = clock.nowMs();
    const hand = handOf(claim);
    const concluded =
      happening.kind === 'sourceChanged'
        ? await outbox.concludeChanged(hand, conclusion, nowMs)
        : happening.kind === 'written' && happening.aside !== undefined
          ? await outbox.concludeAside(hand, conclusion, happening.aside, nowMs, outputSame)
          : await outbox.conclude(hand, conclusion, keep, nowMs, outputSame);
    if (concluded === 'runIdTaken') {
      // What was made of this folder, if anything, the platform's list tells.
      const unclear = unclearNow(runIdTaken(runIdOf(life.state) ?? ''), this.#parts);
      const { policy } = this.#parts;
      await this.#conclude(
        claim,
        unclear,
        advance(claim.life, unclear, nowMs, clock.random(), policy),
        false,
        null,
      );
      return false;
    }
    if (!concluded) {
      log.warn({ run: claim.run }, 'an older claim was dropped: the run is in other hands');
      return false;
    }
    if (concluded !== true) {
      // Nothing was made of it, and nothing is to be.
      log.info(
        { run: claim.run, folder: claim.path, root: claim.key.dropRoot, state: concluded.life.state.kind },
        `${claim.path}: ${note ?? 'it was not sent'}; what it was to be sent as has made way meanwhile`,
      );
      this.#parts.progress.delivery();
      measures.concluded({
        from: claim.life.state.kind,
        to: concluded.life.state,
        app: claim.key.app,
        sinceCompleteMs: nowMs - claim.createdAtMs,
      });
      onConcluded(concluded);
      return false;
    }
    this.#parts.progress.delivery();
    const { kind } = life.state;
    if (kind === 'uploaded' || kind === 'tracked' || kind === 'final' || kind === 'recorded') passPoint(kind);
    if (claim.life.state.kind === 'final' && kind !== 'final') this.forget(claim.run);
    const run = { ...claim, life, isClaimed: keep };
    const fields = {
      run: claim.run,
      folder: claim.path,
      root: claim.key.dropRoot,
      state: kind,
      runId: runIdOf(life.state),
    };
    if (kind === 'tracked' && claim.life.state.kind !== 'tracked') await this.#noteApp(claim.key);
    if (kind === 'parked') {
      log.error(fields, `${claim.path} is set aside: ${life.state.reason.text}. ${life.state.hint}`);
      await tellFolder(run, this.#parts);
    } else if (kind !== claim.life.state.kind) log.info(fields, `${claim.path}: ${note ?? kind}`);
    else if (note !== null) log.warn(fields, `${claim.path}: ${note}`);
    if (kind === 'unknown') this.#reconcileLoop.wake();
    if (kind === 'tracked' || kind === 'unknown') {
      // Its ids are used up: there is room for another.
      if (this.#unposted.delete(claim.run)) this.#waking.wake();
    }
    measures.concluded({
      from: claim.life.state.kind,
      to: life.state,
      app: claim.key.app,
      sinceCompleteMs: nowMs - claim.createdAtMs,
    });
    onConcluded(run);
    return true;
  }

  /** That a run of ours is listed there; once for each app and process. */
  async #noteApp({ platform, app }: Claim['key']): Promise<void> {
    if (this.#noted.has(app)) return;
    this.#noted.add(app);
    await this.#parts.outbox.noteApp(platform, app);
    // Whether the list shows its fingerprint is asked before anybody has to rely on it.
    this.#reconcileLoop.wake();
  }
}

function sentAgain(happening: Happening): SentAgain | null {
  if (happening.kind === 'slotTooOld') return 'slotTooOld';
  const wasOneTooMany = happening.kind === 'nothingMade' && happening.failure.class === rateLimited;
  return wasOneTooMany ? 'oneTooMany' : null;
}

/** A run that only waited for its slot gives up: delivery is to end, or a suspect goes first. */
class LetsGo extends Error {}
