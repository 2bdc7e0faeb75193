/**
 * Drop roots are listed, and small run folders looked at, read and written to by threads of their own; large ones here,
 * piece by piece. A file system that does not answer holds one thread and, from then on, the drop root that lies on it, but
 * nobody else. Large ones are read by Node's own threads, of which the unit gives the service enough (`cli/unitText.ts`).
 */
import { Worker } from 'node:worker_threads';
import PQueue from 'p-queue';
import { OpenFolder } from '../system/files.ts';
import type { Log } from '../system/log.ts';
import { threadMemory } from '../system/threadMemory.ts';
import { SourceChanged, type ArtefactBody } from './bodies.ts';
import type { DirectoryNames, DirectoryTimes } from './directoryNames.ts';
import type {
  DirectoryMount,
  DirectoryPlace,
  FolderJobs,
  FolderRules,
  SettledRead,
  TextFile,
} from './folderJobs.ts';
import type { FolderError, FolderOrder, FolderReply, ToldRules } from './folderThread.ts';
import { readFolder } from './readFolder.ts';
import type { FolderSight } from './sight.ts';

/** Files that are read in a thread, all together: a few ms of work, so that nobody waits long behind them. */
const smallFolderBytesMax = 256 * 1024;
/** As many as Node has for its own calls. A fast disk needs one; a slow one is waited for side by side. */
const threadsMax = 4;
/** Jobs that a thread is given before it has answered: enough not to run idle, few enough to be lost with it. */
const jobsAtOnce = 8;
/** Large folders of one drop root that are read at once: each has a piece of a file in memory. */
const largeAtOnce = 8;
/** A job that takes longer than this, in ms, waits for its disk: others may wait beside it. */
const slowMs = 20;
/** A thread that has not answered for so many ticks is given no more: it would wait behind what hangs. */
const stuckTicks = 2;
/** While the daemon ends, a thread gets so many: less than `shutdown_deadline`, more than a crowded machine needs to begin one. */
const endingTicks = 20;

/** Rules that a thread remembers. A person's word, and a run of an earlier configuration, have rules of their own each. */
const rulesMax = 100;

export interface Patience {
  /** How often it is seen to whether the threads get on, in ms. */
  readonly tickMs: number;
  /** So many ticks without an answer, and the file system is taken for one that has gone: half a minute that we live. */
  readonly silentTicks: number;
}

export const defaultPatience: Patience = { tickMs: 500, silentTicks: 60 };

/** A file system that does not answer, as a system error: it is tried again like any other. */
class Silent extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(root: string) {
    super(`the file system of ${root} does not answer`);
  }
}

interface Job {
  readonly root: string;
  readonly order: Extract<FolderOrder, { kind: 'job' }>;
  readonly rules: FolderRules | null;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  ticks: number;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  readonly told: Set<number>;
}

export class RunFolders {
  readonly #log: Log;
  #patience: Patience;
  readonly #threads = new Set<Thread>();
  /** By drop root, because a share that is slow, or hangs, keeps its places. */
  readonly #large = new Map<string, PQueue>();
  /** By drop root, the threads that were given up because its file system did not answer. */
  readonly #silent = new Map<string, Set<Thread>>();
  readonly #ruleIds = new WeakMap<FolderRules, number>();
  #queue: Job[] = [];
  #asked = 0;
  #rules = 0;
  /** Of the jobs that were answered since the last tick. */
  #answered = { jobs: 0, tookMs: 0 };
  #ticking: NodeJS.Timeout | undefined;

  /** @param patience shorter in tests */
  constructor(log: Log, patience: Patience = defaultPatience) {
    this.#log = log;
    this.#patience = patience;
  }

