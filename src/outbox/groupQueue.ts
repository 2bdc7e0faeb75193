/**
 * What is asked of the outbox's thread, in groups, and what is known of the thread: that it is in trouble, or does not
 * answer, or has failed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { answeredMsMax, stuck, type OutboxTrouble } from '../core/outboxTrouble.ts';
import { machineClock } from '../system/clock.ts';
import { isDurable } from './durability.ts';
import { heldMsMax, parted } from './gathering.ts';
import type { OperationName } from './operations.ts';
import type { OutboxNote } from './place.ts';
import type { Reply, Request, ThreadMessage, ThreadOrder, ThrownError } from './thread.ts';
import { OutboxHeld, OutboxUnusable } from './unusable.ts';

export interface OutboxWatch {
  /** Told when changes, or the opening, begin to wait, and with null when they go on. */
  readonly onTrouble: (trouble: OutboxTrouble | null) => void;
  /** Told once, when the outbox cannot be used any more: the process has to end. */
  readonly onFailure: (failure: OutboxUnusable) => void;
}

/** Closing waits this long for a disk in trouble, in ms; then what waits is given up. */
const closeMsMax = 5_000;
const lookAgainMs = 20;
/** Opening waits for another program's lock and reads through the file: silent for longer than this, it is stuck, in ms. */
const openedMsMax = answeredMsMax + 5_000;

/** So many changes share a transaction at most: a longer one would let the first of them wait too long. */
const groupMax = 512;
/** What was acknowledged before it was durable is made so after this, in ms, unless another change has done it before. */
const settleAfterMs = 500;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** While one group is on its way to the disk, the next one gathers: under load that is one fsync for many changes. */
export class GroupQueue {
  /** Resolves with the note that was found. */
  readonly opened: Promise<OutboxNote | null>;
  groups = 0;
  /** How many runs are under way, each about to ask for a change. */
  crowd = 0;
  failure: OutboxUnusable | null = null;
  readonly #thread: Worker;
  readonly #watch: OutboxWatch;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #gathered: Request[] = [];
  #isBusy = true;
  #isScheduled = false;
  #nextId = 1;
  #trouble: OutboxTrouble | null = null;
  /** When the group that is on its way left, or was last heard of, on the monotonic clock; null: none is. */
  #heardMs: number | null = null;
  #silence: NodeJS.Timeout | undefined;
  #isSilenceTold = false;
  #ended: Error | null = null;
  #afterClose: (() => void) | null = null;
  #heldSinceMs: number | null = null;
  #holding: NodeJS.Timeout | null = null;
  #settling: NodeJS.Timeout | null = null;
  #failToOpen: ((error: Error) => void) | null = null;

  constructor(thread: Worker, watch: OutboxWatch) {
    this.#thread = thread;
    this.#watch = watch;
    this.#expectWord(openedMsMax);
    this.opened = new Promise((resolve, reject) => {
      this.#failToOpen = reject;
      thread.on('message', (message: ThreadMessage) => {
        switch (message.kind) {
          case 'open':
            this.#isBusy = false;
            this.#endSilence();
            resolve(message.note);
            break;
          case 'failedToOpen':
            clearTimeout(this.#silence);
            this.#ended = asError(message.error);
            reject(this.#ended);
            break;
          case 'replies':
            this.#take(message.replies);
            if (message.isUnsynced) this.#settleSoon();
            else this.#forgetSettling();
            break;
          case 'gettingOn':
            this.#endSilence();
            this.#expectWord(answeredMsMax);
            break;
          case 'trouble':
            this.#noteTrouble(message.trouble);
            break;
          case 'failed':
            this.#fail(asError(message.error));
            break;
          case 'closed':
            this.#ended ??= new Error('the outbox is closed');
            this.#afterClose?.();
            break;
        }
      });
      thread.once('error', (error) =>
        this.#fail(threadEnded(error instanceof Error ? error.message : String(error))),
      );
    });
    this.#exited = new Promise((resolve) => {
      thread.once('exit', () => {
        this.#fail(threadEnded('it ended by itself'));
        resolve();
      });
    });
  }

  trouble(): OutboxTrouble | null {
    if (this.failure !== null) return { text: this.failure.message, hint: 'The daemon ends, to start anew.' };
    const waitsMs = this.#heardMs === null ? 0 : machineClock.monotonicMs() - this.#heardMs;
    return this.#trouble ?? stuck(waitsMs);
  }

