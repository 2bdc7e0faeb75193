/**
 * The platform in our words: one method for each thing that recording an external run asks of it. Each request is tried
 * once; what becomes of a failure is decided where the run is known.
 */
import { Readable } from 'node:stream';
import { Agent, Client, request, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { FailureError, type Failure } from '../core/failure.ts';
import type { Clock } from '../system/clock.ts';
import type { Secret } from '../system/secret.ts';
import {
  createVerdict,
  failureOfConnection,
  failureOfContent,
  failureOfStatus,
  retryAfterMs,
  type Asked,
} from './answers.ts';
import { excerptOf, excerptOfText, parsed, textOf, whatHappened } from './answerBody.ts';
import { distrust } from './trust.ts';
import {
  applicationAnswer,
  createRunAnswer,
  routes,
  runAnswer,
  runPage,
  uploadTicket,
  urlAnswer,
  type CreateRunRequest,
  type RunAnswer,
  type RunPage,
} from './wire.ts';

export interface PlatformOptions {
  /** Origin, with a path prefix if there is one, e.g. `https://api.cloud.nextmv.io`. */
  readonly endpoint: string;
  readonly apiKey: () => Promise<Secret>;
  /** Connections to the API and to storage, each. */
  readonly connections: number;
  readonly version: string;
  readonly clock: Clock;
}

/** Where one artefact's bytes are to be put. The URL is a secret, and good for a quarter of an hour. */
export interface UploadTicket {
  readonly uploadId: string;
  readonly uploadUrl: string;
  readonly askedAtMs: number;
}

/** The platform's answer about a run: understood, and as it came. */
export interface ReadAnswer {
  readonly value: RunAnswer;
  readonly text: string;
}

export type Created =
  | { readonly kind: 'made'; readonly runId: string }
  | { readonly kind: 'nothingMade'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unclear'; readonly failure: Failure };

/** An API answer comes within this or the request counts as failed; storage is given more, by size. */
const answerMsMax = 60_000;
const connectMsMax = 10_000;
/** The slowest link that is still waited for; slower than this the signed URL would not live long enough anyway. */
const bytesPerMsMin = 32;
/** Shorter than what servers and load balancers keep, so that a request rarely meets a dead connection. */
const keepAliveMs = 4_000;

export class PlatformClient {
  readonly endpoint: URL;
  readonly #options: PlatformOptions;
  readonly #agent: Agent;
  #offsetMs = 0;
  #held: Secret | null = null;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.endpoint = new URL(options.endpoint.endsWith('/') ? options.endpoint : `${options.endpoint}/`);
    this.#agent = new Agent({
      connections: options.connections,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      connect: { timeout: connectMsMax },
      headersTimeout: answerMsMax,
      bodyTimeout: answerMsMax,
    });
  }

  /** The platform's clock as its `Date` headers show it, ms since 1970. */
  platformTimeMs(): number {
    return this.#options.clock.nowMs() + this.#offsetMs;
  }

  /** `GET /v1/applications/{app}`: does the app exist, and may this key use it? The probe that ends a pause. */
  async application(app: string, signal: AbortSignal): Promise<void> {
    await this.#get({ what: 'asking for the app', app }, routes.application(app), applicationAnswer, signal);
  }

  /** `POST …/runs/uploadurl`. Asking twice is harmless: an unused pair just expires. */
  async createUpload(app: string, signal: AbortSignal): Promise<UploadTicket> {
    const asked = { what: 'asking for an upload URL', app };
    const askedAtMs = this.#options.clock.nowMs();
    const ticket = await this.#json(asked, 'POST', routes.uploadUrl(app), uploadTicket, signal);
    const reason = distrust(ticket.upload_url, this.endpoint);
    if (reason !== null)
      throw new FailureError(failureOfContent(asked, `its upload URL is not followed, ${reason}`));
    return { uploadId: ticket.upload_id, uploadUrl: ticket.upload_url, askedAtMs };
  }

  /**
   * `PUT {upload_url}`: raw bytes, their length known, no Authorization. The same URL may be put to again.
   * @throws what `body` throws, unchanged; a FailureError for everything that storage does
   */
  async putUpload(
    ticket: UploadTicket,
    body: AsyncIterable<Uint8Array>,
    bytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { what: 'uploading to storage', app: null };
    let sourceError: Error | undefined;
    const source = Readable.from(
      noting(body, (error) => {
        sourceError = error instanceof Error ? error : new Error(String(error));
      }),
      { objectMode: false },
    );
    const limit = AbortSignal.any([
      signal,
      AbortSignal.timeout(answerMsMax + Math.ceil(bytes / bytesPerMsMin)),
    ]);
    try {
      const answer = await request(ticket.uploadUrl, {
        method: 'PUT',
        headers: { 'content-length': String(bytes) },
        body: bytes === 0 ? null : source,
        dispatcher: this.#agent,
        signal: limit,
        headersTimeout: 0,
      });
      const excerpt = await excerptOf(answer.body, this.#held);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return;
      throw new FailureError(this.#storageFailure(answer, excerpt));
    } catch (error) {
      if (sourceError !== undefined) throw sourceError;
      if (error instanceof FailureError || signal.aborted) throw error;
      throw new FailureError(failureOfConnection(asked, whatHappened(error)), { cause: error });
    } finally {
      source.destroy();
    }
  }

  /**
   * `POST …/runs`, once, over a connection of its own: whether a byte was sent is then known for certain.
   * Never throws for what the platform or the network does; the outcome is the answer.
   */
  async createRun(
    app: string,
    instance: string | null,
    body: CreateRunRequest,
    signal: AbortSignal,
  ): Promise<Created> {
    const asked = { what: 'making the run', app };
    const query = instance === null ? '' : `?instance_id=${encodeURIComponent(instance)}`;
    const url = this.#url(`${routes.runs(app)}${query}`);
    let key: Secret;
    try {
      key = await this.#key();
    } catch (error) {
      if (error instanceof FailureError) return { kind: 'nothingMade', failure: error.failure };
      throw error;
    }
    const client = new Client(url.origin, {
      connect: { timeout: connectMsMax },
      headersTimeout: answerMsMax,
      bodyTimeout: answerMsMax,
    });
    const connection = { isMade: false };
    client.once('connect', () => {
      connection.isMade = true;
    });
    try {
      const answer = await client.request({
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        headers: this.#headers(key),
        body: JSON.stringify(body),
        signal,
      });
      this.#noteDate(answer);
      const text = await textOf(answer.body, asked);
      const made = createRunAnswer.safeParse(parsed(text));
      const failure = (): Failure =>
        answer.statusCode < 300
          ? failureOfContent(asked, 'it names no run_id')
          : failureOfStatus(
              asked,
              answer.statusCode,
              this.#retryAfter(answer),
              excerptOfText(text, this.#held),
            );
      const kind = createVerdict(answer.statusCode, made.success);
      if (kind === 'made')
        return made.success ? { kind, runId: made.data.run_id } : { kind: 'unclear', failure: failure() };
      // A refusal of this one request concerns this run, whatever the status means elsewhere.
      return { kind, failure: kind === 'refused' ? { ...failure(), reach: 'run' } : failure() };
    } catch (error) {
      const failure =
        error instanceof FailureError ? error.failure : failureOfConnection(asked, whatHappened(error));
      return { kind: connection.isMade ? 'unclear' : 'nothingMade', failure };
    } finally {
      // Reset rather than closed politely: a request that nobody waits for any more should not be carried out.
      client.destroy().catch(() => undefined);
    }
  }

  /** `GET …/runs/{id}`. With `byUrl` the output is given as a signed URL, as it must be when large or not JSON. */
  async runResult(app: string, runId: string, byUrl: boolean, signal: AbortSignal): Promise<ReadAnswer> {
    const path = `${routes.run(app, runId)}${byUrl ? '?format=url' : ''}`;
    return await this.#read({ what: 'asking for the result', app: null }, 'GET', path, runAnswer, signal);
  }

  /** `GET …/runs/{id}/metadata`: the run without its output. */
  async runMetadata(app: string, runId: string, signal: AbortSignal): Promise<ReadAnswer> {
    const asked = { what: 'asking for the run', app: null };
    return await this.#read(asked, 'GET', routes.metadata(app, runId), runAnswer, signal);
  }

  /** One page of `GET …/runs`; `token` is the one that the page before named, null for the first page. */
  async listRuns(app: string, token: string | null, signal: AbortSignal): Promise<RunPage> {
    const query = `?pagereturn=true${token === null ? '' : `&pagetoken=${encodeURIComponent(token)}`}`;
    return await this.#get({ what: 'listing the runs', app }, `${routes.runs(app)}${query}`, runPage, signal);
  }

  /**
   * The bytes behind a signed URL that an answer named, asked for without Authorization.
   * @param answer the `{"url": …}` as it came
   */
  async download(answer: unknown, bytesMax: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const asked = { what: 'fetching the output', app: null };
    const found = urlAnswer.safeParse(answer);
    if (!found.success) throw new FailureError(failureOfContent(asked, 'it names no URL'));
    const reason = distrust(found.data.url, this.endpoint);
    if (reason !== null)
      throw new FailureError(failureOfContent(asked, `its URL is not followed, ${reason}`));
    try {
      const limit = AbortSignal.any([
        signal,
        AbortSignal.timeout(answerMsMax + Math.ceil(bytesMax / bytesPerMsMin)),
      ]);
      const { statusCode, body, headers } = await request(found.data.url, {
        dispatcher: this.#agent,
        signal: limit,
      });
      if (statusCode >= 200 && statusCode < 300) return namingTrouble(body, asked);
      const excerpt = await excerptOf(body, this.#held);
      throw new FailureError(this.#storageFailure({ statusCode, headers }, excerpt));
    } catch (error) {
      if (error instanceof FailureError || signal.aborted) throw error;
      throw new FailureError(failureOfConnection(asked, whatHappened(error)), { cause: error });
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Held, so that it can be taken out of whatever an answer repeats. */
  async #key(): Promise<Secret> {
    this.#held = await this.#options.apiKey();
    return this.#held;
  }

  #url(path: string): URL {
    return new URL(path.slice(1), this.endpoint);
  }

  #headers(key: Secret): Record<string, string> {
    return {
      authorization: `Bearer ${key.reveal()}`,
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': `runtrackd/${this.#options.version}`,
    };
  }

  async #get<S extends z.ZodType>(
    asked: Asked,
    path: string,
    schema: S,
    signal: AbortSignal,
  ): Promise<z.output<S>> {
    return await this.#json(asked, 'GET', path, schema, signal);
  }

  async #json<S extends z.ZodType>(
    asked: Asked,
    method: 'GET' | 'POST',
    path: string,
    schema: S,
    signal: AbortSignal,
  ): Promise<z.output<S>> {
    return (await this.#read(asked, method, path, schema, signal)).value;
  }

  async #read<S extends z.ZodType>(
    asked: Asked,
    method: 'GET' | 'POST',
    path: string,
    schema: S,
    signal: AbortSignal,
  ): Promise<{ readonly value: z.output<S>; readonly text: string }> {
    const key = await this.#key();
    try {
      const answer = await request(this.#url(path), {
        method,
        headers: this.#headers(key),
        dispatcher: this.#agent,
        signal,
      });
      this.#noteDate(answer);
      const text = await textOf(answer.body, asked);
      if (answer.statusCode < 200 || answer.statusCode >= 300) {
        throw new FailureError(
          failureOfStatus(
            asked,
            answer.statusCode,
            this.#retryAfter(answer),
            excerptOfText(text, this.#held),
          ),
        );
      }
      const read = schema.safeParse(parsed(text));
      if (read.success) return { value: read.data, text };
      const [issue] = read.error.issues;
      throw new FailureError(
        failureOfContent(asked, `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()),
      );
    } catch (error) {
      if (error instanceof FailureError || signal.aborted) throw error;
      throw new FailureError(failureOfConnection(asked, whatHappened(error)), { cause: error });
    }
  }

  #storageFailure(answer: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>, excerpt: string): Failure {
    const status = answer.statusCode;
    const wait = this.#retryAfter(answer);
    const isTrouble = status >= 500 || status === 429 || status === 408;
    return {
      class: isTrouble ? 'storage-trouble' : status === 403 ? 'upload-url-dead' : 'storage-refused',
      text: `the platform’s storage answered ${String(status)}${excerpt === '' ? '' : `: ${excerpt}`}`,
      hint: isTrouble
        ? 'Nothing to do: it is tried again until it works.'
        : 'Look at what storage says, then retry the run.',
      reach: isTrouble ? 'platform' : 'run',
      status,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }

  #retryAfter({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): number | undefined {
    const header = headers['retry-after'];
    return retryAfterMs(typeof header === 'string' ? header : undefined, this.#options.clock.nowMs());
  }

  #noteDate({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): void {
    const header = headers['date'];
    const dateMs = typeof header === 'string' ? Date.parse(header) : Number.NaN;
    if (Number.isFinite(dateMs)) this.#offsetMs = dateMs - this.#options.clock.nowMs();
  }
}

async function* noting(
  body: AsyncIterable<Uint8Array>,
  note: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    note(error);
    throw error;
  }
}

/** A line that is cut in the middle of a body has a name like any other failure. */
async function* namingTrouble(body: AsyncIterable<Uint8Array>, asked: Asked): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new FailureError(failureOfConnection(asked, whatHappened(error)), { cause: error });
  }
}
