/**
 * The outbox as the rest of the program knows it: asynchronous, and in terms of runs. A change is acknowledged when its
 * group is on disk. Nothing above this file knows that there is SQLite behind it.
 */
import { Worker } from 'node:worker_threads';
import { OutboxHeld, OutboxUnusable } from './database.ts';
import type { OperationName, Operations } from './operations.ts';
import type { Reply, Request, ThreadMessage, ThreadOrder, ThrownError } from './thread.ts';

export { OutboxHeld, OutboxUnusable } from './database.ts';

type Asynchronous = {
  readonly [Name in OperationName]: (
    ...args: Parameters<Operations[Name]>
  ) => Promise<ReturnType<Operations[Name]>>;
};

export interface Outbox extends Asynchronous {
  /** Waits for what was asked for, then gives the outbox up. */
  close(): Promise<void>;
  /** How many groups were committed: one fsync each. */
  readonly groupsCommitted: () => number;
}

/** So many changes share a transaction at most: a longer one would let the first of them wait too long. */
const groupMax = 512;

const operationNames = [
  'takeOver',
  'enqueue',
  'claimDue',
  'claimRun',
  'nextDueMs',
  'foreignDue',
  'conclude',
  'concludeChanged',
  'release',
  'apply',
  'distrust',
  'beginDistrust',
  'noteWholeScan',
  'addWarnings',
  'run',
  'history',
  'runsAtPath',
  'runsOfInode',
  'freezeHost',
  'folders',
  'foldersOfRoot',
  'saveFolder',
  'forgetFolder',
  'unsettleFolder',
  'openFolders',
  'rootMark',
  'saveRootMark',
  'counts',
  'newestChangeMs',
  'list',
  'oldestOf',
  'oldestRun',
  'unknownApps',
  'unknownDue',
  'unseenApps',
  'noteApp',
  'fingerprintsShow',
  'beginListing',
  'addPage',
  'isProven',
  'noteProven',
  'newStrangers',
  'showsOurs',
  'keepsEarlier',
  'forgetListings',
] as const satisfies readonly OperationName[];

/**
 * Opens the outbox in the state directory and becomes its one owner.
 * @throws OutboxHeld when another process owns it, OutboxUnusable when this version must not touch it
 */
export async function openOutbox(stateDir: string): Promise<Outbox> {
  const queue = new GroupQueue(
    new Worker(new URL('./thread.js', import.meta.url), { workerData: { stateDir }, execArgv: [] }),
  );
  await queue.opened;
  const ask =
    (name: OperationName) =>
    (...args: unknown[]) =>
      queue.ask(name, args);
  const operations = Object.fromEntries(operationNames.map((name) => [name, ask(name)]));
  return {
    ...(operations as unknown as Asynchronous),
    close: () => queue.close(),
    groupsCommitted: () => queue.groups,
  };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** While one group is on its way to the disk, the next one gathers: under load that is one fsync for many changes. */
class GroupQueue {
  readonly opened: Promise<void>;
  groups = 0;
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #gathered: Request[] = [];
  #isBusy = true;
  #isScheduled = false;
  #nextId = 1;
  #ended: Error | null = null;
  #afterClose: (() => void) | null = null;
  #failToOpen: ((error: Error) => void) | null = null;

  constructor(thread: Worker) {
    this.#thread = thread;
    this.opened = new Promise((resolve, reject) => {
      this.#failToOpen = reject;
      thread.on('message', (message: ThreadMessage) => {
        switch (message.kind) {
          case 'open':
            this.#isBusy = false;
            resolve();
            break;
          case 'failedToOpen':
            this.#ended = asError(message.error);
            reject(this.#ended);
            break;
          case 'replies':
            this.#take(message.replies);
            break;
          case 'closed':
            this.#ended ??= new Error('the outbox is closed');
            this.#afterClose?.();
            break;
        }
      });
      thread.once('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
      thread.once('exit', () => this.#fail(new Error('the outbox thread ended')));
    });
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
    while (this.#waiting.size > 0) await new Promise((resolve) => setImmediate(resolve));
    if (this.#ended !== null) return;
    const closed = new Promise<void>((resolve) => (this.#afterClose = resolve));
    this.#order({ kind: 'close' });
    await closed;
  }

  #schedule(): void {
    if (this.#isBusy || this.#isScheduled || this.#gathered.length === 0) return;
    this.#isScheduled = true;
    // Whatever else this turn of the loop wants belongs to the same group.
    setImmediate(() => {
      this.#isScheduled = false;
      const requests = this.#gathered.slice(0, groupMax);
      this.#gathered = this.#gathered.slice(groupMax);
      this.#isBusy = true;
      this.groups += 1;
      this.#order({ kind: 'group', requests });
    });
  }

  #order(order: ThreadOrder): void {
    this.#thread.postMessage(order);
  }

  #take(replies: readonly Reply[]): void {
    this.#isBusy = false;
    for (const reply of replies) {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.value);
      else waiting?.reject(asError(reply.error));
    }
    this.#schedule();
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    // Without effect once it is open: a promise settles once.
    this.#failToOpen?.(this.#ended);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#afterClose?.();
  }
}

function asError(thrown: ThrownError): Error {
  if (thrown.name === 'OutboxHeld')
    return Object.assign(new OutboxHeld('', thrown.pid ?? null), { message: thrown.message });
  if (thrown.name === 'OutboxUnusable') return new OutboxUnusable(thrown.message);
  if (thrown.code === 'SQLITE_FULL')
    return new OutboxUnusable('the disk of state_dir is full; make room, nothing is lost');
  const error = new Error(thrown.message);
  error.name = thrown.name;
  if (thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
}
