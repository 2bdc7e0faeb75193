/**
 * Requests to the platform's API: the key, the clock in its answers, and what a failure is called. Each is tried once;
 * what becomes of a failure is decided by whoever asked.
 */
import { DecoratorHandler, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { defaultPolicy } from '../core/policy.ts';
import type { Clock } from '../system/clock.ts';
import type { Secret } from '../system/secret.ts';
import { bytesMaxOf, excerptOfText, parsed, textOf, whatHappened } from './answerBody.ts';
import { Deadline } from './deadline.ts';
import {
  failureOfConnection,
  failureOfContent,
  failureOfStatus,
  retryAfterMs,
  type Asked,
} from './answers.ts';
import { dispatcherFor, ownConnection, type Network } from './network.ts';

/** One for all: making an error's stack for each connection costs more than closing it. */
const overAndDone = new Error('the request is over');

export interface RequestOptions {
  /** Origin, with a path prefix if there is one, e.g. `https://api.cloud.nextmv.io`. */
  readonly endpoint: string;
  readonly apiKey: () => Promise<Secret>;
  /** Connections to each host. */
  readonly connections: number;
  readonly version: string;
  readonly clock: Clock;
  readonly network: Network;
  /** The team that is worked for, where the key is a person's and belongs to several; null: none is named. */
  readonly account?: string | null;
  /** For tests that cannot wait for it. Default: `answerMsMax`. */
  readonly answerMs?: number;
  /** Likewise. Default: as long as an upload's id is used. */
  readonly uploadMs?: number;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

/** What came of a request that must not be repeated blindly. */
export type SentOnce =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Whether it was carried out is known for certain only where no byte of it was sent. */
  | { readonly kind: 'failed'; readonly wasSent: boolean; readonly failure: Failure };

/** An API answer comes within this or the request counts as failed; storage is given more, by size. */
export const answerMsMax = 60_000;
/** The slowest link over which an answer of the API is still waited for: they are small. */
const bytesPerMsMin = 32;
/** And a file of storage: a fast link is not asked for, only that there is an end. */
const storageBytesPerMsMin = 4;

export class Requests {
  readonly endpoint: URL;
  readonly dispatcher: Dispatcher;
  readonly #options: RequestOptions;
  /** How far the platform's clock is ahead of the one that nobody sets here; null: no answer has told yet. */
  #aheadMs: number | null = null;
  #held: Secret | null = null;

  constructor(options: RequestOptions) {
    this.#options = options;
    this.endpoint = new URL(options.endpoint.endsWith('/') ? options.endpoint : `${options.endpoint}/`);
    this.dispatcher = dispatcherFor(options.network, options.connections, answerMsMax);
  }

  /** The platform's clock as its `Date` headers show it, in whole ms since 1970. */
  platformTimeMs(): number {
    const { clock } = this.#options;
    // By the clock that nobody sets: between a jump of the other and the next answer it would be wrong by as much.
    return this.#aheadMs === null ? clock.nowMs() : Math.floor(clock.monotonicMs() + this.#aheadMs);
  }

  /** For a head, or for the body of an answer of so many bytes, in ms. */
  timeFor(bytes: number): number {
    return (this.#options.answerMs ?? answerMsMax) + Math.ceil(bytes / bytesPerMsMin);
  }

  /** For a head of storage, or for so many of its bytes, in ms. */
  timeInStorageFor(bytes: number): number {
    return this.timeFor(0) + Math.ceil(bytes / storageBytesPerMsMin);
  }

  /** What takes longer than this to be uploaded is dead when it has arrived, in ms. */
  get uploadMsMax(): number {
    return this.#options.uploadMs ?? defaultPolicy.uploadAgeMsMax;
  }

  monotonicMs(): number {
    return this.#options.clock.monotonicMs();
  }

  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The key that was used last, to be taken out of whatever an answer repeats. */
  heldKey(): Secret | null {
    return this.#held;
  }

  retryAfterMs(headers: Dispatcher.ResponseData['headers']): number | undefined {
    const header = headers['retry-after'];
    // A date is meant by the clock of whoever wrote it, and ours may be hours away from that.
    return retryAfterMs(typeof header === 'string' ? header : undefined, this.platformTimeMs());
  }

  /** @throws RuntrackdError unless the answer is a success that the schema understands */
  async json<S extends z.ZodType>(
    asked: Asked,
    method: Method,
    path: string,
    schema: S,
    signal: AbortSignal,
    body?: object,
  ): Promise<{ readonly value: z.output<S>; readonly text: string }> {
    const text = await this.text(asked, method, path, signal, body);
    const read = schema.safeParse(parsed(text));
    if (read.success) return { value: read.data, text };
    const [issue] = read.error.issues;
    throw new RuntrackdError(
      failureOfContent(asked, `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()),
    );
  }

  /** @throws RuntrackdError unless the answer is a success */
  async text(
    asked: Asked,
    method: Method,
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<string> {
    const key = await this.#key();
    try {
      const answer = await this.#send(this.dispatcher, asked, method, path, key, signal, body);
      if (answer.status >= 200 && answer.status < 300) return answer.text;
      throw new RuntrackdError(this.failureOf(asked, answer));
    } catch (error) {
      if (error instanceof RuntrackdError || signal.aborted) throw error;
      throw new RuntrackdError(failureOfConnection(asked, whatHappened(error)), { cause: error });
    }
  }

  /**
   * A request over a connection of its own, which is reset when nobody waits for it any more. Never throws for what the
   * platform or the network does: the outcome is the answer.
   */
  async once(
    asked: Asked,
    method: Method,
    path: string,
    signal: AbortSignal,
    body: object,
  ): Promise<SentOnce> {
    let key: Secret;
    try {
      key = await this.#key();
    } catch (error) {
      if (!(error instanceof RuntrackdError)) throw error;
      return { kind: 'failed', wasSent: false, failure: error.failure };
    }
    const own = ownConnection(this.#options.network, this.endpoint.origin, answerMsMax);
    const sent = { isStarted: false };
    const noting = own.compose(
      (dispatch) => (options, handler) => dispatch(options, notingStart(handler, sent)),
    );
    try {
      const answer = await this.#send(noting, asked, method, path, key, signal, body);
      return { kind: 'answered', answer };
    } catch (error) {
      const failure =
        error instanceof RuntrackdError ? error.failure : failureOfConnection(asked, whatHappened(error));
      return { kind: 'failed', wasSent: sent.isStarted, failure };
    } finally {
      // Reset rather than closed politely: a request that nobody waits for any more should not be carried out.
      own.destroy(overAndDone).catch(() => undefined);
    }
  }

  failureOf(asked: Asked, { status, text, retryAfterMs: wait }: Answer): Failure {
    return failureOfStatus(asked, status, wait, excerptOfText(text, this.#held));
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.dispatcher.destroy();
  }

  async #send(
    dispatcher: Dispatcher,
    asked: Asked,
    method: Method,
    path: string,
    key: Secret,
    signal: AbortSignal,
    body: object | undefined,
  ): Promise<Answer> {
    const deadline = new Deadline(signal, this.timeFor(0));
    try {
      const answer = await deadline.request(new URL(path.slice(1), this.endpoint), {
        method,
        headers: this.#headers(key),
        dispatcher,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      this.#noteDate(answer);
      const length = Number(answer.headers['content-length'] ?? 0);
      deadline.restart(this.timeFor(Number.isFinite(length) ? Math.min(length, bytesMaxOf(asked)) : 0));
      const text = await textOf(answer.body, asked);
      return { status: answer.statusCode, text, retryAfterMs: this.retryAfterMs(answer.headers) };
    } finally {
      deadline.end();
    }
  }

  /** Held, so that it can be taken out of whatever an answer repeats. */
  async #key(): Promise<Secret> {
    this.#held = await this.#options.apiKey();
    return this.#held;
  }

  #headers(key: Secret): Record<string, string> {
    const { version, account } = this.#options;
    return {
      authorization: `Bearer ${key.reveal()}`,
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': `runtrackd/${version}`,
      ...(account == null ? {} : { 'nextmv-account': account }),
    };
  }

  #noteDate({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): void {
    const header = headers['date'];
    const dateMs = typeof header === 'string' ? Date.parse(header) : Number.NaN;
    if (Number.isFinite(dateMs)) this.#aheadMs = dateMs - this.#options.clock.monotonicMs();
  }
}

/** Notes when undici is about to write the first byte of the request itself, behind proxy and TLS. */
function notingStart(
  handler: Dispatcher.DispatchHandler,
  sent: { isStarted: boolean },
): Dispatcher.DispatchHandler {
  const noting: Dispatcher.DispatchHandler = new DecoratorHandler(handler);
  const start = noting.onRequestStart?.bind(noting);
  noting.onRequestStart = (controller, context) => {
    start?.(controller, context);
    // Whoever gave up while the connection was made ends it here, before anything is written.
    if (!controller.aborted) sent.isStarted = true;
  };
  return noting;
}
