/** Whoever compares folders with what was recorded of them: one thread for all roots, begun when it is first needed. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../system/log.ts';
import { threadMemory } from '../system/threadMemory.ts';
import type { AuditOrder, AuditReply } from './auditThread.ts';
import type { Compared } from './comparison.ts';
import type { DropRoot } from './rules.ts';

export class Auditor {
  readonly #log: Log;
  readonly #waiting = new Map<number, (differing: readonly string[] | null) => void>();
  #worker: Worker | null = null;
  #asked = 0;
  #isClosed = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns the paths that look different; null: the thread ended meanwhile, and nothing is known */
  async differing(root: DropRoot, compared: readonly Compared[]): Promise<readonly string[] | null> {
    if (this.#isClosed) return null;
    if (compared.length === 0) return [];
    const worker = (this.#worker ??= this.#begin());
    const id = (this.#asked += 1);
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      worker.postMessage({ id, root, compared } satisfies AuditOrder);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./auditThread.js', import.meta.url), {
      execArgv: [],
      resourceLimits: threadMemory,
    });
    // A command that looks once ends without waiting for it.
    worker.unref();
    worker.on('message', ({ id, differing }: AuditReply) => {
      this.#waiting.get(id)?.(differing);
      this.#waiting.delete(id);
    });
    worker.on('error', (error) => {
      this.#log.error(
        { err: error },
        'the thread that looks at recorded folders again has ended; it is begun anew',
      );
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null;
      for (const answer of this.#waiting.values()) answer(null);
      this.#waiting.clear();
    });
    return worker;
  }
}
