/**
 * A time limit for the whole of a request, from its first byte to the last one of its answer. undici's own limits begin
 * anew with every byte, so an answer that drips would never meet them. And not `AbortSignal.timeout`: joined by
 * `AbortSignal.any`, Node 20 forgets it at the next garbage collection, and the limit never comes. Nor `AbortSignal.any`
 * itself, whose weak references cost each request more than its timer does.
 */
import { setMaxListeners } from 'node:events';
import { request, type Dispatcher } from 'undici';

export class Deadline {
  readonly #own = new AbortController();
  readonly #given: AbortSignal;
  readonly #onGiven = (): void => this.#abort(this.#given.reason);
  /** Of a request that has no answer yet. */
  #onAbort: ((reason: unknown) => void) | null = null;
  #timer: NodeJS.Timeout;

  /** @param given ends the request as well */
  constructor(given: AbortSignal, ms: number) {
    this.#given = given;
    // Every request under way listens to it, and no number of them is too many.
    setMaxListeners(0, given);
    given.addEventListener('abort', this.#onGiven, { once: true });
    if (given.aborted) this.#onGiven();
    this.#timer = this.#start(ms);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /**
   * The head of the answer to a request that is made within this time. undici takes notice of a signal only when a request
   * has its connection; while it waits for one, as long as all others take, it would not end.
   */
  async request(
    url: string | URL,
    options: NonNullable<Parameters<typeof request<null>>[1]>,
  ): Promise<Dispatcher.ResponseData> {
    const { signal } = this.#own;
    return await new Promise((resolve, reject) => {
      this.#onAbort = reject;
      request(url, { ...options, signal }).then((answer) => {
        // Nobody waits for it any more, and unread it would hold its connection.
        if (signal.aborted) answer.body.on('error', () => undefined).destroy();
        resolve(answer);
      }, reject);
      if (signal.aborted) this.#onAbort(signal.reason);
    });
  }

  /** The answer has begun: it gets this much from now on, in ms. */
  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(ms);
  }

  /** To be called in the end, whatever that was. */
  end(): void {
    clearTimeout(this.#timer);
    this.#given.removeEventListener('abort', this.#onGiven);
  }

  #abort(reason: unknown): void {
    this.#own.abort(reason);
    this.#onAbort?.(reason);
  }

  #start(ms: number): NodeJS.Timeout {
    const timer = setTimeout(
      () => this.#abort(new Error(`it took longer than ${String(Math.round(ms / 1_000))} s`)),
      Math.min(ms, 0x7fffffff),
    );
    // The request itself keeps the process alive; a limit on an answer that nobody reads any more must not.
    timer.unref();
    return timer;
  }
}