  /** The first thread begins before it is wanted: that takes a while. */
  begin(): void {
    if (this.#threads.size === 0) this.#begin();
  }

  /** Why nothing can be done in a drop root; null: it answers. @param root its path */
  trouble(root: string): string | null {
    return this.#silent.has(root)
      ? 'its file system does not answer; is it a share whose server is away?'
      : null;
  }

  /**
   * Which directory is at the path of a root or an archive: device and inode. Asked in a thread, because a question that
   * hangs holds one, and Node has four for all files and names of the whole daemon.
   * @throws system errors
   */
  async mark(root: string): Promise<string> {
    return await this.#ask(root, 'mark', null, root);
  }

  /** Likewise, and where that directory really is. @throws system errors */
  async place(root: string): Promise<DirectoryPlace> {
    return await this.#ask(root, 'place', null, root);
  }

  /** Likewise of an archive, and where the file system begins that it lies on. @throws system errors */
  async mount(archive: string): Promise<DirectoryMount> {
    return await this.#ask(archive, 'mount', null, archive);
  }

  /**
   * Where a symbolic link in a drop root leads: the path of a directory in it, or null where that is outside. Links count
   * for a root of their own: one that leads to a share whose server is away takes no drop root with it.
   * @throws system errors, also where it leads to no directory
   */
  async follow(root: string, link: string): Promise<string | null> {
    return await this.#ask(`what links in ${root} lead to`, 'follow', null, root, link);
  }

  /**
   * @param path of a drop root, or of a directory in it
   * @param before its times when it was last listed; null: it is listed in any case
   * @returns null: it has not changed since. @throws system errors
   */
  async names(root: string, path: string, before: DirectoryTimes | null): Promise<DirectoryNames | null> {
    return await this.#ask(root, 'names', null, root, path, before);
  }

  /** @returns how many entries a drop root has, counted no further than to `max`. @throws system errors */
  async count(root: string, max: number): Promise<number> {
    return await this.#ask(root, 'count', null, root, max);
  }

  /** @param root the path of the drop root that the folder lies in. @returns null when the folder is not there */
  async look(root: string, path: string, rules: FolderRules): Promise<FolderSight | null> {
    return await this.#ask(root, 'look', rules, root, path);
  }

  /** @param sight a look at the folder in which nothing is missing and nothing is refused */
  async read(root: string, path: string, sight: FolderSight, rules: FolderRules): Promise<SettledRead> {
    const bytes = sight.files.reduce((sum, { mark }) => sum + mark.bytes, 0);
    if (sight.archives.length === 0 && bytes <= smallFolderBytesMax)
      return await this.#ask(root, 'read', rules, root, path, sight);
    return await this.#largeOf(root).add(async () => {
      const read = await readFolder(path, sight, rules.reading, undefined, (at) =>
        OpenFolder.openIn(root, at),
      );
      return { read, after: read.kind === 'complete' ? await this.look(root, path, rules) : sight };
    });
  }

  #largeOf(root: string): PQueue {
    const begun = this.#large.get(root);
    if (begun !== undefined) return begun;
    const large = new PQueue({ concurrency: largeAtOnce });
    this.#large.set(root, large);
    return large;
  }

  /**
   * The bytes of small bodies, found to be what was recorded.
   * @throws SourceChanged, or the system error of a folder that cannot be opened
   */
  async hold(root: string, path: string, bodies: readonly ArtefactBody[]): Promise<readonly Uint8Array[]> {
    return bodies.length === 0 ? [] : await this.#ask(root, 'hold', null, root, path, bodies);
  }

  /** Puts a text into the folder, whole or not at all. @throws system errors */
  async put(root: string, path: string, file: TextFile): Promise<void> {
    await this.#ask(root, 'put', null, root, path, file);
  }

  /** The daemon is about to end: what does not answer now is not waited for long. */
  loseNoTime(): void {
    const silentTicks = Math.min(this.#patience.silentTicks, endingTicks);
    this.#patience = { ...this.#patience, silentTicks };
  }

  async close(): Promise<void> {
    this.#rest();
    const threads = [...this.#threads];
    this.#threads.clear();
    // One that waits for a dead file system is not waited for: it ends with the process.
    for (const { worker } of [...this.#silent.values()].flatMap((silent) => [...silent]))
      void worker.terminate();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #ask<Name extends keyof FolderJobs>(
    root: string,
    name: Name,
    rules: FolderRules | null,
    ...args: readonly unknown[]
  ): Promise<Awaited<ReturnType<FolderJobs[Name]>>> {
    if (this.#silent.has(root)) return Promise.reject(new Silent(root));
    return new Promise((resolve, reject) => {
      this.#asked += 1;
      const order = { kind: 'job', id: this.#asked, name, rules: this.#idOf(rules), args } as const;
      this.#queue.push({ root, order, rules, resolve: resolve as Job['resolve'], reject, ticks: 0 });
      this.#pump();
    });
  }

  #idOf(rules: FolderRules | null): number | null {
    if (rules === null) return null;
    const known = this.#ruleIds.get(rules);
    if (known !== undefined) return known;
    this.#rules += 1;
    this.#ruleIds.set(rules, this.#rules);
    return this.#rules;
  }

  #pump(): void {
    this.begin();
    this.#ticking ??= setInterval(() => this.#tick(), this.#patience.tickMs).unref();
    for (const thread of this.#threads) {
      while (thread.jobs.size < jobsAtOnce && !isStuck(thread)) {
        const job = this.#queue.shift();
        if (job === undefined) return;
        this.#give(thread, job);
      }
    }
  }

  #give({ worker, jobs, told }: Thread, job: Job): void {
    const { order, rules } = job;
    if (rules !== null && order.rules !== null && !told.has(order.rules)) {
      if (told.size >= rulesMax) {
        told.clear();
        worker.postMessage({ kind: 'forgetRules' } satisfies FolderOrder);
      }
      told.add(order.rules);
      const tellRules: FolderOrder = { kind: 'rules', id: order.rules, rules: toldOf(rules) };
      worker.postMessage(tellRules);
    }
    jobs.set(order.id, job);
    worker.postMessage(order);
  }

  #begin(): void {
    const worker = new Worker(new URL('./folderThread.js', import.meta.url), {
      execArgv: [],
      resourceLimits: threadMemory,
    });
    const thread: Thread = { worker, jobs: new Map(), told: new Set() };
    // Whoever waits for an answer has other reasons to stay.
    worker.unref();
    worker.on('message', (reply: FolderReply) => this.#take(thread, reply));
    worker.on('error', (error) => this.#lose(thread, asError(error)));
    worker.on('exit', () => {
      this.#lose(thread, new Error('a thread for run folders has ended by itself'));
      // One that was given up answers no more: its root is asked again, by another.
      this.#noteAnswerOf(thread);
    });
    this.#threads.add(thread);
  }

  #take(thread: Thread, reply: FolderReply): void {
    const job = thread.jobs.get(reply.id);
    if ('isUnderWay' in reply) {
      // It answers, if slowly: others may do better to ask elsewhere.
      if (job !== undefined) job.ticks = Math.min(job.ticks, stuckTicks);
      return;
    }
    this.#answered.jobs += 1;
    this.#answered.tookMs += reply.tookMs;
    thread.jobs.delete(reply.id);
    if (job === undefined) this.#noteAnswerOf(thread);
    else if (reply.ok) job.resolve(reply.value);
    else job.reject(errorOf(reply.error));
    this.#pump();
    if (this.#isIdle()) this.#rest();
  }

  #lose(thread: Thread, error: Error): void {
    this.#threads.delete(thread);
    for (const { reject } of thread.jobs.values()) reject(error);
    thread.jobs.clear();
  }

  #tick(): void {
    const { jobs, tookMs } = this.#answered;
    const isSlow = tookMs >= slowMs * jobs;
    this.#answered = { jobs: 0, tookMs: 0 };
    for (const thread of [...this.#threads]) {
      const [oldest] = thread.jobs.values();
      if (oldest === undefined) continue;
      oldest.ticks += 1;
      if (oldest.ticks >= this.#patience.silentTicks) this.#giveUp(thread, oldest.root);
    }
    if (this.#queue.length > 0 && isSlow && this.#threads.size < threadsMax) this.#begin();
    if (this.#queue.length > 0) this.#pump();
    else if (this.#isIdle()) this.#rest();
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && [...this.#threads].every(({ jobs: { size } }) => size === 0);
  }

  /** With nothing to do there is nothing to watch. */
  #rest(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#answered = { jobs: 0, tookMs: 0 };
  }

  /** Nothing is asked of that root before the thread has answered, so there are never more such threads than it had. */
  #giveUp(thread: Thread, root: string): void {
    this.#log.error({ root }, `${root} does not answer: it is left alone until it does`);
    const silent = this.#silent.get(root) ?? new Set();
    this.#silent.set(root, silent.add(thread));
    // What other roots have asked stands behind it, and is asked again of another thread; unless it writes.
    const others = [...thread.jobs.values()].filter((job) => job.root !== root && job.order.name !== 'put');
    for (const job of others) {
      thread.jobs.delete(job.order.id);
      job.ticks = 0;
    }
    this.#queue.unshift(...others);
    this.#lose(thread, new Silent(root));
    const waiting = this.#queue.filter((job) => job.root === root);
    this.#queue = this.#queue.filter((job) => job.root !== root);
    for (const { reject } of waiting) reject(new Silent(root));
  }

  /** The first late answer of a thread that was given up. */
  #noteAnswerOf(thread: Thread): void {
    for (const [root, silent] of this.#silent) {
      if (!silent.delete(thread)) continue;
      void thread.worker.terminate();
      if (silent.size > 0) continue;
      this.#silent.delete(root);
      this.#log.info({ root }, `${root} answers again`);
    }
  }
}

function isStuck({ jobs }: Thread): boolean {
  const [oldest] = jobs.values();
  return oldest !== undefined && oldest.ticks >= stuckTicks;
}

function toldOf({ sight, reading }: FolderRules): ToldRules {
  const { names, marker, isMetaOptional, fileBytesMax, folderFilesMax } = sight;
  const { app, allowAppIds, jsonDepthMax, infeasible } = reading;
  // Of one object, so that both have the same names there too.
  const limits = { names, isMetaOptional, fileBytesMax, folderFilesMax };
  return { sight: { ...limits, marker }, reading: { ...limits, app, allowAppIds, jsonDepthMax, infeasible } };
}

function errorOf(error: FolderError): Error {
  switch (error.kind) {
    case 'changed':
      return Object.assign(new SourceChanged(error.fileName, ''), { message: error.message });
    case 'system':
      return Object.assign(new Error(error.message), { code: error.code });
    case 'bug':
      return Object.assign(new Error(error.message), { stack: error.stack });
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
