/**
 * Whoever compares folders with what was recorded of them: one thread for all roots, begun when it is first needed. A file
 * system that does not answer holds the thread; that one is left to it then, and the other roots get another.
 */
import { Worker } from 'node:worker_threads';
import { defaultPatience, type Patience } from '../reading/runFolders.ts';
import type { Log } from '../system/log.ts';
import { threadMemory } from '../system/threadMemory.ts';
import type { AuditOrder, AuditReply } from './auditThread.ts';
import type { Compared } from './comparison.ts';
import type { DropRoot } from './rules.ts';

interface Asked {
  readonly order: AuditOrder;
  readonly answer: (differing: readonly string[] | null) => void;
}

interface Thread {
  readonly worker: Worker;
  /** By id, in the order in which they were asked: it is at the first one. */
  readonly asked: Map<number, Asked>;
  /** So long nothing was heard of it, though it has something to do. */
  ticks: number;
}

export class Auditor {
  readonly #log: Log;
  readonly #patience: Patience;
  /** By the path of a root that does not answer, the thread that was left to it. */
  readonly #silent = new Map<string, Thread>();
  #thread: Thread | null = null;
  #ticking: NodeJS.Timeout | undefined;
  #asked = 0;
  #isClosed = false;

  /** @param patience shorter in tests */
  constructor(log: Log, patience: Patience = defaultPatience) {
    this.#log = log;
    this.#patience = patience;
  }

  /**
   * @returns the paths that look different; null: the thread ended meanwhile, or the root does not answer, and nothing is
   * known
   */
  async differing(root: DropRoot, compared: readonly Compared[]): Promise<readonly string[] | null> {
    if (this.#isClosed || this.#silent.has(root.path)) return null;
    if (compared.length === 0) return [];
    return await new Promise((answer) => {
      this.#asked += 1;
      this.#give({ order: { id: this.#asked, root, compared }, answer });
    });
  }

  /** What is being compared is answered by nothing known. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticking);
    const thread = this.#thread;
    this.#thread = null;
    for (const { worker } of this.#silent.values()) void worker.terminate();
    if (thread === null) return;
    const isBusy = thread.asked.size > 0;
    answerAll(thread);
    const ended = thread.worker.terminate();
    // One that waits for a dead file system is not waited for: it ends with the process.
    if (!isBusy) await ended;
  }

  #give(asked: Asked): void {
    const thread = (this.#thread ??= this.#begin());
    if (thread.asked.size === 0) thread.ticks = 0;
    thread.asked.set(asked.order.id, asked);
    thread.worker.postMessage(asked.order);
    this.#ticking ??= setInterval(() => this.#tick(), this.#patience.tickMs).unref();
  }

  #begin(): Thread {
    const worker = new Worker(new URL('./auditThread.js', import.meta.url), {
      execArgv: [],
      resourceLimits: threadMemory,
    });
    const thread: Thread = { worker, asked: new Map(), ticks: 0 };
    // A command that looks once ends without waiting for it.
    worker.unref();
    worker.on('message', (reply: AuditReply) => this.#take(thread, reply));
    worker.on('error', (error) => {
      this.#log.error(
        { err: error },
        'the thread that looks at recorded folders again has ended; it is begun anew',
      );
    });
    worker.on('exit', () => {
      if (this.#thread === thread) this.#thread = null;
      answerAll(thread);
      this.#noteAnswerOf(thread);
    });
    return thread;
  }

  #take(thread: Thread, reply: AuditReply): void {
    thread.ticks = 0;
    this.#noteAnswerOf(thread);
    if ('isUnderWay' in reply) return;
    thread.asked.get(reply.id)?.answer(reply.differing);
    thread.asked.delete(reply.id);
  }

  #tick(): void {
    const thread = this.#thread;
    const [first] = thread?.asked.values() ?? [];
    if (thread === null || first === undefined) {
      // With nothing to do there is nothing to watch.
      clearInterval(this.#ticking);
      this.#ticking = undefined;
      return;
    }
    thread.ticks += 1;
    if (thread.ticks >= this.#patience.silentTicks) this.#giveUp(thread, first.order.root);
  }

  /** The root is asked nothing before the thread has answered, so there is never more than one such thread for it. */
  #giveUp(thread: Thread, { name, path }: DropRoot): void {
    this.#log.warn(
      { root: name },
      `${path} does not answer: its folders are not compared with what was recorded of them until it does`,
    );
    this.#silent.set(path, thread);
    this.#thread = null;
    const all = [...thread.asked.values()];
    thread.asked.clear();
    for (const asked of all) {
      // What other roots have asked stood behind it, and is asked again of another thread.
      if (asked.order.root.path === path) asked.answer(null);
      else this.#give(asked);
    }
  }

  /** The first late answer of a thread that was given up. */
  #noteAnswerOf(thread: Thread): void {
    for (const [path, silent] of this.#silent) {
      if (silent !== thread) continue;
      this.#silent.delete(path);
      void thread.worker.terminate();
    }
  }
}

function answerAll({ asked }: Thread): void {
  for (const { answer } of asked.values()) answer(null);
  asked.clear();
}
