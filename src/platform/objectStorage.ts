/** The platform's storage: signed URLs that bytes are put to and got from, without the key. */
import { Readable } from 'node:stream';
import prettyBytes from 'pretty-bytes';
import type { Dispatcher } from 'undici';
import { linkTooSlow, RuntrackdError, storageRefused, type Failure } from '../core/failure.ts';
import { excerptOf, whatHappened } from './answerBody.ts';
import { failureOfContent, type Asked } from './answers.ts';
import { Deadline } from './deadline.ts';
import type { Requests } from './requests.ts';
import { distrust } from './trust.ts';
import { urlAnswer } from './wire.ts';

/** What a kernel holds of a connection at the most, in bytes: 4 MiB on Linux, unless somebody has raised it. */
const socketBytesMax = 4 * 1024 * 1024;
/** And how much of that has to be free before it takes more, likewise. */
const freedBytesMax = 1024 * 1024;

export class ObjectStorage {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Raw bytes, their length known, no Authorization. The same URL may be put to again. A link may be as slow as the
   * lifetime of upload ids allows, as long as something is taken again and again.
   * @param body at hand as a whole, or as a stream
   * @throws what `body` throws, unchanged; a RuntrackdError for everything that storage does
   */
  async put(
    uploadUrl: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    bytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { what: 'uploading to storage', app: null };
    let sourceError: Error | undefined;
    const beganMs = this.#requests.monotonicMs();
    const tookMs = (): number => this.#requests.monotonicMs() - beganMs;
    const leftMs = (): number => Math.max(1, this.#requests.uploadMsMax - tookMs());
    const isWhole = body instanceof Uint8Array;
    let taken = 0;
    // Whether the time that it has ends with the life of its upload id, and not because nothing is heard.
    const limit = { isAge: false };
    const timeFor = (onTheirWay: number): number => {
      const patienceMs = this.#requests.timeInStorageFor(onTheirWay);
      limit.isAge = leftMs() < patienceMs;
      return Math.min(leftMs(), patienceMs);
    };
    const deadline = new Deadline(signal, timeFor(isWhole ? bytes : Math.min(bytes, freedBytesMax)));
    const source = isWhole
      ? body
      : Readable.from(
          noting(
            body,
            (piece) => {
              taken += piece;
              // What was taken may be on its way still, and the next piece is taken when a good part of it has left.
              deadline.restart(timeFor(Math.min(bytes, taken < bytes ? freedBytesMax : socketBytesMax)));
            },
            (error) => {
              sourceError = error instanceof Error ? error : new Error(String(error));
            },
          ),
          { objectMode: false },
        );
    try {
      const answer = await deadline.request(uploadUrl, {
        method: 'PUT',
        headers: { 'content-length': String(bytes) },
        body: bytes === 0 ? null : source,
        dispatcher: this.#requests.dispatcher,
        headersTimeout: 0,
      });
      if (!isSuccess(answer)) {
        deadline.restart(Math.min(leftMs(), this.#requests.timeInStorageFor(0)));
        throw await this.#refusal(answer, signal);
      }
      await excerptOf(answer.body, this.#requests.heldKey());
      // Whatever storage has then, it is not what was to be uploaded.
      if (sourceError !== undefined) throw sourceError;
    } catch (error) {
      if (sourceError !== undefined) throw sourceError;
      if (error instanceof RuntrackdError || signal.aborted) throw error;
      // It went on to the last moment, and was not done; of what is sent in one piece nobody knows whether it goes on.
      if (deadline.signal.aborted && !isWhole && limit.isAge)
        throw new RuntrackdError(tooSlow('a file', bytes, tookMs()));
      throw unreachable(asked, error);
    } finally {
      deadline.end();
      if (source instanceof Readable) source.destroy();
    }
  }

  /**
   * The bytes behind a signed URL that an answer named.
   * @param answer the `{"url": …}` as it came
   * @param bytesMax what is expected at most: the time that is given grows with it
   */
  async get(
    answer: unknown,
    what: string,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const asked = { what, app: null };
    const found = urlAnswer.safeParse(answer);
    if (!found.success) throw new RuntrackdError(failureOfContent(asked, 'it names no URL'));
    const reason = distrust(found.data.url, this.#requests.endpoint);
    if (reason !== null)
      throw new RuntrackdError(failureOfContent(asked, `its URL is not followed, ${reason}`));
    const deadline = new Deadline(signal, this.#requests.timeInStorageFor(0));
    try {
      const answer = await deadline.request(found.data.url, { dispatcher: this.#requests.dispatcher });
      if (!isSuccess(answer)) {
        deadline.restart(this.#requests.timeInStorageFor(0));
        throw await this.#refusal(answer, signal);
      }
      const length = Number(answer.headers['content-length'] ?? bytesMax);
      deadline.restart(
        this.#requests.timeInStorageFor(Number.isFinite(length) ? Math.min(length, bytesMax) : bytesMax),
      );
      return namingTrouble(answer.body, asked, signal, deadline);
    } catch (error) {
      deadline.end();
      if (error instanceof RuntrackdError || signal.aborted) throw error;
      throw unreachable(asked, error);
    }
  }

  /** What storage said instead. Its status is what counts: words that do not come to an end in time are done without. */
  async #refusal(answer: Dispatcher.ResponseData, signal: AbortSignal): Promise<RuntrackdError> {
    const excerpt = await excerptOf(answer.body, this.#requests.heldKey()).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return '';
    });
    return new RuntrackdError(this.#failureOf(answer, excerpt));
  }

  #failureOf(answer: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>, excerpt: string): Failure {
    const status = answer.statusCode;
    const wait = this.#requests.retryAfterMs(answer.headers);
    return {
      ...meaningOf(status, codeIn(excerpt)),
      text: `the platform’s storage answered ${String(status)}${excerpt === '' ? '' : `: ${excerpt}`}`,
      status,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
}

function isSuccess({ statusCode }: Dispatcher.ResponseData): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** By what name S3 and its like call their trouble; several are told by the same status. */
function codeIn(excerpt: string): string {
  return /<Code>(\w+)<\/Code>/.exec(excerpt)?.[1] ?? '';
}

/** What an answer of storage means. Only what names the bytes themselves concerns the run they belong to. */
function meaningOf(status: number, code: string): Pick<Failure, 'class' | 'hint' | 'reach'> {
  if (status >= 500 || status === 429 || status === 408 || code === 'RequestTimeout') {
    return {
      class: 'storage-trouble',
      hint: 'Nothing to do: it is tried again until it works.',
      reach: 'storage',
    };
  }
  if (status === 403 || code === 'ExpiredToken') {
    // A proxy that lets nothing through to storage says so, too, and then it is no run's fault.
    return {
      class: 'upload-url-dead',
      hint: 'Is this machine’s clock right, and does a proxy on the way let uploads through? It is tried again with a fresh URL.',
      reach: 'storage',
    };
  }
  if (status < 400 || status === 401 || status === 407) {
    return {
      class: 'intercepted',
      hint: 'Look for a proxy or a sign-in page between this machine and the platform’s storage.',
      reach: 'storage',
    };
  }
  return { class: storageRefused, hint: 'Look at what storage says, then retry the run.', reach: 'run' };
}

function unreachable(asked: Asked, error: unknown): RuntrackdError {
  const failure: Failure = {
    class: 'storage-unreachable',
    text: `the platform’s storage cannot be reached (${asked.what}): ${whatHappened(error)}`,
    hint: 'Check that the network and the proxy let this machine reach the hosts of the signed URLs, not only the API; delivery goes on by itself.',
    reach: 'storage',
  };
  return new RuntrackdError(failure, { cause: error });
}

/** Such an upload can never be used, however often it is made. @param what it was an upload of */
export function tooSlow(what: string, bytes: number, tookMs: number): Failure {
  const minutes = Math.round(tookMs / 60_000);
  return {
    class: linkTooSlow,
    text: `uploading ${what} (${prettyBytes(bytes)}) took ${String(minutes)} minutes: too slow for the lifetime of upload URLs, which is a quarter of an hour`,
    hint: 'Use a faster link, or make the file smaller; then `runtrackd retry` it.',
    reach: 'run',
  };
}

/**
 * The same pieces. The last one is held back until the body has said that it is whole, which it may do only after it: else
 * storage could have everything, and say so, before what is wrong with it shows.
 */
async function* noting(
  body: AsyncIterable<Uint8Array>,
  onTaken: (bytes: number) => void,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  // What is thrown in here, when the connection ends, is no trouble of the body.
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      return await pieces.next();
    } catch (error) {
      onError(error);
      throw error;
    }
  };
  try {
    for (let piece = await next(); piece.done !== true;) {
      const following = await next();
      yield piece.value;
      // Only when the next one is asked for was this one taken.
      onTaken(piece.value.length);
      piece = following;
    }
  } finally {
    await pieces.return?.();
  }
}

/** A line that is cut in the middle of a body has a name like any other failure. */
async function* namingTrouble(
  body: AsyncIterable<Uint8Array>,
  asked: { readonly what: string; readonly app: null },
  signal: AbortSignal,
  deadline: Deadline,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (signal.aborted) throw error;
    throw unreachable(asked, error);
  } finally {
    deadline.end();
  }
}
