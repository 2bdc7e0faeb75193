/** The platform's storage: signed URLs that bytes are put to and got from, without the key. */
import { Readable } from 'node:stream';
import { request, type Dispatcher } from 'undici';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { excerptOf, whatHappened } from './answerBody.ts';
import { failureOfContent, type Asked } from './answers.ts';
import { Deadline } from './deadline.ts';
import type { Requests } from './requests.ts';
import { distrust } from './trust.ts';
import { urlAnswer } from './wire.ts';

export class ObjectStorage {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Raw bytes, their length known, no Authorization. The same URL may be put to again.
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
    const source =
      body instanceof Uint8Array
        ? body
        : Readable.from(
            noting(body, (error) => {
              sourceError = error instanceof Error ? error : new Error(String(error));
            }),
            { objectMode: false },
          );
    const deadline = new Deadline(signal, this.#requests.timeFor(bytes));
    try {
      const answer = await request(uploadUrl, {
        method: 'PUT',
        headers: { 'content-length': String(bytes) },
        body: bytes === 0 ? null : source,
        dispatcher: this.#requests.dispatcher,
        signal: deadline.signal,
        headersTimeout: 0,
      });
      const excerpt = await excerptOf(answer.body, this.#requests.heldKey());
      if (answer.statusCode >= 200 && answer.statusCode < 300) return;
      throw new RuntrackdError(this.#failureOf(answer, excerpt));
    } catch (error) {
      if (sourceError !== undefined) throw sourceError;
      if (error instanceof RuntrackdError || signal.aborted) throw error;
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
    const deadline = new Deadline(signal, this.#requests.timeFor(0));
    try {
      const { statusCode, body, headers } = await request(found.data.url, {
        dispatcher: this.#requests.dispatcher,
        signal: deadline.signal,
      });
      const length = Number(headers['content-length'] ?? bytesMax);
      deadline.restart(
        this.#requests.timeFor(Number.isFinite(length) ? Math.min(length, bytesMax) : bytesMax),
      );
      if (statusCode >= 200 && statusCode < 300) return namingTrouble(body, asked, signal, deadline);
      const excerpt = await excerptOf(body, this.#requests.heldKey());
      throw new RuntrackdError(this.#failureOf({ statusCode, headers }, excerpt));
    } catch (error) {
      deadline.end();
      if (error instanceof RuntrackdError || signal.aborted) throw error;
      throw unreachable(asked, error);
    }
  }

  #failureOf(answer: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>, excerpt: string): Failure {
    const status = answer.statusCode;
    const wait = this.#requests.retryAfterMs(answer.headers);
    return {
      ...meaningOf(status),
      text: `the platform’s storage answered ${String(status)}${excerpt === '' ? '' : `: ${excerpt}`}`,
      status,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
}

/** What a status of storage means. Only what names the bytes themselves concerns the run they belong to. */
function meaningOf(status: number): Pick<Failure, 'class' | 'hint' | 'reach'> {
  if (status >= 500 || status === 429 || status === 408) {
    return {
      class: 'storage-trouble',
      hint: 'Nothing to do: it is tried again until it works.',
      reach: 'storage',
    };
  }
  if (status === 403) {
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
  return { class: 'storage-refused', hint: 'Look at what storage says, then retry the run.', reach: 'run' };
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
