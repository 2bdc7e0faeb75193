/**
 * The daemon beside an outbox in trouble: it says so, ends when nothing else helps, and answers whoever asks meanwhile
 * instead of letting them wait with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutboxTrouble } from '../core/outboxTrouble.ts';
import { Unanswerable, type Operations, type StatusView } from '../http/operations.ts';
import type { PageQuestions } from '../http/page/questions.ts';
import { openOutbox, type Outbox, type OutboxWatch } from '../outbox/outbox.ts';
import type { Log } from '../system/log.ts';

/** While the daemon starts or ends, a disk in trouble is waited for this long, in ms. */
const patienceMs = 10_000;
const endingPatienceMs = 3_000;
const lookAgainMs = 100;

/** Trouble in the log, once when it comes and once when it goes; failures go to whoever listens. */
class WatchedOutbox implements OutboxWatch {
  readonly #stateDir: string;
  readonly #log: Log;
  readonly #failed = new AbortController();

  constructor(stateDir: string, log: Log) {
    this.#stateDir = stateDir;
    this.#log = log;
  }

  /** Aborted when the outbox cannot be used any more. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  readonly onTrouble = (trouble: OutboxTrouble | null): void => {
    if (trouble === null) this.#log.info('the outbox can be written to again: everything goes on');
    else this.#log.error(`${trouble.text}. ${trouble.hint} state_dir is ${this.#stateDir}`);
  };

  readonly onFailure = (failure: Error): void => {
    this.#log.fatal(failure.message);
    this.#failed.abort();
  };
}

/** The outbox, and what tells that it cannot be used any more. */
export interface OpenedOutbox {
  readonly outbox: Outbox;
  readonly failed: AbortSignal;
}

/**
 * @param isDaemon whether a damaged outbox may be replaced: a command only says that it is damaged
 * @throws OutboxHeld, OutboxUnusable
 */
export async function openWatched(stateDir: string, log: Log, isDaemon: boolean): Promise<OpenedOutbox> {
  const watch = new WatchedOutbox(stateDir, log);
  const outbox = await openOutbox(stateDir, { mayReplace: isDaemon, watch });
  return { outbox, failed: watch.failed };
}

/**
 * What somebody waits for in front of a terminal, or a daemon that starts: the outbox gives up in time, and tells why.
 * @param troubledMsMax so long is waited for an outbox that is in trouble all the while
 */
export async function inGoodTime<T>(
  outbox: Outbox,
  work: Promise<T>,
  troubledMsMax = patienceMs,
): Promise<T> {
  return await givingUp(outbox, troubledMsMax, work);
}

/** Likewise while it ends: what waits for a disk in trouble cannot be finished. */
export async function endedInTime(outbox: Outbox, work: Promise<void>, stop: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    stop.addEventListener('abort', () => resolve(), { once: true });
    if (stop.aborted) resolve();
    work.then(resolve, () => resolve());
  });
  await givingUp(outbox, endingPatienceMs, work);
}

async function givingUp<T>(outbox: Outbox, troubledMsMax: number, work: Promise<T>): Promise<T> {
  let troubledMs = 0;
  const looking = setInterval(() => {
    troubledMs = outbox.trouble() === null ? 0 : troubledMs + lookAgainMs;
    if (troubledMs >= troubledMsMax) outbox.giveUp();
  }, lookAgainMs);
  try {
    return await work;
  } finally {
    clearInterval(looking);
  }
}

/** The same operations, which answer in time: with what is the matter, when the outbox does not. */
export function answeringInTime(operations: Operations, outbox: Outbox, status: StatusInTrouble): Operations {
  const orRefuse = <T>(work: Promise<T>): Promise<T> =>
    unlessInTrouble(work, outbox, ({ text, hint }) => {
      throw new Unanswerable('refused', `${text}. ${hint}`);
    });
  async function* each<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = values[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await orRefuse(iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // Whoever reads may leave off: then nothing more is looked for, and what is under way is not waited for.
      void iterator.return?.().catch(() => undefined);
    }
  }
  return {
    status: () => unlessInTrouble(operations.status(), outbox, status),
    history: (query) => orRefuse(operations.history(query)),
    list: (query) => each(operations.list(query)),
    preview: (order) => each(operations.preview(order)),
    show: (wanted) => orRefuse(operations.show(wanted)),
    answer: (word) => orRefuse(operations.answer(word)),
    scan: (order) => each(operations.scan(order)),
    track: (order) => orRefuse(operations.track(order)),
    waitFor: (order) => orRefuse(operations.waitFor(order)),
    reload: () => orRefuse(operations.reload()),
    // It reads what is on disk, and a full or locked one may be the very reason for wanting a copy.
    backup: (order) => operations.backup(order),
    pageLink: () => operations.pageLink(),
  };
}

/** Likewise for the page: what it asks for is refused with what is the matter. */
export function refusingInTrouble(questions: PageQuestions, outbox: Outbox): PageQuestions {
  const orRefuse = <T>(work: Promise<T>): Promise<T> =>
    unlessInTrouble(work, outbox, ({ text, hint }) => {
      throw new Unanswerable('refused', `${text}. ${hint}`);
    });
  return {
    contents: (run) => orRefuse(questions.contents(run)),
    recent: (rootsMax) => orRefuse(questions.recent(rootsMax)),
  };
}

type StatusInTrouble = (trouble: OutboxTrouble) => StatusView;

async function unlessInTrouble<T>(
  work: Promise<T>,
  outbox: Outbox,
  instead: (trouble: OutboxTrouble) => T,
): Promise<T> {
  const over = new AbortController();
  // Its end is not waited for when there is trouble, and may be a failure then.
  work.catch(() => undefined);
  try {
    const won = await Promise.race([work.then((value) => ({ value })), troubleOf(outbox, over.signal)]);
    return 'value' in won ? won.value : instead(won.trouble);
  } finally {
    over.abort();
  }
}

async function troubleOf(outbox: Outbox, over: AbortSignal): Promise<{ readonly trouble: OutboxTrouble }> {
  for (;;) {
    const trouble = outbox.trouble();
    if (trouble !== null) return { trouble };
    await sleep(lookAgainMs, undefined, { signal: over }).catch(() => undefined);
    // Nobody waits for it any more.
    if (over.aborted) return await new Promise(() => undefined);
  }
}