  ask(name: OperationName, args: readonly unknown[]): Promise<unknown> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#gathered.push({ id, name, args });
    this.#schedule();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    let troubledMs = 0;
    while (this.#waiting.size > 0) {
      if (this.trouble() !== null && troubledMs >= closeMsMax) this.giveUp();
      else if (this.trouble() === null) await new Promise((resolve) => setImmediate(resolve));
      else await sleep(lookAgainMs).then(() => (troubledMs += lookAgainMs));
    }
    if (this.#ended !== null) {
      await this.#exited;
      return;
    }
    const closed = new Promise<void>((resolve) => (this.#afterClose = resolve));
    this.order({ kind: 'close' });
    await closed;
  }

  giveUp(): void {
    if (this.#ended !== null) return;
    const trouble = this.trouble();
    const why = trouble === null ? 'it is not waited for any longer' : `${trouble.text}. ${trouble.hint}`;
    this.#fail(new OutboxUnusable('machine', `the outbox cannot be used: ${why}`));
  }

  #schedule(): void {
    if (this.#isBusy || this.#isScheduled || this.#gathered.length === 0) return;
    this.#isScheduled = true;
    // Whatever else this turn of the loop wants belongs to the same group.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#leave();
    });
  }

  #leave(): void {
    const nowMs = machineClock.monotonicMs();
    const { leaving, held } = parted(this.#gathered, this.crowd, nowMs - (this.#heldSinceMs ?? nowMs));
    this.#gathered = [...leaving.slice(groupMax), ...held];
    this.#hold(held.length > 0, nowMs);
    const requests = leaving.slice(0, groupMax);
    if (requests.length === 0) return;
    this.#isBusy = true;
    this.groups += 1;
    this.#expectWord(answeredMsMax);
    this.order({ kind: 'group', requests, isDurable: requests.some(isDurable) });
  }

  /** Whoever is held back is looked at again when he has waited long enough. */
  #hold(isHolding: boolean, nowMs: number): void {
    if (!isHolding) {
      this.#heldSinceMs = null;
      return;
    }
    this.#heldSinceMs ??= nowMs;
    if (this.#holding !== null) return;
    // It may go off a little too early: then there is another one.
    this.#holding = setTimeout(() => {
      this.#holding = null;
      this.#schedule();
    }, heldMsMax);
  }

  #settleSoon(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      // It fails with the outbox, which is told as such.
      this.ask('settle', []).catch(() => undefined);
    }, settleAfterMs).unref();
  }

  #forgetSettling(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = null;
  }

  order(order: ThreadOrder): void {
    this.#thread.postMessage(order);
  }

  #take(replies: readonly Reply[]): void {
    this.#isBusy = false;
    this.#endSilence();
    for (const reply of replies) {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.value);
      else waiting?.reject(asError(reply.error));
    }
    this.#schedule();
  }

  /** Whoever asks is told of its silence by `trouble`; but while it opens, nobody can ask. */
  #expectWord(silentMsMax: number): void {
    this.#heardMs = machineClock.monotonicMs();
    this.#silence = setTimeout(() => {
      // Trouble that has a name was told.
      if (this.#trouble !== null) return;
      this.#isSilenceTold = true;
      this.#watch.onTrouble(stuck(silentMsMax));
    }, silentMsMax).unref();
  }

  #endSilence(): void {
    clearTimeout(this.#silence);
    this.#heardMs = null;
    if (this.#isSilenceTold) this.#watch.onTrouble(null);
    this.#isSilenceTold = false;
  }

  #noteTrouble(trouble: OutboxTrouble | null): void {
    const isNews = trouble?.text !== this.#trouble?.text;
    this.#trouble = trouble;
    this.#isSilenceTold = false;
    if (isNews) this.#watch.onTrouble(trouble);
  }

  #fail(error: Error): void {
    const isFirst = this.#ended === null;
    this.#ended ??= error;
    clearTimeout(this.#silence);
    // Without effect once it is open: a promise settles once.
    this.#failToOpen?.(this.#ended);
    if (isFirst && error instanceof OutboxUnusable) {
      this.failure = error;
      this.#watch.onFailure(error);
    }
    if (isFirst) this.order({ kind: 'abandon' });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#gathered = [];
    this.#afterClose?.();
  }
}

function threadEnded(why: string): OutboxUnusable {
  return new OutboxUnusable(
    'machine',
    `the thread of the outbox has ended (${why}). Nothing that was acknowledged is lost; start again.`,
  );
}

function asError(thrown: ThrownError): Error {
  if (thrown.name === 'OutboxHeld')
    return Object.assign(new OutboxHeld('', thrown.pid ?? null), { message: thrown.message });
  if (thrown.name === 'OutboxUnusable') return new OutboxUnusable(thrown.kind ?? 'machine', thrown.message);
  const error = new Error(thrown.message);
  error.name = thrown.name;
  if (thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
}
