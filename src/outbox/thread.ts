/**
 * The home of the outbox's connection: a thread of its own, because a disk whose fsync takes 50 ms must not hold the
 * event loop. Everything that was asked for in one turn is one group: one transaction, one fsync at most, a savepoint for
 * each change, so that one that fails does not take the others along.
 *
 * A group that the disk refuses is tried again until it is written: whoever asked waits, and as nothing is acknowledged
 * meanwhile, nothing is sent. What no waiting can mend ends the process, with a note of what the next start has to do.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { outboxVerdict, waitingFor, type OutboxTrouble } from '../core/outboxTrouble.ts';
import { machineClock } from '../system/clock.ts';
import { assertReadable, damageIn, isCheckedThroughout } from './database.ts';
import { writeCount, type CountPlace } from './intentCount.ts';
import { outboxOperations, type OperationName } from './operations.ts';
import { openOwned, type OwnedDatabase } from './owned.ts';
import { clearNote, writeNote, type OutboxNote } from './place.ts';
import { codeOf, OutboxDamaged, OutboxUnusable, type Unusable } from './unusable.ts';

export interface Request {
  readonly id: number;
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export interface Group {
  readonly requests: readonly Request[];
  /** Whether it has to be on disk before it is acknowledged. */
  readonly isDurable: boolean;
}

export interface ThrownError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly pid?: number | null;
  readonly kind?: Unusable;
  readonly stack?: string;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ThrownError };

export type ThreadMessage =
  | { readonly kind: 'open'; readonly note: OutboxNote | null }
  | { readonly kind: 'failedToOpen'; readonly error: ThrownError }
  /** isUnsynced: it has changed something that only a later sync makes durable. */
  | { readonly kind: 'replies'; readonly replies: readonly Reply[]; readonly isUnsynced: boolean }
  /** The group that it has takes long because it changes much: it does not wait for anything. */
  | { readonly kind: 'gettingOn' }
  /** Null: it is over. */
  | { readonly kind: 'trouble'; readonly trouble: OutboxTrouble | null }
  /** The outbox cannot be used any more, and the process has to end. */
  | { readonly kind: 'failed'; readonly error: ThrownError }
  | { readonly kind: 'closed' };

export type ThreadOrder =
  | ({ readonly kind: 'group' } & Group)
  /** From now on intents are counted there. */
  | { readonly kind: 'count'; readonly place: CountPlace }
  /** What the note called for is done. */
  | { readonly kind: 'noted' }
  /** What is waited for is given up: the thread ends by itself, because one that is ended within SQLite aborts the process. */
  | { readonly kind: 'abandon' }
  | { readonly kind: 'close' };

export interface ThreadData {
  readonly stateDir: string;
  readonly mayReplace: boolean;
}

/** A group that was refused is tried again after this, in ms. */
const againMs = 250;
/**
 * Without anything to do, it is looked this often whether the file still lies at its place, in ms. Half a minute is promised;
 * more often costs an idle daemon for nothing, as every group looks before it is carried out.
 */
const placeLookedAtMs = 5_000;

function describe(error: unknown): ThrownError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('pid' in error ? { pid: error.pid as number | null } : {}),
    ...(error instanceof OutboxUnusable ? { kind: error.kind } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

/** A reading that failed once, and did not when it was tried again. */
class ReadAmiss extends Error {
  readonly code = 'SQLITE_IOERR_READ';

  constructor() {
    super('it could not be read for a moment, and is whole');
  }
}

class Keeper {
  readonly #stateDir: string;
  readonly #owned: OwnedDatabase;
  readonly #say: (message: ThreadMessage) => void;
  readonly #group: (requests: readonly Request[]) => Reply[];
  readonly #intents: () => number;
  readonly #changes: () => number;
  readonly #looking: NodeJS.Timeout;
  #trying: NodeJS.Timeout | undefined;
  #countPlace: CountPlace | null = null;
  #counted = -1;
  #isTroubled = false;
  #isSyncing = true;
  /** Something was acknowledged that no sync has come after yet. */
  #isUnsynced = false;
  #hasEnded = false;

  constructor(stateDir: string, owned: OwnedDatabase, say: (message: ThreadMessage) => void) {
    this.#stateDir = stateDir;
    this.#owned = owned;
    this.#say = say;
    const { db } = owned;
    const operations = outboxOperations(db, () => say({ kind: 'gettingOn' }));
    this.#intents = () => operations.intents();
    const totalChanges = db.prepare('select total_changes()').pluck();
    this.#changes = () => Number(totalChanges.get());
    const carryOut = ({ name, args }: Request): unknown =>
      (operations[name] as (...values: unknown[]) => unknown).apply(operations, [...args]);
    const oneChange = db.transaction(carryOut);
    const group = db.transaction((requests: readonly Request[]): Reply[] =>
      requests.map((request): Reply => {
        try {
          return { id: request.id, ok: true, value: oneChange(request) };
        } catch (error) {
          // A full disk has rolled the whole group back already; going on would acknowledge what is lost.
          const concernsAll = !db.inTransaction || this.#verdict(error) !== null;
          if (concernsAll) throw error;
          return { id: request.id, ok: false, error: describe(error) };
        }
      }),
    );
    this.#group = (requests) => group.immediate(requests);
    this.#looking = setInterval(() => this.#isThere(), placeLookedAtMs);
  }

  take(order: ThreadOrder): void {
    switch (order.kind) {
      case 'group':
        this.#carryOut(order);
        break;
      case 'count':
        this.#countPlace = order.place;
        this.#count();
        break;
      case 'noted':
        this.#forgetNote();
        break;
      case 'abandon':
        this.#end();
        break;
      case 'close':
        this.#end();
        this.#owned.close();
        this.#say({ kind: 'closed' });
        break;
    }
  }

  #forgetNote(): void {
    try {
      clearNote(this.#stateDir);
    } catch (error) {
      // Then the next start distrusts once more, which costs time and nothing else.
      if (codeOf(error) === undefined) throw error;
    }
  }

  #carryOut(group: Group): void {
    if (!this.#isThere()) return;
    try {
      this.#syncCommits(group.isDurable);
      const changesBefore = this.#changes();
      const replies = this.#group(group.requests);
      if (this.#changes() > changesBefore) this.#isUnsynced = !group.isDurable;
      this.#count();
      if (this.#isTroubled) this.#say({ kind: 'trouble', trouble: null });
      this.#isTroubled = false;
      this.#say({ kind: 'replies', replies, isUnsynced: this.#isUnsynced });
    } catch (error) {
      this.#refused(group, error);
    }
  }

  /** A sync is of the whole journal: the first one makes durable what was committed without. */
  #syncCommits(isSyncing: boolean): void {
    if (isSyncing === this.#isSyncing) return;
    this.#owned.db.pragma(`synchronous = ${isSyncing ? 'FULL' : 'NORMAL'}`);
    this.#isSyncing = isSyncing;
  }

  #refused(group: Group, refusal: unknown): void {
    const error = this.#examined(refusal);
    const what = error instanceof Error ? error.message : String(error);
    const code = codeOf(error);
    switch (this.#verdict(error)) {
      case 'waits':
        this.#isTroubled = true;
        this.#say({ kind: 'trouble', trouble: waitingFor(code ?? '') });
        this.#trying = setTimeout(() => this.#carryOut(group), againMs);
        break;
      case 'damaged':
        this.#fail(
          `the outbox ${this.#owned.path} is damaged (${what}). At the next start it is kept aside, and what was sent is found out from the folders and the platform`,
          { next: 'replace', reason: what },
        );
        break;
      case 'ends':
        this.#fail(
          `the outbox ${this.#owned.path} cannot be read or written any more: ${what} (${String(code)}). Look at the disk of state_dir; nothing that was acknowledged is lost. Start again when it is well`,
          null,
        );
        break;
      case null: {
        const failed = describe(error);
        const replies = group.requests.map(({ id }) => ({ id, ok: false, error: failed }) as const);
        this.#say({ kind: 'replies', replies, isUnsynced: this.#isUnsynced });
      }
    }
  }

  /** SQLite calls a file damaged that only could not be read: then the disk is at fault, and the file is kept. */
  #examined(error: unknown): unknown {
    const { db, path } = this.#owned;
    if (outboxVerdict(codeOf(error)) !== 'damaged') return error;
    try {
      const isWhole = isCheckedThroughout(path) && damageIn(db, path) === null;
      // It ends in any case, so that the locks do not matter any more.
      assertReadable(path);
      return isWhole ? new ReadAmiss() : error;
    } catch (unreadable) {
      return codeOf(unreadable) === undefined ? error : unreadable;
    }
  }

  #verdict(error: unknown): ReturnType<typeof outboxVerdict> {
    if (error instanceof OutboxDamaged) return 'damaged';
    const verdict = outboxVerdict(codeOf(error));
    if (verdict !== null) return verdict;
    // An error that nobody foresaw is a bug, unless the database is not whole: then it is the damage that speaks.
    return damageIn(this.#owned.db, this.#owned.path) === null ? null : 'damaged';
  }

  /** Before a request leaves: whoever is acknowledged an intent is behind this number. */
  #count(): void {
    if (this.#countPlace === null) return;
    const intents = this.#intents();
    if (intents === this.#counted) return;
    this.#counted = intents;
    writeCount(this.#countPlace, intents);
  }

  /**
   * What is written into a file that has lost its name is written for nobody: it ends here, and is not acknowledged. Where
   * the lock has lost its name another process may write into the same file, which stays whole; but only one may go on.
   */
  #isThere(): boolean {
    if (this.#hasEnded) return false;
    const missing = this.#owned.missing();
    const lockMissing = this.#owned.lockMissing();
    if (missing !== null)
      this.#fail(`${missing}. The next start finds out from the folders and the platform what was sent`, {
        next: 'distrust',
        reason: missing,
      });
    else if (lockMissing !== null)
      this.#fail(
        `${lockMissing}: another one may have the outbox by now, and two must not do the same work. Nothing that was acknowledged is lost; start again, unless another one runs`,
        null,
      );
    return !this.#hasEnded;
  }

  #end(): void {
    this.#hasEnded = true;
    clearInterval(this.#looking);
    clearTimeout(this.#trying);
  }

  #fail(message: string, note: OutboxNote | null): void {
    this.#end();
    let unsaid = '';
    try {
      if (note !== null) writeNote(this.#stateDir, note);
    } catch (error) {
      // The next start finds the same once more, or the platform's list tells it.
      unsaid = `; that could not be noted (${codeOf(error) ?? String(error)})`;
    }
    this.#say({ kind: 'failed', error: describe(new OutboxUnusable('machine', `${message}${unsaid}.`)) });
  }
}

function serve({ stateDir, mayReplace }: ThreadData): void {
  const port = parentPort;
  if (port === null) throw new Error('the outbox thread was started without a parent');
  const say = (message: ThreadMessage): void => port.postMessage(message);
  const owned = openOwned(stateDir, { mayReplace, nowMs: () => machineClock.nowMs() });
  const keeper = new Keeper(stateDir, owned, say);
  port.on('message', (order: ThreadOrder) => {
    keeper.take(order);
    if (order.kind === 'close' || order.kind === 'abandon') port.close();
  });
  say({ kind: 'open', note: owned.note });
}

try {
  serve(workerData as ThreadData);
} catch (error) {
  parentPort?.postMessage({ kind: 'failedToOpen', error: describe(error) } satisfies ThreadMessage);
  parentPort?.close();
}
